"""Operators that arrange elements anew: reshape, transpose, concat, split, tile, pad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from asserts.dialects.onnx.model.elements import elements_of
from asserts.dialects.onnx.model.types import ELEMENTS, Elements, Shape, Tensor
from asserts.dialects.onnx.rules.elementwise import same_span
from asserts.dialects.onnx.rules.record import (
    ONE,
    ZERO,
    Call,
    UnknownShapeError,
    is_empty,
    operator,
)
from shapes.expr import (
    FALSE,
    SYMBOL,
    BoolExpr,
    IntExpr,
    as_integer,
    ceiling_division,
    combine,
    conjunction,
    constant,
    disjunction,
    equal,
    floor_division,
    less,
    less_equal,
    minimum,
    modulo,
    multiply,
    not_equal,
    where,
)
from shapes.tensors import (
    Needs,
    broadcast_dim,
    concatenate,
    expand_dims,
    product,
    show_shape,
    squeeze,
    transpose,
)

__all__ = ["blank", "rearranged", "size_of"]


def blank(tensor: Tensor) -> Elements | None:
    """The elements of a small tensor, with None for each that is not known."""
    if tensor.elements is not None:
        return tensor.elements
    if tensor.shape is None or not all(d.is_constant for d in tensor.shape):
        return None
    dims = [int(d.constant) for d in tensor.shape]
    count = int(np.prod(dims, dtype=object)) if dims else 1
    if count > ELEMENTS:
        return None
    return elements_of([None] * count, dims)


def size_of(call: Call, element: IntExpr | None, label: str) -> IntExpr:
    """A size that an element says, or one that depends on data."""
    if element is None:
        return call.fresh(label)
    call.need(less_equal(ZERO, element), f"a size must not be negative: {element}")
    return element


def rearranged(change: Callable[[Call, Elements], Any]) -> Callable[[Call], Elements | None]:
    """Elements moved as numpy moves those of an array."""

    def elements(call: Call) -> Elements | None:
        found = call.elements(0)
        if found is None:
            return None
        try:
            changed = change(call, found)
        except (ValueError, IndexError, TypeError):
            return None
        return changed if changed is not None and changed.size <= ELEMENTS else None

    return elements


# ------------------------------------------------------------------------ reshape


def _reshape(call: Call) -> Sequence[Shape | None]:
    if "shape" in call.attributes:
        wanted: list[Any] = [constant(d) for d in call.attributes["shape"]]
    else:
        found = call.listed(1)
        wanted = [] if found is None else list(found)
    return [reshaped(call, wanted)]


def reshaped(call: Call, wanted: list[Any]) -> Shape:
    """The first input in a shape of sizes, of which some are 0, -1 or not known."""
    source = call.tensor(0).shape
    if source is None:
        return _without_source(call, wanted)
    any_sign = any(
        d is not None and d.op is SYMBOL and _may_be_negative(call, d) for d in wanted
    )
    if any_sign or None in wanted:
        _has_room(call, source, wanted)
    if any_sign:
        return _of_any_sign(call, source, wanted)
    if not call.integer("allowzero"):
        wanted = [_copied(call, source, i, d) for i, d in enumerate(wanted)]
    holes = [i for i, d in enumerate(wanted) if d is None or _is_minus_one(d)]
    total = product(source)
    sizes = [d for i, d in enumerate(wanted) if i not in holes]
    for d in sizes:
        call.need(less_equal(ZERO, d), f"a size must not be negative: {d}", exact=False)
    others = product(sizes)
    if len(holes) == 1:
        return _with_hole(call, wanted, holes[0], total, others)
    if not holes:
        reason = f"{show_shape(source)} cannot be reshaped to {show_shape(sizes)}"
        for condition in _same_count(source, sizes):
            call.need(condition, reason)
    return tuple(call.fresh(f"d{i}") if i in holes else d for i, d in enumerate(wanted))


def _same_count(source: Sequence[IntExpr], sizes: Sequence[IntExpr]) -> Iterator[BoolExpr]:
    """That two shapes have as many elements. Where their numbers are equal, each size that one
    of them has besides is 1: a product of sizes is 1 only so."""
    sides = (source, sizes)
    first, second = (prod(int(d.constant) for d in side if d.is_constant) for side in sides)
    others = [[d for d in side if not d.is_constant] for side in sides]
    if first == second != 0 and [] in others:
        yield from (equal(d, ONE) for side in others for d in side)
    else:
        yield equal(product(source), product(sizes))


def _copies(call: Call) -> BoolExpr:
    """Where a computed size is 0, it copies another one, and what else is required differs."""
    found = call.elements(1) if call.has(1) and not call.integer("allowzero") else None
    source = call.tensor(0).shape
    if found is None or source is None:
        return FALSE
    same = [i < len(source) and d is source[i] for i, d in enumerate(found.flat)]
    sizes = [d for d, own in zip(found.flat, same, strict=True) if not own]
    computed = [d for d in sizes if isinstance(d, IntExpr) and not d.is_constant]
    return disjunction(*(equal(d, ZERO) for d in computed))


def _has_room(call: Call, source: Shape, wanted: list[Any]) -> None:
    """What a reshape requires of sizes that are only known at run time, and may be 0 or -1."""
    copies = not call.integer("allowzero")
    minus_one, holes, others = constant(-1), ZERO, ONE
    for i, d in enumerate(wanted):
        element = call.element(1, i) if d is None else d
        size = element
        call.need(less_equal(minus_one, element), f"a size must not be below -1: {element}")
        if copies and i < len(source):
            size = _either(equal(element, ZERO), source[i], element)
        elif copies:
            reason = f"0 at axis {i} copies an axis that is not there"
            call.need(not_equal(element, ZERO), reason)
        hole = equal(element, minus_one)
        holes = combine(1, holes, 1, _either(hole, ONE, ZERO))
        others = multiply(others, _either(hole, ONE, size))
    total = product(source)
    exactly = conjunction(equal(holes, ZERO), equal(others, total))
    left = conjunction(
        equal(holes, ONE), less(ZERO, others), equal(modulo(total, others), ZERO)
    )
    shown = show_shape([call.element(1, i) if d is None else d for i, d in enumerate(wanted)])
    call.need(
        disjunction(exactly, left), f"{show_shape(source)} cannot be reshaped to {shown}"
    )


def _either(condition: BoolExpr, a: IntExpr, b: IntExpr) -> IntExpr:
    chosen = where(condition, a, b)
    assert isinstance(chosen, IntExpr)
    return chosen


def _may_be_negative(call: Call, d: IntExpr) -> bool:
    return call.known(less_equal(ZERO, d)) is None


def _of_any_sign(call: Call, source: Shape, wanted: list[Any]) -> Shape:
    """A shape of numbers that may be 0 or -1, and mean something else then."""
    if None in wanted:
        return tuple(call.fresh(f"d{i}") for i in range(len(wanted)))
    sizes = list(wanted)
    if not call.integer("allowzero"):
        for i, d in enumerate(wanted[: len(source)]):
            sizes[i] = where(equal(d, ZERO), source[i], d)
    minus_one = constant(-1)
    result: list[IntExpr] = []
    for i, d in enumerate(sizes):
        others = product(e for j, e in enumerate(sizes) if j != i)
        left = floor_division(product(source), others)
        result.append(as_integer(where(equal(wanted[i], minus_one), left, d)))
    return tuple(result)


def _is_minus_one(d: IntExpr) -> bool:
    return d.is_constant and d.constant == -1


def _copied(call: Call, source: Shape, i: int, d: Any) -> Any:
    """0 copies the size of the same axis."""
    if d is ZERO:
        if i >= len(source):
            raise call.walk.fail(f"0 at axis {i} copies an axis that is not there")
        return source[i]
    if d is not None and not d.is_constant and (i >= len(source) or d is not source[i]):
        positive = less(ZERO, d)
        empty = equal(source[i], ZERO) if i < len(source) else positive
        call.need(
            disjunction(positive, empty), f"{d} must not be 0, which copies", exact=False
        )
    return d


def _with_hole(
    call: Call, wanted: list[Any], hole: int, total: IntExpr, others: IntExpr
) -> Shape:
    """One size is what is left."""
    source = show_shape(call.shape(0))
    shown = show_shape(constant(-1) if i == hole else d for i, d in enumerate(wanted))
    reason = f"{source} cannot be reshaped to {shown}"
    if call.known(less_equal(ZERO, others)):
        call.need(less(ZERO, others), reason)
    else:
        call.need(disjunction(less(others, ZERO), less(ZERO, others)), reason)
    if others is ZERO:
        left = call.fresh(f"d{hole}")
    else:
        call.need(equal(modulo(total, others), ZERO), reason)
        left = floor_division(total, others)
    return tuple(left if i == hole else d for i, d in enumerate(wanted))


def _without_source(call: Call, wanted: list[Any]) -> Shape:
    def one(i: int, d: Any) -> IntExpr:
        unknown = d is None or d is ZERO or _is_minus_one(d)
        return call.fresh(f"d{i}") if unknown else d

    return tuple(one(i, d) for i, d in enumerate(wanted))


def _reshape_elements(call: Call, found: Elements) -> Any:
    target = call.integers("shape") or call.numbers(1)
    if target is None:
        return None
    if not call.integer("allowzero"):
        target = [found.shape[i] if d == 0 else d for i, d in enumerate(target)]
    return found.reshape(target)


def _flatten(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    axis = call.integer("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return [(product(shape[:axis]), product(shape[axis:]))]


# ------------------------------------------------------------------------ axes


def _squeeze(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    axes = call.axes()
    if axes is None:
        ones = [call.known(equal(d, ONE)) for d in shape]
        if None in ones:
            raise UnknownShapeError("whether an axis has size 1")
        return [tuple(d for d, one in zip(shape, ones, strict=True) if not one)]
    return [call.checked(squeeze(shape, [call.axis(a, len(shape)) for a in axes]))]


def _squeeze_elements(call: Call, found: Elements) -> Any:
    axes = call.axes()
    return found.squeeze() if axes is None else found.squeeze(tuple(axes))


def _unsqueeze(call: Call) -> Sequence[Shape | None]:
    return [call.checked(expand_dims(call.shape(0), call.axes() or []))]


def _unsqueeze_elements(call: Call, found: Elements) -> Any:
    return np.expand_dims(found, tuple(call.axes() or ()))


def _transpose(call: Call) -> Sequence[Shape | None]:
    return [call.checked(transpose(call.shape(0), call.integers("perm")))]


def _transpose_elements(call: Call, found: Elements) -> Any:
    return found.transpose(call.integers("perm"))


# ------------------------------------------------------------------------ concat, split


def _concat(call: Call) -> Sequence[Shape | None]:
    shapes = [call.shape(i) for i in range(len(call.inputs))]
    rank = len(shapes[0])
    return [call.checked(concatenate(shapes, call.axis(call.integer("axis", 1), rank)))]


def _without_elements(call: Call) -> BoolExpr:
    """onnxruntime leaves out what has no elements, whatever its other sizes are."""
    return disjunction(*(is_empty(call, i) for i in range(len(call.inputs))))


def _concat_elements(call: Call) -> Elements | None:
    count = len(call.inputs)
    parts = [p for i in range(count) if (p := blank(call.tensor(i))) is not None]
    if len(parts) < count:
        return None
    try:
        joined: Elements = np.concatenate(parts, call.integer("axis", 1))
    except ValueError:
        return None
    return joined if joined.size <= ELEMENTS else None


def _parts(call: Call) -> list[IntExpr]:
    """The sizes into which an axis is split."""
    shape = call.shape(0)
    size = shape[call.axis(call.integer("axis"), len(shape))]
    given = [constant(n) for n in call.integers("split") or ()] or None
    if given is None and call.has(1):
        given = call.complete(1)
        if any(n.is_constant and int(n.constant) < 0 for n in given):
            raise call.walk.fail("a size to split into must not be negative")
    if given is not None:
        total = constant(0)
        for n in given:
            call.need(less_equal(ZERO, n), f"a part of a split must not be negative: {n}")
            total = combine(1, total, 1, n)
        call.need(equal(total, size), f"the parts of a split must add up: {total} and {size}")
        return given
    return _even_parts(call, size)


def _even_parts(call: Call, size: IntExpr) -> list[IntExpr]:
    count = call.integer("num_outputs", len(call.node.output))
    if "num_outputs" not in call.attributes:
        divides = equal(modulo(size, constant(count)), ZERO)
        call.need(divides, f"{size} cannot be split into {count} equal parts")
        return [floor_division(size, constant(count))] * count
    chunk = ceiling_division(size, constant(count))
    last = combine(1, size, -(count - 1), chunk)
    call.need(less_equal(ZERO, last), f"{size} cannot be split into {count} parts of {chunk}")
    return [chunk] * (count - 1) + [last]


def _split(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    at = call.axis(call.integer("axis"), len(shape))
    return [(*shape[:at], part, *shape[at + 1 :]) for part in _parts(call)]


def _split_types(call: Call) -> Sequence[Tensor]:
    dtype, found = call.tensor(0).dtype, call.elements(0)
    try:
        shapes = _split(call)
    except UnknownShapeError:
        return [Tensor(dtype)] * len(call.node.output)
    if found is None:
        return [Tensor(dtype, shape) for shape in shapes]
    at = call.integer("axis")
    sizes = [shape[at] for shape in shapes if shape is not None]
    if not all(n.is_constant for n in sizes):
        return [Tensor(dtype, shape) for shape in shapes]
    cuts = np.cumsum([int(n.constant) for n in sizes])[:-1]
    pieces = np.split(found, cuts, at)
    return [Tensor(dtype, s, p) for s, p in zip(shapes, pieces, strict=True)]


# ------------------------------------------------------------------------ expand, tile, pad


def _expand(call: Call) -> Sequence[Shape | None]:
    shape, target = call.shape(0), call.listed(1) or []
    rank = max(len(shape), len(target))
    shape = (ONE,) * (rank - len(shape)) + shape
    padded = [ONE] * (rank - len(target)) + target
    needs = Needs()
    shown = show_shape([constant(-1) if d is None else d for d in target])
    reason = f"{show_shape(call.shape(0))} cannot be expanded to {shown}"
    found = []
    for i, (have, want) in enumerate(zip(shape, padded, strict=True)):
        if want is None:
            place = i - rank + len(target)
            _stretches(call, have, call.element(1, place), reason)
            wide = call.known(equal(have, ONE)) is False
            found.append(have if wide else call.fresh(f"d{i}"))
        else:
            found.append(broadcast_dim(have, want, reason, needs, call.known))
    return [call.checked(needs.result(found))]


def _stretches(call: Call, have: IntExpr, want: IntExpr, reason: str) -> None:
    """A size expands to one that is only known at run time."""
    same = disjunction(equal(have, want), equal(have, ONE), equal(want, ONE))
    call.need(conjunction(less_equal(ZERO, want), same), reason)


def _expand_elements(call: Call, found: Elements) -> Any:
    target = call.numbers(1)
    if target is None or np.prod(target, dtype=object) > ELEMENTS:
        return None
    return np.broadcast_to(found, np.broadcast_shapes(found.shape, tuple(target)))


def _tile(call: Call) -> Sequence[Shape | None]:
    shape, times = call.shape(0), call.complete(1)
    if len(times) != len(shape):
        raise call.walk.fail(f"{len(times)} repeats for {len(shape)} axes")
    for n in times:
        call.need(less_equal(ZERO, n), f"a number of repeats must not be negative: {n}")
    return [tuple(multiply(d, n) for d, n in zip(shape, times, strict=True))]


def _tile_elements(call: Call, found: Elements) -> Any:
    times = call.numbers(1)
    if times is None or found.size * np.prod(times, dtype=object) > ELEMENTS:
        return None
    return np.tile(found, times)


def _pad(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    pads, axes = _pads(call, len(shape))
    result = list(shape)
    mode = call.text("mode", "constant")
    if mode == "wrap":
        for size in shape:
            call.need(less_equal(ONE, size), f"nothing is repeated along an axis of {size}")
    for i, axis in enumerate(axes):
        before, after = pads[i], pads[i + len(axes)]
        result[axis] = combine(1, combine(1, shape[axis], 1, before), 1, after)
        call.need(
            less_equal(ZERO, result[axis]),
            f"{shape[axis]} cannot be padded by {before}, {after}",
        )
        if mode != "constant":
            _widened(call, mode, shape, axis, before, after)
    return [tuple(result)]


def _widened(
    call: Call, mode: str, shape: Shape, axis: int, before: IntExpr, after: IntExpr
) -> None:
    """What a mode that repeats elements requires of an axis that negative widths have cut.

    With computed widths this is what onnxruntime requires, which pads what has no elements
    by any; with known ones it is what the standard does, as people write it.
    """
    size = shape[axis]
    if before is ZERO and after is ZERO:
        return
    unless: BoolExpr = FALSE
    if mode != "wrap" and not (before.is_constant and after.is_constant):
        kept = equal(combine(1, before, 1, after), ZERO)
        possible = disjunction(less_equal(ONE, size), kept)
        unless = conjunction(equal(product(shape), ZERO), possible)
    left = combine(1, combine(1, size, 1, minimum(before, ZERO)), 1, minimum(after, ZERO))
    some = disjunction(less_equal(ONE, left), unless)
    call.need(some, f"an axis of {left} has nothing to repeat")
    if mode == "reflect":
        for width in (before, after):
            fits = disjunction(less_equal(width, ZERO), less(width, left), unless)
            call.need(fits, f"an axis of {left} cannot be reflected by {width}")


def _pads_nothing(call: Call) -> BoolExpr:
    """onnxruntime repeats elements where there are none, but along an axis that has some or
    whose size stays 0; with computed widths that is part of the requirements."""
    if call.text("mode", "constant") == "wrap":
        return FALSE
    computed = call.has(1) and call.numbers(1) is None
    shape = call.shape(0)
    possible = []
    pads, axes = ([], []) if computed else _pads(call, len(shape))
    for i, axis in enumerate(axes):
        kept = equal(combine(1, pads[i], 1, pads[i + len(axes)]), ZERO)
        possible.append(disjunction(less_equal(ONE, shape[axis]), kept))
    return FALSE if computed else conjunction(is_empty(call), *possible)


def _pads(call: Call, rank: int) -> tuple[list[IntExpr], list[int]]:
    """The widths (all before, then all after) and the axes that they are for."""
    if "pads" in call.attributes:
        return [constant(n) for n in call.attributes["pads"]], list(range(rank))
    axes = call.numbers(3) if call.has(3) else list(range(rank))
    if axes is None:
        raise UnknownShapeError("axes that are computed")
    pads = call.complete(1)
    if len(pads) != 2 * len(axes):
        raise call.walk.fail(f"{len(pads)} widths for {len(axes)} axes")
    return pads, [call.axis(a, rank) for a in axes]


# ------------------------------------------------------------------------ blocks


def _depth_to_space(call: Call) -> Sequence[Shape | None]:
    n, c, h, w = call.rank_is(0, 4)
    block = call.integer("blocksize")
    square = constant(block * block)
    call.need(equal(modulo(c, square), ZERO), f"{c} channels are not a multiple of {square}")
    wide = constant(block)
    return [(n, floor_division(c, square), multiply(h, wide), multiply(w, wide))]


def _space_to_depth(call: Call) -> Sequence[Shape | None]:
    n, c, h, w = call.rank_is(0, 4)
    block = constant(call.integer("blocksize"))
    for d in (h, w):
        call.need(equal(modulo(d, block), ZERO), f"{d} is not a multiple of {block}")
    deep = multiply(c, multiply(block, block))
    return [(n, deep, floor_division(h, block), floor_division(w, block))]


def _center_crop_pad(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    axes = call.integers("axes", range(len(shape))) or []
    result = list(shape)
    for axis, size in zip(axes, call.listed(1) or (), strict=True):
        result[axis] = size_of(call, size, f"d{axis}")
    return [tuple(result)]


operator(
    "Reshape",
    _reshape,
    elements=rearranged(_reshape_elements),
    span=same_span,
    lenient=_copies,
)
operator(
    "Flatten",
    _flatten,
    elements=rearranged(
        lambda call, found: found.reshape(
            (int(np.prod(found.shape[: call.integer("axis", 1)], dtype=int)), -1)
        )
    ),
    span=same_span,
)
operator("Squeeze", _squeeze, elements=rearranged(_squeeze_elements), span=same_span)
operator("Unsqueeze", _unsqueeze, elements=rearranged(_unsqueeze_elements), span=same_span)
operator("Transpose", _transpose, elements=rearranged(_transpose_elements), span=same_span)
operator("Concat", _concat, elements=_concat_elements, lenient=_without_elements)
operator("Split", types=_split_types)
operator("Expand", _expand, elements=rearranged(_expand_elements), span=same_span)
operator("Tile", _tile, elements=rearranged(_tile_elements), span=same_span)
operator("Pad", _pad, lenient=_pads_nothing)
operator("DepthToSpace", _depth_to_space)
operator("SpaceToDepth", _space_to_depth)
operator("CenterCropPad", _center_crop_pad)
