"""Functions whose result's size depends on values: each makes an unbacked symbol.

What the operation itself guarantees of the size is stated with it. How many elements of an
array are not 0 is one symbol, wherever it turns up: in ``x[mask]``, ``np.nonzero(mask)``,
``mask.sum()``; so is the sum of counts in ``np.repeat(x, counts)``. For an array of integers
these are two quantities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.graph.graph import Node
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import as_dtype, dtype_of, results_of
from asserts.trace.names import described
from asserts.trace.registry import rule
from asserts.trace.symarray import ANY, Elements, SymArray, count_key, is_symbolic, sum_key
from shapes import tensors
from shapes.expr import IntExpr, combine, constant, less_equal, maximum, minimum, shift

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["count_of", "new_count", "repeat_each"]

INTP = np.dtype(np.intp)


def sized_symbol(t: Tracer, source: str) -> IntExpr:
    """A fresh size."""
    expr = t.unbacked(source, size_like=True).expr
    assert isinstance(expr, IntExpr)
    return expr


def counted(mask: SymArray) -> str:
    """How many elements are not 0, as text."""
    return f"np.count_nonzero({described(mask._node)})"


def node_of(value: Any) -> Any:
    """The node of a traced array; other operands as they are."""
    return value._node if isinstance(value, SymArray) else value


def bounded(
    t: Tracer, size: IntExpr, node: Node, upper: IntExpr, lower: IntExpr | None = None
) -> None:
    """State the bounds that the operation guarantees for a size."""
    t.guarantee(less_equal(size, upper), node)
    if lower is not None:
        t.guarantee(less_equal(lower, size), node)


def new_count(t: Tracer, mask: SymArray, source: str) -> tuple[IntExpr, bool]:
    """How many elements are not 0; and whether the symbol is new, so that the node which is
    being recorded has to define it."""
    known = t.total_of(count_key(mask))
    if known is not None:
        return known, False
    count = sized_symbol(t, source)
    t.remember_total(count_key(mask), count)
    return count, True


def define_count(
    t: Tracer, mask: SymArray, count: IntExpr, node: Node, path: tuple[tuple[Any, ...], ...]
) -> None:
    """The node defines the number of elements that are not 0."""
    t.bind(node, {count: path})
    bounded(t, count, node, tensors.product(mask._dims))


def count_of(t: Tracer, mask: SymArray) -> IntExpr:
    """How many elements are not 0, counted if they have not been."""
    count, is_new = new_count(t, mask, counted(mask))
    if is_new:
        with t.calling("np.count_nonzero", runtime.count_nonzero):
            node = t.record(runtime.count_nonzero, (mask,), None, count)
            define_count(t, mask, count, node, ())
    return count


# --------------------------------------------------------------------------- places


@rule("nonzero")
def _nonzero(t: Tracer, a: Any) -> Any:
    mask = t.lift(a)
    if mask.ndim == 0:
        raise ValueError("Calling nonzero on 0d arrays is not allowed.")
    count, is_new = new_count(t, mask, counted(mask))
    values = (ArrayValue((count,), INTP),) * mask.ndim
    node = t.record(t.called, (mask,), None, values)
    if is_new:
        define_count(t, mask, count, node, (("item", 0), ("size", 0)))
    return tuple(
        t.part(node, i, value, (constant(0), shift(size, -1)), fresh=True)
        for i, (value, size) in enumerate(zip(values, mask._dims))
    )


@rule("flatnonzero")
def _flatnonzero(t: Tracer, a: Any) -> Any:
    mask = t.lift(a)
    count, is_new = new_count(t, mask, counted(mask))
    size = tensors.product(mask._dims)
    elements = (constant(0), shift(size, -1))
    result = t.array((mask,), None, (count,), INTP, elements=elements)
    if is_new:
        define_count(t, mask, count, result._node, (("size", 0),))
    return result


@rule("argwhere")
def _argwhere(t: Tracer, a: Any) -> Any:
    mask = t.lift(a)
    count, is_new = new_count(t, mask, counted(mask))
    result = t.array((mask,), None, (count, constant(mask.ndim)), INTP)
    if is_new:
        define_count(t, mask, count, result._node, (("size", 0),))
    return result


@rule("extract")
def _extract(t: Tracer, condition: Any, arr: Any) -> Any:
    # The sizes may differ: numpy takes the elements at the places that are true.
    mask, array = t.lift(condition), t.lift(arr)
    count, is_new = new_count(t, mask, counted(mask))
    result = t.array((mask, array), None, (count,), array.dtype, elements=array._elements)
    if is_new:
        define_count(t, mask, count, result._node, (("size", 0),))
    return result


@rule("compress")
def _compress(t: Tracer, condition: Any, a: Any, axis: Any = None) -> Any:
    mask, array = t.lift(condition), t.lift(a)
    if mask.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    dims = array._dims if axis is not None else (tensors.product(array._dims),)
    at = tensors.axis_of(axis or 0, len(dims))
    count, is_new = new_count(t, mask, counted(mask))
    if not is_symbolic(condition):
        chosen = np.flatnonzero(condition)
        places = [constant(int(end)) for end in chosen[-1:]]
        t.require(tensors.take(dims, (constant(len(chosen)),), at, places))
    shape = (*dims[:at], count, *dims[at + 1 :])
    options = {} if axis is None else {"axis": axis}
    result = t.array((mask, array), options, shape, array.dtype, elements=array._elements)
    if is_new:
        define_count(t, mask, count, result._node, (("size", at),))
    return result


# --------------------------------------------------------------------------- sets


@rule("unique")
def _unique(
    t: Tracer, ar: Any, return_index: bool = False, return_inverse: bool = False,
    return_counts: bool = False, axis: Any = None,
) -> Any:  # fmt: skip
    array = t.lift(ar)
    if axis is not None and array.ndim != 1:
        raise TraceError("np.unique: axis is not supported while tracing")
    total = tensors.product(array._dims)
    count = sized_symbol(t, f"len(np.unique({described(array._node)}))")
    wanted = (return_index, return_inverse, return_counts)
    options = dict(zip(("return_index", "return_inverse", "return_counts"), wanted))
    options = {k: v for k, v in options.items() if v}
    values = [ArrayValue((count,), array.dtype)]
    elements: list[Elements] = [array._elements]
    if return_index:
        values.append(ArrayValue((count,), INTP))
        elements.append((constant(0), shift(total, -1)))
    if return_inverse:
        sample = results_of(np.unique, array, return_inverse=True)[1]
        shape = array._dims if sample.ndim == array.ndim else (total,)
        values.append(ArrayValue(shape, INTP))
        elements.append((constant(0), shift(count, -1)))
    if return_counts:
        values.append(ArrayValue((count,), INTP))
        elements.append((constant(1), total))
    single = len(values) == 1
    node = t.record(np.unique, (array,), options, values[0] if single else tuple(values))
    t.bind(node, {count: (("size", 0),) if single else (("item", 0), ("size", 0))})
    bounded(t, count, node, total, minimum(total, constant(1)))
    if single:
        return SymArray(t, node, (count,), array.dtype, array._elements, fresh=True)
    return tuple(
        t.part(node, i, value, known, True)
        for i, (value, known) in enumerate(zip(values, elements))
    )


@rule("union1d", "intersect1d", "setdiff1d", "setxor1d")
def _set_operation(
    t: Tracer, ar1: Any, ar2: Any, assume_unique: bool = False
) -> Any:
    name = t.called.__name__
    a, b = (tensors.product(t.shape_of(v)) for v in (ar1, ar2))
    both = combine(1, a, 1, b)
    shown = ", ".join(described(node_of(v)) for v in (ar1, ar2))
    count = sized_symbol(t, f"len(np.{name}({shown}))")
    options = {"assume_unique": True} if assume_unique else {}
    dtype = dtype_of(t.called, ar1, ar2, **options)
    result = t.array((ar1, ar2), options, (count,), dtype)
    t.bind(result._node, {count: (("size", 0),)})
    upper = {"intersect1d": minimum(a, b), "setdiff1d": a}.get(name, both)
    if assume_unique and name == "intersect1d":
        upper = both  # what the caller promises is not checked
    lower = None
    if name == "union1d":
        lower = minimum(both, constant(1))
    bounded(t, count, result._node, upper, lower)
    return result


# --------------------------------------------------------------------------- counts


def repeat_each(
    t: Tracer, array: SymArray, repeats: Any, axis: int | None, options: dict[str, Any]
) -> SymArray:
    """``np.repeat(array, counts)``: the new size is the sum of the counts."""
    counts = t.lift(repeats)
    if not np.can_cast(counts.dtype, np.intp, "safe"):
        raise TypeError(f"Cannot cast array data from {counts.dtype} to int64 safely")
    dims = array._dims if axis is not None else (tensors.product(array._dims),)
    at = 0 if axis is None else tensors.axis_of(axis, max(len(dims), 1))
    old = dims[at] if dims else constant(1)
    # The counts are summed as they stand only if there is one for each element.
    one_each = counts.ndim == 1 and counts._dims[0] is old
    total = t.total_of(sum_key(counts)) if one_each else None
    is_new = total is None
    if total is None:
        total = sized_symbol(t, f"np.sum({described(counts._node)})")
        if one_each:
            t.remember_total(sum_key(counts), total)
    shape = tensors.repeat_each(array._dims, counts._dims, total, axis)
    result = t.array(
        (array, counts), options, shape, array.dtype, elements=array._elements
    )
    if is_new:
        t.bind(result._node, {total: (("size", at),)})
    upper = counts._elements[1]
    if upper is not None and one_each:
        from shapes.expr import multiply

        t.guarantee(less_equal(total, multiply(old, upper)), result._node)
    return result


@rule("bincount")
def _bincount(t: Tracer, x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    array = t.lift(x)
    if array.ndim != 1:
        raise ValueError("object too deep for desired array")
    least = t.dim_of(minlength)
    needs = tensors.Needs()
    needs.add(less_equal(constant(0), least), "'minlength' must not be negative")
    if weights is not None:
        sizes, reason = t.shape_of(weights), "weights and array don't have the same length"
        needs.equal(sizes[0], array._dims[0], reason)
    t.require(needs.result(()))
    count = sized_symbol(t, f"len(np.bincount({described(array._node)}))")
    options: dict[str, Any] = {} if weights is None else {"weights": weights}
    if least is not constant(0):
        options["minlength"] = least
    dtype = INTP if weights is None else np.dtype(np.float64)
    elements = (constant(0), array._dims[0]) if weights is None else ANY
    result = t.array((array,), options, (count,), dtype, elements=elements)
    t.bind(result._node, {count: (("size", 0),)})
    t.guarantee(less_equal(least, count), result._node)
    highest = array._elements[1]
    if highest is not None:
        # One more than the largest element, which there may not be.
        upper = maximum(shift(highest, 1), least)
        t.guarantee(less_equal(count, upper), result._node)
    return result


@rule("searchsorted", "digitize")
def _searchsorted(
    t: Tracer, first: Any, second: Any, side: Any = "left", *, right: Any = False
) -> Any:
    sorted_first = t.called is np.searchsorted
    edges, places = (first, second) if sorted_first else (second, first)
    sizes = t.shape_of(edges)
    if len(sizes) != 1:
        raise ValueError("object too deep for desired array")
    options: dict[str, Any] = {}
    if sorted_first and side != "left":
        options["side"] = side
    if not sorted_first and (right or side is True):
        options["right"] = True
    elements = (constant(0), sizes[0])
    return t.array((first, second), options, t.shape_of(places), INTP, elements=elements)


@rule("histogram")
def _histogram(t: Tracer, a: Any, bins: Any = 10, range: Any = None) -> Any:
    if isinstance(bins, str):
        raise TraceError("np.histogram: bins must be a number or edges while tracing")
    edges = t.shape_of(bins)
    if edges == ():
        count = t.dim_of(bins)
        needs = tensors.Needs()
        needs.add(less_equal(constant(1), count), "`bins` must be positive")
        t.require(needs.result(()))
    else:
        count = shift(edges[0], -1)
        if t.decide(less_equal(constant(1), edges[0])) is not True:
            count = maximum(count, constant(0))  # (numpy takes no edges at all, too)
    options = {} if range is None else {"range": range}
    if edges == ():
        edge_dtype = as_dtype(results_of(np.histogram, a, 1, **options)[1].dtype)
    else:
        edge_dtype = t.lift(bins).dtype
    ends = shift(count, 1) if edges == () else edges[0]
    values = (ArrayValue((count,), INTP), ArrayValue((ends,), edge_dtype))
    return t.arrays((a, bins), options, values)
