"""Operators of sequences and optionals."""

from __future__ import annotations

from collections.abc import Sequence as Listed

import numpy as np
from onnx import TensorProto

from asserts.dialects.onnx.model.elements import as_element, elements_of
from asserts.dialects.onnx.model.types import Cut, Optional, Sequence, Tensor, Type
from asserts.dialects.onnx.rules.merging import merged
from asserts.dialects.onnx.rules.record import ONE, ZERO, Call, UnknownShapeError, operator
from shapes.expr import (
    BoolExpr,
    IntExpr,
    ceiling_division,
    combine,
    conjunction,
    constant,
    disjunction,
    equal,
    less,
    less_equal,
    modulo,
    multiply,
    scale,
    shift,
)
from shapes.tensors import concatenate, smaller, stack

__all__: list[str] = []


def _sequence(call: Call) -> Sequence:
    found = call.inputs[0] if call.inputs else None
    return found if isinstance(found, Sequence) else Sequence(None)


def _common(call: Call, items: Listed[Type]) -> Type | None:
    result: Type | None = items[0] if items else None
    for item in items[1:]:
        result = merged(result, item, call.walk, "element") if result is not None else None
    return result


def _of(call: Call, items: Listed[Type]) -> Sequence:
    common = _common(call, items)
    return Sequence(common, constant(len(items)), tuple(items))


def _construct(call: Call) -> Listed[Type]:
    return [_of(call, [x for x in call.inputs if x is not None])]


def _empty(call: Call) -> Listed[Type]:
    element = Tensor(call.integer("dtype", TensorProto.FLOAT))
    return [Sequence(element, constant(0), ())]


def _at(call: Call, i: int, count: int) -> int | None:
    """A position in a sequence of known length, if it is known."""
    found = call.numbers(i)
    if found is None or not -count <= found[0] < count:
        return None
    return found[0] % count


def _need_place(call: Call, i: int, length: IntExpr | None, more: int = 0) -> None:
    """A position must be one of the sequence, or right behind it (`more`)."""
    if length is None:
        return
    found = call.elements(i)
    at = None if found is None or found.size != 1 else found.reshape(-1)[0]
    place = at if isinstance(at, IntExpr) else call.element(i, 0)
    inside = conjunction(
        less_equal(scale(-1, length), place), less(place, shift(length, more))
    )
    call.need(inside, f"there is no place {place} in a sequence of {length}")


def _element_at(call: Call) -> Listed[Type]:
    sequence = _sequence(call)
    _need_place(call, 1, sequence.length)
    if sequence.items is not None:
        at = _at(call, 1, len(sequence.items))
        if at is not None:
            return [sequence.items[at]]
    return [_part(call, sequence) or _any(call, sequence.element)]


def _part(call: Call, sequence: Sequence) -> Tensor | None:
    """The part of a tensor at a place that is known."""
    cut, whole, found = sequence.cut, sequence.element, call.numbers(1)
    if cut is None or not isinstance(whole, Tensor) or not whole.shape or found is None:
        return None
    place = constant(found[0])
    if found[0] < 0:
        place = shift(ceiling_division(cut.total, cut.width), found[0])
    left = combine(1, cut.total, -1, multiply(place, cut.width))
    size = smaller(cut.width, left, call.known)
    return Tensor(whole.dtype, (*whole.shape[: cut.axis], size, *whole.shape[cut.axis + 1 :]))


def _any(call: Call, element: Type | None) -> Type:
    """An element of a sequence, of which only the common type is known."""
    return Tensor(0) if element is None else call.walk.renewed(element)


def _insert(call: Call) -> Listed[Type]:
    sequence, new = _sequence(call), call.inputs[1]
    assert new is not None
    if call.has(2):
        _need_place(call, 2, sequence.length, 1)
    if sequence.items is not None:
        items = list(sequence.items)
        count = len(items)
        if not call.has(2):
            return [_of(call, [*items, new])]
        found = call.numbers(2)
        if found is not None and -count <= found[0] <= count:
            at = found[0] + count if found[0] < 0 else found[0]
            return [_of(call, [*items[:at], new, *items[at:]])]
    element = (
        new
        if sequence.element is None
        else merged(sequence.element, new, call.walk, "element")
    )
    length = None if sequence.length is None else shift(sequence.length, 1)
    return [Sequence(element, length)]


def _erase(call: Call) -> Listed[Type]:
    sequence = _sequence(call)
    if call.has(1):
        _need_place(call, 1, sequence.length)
    elif sequence.length is not None:
        call.need(less_equal(ONE, sequence.length), "nothing can be erased from nothing")
    if sequence.items is not None and sequence.items:
        count = len(sequence.items)
        at = count - 1 if not call.has(1) else _at(call, 1, count)
        if at is not None:
            return [_of(call, [x for i, x in enumerate(sequence.items) if i != at])]
    length = None if sequence.length is None else shift(sequence.length, -1)
    return [Sequence(sequence.element, length)]


def _length(call: Call) -> Listed[Type]:
    length = _sequence(call).length
    elements = None if length is None else elements_of([length], ())
    return [Tensor(TensorProto.INT64, (), elements)]


