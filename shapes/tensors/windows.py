"""Windows that slide along axes: `numpy.lib.stride_tricks.sliding_window_view`."""

from __future__ import annotations

from collections.abc import Sequence

from shapes.expr.booleans import less_equal
from shapes.expr.nodes import combine
from shapes.tensors.core import ZERO, Dims, Needs, ShapeResult, as_shape, axis_of, never

__all__ = ["sliding_windows"]


def sliding_windows(dims: Dims, window: Dims, axes: Sequence[int] | None) -> ShapeResult:
    """The places of a window on its axes, then the window itself.

    An axis of size n has ``n - w + 1`` places for a window of size w: n + 1 of them for an
    empty one. An axis may be given twice: the second window slides over the places of the
    first. Without `axes` there is a size of the window for every axis. Raises `ShapeError` for
    numbers of sizes and axes that differ.
    """
    shape, sizes = list(as_shape(dims)), as_shape(window)
    if axes is None:
        axes = range(len(shape))
    if len(axes) != len(sizes):
        raise never(f"{len(sizes)} sizes of a window for {len(axes)} axes")
    needs = Needs()
    for size in sizes:
        needs.add(less_equal(ZERO, size), "`window_shape` cannot contain negative values")
    for axis, size in zip(axes, sizes):
        at = axis_of(axis, len(shape))
        needs.add(
            less_equal(size, shape[at]), "window shape cannot be larger than input array shape"
        )
        shape[at] = combine(1, shape[at], -1, size, 1)
    return needs.result((*shape, *sizes))
