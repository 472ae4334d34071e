"""Functions that write into their first argument: `numpy.copyto` and its relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.trace.dtypes import dummy
from asserts.trace.registry import rule
from asserts.trace.rules.index import places_along, require_fits
from asserts.trace.symarray import SymArray
from shapes import tensors
from shapes.tensors import Needs

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


def require_own(t: Tracer, a: Any, name: str) -> SymArray:
    """Raises `TraceError` for an array that a change in place would not stay within."""
    if not isinstance(a, SymArray):
        raise TraceError(
            f"{name} changes an array in place of which everything is known, and which a "
            "graph keeps as a constant; start from an array that is made from an input or its "
            "sizes: np.zeros_like(x), np.zeros(x.shape[0])"
        )
    if a._is_scalar:
        raise TypeError(f"{name}: the first argument is a number, not an array")
    t.require_fresh(a, f"{name}({a._node.name}, ...)", "work on x.copy()")
    return a


def _write(t: Tracer, a: SymArray, *args: Any, **options: Any) -> None:
    name = t.called.__name__
    what = f"np.{name}({a._node.name}, ...)"
    with t.calling(f"np.{name}", runtime.written_with):
        t.changed(a, what, t.array((name, a, *args), options, a._dims, a.dtype))


def _accepted(t: Tracer, a: SymArray, value: Any, *args: Any) -> None:
    """Raises what numpy does for a value that does not become one of the array's dtype."""
    t.called(np.ones(1, a.dtype), *args, _sample(t, value))


def _sample(t: Tracer, value: Any) -> Any:
    """A number of the value's dtype, weak if it is, or an array of one."""
    return np.ravel(dummy(value))[:1] if t.shape_of(value) else dummy(value)


@rule("copyto")
def _copyto(
    t: Tracer, dst: Any, src: Any, casting: Any = "same_kind", where: Any = True
) -> None:
    array = require_own(t, dst, "np.copyto")
    np.copyto(np.ones(1, array.dtype), _sample(t, src), casting)
    require_fits(t, t.shape_of(src), array._dims)
    options: dict[str, Any] = {} if casting == "same_kind" else {"casting": casting}
    if where is not True:
        mask = t.lift(where)
        if mask.dtype.kind != "b":
            raise TypeError("np.copyto: `where` holds truth values")
        t.require(tensors.broadcast_to(mask._dims, array._dims, t.decide))
        options["where"] = where
    _write(t, array, src, **options)


@rule("fill_diagonal")
def _fill_diagonal(t: Tracer, a: Any, val: Any, wrap: bool = False) -> None:
    array = require_own(t, a, "np.fill_diagonal")
    if t.shape_of(val):
        raise TraceError("np.fill_diagonal: only a number as value while tracing")
    if array.ndim < 2:
        raise ValueError("array must be at least 2-d")
    needs = Needs()
    for size in array._dims[1:] if array.ndim > 2 else ():
        needs.equal(size, array._dims[0], "All dimensions of input must be of equal length")
    t.require(needs.result(()))
    _write(t, array, val, bool(wrap))


@rule("putmask")
def _putmask(t: Tracer, a: Any, mask: Any, values: Any) -> None:
    array = require_own(t, a, "np.putmask")
    _accepted(t, array, values, np.ones(1, bool))
    _require_as_many(t, array, mask, "putmask: mask and data must be the same size")
    _write(t, array, mask, values)


@rule("place")
def _place(t: Tracer, arr: Any, mask: Any, vals: Any) -> None:
    array = require_own(t, arr, "np.place")
    if vals is arr:  # (numpy reads what it has already written)
        raise TraceError("np.place: the values are the array itself; give it x.copy()")
    _accepted(t, array, vals, np.ones(1, bool))
    _require_as_many(t, array, mask, "place: mask and data must be the same size")
    _write(t, array, mask, vals)


def _require_as_many(t: Tracer, a: SymArray, mask: Any, reason: str) -> None:
    needs = Needs()
    needs.equal(tensors.product(a._dims), tensors.product(t.shape_of(mask)), reason)
    t.require(needs.result(()))


@rule("put_along_axis")
def _put_along_axis(t: Tracer, arr: Any, indices: Any, values: Any, axis: Any) -> None:
    array = require_own(t, arr, "np.put_along_axis")
    places = t.lift(indices)
    if places.dtype.kind not in "iu":
        raise IndexError("`indices` must be an integer array")
    at, common = places_along(t, array, places, indices, axis)
    require_fits(t, t.shape_of(values), t.require(common))
    if t.lift(values).dtype.kind == "c" and array.dtype.kind != "c":
        raise TraceError("assigning complex values to a real array is not supported")
    _write(t, array, places, values, at)
