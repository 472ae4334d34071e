"""The passes, one module each: insert, remove and minimise runtime asserts, and those beside.

A pass is a frozen record: options as fields, `requires`, `run`, `ensures`. Whatever differs
between frameworks it asks of the dialect.
"""
