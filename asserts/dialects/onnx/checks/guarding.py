"""Asserts put into the graphs of a model, and taken out again.

An assert is a condition, and a `Gather` from a table of one element: element 0 if the
condition holds, element 1, which there is not, otherwise. onnxruntime stops there and shows
the node's name, which is the message. Bounds of the sizes of one value that follow each other
are compared at once: the first that does not hold has a number, which indexes the tables of
the asserts one after the other, and each table lacks the number of its own bound.

What must come later waits: it is given a `Reshape` of a value to its own shape times what the
asserts gather (1), which copies nothing; an `Expand` by what they gather where an optimizer
would take the two for steps between shapes, of which only the last counts. None can take the
asserts out without changing what is computed. An assert waits in this way for those that stand
before it, so that the first condition that does not hold is the one that is reported.

- At the entry of the model all inputs wait that must (`waiting`); at the entry of a subgraph,
  what it takes from around it and is given.
- Behind a node its value waits, under its own name; the node makes it under another one.
- An operation whose requirement is asserted waits by an input of its own, if nothing that it
  uses waits already.
- A result of the graph waits if none needs the elements of what waits: sizes may be known
  without them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from asserts.dialects.onnx.checks.placing import Placed, readings
from asserts.dialects.onnx.checks.scopes import Reading, Scope, scopes_of
from asserts.dialects.onnx.checks.stated import KEY, Check, texts
from asserts.dialects.onnx.checks.waiting import elements_behind, is_firm, waiting_inputs
from asserts.dialects.onnx.checks.writing import (
    MARK,
    OLDEST,
    RAW,
    Writer,
    Written,
    bound_of,
    graphs_of,
    is_ours,
    safe,
)
from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.order import captured, used
from asserts.dialects.onnx.model.reading import opsets_of
from asserts.dialects.onnx.model.types import Tensor
from asserts.errors import ASSERT_FAILED, GraphError
from shapes.expr import Expr
from shapes.traversal import free_symbols

__all__ = ["refuse_reserved", "too_old", "with_asserts", "without_asserts"]

IMPORTED = "shapeproof.imported"
"""The entry of the metadata that says that asserts import the standard operators."""

_GUARDED = "/guarded/"
"""What is in the name of a value that waits under another name than its own."""

_GUARDS = ("Reshape", "Expand")
_NEVER_EXPANDED = (TensorProto.BFLOAT16,)
"""Element types that onnxruntime does not expand, or not yet."""


def with_asserts(
    model: ModelProto, inferred: Inferred, checks: Sequence[Placed]
) -> tuple[ModelProto, dict[Check, int]]:
    """A copy of the model with these asserts, and the number of nodes of each.

    Raises `GraphError` if the model's operator set is too old.
    """
    reason = too_old(model)
    if reason:
        raise GraphError(reason)
    after = ModelProto()
    after.CopyFrom(model)
    _import_operators(after)
    shared, counts = Written(), dict[Check, int]()
    passed: dict[str, list[tuple[int, str]]] = {}
    for scope in scopes_of(after.graph, inferred).values():
        here = [one for one in checks if one.scope and one.scope.path == scope.path]
        passed[scope.path] = [(0, one) for one in _arriving(scope, passed)]
        if here:
            guard = _Guard(scope, shared, inferred, passed[scope.path])
            guard.put(sorted(here, key=lambda one: one.position))
            counts.update(guard.counts)
    after.graph.initializer.extend(shared.constants.values())
    after.metadata_props.add(key=KEY, value=json.dumps(texts(one.check for one in checks)))
    return after, counts


def too_old(model: ModelProto) -> str:
    """Why asserts cannot be written with the model's operator set; empty if they can."""
    version = opsets_of(model.opset_import).get("", OLDEST)
    return (
        f"asserts need operator set {OLDEST}, but the model has {version}"
        if version < OLDEST
        else ""
    )


