"""Operators with subgraphs: `If`, `Loop`, `Scan`, `SequenceMap`.

What a loop carries is found by a fixpoint: a size or an element that an iteration changes is
widened to a symbol, and the body is walked again until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Listed
from contextlib import nullcontext
from typing import Any

from onnx import GraphProto, ValueInfoProto

from asserts.dialects.onnx.infer.walk import Frame, Walker
from asserts.dialects.onnx.model.elements import elements_of
from asserts.dialects.onnx.model.types import Optional, Sequence, Tensor, Type
from asserts.dialects.onnx.rules.merging import merged
from asserts.dialects.onnx.rules.record import ZERO, Call, UnknownShapeError
from shapes.expr import (
    FALSE,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    conjunction,
    constant,
    disjunction,
    equal,
    less_equal,
    maximum,
    negation,
    shift,
    where,
)
from shapes.traversal import free_symbols

__all__ = ["CONTROL"]

ROUNDS = 8
"""A loop's state that has not settled after so many rounds is taken for unknown."""


def _condition(call: Call, i: int) -> Any:
    """The truth of an input of one element, if anything is known of it."""
    found = call.elements(i)
    return None if found is None or found.size != 1 else found.reshape(-1)[0]


# ------------------------------------------------------------------------ If


def _if(walker: Walker, call: Call, frame: Frame) -> Listed[Type]:
    condition = _condition(call, 0)
    then, otherwise = call.attributes["then_branch"], call.attributes["else_branch"]
    if condition is TRUE or condition is FALSE:
        label = "then" if condition is TRUE else "else"
        return _branch(walker, then if condition is TRUE else otherwise, frame, label, TRUE)
    known = condition if isinstance(condition, BoolExpr) else None
    if known is None:
        known = _unknown_condition(walker, call)
    first = _branch(walker, then, frame, "then", known)
    second = _branch(walker, otherwise, frame, "else", negation(known))
    given = known if isinstance(condition, BoolExpr) else None
    return [
        merged(a, b, walker, str(i), given)
        for i, (a, b) in enumerate(zip(first, second, strict=True))
    ]


def _unknown_condition(walker: Walker, call: Call) -> BoolExpr:
    """A condition that depends on data, as a symbol."""
    from shapes.expr import not_equal

    label = f"{call.node.input[0]}_truth"
    made = walker.symbols.fresh(label, walker._node, 0, 1)
    return not_equal(made, ZERO)


def _branch(
    walker: Walker, graph: GraphProto, frame: Frame, label: str, given: BoolExpr
) -> list[Type]:
    inner = walker.inner(frame, label, given)
    with nullcontext() if given is TRUE else walker.symbols.assuming(given):
        walker.graph(graph, inner)
        walker.keep(inner)
        results = [inner.values.get(value.name, Tensor(0)) for value in graph.output]
        return [walker.settled(found) for found in results]


# ------------------------------------------------------------------------ loops


def _walked(
    walker: Walker,
    graph: GraphProto,
    frame: Frame,
    inputs: Listed[Type],
    final: bool,
    given: BoolExpr = TRUE,
) -> list[Type]:
    """The results of a body for these inputs; only the final round is remembered."""
    inner = walker.inner(frame, "body", given)
    for value, found in zip(graph.input, inputs, strict=False):
        inner.values[value.name] = found
    walker._loops += 1
    walker._quiet += not final
    try:
        walker.graph(graph, inner)
    finally:
        walker._quiet -= not final
        walker._loops -= 1
    if final:
        walker.keep(inner)
    return [inner.values.get(value.name, Tensor(0)) for value in graph.output]


