"""Differences, integrals and polynomials of samples."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asserts.errors import TraceError
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import dtype_of
from asserts.trace.registry import rule
from asserts.trace.rules.reduce import axes_argument
from shapes import tensors
from shapes.expr import IntConstant

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

_SEQUENCE: Final[Any] = type(np.gradient(np.ones((2, 2))))  # (a list before numpy 2)


@rule("gradient")
def _gradient(
    t: Tracer, f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1
) -> Any:
    array, axes = t.lift(f), axes_argument(axis)
    if any(t.shape_of(one) for one in varargs):
        raise TraceError("np.gradient: only distances that are numbers while tracing")
    count = len(tensors.axes_of(axes, array.ndim))
    if len(varargs) not in (0, 1, count):
        raise TypeError("invalid number of arguments")
    if edge_order not in (1, 2):
        raise ValueError("'edge_order' greater than 2 not supported")
    shape = t.require(tensors.gradient(array._dims, axes, edge_order))
    options = {} if axes is None else {"axis": axes}
    if edge_order != 1:
        options["edge_order"] = edge_order
    if array.dtype.kind == "b":
        raise TypeError("np.gradient: numpy does not subtract truth values")
    dtype = array.dtype if array.dtype.kind in "fc" else np.dtype(np.float64)
    if count == 1:
        return t.array((array, *varargs), options, shape, dtype)
    values = [ArrayValue(shape, dtype)] * count
    return t.arrays((array, *varargs), options, values, kind=_SEQUENCE)


@rule("trapezoid", "trapz")
def _trapezoid(t: Tracer, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    array, at = t.lift(y), operator.index(axis)
    points = None if x is None else t.shape_of(x)
    if t.shape_of(dx):
        raise TraceError(f"{t.operation}: only a number as distance while tracing")
    shape = tensors.trapezoid(array._dims, points, at, t.decide)
    options: dict[str, Any] = {"axis": at}
    if x is None:
        options["dx"] = dx
    args = (array,) if x is None else (array, x)
    return t.array(args, options, shape, dtype_of(t.called, *args, **options))


@rule("unwrap")
def _unwrap(
    t: Tracer, p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi
) -> Any:
    array, at = t.lift(p), operator.index(axis)
    if t.shape_of(discont) or t.shape_of(period):
        raise TraceError("np.unwrap: only numbers as discont and period while tracing")
    tensors.axis_of(at, array.ndim)
    options = {"axis": at, "period": period}
    if discont is not None:
        options["discont"] = discont
    return t.array((array,), options, array._dims, dtype_of(np.unwrap, array, **options))


@rule("polyval")
def _polyval(t: Tracer, p: Any, x: Any) -> Any:
    coefficients, at = t.lift(p), t.lift(x)
    if coefficients.ndim != 1:
        raise TraceError("np.polyval: only a list of numbers as coefficients while tracing")
    dtype = dtype_of(np.polyval, coefficients, at)
    count = coefficients._dims[0]
    is_none = not isinstance(count, IntConstant) or not count.constant
    if is_none and dtype != at.dtype:  # (without a coefficient it is zeros of x's dtype)
        raise TraceError("np.polyval: coefficients whose number is not known have x's dtype")
    return t.array((coefficients, at), None, at._dims, dtype)


@rule("vander")
def _vander(t: Tracer, x: Any, N: Any = None, increasing: bool = False) -> Any:  # noqa: N803
    array = t.lift(x)
    if array.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    columns = array._dims[0] if N is None else t.dim_of(N)
    shape = t.require(tensors.created((array._dims[0], columns)))
    options = {"increasing": True} if increasing else {}
    dtype = dtype_of(np.vander, array, 1)
    return t.array((array, columns), options, shape, dtype)
