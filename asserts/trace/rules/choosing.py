"""Elements chosen from several arrays, and places counted through all axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import as_dtype, dtype_of, dummy
from asserts.trace.registry import rule
from asserts.trace.rules.index import need_inside
from asserts.trace.symarray import ANY, Elements, SymArray
from shapes import tensors
from shapes.expr import IntExpr, constant, less_equal, shift
from shapes.tensors import Needs, Shape, ShapeError

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

INTP = np.dtype(np.intp)


@rule("select")
def _select(t: Tracer, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    for name, given in (("condlist", condlist), ("choicelist", choicelist)):
        if not isinstance(given, (list, tuple)):
            raise TraceError(f"np.select: {name} must be a list or a tuple while tracing")
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    dtype = dtype_of(np.select, list(condlist), list(choicelist), default)
    operands = (*condlist, *choicelist, default)
    shape = tensors.broadcast(*[t.shape_of(v) for v in operands], known=t.decide)
    args = (list(condlist), list(choicelist), default)
    return t.array(args, None, shape, dtype)


@rule("choose")
def _choose(t: Tracer, a: Any, choices: Any, *, mode: str = "raise") -> Any:
    places = t.lift(a)
    options = _rows(t, choices)
    # The stand-ins hold ones, and there may be a single choice.
    first: Any = np.zeros_like(dummy(places))
    samples: Any = [dummy(one) for one in options]
    dtype = as_dtype(np.choose(first, samples, mode=mode).dtype)  # type: ignore[call-overload]
    shapes = [places._dims, *[t.shape_of(one) for one in options]]
    shape = tensors.broadcast(*shapes, known=t.decide)
    how = {} if mode == "raise" else {"mode": mode}
    return t.array((places, choices), how, shape, dtype)


def _rows(t: Tracer, choices: Any) -> list[Any]:
    """The arrays of which elements are chosen."""
    if isinstance(choices, (list, tuple)):
        return list(choices)
    array = t.lift(choices)
    if not array.ndim:
        raise TypeError("the choices are not a sequence of arrays")
    count = array._dims[0]
    if not count.is_constant:
        raise TraceError(
            f"{t.operation}: how many choices an array of shape "
            f"{tensors.show_shape(array._dims)} holds must be known while tracing"
        )
    if not count.value:
        raise ValueError("0-length sequence.")
    # One row stands for the dtype and the shape of all.
    return [SymArray(t, array._node, array._dims[1:], array.dtype)]


# --------------------------------------------------------------------------- places


def _are_places(indices: Any) -> None:
    """Raises `TypeError` for what numpy does not take for places."""
    found = np.asarray(dummy(indices))
    if isinstance(indices, (list, tuple)) and not found.size:
        raise TypeError("indices must be integral: an empty list is of floats")
    if found.dtype.kind not in "biu":
        raise TypeError("only int indices permitted")


def _below(t: Tracer, size: IntExpr) -> Elements:
    """The bounds of a place on an axis, if that has a size (numpy takes negative ones)."""
    if t.decide(less_equal(constant(0), size)) is not True:
        return ANY
    return constant(0), shift(size, -1)


@rule("unravel_index")
def _unravel_index(t: Tracer, indices: Any, shape: Any, order: str = "C") -> Any:
    _are_places(indices)
    dims = t.dims_of(shape)
    if not dims:
        raise TraceError(f"{t.operation} into no axes is not supported while tracing")
    needs = Needs()
    if all(t.decide(less_equal(constant(0), size)) is True for size in dims):
        total = tensors.product(dims)
        need_inside(t, needs, indices, total, f"an array of {total} elements")
    given = t.require(needs.result(t.shape_of(indices)))
    values = [ArrayValue(given, INTP) for _ in dims]
    options = {} if order == "C" else {"order": order}
    known = [_below(t, size) for size in dims]
    return t.arrays((indices, dims), options, values, elements=known)


@rule("ravel_multi_index")
def _ravel_multi_index(
    t: Tracer, multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C"
) -> Any:
    sizes = t.dims_of(dims)
    shape = t.require(_of_places(t, multi_index, sizes, mode))
    options = {k: v for k, v in (("mode", mode), ("order", order)) if v not in ("raise", "C")}
    elements: Elements = ANY
    if all(_below(t, size) != ANY for size in sizes):
        elements = (constant(0), shift(tensors.product(sizes), -1))
    return t.array((multi_index, sizes), options, shape, INTP, elements=elements)


def _of_places(t: Tracer, places: Any, sizes: Sequence[IntExpr], mode: Any) -> Any:
    """The shape of the numbers of places that are given axis by axis."""
    needs = Needs()
    if isinstance(places, (SymArray, np.ndarray)):
        array = t.lift(places)
        _are_places(array)
        if not array.ndim:
            raise ShapeError("the places are not a sequence, one for each axis")
        number = constant(len(sizes))
        needs.equal(array._dims[0], number, f"{len(sizes)} axes need as many rows of places")
        shape: Shape = array._dims[1:]
    elif isinstance(places, (list, tuple)):
        if len(places) != len(sizes):
            raise ShapeError(
                f"parameter multi_index must be a sequence of length {len(sizes)}"
            )
        for one, size in zip(places, sizes):
            _are_places(one)
            if mode == "raise":
                need_inside(t, needs, one, size, f"an axis of size {size}")
        found = tensors.broadcast(*[t.shape_of(one) for one in places], known=t.decide)
        needs.extend(found.needs)
        shape = found.shape
    else:
        raise TraceError(f"{t.operation}: {places!r} is not a sequence of places")
    return needs.result(shape)
