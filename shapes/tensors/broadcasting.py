"""Broadcasting: sizes are equal, or one of them is 1.

`broadcast_dim` decides one pair. Where neither size is known to be different from 1, the
result is ``Where(a == 1, b, a)``, which is right in all three accepted cases.
"""

from __future__ import annotations

from shapes.expr.booleans import disjunction, equal, less_equal, where
from shapes.expr.nodes import TRUE, Expr, IntExpr
from shapes.expr.operators import OPERATORS
from shapes.tensors.core import (
    ONE,
    ZERO,
    Dims,
    Known,
    Needs,
    Shape,
    ShapeResult,
    as_shape,
    decide,
    never,
    show_shape,
)

__all__ = ["broadcast", "broadcast_dim", "broadcast_to"]


def broadcast(*shapes: Dims, known: Known | None = None) -> ShapeResult:
    """The common shape of operands of an elementwise operation."""
    operands = [as_shape(dims) for dims in shapes]
    reason = (
        "operands could not be broadcast together with shapes "
        + " ".join(show_shape(s) for s in operands)
    )
    needs = Needs()
    result: Shape = ()
    for operand in operands:
        result = _broadcast_pair(result, operand, reason, needs, known)
    return needs.result(result)


def _broadcast_pair(
    a: Shape, b: Shape, reason: str, needs: Needs, known: Known | None
) -> Shape:
    rank = max(len(a), len(b))
    a, b = (ONE,) * (rank - len(a)) + a, (ONE,) * (rank - len(b)) + b
    return tuple(broadcast_dim(x, y, reason, needs, known) for x, y in zip(a, b))


def broadcast_dim(
    a: IntExpr, b: IntExpr, reason: str, needs: Needs, known: Known | None = None
) -> IntExpr:
    """The common size of two sizes; what is needed for that goes to `needs`."""
    if a is b or b is ONE or _is_broadcast_of(a, b):
        return a
    if a is ONE or _is_broadcast_of(b, a):
        return b
    same, a_one, b_one = equal(a, b), equal(a, ONE), equal(b, ONE)
    if decide(same, known):
        return b if b.is_constant else a
    is_a_one, is_b_one = decide(a_one, known), decide(b_one, known)
    if is_a_one:
        return b
    if is_b_one:
        return a
    accepted: list[Expr] = [same]
    if is_a_one is None:
        accepted.append(a_one)
    if is_b_one is None:
        accepted.append(b_one)
    needs.add(disjunction(*accepted), reason)
    if is_a_one is False:
        return b if is_b_one is False and b.is_constant else a
    if is_b_one is False:
        return b
    chosen = where(a_one, b, a)
    assert isinstance(chosen, IntExpr)
    return chosen


def _is_broadcast_of(r: IntExpr, a: IntExpr) -> bool:
    """Whether r is ``Where(a == 1, b, a)``: that accepts a, and stays what it is."""
    if r.op is not OPERATORS["Where"]:
        return False
    condition, _, otherwise = r.args
    return otherwise is a and condition is equal(a, ONE)


def broadcast_to(dims: Dims, target: Dims, known: Known | None = None) -> ShapeResult:
    """One operand in a given shape: every size is that of the target, or 1.

    Raises `ShapeError` if the target has fewer axes.
    """
    shape, wanted = as_shape(dims), as_shape(target)
    if len(shape) > len(wanted):
        raise never(
            f"input operand has more dimensions than allowed by the axis remapping: "
            f"{show_shape(shape)} to {show_shape(wanted)}"
        )
    reason = f"cannot broadcast {show_shape(shape)} to shape {show_shape(wanted)}"
    needs = Needs()
    for size in wanted:
        needs.add(less_equal(ZERO, size), f"{reason}: {size} is negative")
    for have, want in zip(shape, wanted[len(wanted) - len(shape) :]):
        fits = disjunction(equal(have, want), equal(have, ONE))
        needs.add(TRUE if decide(fits, known) else fits, reason)
    return needs.result(wanted)
