"""Products of arrays and linear algebra."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.trace.dtypes import dtype_of
from asserts.trace.registry import rule
from asserts.trace.rules.reduce import axes_argument
from shapes import tensors
from shapes.tensors import Needs

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


@rule("matmul")
def _matmul(t: Tracer, x1: Any, x2: Any) -> Any:
    shape = tensors.matmul(t.shape_of(x1), t.shape_of(x2), t.decide)
    return t.array((x1, x2), None, shape, dtype_of(np.matmul, x1, x2))


@rule("dot", "inner")
def _dot(t: Tracer, a: Any, b: Any) -> Any:
    make = tensors.dot if t.called is np.dot else tensors.inner
    shape = make(t.shape_of(a), t.shape_of(b), t.decide)
    return t.array((a, b), None, shape, dtype_of(t.called, a, b))


@rule("vdot")
def _vdot(t: Tracer, a: Any, b: Any) -> Any:
    sizes = [tensors.product(t.shape_of(v)) for v in (a, b)]
    shape = tensors.dot(sizes[:1], sizes[1:], t.decide)
    return t.array((a, b), None, shape, dtype_of(np.vdot, a, b))


@rule("outer")
def _outer(t: Tracer, a: Any, b: Any) -> Any:
    shape = tuple(tensors.product(t.shape_of(v)) for v in (a, b))
    return t.array((a, b), None, shape, dtype_of(np.outer, a, b))


@rule("kron")
def _kron(t: Tracer, a: Any, b: Any) -> Any:
    shape = tensors.kron(t.shape_of(a), t.shape_of(b))
    return t.array((a, b), None, shape, dtype_of(np.kron, a, b))


@rule("cross")
def _cross(
    t: Tracer, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1,
    axis: int | None = None,
) -> Any:  # fmt: skip
    axes = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    first, second, third = map(operator.index, axes)
    shape = tensors.cross(t.shape_of(a), t.shape_of(b), (first, second, third), t.decide)
    options = {"axisa": first, "axisb": second, "axisc": third}
    return t.array((a, b), options, shape, dtype_of(np.subtract, a, b))


@rule("tensordot")
def _tensordot(t: Tracer, a: Any, b: Any, axes: Any = 2) -> Any:
    pairs = axes if isinstance(axes, int) else tuple(axes_argument(x) for x in axes)
    shape = tensors.tensordot(t.shape_of(a), t.shape_of(b), pairs)
    return t.array((a, b, pairs), None, shape, dtype_of(np.multiply, a, b))


@rule("einsum")
def _einsum(t: Tracer, subscripts: Any, *operands: Any, dtype: Any = None) -> Any:
    if not isinstance(subscripts, str):
        raise TraceError("np.einsum: subscripts must be text while tracing")
    shapes = [t.shape_of(v) for v in operands]
    shape = tensors.einsum(subscripts, shapes, t.decide)
    options = {} if dtype is None else {"dtype": np.dtype(dtype)}
    result = dtype_of(np.einsum, subscripts, *operands, **options)
    shared = t.lift(operands[0]) if len(operands) == 1 else None
    return t.array((subscripts, *operands), options, shape, result, view_of=shared)


@rule("trace")
def _trace(t: Tracer, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    places = (offset, axis1, axis2)
    diagonal = tensors.diagonal(t.shape_of(a), *places)
    args = (a,) if places == (0, 0, 1) else (a, *places)
    return t.array(args, None, diagonal.shape[:-1], dtype_of(np.trace, a, *places))


@rule("linalg.norm")
def _norm(t: Tracer, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    dims, axis = t.shape_of(x), axes_argument(axis)
    if ord is not None and (axis is None or isinstance(axis, tuple) or ord not in (1, 2)):
        raise TraceError("np.linalg.norm: only ord=1 or 2 along one axis while tracing")
    shape = t.require(tensors.reduce(dims, axis, keepdims))
    options = {k: v for k, v in (("ord", ord), ("axis", axis)) if v is not None}
    if keepdims:
        options["keepdims"] = True
    return t.array((x,), options, shape, dtype_of(np.linalg.norm, x, **options))


@rule("linalg.inv", "linalg.det", "linalg.cholesky")
def _square(t: Tracer, a: Any) -> Any:
    dims = t.require(tensors.square(t.shape_of(a)))
    shape = dims[:-2] if t.called is np.linalg.det else dims
    return t.array((a,), None, shape, dtype_of(t.called, a))


@rule("linalg.solve")
def _solve(t: Tracer, a: Any, b: Any) -> Any:
    left, right = t.shape_of(a), t.shape_of(b)
    if len(left) != 2 or len(right) not in (1, 2):
        raise TraceError("np.linalg.solve: only one system at a time while tracing")
    needs = Needs()
    needs.equal(left[0], left[1], "Last 2 dimensions of the array must be square")
    needs.equal(left[0], right[0], "solve: the sizes of the system and of b differ")
    return t.array((a, b), None, needs.result(right), dtype_of(np.linalg.solve, a, b))
