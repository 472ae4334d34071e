"""The same elements in another shape: reshape, transpose, new and dropped axes."""

from __future__ import annotations

from collections.abc import Sequence

from shapes.expr.booleans import conjunction, equal, less, less_equal, not_equal, where
from shapes.expr.integers import floor_division, modulo
from shapes.expr.nodes import IntConstant, IntExpr
from shapes.tensors.core import (
    ONE,
    ZERO,
    Dims,
    Known,
    Needs,
    Shape,
    ShapeResult,
    UndecidedRankError,
    as_shape,
    axes_of,
    axis_of,
    decide,
    never,
    product,
    show_shape,
)

__all__ = [
    "expand_dims",
    "moveaxis",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "transpose",
]


def reshape(dims: Dims, target: Dims, known: Known | None = None) -> ShapeResult:
    """All elements in another shape; one size may be -1, and is then what is left.

    As in numpy, any negative number stands for the unknown size, and the others' product
    must then not be 0; so does a symbolic size where it is negative, if it is the only one of
    which that is not excluded (of several, each has to be non-negative). Raises `ShapeError`
    for two unknown sizes.
    """
    shape, wanted = as_shape(dims), as_shape(target)
    holes = [i for i, d in enumerate(wanted) if isinstance(d, IntConstant) and d.constant < 0]
    if len(holes) > 1:
        raise never("can only specify one unknown dimension")
    size = product(shape)
    shown = "(" + ",".join("?" if i in holes else str(d) for i, d in enumerate(wanted)) + ")"
    reason = f"cannot reshape array of size {size} into shape {shown}"
    needs = Needs()
    open_signs = [
        i
        for i, d in enumerate(wanted)
        if not isinstance(d, IntConstant) and decide(less_equal(ZERO, d), known) is not True
    ]
    if len(open_signs) == 1 and not holes:
        return _perhaps_inferred(size, wanted, open_signs[0], reason)
    for d in wanted:
        if not isinstance(d, IntConstant):
            needs.add(less_equal(ZERO, d), f"{reason}: {d} is negative")
    if not holes:
        needs.add(equal(size, product(wanted)), reason)
        return needs.result(wanted)
    others = product(d for i, d in enumerate(wanted) if i not in holes)
    needs.add(not_equal(others, ZERO), reason)
    if others is ZERO:
        return needs.result(ZERO if i in holes else d for i, d in enumerate(wanted))
    needs.add(equal(modulo(size, others), ZERO), reason)
    left = floor_division(size, others)
    return needs.result(left if i in holes else d for i, d in enumerate(wanted))


def _perhaps_inferred(size: IntExpr, wanted: Shape, at: int, reason: str) -> ShapeResult:
    """A shape in which one size is what is left where it is negative."""
    given = wanted[at]
    others = product(d for i, d in enumerate(wanted) if i != at)
    negative = less(given, ZERO)
    divides = conjunction(not_equal(others, ZERO), equal(modulo(size, others), ZERO))
    needs = Needs()
    needs.add(where(negative, divides, equal(size, product(wanted))), reason)
    left = where(negative, floor_division(size, others), given)
    assert isinstance(left, IntExpr)
    return needs.result(left if i == at else d for i, d in enumerate(wanted))


def ravel(dims: Dims) -> ShapeResult:
    """All elements in one axis."""
    return ShapeResult((product(as_shape(dims)),))


def transpose(dims: Dims, axes: Sequence[int] | None = None) -> ShapeResult:
    """Axes in another order, reversed by default. Raises `ShapeError` for bad axes."""
    shape = as_shape(dims)
    if axes is None:
        return ShapeResult(shape[::-1])
    if len(axes) != len(shape):
        raise never("axes don't match array")
    return ShapeResult(tuple(shape[i] for i in axes_of(axes, len(shape))))


def swapaxes(dims: Dims, axis1: int, axis2: int) -> ShapeResult:
    """Two axes exchanged."""
    shape = list(as_shape(dims))
    i, j = axis_of(axis1, len(shape)), axis_of(axis2, len(shape))
    shape[i], shape[j] = shape[j], shape[i]
    return ShapeResult(tuple(shape))


def moveaxis(
    dims: Dims, source: int | Sequence[int], destination: int | Sequence[int]
) -> ShapeResult:
    """Axes moved to other places, the others in their order."""
    shape = as_shape(dims)
    sources, places = axes_of(source, len(shape)), axes_of(destination, len(shape))
    if len(sources) != len(places):
        raise never("`source` and `destination` arguments must have the same number")
    order = [i for i in range(len(shape)) if i not in sources]
    for place, axis in sorted(zip(places, sources)):
        order.insert(place, axis)
    return ShapeResult(tuple(shape[i] for i in order))


def expand_dims(dims: Dims, axis: int | Sequence[int]) -> ShapeResult:
    """New axes of size 1 at these places of the result."""
    shape = as_shape(dims)
    wanted = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = len(shape) + len(wanted)
    places = axes_of(wanted, rank)
    rest = iter(shape)
    return ShapeResult(tuple(ONE if i in places else next(rest) for i in range(rank)))


def squeeze(
    dims: Dims, axis: int | Sequence[int] | None = None, known: Known | None = None
) -> ShapeResult:
    """Axes of size 1 dropped: the named ones, or all.

    Raises `UndecidedRankError` if all are to be dropped and it is not known for one of
    them whether it is 1.
    """
    shape = as_shape(dims)
    if axis is None:
        return ShapeResult(tuple(d for d in shape if not _is_one(d, shape, known)))
    axes = axes_of(axis, len(shape))
    needs = Needs()
    for i in axes:
        needs.add(
            equal(shape[i], ONE),
            f"cannot select an axis to squeeze out which has size not equal to one: "
            f"axis {i} of {show_shape(shape)}",
        )
    return needs.result(d for i, d in enumerate(shape) if i not in axes)


def _is_one(d: IntExpr, shape: Shape, known: Known | None) -> bool:
    one = decide(equal(d, ONE), known)
    if one is None:
        raise UndecidedRankError(
            f"squeeze of shape {show_shape(shape)}: the number of axes of the result depends "
            f"on whether {d} == 1; name the axes to drop with axis="
        )
    return one
