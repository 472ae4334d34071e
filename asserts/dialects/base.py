"""What a pass must ask a framework.

A pass is written once over the graph protocol; everything that differs between frameworks
(which node asserts what, how a size is read, how an operator is called) is answered by a
`Dialect`. Adding a framework is adding one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from asserts.graph import Graph, Node
from asserts.graph_module import GraphModule
from shapes.expr import Expr, Op

__all__ = ["AssertInfo", "Dialect", "Path"]

Path = tuple[tuple[Any, ...], ...]
"""How a symbol is read from a node's result: steps ``("size", dim)`` or ``("item", i)``; no
step where the result is the value itself."""


@dataclass(frozen=True)
class AssertInfo:
    """What an assert says when it fails: the condition in the user's names, the user's own
    message, where each symbol comes from, and the line that states the check."""

    condition: str
    message: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    location: str | None = None


class Dialect(Protocol):
    """The answers of one framework."""

    name: str

    def is_assert(self, node: Node) -> bool:
        """Whether the node stops the program unless a condition holds."""

    def condition_of(self, node: Node) -> Any:
        """The argument of an assert that must be true: a node or a constant."""

    def info_of(self, node: Node) -> AssertInfo:
        """What an assert says."""

    def create_assert(
        self, graph: Graph, condition: Any, info: AssertInfo, values: Mapping[str, Any]
    ) -> Node:
        """A new assert at the insertion point; `values` are shown by name when it fails."""

    def create_read(self, graph: Graph, node: Node, step: tuple[Any, ...]) -> Node:
        """A new node that takes one step of a path."""

    def read_of(self, node: Node) -> tuple[Node, tuple[Any, ...]] | None:
        """The node and the step that a reading node takes, the inverse of `create_read`."""

    def target_of(self, op: Op) -> Callable[..., Any]:
        """The function that computes an operator on scalars."""

    def operator_of(self, node: Node) -> Op | None:
        """The operator that a node computes on scalars, the inverse of `target_of`."""

    def bindings(self, node: Node) -> Mapping[Expr, Path]:
        """The symbols that a node's result defines, with the way to read them."""

    def value_of(self, node: Node) -> Expr | None:
        """The scalar expression that the node's metadata states for its result."""

    def set_value(self, node: Node, value: Expr | None) -> None:
        """State the scalar expression of a new node, and complete its metadata."""

    def environment(self, graph_module: GraphModule) -> Any:
        """The `ShapeEnv` of a graph module, or None."""
