"""Recorded inputs and outputs of submodules: collect the markers, then erase them.

Before (the markers return their values)::

    in_0 = tracepoint("inputs", "encoder", x)
    x_1 = in_0[0]
    y = np.tanh(x_1)
    out = tracepoint("outputs", "encoder", y)
    return out[0]

After::

    y = np.tanh(x)                      # meta["module_calls"]: encoder(x) -> y
    return y

A tracer that flattens a program into one graph brackets each call of a submodule with two
markers. This pass reads off what each call got and returned, and leaves the graph as if
there had been no markers. A submodule that is called again, or is known under further names,
gets one record for each call: ``encoder``, ``encoder@1``, ... The suffix is the one of the
innermost module in `meta["nn_module_stack"]` where there is one, else the next free number.
A marker whose innermost module is another than its path belongs to another name of the same
module, and is erased without a record.

A marker's own neighbours (reads of its results, say) are made within the wrapper that writes
the markers, so their module stacks have its entry on top, and it is popped; stacks are never
changed in place, because nodes share them.

Guarantees: nothing but markers and reads of their results is erased, and what a run computes
stays. Raises `GraphError` for markers that are not paired. Limits: the records name nodes,
so a later pass that renames or replaces nodes has to say so (`replaced` does it for this
one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from asserts.conditions.report import Report, Row
from asserts.dialects.interfaces import Tracepoint, having
from asserts.errors import GraphError
from asserts.graph.graph import Node, map_arg
from asserts.graph.module import GraphModule
from asserts.graph.node import CALLS
from asserts.passes.base import Pass, PassResult

__all__ = ["CollectTracepoints", "ConstantArgument", "ModuleCall", "NodeArgument",
           "module_calls"]  # fmt: skip

_META = "module_calls"
_STACK = "nn_module_stack"


@dataclass(frozen=True)
class NodeArgument:
    """A node by its name: an array, a symbolic number, or another value."""

    name: str
    kind: Literal["array", "symbol", "other"]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ConstantArgument:
    """A constant."""

    value: Any

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True)
class ModuleCall:
    """One call of a submodule. Inputs and outputs are `NodeArgument`s, `ConstantArgument`s,
    and tuples, lists and dicts of them, as they were passed."""

    name: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.name}({_shown(self.inputs)}) -> {_shown(self.outputs)}"


def module_calls(graph_module: GraphModule) -> dict[str, ModuleCall]:
    """The recorded calls in this graph, by name, in the order in which they start."""
    found: Mapping[str, Any] = graph_module.meta.get(_META) or {}
    return {
        name: ModuleCall(name, _decoded(call["inputs"]), _decoded(call["outputs"]))
        for name, call in found.items()
    }


@dataclass(frozen=True)
class CollectTracepoints(Pass):
    """Record what the markers say in each graph's ``meta["module_calls"]``, and erase them.

    `replaced(node, argument)` is called for every node that goes, with what stands for its
    result from then on (a node, a constant, or a structure of them).
    """

    name: ClassVar[str] = "collect tracepoints"
    needs = ("tracepoints",)
    replaced: Callable[[Node, Any], None] | None = None

    def run(self, graph_module: GraphModule) -> PassResult:
        rows: list[Row] = []
        modified = False
        tracepoints = having(self.dialect.tracepoints)
        for module in self.dialect.modules(graph_module):
            markers = [
                (node, marker)
                for node in module.graph.nodes
                if (marker := tracepoints.tracepoint_of(node)) is not None
            ]
            if not markers:
                continue
            collection = _Collection(self, markers)
            calls = collection.read()
            _pop_stacks(module.graph.nodes, dict(markers))
            _pop_stacks(reversed(module.graph.nodes), dict(markers), backward=True)
            collection.erase()
            known = module.meta.get(_META) or {}
            encoded = {call.name: _encoded_call(call) for call in calls}
            module.meta[_META] = {**known, **encoded}
            module.recompile()
            modified = True
            rows += [Row(str(call), "tracepoints", "removed", nodes=2) for call in calls]
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def ensures(self, graph_module: GraphModule) -> None:
        """A valid graph without markers."""
        super().ensures(graph_module)
        for module in self.dialect.modules(graph_module):
            for node in module.graph.nodes:
                if having(self.dialect.tracepoints).tracepoint_of(node) is not None:
                    raise GraphError(f"node '{node.name}' is still a tracepoint")


# --------------------------------------------------------------------------- module stacks


def _pop_stacks(
    nodes: Iterable[Node], markers: Mapping[Node, Tracepoint], backward: bool = False
) -> None:
    """Pop the stacks of the nodes right behind the outputs of a call (going backward: right
    before its inputs) as far as they are those of the marker."""
    opens, closes = ("inputs", "outputs") if backward else ("outputs", "inputs")
    stack: list[Any] | None = None
    for node in nodes:
        if node.op not in CALLS:
            continue
        own = list((node.meta.get(_STACK) or {}).items())
        marker = markers.get(node)
        if marker is not None:
            stack = own if marker.kind == opens else None
            assert marker.kind in (opens, closes)
        elif stack and own == stack:
            node.meta[_STACK] = dict(own[:-1])
        else:
            stack = None


# --------------------------------------------------------------------------- collecting


@dataclass
class _Open:
    """A call of which the outputs are still to come; without a name it is not recorded."""

    path: str
    name: str | None
    inputs: tuple[Any, ...]
    node: Node


class _Collection:
    """The markers of one graph."""

    def __init__(
        self, options: CollectTracepoints, markers: list[tuple[Node, Tracepoint]]
    ) -> None:
        self._dialect = options.dialect
        self._tracepoints = having(options.dialect.tracepoints)
        self._replaced = options.replaced
        self._markers = markers
        self._open: list[_Open] = []
        self._calls: dict[str, ModuleCall | None] = {}

        self._values: dict[Node, tuple[Any, ...]] = {}

    def read(self) -> list[ModuleCall]:
        """All calls; the graph stays as it is, so a graph that is refused does, too. What a
        marker returns is looked through, so no record names a node that goes."""
        for node, marker in self._markers:
            values = tuple(map(self._through, marker.values))
            self._values[node] = values
            recorded = tuple(map(self._spec, values))
            if marker.kind == "inputs":
                name = self._name(node, marker.path)
                self._open.append(_Open(marker.path, name, recorded, node))
            else:
                self._close(node, marker.path, recorded)
        if self._open:
            left = self._open[-1]
            raise GraphError(
                f"the tracepoint '{left.node.name}' has the inputs of '{left.path}', but "
                "there are no outputs for it"
            )
        return [call for call in self._calls.values() if call is not None]

    def _close(self, node: Node, path: str, outputs: tuple[object, ...]) -> None:
        opened = [i for i, one in enumerate(self._open) if one.path == path]
        if not opened or not self._same_call(node, opened[-1]):
            inside = f"inside of a call of '{self._open[-1].path}'" if self._open else "alone"
            raise GraphError(
                f"the tracepoint '{node.name}' with the outputs of '{path}' stands {inside}: "
                "its inputs are missing"
            )
        call = self._open.pop(opened[-1])
        if call.name is not None:
            self._calls[call.name] = ModuleCall(call.name, call.inputs, outputs)

    def _same_call(self, node: Node, index: int) -> bool:
        """Whether the calls that were opened behind that one are the same under other names
        of the submodule: their markers cross, for each name's are written on their own."""
        own = _innermost(node)
        inner = self._open[index + 1 :]
        return all(own is not None and _innermost(one.node) == own for one in inner)

    def _name(self, node: Node, path: str) -> str | None:
        """What the call is recorded as."""
        stack = node.meta.get(_STACK)
        if stack:
            key = next(reversed(stack))
            entry = stack[key]
            qualified = entry[0] if isinstance(entry, (tuple, list)) else entry
            if qualified != path:
                return None
            _, _, suffix = str(key).rpartition("@")
            if "@" in str(key):
                path = f"{path}@{suffix}"
        name, number = path, 0
        while name in self._calls:
            number += 1
            name = f"{path.partition('@')[0]}@{number}"
        self._calls[name] = None
        return name

    def _through(self, argument: object) -> Any:
        """The argument with results of earlier markers replaced by what they stand for."""
        return map_arg(argument, self._meant)

    def _meant(self, node: Node) -> Any:
        if node in self._values:
            return self._values[node]
        read = self._dialect.read_of(node)
        if read is None or read[1][0] != "item":
            return node
        whole = self._meant(read[0])
        return node if self._dialect.is_node(whole) else _item(whole, read[1][1], node)

    def _spec(self, value: Any) -> Any:
        if self._dialect.is_node(value):
            return NodeArgument(value.name, self._tracepoints.argument_kind(value))
        if isinstance(value, (tuple, list)):
            return type(value)(map(self._spec, value))
        if isinstance(value, dict):
            return {key: self._spec(inner) for key, inner in value.items()}
        return ConstantArgument(value)

    # ------------------------------------------------------------------ erasing

    def erase(self) -> None:
        """Take the markers out."""
        for node, _ in self._markers:
            self._substitute(node, self._values[node])

    def _substitute(self, node: Node, argument: object) -> None:
        """Let `argument` stand for the node everywhere, and take the node out."""
        for user in list(node.users):
            read = self._dialect.read_of(user)
            structured = isinstance(argument, (tuple, list, dict))
            if structured and read is not None and read[1][0] == "item":
                self._substitute(user, _item(argument, read[1][1], user))
                continue
            args, kwargs = map_arg(
                (user.args, dict(user.kwargs)),
                lambda leaf: argument if leaf is node else leaf,
            )
            user.args, user.kwargs = args, kwargs
        if self._replaced is not None:
            self._replaced(node, argument)
        node.graph.erase_node(node)