def _fixpoint(
    walker: Walker, state: list[Type], step: Callable[[list[Type]], list[Type]], label: str
) -> tuple[list[Type], list[Type]]:
    """A state that one more iteration does not change, as iterations begin with it, and as the
    last one leaves it: what they change is not the same there."""
    made: set[Expr] = set()  # (a state may have begun with what another loop has widened)
    for rounds in range(ROUNDS):
        after = step(state)
        wider = [
            widened(a, b, walker, f"{label}_{i}", made)
            for i, (a, b) in enumerate(zip(state, after, strict=False))
        ]
        if all(a is b for a, b in zip(state, wider, strict=True)):
            break
        state = wider if rounds < ROUNDS - 2 else [_forgotten(t) for t in wider]
    return state, [_left(found, walker, f"{label}_{i}", made) for i, found in enumerate(state)]


def _left(found: Type, walker: Walker, label: str, made: set[Expr]) -> Type:
    """What the last iteration leaves of a state: what was `made` for what iterations begin
    with has other symbols."""
    if not isinstance(found, Tensor) or found.shape is None:
        return found
    shape = tuple(
        walker.fresh(f"{label}_last_d{i}") if d in made else d
        for i, d in enumerate(found.shape)
    )
    elements = found.elements
    if elements is not None and any(e in made for e in elements.flat):
        left = [
            _loop_element(e, walker, f"{label}_last", made) if e in made else e
            for e in elements.flat
        ]
        elements = elements_of(left, elements.shape)
    elif all(a is b for a, b in zip(shape, found.shape, strict=True)):
        return found
    return Tensor(found.dtype, shape, elements)


def _forgotten(found: Type) -> Type:
    return Tensor(found.dtype) if isinstance(found, Tensor) else found


def widened(before: Type, after: Type, walker: Walker, label: str, made: set[Expr]) -> Type:
    """What holds both before and after an iteration; `before` itself if nothing changes.
    `made` are the symbols that this loop has widened to."""
    if isinstance(before, Tensor) and isinstance(after, Tensor):
        return _widened_tensor(before, after, walker, label, made)
    if isinstance(before, Sequence) and isinstance(after, Sequence):
        return _widened_sequence(before, after, walker, label, made)
    if isinstance(before, Optional) or isinstance(after, Optional):
        return merged(before, after, walker, label) if before != after else before
    return before


def _widened_tensor(
    before: Tensor, after: Tensor, walker: Walker, label: str, made: set[Expr]
) -> Tensor:
    if before.shape is None:
        return before if before.elements is None else before.without_elements()
    if after.shape is None or len(after.shape) != len(before.shape):
        return Tensor(before.dtype or after.dtype)
    shape = tuple(
        a if a is b or a in made else _made(made, walker.fresh(f"{label}_loop_d{i}"))
        for i, (a, b) in enumerate(zip(before.shape, after.shape, strict=True))
    )
    elements = _widened_elements(before, after, walker, label, made)
    same_shape = all(a is b for a, b in zip(shape, before.shape, strict=True))
    if same_shape and elements is before.elements and before.span is None:
        return before
    return Tensor(before.dtype or after.dtype, shape, elements)


def _made(made: set[Expr], symbol: IntExpr) -> IntExpr:
    made.add(symbol)
    return symbol


def _widened_elements(
    before: Tensor, after: Tensor, walker: Walker, label: str, made: set[Expr]
) -> Any:
    found = before.elements
    if found is None:
        return None
    if after.elements is None or after.elements.shape != found.shape:
        return None
    pairs = list(zip(found.flat, after.elements.flat, strict=True))
    if all(a is b or a is None or a in made for a, b in pairs):
        return found
    wider = [
        a if a is b or a is None or a in made else _loop_element(a, walker, label, made)
        for a, b in pairs
    ]
    return elements_of(wider, found.shape)


def _loop_element(a: Any, walker: Walker, label: str, made: set[Expr]) -> Any:
    if not isinstance(a, IntExpr):
        return None
    name = f"{walker._label}_{label}_loop_value"
    return _made(made, walker.symbols.fresh(name, walker._node, None, None, size=False))


