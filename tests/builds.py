"""What differs between the two builds of the package: the tests run on both."""

from __future__ import annotations

import pytest

from shapes import COMPILED

__all__ = ["interpreted_only"]

interpreted_only = pytest.mark.skipif(
    COMPILED,
    reason="compiled code has no bytecode to count, no docstrings, and fixed constants and calls",
)
"""For tests that count instructions, read docstrings, or put something in place of a part."""
