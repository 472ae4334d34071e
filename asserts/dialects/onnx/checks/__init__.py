"""Runtime asserts in models: what is asserted, where it stands, and how it is written.

Imports `passes`, `verify` and the other folders of the dialect.
"""
