"""The methods of ufuncs: `reduce`, `accumulate`, `reduceat`, `outer` and `at`.

What numpy has a function for (``np.add.reduce`` is `numpy.sum`) is recorded as that function,
all else as a call of the method on the arrays of the run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import as_dtype, dtype_of, dummy, results_of
from asserts.trace.registry import apply_rule, name_of
from asserts.trace.rules.index import indexed, need_inside
from asserts.trace.rules.writing import require_own
from asserts.trace.symarray import SymArray
from shapes import tensors

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["METHODS", "apply_method"]

_NO_VALUE: Final = getattr(np, "_NoValue", None)

_REDUCTIONS: Final[dict[Any, Any]] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min,
    np.logical_and: np.all, np.logical_or: np.any,
}  # fmt: skip
_ACCUMULATIONS: Final[dict[Any, Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}


def apply_method(
    t: Tracer, ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A method of a ufunc on operands of which one is traced.

    Raises `TraceError` for an argument that is not supported.
    """
    name = f"{name_of(ufunc)}.{method}"
    out = kwargs.get("out")
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if out is not None or kwargs.get("where", True) is not True:
        raise TraceError(f"{name}: 'out' and 'where' are not supported")
    kwargs = {k: v for k, v in kwargs.items() if k not in ("out", "where")}
    rule = METHODS.get(method)
    # (the graph finds it by its name)
    is_own = getattr(np, ufunc.__name__, None) is ufunc
    if rule is None or ufunc.signature is not None or not is_own:
        raise TraceError(f"{name} is not supported while tracing")
    return rule(t, ufunc, *args, **kwargs)


def _typed(dtype: Any) -> dict[str, Any]:
    return {} if dtype is None else {"dtype": as_dtype(dtype)}


def _reduce(
    t: Tracer, ufunc: np.ufunc, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None,
    keepdims: bool = False, initial: Any = _NO_VALUE, **options: Any,
) -> Any:  # fmt: skip
    name = f"{name_of(ufunc)}.reduce"
    for key in options if initial is _NO_VALUE else ("initial", *options):
        raise TraceError(f"{name}: {key}= is not supported")
    _refuse_out(name, out)
    known = _REDUCTIONS.get(ufunc)
    if known is not None:
        wanted = {} if dtype is None else {"dtype": dtype}
        return apply_rule(t, known, (x,), {"axis": axis, "keepdims": keepdims, **wanted})
    if dtype is not None:
        raise TraceError(f"{name}: dtype is not supported while tracing")
    x = t.lift(x)
    with t.calling(name, ufunc):
        needs = ufunc.identity is None
        shape = t.require(tensors.reduce(x._dims, axis, keepdims, needs))
        result = dtype_of(lambda v: ufunc.reduce(v, axis=axis), x)
        args = (ufunc.__name__, x, axis, keepdims)
        return t.array(args, None, shape, result, target=runtime.reduce_with)


def _refuse_out(name: str, out: Any) -> None:
    if out is not None:
        raise TraceError(f"{name}: out= is not supported")


def _with_axes(t: Tracer, name: str, array: Any, out: Any) -> SymArray:
    """The array that a method goes through along an axis."""
    x = t.lift(array)
    _refuse_out(name, out)
    if not x.ndim:
        raise TypeError(f"cannot {name.rpartition('.')[2]} on a scalar")
    return x


def _accumulate(
    t: Tracer, ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None
) -> Any:
    name = f"{name_of(ufunc)}.accumulate"
    x = _with_axes(t, name, array, out)
    known = _ACCUMULATIONS.get(ufunc)
    if known is not None:
        return apply_rule(t, known, (x,), {"axis": axis, **_typed(dtype)})
    with t.calling(name, ufunc):
        options = _typed(dtype)
        shape = t.require(tensors.accumulate(x._dims, axis))
        result = dtype_of(lambda v: ufunc.accumulate(v, axis=axis, **options), x)
        args = (ufunc.__name__, x, axis)
        return t.array(args, options, shape, result, target=runtime.accumulate_with)


def _reduceat(
    t: Tracer, ufunc: np.ufunc, array: Any, indices: Any, axis: Any = 0, dtype: Any = None,
    out: Any = None,
) -> Any:  # fmt: skip
    name = f"{name_of(ufunc)}.reduceat"
    x = _with_axes(t, name, array, out)
    at = tensors.axis_of(operator.index(axis), x.ndim)
    starts = t.shape_of(indices)
    if len(starts) != 1:
        raise ValueError("the indices of reduceat are in one dimension")
    if isinstance(indices, SymArray) and not np.can_cast(indices.dtype, np.intp, "safe"):
        raise TypeError(f"Cannot cast array data from {indices.dtype} to int64 safely")
    with t.calling(name, ufunc):
        needs = tensors.Needs()
        size = x._dims[at]
        need_inside(t, needs, indices, size, f"size {size}")
        options = _typed(dtype)
        first = np.zeros(1, np.intp)
        result = dtype_of(lambda v: ufunc.reduceat(v, first, axis=at, **options), x)
        shape = (*x._dims[:at], starts[0], *x._dims[at + 1 :])
        args = (ufunc.__name__, x, indices, at)
        target = runtime.reduceat_with
        return t.array(args, options, needs.result(shape), result, target=target)


def _outer(t: Tracer, ufunc: np.ufunc, a: Any, b: Any, dtype: Any = None) -> Any:
    if ufunc.nin != 2:
        raise ValueError("outer product only supported for binary functions")
    with t.calling(f"{name_of(ufunc)}.outer", ufunc):
        shape = (*t.shape_of(a), *t.shape_of(b))
        options = _typed(dtype)
        sample = results_of(ufunc.outer, a, b, **options)  # (numbers are not weak here)
        args = (ufunc.__name__, a, b)
        target = runtime.outer_with
        if isinstance(sample, tuple):
            values = [ArrayValue(shape, as_dtype(np.asarray(part).dtype)) for part in sample]
            return t.arrays(args, options, values, target=target)
        result = as_dtype(np.asarray(sample).dtype)
        return t.array(args, options, shape, result, target=target)


def _at(t: Tracer, ufunc: np.ufunc, a: Any, indices: Any, *operands: Any) -> None:
    """``ufunc.at(a, indices, b)``: in place, with repeated places counted each time."""
    name = f"{name_of(ufunc)}.at"
    require_own(t, a, name)
    what = f"{name}({a._node.name}, ...)"
    if len(operands) != ufunc.nin - 1:
        raise ValueError("second operand needed for ufunc")
    # numpy says which dtypes it takes.
    ufunc.at(np.ones(1, a.dtype), [0], *[np.ravel(dummy(b))[:1] for b in operands])
    with t.calling(name, runtime.at_with):
        given = t.shape_of(operands[0]) if operands else ()
        chosen = indexed(t, a, indices, reading=False, scalar=given == ())
        t.require(tensors.broadcast_to(given, chosen.shape, t.decide))
        args = (ufunc.__name__, a, chosen.key, *operands)
        t.changed(a, what, t.array(args, None, a._dims, a.dtype))


METHODS: Final[dict[str, Callable[..., Any]]] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
    "outer": _outer,
    "at": _at,
}
"""The methods of ufuncs that are traced, with their rules."""
