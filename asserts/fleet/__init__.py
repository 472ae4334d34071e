"""Many models at once, on an engine that is there: this machine, Dask or Ray.

`finding` makes tasks of paths, an engine of `engines` runs `desk.work_on` for each of them,
and `run` writes what comes back into the `journal`, so that the next run goes on where this
one ended; then `tables` and `overview` make a Parquet file and a page of all rows. Every model
is worked on in a worker process of `asserts.work`, with limits. Dask, Ray and pyarrow are
imported at first use. Imports `work` and folders before it.
"""