def refuse_reserved(model: ModelProto) -> None:
    """Refuse a model without asserts in which something is called as asserts are: it could
    not be told apart from them. Raises `GraphError`."""
    if any(entry.key == KEY for entry in model.metadata_props):
        return
    for graph in graphs_of(model.graph):
        named = (*graph.input, *graph.initializer, *graph.node)
        made = (name for node in graph.node for name in node.output)
        for name in (*(one.name for one in named), *made):
            if name.startswith((MARK, RAW)):
                raise GraphError(
                    f"`{name}` is called as asserts are, but the model's metadata has none: "
                    "rename it, or take lost asserts out with `remove` first"
                )


def _import_operators(model: ModelProto) -> None:
    """Let the model use the standard operators, as its functions do, and note that."""
    if "" not in opsets_of(model.opset_import):
        own = [opsets_of(function.opset_import).get("", 0) for function in model.functions]
        version = max([OLDEST, *own])
        model.opset_import.add(domain="", version=version)
        model.metadata_props.add(key=IMPORTED, value=str(version))


def _arriving(scope: Scope, passed: Mapping[str, list[tuple[int, str]]]) -> list[str]:
    """What the asserts before a subgraph gather."""
    if scope.outer is None:
        return []
    return [one for at, one in passed[scope.outer.path] if at <= scope.place][-1:]


