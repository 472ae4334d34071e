"""Reductions along axes, and functions that keep or shorten an axis."""

from __future__ import annotations

from collections.abc import Sequence

from shapes.expr.booleans import disjunction, equal, less_equal, negation
from shapes.expr.linear import shift
from shapes.expr.nodes import IntExpr, constant
from shapes.tensors.broadcasting import broadcast
from shapes.tensors.core import (
    ONE,
    ZERO,
    Dims,
    Known,
    Needs,
    Shape,
    ShapeResult,
    as_shape,
    axes_of,
    axis_of,
    larger,
    never,
    product,
    show_shape,
    smaller,
)

__all__ = ["accumulate", "arg_reduce", "diagonal", "diff", "gradient", "reduce", "trapezoid"]


def reduce(
    dims: Dims,
    axis: int | Sequence[int] | None = None,
    keepdims: bool = False,
    needs_elements: bool = False,
    name: str = "reduction",
) -> ShapeResult:
    """A reduction; `needs_elements` for those without an identity (`max`, `min`)."""
    shape = as_shape(dims)
    axes = axes_of(axis, len(shape))
    reduced = [shape[i] for i in axes]
    kept = [d for i, d in enumerate(shape) if i not in axes]
    needs = Needs()
    if needs_elements:
        reason = f"zero-size array to {name}, which has no identity: {show_shape(shape)}"
        for size in reduced:
            needs.add(less_equal(ONE, size), reason)
    if keepdims:
        kept = [ONE if i in axes else d for i, d in enumerate(shape)]
    return needs.result(kept)


def arg_reduce(
    dims: Dims, axis: int | None = None, keepdims: bool = False, name: str = "argmax"
) -> ShapeResult:
    """`argmax` and `argmin`: like `reduce`, over one axis or the flattened operand."""
    shape = as_shape(dims)
    if axis is None:
        needs = Needs()
        needs.add(
            less_equal(ONE, product(shape)),
            f"attempt to get {name} of an empty sequence: {show_shape(shape)}",
        )
        return needs.result([ONE] * len(shape) if keepdims else [])
    if not shape and axis in (0, -1):
        return ShapeResult(())
    return reduce(shape, axis, keepdims, True, name)


def accumulate(dims: Dims, axis: int | None = None) -> ShapeResult:
    """`cumsum` and the like: the same shape, or all elements in one axis."""
    shape = as_shape(dims)
    if axis is None:
        return ShapeResult((product(shape),))
    axis_of(axis, max(len(shape), 1))
    return ShapeResult(shape if shape else (ONE,))


def diff(dims: Dims, n: int = 1, axis: int = -1, known: Known | None = None) -> ShapeResult:
    """`numpy.diff`: an axis shortened by n, to 0 at least."""
    shape = as_shape(dims)
    if n < 0:
        raise never(f"order must be non-negative but got {n}")
    if n == 0:
        return ShapeResult(shape)
    if not shape:
        raise never("diff requires input that is at least one dimensional")
    at = axis_of(axis, len(shape))
    shorter = larger(shift(shape[at], -n), ZERO, known)
    return ShapeResult((*shape[:at], shorter, *shape[at + 1 :]))


def trapezoid(dims: Dims, points: Dims | None, axis: int, known: Known | None) -> ShapeResult:
    """`numpy.trapezoid`: the intervals of an axis summed up; `points` is the shape of what is
    given as ``x``. numpy broadcasts the intervals of both, one against many, too."""
    shape = as_shape(dims)
    if not shape:
        raise never("trapezoid requires an array of at least one dimension")
    at = axis_of(axis, len(shape))
    intervals = diff(shape, 1, at, known).shape
    if points is None:
        widths: Shape = ()
    elif len(points) == 1:
        widths = (*diff(points, 1, 0, known).shape, *[ONE] * (len(shape) - 1 - at))
    else:
        widths = diff(points, 1, axis, known).shape
    both = broadcast(intervals, widths, known=known)
    summed = axis_of(axis, len(both.shape))
    return ShapeResult((*both.shape[:summed], *both.shape[summed + 1 :]), both.needs)


def gradient(dims: Dims, axis: int | Sequence[int] | None, edge_order: int) -> ShapeResult:
    """`numpy.gradient`: the same shape; each axis has one place more than the order of the
    differences at its ends."""
    shape = as_shape(dims)
    needs = Needs()
    for at in axes_of(axis, len(shape)):
        needs.add(
            less_equal(constant(edge_order + 1), shape[at]),
            "Shape of array too small to calculate a numerical gradient, "
            "at least (edge_order + 1) elements are required.",
        )
    return needs.result(shape)


def diagonal(
    dims: Dims,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    known: Known | None = None,
) -> ShapeResult:
    """`numpy.diagonal`: the diagonal of two axes, as the last one."""
    shape = as_shape(dims)
    if len(shape) < 2:
        raise never("diag requires an array of at least two dimensions")
    i, j = axis_of(axis1, len(shape)), axis_of(axis2, len(shape))
    if i == j:
        raise never("axis1 and axis2 cannot be the same")
    rows, columns = shape[i], shape[j]
    rows, columns = shift(rows, min(offset, 0)), shift(columns, -max(offset, 0))
    length = smaller(rows, columns, known)
    if offset:
        length = larger(length, ZERO, known)
    return ShapeResult((*(d for k, d in enumerate(shape) if k not in (i, j)), length))


def nonempty_take(n: IntExpr, taken: IntExpr, needs: Needs) -> None:
    """Nothing is taken from an empty axis, unless nothing is taken."""
    accepted = disjunction(negation(equal(n, ZERO)), equal(taken, constant(0)))
    needs.add(accepted, "cannot do a non-empty take from an empty axes.")
