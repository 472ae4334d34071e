"""The table of operators, filled: importing this module imports every family."""

from __future__ import annotations

from asserts.dialects.onnx.rules import (
    classical,
    contrib,
    elementwise,
    layout,
    made,
    normalization,
    products,
    recurrent,
    reductions,
    selection,
    sequences,
    windows,
)
from asserts.dialects.onnx.rules.record import TABLE, Operator

__all__ = ["find"]

FAMILIES = (
    classical,
    contrib,
    elementwise,
    layout,
    made,
    normalization,
    products,
    recurrent,
    reductions,
    selection,
    sequences,
    windows,
)


def find(domain: str, name: str) -> Operator | None:
    """The record of an operator, if there is one."""
    return TABLE.records.get((domain, name))
