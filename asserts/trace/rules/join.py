"""Arrays joined, split and repeated."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import dtype_of
from asserts.trace.elements import carried, shared
from asserts.trace.registry import rule
from asserts.trace.rules.shape import at_least
from asserts.trace.symarray import Elements, SymArray
from shapes import tensors
from shapes.expr import IntExpr, combine, constant
from shapes.tensors import Needs, Shape, ShapeResult

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


@rule("concatenate", "concat")
def _concatenate(t: Tracer, arrays: Any, axis: Any = 0, dtype: Any = None) -> Any:
    parts = list(arrays)
    at = None if axis is None else operator.index(axis)
    shape = t.require(tensors.concatenate([t.shape_of(p) for p in parts], at))
    options = {"axis": at} | ({} if dtype is None else {"dtype": np.dtype(dtype)})
    result = dtype_of(np.concatenate, parts, **options)
    return t.array((parts,), options, shape, result, elements=_common(t, parts, result))


def _common(t: Tracer, parts: Sequence[Any], dtype: np.dtype[Any]) -> Elements:
    """The bounds that all parts share, after their conversion to one dtype."""
    return shared(carried(t, part, dtype) for part in parts)


@rule("stack")
def _stack(t: Tracer, arrays: Any, axis: int = 0) -> Any:
    parts = list(arrays)
    at = operator.index(axis)
    shape = t.require(tensors.stack([t.shape_of(p) for p in parts], at))
    result = dtype_of(np.stack, parts, axis=at)
    return t.array((parts,), {"axis": at}, shape, result, elements=_common(t, parts, result))


@rule("vstack", "row_stack", "hstack", "dstack", "column_stack")
def _stacked(t: Tracer, tup: Any) -> Any:
    parts = list(tup)
    name = t.called.__name__
    shapes = [_for_stacking(name, t.shape_of(p)) for p in parts]
    axis = {"vstack": 0, "row_stack": 0, "dstack": 2, "column_stack": 1}.get(name, 1)
    if name == "hstack" and len(shapes[0]) == 1:
        axis = 0
    shape = t.require(tensors.concatenate(shapes, axis))
    return t.array((parts,), None, shape, dtype_of(np.concatenate, _raveled(parts)))


def _raveled(parts: Sequence[Any]) -> list[Any]:
    from asserts.trace.dtypes import dummy

    return [np.ravel(dummy(p)) for p in parts]


def _for_stacking(name: str, dims: Shape) -> Shape:
    if name == "column_stack":
        return dims if len(dims) > 1 else (*at_least(dims, 1), constant(1))
    return at_least(dims, {"hstack": 1, "dstack": 3}.get(name, 2))


@rule("append")
def _append(t: Tracer, arr: Any, values: Any, axis: Any = None) -> Any:
    parts = (arr, values)
    shape = t.require(tensors.concatenate([t.shape_of(p) for p in parts], axis))
    options = {} if axis is None else {"axis": axis}
    return t.array(parts, options, shape, dtype_of(np.append, *parts))


@rule("split", "array_split", "hsplit", "vsplit")
def _split(t: Tracer, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    array, at = t.lift(ary), operator.index(axis)
    args: tuple[Any, ...] = ()
    name = t.called.__name__
    if name in ("hsplit", "vsplit"):
        at = 1 if name == "hsplit" and array.ndim > 1 else 0
    if isinstance(indices_or_sections, (list, tuple)):
        places = [t.dim_of(i) for i in indices_or_sections]
        shapes = [t.require(r) for r in _between(t, array._dims, places, at)]
        args = (array, places)
    else:
        sections = operator.index(indices_or_sections)
        uneven = t.called is np.array_split
        make = tensors.array_split if uneven else tensors.split
        shapes = [t.require(r) for r in make(array._dims, sections, at)]
        args = (array, sections)
    options = {"axis": at} if at and name in ("split", "array_split") else {}
    array.share()
    values = [ArrayValue(shape, array.dtype) for shape in shapes]
    known = [array._elements] * len(values)
    return t.arrays(args, options, values, kind=list, views=True, elements=known)


def _between(
    t: Tracer, dims: Shape, places: Sequence[IntExpr], axis: int
) -> list[ShapeResult]:
    at = tensors.axis_of(axis, len(dims))
    ends: list[IntExpr | None] = [*places, None]
    starts: list[IntExpr | None] = [constant(0), *places]
    results = []
    for start, stop in zip(starts, ends):
        part = tensors.slice_length(dims[at], start, stop, known=t.decide)
        results.append(ShapeResult((*dims[:at], *part.shape, *dims[at + 1 :]), part.needs))
    return results


@rule("tile")
def _tile(t: Tracer, A: Any, reps: Any) -> Any:  # noqa: N803
    array, times = t.lift(A), t.dims_of(reps)
    shape = tensors.tile(array._dims, times, t.decide)
    return t.array((array, times), None, shape, array.dtype, elements=array._elements)


@rule("repeat")
def _repeat(t: Tracer, a: Any, repeats: Any, axis: Any = None) -> Any:
    array = t.lift(a)
    at = None if axis is None else operator.index(axis)
    options = {} if at is None else {"axis": at}
    if t.shape_of(repeats) == () and not isinstance(repeats, SymArray):
        count = t.dim_of(repeats)
        shape = tensors.repeat(array._dims, count, at)
        return t.array(
            (array, count), options, shape, array.dtype, elements=array._elements
        )
    from asserts.trace.rules.dynamic import repeat_each

    return repeat_each(t, array, repeats, at, options)


@rule("pad")
def _pad(t: Tracer, array: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Any:
    padded = t.lift(array)
    if not isinstance(mode, str) or mode not in (
        "constant", "edge", "empty", "reflect", "symmetric", "wrap", "maximum", "minimum",
        "mean", "median", "linear_ramp",
    ):  # fmt: skip
        raise TraceError(f"np.pad: mode {mode!r} is not supported while tracing")
    widths = _widths(t, pad_width, padded.ndim)
    shape = tensors.pad(padded._dims, widths, mode)
    return t.array((padded, widths, mode), options, shape, padded.dtype)


def _widths(t: Tracer, pad_width: Any, rank: int) -> tuple[tuple[IntExpr, IntExpr], ...]:
    """Pairs for all axes from what numpy takes: a number, a pair, one pair, or pairs."""
    if isinstance(pad_width, dict):
        pairs = [pad_width.get(i, pad_width.get(i - rank, (0, 0))) for i in range(rank)]
        return tuple(_pair(t, p) for p in pairs)
    if not isinstance(pad_width, (list, tuple, np.ndarray)):
        return ((_pair(t, pad_width)),) * rank
    items = list(pad_width)
    if items and all(not isinstance(i, (list, tuple, np.ndarray)) for i in items):
        if len(items) == 2 or len(items) == 1:
            return (_pair(t, items),) * rank
        raise ValueError(f"operands could not be broadcast together: pad_width {pad_width}")
    if len(items) == 1:
        items = items * rank
    return tuple(_pair(t, i) for i in items)


def _pair(t: Tracer, value: Any) -> tuple[IntExpr, IntExpr]:
    if isinstance(value, (list, tuple, np.ndarray)):
        ends = [t.dim_of(v) for v in value]
        return (ends[0], ends[-1])
    width = t.dim_of(value)
    return (width, width)


@rule("convolve", "correlate")
def _convolve(t: Tracer, a: Any, v: Any, mode: str | None = None) -> Any:
    first, second = t.shape_of(a), t.shape_of(v)
    how = mode or ("full" if t.called is np.convolve else "valid")
    if len(first) != 1 or len(second) != 1:
        raise ValueError("object too deep for desired array")
    from shapes.expr import maximum, minimum

    n, m = first[0], second[0]
    needs = Needs()
    for size, name in ((n, "a"), (m, "v")):
        needs.add(size >= 1, f"{name} cannot be empty")
    longer, shorter = maximum(n, m), minimum(n, m)
    sizes = {
        "full": combine(1, n, 1, m, -1),
        "same": longer,
        "valid": combine(1, longer, -1, shorter, 1),
    }
    if how not in sizes:
        raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got '{how}')")
    shape = t.require(needs.result((sizes[how],)))
    return t.array((a, v, how), None, shape, dtype_of(np.convolve, a, v))
