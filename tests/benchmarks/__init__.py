"""The same work here and on the peers: ``python -m tests.benchmarks``.

A workload (one module in `workloads`) is plain data and a function that drives an engine
through it. An engine (one module in `engines`) turns the data into its own expressions.
Every measurement runs in a fresh process (`worker`), ours and the peers' in turns
(`runner`); answers are compared with what plain Python computes; medians, ratios and
exponents of growth are printed (`report`), and written to the docs on request (`docs`).
"""
