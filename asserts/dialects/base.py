"""What every pass asks of a framework: the core questions.

A pass is written once over the graph protocol. Whatever differs between frameworks (which
node asserts what, how a size is read, how an operator is called) a `Dialect` answers. What
only some passes ask is an interface of its own (see `interfaces`), which a dialect has or
has not.

The types name our own graph's classes. Another framework's (`torch.fx`) have the same
protocol, and nothing here asks for more than that: ``node.op``, `target`, `args`, `kwargs`,
`meta`, `users`. A node with several results has each of them read by a step of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from asserts.dialects.interfaces import (
    Constraints,
    Effects,
    Folding,
    Interface,
    Memory,
    Tracepoints,
    Values,
)
from asserts.errors import GraphError
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from shapes.base import Location
from shapes.expr import Expr, Op

__all__ = ["AssertInfo", "Claim", "Conduct", "Dialect", "Path", "require"]

Path = tuple[tuple[Any, ...], ...]
"""How a symbol is read from a node's result: steps ``("size", dim)`` or ``("item", i)``; no
step where the result is the value itself."""


@dataclass(frozen=True)
class AssertInfo:
    """What an assert says when it fails: the condition in the user's names, the user's own
    message, where each symbol comes from, the line that states the check, and whether a
    person wrote it."""

    condition: str
    message: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    location: str | None = None
    by_user: bool = False

    @property
    def stated_by(self) -> str:
        """Who states the check, in words."""
        return "the program" if self.by_user else "the graph"


@dataclass(frozen=True)
class Claim:
    """What an assert demands. Without an expression, the `reason` says why it cannot be
    read."""

    expr: Expr | None
    reason: str = ""

    @classmethod
    def of(cls, argument: object, expr_of: Callable[[Any], Expr | None]) -> Claim:
        """What an argument (a node or a constant) computes, as a claim."""
        found = expr_of(argument)
        reason = "" if found is not None else f"what `{argument}` computes has no expression"
        return cls(found, reason)


class Conduct(Enum):
    """What a node does besides computing its result from its operands."""

    PURE = "nothing"
    MAY_RAISE = "it may raise, whatever the checks at entry say of sizes"
    EFFECT = "anything"


class Dialect(Protocol):
    """The answers of one framework. Derive from it: it has no interface then, unless the
    derived class says so."""

    name: str

    def accepts(self, program: object) -> bool:
        """Whether this is a graph module of the framework."""

    def modules(self, graph_module: GraphModule) -> Iterable[GraphModule]:
        """The module and the graph modules nested in it, parents before children."""

    def copy(self, graph_module: GraphModule) -> GraphModule:
        """An independent copy."""

    def lint(self, graph_module: GraphModule) -> None:
        """Raise `GraphError` unless the graph, and every nested one, is valid."""

    def sweep(self, graph: Graph) -> bool:
        """Erase what is not used and has no effect; whether anything went."""

    def is_node(self, argument: object) -> bool:
        """Whether an argument of a node is another node."""

    def is_assert(self, node: Node) -> bool:
        """Whether the node stops the program unless a condition holds."""

    def claim_of(
        self, node: Node, expr_of: Callable[[Any], Expr | None]
    ) -> Claim:
        """What an assert demands; `expr_of` reads the scalars that it is given."""

    def info_of(self, node: Node) -> AssertInfo:
        """What an assert says."""

    def create_assert(
        self, graph: Graph, condition: object, info: AssertInfo, values: Mapping[str, object]
    ) -> Node:
        """A new assert at the insertion point; `values` are shown by name when it fails."""

    def is_used(self, node: Node) -> bool:
        """Whether the result of an assert is used, so that the assert cannot go."""
        return bool(node.users)

    def erase_assert(self, node: Node) -> None:
        """Take an assert out whose result is not used."""
        node.graph.erase_node(node)

    def create_read(self, graph: Graph, node: Node, step: tuple[object, ...]) -> Node:
        """A new node that takes one step of a path."""

    def read_of(self, node: Node) -> tuple[Node, tuple[Any, ...]] | None:
        """The node and the step that a reading node takes, the inverse of `create_read`."""

    def create_call(
        self, graph: Graph, target: Callable[..., object], arguments: tuple[object, ...]
    ) -> Node:
        """A new node that calls a function, at the insertion point."""

    def create_operator(
        self, call: Callable[..., object], op: Op, arguments: Sequence[object]
    ) -> Any:
        """Compute an operator on scalars: ``call(target, *arguments)`` writes one node and
        returns it. Raises `GraphError` for an operator that the framework cannot compute."""

    def computation_of(
        self, node: Node
    ) -> tuple[Callable[..., Expr], Sequence[Any]] | None:
        """How to build the expression that a node computes from those of its arguments."""

    def as_written(self, claim: Expr) -> Expr:
        """The expression as it is read back after being written with `create_operator`."""
        return claim

    def passes_over(self, node: Node) -> bool:
        """Whether a check that could stand before the node may as well stand behind it: the
        node needs no check, and costs next to nothing."""
        return False

    def conduct_of(self, nodes: Iterable[Node]) -> Mapping[Node, Conduct]:
        """What is known of the nodes of a graph besides their results; of a node that is left
        out nothing is."""
        return {}

    def bindings(self, node: Node) -> Mapping[Expr, Path]:
        """The symbols that a node's result defines, with the way to read them."""

    def value_of(self, node: Node) -> Expr | None:
        """The scalar expression that the node's metadata states for its result."""

    def set_value(self, node: Node, value: Expr | None) -> None:
        """State the scalar expression of a new node, and complete its metadata."""

    def metadata_beside(self, node: Node, location: Location | None) -> Mapping[str, Any]:
        """Metadata that a new node takes over from the node that it stands behind, and from
        the line that asks for it."""

    def environment(self, graph_module: GraphModule) -> Any:
        """The `ShapeEnv` of a graph module, or None."""

    # -- interfaces, which single passes need ----------------------------------------------

    @property
    def memory(self) -> Memory | None:
        return None

    @property
    def effects(self) -> Effects | None:
        return None

    @property
    def values(self) -> Values | None:
        return None

    @property
    def folding(self) -> Folding | None:
        return None

    @property
    def constraints(self) -> Constraints | None:
        return None

    @property
    def tracepoints(self) -> Tracepoints | None:
        return None


def require(dialect: Dialect, needs: Iterable[Interface], who: str) -> None:
    """Raise `GraphError`, naming all three, if `who` needs an interface that the dialect does
    not have."""
    missing = [f"`{name}`" for name in needs if getattr(dialect, name) is None]
    if missing:
        raise GraphError(
            f"{who} needs {' and '.join(missing)} of a dialect, which the dialect "
            f"'{dialect.name}' does not have"
        )