class _Guard:
    """The work on one graph."""

    def __init__(
        self,
        scope: Scope,
        shared: Written,
        inferred: Inferred,
        passed: list[tuple[int, str]],
    ) -> None:
        self._scope = scope
        self._inferred = inferred
        version = opsets_of(inferred.source.opset_import).get("", OLDEST)
        self._writer = Writer(shared, self._reading, version)
        self._passed = passed
        self._uses: dict[str, list[NodeProto]] = {}
        for node in scope.graph.node:
            for name in () if is_ours(node) else dict.fromkeys(node.input):
                self._uses.setdefault(name, []).append(node)
        self.counts: dict[Check, int] = {}

    def _reading(self, symbol: Expr) -> Reading:
        found = self._scope.reading(symbol)
        assert found is not None, symbol
        return found

    def put(self, checks: Sequence[Placed]) -> None:
        """Write asserts, given in the order of their positions."""
        pieces: dict[int, list[NodeProto]] = {}
        late: dict[int, list[NodeProto]] = {}
        for position, group in groupby(checks, key=lambda one: one.position):
            start = len(self._writer.nodes)
            self._at(position, list(group), late)
            pieces[position] = self._writer.nodes[start:]
        moved = {id(node) for nodes in late.values() for node in nodes}
        for position in sorted({*pieces, *late}, reverse=True):
            own = [node for node in pieces.get(position, ()) if id(node) not in moved]
            for node in reversed([*own, *late.get(position, ())]):
                self._scope.graph.node.insert(position, node)
        self._let_a_result_wait()

    def _at(
        self, position: int, group: list[Placed], late: dict[int, list[NodeProto]]
    ) -> None:
        names = self._made_at(position, group)
        self._writer.names = {name: RAW + name for name in names}
        passed = self._passed[-1][1] if self._passed else ""
        for run in self._runs(group):
            passed = self._asserted(run, passed)
        self._passed.append((position, passed))
        waiting = set(names)
        if position:
            self._let_results_wait(position, names, passed)
        else:
            waiting = self._let_entry_wait(passed)
        for one in group:
            self._let_operation_wait(one, passed, waiting, late)

    def _made_at(self, position: int, group: list[Placed]) -> list[str]:
        """The values made right before a position that checks read there."""
        made = {
            reading.read.value
            for one in group
            for reading in readings(one)
            if position and reading.position == position
        }
        return sorted(made)

    def _runs(self, group: Sequence[Placed]) -> Iterator[list[Placed]]:
        """The checks in their order; bounds of one value's sizes that follow each other
        together."""
        for value, run in groupby(group, key=self._bounded):
            checks = list(run)
            yield from [checks] if value else ([one] for one in checks)

    def _bounded(self, one: Placed) -> str:
        """The value of which a check bounds one size; empty for other checks."""
        bound = bound_of(safe(one.check.condition))
        read = None if bound is None else self._reading(bound.symbol).read
        return read.value if read is not None and read.step == "size" else ""

    def _asserted(self, run: Sequence[Placed], before: str) -> str:
        """The asserts: 1 where all conditions hold, nothing otherwise. The first gathers what
        the assert before it has gathered, or an index made of it, and so comes after it."""
        writer, start = self._writer, len(self._writer.nodes)
        result = self._first_failure(run, before) if len(run) > 1 else ""
        last = writer.table([[1]]) if result and not before else writer.numbers(1)
        for left, one in zip(range(len(run), 0, -1), run, strict=True):
            if len(run) == 1:
                table, index = before or last, writer.failure(safe(one.check.condition))
            else:
                table, index = writer.numbers(*range(left)) if left > 1 else last, result
            result = writer.node("Gather", [table, index], "assert")
            writer.nodes[-1].name = _message(one, self._scope)
            self.counts[one.check] = len(writer.nodes) - start
            start = len(writer.nodes)
        return result

    def _first_failure(self, run: Sequence[Placed], before: str) -> str:
        """The number of the first bound that does not hold, once the asserts before hold; a
        vector if there are any."""
        name = self._bounded(run[0])
        found = self._scope.type_of(name)
        assert isinstance(found, Tensor)
        assert found.shape
        bounds = [bound_of(safe(one.check.condition)) for one in run]
        exact = [one for one in bounds if one is not None]
        number = self._writer.first_failure(name, len(found.shape), exact)
        return self._writer.node("Mul", [number, before]) if before else number

    # ------------------------------------------------------------------ waiting

    def _let_results_wait(self, position: int, names: Sequence[str], passed: str) -> None:
        maker = self._scope.graph.node[position - 1]
        for i, name in enumerate(maker.output):
            if name in names:
                maker.output[i] = RAW + name
                self._guarded(RAW + name, passed, self._users(name), name)

    def _let_entry_wait(self, passed: str) -> set[str]:
        scope = self._scope
        if scope.outer is None:
            names = self._waiting()
        else:
            names = [name for name in sorted(_taken(scope)) if self._has_axes(name)]
        renamed = {name: self._guarded(name, passed, self._users(name)) for name in names}
        _rename(scope.graph, renamed)
        if scope.outer is None:
            scope.graph.value_info.extend(_typed(scope.graph, renamed))
        return set(renamed.values())

    def _waiting(self) -> list[str]:
        """The inputs that wait for the asserts at the entry."""
        graph = self._scope.graph
        names = list(_guardable(graph, self._inferred))
        demanding = {one.node for one in self._inferred.requirements}
        results = {value.name for value in graph.output}
        return waiting_inputs(graph.node, names, self._writer.read, demanding, results)

    def _let_a_result_wait(self) -> None:
        """Let a result wait for the asserts, unless one does already by its elements."""
        graph, passed = self._scope.graph, self._passed[-1][1]
        results = [value.name for value in graph.output]
        if not elements_behind(graph.node, passed).isdisjoint(results):
            return
        makers = {name: i for i, node in enumerate(graph.node) for name in node.output}
        asserted = makers.get(passed, -1)
        fit = [name for name in results if self._can_wait(name, makers, asserted)]
        chosen = next((name for name in fit if self._has_axes(name)), next(iter(fit), None))
        if chosen is None:
            return
        maker = graph.node[makers[chosen]]
        maker.output[list(maker.output).index(chosen)] = RAW + chosen
        start = len(self._writer.nodes)
        self._writer.names = {chosen: RAW + chosen}
        self._guarded(RAW + chosen, passed, self._users(chosen), chosen)
        place = 1 + max(makers[chosen], asserted)
        for node in reversed(self._writer.nodes[start:]):
            graph.node.insert(place, node)

    def _can_wait(self, result: str, makers: Mapping[str, int], place: int) -> bool:
        """Whether a result can wait for what node `place` makes: it is made later, or nothing
        needs it before."""
        graph = self._scope.graph
        maker = makers.get(result)
        if maker is None or is_ours(graph.node[maker]) or not self._is_tensor(result):
            return False
        if maker > place:
            return True
        shown = any(one.read.value == result for one in self._scope.readings.values())
        return not shown and not any(result in used(node) for node in graph.node)

    def _has_axes(self, name: str) -> bool:
        found = self._scope.type_of(name)
        if name.startswith(MARK):
            return True
        return isinstance(found, Tensor) and bool(found.shape)

    def _let_operation_wait(
        self, one: Placed, passed: str, waiting: set[str], late: dict[int, list[NodeProto]]
    ) -> None:
        place = self._scope.makers.get(one.check.result)
        if place is None:
            return
        node = self._scope.graph.node[place]
        if self._scope.needs(node, waiting):
            return
        names = [name for name in node.input if name and self._is_tensor(name)]
        chosen = next((name for name in names if not self._scope.is_constant(name)), None)
        if chosen is None:
            chosen = next(iter(names), None)
        if chosen is None:
            return
        start = len(self._writer.nodes)
        guarded = self._guarded(chosen, passed, [node])
        late.setdefault(place, []).extend(self._writer.nodes[start:])
        node.input[list(node.input).index(chosen)] = guarded
        waiting.add(guarded)

    def _is_tensor(self, name: str) -> bool:
        return isinstance(self._scope.type_of(name), Tensor) or name.startswith(MARK)

    def _users(self, name: str) -> list[NodeProto]:
        """The nodes that still use a value."""
        return [node for node in self._uses.get(name, ()) if name in node.input]

    def _guarded(
        self, name: str, passed: str, users: Sequence[NodeProto], output: str = ""
    ) -> str:
        """A value in its own shape, once the asserts have held. A `Reshape` takes no time, but
        onnxruntime drops one that only another one uses, and the asserts with it. To expand
        something with axes by 1 keeps its shape."""
        writer = self._writer
        found = self._scope.type_of(name.removeprefix(RAW))
        dtype = found.dtype if isinstance(found, Tensor) else None
        has_axes = isinstance(found, Tensor) and bool(found.shape)
        reshaped = any(map(is_firm, users)) or dtype in _NEVER_EXPANDED
        target = passed
        if reshaped or not has_axes:
            target = writer.node("Mul", [writer.shape_of(name), passed])
        op = "Reshape" if reshaped else "Expand"
        result = writer.node(op, [name, target], f"guarded/{output or name}")
        if output:
            writer.nodes[-1].output[0] = output
            return output
        return result


