"""Reductions, cumulative functions and sorting."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.trace.dtypes import as_dtype, dtype_of
from asserts.trace.names import described
from asserts.trace.registry import register, rule
from asserts.trace.symarray import ANY, Elements, SymArray, sum_key
from shapes import tensors
from shapes.env import SymInt
from shapes.expr import constant, disjunction, equal, shift

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


def axes_argument(axis: Any) -> Any:
    """An axis argument with plain integers."""
    if axis is None:
        return None
    if isinstance(axis, (tuple, list)):
        return tuple(operator.index(a) for a in axis)
    return operator.index(axis)


def _reduction(names: list[str], needs_elements: bool = False, keeps: bool = False) -> None:
    """Functions ``f(a, axis, keepdims, ...)``; `keeps`: the result is one of the elements."""

    def rule_of(
        t: Tracer, a: Any, axis: Any = None, dtype: Any = None, *,
        keepdims: bool = False, ddof: Any = None,
    ) -> Any:  # fmt: skip
        axis = axes_argument(axis)
        options = {"axis": axis, "keepdims": bool(keepdims)}
        if dtype is not None:
            options["dtype"] = as_dtype(dtype)
        if ddof is not None:
            options["ddof"] = ddof
        dims = t.shape_of(a)
        shape = t.require(
            tensors.reduce(dims, axis, keepdims, needs_elements, t.operation)
        )
        result = dtype_of(t.called, a, **options)
        elements = a._elements if keeps and isinstance(a, SymArray) else ANY
        reduced = t.array((a,), _shown(options), shape, result, elements=elements)
        if t.called is np.sum and isinstance(a, SymArray):
            _remember_sum(t, a, axis, reduced)
        return reduced

    register(rule_of, *names)


def _shown(options: dict[str, Any]) -> dict[str, Any]:
    """The options that differ from the defaults."""
    return {k: v for k, v in options.items() if v is not None and v is not False}


def _remember_sum(t: Tracer, a: SymArray, axis: Any, result: SymArray) -> None:
    """A sum of truth values counts; the sum of everything has one symbol."""
    if a.dtype.kind == "b" and result.dtype == np.int64:
        axes = tensors.axes_of(axis, a.ndim)
        count = tensors.product(a._dims[i] for i in axes)
        result._elements = (constant(0), count)
    everything = axis is None or (a.ndim == 1 and not isinstance(axis, tuple))
    if everything and a.dtype.kind in "biu" and result.dtype == np.int64:
        result._total_of = sum_key(a)


_reduction(["sum", "nansum", "prod", "nanprod", "mean", "nanmean", "std", "nanstd", "var",
            "nanvar", "any", "all", "median", "nanmedian"])  # fmt: skip
_reduction(["max", "amax", "min", "amin", "nanmax", "nanmin"], True, True)
_reduction(["ptp"], True)


@rule("average")
def _average(
    t: Tracer, a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False
) -> Any:
    axis = axes_argument(axis)
    dims = t.shape_of(a)
    if weights is not None and t.shape_of(weights) != dims:
        raise TraceError(f"{t.operation}: weights must have the shape of the array")
    shape = t.require(tensors.reduce(dims, axis, keepdims))
    dtype = dtype_of(np.average, a, axis=axis, weights=weights)
    options = _shown({"axis": axis, "weights": weights, "keepdims": keepdims})
    return t.array((a,), options, shape, dtype)


@rule("argmax", "argmin", "nanargmax", "nanargmin")
def _arg_reduction(t: Tracer, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    axis = axes_argument(axis)
    dims = t.shape_of(a)
    name = t.operation.removeprefix("np.")
    shape = t.require(tensors.arg_reduce(dims, axis, keepdims, name))
    if axis is None:
        count = tensors.product(dims)
    else:
        count = dims[axis] if dims else constant(1)
    options = _shown({"axis": axis, "keepdims": keepdims})
    elements = (constant(0), shift(count, -1))
    return t.array((a,), options, shape, np.dtype(np.intp), elements=elements)


@rule("count_nonzero")
def _count_nonzero(t: Tracer, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    if axis is None and not keepdims:
        from asserts.trace.rules.dynamic import count_of

        return t.env.wrap(count_of(t, t.lift(a)))
    axis = axes_argument(axis)
    dims = t.shape_of(a)
    shape = t.require(tensors.reduce(dims, axis, keepdims))
    axes = tensors.axes_of(axis, len(dims))
    elements = (constant(0), tensors.product(dims[i] for i in axes))
    options = _shown({"axis": axis, "keepdims": keepdims})
    return t.array((a,), options, shape, np.dtype(np.intp), elements=elements)


@rule("cumsum", "cumprod", "nancumsum", "nancumprod")
def _cumulative(t: Tracer, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    axis = axes_argument(axis)
    dims = t.shape_of(a)
    shape = t.require(tensors.accumulate(dims, axis))
    options = _shown({"axis": axis, "dtype": None if dtype is None else as_dtype(dtype)})
    result = dtype_of(t.called, a, **options)
    elements: Elements = ANY
    boolean = isinstance(a, SymArray) and a.dtype.kind == "b" and result == np.int64
    if boolean and t.called is np.cumsum:
        elements = (constant(0), tensors.product(shape) if axis is None else shape[axis])
    return t.array((a,), options, shape, result, elements=elements)


@rule("sort", "partition")
def _sorted(
    t: Tracer, a: Any, *args: Any, axis: Any = -1, kind: Any = "", order: Any = None,
    stable: Any = None,
) -> Any:  # fmt: skip
    dims, rest, axis = _flat_axis(t, a, args, axis)
    elements = a._elements if isinstance(a, SymArray) else ANY
    options = _how_sorted(t, kind, order, stable) | {"axis": axis}
    return t.array((a, *rest), options, dims, dtype_of(np.sort, a), elements=elements)


@rule("argsort", "argpartition")
def _argsorted(
    t: Tracer, a: Any, *args: Any, axis: Any = -1, kind: Any = "", order: Any = None,
    stable: Any = None,
) -> Any:  # fmt: skip
    dims, rest, axis = _flat_axis(t, a, args, axis)
    along = dims[axis if axis is not None else 0] if dims else constant(1)
    options = _how_sorted(t, kind, order, stable) | {"axis": axis}
    elements = (constant(0), shift(along, -1))
    return t.array((a, *rest), options, dims, np.dtype(np.intp), elements=elements)


def _how_sorted(t: Tracer, kind: Any, order: Any, stable: Any) -> dict[str, Any]:
    """The options of sorting. Raises `ValueError` where numpy does."""
    if order is not None:
        raise ValueError("Cannot specify order when the array has no fields.")
    selects = t.called in (np.partition, np.argpartition)
    if selects and kind not in ("", "introselect"):
        raise ValueError(f"{kind!r} is an unrecognized kind of select")
    return _shown({"kind": kind or None, "stable": stable})


def _flat_axis(
    t: Tracer, a: Any, args: tuple[Any, ...], axis: Any
) -> tuple[tensors.Shape, tuple[Any, ...], Any]:
    """The result's shape, the arguments before the axis, and the axis."""
    before = 1 if t.called in (np.partition, np.argpartition) else 0
    rest = args[:before]
    if before and (not isinstance(rest[0], (int, SymInt)) or isinstance(rest[0], bool)):
        raise TraceError(f"{t.operation}: kth must be a single integer while tracing")
    if len(args) > before:
        axis = args[before]
    dims = t.shape_of(a)
    if axis is None:
        dims = (tensors.product(dims),)
    axis = axes_argument(axis)
    at = tensors.axis_of(0 if axis is None else axis, len(dims))
    if before:
        needs = tensors.Needs()
        for need in tensors.index(dims[at], t.dim_of(rest[0]), at).needs:
            empty = equal(tensors.product(dims), constant(0))
            needs.add(disjunction(need.condition, empty), f"kth out of bounds: {need.reason}")
        t.require(needs.result(()))
    return dims, rest, axis