def _widened_sequence(
    before: Sequence, after: Sequence, walker: Walker, label: str, made: set[Expr]
) -> Sequence:
    if before.element is None or after.element is None:
        element = before.element or after.element
    elif before.items == ():
        element = after.element  # (an empty sequence says nothing of its elements)
    else:
        element = widened(before.element, after.element, walker, label, made)
    length = before.length if before.length is after.length else None
    items = before.items if before.items == after.items else None
    if element is before.element and length is before.length and items is before.items:
        return before
    return Sequence(element, length, items)


def _loop(walker: Walker, call: Call, frame: Frame) -> Listed[Type]:
    body: GraphProto = call.attributes["body"]
    carried = [_carried(found) for found in call.inputs[2:]]
    trips = _trip_limit(call)
    label = "state"
    turn = _turn(walker, trips)
    entered = TRUE if trips is None else less_equal(constant(1), trips)
    always: list[Any] = []

    def step(state: list[Type]) -> list[Type]:
        results = _walked(walker, body, frame, [turn, _true(), *state], False)
        return results[1 : 1 + len(state)]

    state, left = _fixpoint(walker, list(carried), step, label)
    given = _may_run(walker, call, entered)
    results = _walked(walker, body, frame, [turn, _true(), *state], True, given)
    always.append(_is_true(results[0]))
    count = _trips(walker, call, trips, always[0])
    outputs = results[1 + len(state) :]
    if any(_varies(found, state, carried) for found in outputs):
        _need_equal_turns(walker, call, frame, [turn, _true()], carried, count)
    made = [
        _if_any(walker, found, count, value)
        for found, value in zip(outputs, body.output[1 + len(state) :], strict=True)
    ]
    return [*left, *(_stacked(found, count, 0) for found in made)]


def _varies(found: Type, state: Listed[Type], carried: Listed[Type]) -> bool:
    """Whether a size that the loop was widened to is in the shape of what is stacked."""
    changed = {
        symbol
        for a, b in zip(state, carried, strict=True)
        if a is not b and isinstance(a, Tensor)
        for size in a.shape or ()
        for symbol in free_symbols(size)
    }
    shape = found.shape if isinstance(found, Tensor) else None
    return any(not changed.isdisjoint(free_symbols(size)) for size in shape or ())


def _need_equal_turns(
    walker: Walker,
    call: Call,
    frame: Frame,
    front: list[Type],
    carried: list[Type],
    count: IntExpr,
) -> None:
    """What is stacked must have the same sizes in each turn: they are compared in the first
    two. Nothing is copied of what has no elements, and no size compared."""
    body: GraphProto = call.attributes["body"]
    first = _walked(walker, body, frame, [*front, *carried], False)[1:]
    second = _walked(walker, body, frame, [*front, *first[: len(carried)]], False)[1:]
    for a, b in list(zip(first, second, strict=True))[len(carried) :]:
        if not (isinstance(a, Tensor) and isinstance(b, Tensor)) or None in (a.shape, b.shape):
            continue
        sizes = list(zip(a.shape or (), b.shape or (), strict=False))
        same = conjunction(*(equal(x, y) for x, y in sizes))
        empty = [equal(x, ZERO) for x, y in sizes if x is y]
        if not any(walker.symbols.is_data(s.name) for s in free_symbols(same)):
            call.need(
                disjunction(less_equal(count, constant(1)), same, *empty),
                f"the turns of a loop stack sizes that differ: {a.shape} and {b.shape}",
            )


def _carried(found: Type | None) -> Type:
    return Tensor(0) if found is None else found


def _may_run(walker: Walker, call: Call, entered: BoolExpr) -> BoolExpr:
    """The condition under which the body runs at least once, with what is not known of it as a
    symbol."""
    if not call.has(1):
        return entered
    first = _condition(call, 1)
    if isinstance(first, BoolExpr):
        return conjunction(entered, first)
    return conjunction(entered, _unknown_condition_of(walker, call.node.input[1]))


def _unknown_condition_of(walker: Walker, name: str) -> BoolExpr:
    from shapes.expr import not_equal

    return not_equal(walker.symbols.fresh(f"{name}_truth", walker._node, 0, 1), ZERO)


