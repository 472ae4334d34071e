"""The graphs of a model, and where in each of them a symbol can be read.

A position in a graph is a number of nodes: 0 is its entry, i + 1 is behind node i. A symbol
can be read behind the node that makes the first value which shows it: as the size of an axis,
as an element, or in the way that a rule asked for. In a subgraph, what can be read around it
before its node can be read at its entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from onnx import AttributeProto, GraphProto, NodeProto, TensorProto

from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.order import used
from asserts.dialects.onnx.infer.symbols import Read
from asserts.dialects.onnx.infer.walk import shown_name
from asserts.dialects.onnx.model.types import Tensor, Type
from shapes.expr import SYMBOL, Expr, IntExpr

__all__ = ["Reading", "Scope", "scopes_of"]

LABELS = {"then_branch": "then", "else_branch": "else"}
"""What paths call the graphs of an `If`; others are called as their attributes."""

INTEGERS = (TensorProto.INT64, TensorProto.INT32)


@dataclass(frozen=True)
class Reading:
    """How a symbol is read, from which position on, and the element type of the value, of
    which it may be the only element (`alone`)."""

    read: Read
    position: int
    dtype: int
    alone: bool = False


@dataclass
class Scope:
    """A graph of a model: the main one (its path is empty), or a subgraph of the node at
    `place` in the graph around it."""

    path: str
    graph: GraphProto
    types: Mapping[str, Type]
    outer: Scope | None = None
    place: int = 0
    once: bool = True
    """Whether values have one description each, however often the graph runs."""
    makers: dict[str, int] = field(default_factory=dict)
    """The nodes of the values that the graph makes."""
    readings: dict[str, Reading] = field(default_factory=dict)

    def reading(self, symbol: Expr) -> Reading | None:
        """How a symbol is read in this graph, as early as possible; None if it cannot be."""
        around = None if self.outer is None else self.outer.reading(symbol)
        if around is not None and self.outer is not None and around.position <= self.place:
            return replace(around, position=0)
        return self.readings.get(symbol.name)

    def type_of(self, name: str) -> Type | None:
        """The type of a value that can be used here."""
        found = self.types.get(self.path + name)
        return self.outer.type_of(name) if found is None and self.outer else found

    def position(self, name: str) -> int:
        """From where on a value can be used; 0 for those of inputs and of graphs around."""
        return self.makers.get(name, -1) + 1

    def is_constant(self, name: str) -> bool:
        """Whether a value is a constant of this graph or one around it."""
        if name in self.makers:
            return bool(self.graph.node[self.makers[name]].op_type == "Constant")
        if any(tensor.name == name for tensor in self.graph.initializer):
            return True
        return self.outer is not None and self.outer.is_constant(name)

    def needs(self, node: NodeProto, values: set[str]) -> bool:
        """Whether a node of this graph uses what is computed from one of some values."""
        left, seen = list(used(node)), set()
        while left:
            name = left.pop()
            if name in values:
                return True
            if name in self.makers and name not in seen:
                seen.add(name)
                left += used(self.graph.node[self.makers[name]])
        return False


def scopes_of(graph: GraphProto, inferred: Inferred) -> dict[str, Scope]:
    """The graphs of a model by their paths, outer ones first.

    Paths are made of nodes' names: of two graphs with the same path neither is there.
    """
    found: dict[str, Scope] = {}
    twice: set[str] = set()
    for scope in _nested(Scope("", graph, inferred.types), inferred):
        if scope.path in found:
            twice.add(scope.path)
        found[scope.path] = scope
    for scope in found.values():
        _add_asked(scope, inferred)
    return {
        path: scope
        for path, scope in found.items()
        if not any(path.startswith(other) for other in twice)
    }


def _nested(scope: Scope, inferred: Inferred) -> Iterator[Scope]:
    _fill(scope)
    yield scope
    for place, node in enumerate(scope.graph.node):
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                label = LABELS.get(attribute.name, attribute.name)
                path = f"{scope.path}{shown_name(node)}/{label}/"
                once = scope.once and node.op_type != "SequenceMap"
                inner = Scope(path, attribute.g, inferred.inner, scope, place, once)
                yield from _nested(inner, inferred)


def _fill(scope: Scope) -> None:
    for value in scope.graph.input:
        _show(scope, value.name, 0)
    for place, node in enumerate(scope.graph.node):
        for name in node.output:
            if name:
                scope.makers[name] = place
                _show(scope, name, place + 1)


def _show(scope: Scope, name: str, position: int) -> None:
    """Enter the symbols that a value shows."""
    found = scope.types.get(scope.path + name)
    if not isinstance(found, Tensor):
        return
    for axis, size in enumerate(found.shape or ()):
        _enter(scope, size, Reading(Read(scope.path, name, "size", axis), position, 0))
    if found.elements is not None and found.dtype in INTEGERS:
        for place, element in enumerate(found.elements.flat):
            read = Read(scope.path, name, "element", place)
            alone = found.elements.size == 1 and found.elements.ndim < 2
            _enter(scope, element, Reading(read, position, found.dtype, alone))


def _enter(scope: Scope, shown: object, reading: Reading) -> None:
    if isinstance(shown, IntExpr) and shown.op is SYMBOL:
        scope.readings.setdefault(shown.name, reading)


def _add_asked(scope: Scope, inferred: Inferred) -> None:
    """Enter the numbers that rules asked for. Those of a function's body are read where it is
    called, from what it is given."""
    for symbol, asked in inferred.symbols.reads.items():
        read: Read | None = asked
        while read is not None and read.scope in inferred.calls:
            call = inferred.calls[read.scope]
            name = call.inputs.get(read.value)
            read = Read(call.scope, name, read.step, read.index) if name else None
        if read is not None and read.scope == scope.path:
            found = scope.type_of(read.value)
            dtype = found.dtype if isinstance(found, Tensor) else 0
            reading = Reading(read, scope.position(read.value), dtype)
            shown = scope.readings.get(symbol)
            if shown is None or reading.position < shown.position:
                scope.readings[symbol] = reading
