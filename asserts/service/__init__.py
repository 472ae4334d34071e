"""The service: proofs, environments and programs over HTTP, and a page for people.

`app` puts it together from `routes/`. Whatever reads a stranger's question or file runs in a
worker process of `asserts.work` (`answering` is what it does there). `store` keeps
environments, programs and jobs with SQLAlchemy; `jobs` runs what takes longer. `run` is behind
the verb ``serve``. Its libraries (the extra `service`) are imported here only. Imports the
modules of `cli` that make JSON, `work`, and folders before it.
"""
