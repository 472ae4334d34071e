"""Indexing: basic slices, integers, arrays of integers, masks, and assignment.

An index is read as numpy reads it: an ellipsis stands for the axes that are left, a mask for
as many axes as it has, ``None`` is a new axis. As soon as one index is an array, integers
count as arrays too; the broadcast axes come in the place of the indexed ones if those are
adjacent, else in front.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.trace.registry import apply_rule, rule
from asserts.trace.rules.dynamic import counted, define_count, new_count
from asserts.trace.symarray import SymArray, is_symbolic
from shapes import tensors
from shapes.env import SymBool, SymFloat, SymInt
from shapes.expr import IntExpr, constant, disjunction, equal, less, less_equal
from shapes.tensors import Needs, Shape, ShapeResult

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["get_item", "indexed", "need_inside", "set_item"]


@dataclass
class _Indexed:
    """What an index does: the shape it selects, and whether it makes a view."""

    shape: Shape
    key: Any
    is_view: bool
    counted: tuple[SymArray, IntExpr, int] | None = None
    """A mask whose count is new, and the axis of the result that shows it."""


def get_item(t: Tracer, x: SymArray, key: Any) -> SymArray:
    """``x[key]``."""
    t.require_own(x)
    with t.calling("indexing", operator.getitem):
        chosen = indexed(t, x, key, reading=True)
        result = t.array(
            (x, chosen.key), None, chosen.shape, x.dtype,
            elements=x._elements, view_of=x if chosen.is_view else None,
        )  # fmt: skip
        if chosen.is_view:
            result._part_of = (x, key, chosen.key)
        if chosen.counted is not None:
            mask, count, axis = chosen.counted
            define_count(t, mask, count, result._node, (("size", axis),))
    return result


def _is_same_key(a: Any, b: Any) -> bool:
    """Whether two keys are one: the same object, or slices with the same ends (from Python
    3.12 on, ``x[1:] += y`` makes its slice twice)."""
    if a is b:
        return True
    if isinstance(a, slice) and isinstance(b, slice):
        ends = ((a.start, b.start), (a.stop, b.stop), (a.step, b.step))
        return all(p is q or (type(p) is int and type(q) is int and p == q) for p, q in ends)
    return False


def set_item(t: Tracer, x: SymArray, key: Any, value: Any) -> None:
    """``x[key] = value`` as a new array in place of the old one."""
    part = value._part_of if isinstance(value, SymArray) else None
    if part is not None and part[0] is x and _is_same_key(part[1], key):
        return  # the end of ``x[key] += ...``, which has changed x already
    t.require_fresh(
        x, f"{x._node.name}[...] = ...",
        "write np.where(mask, new, old), or assign to a copy (x = x.copy())",
    )  # fmt: skip
    with t.calling("index assignment", runtime.set_item):
        scalar = t.shape_of(value) == ()
        chosen = indexed(t, x, key, reading=False, scalar=scalar)
        require_fits(t, t.shape_of(value), chosen.shape)
        if getattr(value, "dtype", np.dtype(float)).kind == "c" and x.dtype.kind != "c":
            raise TraceError("assigning complex values to a real array is not supported")
        result = t.array((x, chosen.key, value), None, x._dims, x.dtype)
        t.changed(x, "x[...] = ...", result)


def require_fits(t: Tracer, given: Shape, target: Shape) -> None:
    """What is assigned broadcasts to the place; more axes than that are of one element."""
    needs = Needs()
    extra = max(len(given) - len(target), 0)
    for size in given[:extra]:
        needs.add(
            equal(size, constant(1)),
            f"could not broadcast input array from shape {tensors.show_shape(given)} "
            f"into shape {tensors.show_shape(target)}",
        )
    needs.extend(tensors.broadcast_to(given[extra:], target, t.decide).needs)
    t.require(needs.result(()))


# --------------------------------------------------------------------------- known indices

Places = dict[int, tuple[IntExpr, ...]]
"""What is known of the elements of arrays of indices, by the identity of the array."""

MOST_PLACES = 8
"""Symbolic numbers in one list of indices of which each is recorded."""


def known_places(t: Tracer, value: Any) -> tuple[IntExpr, ...] | None:
    """Numbers such that indices are in range if these are: all of them, or of constants the
    least and the greatest; None if the indices are known only when the program runs."""
    if isinstance(value, SymInt):
        return (t.dim_of(value),)
    if isinstance(value, (list, tuple)) and is_symbolic(value):
        parts = [known_places(t, v) for v in value]
        found = dict.fromkeys(place for part in parts if part is not None for place in part)
        return None if None in parts or len(found) > MOST_PLACES else tuple(found)
    if is_symbolic(value):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or not array.size:
        return None if array.size else ()
    return tuple(dict.fromkeys((constant(int(array.min())), constant(int(array.max())))))


def need_inside(t: Tracer, needs: Needs, indices: Any, count: IntExpr, what: str) -> None:
    """Need places that are known before the program runs to be below the count, and none of
    them negative."""
    for place in known_places(t, indices) or ():
        for inside in (less_equal(constant(0), place), less(place, count)):
            needs.add(inside, f"index {place} is out of bounds for {what}")


# --------------------------------------------------------------------------- reading an index


def indexed(
    t: Tracer, x: SymArray, key: Any, reading: bool, scalar: bool = False
) -> _Indexed:
    places: Places = {}
    items = _normal_items(t, key if isinstance(key, tuple) else (key,), places)
    dotted = any(item is Ellipsis for item in items)
    items = _expanded(items, x, dotted)
    masks = [i for i in items if isinstance(i, SymArray) and i.dtype.kind == "b"]
    if masks and (scalar or (reading and _only_mask(items))):
        return _masked(t, x, items, masks[0], reading, places)
    if masks:
        items = _without_masks(t, x, items)
    if any(isinstance(i, SymArray) and i.ndim > 0 for i in items):
        return _gathered(t, x, [i for i in items if i is not Ellipsis], places)
    return _basic(t, x, items, dotted, places)


def _normal_items(t: Tracer, key: tuple[Any, ...], places: Places) -> list[Any]:
    """Numbers as they are, arrays and lists as traced arrays; what is known of their elements
    is added to `places`."""
    items: list[Any] = []
    for item in key:
        scalar_mask = isinstance(item, SymArray) and item.dtype.kind == "b" and not item.ndim
        if scalar_mask or isinstance(item, (bool, np.bool_, SymBool)):
            raise TraceError("indexing with a single truth value is not supported")
        if isinstance(item, (list, tuple, np.ndarray)):
            known = known_places(t, item)
            is_list = not isinstance(item, np.ndarray)
            item = t.lift(np.zeros(0, np.intp) if is_list and not len(item) else item)
            if known is not None:
                places[id(item)] = known
        elif isinstance(item, np.integer):
            item = int(item)
        elif isinstance(item, SymInt):
            t.require_defined(item)
        if isinstance(item, SymArray) and item.dtype.kind not in "biu":
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        if isinstance(item, (float, SymFloat, str)):
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and "
                "integer or boolean arrays are valid indices"
            )
        items.append(item)
    return items


def _width(item: Any) -> int:
    """How many axes an index uses up."""
    if item is None:
        return 0
    return item.ndim if isinstance(item, SymArray) and item.dtype.kind == "b" else 1


def _expanded(items: list[Any], x: SymArray, dotted: bool) -> list[Any]:
    """The ellipsis written out, and full slices for the axes that are left."""
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    used = sum(_width(item) for item in items if item is not Ellipsis)
    if used > x.ndim:
        raise IndexError(
            f"too many indices for array: array is {x.ndim}-dimensional, but {used} were "
            "indexed"
        )
    at = dots[0] if dots else len(items)
    rest = items[at + 1 :] if dots else []
    filled: list[Any] = [slice(None)] * (x.ndim - used)
    if dotted and not filled:
        filled = [Ellipsis]  # it makes an array of what would be a scalar
    return [*items[:at], *filled, *rest]


def _is_full(item: Any) -> bool:
    return isinstance(item, slice) and item == slice(None)


def _only_mask(items: Sequence[Any]) -> bool:
    return sum(not _is_full(i) and i is not Ellipsis for i in items) == 1


def _masked(
    t: Tracer, x: SymArray, items: list[Any], mask: SymArray, reading: bool, places: Places
) -> _Indexed:
    """One mask and full slices; or the target of an assignment of one number."""
    if not _only_mask(items):
        plain = [i for i in items if i is not Ellipsis]
        return _gathered(t, x, _without_masks(t, x, plain), places)
    at = next(i for i, item in enumerate(items) if item is mask)
    _fit_mask(t, x._dims[at : at + mask.ndim], mask, at)
    rest = (*x._dims[:at], *x._dims[at + mask.ndim :])
    key = mask if at == 0 else tuple(items[: at + 1])
    if not reading:
        return _Indexed(rest, key, False)  # one number goes anywhere
    count, is_new = new_count(t, mask, counted(mask))
    shape = (*rest[:at], count, *rest[at:])
    return _Indexed(shape, key, False, (mask, count, at) if is_new else None)


def _fit_mask(t: Tracer, dims: Shape, mask: SymArray, first: int) -> None:
    needs = Needs()
    for k, (size, own) in enumerate(zip(dims, mask._dims)):
        # numpy takes an empty mask for any size.
        needs.add(
            disjunction(equal(size, own), equal(own, constant(0))),
            f"boolean index did not match indexed array along axis {first + k}; size of axis "
            f"is {size} but size of corresponding boolean axis is {own}",
        )  # fmt: skip
    t.require(needs.result(()))


def _without_masks(t: Tracer, x: SymArray, items: list[Any]) -> list[Any]:
    """Every mask replaced by the places of its true elements."""
    out: list[Any] = []
    axis = 0
    for item in items:
        if isinstance(item, SymArray) and item.dtype.kind == "b":
            _fit_mask(t, x._dims[axis : axis + item.ndim], item, axis)
            out.extend(apply_rule(t, np.nonzero, (item,), {}))
        else:
            out.append(item)
        axis += 0 if item is Ellipsis else _width(item)
    return out


def _basic(
    t: Tracer, x: SymArray, items: list[Any], dotted: bool, known: Places
) -> _Indexed:
    """Integers, slices and new axes."""
    needs = Needs()
    shape: list[IntExpr] = []
    axis = 0
    copies = False
    for item in items:
        if item is Ellipsis:
            continue
        if item is None:
            shape.append(constant(1))
            continue
        size = x._dims[axis]
        if isinstance(item, slice):
            shape.extend(_sliced(t, size, item, needs))
        elif isinstance(item, SymArray):
            # An array scalar: unless it is a constant, its value is checked by numpy alone.
            copies = True
            chosen = known.get(id(item), ())
            needs.extend([tensors.gathered_inside(size, (), chosen, axis)])
        else:
            needs.extend(tensors.index(size, t.dim_of(item), axis).needs)
        axis += 1
    t.require(needs.result(()))
    key = _trimmed(items)
    # All integers: a scalar, which is not a view; with an ellipsis it is a 0-d array.
    is_scalar = not shape and not dotted
    return _Indexed(tuple(shape), key, not copies and not is_scalar)


def _trimmed(items: list[Any]) -> Any:
    """The index as it is recorded: without the full slices at its end, which say nothing."""
    end = len(items)
    while end > 1 and _is_full(items[end - 1]):
        end -= 1
    return items[0] if end == 1 else tuple(items[:end])


def _sliced(t: Tracer, size: IntExpr, part: slice, needs: Needs) -> Shape:
    ends = [None if e is None else t.dim_of(e) for e in (part.start, part.stop, part.step)]
    result = tensors.slice_length(size, ends[0], ends[1], ends[2], t.decide)
    needs.extend(result.needs)
    return result.shape


def _gathered(t: Tracer, x: SymArray, items: list[Any], known: Places) -> _Indexed:
    """Arrays of integers, with integers, slices and new axes among them."""
    needs = Needs()
    arrays: list[Shape] = []
    places: list[int] = []
    around: list[tuple[int, IntExpr]] = []  # position among the items, and size
    elements: list[tuple[int, Sequence[IntExpr]]] = []  # axis, and what is taken of it
    axis = 0
    for position, item in enumerate(items):
        if item is None:
            around.append((position, constant(1)))
            continue
        size = x._dims[axis]
        if isinstance(item, slice):
            around.extend((position, d) for d in _sliced(t, size, item, needs))
        else:
            places.append(position)
            if isinstance(item, SymArray):
                arrays.append(item._dims)
                elements.append((axis, known.get(id(item), ())))
            else:
                arrays.append(())
                needs.extend(tensors.index(size, t.dim_of(item), axis).needs)
        axis += 1
    common = tensors.gather(x._dims[:0], arrays, known=t.decide)
    needs.extend(common.needs)
    needs.extend(
        tensors.gathered_inside(x._dims[at], common.shape, chosen, at)
        for at, chosen in elements
        if chosen
    )
    t.require(needs.result(()))
    adjacent = places == list(range(places[0], places[-1] + 1))
    first = places[0] if adjacent else 0
    before = [size for position, size in around if position < first]
    after = [size for position, size in around if position >= first]
    key = _trimmed(items)
    return _Indexed((*before, *common.shape, *after), key, False)


# --------------------------------------------------------------------------- functions


@rule("take")
def _take(
    t: Tracer, a: Any, indices: Any, axis: Any = None, *, mode: str = "raise"
) -> Any:
    array = t.lift(a)
    at = None if axis is None else operator.index(axis)
    if mode not in ("raise", "clip", "wrap"):
        raise ValueError(f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})")
    shape = tensors.take(
        array._dims, t.shape_of(indices), at, known_places(t, indices), mode == "raise"
    )
    options: dict[str, Any] = {} if at is None else {"axis": at}
    if mode != "raise":
        options["mode"] = mode
    return t.array(
        (array, indices), options, shape, array.dtype, elements=array._elements
    )


def places_along(
    t: Tracer, array: SymArray, places: SymArray, indices: Any, axis: Any
) -> tuple[int, ShapeResult]:
    """The axis, and the shape of what one index for each place of the other axes names."""
    if axis is None:
        raise TraceError(f"{t.operation}: axis=None is not supported while tracing")
    at = tensors.axis_of(operator.index(axis), array.ndim)
    if places.ndim != array.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    one = constant(1)
    first = (*array._dims[:at], one, *array._dims[at + 1 :])
    common = tensors.broadcast(first, places._dims, known=t.decide)
    known = known_places(t, indices)
    if not known:
        return at, common
    needs = Needs()
    needs.extend(common.needs)
    needs.extend([tensors.gathered_inside(array._dims[at], common.shape, known, at)])
    return at, needs.result(common.shape)


@rule("take_along_axis")
def _take_along_axis(t: Tracer, arr: Any, indices: Any, axis: Any = -1) -> Any:
    array, places = t.lift(arr), t.lift(indices)
    at, common = places_along(t, array, places, indices, axis)
    args = (array, places, at)
    return t.array(args, None, common, array.dtype, elements=array._elements)
