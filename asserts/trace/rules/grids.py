"""Indices of places: open grids, all places, those of triangles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import as_dtype
from asserts.trace.registry import rule
from asserts.trace.symarray import Elements, SymArray
from shapes import tensors
from shapes.expr import IntExpr, combine, constant, multiply, shift

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


@rule("ix_")
def _open_grid(t: Tracer, *args: Any) -> Any:
    found = []
    for i, one in enumerate(args):
        array = t.lift(one)
        if array.ndim != 1:
            raise ValueError("Cross index must be 1 dimensional")
        if array.dtype.kind == "b":
            (array,) = array.nonzero()
        elif not isinstance(one, (SymArray, np.ndarray)) and not len(one):
            array = array.astype(np.intp)
        found.append(array.reshape((1,) * i + (-1,) + (1,) * (len(args) - i - 1)))
    return tuple(found)


@rule("indices")
def _indices(t: Tracer, dimensions: Any, dtype: Any = int, sparse: bool = False) -> Any:
    dims, result = t.dims_of(tuple(dimensions)), as_dtype(dtype)
    count = len(dims)
    if not sparse:
        shape = t.require(tensors.created(dims))
        return t.array((dims, result), None, (constant(count), *shape), result)
    values = []
    for i, size in enumerate(dims):  # (numpy takes a negative size for none here)
        axis = tensors.larger(size, constant(0), t.decide)
        ones = [constant(1)] * count
        values.append(ArrayValue((*ones[:i], axis, *ones[i + 1 :]), result))
    return t.arrays((dims, result), {"sparse": True}, values)


@rule("tril_indices", "triu_indices")
def _triangle(t: Tracer, n: Any, k: Any = 0, m: Any = None) -> Any:
    rows, offset = t.dim_of(n), t.dim_of(k)
    columns = rows if m is None else t.dim_of(m)
    args = (rows, offset) if m is None else (rows, offset, columns)
    return _places(t, args, rows, columns, offset)


@rule("tril_indices_from", "triu_indices_from")
def _triangle_of(t: Tracer, arr: Any, k: Any = 0) -> Any:
    array, offset = t.lift(arr), t.dim_of(k)
    if array.ndim != 2:
        raise ValueError("input array must be 2-d")
    rows, columns = array._dims
    return _places(t, (array, offset), rows, columns, offset)


def _places(
    t: Tracer, args: tuple[Any, ...], rows: IntExpr, columns: IntExpr, offset: IntExpr
) -> Any:
    if t.called.__name__.startswith("tril"):
        (count,) = tensors.triangle(rows, columns, offset, t.decide).shape
    else:
        (below,) = tensors.triangle(rows, columns, shift(offset, -1), t.decide).shape
        zero = constant(0)
        sides = [tensors.larger(size, zero, t.decide) for size in (rows, columns)]
        count = combine(1, multiply(*sides), -1, below)
    value = ArrayValue((count,), np.dtype(np.int64))
    elements: list[Elements] = [(constant(0), shift(end, -1)) for end in (rows, columns)]
    return t.arrays(args, None, [value, value], elements=elements)
