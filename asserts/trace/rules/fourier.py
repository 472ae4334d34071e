"""Discrete Fourier transforms, their frequencies, and shifts of spectra."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asserts.errors import TraceError
from asserts.trace.dtypes import dtype_of
from asserts.trace.registry import rule
from asserts.trace.rules.reduce import axes_argument
from asserts.trace.rules.shape import view
from asserts.trace.symarray import SymArray
from shapes import tensors
from shapes.expr import (
    IntExpr,
    constant,
    equal,
    floor_division,
    less_equal,
    maximum,
    negation,
    scale,
    shift,
    where,
)
from shapes.tensors import Needs, ShapeError, Transform

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

_KINDS: Final[dict[str, Transform]] = {
    "rfft": "to half", "ihfft": "to half", "irfft": "from half", "hfft": "from half",
}  # fmt: skip


@rule("fft.fft", "fft.ifft", "fft.rfft", "fft.irfft", "fft.hfft", "fft.ihfft")
def _transform(t: Tracer, a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Any:
    array, at = t.lift(a), operator.index(axis)
    points = None if n is None else t.dim_of(n)
    kind = _KINDS.get(t.called.__name__, "complex")
    shape = tensors.spectrum(array._dims, points, at, kind)
    options: dict[str, Any] = {"axis": at}
    if norm is not None:
        options["norm"] = norm
    dtype = dtype_of(t.called, array, n=1, **options)
    if points is not None:
        options["n"] = points
    return t.array((array,), options, shape, dtype)


@rule("fft.fftn", "fft.ifftn", "fft.rfftn", "fft.irfftn")
def _transforms(
    t: Tracer, a: Any, s: Any = None, axes: Any = None, norm: Any = None
) -> Any:
    return _along(t, t.lift(a), s, axes, norm)


@rule("fft.fft2", "fft.ifft2", "fft.rfft2", "fft.irfft2")
def _transforms_of_planes(
    t: Tracer, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None
) -> Any:
    return _along(t, t.lift(a), s, axes, norm)


def _along(t: Tracer, array: SymArray, s: Any, axes: Any, norm: Any) -> Any:
    """Transforms along several axes, one after the other; the real one along the last."""
    if s is not None and not isinstance(s, (list, tuple)):
        raise TraceError(f"{t.operation}: the sizes must be a list or a tuple while tracing")
    sizes = None if s is None else [t.dim_of(one) for one in s]
    if axes is None:
        count = array.ndim if sizes is None else len(sizes)
        places = list(range(-count, 0))
    else:
        places = list(axes_argument(tuple(axes)))
    if not places:
        raise TraceError(f"{t.operation} along no axis is not supported while tracing")
    if sizes is not None and len(sizes) != len(places):
        raise ShapeError("Shape and axes have different lengths.")
    needs = Needs()
    shape = array._dims
    for at, points, kind in _steps(t, array, sizes, places):
        step = tensors.spectrum(shape, points, at, kind)
        needs.extend(step.needs)
        shape = step.shape
    options: dict[str, Any] = {} if norm is None else {"norm": norm}
    dtype = dtype_of(t.called, array, s=[1] * len(places), axes=places, **options)
    if sizes is not None:
        options["s"] = sizes
    if axes is not None:
        options["axes"] = places
    return t.array((array,), options, needs.result(shape), dtype)


def _steps(
    t: Tracer, array: SymArray, sizes: Sequence[IntExpr] | None, places: Sequence[int]
) -> list[tuple[int, IntExpr, Transform]]:
    """The transforms in numpy's order: axis, points, kind."""
    own = [array._dims[tensors.axis_of(at, array.ndim)] for at in places]
    name = t.called.__name__
    inverse = name.startswith("irfft")
    if sizes is None:
        wanted = list(own)
        if inverse:
            wanted[-1] = scale(2, shift(own[-1], -1))
    else:
        wanted = [_points(t, size, one) for size, one in zip(sizes, own)]
    steps: list[tuple[int, IntExpr, Transform]] = [
        (at, points, "complex") for at, points in zip(places, wanted)
    ]
    last: tuple[int, IntExpr] = (places[-1], wanted[-1])
    if inverse:
        return [*steps[:-1], (*last, "from half")]
    if name.startswith("rfft"):
        return [(*last, "to half"), *reversed(steps[:-1])]
    return steps[::-1]


def _points(t: Tracer, size: IntExpr, own: IntExpr) -> IntExpr:
    """The points along an axis, of which -1 stands for as many as there are."""
    is_own = t.decide(equal(size, constant(-1)))
    if is_own is None:
        # A size that may be -1 or not: one of fewer than 1 is refused, but for -1.
        either = where(equal(size, constant(-1)), own, size)
        assert isinstance(either, IntExpr)
        return either
    return own if is_own else size


@rule("fft.fftfreq", "fft.rfftfreq")
def _frequencies(t: Tracer, n: Any, d: Any = 1.0) -> Any:
    if isinstance(n, (SymArray, np.ndarray)):
        raise ValueError("n should be an integer")
    if t.shape_of(d) != ():
        raise TraceError(f"{t.operation}: the spacing must be a number while tracing")
    points = t.dim_of(n)
    needs = Needs()
    if t.called is np.fft.fftfreq:
        needs.add(less_equal(constant(1), points), f"{points} points have no frequencies")
        size = points
    else:
        needs.add(negation(equal(points, constant(0))), "0 points have no frequencies")
        half = shift(floor_division(points, constant(2)), 1)
        size = maximum(half, constant(0))
    args = (points,) if isinstance(d, float) and d == 1.0 else (points, d)
    return t.array(args, None, needs.result((size,)), dtype_of(t.called, 1, d))


@rule("fft.fftshift", "fft.ifftshift")
def _shifted(t: Tracer, x: Any, axes: Any = None) -> Any:
    array = t.lift(x)
    if not array.ndim:
        raise TraceError(f"{t.operation} of a number is not supported while tracing")
    wanted = axes_argument(axes)
    for at in (wanted,) if isinstance(wanted, int) else wanted or ():
        tensors.axis_of(at, array.ndim)
    options = {} if axes is None else {"axes": wanted}
    return view(t, array, (), options, array._dims, copies=True)