def _trip_limit(call: Call) -> IntExpr | None:
    """The greatest number of iterations; None for no limit, or one that is not known."""
    found = call.elements(0) if call.has(0) else None
    only = None if found is None else found.reshape(-1)[0]
    return only if isinstance(only, IntExpr) else None


def _turn(walker: Walker, trips: IntExpr | None) -> Tensor:
    from onnx import TensorProto

    most = (
        None
        if trips is None or (trips.is_constant and trips.constant < 1)
        else shift(trips, -1)
    )
    most = most if most is not None and walker.known(less_equal(ZERO, most)) else None
    made = walker.fresh("turn", 0, most)
    return Tensor(TensorProto.INT64, (), elements_of([made], ()))


def _true() -> Tensor:
    from onnx import TensorProto

    return Tensor(TensorProto.BOOL, (), elements_of([TRUE], ()))


def _is_true(found: Type) -> bool:
    if not isinstance(found, Tensor) or found.elements is None:
        return False
    return found.elements.size == 1 and found.elements.reshape(-1)[0] is TRUE


def _trips(walker: Walker, call: Call, limit: IntExpr | None, continues: bool) -> IntExpr:
    """The number of iterations."""
    first = _condition(call, 1) if call.has(1) else TRUE
    if limit is None:
        return walker.fresh("trips")
    if walker.known(less_equal(ZERO, limit)):
        most = limit
    else:
        most = maximum(ZERO, limit)
    if continues and first is TRUE:
        return most
    if first is FALSE:
        return ZERO
    return walker.fresh("trips", 0, most)


def _if_any(walker: Walker, found: Type, count: IntExpr, value: ValueInfoProto) -> Type:
    """What a turn makes, as it is stacked: without any turn, onnxruntime takes the number that
    the body states of a size, and 0 for one that is not a number."""
    some = less_equal(constant(1), count)
    if not isinstance(found, Tensor) or found.shape is None or walker.known(some):
        return found
    dims = value.type.tensor_type.shape.dim
    stated = [constant(max(dim.dim_value, 0)) for dim in dims]  # (0 if there is no number)
    if len(stated) != len(found.shape):
        stated = [ZERO] * len(found.shape)
    sizes = (
        d if d.is_constant else where(some, d, n)
        for d, n in zip(found.shape, stated, strict=True)
    )
    return Tensor(found.dtype, tuple(d for d in sizes if isinstance(d, IntExpr)))


def _stacked(found: Type, count: IntExpr, axis: int) -> Type:
    if not isinstance(found, Tensor) or found.shape is None:
        return Tensor(found.dtype) if isinstance(found, Tensor) else found
    rank = len(found.shape) + 1
    at = axis % rank
    return Tensor(found.dtype, (*found.shape[:at], count, *found.shape[at:]))


# ------------------------------------------------------------------------ Scan


def _scan(walker: Walker, call: Call, frame: Frame) -> Listed[Type]:
    body: GraphProto = call.attributes["body"]
    if call.version < 9:
        raise UnknownShapeError("a scan of batches")
    scanned = call.integer("num_scan_inputs")
    states = len(call.inputs) - scanned
    axes = call.integers("scan_input_axes") or [0] * scanned
    length: IntExpr | None = None
    slices: list[Type] = []
    for axis, found in zip(axes, call.inputs[states:], strict=True):
        part, size = _slice(found, axis)
        slices.append(part)
        if size is not None:
            length = size if length is None else call.same(length, size, "lengths differ")

    def step(state: list[Type]) -> list[Type]:
        after = _walked(walker, body, frame, [*state, *slices], False)[: len(state)]
        return [_kept(a, b) for a, b in zip(state, after, strict=True)]

    count = walker.fresh("length") if length is None else length
    call.need(less_equal(constant(1), count), "onnxruntime scans nothing of no length")
    initial = [_carried(found) for found in call.inputs[:states]]
    state, left = _fixpoint(walker, initial, step, "state")
    results = _walked(walker, body, frame, [*state, *slices], True)
    for before, after, value in zip(state, results, body.output, strict=False):
        _need_same_shape(walker, call, before, after, value)
    outputs = results[states:]
    placed = call.integers("scan_output_axes") or [0] * len(outputs)
    return [*left, *(_stacked(t, count, a) for t, a in zip(outputs, placed, strict=True))]


