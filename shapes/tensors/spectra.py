"""Sizes of discrete Fourier transforms along one axis."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from shapes.expr.booleans import less_equal
from shapes.expr.integers import floor_division
from shapes.expr.linear import scale, shift
from shapes.expr.nodes import IntExpr, constant
from shapes.tensors.core import ONE, Dims, Needs, ShapeResult, as_shape, axis_of

__all__ = ["Transform", "spectrum"]

Transform: TypeAlias = Literal["complex", "to half", "from half"]
"""Of complex numbers; of real numbers to half of a spectrum; and from half of one back."""

_TWO: Final = constant(2)


def spectrum(
    dims: Dims, points: IntExpr | None, axis: int, kind: Transform = "complex"
) -> ShapeResult:
    """A transform of `points` points (by default as many as there are) along an axis.

    Half of a spectrum of n points has ``n // 2 + 1`` of them; from m of these numpy makes
    ``2*(m - 1)`` by default. There is no transform of fewer than one point.
    """
    shape = as_shape(dims)
    at = axis_of(axis, len(shape))
    if points is None:
        points = scale(2, shift(shape[at], -1)) if kind == "from half" else shape[at]
    needs = Needs()
    needs.add(
        less_equal(ONE, points), f"Invalid number of FFT data points ({points}) specified."
    )
    size = shift(floor_division(points, _TWO), 1) if kind == "to half" else points
    return needs.result((*shape[:at], size, *shape[at + 1 :]))
