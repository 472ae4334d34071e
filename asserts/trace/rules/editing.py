"""Rows removed and put in along an axis: `numpy.delete` and `numpy.insert`.

The places are numbers, sizes, lists of these, slices, or masks that are constants. (How many
places an array of the program names is known only when it runs: index with a mask instead.)
A place may be counted from the end, so whether two places are one can depend on the size of
the axis; a place that was there before does not count.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from asserts.errors import TraceError
from asserts.trace.dtypes import dummy
from asserts.trace.registry import rule
from asserts.trace.symarray import SymArray, is_symbolic
from shapes import tensors
from shapes.env import SymInt
from shapes.expr import (
    IntExpr,
    combine,
    constant,
    disjunction,
    equal,
    less,
    less_equal,
    where,
)
from shapes.tensors import Needs, Shape

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

ZERO: Final = constant(0)

MOST_PAIRS: Final = 64
"""Pairs of places of which only the size of the axis says whether they are one."""


class _Places(NamedTuple):
    """Places on an axis, and how they are recorded."""

    at: list[IntExpr]
    recorded: Any
    is_single: bool
    """Whether a number is given, and not a list."""


def _axis(t: Tracer, arr: Any, axis: Any) -> tuple[Shape, int, dict[str, Any]]:
    """The shape that is worked on (that of all elements if there is no axis), the axis, and
    the argument that is recorded."""
    dims = t.shape_of(arr)
    if axis is None:
        flat = dims if len(dims) == 1 else (tensors.product(dims),)
        return flat, 0, {}
    at = tensors.axis_of(operator.index(axis), len(dims))
    return dims, at, {"axis": at}


def _places(t: Tracer, obj: Any) -> _Places | None:
    """The places that a number or a list names; None for a mask, which is a constant."""
    if isinstance(obj, (bool, np.bool_)):
        raise TraceError(f"{t.operation}: a single truth value is not a place")
    if isinstance(obj, SymArray) and (obj.ndim or obj.dtype.kind not in "iu"):
        raise TraceError(
            f"{t.operation}: places that an array holds are known only when the program runs; "
            "index with a mask, or join slices with np.concatenate"
        )
    if isinstance(obj, (SymInt, SymArray)):
        number = t.dim_of(obj)
        return _Places([number], number, True)
    if isinstance(obj, (list, tuple)) and is_symbolic(obj):
        if any(isinstance(one, (bool, np.bool_, list, tuple)) for one in obj):
            raise TraceError(f"{t.operation}: a list of places holds numbers and sizes")
        numbers = [t.dim_of(one) for one in obj]
        return _Places(numbers, numbers, False)
    if is_symbolic(obj):
        raise TraceError(f"{t.operation}: {obj!r} is not a place")
    return _constant_places(t, obj)


def _constant_places(t: Tracer, obj: Any) -> _Places | None:
    array = np.asarray(obj)
    if not array.size and not isinstance(obj, np.ndarray):
        array = array.astype(np.intp)
    if array.ndim > 1:
        raise TraceError(f"{t.operation}: places in several dimensions are not supported")
    if array.dtype.kind == "b" and array.ndim:
        return None
    if array.dtype.kind not in "iu":
        raise IndexError("arrays used as indices must be of integer (or boolean) type")
    found: list[int] = array.ravel().tolist()
    recorded: Any = found if array.ndim else found[0]
    return _Places([constant(one) for one in found], recorded, not array.ndim)


# --------------------------------------------------------------------------- removing


@rule("delete")
def _delete(t: Tracer, arr: Any, obj: Any, axis: Any = None) -> Any:
    array = t.lift(arr)
    dims, at, options = _axis(t, array, axis)
    size = dims[at]
    needs = Needs()
    recorded = obj
    if isinstance(obj, slice):
        obj = slice(*_ends(t, obj))
        part = tensors.slice_length(size, obj.start, obj.stop, obj.step, t.decide)
        needs.extend(part.needs)
        (removed,) = part.shape
        recorded = obj
    elif (places := _places(t, obj)) is None:
        mask = np.asarray(obj)
        recorded = mask
        needs.add(
            equal(size, constant(mask.size)),
            f"a mask of {mask.size} elements for an axis of size {size}",
        )
        removed = constant(int(mask.sum()))
    else:
        recorded = places.recorded
        for place in dict.fromkeys(places.at):
            needs.add(
                less_equal(ZERO, combine(1, place, 1, size)), f"index {place} is out of bounds"
            )
            needs.add(less(place, size), f"index {place} is out of bounds")
        removed = _distinct(t, places.at, size)
    left = combine(1, size, -1, removed)
    shape = t.require(needs.result((*dims[:at], left, *dims[at + 1 :])))
    return t.array((array, recorded), options, shape, array.dtype, elements=array._elements)


def _ends(t: Tracer, obj: slice) -> list[IntExpr | None]:
    return [None if end is None else t.dim_of(end) for end in (obj.start, obj.stop, obj.step)]


def _distinct(t: Tracer, places: Sequence[IntExpr], size: IntExpr) -> IntExpr:
    """How many places these are, as those that are not one of the places before them."""
    signs: dict[bool | None, list[IntExpr]] = {True: [], False: [], None: []}
    for place in dict.fromkeys(places):
        sign = place.value >= 0 if place.is_constant else t.decide(less_equal(ZERO, place))
        signs[sign].append(place)
    front = [p for p in signs[True] if p.is_constant]
    back = [p for p in signs[False] if p.is_constant]
    others = [p for found in signs.values() for p in found if not p.is_constant]
    pairs = len(front) * len(back) + len(others) * (len(front) + len(back) + len(others))
    if pairs > MOST_PAIRS:
        raise TraceError(
            f"{t.operation}: too many places that may be one; count all of them from one end"
        )
    if back and not front and not others:
        return constant(len(back))
    total = constant(len(front))
    seen = list(front)
    for number, place in enumerate([*back, *others]):
        # Constants from the same end are different ones.
        before = front if number < len(back) else seen
        other = _from_front(t, place, size)
        same = [equal(other, _from_front(t, one, size)) for one in before]
        again = where(disjunction(*same), ZERO, constant(1))
        assert isinstance(again, IntExpr)
        total = combine(1, total, 1, again)
        seen.append(place)
    return total


def _from_front(t: Tracer, place: IntExpr, size: IntExpr) -> IntExpr:
    behind = combine(1, place, 1, size)
    known = t.decide(less_equal(ZERO, place))
    if known is not None:
        return place if known else behind
    either = where(less_equal(ZERO, place), place, behind)
    assert isinstance(either, IntExpr)
    return either


# --------------------------------------------------------------------------- putting in


@rule("insert")
def _insert(t: Tracer, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    array = t.lift(arr)
    dims, at, options = _axis(t, array, axis)
    given = t.shape_of(values)
    if not dims or len(given) > len(dims):
        raise TraceError(
            f"{t.operation}: values of more axes than the array are not supported"
        )
    if np.asarray(dummy(values)).dtype.kind == "c" and array.dtype.kind != "c":
        raise TraceError(f"{t.operation}: complex values in a real array are not supported")
    if isinstance(obj, slice):
        obj = slice(*_ends(t, obj))
        if given:
            raise TraceError(f"{t.operation}: a slice of places takes a single number")
        part = tensors.slice_length(dims[at], obj.start, obj.stop, obj.step, t.decide)
        (added,) = t.require(part)
        recorded: Any = obj
    else:
        places = _places(t, obj)
        if places is None:
            if not isinstance(obj, np.ndarray):
                raise TraceError(f"{t.operation}: a mask has to be an array")
            recorded = np.asarray(obj)
            found = np.flatnonzero(recorded).tolist()
            places = _Places([constant(one) for one in found], recorded, False)
            obj = obj.nonzero()[0]
        recorded = places.recorded
        if len(places.at) > 1 and getattr(obj, "dtype", np.dtype(np.intp)) != np.intp:
            raise TraceError(  # numpy computes places in this dtype, which may not hold them
                f"{t.operation}: several places are given as a list, or in dtype intp"
            )
        added = _added(t, places, dims, at, given)
    whole = (*dims[:at], combine(1, dims[at], 1, added), *dims[at + 1 :])
    return t.array((array, recorded, values), options, whole, array.dtype)


def _added(t: Tracer, places: _Places, dims: Shape, at: int, given: Shape) -> IntExpr:
    """How many rows `numpy.insert` puts in. One place takes as many as there are, several take
    one each."""
    size = dims[at]
    needs = Needs()
    for place in dict.fromkeys(places.at):
        within = less_equal(ZERO, combine(1, place, 1, size))
        if len(places.at) > 1 and t.decide(within) is not True:
            # numpy does not look: such places are counted from the end of the result.
            if t.decide(less_equal(ZERO, place)) is not True:
                raise TraceError(
                    f"{t.operation}: whether index {place} is within the axis is not known; "
                    "count it from the front"
                )
        else:
            needs.add(within, f"index {place} is out of bounds")
        needs.add(less_equal(place, size), f"index {place} is out of bounds")
    added = constant(len(places.at))
    if len(places.at) == 1:
        given = (*[constant(1)] * (len(dims) - len(given)), *given)
        if places.is_single:
            rest = given[1:]
            given = (*rest[:at], given[0], *rest[at:])
        added = given[at]
    target = (*dims[:at], added, *dims[at + 1 :])
    needs.extend(tensors.broadcast_to(given, target, t.decide).needs)
    t.require(needs.result(()))
    return added
