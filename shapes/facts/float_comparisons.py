"""Comparisons of doubles: the ranges and the exclusions that they imply for symbols."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from shapes.domains import ValueRanges
from shapes.expr.nodes import CONSTANT, OPERATORS, BoolExpr, Expr

__all__ = ["compared", "excluded", "reversed_order"]

_COMPARISONS: Final = ("FloatLe", "FloatLt", "FloatEq")
_NUMBER: Final = ValueRanges(-math.inf, math.inf)


def compared(claim: Expr) -> Iterator[tuple[Expr, ValueRanges]]:
    """The float symbols that a comparison compares, and the ranges that it leaves them:
    ``t <= 2.5``, ``0 < t``, ``t == 1.0``, and what is compared at all is not NaN."""
    if claim.op.name not in _COMPARISONS:
        return
    left, right = claim.args
    for side, other in ((left, right), (right, left)):
        if side.is_symbol and side.kind == "float":
            yield side, _beside(claim.op.name, other, side is left)


def _beside(name: str, other: Expr, below: bool) -> ValueRanges:
    """The range of what is compared with another expression, and stands on its left."""
    value = other.value if other.op is CONSTANT else None
    if not isinstance(value, (int, float)) or math.isnan(value):
        return _NUMBER
    try:
        end = float(value)
    except OverflowError:
        return _NUMBER
    if end != value:
        return _NUMBER  # an integer that is not a double
    if name == "FloatEq":
        return ValueRanges(end, end)
    if name == "FloatLt":
        end = math.nextafter(end, -math.inf if below else math.inf)
    return ValueRanges(-math.inf, end) if below else ValueRanges(end, math.inf)


def excluded(claim: Expr) -> Iterator[BoolExpr]:
    """Comparisons of the same two that cannot hold beside this one."""
    if claim.op.name not in _COMPARISONS:
        return
    a, b = claim.args
    yield _build("FloatLt", b, a)
    if claim.op.name == "FloatEq":
        yield _build("FloatLt", a, b)
    if claim.op.name == "FloatLt":
        yield from (_build(name, b, a) for name in ("FloatLe", "FloatEq"))
        yield _build("FloatEq", a, b)


def reversed_order(claim: Expr) -> BoolExpr | None:
    """For a denied ``a < b`` or ``a <= b`` what holds instead, if neither is NaN."""
    if claim.op.name == "FloatLe":
        return _build("FloatLt", *reversed(claim.args))
    return _build("FloatLe", *reversed(claim.args)) if claim.op.name == "FloatLt" else None


def _build(name: str, a: Expr, b: Expr) -> BoolExpr:
    build = OPERATORS[name].build
    assert build is not None
    made = build(a, b)
    assert isinstance(made, BoolExpr)
    return made