def _kept(before: Type, after: Type) -> Type:
    """A state after an iteration, which must have kept its shape."""
    if isinstance(before, Tensor) and isinstance(after, Tensor) and before.shape is not None:
        elements = after.elements if after.shape == before.shape else None
        return Tensor(after.dtype, before.shape, elements)
    return after


def _need_same_shape(
    walker: Walker, call: Call, before: Type, after: Type, value: ValueInfoProto
) -> None:
    """What a scan carries has one shape. (Of a single turn onnxruntime takes the shape that it
    makes, if its own inference knows all of it: there this is only sufficient.)"""
    if not (isinstance(before, Tensor) and isinstance(after, Tensor)):
        return
    if before.shape is None or after.shape is None:
        return
    if len(before.shape) != len(after.shape):
        raise call.walk.fail(f"a scan makes {after.shape} of {before.shape}")
    stated = value.type.tensor_type.shape.dim
    fixed = all(d.is_constant for d in after.shape)
    fixed |= bool(stated) and all(dim.HasField("dim_value") for dim in stated)
    for a, b in zip(before.shape, after.shape, strict=True):
        if a is not b:
            reason = f"a scan must not change the sizes that it carries: {a} and {b}"
            call.need(equal(a, b), reason, exact=not (fixed or walker.symbols.has_data(b)))


def _slice(found: Type | None, axis: int) -> tuple[Type, IntExpr | None]:
    """One step of what is scanned, and the number of steps."""
    if not isinstance(found, Tensor) or found.shape is None:
        return Tensor(found.dtype if isinstance(found, Tensor) else 0), None
    at = axis % len(found.shape)
    rest = (*found.shape[:at], *found.shape[at + 1 :])
    return Tensor(found.dtype, rest), found.shape[at]


# ------------------------------------------------------------------------ SequenceMap


def _map(walker: Walker, call: Call, frame: Frame) -> Listed[Type]:
    body: GraphProto = call.attributes["body"]
    first = call.inputs[0]
    assert isinstance(first, Sequence)
    rows = _rows(call, first)
    if rows is None:
        elements = [walker.renewed(_element(found)) for found in call.inputs]
        results = _walked(walker, body, frame, elements, True)
        return [Sequence(found, first.length) for found in results]
    columns = list(
        zip(*(_walked(walker, body, frame, row, True) for row in rows), strict=True)
    )
    return [_listed(walker, column, first.length) for column in columns]


def _listed(walker: Walker, column: Listed[Type], length: IntExpr | None) -> Sequence:
    common: Type = column[0]
    for found in column[1:]:
        common = merged(common, found, walker, "element")
    return Sequence(common, length, tuple(column))


def _rows(call: Call, first: Sequence) -> list[list[Type]] | None:
    """The body's inputs for every element, if each is known and there are few."""
    if not first.items or len(first.items) > 32:
        return None
    rows: list[list[Type]] = []
    for i, item in enumerate(first.items):
        row: list[Type] = [item]
        for other in call.inputs[1:]:
            if isinstance(other, Sequence):
                if other.items is None or len(other.items) <= i:
                    return None
                row.append(other.items[i])
            else:
                row.append(_carried(other))
        rows.append(row)
    return rows


def _element(found: Type | None) -> Type:
    if isinstance(found, Sequence):
        return Tensor(0) if found.element is None else found.element
    return _carried(found)


CONTROL: dict[str, Callable[[Walker, Call, Frame], Listed[Type]]] = {
    "If": _if,
    "Loop": _loop,
    "Scan": _scan,
    "SequenceMap": _map,
}
