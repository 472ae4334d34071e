"""Elementwise functions: operands broadcast, numpy says the dtype."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import as_dtype, dtype_of, results_of
from asserts.trace.elements import carried, converted, shared
from asserts.trace.registry import RULES, apply_rule, name_of, register, rule
from asserts.trace.rules.ufunc_methods import apply_method
from asserts.trace.symarray import ANY, Elements, SymArray
from shapes import tensors
from shapes.expr import IntExpr

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["apply_ufunc", "cast", "power", "update"]

def apply_ufunc(
    t: Tracer, ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A ufunc or one of its methods on operands of which one is traced."""
    name = name_of(ufunc)
    if method == "__call__":
        if ufunc in RULES:
            return apply_rule(t, ufunc, args, kwargs)
        return _call(t, ufunc, name, args, kwargs)
    return apply_method(t, ufunc, method, args, kwargs)


def _call(
    t: Tracer, ufunc: np.ufunc, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if ufunc.signature is not None:
        raise TraceError(f"{name} is not supported while tracing")
    operands, further = args[: ufunc.nin], args[ufunc.nin :]
    options = {}
    for key, value in {**kwargs, **({"out": further} if further else {})}.items():
        if key == "dtype" and value is not None:
            options[key] = as_dtype(value)
        elif key == "casting":
            options[key] = value
        elif key == "where" and value is not True:
            raise TraceError(
                f"{name}: where= is not supported while tracing; use np.where(mask, ..., ...)"
            )
        elif key == "out" and not _is_nothing(value):
            raise TraceError(f"{name}: out= is not supported while tracing; use the result")
        elif key not in _SAYS_NOTHING:
            raise TraceError(f"{name}: {key}= is not supported while tracing")
    with t.calling(name, ufunc):
        return elementwise(t, ufunc, operands, options)


def power(t: Tracer, x: SymArray, exponent: Any) -> Any:
    """``x ** exponent``, which numpy computes by other means than `np.power` for some
    exponents (a square is a product), so it is recorded as the operator."""
    if isinstance(exponent, (int, float)):
        with t.calling("np.power", operator.pow):
            return elementwise(t, operator.pow, (x, exponent), {})
    return apply_ufunc(t, np.power, "__call__", (x, exponent), {})


_SAYS_NOTHING: Final = ("dtype", "where", "out", "subok", "order")
"""What is left of a ufunc's options when others are refused: the order is one of memory."""


def _is_nothing(out: Any) -> bool:
    return out is None or (isinstance(out, tuple) and all(o is None for o in out))


def elementwise(
    t: Tracer, function: Callable[..., Any], operands: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Record a function whose result has the common shape of its operands."""
    shape = t.require(
        tensors.broadcast(*[t.shape_of(v) for v in operands], known=t.decide)
    )
    sample = results_of(function, *operands, **options)
    if isinstance(sample, tuple):
        values = [ArrayValue(shape, as_dtype(part.dtype)) for part in sample]
        return t.arrays(operands, options, values)
    dtype = as_dtype(np.asarray(sample).dtype)
    elements = _kept(t, function, operands, dtype)
    return t.array(operands, options, shape, dtype, elements=elements)


def _kept(
    t: Tracer, function: Any, operands: tuple[Any, ...], dtype: np.dtype[Any]
) -> Elements:
    """Bounds that survive `minimum` and `maximum`, which compute in the result's dtype."""
    if dtype.kind not in "iu" or function not in (np.maximum, np.minimum):
        return ANY
    a, b = (carried(t, v, dtype) for v in operands)
    if function is np.maximum:
        return _first(a[0], b[0]), None
    return None, _first(a[1], b[1])


def _first(a: IntExpr | None, b: IntExpr | None) -> IntExpr | None:
    return b if a is None else a


def cast(
    t: Tracer, x: SymArray, dtype: Any, casting: str = "unsafe", copy: bool = True
) -> Any:
    """``x.astype(dtype)``."""
    wanted = as_dtype(dtype)
    if not copy and wanted == x.dtype:
        return x
    if not np.can_cast(x.dtype, wanted, casting):  # type: ignore[arg-type]
        raise TypeError(f"Cannot cast array data from {x.dtype} to {wanted} by '{casting}'")
    elements = converted(t, x._elements, x.dtype, wanted)
    with t.calling("astype", runtime.astype):
        result = t.array((x, wanted), None, x._dims, wanted, elements=elements)
    if x.dtype.kind in "biu" and wanted == np.int64:
        t.same_totals(x, result)
    return result


def update(t: Tracer, x: SymArray, ufunc: np.ufunc, other: Any, what: str) -> None:
    """An augmented assignment: the result keeps shape and dtype of the array.

    Raises `TraceError` where others could see the change.
    """
    symbol = what.partition(" ")[2].partition("=")[0]
    t.require_fresh(x, what, f"write x = x {symbol} ... instead")
    name = f"{name_of(ufunc)} in place"
    with t.calling(name, runtime.update):
        wanted = dtype_of(ufunc, x, other)
        if not np.can_cast(wanted, x.dtype, "same_kind"):
            raise TypeError(f"{name}: cannot cast the result from {wanted} to {x.dtype}")
        needed = tensors.broadcast_to(t.shape_of(other), x._dims, t.decide)
        t.require(needed)
        args = (ufunc.__name__, x, other)
        t.changed(x, what, t.array(args, None, x._dims, x.dtype))


# --------------------------------------------------------------------------- more functions


@rule("where")
def _where(t: Tracer, condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None and y is None:
        return apply_rule(t, np.nonzero, (condition,), {})
    result = elementwise(t, np.where, (condition, x, y), {})
    result._elements = shared(carried(t, arm, result.dtype) for arm in (x, y))
    return result


@rule("clip")
def _clip(
    t: Tracer, a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None,
    max: Any = None, dtype: Any = None,
) -> Any:  # fmt: skip
    lower = a_min if min is None else min
    upper = a_max if max is None else max
    present = [v for v in (lower, upper) if v is not None]
    shape = t.require(
        tensors.broadcast(*[t.shape_of(v) for v in (a, *present)], known=t.decide)
    )
    options = {} if dtype is None else {"dtype": as_dtype(dtype)}
    result = dtype_of(np.clip, a, lower, upper, **options)
    elements: Elements = ANY
    if result.kind in "iu" and not dtype:
        low, high = carried(t, lower, result), carried(t, upper, result)
        # min(max(a, lower), upper): the upper bound wins where they cross.
        elements = (low[0] if upper is None else None, high[1])
        first, second = low[0], high[0]
        if first is not None and second is not None and t.env.decide(first <= second):
            elements = (first, high[1])
    return t.array((a, lower, upper), options, shape, result, elements=elements)


def _elementwise_function(arrays: int, names: list[str]) -> None:
    """Functions of that many broadcasting operands; further arguments are options."""

    def rule_of(t: Tracer, *args: Any, **options: Any) -> Any:
        function = t.called
        operands, rest = args[:arrays], args[arrays:]
        if function is np.real_if_close and t.lift(operands[0]).dtype.kind == "c":
            raise TraceError("np.real_if_close: the dtype of the result depends on values")
        shape = t.require(
            tensors.broadcast(*[t.shape_of(v) for v in operands], known=t.decide)
        )
        dtype = dtype_of(function, *args, **options)
        return t.array((*operands, *rest), options, shape, dtype)

    register(rule_of, *names)


_elementwise_function(1, ["nan_to_num", "angle", "sinc", "i0", "fix", "isposinf",
                          "isneginf", "iscomplex", "isreal", "real_if_close"])  # fmt: skip
_elementwise_function(2, ["isclose"])


@rule("round", "around", "round_")
def _round(t: Tracer, a: Any, decimals: int = 0) -> Any:
    array = t.lift(a)
    dtype = dtype_of(np.round, a, decimals)
    shared = array if array.dtype.kind in "iu" else None  # numpy returns integers as they are
    return t.array((array, decimals), None, array._dims, dtype, view_of=shared)


@rule("real", "imag")
def _part(t: Tracer, val: Any) -> Any:
    array = t.lift(val)
    return t.array((array,), None, array._dims, dtype_of(t.called, val), view_of=array)


@rule("interp")
def _interp(t: Tracer, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    points, values = t.shape_of(xp), t.shape_of(fp)
    if len(points) != 1 or len(values) != 1:
        raise ValueError("object of too small depth for desired array")
    needs = tensors.Needs()
    needs.equal(points[0], values[0], "fp and xp are not of the same length.")
    needs.add(points[0] >= 1, "array of sample points is empty")
    t.require(needs.result(()))
    options = {k: v for k, v in (("left", left), ("right", right)) if v is not None}
    return t.array((x, xp, fp), options, t.shape_of(x), np.dtype(np.float64))