def _innermost(node: Node) -> Any:
    """The key of the innermost module that a node belongs to."""
    stack = node.meta.get(_STACK)
    return next(reversed(stack)) if stack else None


def _item(whole: Any, index: Any, node: Node) -> Any:
    try:
        return whole[index]
    except (IndexError, KeyError, TypeError):
        raise GraphError(
            f"node '{node.name}' reads item {index!r} of a tracepoint, which has none"
        ) from None


# --------------------------------------------------------------------------- plain data


def _encoded_call(call: ModuleCall) -> dict[str, Any]:
    return {"inputs": _encoded(call.inputs), "outputs": _encoded(call.outputs)}


def _encoded(spec: Any) -> Any:
    if isinstance(spec, NodeArgument):
        return {spec.kind: spec.name}
    if isinstance(spec, ConstantArgument):
        return {"constant": spec.value}
    if isinstance(spec, dict):
        return {"dict": {key: _encoded(inner) for key, inner in spec.items()}}
    return type(spec)(map(_encoded, spec))


def _decoded(data: Any) -> Any:
    if not isinstance(data, dict):
        return type(data)(map(_decoded, data))
    ((kind, content),) = data.items()
    if kind == "dict":
        return {key: _decoded(inner) for key, inner in content.items()}
    return ConstantArgument(content) if kind == "constant" else NodeArgument(content, kind)


def _shown(spec: object) -> str:
    if isinstance(spec, dict):
        return "{" + ", ".join(f"{key!r}: {_shown(v)}" for key, v in spec.items()) + "}"
    if isinstance(spec, (tuple, list)):
        inner = [f"({_shown(v)})" if isinstance(v, (tuple, list)) else _shown(v) for v in spec]
        return ", ".join(inner)
    return str(spec)
