"""The workloads, one family a module; a module lists its own in `WORKLOADS`.

Modules here import no engine: they draw plain data, and drive what they are given.
"""
