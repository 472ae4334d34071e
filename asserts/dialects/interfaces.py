"""What only some passes ask of a dialect, one interface for each topic.

A dialect has an interface, as the attribute of its name (``dialect.memory.aliases_of(node)``),
or has not (None). A pass names those that it `needs`, and refuses a dialect without them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from shapes.expr import IntExpr
from shapes.facts import Fact

__all__ = [
    "TOKENS",
    "Alias",
    "Constraints",
    "Effects",
    "Folding",
    "Inference",
    "Interface",
    "Memory",
    "NoOp",
    "Slices",
    "TokenPlace",
    "Tracepoint",
    "Tracepoints",
    "Unconstrained",
    "Values",
    "having",
]

I = TypeVar("I")  # noqa: E741
Interface = Literal["memory", "effects", "values", "folding", "constraints", "tracepoints"]
"""The attributes of a dialect that are interfaces."""


def having(interface: I | None) -> I:
    """An interface that the dialect has, because the pass `needs` it."""
    assert interface is not None
    return interface


TokenAt: TypeAlias = Literal["appended", "first", "paired"]


@dataclass(frozen=True)
class TokenPlace:
    """Where a token is added to what a graph returns (`output`: at the end or the front of
    the tuple, or beside it), and where it is in what a caller gets (`result`)."""

    output: TokenAt
    result: TokenAt


TOKENS = "tokens"
"""The metadata of a graph module in which `functionalize` keeps where its tokens go."""


class Effects(Protocol):
    """Asserts as functions from a token to a token (`functionalize`)."""

    def functional_target(self, node: Node) -> Callable[..., Any] | None:
        """For a node that is called for its effect alone (an assert): the function that
        does the same as a function from a token to a token."""

    def effectful_target(self, node: Node) -> Callable[..., Any] | None:
        """The inverse of `functional_target`."""

    def make_functional(self, node: Node, token: Node) -> None:
        """Let the node take a token, and return one."""

    def make_effectful(self, node: Node) -> Any:
        """The inverse of `make_functional`; the token that the node took."""

    def create_token(self, graph: Graph) -> Node:
        """A new node that makes the first token."""

    def state_token(self, node: Node) -> None:
        """State that the node's value is a token."""

    def token_place(self, graph_module: GraphModule, result: object) -> TokenPlace:
        """Where the last token of a program goes that returns `result`."""

    def token_returned(
        self, graph_module: GraphModule, place: TokenPlace, returned: bool
    ) -> None:
        """Called when the program has begun, or ceased, to return its token."""


class Constraints(Protocol):
    """What a program itself states of its values, outside of its graph (`constraints`)."""

    def wanted_ranges(self, graph_module: GraphModule) -> Mapping[str, tuple[Any, Any]]:
        """Ranges that the program itself states of values that it reads when it runs, by the
        names of their symbols."""

    def entry_facts(self, graph_module: GraphModule) -> Iterable[Fact]:
        """What the program's callers are held to by checks outside of the graph."""


@dataclass(frozen=True)
class Tracepoint:
    """A marker: what goes into or comes out of the submodule at a path."""

    kind: Literal["inputs", "outputs"]
    path: str
    values: tuple[Any, ...]


class Tracepoints(Protocol):
    """Markers of the calls of submodules (`tracepoints`)."""

    def tracepoint_of(self, node: Node) -> Tracepoint | None:
        """The marker that a node is. Raises `GraphError` for a malformed one."""

    def argument_kind(self, node: Node) -> Literal["array", "symbol", "other"]:
        """What a node stands for: an array (tensor), a symbolic number, or neither."""


class Unconstrained:
    """The `Constraints` of programs that state nothing besides their environment."""

    def wanted_ranges(self, graph_module: GraphModule) -> Mapping[str, tuple[Any, Any]]:
        return {}

    def entry_facts(self, graph_module: GraphModule) -> Iterable[Fact]:
        return ()


class Inference(Protocol):
    """Recomputes what nodes of one graph module stand for, without changing anything."""

    why: str
    """Why the last value could not be said, if there is a reason to give."""

    def infer(self, node: Node) -> Any:
        """What the node's value is, from the stated values of its inputs; `NotImplemented`
        where that cannot be said. Raises `ShapeproofError` where the operation certainly
        fails on such inputs."""

    def same(self, a: object, b: object) -> bool:
        """Whether two values are the same for sure (equal sizes may be spelled in two
        ways)."""


