"""Asserts put into the graphs of a model, and taken out again.

An assert is a condition, and a `Gather` from a table of one element: element 0 if the
condition holds, element 1, which there is not, otherwise. onnxruntime stops there and shows
the node's name, which is the message.

What must come later waits: it is given a `Reshape` of a value to its own shape plus what the
asserts gather (0), which copies nothing; an `Expand` where an optimizer would take the two
for steps between shapes, of which only the last counts. None can take the asserts out without
changing what is computed. An assert waits in this way for those that stand before it, so that
the first condition that does not hold is the one that is reported.

- At the entry of the model all inputs wait that must (`waiting`); at the entry of a subgraph,
  what it takes from around it and is given.
- Behind a node its value waits, under its own name; the node makes it under another one.
- An operation whose requirement is asserted waits by an input of its own, if nothing that it
  uses waits already.
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
from asserts.dialects.onnx.checks.waiting import is_firm, waiting_inputs
from asserts.dialects.onnx.checks.writing import (
    MARK,
    OLDEST,
    RAW,
    Writer,
    Written,
    graphs_of,
    is_ours,
    safe,
)
from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.order import captured
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
    zeros: dict[str, list[tuple[int, str]]] = {}
    for scope in scopes_of(after.graph, inferred).values():
        here = [one for one in checks if one.scope and one.scope.path == scope.path]
        zeros[scope.path] = [(0, zero) for zero in _arriving(scope, zeros)]
        if here:
            guard = _Guard(scope, shared, inferred, zeros[scope.path])
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


def _arriving(scope: Scope, zeros: Mapping[str, list[tuple[int, str]]]) -> list[str]:
    """What the asserts before a subgraph gather."""
    if scope.outer is None:
        return []
    return [zero for at, zero in zeros[scope.outer.path] if at <= scope.place][-1:]


class _Guard:
    """The work on one graph."""

    def __init__(
        self,
        scope: Scope,
        shared: Written,
        inferred: Inferred,
        zeros: list[tuple[int, str]],
    ) -> None:
        self._scope = scope
        self._inferred = inferred
        version = opsets_of(inferred.source.opset_import).get("", OLDEST)
        self._writer = Writer(shared, self._reading, version)
        self._zeros = zeros
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

    def _at(
        self, position: int, group: list[Placed], late: dict[int, list[NodeProto]]
    ) -> None:
        names = self._made_at(position, group)
        self._writer.names = {name: RAW + name for name in names}
        zero = self._zeros[-1][1] if self._zeros else ""
        for one in group:
            before = len(self._writer.nodes)
            zero = self._asserted(one, zero)
            self.counts[one.check] = len(self._writer.nodes) - before
        self._zeros.append((position, zero))
        waiting = set(names)
        if position:
            self._let_results_wait(position, names, zero)
        else:
            waiting = self._let_entry_wait(zero)
        for one in group:
            self._let_operation_wait(one, zero, waiting, late)

    def _made_at(self, position: int, group: list[Placed]) -> list[str]:
        """The values made right before a position that checks read there."""
        made = {
            reading.read.value
            for one in group
            for reading in readings(one)
            if position and reading.position == position
        }
        return sorted(made)

    def _asserted(self, one: Placed, before: str) -> str:
        """The assert: 0 where the condition holds, nothing otherwise. It gathers what the
        assert before it has gathered, and so comes after it."""
        writer = self._writer
        index = writer.failure(safe(one.check.condition))
        result = writer.node("Gather", [before or writer.numbers(0), index], "assert")
        writer.nodes[-1].name = _message(one, self._scope)
        return result

    # ------------------------------------------------------------------ waiting

    def _let_results_wait(self, position: int, names: Sequence[str], zero: str) -> None:
        maker = self._scope.graph.node[position - 1]
        for i, name in enumerate(maker.output):
            if name in names:
                maker.output[i] = RAW + name
                self._guarded(RAW + name, zero, self._users(name), name)

    def _let_entry_wait(self, zero: str) -> set[str]:
        scope = self._scope
        if scope.outer is None:
            names = self._waiting()
        else:
            names = [name for name in sorted(_taken(scope)) if self._has_axes(name)]
        shapes = {name: self._writer.shape_of(name) for name in names}
        renamed = {
            name: self._guarded(name, zero, self._users(name), shape=shapes[name])
            for name in names
        }
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

    def _has_axes(self, name: str) -> bool:
        found = self._scope.type_of(name)
        if name.startswith(MARK):
            return True
        return isinstance(found, Tensor) and bool(found.shape)

    def _let_operation_wait(
        self, one: Placed, zero: str, waiting: set[str], late: dict[int, list[NodeProto]]
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
        guarded = self._guarded(chosen, zero, [node])
        late.setdefault(place, []).extend(self._writer.nodes[start:])
        node.input[list(node.input).index(chosen)] = guarded
        waiting.add(guarded)

    def _is_tensor(self, name: str) -> bool:
        return isinstance(self._scope.type_of(name), Tensor) or name.startswith(MARK)

    def _users(self, name: str) -> list[NodeProto]:
        """The nodes that still use a value."""
        return [node for node in self._uses.get(name, ()) if name in node.input]

    def _guarded(
        self,
        name: str,
        zero: str,
        users: Sequence[NodeProto],
        output: str = "",
        shape: str = "",
    ) -> str:
        """A value in its own shape (written already, or not), once the asserts have held. A
        `Reshape` takes no time, but onnxruntime drops one that only another one uses, and the
        asserts with it."""
        writer = self._writer
        target = writer.node("Add", [shape or writer.node("Shape", [name]), zero])
        found = self._scope.type_of(name.removeprefix(RAW))
        dtype = found.dtype if isinstance(found, Tensor) else None
        op = "Reshape" if any(map(is_firm, users)) or dtype in _NEVER_EXPANDED else "Expand"
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
    return {n for n in names & wanted if not scope.is_constant(n) and not _is_zero(n)}


def _used_deep(node: NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield from captured(attribute.g)


def _is_zero(name: str) -> bool:
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
