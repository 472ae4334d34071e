"""What a comparison with a constant says about a float symbol."""

from __future__ import annotations

import math

from shapes.domains import ValueRanges
from shapes.expr import CONSTANT, Expr

__all__ = ["compared_with_constant"]


def compared_with_constant(claim: Expr) -> tuple[Expr, ValueRanges] | None:
    """The float symbol and the range that a comparison leaves it: ``t <= 2.5``, ``0 < t``,
    ``t == 1.0``. None for any other condition, and for an integer that is no double."""
    if claim.op.name not in ("FloatLe", "FloatLt", "FloatEq"):
        return None
    left, right = claim.args
    if left.is_symbol and left.kind == "float" and right.op is CONSTANT:
        sym, value, below = left, right.value, True
    elif right.is_symbol and right.kind == "float" and left.op is CONSTANT:
        sym, value, below = right, left.value, False
    else:
        return None
    if not isinstance(value, (int, float)) or math.isnan(value):
        return None
    try:
        end = float(value)
    except OverflowError:
        return None
    if end != value:
        return None
    if claim.op.name == "FloatEq":
        return sym, ValueRanges(end, end)
    if claim.op.name == "FloatLt":
        end = math.nextafter(end, -math.inf if below else math.inf)
    if below:
        return sym, ValueRanges(-math.inf, end)
    return sym, ValueRanges(end, math.inf)