def _split(call: Call) -> Listed[Type]:
    tensor = call.tensor(0)
    shape = call.shape(0)
    at = call.axis(call.integer("axis"), len(shape))
    size, rest = shape[at], shape[at + 1 :]

    def part(n: IntExpr) -> Tensor:
        return Tensor(tensor.dtype, (*shape[:at], n, *rest))

    if not call.has(1):
        kept = (ONE,) if call.integer("keepdims", 1) else ()
        one = Tensor(tensor.dtype, (*shape[:at], *kept, *rest))
        return [_several(one, size)]
    sizes = call.listed(1) or []
    if len(call.shape(1)) == 1:
        given, total = call.complete(1), constant(0)
        for n in given:
            call.need(less_equal(ZERO, n), f"a part of a split must not be negative: {n}")
            total = combine(1, total, 1, n)
        call.need(equal(total, size), f"the parts must add up: {total} and {size}")
        return [_of(call, [part(n) for n in given])]
    [wide] = call.complete(1)
    call.need(less_equal(ONE, wide), f"a part must have a size: {wide}")
    chunk = sizes[0]
    if chunk is None or not chunk.is_constant or not size.is_constant:
        if chunk is None:
            return [Sequence(part(call.fresh("part", 0, size)))]
        parts = part(call.fresh("part", 0, size))
        cut = Cut(at, chunk, size)
        return [Sequence(parts, ceiling_division(size, chunk), None, cut)]
    whole, width = int(size.constant), int(chunk.constant)
    starts = range(0, whole, width)
    return [_of(call, [part(constant(min(width, whole - s))) for s in starts])]


def _several(one: Tensor, size: IntExpr) -> Sequence:
    items = (one,) * int(size.constant) if size.is_constant and size.constant <= 256 else None
    return Sequence(one, size, items)


def _joined(call: Call) -> Listed[Type]:
    sequence, new = _sequence(call), call.integer("new_axis")
    axis = call.integer("axis")
    if sequence.length is not None:
        call.need(less_equal(ONE, sequence.length), "there is nothing to concatenate")
    items = sequence.items
    tensors = [x for x in items or () if isinstance(x, Tensor)]
    if items and len(tensors) == len(items):
        shapes = [x.shape for x in tensors if x.shape is not None]
        dtype = tensors[0].dtype
        if len(shapes) == len(items):
            result = stack(shapes, axis) if new else concatenate(shapes, axis)
            return [Tensor(dtype, call.checked(result))]
    element = sequence.element
    if not isinstance(element, Tensor) or element.shape is None:
        return [Tensor(element.dtype if isinstance(element, Tensor) else 0)]
    rank = len(element.shape) + (1 if new else 0)
    at = call.axis(axis, rank)
    length, cut = sequence.length, sequence.cut
    total = length if new and length is not None else call.fresh("joined")
    before, element = element.shape, call.walk.renewed(element)
    assert isinstance(element, Tensor)
    assert element.shape is not None
    kept = list(element.shape)
    differing = [i for i, d in enumerate(before) if d is not kept[i] and (new or i != at)]
    if cut is not None and (new or at != cut.axis):
        kept[cut.axis] = _equal_parts(call, cut)
    elif differing:
        alike = equal(call.fresh("alike", 0, 1), ONE)
        reason = f"the tensors of a sequence must have one size at axis {differing[0]}"
        call.need(alike, reason, exact=False)
    if cut is not None and not new:
        parts = ceiling_division(cut.total, cut.width)
        total = cut.total if at == cut.axis else multiply(kept[at], parts)
    if not new:
        del kept[at]
    return [Tensor(element.dtype, (*kept[:at], total, *kept[at:]))]


def _equal_parts(call: Call, cut: Cut) -> IntExpr:
    """The size of all parts of a tensor, which must be one."""
    single = less_equal(cut.total, cut.width)
    even = equal(modulo(cut.total, cut.width), ZERO)
    call.need(
        disjunction(single, even),
        lambda: f"the parts of {cut.total} differ: the last one is less than {cut.width}",
    )
    return smaller(cut.width, cut.total, call.known)


def _some_empty(call: Call) -> BoolExpr:
    """onnxruntime leaves out what has no elements, whatever its other sizes are."""
    sequence = _sequence(call)
    items, cut = sequence.items or (), sequence.cut
    shapes = [x.shape for x in items if isinstance(x, Tensor) and x.shape is not None]
    if cut is not None and isinstance(sequence.element, Tensor) and sequence.element.shape:
        shape = sequence.element.shape
        shapes.append((*shape[: cut.axis], *shape[cut.axis + 1 :]))
    return disjunction(*(equal(d, ZERO) for shape in shapes for d in shape))


# ------------------------------------------------------------------------ optionals


def _optional(call: Call) -> Listed[Type]:
    if call.has(0):
        return [Optional(call.inputs[0], True)]
    from asserts.dialects.onnx.model.reading import type_of

    return [Optional(type_of(call.attributes["type"], {}), False)]


def _value(call: Call) -> Listed[Type]:
    found = call.inputs[0]
    if isinstance(found, Optional):
        if found.element is None:
            raise UnknownShapeError("what an optional value holds")
        return [found.element]
    return [found or Tensor(0)]


def _has_value(call: Call) -> Listed[Type]:
    found = call.inputs[0] if call.inputs else None
    present: bool | None = found is not None
    if isinstance(found, Optional):
        present = found.present
    elements = None if present is None else np.array([as_element(present)], dtype=object)
    shaped = None if elements is None else elements.reshape(())
    return [Tensor(TensorProto.BOOL, (), shaped)]


operator("SequenceConstruct", types=_construct)
operator("SequenceEmpty", types=_empty)
operator("SequenceAt", types=_element_at)
operator("SequenceInsert", types=_insert)
operator("SequenceErase", types=_erase)
operator("SequenceLength", types=_length)
operator("SplitToSequence", types=_split)
operator("ConcatFromSequence", types=_joined, lenient=_some_empty)
operator("Optional", types=_optional)
operator("OptionalGetElement", types=_value)
operator("OptionalHasElement", types=_has_value)