class Values(Protocol):
    """What nodes stand for, as stated and as recomputed (`metadata`)."""

    def inference(self, graph_module: GraphModule) -> Inference:
        """How values are recomputed in that module."""

    def stated_value(self, node: Node) -> Any:
        """What the metadata states of the node's value (None: nothing)."""

    def state_value(self, node: Node, value: object) -> None:
        """State it."""

    def describe_value(self, value: object) -> str:
        """A value in a few characters."""


@dataclass(frozen=True)
class Alias:
    """A node's result shares memory with `source`: always, or (`certain` false) only
    sometimes. `item` is which part of a sequence of results does (None: all of them), `part`
    which item of a sequence `source` is meant (None: all of it)."""

    source: Node
    certain: bool = True
    item: Any = None
    part: Any = None


@dataclass(frozen=True)
class Slices:
    """A basic slice of an array: (start, stop, step) for its leading axes, with normal bounds
    (0 <= start, step >= 1; all chosen elements lie between the bounds, a multiple of the step
    from the start; there are none if the start is not below the stop), None for a whole axis.
    `keeps_axes`: axis i of the result is axis i of the array."""

    source: Node
    bounds: tuple[tuple[IntExpr, IntExpr, IntExpr] | None, ...]
    keeps_axes: bool


@dataclass(frozen=True)
class NoOp:
    """A node whose result equals its input `source` in value, shape and dtype. `copies`: it
    is a copy; `guards`: the same memory, but it cannot be written to."""

    source: Node
    why: str
    copies: bool = False
    guards: bool = False


class Memory(Protocol):
    """Which memory results share and write to, and what does nothing (`memory`)."""

    @property
    def names_outputs(self) -> bool:
        """Whether each value that is returned needs a node of its own."""

    def holds_memory(self, node: Node) -> bool:
        """Whether the result can be changed in place, or hold something that can be (false
        for numbers)."""

    def can_change(self, value: object) -> bool:
        """The same question for a constant."""

    def identity_of(self, graph_module: GraphModule, node: Node) -> Hashable | None:
        """What an input or a constant has in common with others in the same memory (None:
        nothing that is known)."""

    def span_of(self, node: Node) -> tuple[IntExpr, IntExpr] | None:
        """The part of its block of memory in which a result lies, from first to behind last
        byte; None where it is not known."""

    def aliases_of(self, node: Node) -> Sequence[Alias]:
        """The inputs whose memory the result of a call of a function may share."""

    def mutated_by(self, node: Node) -> Sequence[Node]:
        """The inputs that a call of a function writes to."""

    def slices_of(self, node: Node) -> Slices | None:
        """What a basic slice takes of its array; None for another node."""

    def no_op_of(self, node: Node) -> NoOp | None:
        """Whether the node does nothing, for every value of its input."""

    def buffer_of(self, node: Node) -> tuple[Any, ...] | None:
        """Shape and dtype of the new writable memory that a node's result owns; None if it
        doesn't, or if that is not known."""

    def can_write_into(self, node: Node) -> bool:
        """Whether the node can be made to write its result into a buffer, whatever else the
        buffer holds (one of its operands, too)."""

    def may_overwrite(self, operand: Node, buffer: Node) -> bool:
        """Whether a node may read an operand while it writes into the buffer that the
        operand lies in."""

    def write_into(self, node: Node, buffer: Node) -> None:
        """Tell it so."""


class Folding(Protocol):
    """What can be computed ahead of time, and how constants are kept (`constant_folding`)."""

    def constant_value(self, module: GraphModule, node: Node, state: bool) -> Any:
        """The value that a node has whatever the program is called with; `NotImplemented`
        for another node. With `state`, what the program keeps between calls and does not
        write to counts as well."""

    def is_foldable(self, node: Node) -> bool:
        """Whether the node computes the same from the same arguments every time, and does
        nothing else."""

    def evaluate(
        self, node: Node, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> Any:
        """The node's result; raises what the function raises."""

    def largest_size(self, node: Node, value: object, inputs: Sequence[object]) -> int | None:
        """A bound, in bytes, on the node's result, from what is stated of it and the values
        of its inputs; None if there is none."""

    def is_literal(self, value: object) -> bool:
        """Whether a value can stand among the arguments of a node as it is."""

    def is_storable(self, value: object) -> bool:
        """Whether a value can be an attribute of a module."""

    def store(self, module: GraphModule, name: str, value: object) -> str:
        """Make a copy of it an attribute, with a name like that one; the attribute's path."""

    def create_constant(self, module: GraphModule, path: str, before: Node) -> Node:
        """A new node that reads a stored value, somewhere before that node."""

    def unstore(self, module: GraphModule, path: str) -> None:
        """Take an attribute away."""

    def create_copy(self, graph: Graph, node: Node) -> Node:
        """A new node that copies an array."""