def _message(one: Placed, scope: Scope) -> str:
    """The message of an assert, which is the name of its node."""
    check = one.check
    symbols = free_symbols(check.condition)
    found = [(s, scope.reading(s)) for s in symbols]
    where = ", ".join(f"{s.name} = {r.read.where}" for s, r in found if r is not None)
    layer = _layer(scope, check.result)
    text = f"{ASSERT_FAILED}{check.condition} ({where}), stated by {check.stated_by}"
    text = f"{text} of layer {layer}" if layer else text
    return f"{text}: {check.message}" if check.message else text


def _layer(scope: Scope, result: str) -> str:
    """The layer of a node as torch's exporter notes it: its submodule's path."""
    place = scope.makers.get(result)
    if place is None:
        return ""
    for entry in scope.graph.node[place].metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            parts = [part.strip(" '\"") for part in entry.value.strip("[]").split(",")]
            return parts[-2] if len(parts) > 1 else ""
    return ""


def _taken(scope: Scope) -> set[str]:
    """What a subgraph is given, and what it takes from around it, but for constants."""
    inputs = {value.name for value in scope.graph.input}
    names = {name for name in captured(scope.graph) | inputs if not name.startswith(RAW)}
    nodes = [node for node in scope.graph.node if not is_ours(node)]
    wanted = {name for node in nodes for name in _used_deep(node)}
    return {n for n in names & wanted if not scope.is_constant(n) and not _is_passed(n)}


