"""Operators that select elements: slices, gathers, scatters, and what depends on data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto

from asserts.dialects.onnx.model.elements import OPERATIONS, Quotient, elements_of
from asserts.dialects.onnx.model.types import Elements, Shape, Span, Tensor
from asserts.dialects.onnx.rules.elementwise import picked_span
from asserts.dialects.onnx.rules.layout import blank, rearranged
from asserts.dialects.onnx.rules.record import (
    ONE,
    ZERO,
    Call,
    UnknownShapeError,
    operator,
    same_shape,
)
from shapes.expr import (
    FALSE,
    TRUE,
    BoolExpr,
    IntExpr,
    combine,
    conjunction,
    constant,
    disjunction,
    equal,
    floor_division,
    less,
    less_equal,
    maximum,
    minimum,
    multiply,
    scale,
    shift,
)
from shapes.tensors import arange, product, slice_length

__all__: list[str] = []

END = (1 << 31) - 1
"""What stands for the end of an axis, whatever its size."""


# ------------------------------------------------------------------------ slices


def _slices(call: Call, rank: int) -> list[tuple[int, Any, Any, Any]]:
    """Axis, start, end and step of each axis that is sliced; None for an unknown number."""
    if "starts" in call.attributes:
        starts: list[Any] = [constant(n) for n in call.attributes["starts"]]
        ends: list[Any] = [constant(n) for n in call.attributes["ends"]]
        axes = call.integers("axes", range(len(starts))) or []
        steps: list[Any] = [ONE] * len(starts)
    else:
        starts, ends = call.listed(1) or [], call.listed(2) or []
        axes = (call.axes(3) if call.has(3) else None) or list(range(len(starts)))
        steps = (call.listed(4) or []) if call.has(4) else [ONE] * len(starts)
    axes = [call.axis(a, rank) for a in axes]
    return list(zip(axes, starts, ends, steps, strict=True))


def _slice(call: Call) -> Sequence[Shape | None]:
    shape = list(call.shape(0))
    for axis, start, end, step in _slices(call, len(shape)):
        shape[axis] = _sliced(call, axis, shape[axis], start, end, step)
    return [tuple(shape)]


def _sliced(call: Call, axis: int, size: IntExpr, start: Any, end: Any, step: Any) -> IntExpr:
    if step is None or start is None or end is None:
        return call.fresh(f"d{axis}", 0, size)
    if _far(end):
        if not step.is_constant:
            return call.fresh(f"d{axis}", 0, size)
        ahead = (end.constant > 0) == (step.constant > 0)
        end = None if ahead else size if end.constant > 0 else ZERO
    if _far(start):
        start = size if start.constant > 0 else ZERO
    if step.is_constant and step.constant < 0:
        start = maximum(start, scale(-1, size))  # (backwards, a start is clamped to the first)
    result = slice_length(size, start, end, step, known=call.known)
    return call.checked(result)[0]


def _far(bound: IntExpr) -> bool:
    """Whether a bound is beyond both ends of every axis."""
    return bound.is_constant and not -END <= bound.constant < END


def _slice_elements(call: Call, found: Elements) -> Any:
    picked: list[Any] = [slice(None)] * found.ndim
    for axis, *bounds in _slices(call, found.ndim):
        if any(b is None or not b.is_constant for b in bounds):
            return None
        start, end, step = (int(b.constant) for b in bounds)
        if step < 0:
            start = max(start, -found.shape[axis])
        if step < 0 and end < -END:
            picked[axis] = slice(start, None, step)
        else:
            picked[axis] = slice(start, end, step)
    return found[tuple(picked)]


# ------------------------------------------------------------------------ gathers


def _gather(call: Call) -> Sequence[Shape | None]:
    shape, picked = call.shape(0), call.shape(1)
    at = call.axis(call.integer("axis"), len(shape))
    _in_range(call, shape[at])
    return [(*shape[:at], *picked, *shape[at + 1 :])]


def _in_range(call: Call, size: IntExpr) -> None:
    """What the indices (the second input) require of the axis."""
    indices = call.tensor(1)
    if indices.elements is not None and None not in list(indices.elements.flat):
        for e in dict.fromkeys(indices.elements.flat):
            if isinstance(e, IntExpr):
                _inside(call, e, e, size)
        return
    span = indices.span
    if span is not None and (span.reached or call.known(_within(*span[:2], size))):
        _inside(call, *span[:2], size)
    elif indices.dtype in (TensorProto.INT64, TensorProto.INT32):
        _inside(call, *call.extremes(1), size)


def _within(low: IntExpr, high: IntExpr, size: IntExpr) -> BoolExpr:
    return conjunction(less_equal(ZERO, combine(1, low, 1, size)), less(high, size))


def _inside(call: Call, low: IntExpr, high: IntExpr, size: IntExpr) -> None:
    inside = _within(low, high, size)
    reason = f"an index from {low} to {high} is outside of an axis of {size}"
    if low is high:
        reason = f"the index {low} is outside of an axis of {size}"
    call.need(inside, reason)


def _gather_elements(call: Call) -> Elements | None:
    data, indices = blank(call.tensor(0)), call.elements(1)
    if data is None or indices is None:
        return None
    axis = call.axis(call.integer("axis"), data.ndim)
    if not all(isinstance(e, IntExpr) and e.is_constant for e in indices.flat):
        return None
    picked = np.array([int(e.constant) for e in indices.flat], dtype=int)
    if not all(-data.shape[axis] <= i < data.shape[axis] for i in picked):
        return None
    taken = np.take(data, picked.reshape(indices.shape), axis)
    return (
        np.asarray(taken, dtype=object)
        if isinstance(taken, np.ndarray)
        else elements_of([taken], ())
    )


def _gather_shape(call: Call) -> Sequence[Shape | None]:
    """`GatherElements`: the shape of the indices."""
    _elements_fit(call)
    return [call.shape(1)]


def _elements_fit(call: Call) -> None:
    """Indices along one axis, no more of them along the others than there are elements."""
    shape, picked = call.shape(0), call.shape(1)
    at = call.axis(call.integer("axis"), len(shape))
    for i, (a, b) in enumerate(zip(shape, picked, strict=True)):
        if i != at:
            call.need(less_equal(b, a), f"{b} indices for an axis of {a}")
    _in_range(call, shape[at])


def _gather_nd(call: Call) -> Sequence[Shape | None]:
    shape, picked = call.shape(0), call.shape(1)
    batch = call.integer("batch_dims")
    depth = picked[-1]
    if not depth.is_constant:
        raise UnknownShapeError("how many axes are indexed")
    for a, b in zip(shape[:batch], picked[:batch], strict=True):
        if a is not b:  # (onnxruntime accepts multiples, and takes other elements)
            reason = f"batch sizes of data and indices differ: {a} and {b}"
            call.need(equal(a, b), reason, exact=False)
    rest = shape[batch + int(depth.constant) :]
    _points_inside(call, shape[batch:], equal(product(rest), ZERO))
    return [(*picked[:-1], *rest)]


def _points_inside(call: Call, shape: Shape, unless: BoolExpr) -> None:
    """What known points require of the axes that they index: nothing where `unless` holds."""
    points = call.elements(1)
    if points is None or not points.size:
        return
    for column, size in zip(np.moveaxis(points, -1, 0), shape, strict=False):
        for e in dict.fromkeys(column.flat):
            if isinstance(e, IntExpr):
                inside = conjunction(less_equal(ZERO, combine(1, e, 1, size)), less(e, size))
                reason = f"the index {e} is outside of an axis of {size}"
                call.need(disjunction(inside, unless), reason)


def _places(call: Call, indices: list[int]) -> np.ndarray[Any, np.dtype[np.int_]]:
    """The known numbers of input 1, as it has them."""
    elements = call.elements(1)
    assert elements is not None
    return np.array(indices, dtype=int).reshape(elements.shape)


def _gather_nd_elements(call: Call) -> Elements | None:
    data, indices = blank(call.tensor(0)), call.numbers(1)
    if data is None or indices is None or call.integer("batch_dims"):
        return None
    where = _places(call, indices)
    try:
        return np.asarray(data[tuple(np.moveaxis(where, -1, 0))], dtype=object)
    except IndexError:
        return None


# ------------------------------------------------------------------------ scatters


def _scatter_nd(call: Call) -> Sequence[Shape | None]:
    shape, picked = call.shape(0), call.tensor(1).shape
    if picked is None or not picked[-1].is_constant:
        return [shape]
    expected = (*picked[:-1], *shape[int(picked[-1].constant) :])
    if call.tensor(2).shape is not None:
        for a, b in zip(call.rank_is(2, len(expected)), expected, strict=True):
            call.same(a, b, "the updates do not fit the indices")
    _points_inside(call, shape, FALSE)
    return [shape]


def _scatter(call: Call) -> Sequence[Shape | None]:
    """`ScatterElements`: indices and updates have one shape, which fits the data."""
    if call.tensor(1).shape is not None:
        _elements_fit(call)
        if call.tensor(2).shape is not None:
            for a, b in zip(call.rank_is(2, len(call.shape(1))), call.shape(1), strict=True):
                call.same(a, b, "there is not one update for each index")
    return [call.shape(0)]


def _scatter_nd_elements(call: Call) -> Elements | None:
    data, indices, updates = (blank(call.tensor(0)), call.numbers(1), blank(call.tensor(2)))
    plain = call.text("reduction", "none") == "none"
    if data is None or indices is None or updates is None or not plain:
        return None
    where = _places(call, indices)
    result: Elements = data.copy()
    try:
        result[tuple(np.moveaxis(where, -1, 0))] = updates
    except (IndexError, ValueError):
        return None
    return result


def _scatter_elements(call: Call) -> Elements | None:
    data, indices, updates = (blank(call.tensor(0)), call.numbers(1), blank(call.tensor(2)))
    plain = call.text("reduction", "none") == "none"
    if data is None or indices is None or updates is None or not plain:
        return None
    where = _places(call, indices)
    result: Elements = data.copy()
    try:
        np.put_along_axis(result, where, updates, call.integer("axis"))
    except (IndexError, ValueError):
        return None
    return result


# ------------------------------------------------------------------------ data decides


def _constants(found: Elements | None) -> list[Any] | None:
    """Elements as numbers and truths, if all are known."""
    if found is None:
        return None
    values: list[Any] = []
    for e in found.flat:
        if e is TRUE or e is FALSE:
            values.append(e is TRUE)
        elif isinstance(e, IntExpr) and e.is_constant:
            values.append(int(e.constant))
        else:
            return None
    return values


def _nonzero(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    values = _constants(call.elements(0))
    count = (
        call.fresh("nonzero", 0, product(shape))
        if values is None
        else constant(sum(map(bool, values)))
    )
    return [(constant(len(shape)), count)]


def _nonzero_elements(call: Call) -> Elements | None:
    found = call.elements(0)
    values = _constants(found)
    if values is None or found is None:
        return None
    places = np.array(np.nonzero(np.array(values, dtype=object).reshape(found.shape)))
    return elements_of([constant(int(i)) for i in places.flat], places.shape)


def _nonzero_span(call: Call) -> Span:
    """Places along the axes: of one axis all that there are, of several any."""
    shape = call.shape(0)
    longest = maximum(*shape) if len(shape) > 1 else shape[0] if shape else ONE
    return Span(ZERO, shift(longest, -1), False)


def _kept(places: list[int], size: IntExpr) -> IntExpr:
    """How many of these places an axis has; those beyond its end are ignored."""
    kept: IntExpr = ZERO
    for i in places:
        kept = combine(1, kept, 1, minimum(ONE, maximum(ZERO, shift(size, -i))))
    return kept


def _compress(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    values = _constants(call.elements(1))
    axis = call.attributes.get("axis")
    size = product(shape) if axis is None else shape[axis]
    if values is None:
        length = call.tensor(1).shape
        most = size if length is None else minimum(size, length[0])
        kept = call.fresh("kept", 0, most)
    else:
        kept = _kept([i for i, value in enumerate(values) if value], size)
    if axis is None:
        return [(kept,)]
    at = call.axis(int(axis), len(shape))
    return [(*shape[:at], kept, *shape[at + 1 :])]


def _unique(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    axis = call.attributes.get("axis")
    size = product(shape) if axis is None else shape[call.axis(int(axis), len(shape))]
    least = 1 if call.known(less(ZERO, size)) else 0
    count = call.fresh("unique", least, size)
    if axis is None:
        return [(count,), (count,), (size,), (count,)]
    at = call.axis(int(axis), len(shape))
    return [(*shape[:at], count, *shape[at + 1 :]), (count,), (size,), (count,)]


def _non_max_suppression(call: Call) -> Sequence[Shape | None]:
    boxes, scores = call.tensor(0).shape, call.tensor(1).shape
    if boxes is None or scores is None:
        return [(call.fresh("selected"), constant(3))]
    call.same(boxes[0], scores[0], "batch sizes of boxes and scores differ")
    call.same(boxes[1], scores[2], "there is not one score for each box")
    each = call.listed(2) if call.has(2) else [ZERO]
    most = multiply(multiply(scores[0], scores[1]), boxes[1])
    if each and each[0] is not None and call.known(less_equal(ZERO, each[0])):
        some = multiply(multiply(scores[0], scores[1]), minimum(each[0], boxes[1]))
        most = some
    return [(call.fresh("selected", 0, most), constant(3))]


def _top_k(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    at = call.axis(call.integer("axis", -1), len(shape))
    [k] = [constant(call.integer("k"))] if "k" in call.attributes else call.complete(1)
    fits = conjunction(less_equal(ZERO, k), less_equal(k, shape[at]))
    call.need(fits, f"the first {k} of an axis of {shape[at]}")
    return [(*shape[:at], k, *shape[at + 1 :])] * 2


def _one_hot(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    found = call.elements(1)
    depth = None if found is None else OPERATIONS["integer"](found.flat[0], call.known)
    if depth is None and call.tensor(1).dtype in (TensorProto.INT32, TensorProto.INT64):
        depth = call.element(1, 0)
    if depth is not None:
        call.need(less_equal(ONE, depth), f"there must be a class: {depth}")
    size = call.fresh("depth") if depth is None else depth
    at = call.integer("axis", -1)
    at = at + len(shape) + 1 if at < 0 else at
    return [(*shape[:at], size, *shape[at:])]


# ------------------------------------------------------------------------ made from numbers


def _range(call: Call) -> Sequence[Shape | None]:
    ends = [e for i in range(3) if (e := call.elements(i)) is not None]
    if len(ends) < 3:
        return [(call.fresh("length"),)]
    start, limit, step = (e.reshape(-1)[0] for e in ends)
    if all(isinstance(e, IntExpr) for e in (start, limit, step)):
        if step is ZERO:
            raise call.walk.fail("the step of a range must not be 0")
        return [call.checked(arange(start, limit, step, known=call.known))]
    return [(_real_length(call, start, limit, step),)]


def _real_length(call: Call, start: Any, limit: Any, step: Any) -> IntExpr:
    """The length of a range of floats, as far as its ends are exact."""
    span = OPERATIONS["Sub"](limit, start, call.known) if None not in (start, limit) else None
    steps = OPERATIONS["Div"](span, step, call.known) if None not in (span, step) else None
    if not isinstance(steps, Quotient):
        return call.fresh("length")
    whole: IntExpr = OPERATIONS["Ceil"](steps, call.known).top
    if call.known(less_equal(ZERO, whole)):
        return whole
    from shapes.expr import maximum

    return maximum(ZERO, whole)


def _range_elements(call: Call) -> Elements | None:
    ends = [e for i in range(3) if (e := call.numbers(i)) is not None]
    if len(ends) < 3:
        return None
    start, limit, step = (e[0] for e in ends)
    values = range(start, limit, step)
    if len(values) > 1024:
        return None
    return elements_of([constant(i) for i in values], [len(values)])


def _range_span(call: Call) -> Span | None:
    ends = [(call.listed(i) or [None])[0] for i in range(3)]
    start, limit, step = ends
    if start is None or limit is None or step is None or not step.is_constant:
        return None
    if step is ONE:
        return Span(start, shift(limit, -1))
    if step.constant < 1 or not call.known(less_equal(ZERO, start)):
        return None
    steps = floor_division(shift(combine(1, limit, -1, start), -1), step)
    return Span(start, combine(1, start, int(step.constant), steps))


def _shape(call: Call) -> Sequence[Shape | None]:
    rank = len(call.shape(0))
    start, end, _ = slice(call.attributes.get("start"), call.attributes.get("end")).indices(
        rank
    )
    return [(constant(max(end - start, 0)),)]


def _shape_elements(call: Call) -> Elements | None:
    shape = call.shape(0)
    part = shape[call.attributes.get("start") : call.attributes.get("end")]
    return elements_of(part, [len(part)])


def _filled(call: Call) -> Sequence[Shape | None]:
    from asserts.dialects.onnx.rules.layout import size_of

    sizes = call.complete(0)
    return [tuple(size_of(call, d, f"d{i}") for i, d in enumerate(sizes))]


def _fill_elements(call: Call) -> Elements | None:
    from asserts.dialects.onnx.model.constants import of_tensor

    sizes = call.numbers(0)
    if sizes is None or np.prod(sizes, dtype=object) > 1024 or min(sizes, default=0) < 0:
        return None
    value = call.attributes.get("value")
    if value is None:
        return None
    known = of_tensor(value).elements
    return None if known is None else np.full(sizes, known.reshape(-1)[0], dtype=object)


def _fill_dtype(call: Call) -> Sequence[int]:
    value = call.attributes.get("value")
    return [TensorProto.FLOAT if value is None else value.data_type]


def _constant(call: Call) -> Sequence[Tensor]:
    from asserts.dialects.onnx.model.constants import constant_of_attribute

    [(name, value)] = call.attributes.items()
    return [constant_of_attribute(name, value)]


def _reverse(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    lengths = call.rank_is(1, 1)
    batch = shape[call.integer("batch_axis", 1)]
    call.same(lengths[0], batch, "there is not one length for each of the batch")
    time = shape[call.integer("time_axis")]
    for n in dict.fromkeys(call.listed(1) or ()) if call.elements(1) is not None else ():
        if n is not None:
            fits = conjunction(less_equal(ZERO, n), less_equal(n, time))
            call.need(fits, f"the first {n} of an axis of {time}")
    return [shape]


operator("Slice", _slice, elements=rearranged(_slice_elements), span=picked_span)
operator("Gather", _gather, elements=_gather_elements, span=picked_span)
operator("GatherElements", _gather_shape, span=picked_span)
operator("GatherND", _gather_nd, elements=_gather_nd_elements, span=picked_span)
operator("ScatterND", _scatter_nd, elements=_scatter_nd_elements)
operator("ScatterElements Scatter", _scatter, elements=_scatter_elements)
operator("TensorScatter", same_shape)
operator("NonZero", _nonzero, elements=_nonzero_elements, span=_nonzero_span)
operator("Compress", _compress)
operator("Unique", _unique)
operator("NonMaxSuppression", _non_max_suppression)
operator("TopK", _top_k)
operator("OneHot", _one_hot, dtypes=lambda call: [call.tensor(2).dtype])
operator("Range", _range, elements=_range_elements, span=_range_span)
operator("Shape", _shape, elements=_shape_elements)
operator(
    "Size",
    lambda call: [()],
    elements=lambda call: elements_of([product(call.shape(0))], ()),
)
operator("ConstantOfShape", _filled, dtypes=_fill_dtype, elements=_fill_elements)
operator("Constant", types=_constant)
operator("ReverseSequence", _reverse)
