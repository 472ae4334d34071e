"""Reductions along axes, and cumulative operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce as fold
from itertools import accumulate
from typing import Any

import numpy as np

from asserts.dialects.onnx.model.elements import OPERATIONS, elements_of
from asserts.dialects.onnx.model.types import Elements, Shape, Span
from asserts.dialects.onnx.rules.record import (
    ONE,
    ZERO,
    Call,
    UnknownShapeError,
    operator,
    same_shape,
)
from shapes.expr import disjunction, equal, less_equal, shift
from shapes.tensors import product, reduce

__all__: list[str] = []


def _axes(call: Call) -> list[int] | None:
    """The axes that are reduced; None for all."""
    found = call.axes()
    if found is None and call.has(1) and not call.numbers(1):
        return [] if call.integer("noop_with_empty_axes") else None
    if not found:
        return [] if call.integer("noop_with_empty_axes") else None
    return found


def _reduced(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    keep = bool(call.integer("keepdims", 1))
    try:
        axes = _axes(call)
    except UnknownShapeError:
        return [_some_axes(call, shape, keep)]
    return [call.checked(reduce(shape, axes, keep))]


def _some_axes(call: Call, shape: Shape, keep: bool) -> Shape | None:
    """The result of a reduction of axes that are computed."""
    if not keep:
        return None
    return tuple(d if d is ONE else call.fresh(f"d{i}") for i, d in enumerate(shape))


def _elements(name: str) -> Callable[[Call], Elements | None]:
    operation = OPERATIONS[name]

    def elements(call: Call) -> Elements | None:
        found = call.elements(0)
        if found is None or found.size == 0:
            return None
        try:
            axes = _axes(call)
        except UnknownShapeError:
            return None

        def pair(a: Any, b: Any) -> Any:
            return None if a is None or b is None else operation(a, b, call.known)

        wanted = (
            tuple(range(found.ndim)) if axes is None else tuple(a % found.ndim for a in axes)
        )
        return _folded(found, wanted, pair, bool(call.integer("keepdims", 1)))

    return elements


def _folded(found: Elements, axes: tuple[int, ...], pair: Any, keep: bool) -> Elements:
    """Elements combined pair by pair along axes."""
    kept = [i for i in range(found.ndim) if i not in axes]
    rows = found.transpose([*kept, *axes]).reshape(
        [found.shape[i] for i in kept]
        + [int(np.prod([found.shape[i] for i in axes], dtype=int))]
    )
    width = rows.shape[-1]
    flat = [fold(pair, list(row)) for row in rows.reshape(-1, width)]
    dims = [1 if i in axes else n for i, n in enumerate(found.shape)]
    return elements_of(flat, dims if keep else [found.shape[i] for i in kept])


def _arg(call: Call) -> Sequence[Shape | None]:
    keep = bool(call.integer("keepdims", 1))
    shape = call.shape(0)
    at = call.axis(call.integer("axis"), max(len(shape), 1))
    if shape:
        others = product(d for i, d in enumerate(shape) if i != at)
        some = disjunction(less_equal(ONE, shape[at]), equal(others, ZERO))
        call.need(some, f"the greatest of an axis of {shape[at]}")
    return [call.checked(reduce(shape, at if shape else None, keep))]


def _arg_span(call: Call) -> Span:
    shape = call.shape(0)
    size = shape[call.axis(call.integer("axis"), len(shape))] if shape else ONE
    return Span(ZERO, shift(size, -1), reached=False)


def _cumulated(call: Call) -> Elements | None:
    found = call.elements(0)
    if found is None or found.ndim != 1 or call.integer("reverse"):
        return None
    sums = list(accumulate(found, lambda a, b: _plus(a, b, call)))
    if call.integer("exclusive"):
        sums = [ZERO, *sums[:-1]]
    return elements_of(sums, found.shape)


def _plus(a: Any, b: Any, call: Call) -> Any:
    return None if a is None or b is None else OPERATIONS["Add"](a, b, call.known)


operator("ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceSumSquare", _reduced)
for _name, _operation in (
    ("ReduceSum", "Add"),
    ("ReduceProd", "Mul"),
    ("ReduceMax", "Max"),
    ("ReduceMin", "Min"),
):
    operator(_name, _reduced, elements=_elements(_operation))
operator("ArgMax ArgMin", _arg, span=_arg_span)
operator("CumSum", same_shape, elements=_cumulated)
