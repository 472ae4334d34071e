"""Parts of a tensor: slices, single indices, arrays of indices; and the length of a range.

A slice follows `slice.indices`: negative bounds count from the end, then everything is
clamped into the axis. The formulas are exact for bounds and steps of any sign; where the
signs are not known, they say so with `Where`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shapes.expr.booleans import (
    conjunction,
    disjunction,
    equal,
    less,
    less_equal,
    not_equal,
    where,
)
from shapes.expr.integers import ceiling_division, floor_division
from shapes.expr.linear import multiply, shift
from shapes.expr.nodes import BoolExpr, ExprLike, IntConstant, IntExpr, combine, constant
from shapes.tensors.broadcasting import broadcast
from shapes.tensors.core import (
    ONE,
    ZERO,
    Dims,
    Known,
    Need,
    Needs,
    ShapeResult,
    as_shape,
    axis_of,
    decide,
    dim,
    larger,
    product,
    show_shape,
    smaller,
)
from shapes.tensors.reductions import nonempty_take

__all__ = [
    "arange",
    "created",
    "gather",
    "gathered_inside",
    "index",
    "slice_length",
    "take",
    "triangle",
]

Bound = ExprLike | None


def _or_int(chosen: object) -> IntExpr:
    assert isinstance(chosen, IntExpr)
    return chosen


def slice_length(
    n: ExprLike,
    start: Bound = None,
    stop: Bound = None,
    step: Bound = None,
    known: Known | None = None,
) -> ShapeResult:
    """The length of ``x[start:stop:step]`` on an axis of size n, as a shape of one size.

    The step is not 0.
    """
    size = dim(n)
    by = ONE if step is None else dim(step)
    needs = Needs()
    needs.add(not_equal(by, ZERO), "slice step cannot be zero")
    sign = decide(less(ZERO, by), known)
    if by is ZERO:
        return needs.result((ZERO,))
    if sign is True:
        return needs.result((_forward(size, start, stop, by, known),))
    if sign is False:
        return needs.result((_backward(size, start, stop, by, known),))
    either = where(
        less(ZERO, by),
        _forward(size, start, stop, by, known),
        _backward(size, start, stop, by, known),
    )
    return needs.result((_or_int(either),))


def _forward(
    n: IntExpr, start: Bound, stop: Bound, step: IntExpr, known: Known | None
) -> IntExpr:
    first = ZERO if start is None else _from_front(dim(start), n, ZERO, n, known)
    last = n if stop is None else _from_front(dim(stop), n, ZERO, n, known)
    steps = ceiling_division(combine(1, last, -1, first), step)
    # Both ends are in 0..n, so an open end is never passed.
    if first is ZERO or last is n:
        return steps
    return larger(steps, ZERO, known)


def _backward(
    n: IntExpr, start: Bound, stop: Bound, step: IntExpr, known: Known | None
) -> IntExpr:
    lowest, highest = constant(-1), shift(n, -1)
    first = highest if start is None else _from_front(dim(start), n, lowest, highest, known)
    last = lowest if stop is None else _from_front(dim(stop), n, lowest, highest, known)
    steps = ceiling_division(combine(1, last, -1, first), step)
    if last is lowest or first is highest:
        return steps
    return larger(steps, ZERO, known)


def _from_front(
    bound: IntExpr, n: IntExpr, lowest: IntExpr, highest: IntExpr, known: Known | None
) -> IntExpr:
    """A bound counted from the front and clamped between the ends."""
    negative = decide(less(bound, ZERO), known)
    if highest is n and (bound is n or bound is ZERO):
        return bound
    if negative is False:
        return smaller(bound, highest, known)
    from_end = larger(combine(1, bound, 1, n), lowest, known)
    if negative:
        return from_end
    from_start = smaller(bound, highest, known)
    return _or_int(where(less(bound, ZERO), from_end, from_start))


def index(n: ExprLike, at: ExprLike, axis: int = 0) -> ShapeResult:
    """One element of an axis: ``-n <= at < n``; the axis goes."""
    size, place = dim(n), dim(at)
    needs = Needs()
    reason = f"index {place} is out of bounds for axis {axis} with size {size}"
    inside = conjunction(
        less_equal(ZERO, combine(1, size, 1, place)), less(place, size)
    )
    needs.add(inside, reason)
    return needs.result(())


def inside(n: IntExpr, places: Iterable[IntExpr]) -> BoolExpr:
    """Whether all of these are places of an axis of size n, negative ones from its end."""
    found: list[BoolExpr] = []
    for place in places:
        negative = isinstance(place, IntConstant) and place.constant < 0
        if negative or not place.is_constant:
            found.append(less_equal(ZERO, combine(1, n, 1, place)))
        if not negative:
            found.append(less(place, n))
    return conjunction(*found)


def take(
    dims: Dims,
    indices: Dims,
    axis: int | None = None,
    places: Sequence[IntExpr] | None = None,
    checked: bool = True,
) -> ShapeResult:
    """`numpy.take`: the index array's shape in place of the axis (None: of everything).

    The values of the indices are known as `places`, or not a matter of shapes: then only that
    nothing is taken from an empty axis. They are `checked` unless they are clipped or wrapped.
    """
    shape, picked = as_shape(dims), as_shape(indices)
    needs = Needs()
    if axis is None:
        shape, at = (product(shape),), 0
        result = picked
    else:
        at = axis_of(axis, max(len(shape), 1))
        shape = shape or (ONE,)
        result = (*shape[:at], *picked, *shape[at + 1 :])
    # numpy looks at the indices once for each of the places in front of the axis.
    looked_at = product((*shape[:at], *picked))
    if checked and places is not None:
        reason = f"an index is out of bounds for axis {at} with size {shape[at]}"
        needs.add(disjunction(equal(looked_at, ZERO), inside(shape[at], places)), reason)
    else:
        nonempty_take(shape[at], looked_at if checked else product(result), needs)
    return needs.result(result)


def gathered_inside(n: ExprLike, common: Dims, places: Sequence[IntExpr], axis: int) -> Need:
    """That indices of an axis are in range; nothing looks at them where the shape that all
    index arrays have in common is empty."""
    size = dim(n)
    empty = equal(product(as_shape(common)), ZERO)
    reason = f"an index is out of bounds for axis {axis} with size {size}"
    return Need(disjunction(empty, inside(size, places)), reason)


def gather(
    dims: Dims, indices: Sequence[Dims], first: int = 0, known: Known | None = None
) -> ShapeResult:
    """Adjacent axes, from `first` on, indexed by arrays that broadcast together."""
    shape = as_shape(dims)
    common = broadcast(*indices, known=known)
    rest = shape[first + len(indices) :]
    needs = Needs()
    shown = " ".join(show_shape(as_shape(i)) for i in indices)
    for need in common.needs:
        needs.add(
            need.condition,
            f"shape mismatch: indexing arrays could not be broadcast together with shapes "
            f"{shown}",
        )
    return needs.result((*shape[:first], *common.shape, *rest))


def arange(
    start: ExprLike, stop: ExprLike, step: ExprLike = 1, known: Known | None = None
) -> ShapeResult:
    """The length of ``arange(start, stop, step)`` for integers; the step is not 0."""
    a, b, by = dim(start), dim(stop), dim(step)
    needs = Needs()
    needs.add(not_equal(by, ZERO), "arange: the step cannot be zero")
    if by is ZERO:
        return needs.result((ZERO,))
    steps = ceiling_division(combine(1, b, -1, a), by)
    return needs.result((larger(steps, ZERO, known),))


def created(dims: Dims) -> ShapeResult:
    """A new tensor (`zeros`, `full`, ...): no size is negative."""
    shape = as_shape(dims)
    needs = Needs()
    for size in shape:
        needs.add(less_equal(ZERO, size), f"negative dimensions are not allowed: {size}")
    return needs.result(shape)


def triangle(
    rows: IntExpr, columns: IntExpr, offset: IntExpr, known: Known | None = None
) -> ShapeResult:
    """The places (i, j) with ``j <= i + offset`` of a matrix, as a shape of one size.

    Row i has as many as ``i + offset + 1``, between 0 and the columns, so the count is a
    difference of two sums of the numbers above 0 in a run.
    """
    n, m = larger(rows, ZERO, known), larger(columns, ZERO, known)

    def run(start: IntExpr) -> IntExpr:
        """The sum of ``max(i + start, 0)`` over the rows."""
        last = _up_to(shift(combine(1, n, 1, start), -1), known)
        return combine(1, last, -1, _up_to(shift(start, -1), known))

    first = shift(offset, 1)
    return ShapeResult((combine(1, run(first), -1, run(combine(1, first, -1, m))),))


def _up_to(end: IntExpr, known: Known | None) -> IntExpr:
    """``1 + 2 + ... + end``, 0 for an end below 1."""
    last = larger(end, ZERO, known)
    return floor_division(multiply(last, shift(last, 1)), constant(2))