def _used_deep(node: NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield from captured(attribute.g)


def _is_passed(name: str) -> bool:
    """Whether a value was written, and is not one that waits."""
    return name.startswith(MARK) and _GUARDED not in name


def _typed(graph: GraphProto, renamed: Mapping[str, str]) -> Iterator[ValueInfoProto]:
    """The types of guarded inputs, with the sizes that are numbers, so that onnxruntime
    optimizes the rest as before; without names, by which an optimizer could see that nothing
    is reshaped."""
    for value in graph.input:
        if value.name in renamed:
            typed = ValueInfoProto(name=renamed[value.name], type=value.type)
            for dim in typed.type.tensor_type.shape.dim:
                dim.ClearField("dim_param")
            yield typed


def _guardable(graph: GraphProto, inferred: Inferred) -> Iterator[str]:
    """The inputs that have axes."""
    constants = {t.name for t in graph.initializer}
    for value in graph.input:
        found = inferred.types.get(value.name)
        if value.name not in constants and isinstance(found, Tensor) and found.shape:
            yield value.name


def _rename(graph: GraphProto, names: Mapping[str, str]) -> None:
    """Let all nodes use other values, in subgraphs too unless they have their own."""
    for node in graph.node:
        if not is_ours(node):
            _rename_node(node, names)


def _rename_node(node: NodeProto, names: Mapping[str, str]) -> None:
    for i, name in enumerate(node.input):
        if name in names:
            node.input[i] = names[name]
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            inner = attribute.g
            own = {v.name for v in inner.input} | {t.name for t in inner.initializer}
            own |= {name for one in inner.node for name in one.output}
            _rename(inner, {a: b for a, b in names.items() if a not in own})


# ------------------------------------------------------------------------ out


def without_asserts(model: ModelProto) -> ModelProto:
    """The model without asserts: itself if it has none, otherwise a copy."""
    if not any(is_ours(node) for graph in graphs_of(model.graph) for node in graph.node):
        return model
    after = ModelProto()
    after.CopyFrom(model)
    graphs = list(graphs_of(after.graph))
    names = _original_names(graphs)
    for graph in graphs:
        _drop(graph.node, is_ours)
        for node in graph.node:
            _name_back(node.input, lambda name: names.get(name, name))
            _name_back(node.output, lambda name: name.removeprefix(RAW))
    _drop(after.graph.initializer, lambda tensor: tensor.name.startswith(MARK))
    _drop(after.graph.value_info, lambda value: value.name.startswith(MARK))
    if any(entry.key == IMPORTED for entry in after.metadata_props):
        _drop(after.opset_import, lambda one: one.domain == "")
    _drop(after.metadata_props, lambda entry: entry.key in (KEY, IMPORTED))
    return after


def _original_names(graphs: Sequence[GraphProto]) -> dict[str, str]:
    """What values that wait under another name are called in the original."""
    names = {
        node.output[0]: node.input[0]
        for graph in graphs
        for node in graph.node
        if node.op_type in _GUARDS and is_ours(node) and _GUARDED in node.output[0]
    }
    for name in names:
        while names[name] in names:
            names[name] = names[names[name]]
    return names


def _name_back(names: Any, original: Callable[[str], str]) -> None:
    for i, name in enumerate(names):
        if original(name) != name:
            names[i] = original(name)


def _drop(repeated: Any, gone: Callable[[Any], bool]) -> None:
    for i in reversed(range(len(repeated))):
        if gone(repeated[i]):
            del repeated[i]
