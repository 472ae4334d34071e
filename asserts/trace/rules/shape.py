"""The same elements in another shape. Results may share memory with the operand."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import dummy, results_of
from asserts.trace.registry import rule
from asserts.trace.rules.reduce import axes_argument
from asserts.trace.symarray import SymArray
from shapes import tensors
from shapes.expr import Expr, IntExpr, constant
from shapes.tensors import ShapeResult

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


def view(
    t: Tracer,
    a: Any,
    args: Sequence[Any],
    kwargs: dict[str, Any] | None,
    shape: ShapeResult | Sequence[IntExpr],
    copies: bool = False,
) -> SymArray:
    """Record a function that keeps the elements."""
    array = t.lift(a)
    shared = None if copies else array
    return t.array(
        (array, *args), kwargs, shape, array.dtype, elements=array._elements, view_of=shared
    )


@rule("reshape")
def _reshape(
    t: Tracer, a: Any, shape: Any = None, *, newshape: Any = None, order: str = "C",
    copy: Any = None,
) -> Any:  # fmt: skip
    require_c_order(t, order)
    if copy is False:
        raise TraceError("np.reshape: copy=False depends on the layout of the memory")
    if shape is not None and newshape is not None:
        raise TypeError("np.reshape: both shape and newshape are given")
    target = t.dims_of(newshape if shape is None else shape)
    result = tensors.reshape(t.shape_of(a), target, t.decide)
    return view(t, a, (target,), None, result)


@rule("ravel")
def _ravel(t: Tracer, a: Any, order: str = "C") -> Any:
    require_c_order(t, order)
    return view(t, a, (), None, tensors.ravel(t.shape_of(a)))


def require_c_order(t: Tracer, order: Any) -> None:
    """Raises `TraceError` for an order in which elements are read as they lie in memory,
    which is not known of an input, or column by column."""
    if order not in ("C", None):
        why = "transpose first, or use order='C'"
        if order in ("K", "A"):
            why = f"it depends on the layout of memory, which a graph does not know; {why}"
        raise TraceError(
            f"{t.operation}: order={order!r} is not supported while tracing: {why}"
        )


@rule("transpose", "permute_dims")
def _transpose(t: Tracer, a: Any, axes: Any = None) -> Any:
    order = None if axes is None else tuple(operator.index(i) for i in axes)
    args = () if order is None else (order,)
    return view(t, a, args, None, tensors.transpose(t.shape_of(a), order))


@rule("matrix_transpose")
def _matrix_transpose(t: Tracer, x: Any) -> Any:
    return view(t, x, (), None, tensors.swapaxes(t.shape_of(x), -1, -2))


@rule("swapaxes")
def _swapaxes(t: Tracer, a: Any, axis1: int, axis2: int) -> Any:
    axes = (operator.index(axis1), operator.index(axis2))
    return view(t, a, axes, None, tensors.swapaxes(t.shape_of(a), *axes))


@rule("moveaxis")
def _moveaxis(t: Tracer, a: Any, source: Any, destination: Any) -> Any:
    axes = (axes_argument(source), axes_argument(destination))
    return view(t, a, axes, None, tensors.moveaxis(t.shape_of(a), *axes))


@rule("expand_dims")
def _expand_dims(t: Tracer, a: Any, axis: Any) -> Any:
    axis = axes_argument(axis)
    return view(t, a, (axis,), None, tensors.expand_dims(t.shape_of(a), axis))


@rule("squeeze")
def _squeeze(t: Tracer, a: Any, axis: Any = None) -> Any:
    axis = axes_argument(axis)
    dims = t.shape_of(a)

    def ask(condition: Expr) -> bool:
        """From the example sizes, with a guard; or a data-dependent error."""
        return bool(t.env.wrap(condition))

    result = tensors.squeeze(dims, axis, ask)
    if axis is None:
        dropped = [not tensors.squeeze((d,), None, ask).shape for d in dims]
        axis = tuple(i for i, drop in enumerate(dropped) if drop)
    return view(t, a, (axis,), None, result)


@rule("broadcast_to")
def _broadcast_to(t: Tracer, array: Any, shape: Any) -> Any:
    target = t.dims_of(shape)
    return view(t, array, (target,), None,
                tensors.broadcast_to(t.shape_of(array), target, t.decide))  # fmt: skip


@rule("atleast_1d", "atleast_2d", "atleast_3d")
def _at_least(t: Tracer, *arys: Any) -> Any:
    results = tuple(_with_rank(t, a) for a in arys)
    return results[0] if len(results) == 1 else results


def _with_rank(t: Tracer, a: Any) -> SymArray:
    dims = t.shape_of(a)
    return view(t, a, (), None, at_least(dims, int(t.called.__name__[8])))


def at_least(dims: tensors.Shape, rank: int) -> tensors.Shape:
    """The shape that `numpy.atleast_1d`, 2d and 3d make."""
    one = constant(1)
    if rank <= len(dims):
        return dims
    if rank == 1:
        return (one,)
    if rank == 2:
        return (one, one) if not dims else (one, *dims)
    return {0: (one, one, one), 1: (one, *dims, one), 2: (*dims, one)}[len(dims)]


@rule("flip", "fliplr", "flipud")
def _flip(t: Tracer, m: Any, axis: Any = None) -> Any:
    dims = t.shape_of(m)
    axis = axes_argument(axis)
    tensors.axes_of(axis, len(dims))
    if len(dims) < {"fliplr": 2, "flipud": 1}.get(t.called.__name__, 0):
        raise ValueError(f"Input must be >= {2 if t.called is np.fliplr else 1}-d.")
    return view(t, m, (), {} if axis is None else {"axis": axis}, dims)


@rule("rot90")
def _rot90(t: Tracer, m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    dims, turns = list(t.shape_of(m)), operator.index(k)
    if len(axes) != 2:
        raise ValueError("len(axes) must be 2.")
    i, j = tensors.axes_of([operator.index(axis) for axis in axes], len(dims))
    if turns % 2:
        dims[i], dims[j] = dims[j], dims[i]
    return view(t, m, (), {"k": turns, "axes": (i, j)}, dims)


@rule("roll")
def _roll(t: Tracer, a: Any, shift: Any, axis: Any = None) -> Any:
    axis = axes_argument(axis)
    tensors.axes_of(axis, len(t.shape_of(a)))
    steps = t.env.wrap(t.dim_of(shift)) if not isinstance(shift, (tuple, list)) else shift
    options = {} if axis is None else {"axis": axis}
    return view(t, a, (steps,), options, t.shape_of(a), copies=True)


@rule("tril", "triu")
def _triangle(t: Tracer, m: Any, k: int = 0) -> Any:
    array = t.lift(m)
    dims = array._dims
    if array.ndim == 1:
        dims = (dims[0], dims[0])
    offset = t.dim_of(k)
    options = {} if offset is constant(0) else {"k": offset}
    return t.array((array,), options, dims, array.dtype)


@rule("diagonal")
def _diagonal(t: Tracer, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    by, i, j = map(operator.index, (offset, axis1, axis2))
    shape = tensors.diagonal(t.shape_of(a), by, i, j, t.decide)
    return view(t, a, (by, i, j), None, shape)


@rule("diag")
def _diag(t: Tracer, v: Any, k: int = 0) -> Any:
    array, offset = t.lift(v), operator.index(k)
    if array.ndim == 1:
        size = array._dims[0] + abs(offset)
        assert isinstance(size, IntExpr)
        return t.array((array, offset), None, (size, size), array.dtype)
    if array.ndim != 2:
        raise ValueError("Input must be 1- or 2-d.")
    shape = tensors.diagonal(array._dims, offset, known=t.decide)
    return view(t, array, (offset,), None, shape)


@rule("copy")
def _copy(t: Tracer, a: Any) -> Any:
    copied = view(t, a, (), None, t.shape_of(a), copies=True)
    if isinstance(a, SymArray):
        t.same_totals(a, copied)
    return copied


@rule("broadcast_arrays")
def _broadcast_arrays(t: Tracer, *args: Any) -> Any:
    arrays = [t.lift(a) for a in args]
    shape = t.require(tensors.broadcast(*[a._dims for a in arrays], known=t.decide))
    for array in arrays:
        array.share()
    values = [ArrayValue(shape, array.dtype) for array in arrays]
    kind = type(np.broadcast_arrays(0, 0))
    elements = [array._elements for array in arrays]
    return t.arrays(arrays, None, values, kind=kind, views=True, elements=elements)


@rule("shape")
def _shape(t: Tracer, a: Any) -> Any:
    return tuple(t.env.wrap(size) for size in t.shape_of(a))


@rule("size")
def _size(t: Tracer, a: Any, axis: Any = None) -> Any:
    dims = t.shape_of(a)
    np.size(np.empty((1,) * len(dims)), axis)  # (several axes: from numpy 2.4 on)
    axes = tensors.axes_of(axes_argument(axis), len(dims))
    return t.env.wrap(tensors.product(dims[i] for i in axes))


@rule("ndim")
def _ndim(t: Tracer, a: Any) -> int:
    return len(t.shape_of(a))


@rule("isscalar")
def _isscalar(t: Tracer, element: Any) -> bool:
    return not isinstance(element, SymArray) or element._is_scalar


@rule("iterable")
def _iterable(t: Tracer, y: Any) -> bool:
    return len(t.shape_of(y)) > 0


@rule("iscomplexobj", "isrealobj")
def _kind_of_object(t: Tracer, x: Any) -> bool:
    return bool(results_of(t.called, x))


@rule("result_type")
def _result_type(t: Tracer, *arrays_and_dtypes: Any) -> Any:
    return np.result_type(*map(dummy, arrays_and_dtypes))