@rule("lexsort")
def _lexsort(t: Tracer, keys: Any, axis: int = -1) -> Any:
    shapes = [t.shape_of(key) for key in keys]
    if any(len(s) != 1 for s in shapes):
        raise TraceError("np.lexsort: only sequences of 1-D keys are supported")
    common = t.require(tensors.stack(shapes))[1:]
    elements = (constant(0), shift(common[0], -1))
    return t.array((keys,), None, common, np.dtype(np.intp), elements=elements)


@rule("diff")
def _diff(
    t: Tracer, a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue,
    append: Any = np._NoValue,
) -> Any:  # fmt: skip
    if n > 0:
        a = _with_edges(t, a, axis, prepend, append)
    shape = t.require(tensors.diff(t.shape_of(a), n, operator.index(axis), t.decide))
    options = {"n": n, "axis": axis} if (n, axis) != (1, -1) else {}
    array = t.lift(a)
    dtype = np.dtype(bool) if array.dtype == bool else dtype_of(np.subtract, a, a)
    return t.array((array,), options, shape, dtype, view_of=array if n == 0 else None)


def _with_edges(t: Tracer, a: Any, axis: int, *edges: Any) -> Any:
    """The array between what is put before and behind it; a number stands for a whole row."""
    if all(edge is np._NoValue for edge in edges):
        return a
    array = t.lift(a)
    place = tensors.axis_of(operator.index(axis), array.ndim)
    row = [*array.shape[:place], 1, *array.shape[place + 1 :]]
    before, behind = ([] if edge is np._NoValue else [t.lift(edge)] for edge in edges)
    parts: list[Any] = [*before, array, *behind]
    parts = [one if one.ndim else np.broadcast_to(one, tuple(row)) for one in parts]
    return np.concatenate(parts, axis=place)


@rule("ediff1d")
def _ediff1d(t: Tracer, ary: Any) -> Any:
    flat = tensors.ravel(t.shape_of(ary)).shape
    shape = t.require(tensors.diff(flat, 1, 0, t.decide))
    return t.array((ary,), None, shape, t.lift(ary).dtype)


@rule("allclose", "array_equal")
def _all_equal(t: Tracer, a: Any, b: Any, **options: Any) -> Any:
    if t.called is np.allclose:
        t.require(tensors.broadcast(t.shape_of(a), t.shape_of(b), known=t.decide))
    shown = (described(v._node if isinstance(v, SymArray) else v) for v in (a, b))
    value = t.unbacked(f"{t.operation}({', '.join(shown)})", "bool")
    node = t.record(t.called, (a, b), options, value.expr)
    t.bind(node, {value.expr: ()})
    return value


@rule("isin", "in1d")
def _isin(t: Tracer, element: Any, test_elements: Any, *, invert: bool = False) -> Any:
    dims = t.shape_of(element)
    if t.called is not getattr(np, "isin", None):
        dims = (tensors.product(dims),)
    options = _shown({"invert": invert})
    return t.array((element, test_elements), options, dims, np.dtype(bool))
