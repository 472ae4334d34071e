"""New arrays: sizes may be symbolic, and values may come from Python numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.trace.dtypes import as_dtype, dtype_of, dummy
from asserts.trace.elements import carried, elements_of
from asserts.trace.registry import rule
from asserts.trace.rules.elementwise import cast
from asserts.trace.symarray import ANY, Elements, SymArray, is_symbolic
from shapes import tensors
from shapes.env import SymFloat
from shapes.expr import IntConstant, IntExpr, constant, shift
from shapes.tensors import Shape

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


def _options(dtype: Any) -> dict[str, Any]:
    return {} if dtype is None else {"dtype": as_dtype(dtype)}


@rule("zeros", "ones", "empty")
def _filled(t: Tracer, shape: Any, dtype: Any = None) -> Any:
    dims = t.require(tensors.created(t.dims_of(shape)))
    result = as_dtype(dtype if dtype is not None else float)
    value = {"zeros": constant(0), "ones": constant(1)}.get(t.called.__name__)
    elements: Elements = (value, value) if result.kind in "iu" else ANY
    return t.array((dims,), _options(dtype), dims, result, elements=elements)


@rule("full")
def _full(t: Tracer, shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    dims = t.require(tensors.created(t.dims_of(shape)))
    filled = t.shape_of(fill_value)
    t.require(tensors.broadcast_to(filled, dims, t.decide))
    result = as_dtype(dtype) if dtype is not None else _dtype_of_value(fill_value)
    elements = carried(t, fill_value, result)
    return t.array((dims, fill_value), _options(dtype), dims, result, elements=elements)


def _dtype_of_value(value: Any) -> np.dtype[Any]:
    return as_dtype(np.asarray(dummy(value)).dtype)


@rule("zeros_like", "ones_like", "empty_like", "full_like")
def _like(
    t: Tracer, a: Any, fill_value: Any = None, dtype: Any = None, *, shape: Any = None
) -> Any:
    dims = t.shape_of(a)
    args = [a]
    options = _options(dtype)
    if shape is not None:
        dims = t.require(tensors.created(t.dims_of(shape)))
        options["shape"] = dims
    if t.called is np.full_like:
        args.append(fill_value)
        t.require(tensors.broadcast_to(t.shape_of(fill_value), dims, t.decide))
    result = as_dtype(dtype) if dtype is not None else t.lift(a).dtype
    return t.array(args, options, dims, result)


@rule("arange")
def _arange(
    t: Tracer, start: Any, stop: Any = None, step: Any = None, dtype: Any = None
) -> Any:
    first, last, by = (0, start, step) if stop is None else (start, stop, step)
    by = 1 if by is None else by
    if any(isinstance(v, (float, SymFloat, np.floating)) for v in (first, last, by)):
        raise TraceError(
            "np.arange with floats and symbolic bounds is not supported while tracing (its "
            "length depends on rounding); use np.linspace, or np.arange(n) * step"
        )
    ends = [t.dim_of(v) for v in (first, last, by)]
    shape = t.require(tensors.arange(ends[0], ends[1], ends[2], t.decide))
    result = as_dtype(dtype) if dtype is not None else np.arange(1).dtype
    elements = _range_elements(ends[0], ends[1], ends[2]) if result == np.int64 else ANY
    args = ends[1:2] if stop is None else ends[:2]
    if ends[2] is not constant(1):
        args = ends
    return t.array(args, _options(dtype), shape, result, elements=elements)


def _range_elements(start: IntExpr, stop: IntExpr, step: IntExpr) -> Elements:
    if not isinstance(step, IntConstant) or step.constant == 0:
        return ANY
    if step.constant > 0:
        return start, shift(stop, -1)
    return shift(stop, 1), start


@rule("linspace")
def _linspace(
    t: Tracer, start: Any, stop: Any, num: Any = 50, endpoint: bool = True,
    retstep: bool = False, dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    if retstep:
        raise TraceError("np.linspace: no retstep while tracing")
    return _between(t, start, stop, num, endpoint, _options(dtype), axis)


@rule("logspace")
def _logspace(
    t: Tracer, start: Any, stop: Any, num: Any = 50, endpoint: bool = True,
    base: Any = 10.0, dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    if t.shape_of(base):
        raise TraceError("np.logspace: only a number as base while tracing")
    options = {**_options(dtype), "base": base}
    return _between(t, start, stop, num, endpoint, options, axis)


@rule("geomspace")
def _geomspace(
    t: Tracer, start: Any, stop: Any, num: Any = 50, endpoint: bool = True,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    return _between(t, start, stop, num, endpoint, _options(dtype), axis)


def _between(
    t: Tracer, start: Any, stop: Any, num: Any, endpoint: bool, options: dict[str, Any],
    axis: int,
) -> SymArray:  # fmt: skip
    if t.shape_of(start) or t.shape_of(stop):
        raise TraceError(f"{t.operation}: only scalar ends while tracing")
    tensors.axis_of(axis, 1)
    count = t.dim_of(num)
    shape = t.require(tensors.created((count,)))
    result = dtype_of(t.called, start, stop, 2, **options)
    if not endpoint:
        options = {"endpoint": False, **options}
    return t.array((start, stop, count), options, shape, result)


@rule("eye", "tri")
def _eye(
    t: Tracer, N: Any, M: Any = None, k: Any = 0, dtype: Any = None  # noqa: N803
) -> Any:
    rows = t.dim_of(N)
    columns = rows if M is None else t.dim_of(M)
    if t.called is np.tri:  # (which takes negative sizes for none)
        zero = constant(0)
        shape: Shape = tuple(tensors.larger(n, zero, t.decide) for n in (rows, columns))
    else:
        shape = t.require(tensors.created((rows, columns)))
    offset = t.dim_of(k)
    result = as_dtype(dtype if dtype is not None else float)
    return t.array((rows, columns, offset), _options(dtype), shape, result)


@rule("identity")
def _identity(t: Tracer, n: Any, dtype: Any = None) -> Any:
    size = t.dim_of(n)
    shape = t.require(tensors.created((size, size)))
    result = as_dtype(dtype if dtype is not None else float)
    return t.array((size,), _options(dtype), shape, result)


@rule("array", "asarray", "ascontiguousarray", "asanyarray", "require", "asfortranarray")
def _array(t: Tracer, a: Any, dtype: Any = None, *, ndmin: int = 0, copy: Any = "") -> Any:
    array = a if isinstance(a, SymArray) else _built(t, a)
    if ndmin > array.ndim:
        raise TraceError(f"{t.operation}: ndmin is not supported while tracing")
    changes = dtype is not None and as_dtype(dtype) != array.dtype
    if copy is False and (changes or array is not a):
        raise ValueError("Unable to avoid copy while creating an array as requested.")
    if changes:
        return cast(t, array, dtype)
    if copy is True or (copy == "" and t.called is np.array):
        return array if array is not a else array.copy()
    if array._is_scalar:
        known = array._elements
        return t.array((array,), None, (), array.dtype, target=np.asarray, elements=known)
    if t.called not in (np.array, np.asarray, np.asanyarray):
        array.share()  # a copy or the same memory, depending on the layout
    return array


def from_values(t: Tracer, value: Any) -> SymArray:
    """A constant, a symbolic number, or nested lists with arrays in them, as an array."""
    with t.calling("np.asarray", np.asarray):
        return _built(t, value)


def _built(t: Tracer, value: Any) -> SymArray:
    if not is_symbolic(value):
        concrete = value if isinstance(value, (np.ndarray, np.generic)) else np.array(value)
        dtype = as_dtype(concrete.dtype)
        node = t.constant(concrete)
        dims = tensors.as_shape(concrete.shape)
        return SymArray(t, node, dims, dtype, elements_of(concrete))
    dims = t.shape_of(value)
    dtype = as_dtype(np.asarray(_flat_sample(value)).dtype)
    elements = carried(t, value, dtype) if not dims else ANY
    return t.array((value,), None, dims, dtype, target=np.array, elements=elements)


def _flat_sample(value: Any) -> Any:
    """Stand-ins for all leaves in one list: they decide the dtype of the whole."""
    if isinstance(value, (list, tuple)):
        leaves = [np.ravel(_flat_sample(v)) for v in value]
        return np.concatenate(leaves) if leaves else np.zeros(0)
    return np.asarray(dummy(value))


@rule("meshgrid")
def _meshgrid(t: Tracer, *xi: Any, indexing: str = "xy", sparse: bool = False) -> Any:
    from asserts.graph.values import ArrayValue

    arrays = [t.lift(x) for x in xi]
    sizes = [tensors.product(a._dims) for a in arrays]
    order = list(range(len(sizes)))
    if indexing == "xy" and len(sizes) > 1:
        order[:2] = [1, 0]
    values = []
    for i, array in enumerate(arrays):
        shape = tuple(
            sizes[j] if not sparse or j == i else constant(1) for j in order
        )
        values.append(ArrayValue(shape, array.dtype))
    options = {"indexing": indexing} | ({"sparse": True} if sparse else {})
    kind = type(np.meshgrid(0, 0))
    elements = [array._elements for array in arrays]
    return t.arrays(arrays, options, values, kind=kind, elements=elements)
