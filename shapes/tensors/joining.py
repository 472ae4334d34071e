"""Tensors joined, split and repeated."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from shapes.expr.booleans import conjunction, disjunction, equal, less_equal, not_equal
from shapes.expr.integers import floor_division, modulo
from shapes.expr.linear import multiply, shift
from shapes.expr.nodes import ExprLike, IntExpr, combine, constant
from shapes.tensors.core import (
    ONE,
    ZERO,
    Dims,
    Known,
    Needs,
    Shape,
    ShapeResult,
    as_shape,
    axis_of,
    dim,
    never,
    product,
    show_shape,
)

__all__ = ["array_split", "concatenate", "pad", "repeat", "split", "stack", "tile"]


def _sum(parts: Sequence[IntExpr]) -> IntExpr:
    return reduce(lambda a, b: combine(1, a, 1, b), parts, ZERO)


def concatenate(shapes: Sequence[Dims], axis: int | None = 0) -> ShapeResult:
    """Joined along an axis (None: all flattened); the other sizes are equal."""
    operands = [as_shape(dims) for dims in shapes]
    if not operands:
        raise never("need at least one array to concatenate")
    if axis is None:
        return ShapeResult((_sum([product(s) for s in operands]),))
    rank = len(operands[0])
    if rank == 0:
        raise never("zero-dimensional arrays cannot be concatenated")
    shown = " ".join(show_shape(s) for s in operands)
    if any(len(s) != rank for s in operands):
        raise never(
            "all the input arrays must have same number of dimensions, but concatenate got "
            + shown
        )
    at = axis_of(axis, rank)
    reason = (
        "all the input array dimensions except for the concatenation axis must match "
        f"exactly: {shown} along axis {at}"
    )
    needs = Needs()
    shape = _common(operands, reason, needs, skip=at)
    joined = _sum([s[at] for s in operands])
    return needs.result((*shape[:at], joined, *shape[at + 1 :]))


def _common(
    operands: Sequence[Shape], reason: str, needs: Needs, skip: int | None = None
) -> Shape:
    """The sizes that all operands have, on every axis but one."""
    common = list(operands[0])
    for operand in operands[1:]:
        for i, size in enumerate(operand):
            if i != skip:
                common[i] = needs.equal(common[i], size, reason)
    return tuple(common)


def stack(shapes: Sequence[Dims], axis: int = 0) -> ShapeResult:
    """Joined along a new axis; all shapes are equal."""
    operands = [as_shape(dims) for dims in shapes]
    if not operands:
        raise never("need at least one array to stack")
    shown = " ".join(show_shape(s) for s in operands)
    reason = f"all input arrays must have the same shape: {shown}"
    if len({len(s) for s in operands}) > 1:
        raise never(reason)
    at = axis_of(axis, len(operands[0]) + 1)
    needs = Needs()
    shape = _common(operands, reason, needs)
    return needs.result((*shape[:at], constant(len(operands)), *shape[at:]))


def split(dims: Dims, sections: int, axis: int = 0) -> tuple[ShapeResult, ...]:
    """Equal parts along an axis; the number of parts divides the size."""
    shape = as_shape(dims)
    at = axis_of(axis, len(shape))
    if sections < 1:
        raise never(f"array split into {sections} sections: there must be at least one")
    needs = Needs()
    parts = constant(sections)
    needs.add(
        equal(modulo(shape[at], parts), ZERO),
        f"array split does not result in an equal division: {show_shape(shape)} into "
        f"{sections} along axis {at}",
    )
    size = floor_division(shape[at], parts)
    part = needs.result((*shape[:at], size, *shape[at + 1 :]))
    return (part, *[ShapeResult(part.shape)] * (sections - 1))


def array_split(dims: Dims, sections: int, axis: int = 0) -> tuple[ShapeResult, ...]:
    """Parts of nearly equal sizes: the first ``n % sections`` are one longer."""
    shape = as_shape(dims)
    at = axis_of(axis, len(shape))
    if sections < 1:
        raise never("number sections must be larger than 0.")
    sizes = [
        floor_division(shift(shape[at], sections - 1 - i), constant(sections))
        for i in range(sections)
    ]
    return tuple(ShapeResult((*shape[:at], size, *shape[at + 1 :])) for size in sizes)


def repeat(dims: Dims, count: ExprLike, axis: int | None = None) -> ShapeResult:
    """Every element (or slice of an axis) so many times.

    The count is not negative, unless there is nothing to repeat.
    """
    shape = as_shape(dims)
    times = dim(count)
    at = 0 if axis is None else axis_of(axis, max(len(shape), 1))
    shape = (product(shape),) if axis is None else (shape or (ONE,))
    needs = Needs()
    needs.add(
        disjunction(less_equal(ZERO, times), equal(shape[at], ZERO)),
        f"repeats may not contain negative values: {times}",
    )
    return needs.result((*shape[:at], multiply(shape[at], times), *shape[at + 1 :]))


def repeat_each(
    dims: Dims, counts: Dims, total: ExprLike, axis: int | None = None
) -> ShapeResult:
    """Every element as often as its count says; `total` is the sum of the counts used.

    There is one count, or one for each element (or slice of the axis).
    """
    shape, numbers = as_shape(dims), as_shape(counts)
    if len(numbers) > 1:
        raise never(f"object too deep for desired array: repeats of shape {numbers}")
    at = 0 if axis is None else axis_of(axis, max(len(shape), 1))
    shape = (product(shape),) if axis is None else (shape or (ONE,))
    needs = Needs()
    if numbers:
        needs.add(
            disjunction(equal(numbers[0], shape[at]), equal(numbers[0], ONE)),
            f"operands could not be broadcast together with shape ({shape[at]},) "
            f"{show_shape(numbers)}",
        )
    return needs.result((*shape[:at], dim(total), *shape[at + 1 :]))


def tile(dims: Dims, reps: Dims, known: Known | None = None) -> ShapeResult:
    """The whole tensor repeated along its axes; the numbers are not negative, unless there
    is nothing to repeat along an axis."""
    shape, times = as_shape(dims), as_shape(reps)
    rank = max(len(shape), len(times))
    shape = (ONE,) * (rank - len(shape)) + shape
    times = (ONE,) * (rank - len(times)) + times
    needs = Needs()
    for size, count in zip(shape, times):
        needs.add(
            disjunction(less_equal(ZERO, count), equal(size, ZERO)),
            f"negative dimensions are not allowed: {count}",
        )
    return needs.result(multiply(d, c) for d, c in zip(shape, times))


def pad(
    dims: Dims, widths: Sequence[tuple[ExprLike, ExprLike]], mode: str = "constant"
) -> ShapeResult:
    """Widened on both sides of every axis; widths are not negative.

    Modes that repeat elements cannot widen an empty axis. Raises `ShapeError` if there is
    not one pair of widths for each axis.
    """
    shape = as_shape(dims)
    if len(widths) != len(shape):
        raise never(f"{len(widths)} pairs of pad widths for shape {show_shape(shape)}")
    needs = Needs()
    result = []
    for i, (size, pair) in enumerate(zip(shape, widths)):
        before, after = map(dim, pair)
        for width in (before, after):
            needs.add(less_equal(ZERO, width), f"pad widths can't be negative: {width}")
        if mode not in ("constant", "empty"):
            unchanged = conjunction(equal(before, ZERO), equal(after, ZERO))
            needs.add(
                disjunction(not_equal(size, ZERO), unchanged),
                f"can't extend empty axis {i} using modes other than 'constant' or 'empty'",
            )
        result.append(_sum([before, size, after]))
    return needs.result(result)
