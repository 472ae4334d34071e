"""What a pass must ask a framework.

A pass is written once over the graph protocol; everything that differs between frameworks
(which node asserts what, how a size is read, how an operator is called) is answered by a
`Dialect`. Adding a framework is adding one.

The types name our own graph's classes. Another framework's (`torch.fx`) have the same
protocol, and nothing here asks for more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from shapes.base import Location
from shapes.expr import BoolExpr, Expr, IntExpr, Op
from shapes.facts import Fact

__all__ = [
    "TOKENS",
    "Alias",
    "AssertInfo",
    "ConstraintDialect",
    "Dialect",
    "EffectDialect",
    "FoldingDialect",
    "Inference",
    "MemoryDialect",
    "NoOp",
    "Path",
    "Slices",
    "TokenPlace",
    "Tracepoint",
    "TracepointDialect",
    "ValueDialect",
]

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


class Dialect(Protocol):
    """The answers of one framework."""

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
        """Erase what nobody uses and has no effect; whether anything went."""

    def is_node(self, argument: object) -> bool:
        """Whether an argument of a node is another node."""

    def is_assert(self, node: Node) -> bool:
        """Whether the node stops the program unless a condition holds."""

    def claim_of(
        self, node: Node, expr_of: Callable[[Any], Expr | None]
    ) -> Expr | str:
        """What an assert demands, or why that cannot be said; `expr_of` reads arguments."""

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

    def create_call(
        self, graph: Graph, target: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Node:
        """A new node that calls a function, at the insertion point."""

    def create_operator(
        self, call: Callable[..., Any], op: Op, arguments: Sequence[Any]
    ) -> Any:
        """Compute an operator on scalars: ``call(target, *arguments)`` writes one node and
        returns it. Raises `GraphError` for an operator that the framework cannot compute."""

    def computation_of(
        self, node: Node
    ) -> tuple[Callable[..., Expr], Sequence[Any]] | None:
        """How to build the expression that a node computes from those of its arguments."""

    def as_written(self, claim: Expr) -> Expr:
        """The expression as it is read back after being written with `create_operator`."""

    def passes_over(self, node: Node) -> bool:
        """Whether a check that could stand before the node may as well stand behind it: the
        node needs no check, and costs next to nothing."""

    def is_pure(self, node: Node) -> bool:
        """Whether the node is known to have no effect: it only computes its result from its
        operands."""

    def stopping_among(self, nodes: Iterable[Node]) -> set[Node]:
        """Those of pure nodes that may raise, whatever the checks at entry say of sizes."""

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


# ---------------------------------------------------------------- what single passes ask


@dataclass(frozen=True)
class TokenPlace:
    """Where a token is added to what a graph returns (`output`: at the end or the front of
    the tuple, or beside it), and where it is in what a caller gets (`result`)."""

    output: Literal["appended", "first", "paired"]
    result: Literal["appended", "first", "paired"]


TOKENS = "tokens"
"""The metadata of a graph module in which `functionalize` keeps where its tokens go."""


class EffectDialect(Dialect, Protocol):
    """What `functionalize` asks besides."""

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

    def token_place(self, graph_module: GraphModule, result: Any) -> TokenPlace:
        """Where the last token of a program goes that returns `result`."""

    def token_returned(
        self, graph_module: GraphModule, place: TokenPlace, returned: bool
    ) -> None:
        """Told when the program has begun, or ceased, to return its token."""


class ConstraintDialect(Dialect, Protocol):
    """What `constraints` asks besides."""

    def wanted_ranges(self, graph_module: GraphModule) -> Mapping[str, tuple[Any, Any]]:
        """Ranges that the program itself states of values that it reads when it runs, by the
        names of their symbols."""

    def assumptions(self, graph_module: GraphModule) -> Iterable[BoolExpr]:
        """What the tracer took for granted and nobody checks."""

    def entry_facts(self, graph_module: GraphModule) -> Iterable[Fact]:
        """What the program's callers are held to by checks outside of the graph."""


@dataclass(frozen=True)
class Tracepoint:
    """A marker: what goes into or comes out of the submodule at a path."""

    kind: Literal["inputs", "outputs"]
    path: str
    values: tuple[Any, ...]


class TracepointDialect(Dialect, Protocol):
    """What `tracepoints` asks besides."""

    def tracepoint_of(self, node: Node) -> Tracepoint | None:
        """The marker that a node is. Raises `GraphError` for a malformed one."""

    def argument_kind(self, node: Node) -> Literal["array", "symbol", "other"]:
        """What a node stands for: an array (tensor), a symbolic number, or neither."""


class Inference(Protocol):
    """Recomputes what nodes of one graph module stand for, without changing anything."""

    why: str
    """Why the last value could not be said, if there is a reason to give."""

    def infer(self, node: Node) -> Any:
        """What the node's value is, from the stated values of its inputs; `NotImplemented`
        where that cannot be said. Raises `ShapeproofError` where the operation certainly
        fails on such inputs."""

    def same(self, a: Any, b: Any) -> bool:
        """Whether two values are the same for sure (equal sizes may be spelled in two
        ways)."""


class ValueDialect(Dialect, Protocol):
    """What `metadata` asks besides."""

    def inference(self, graph_module: GraphModule) -> Inference:
        """How values are recomputed in that module."""

    def stated_value(self, node: Node) -> Any:
        """What the metadata states of the node's value (None: nothing)."""

    def state_value(self, node: Node, value: Any) -> None:
        """State it."""

    def describe_value(self, value: Any) -> str:
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


class MemoryDialect(Dialect, Protocol):
    """What `aliasing` and the passes that respect it ask besides."""

    @property
    def names_outputs(self) -> bool:
        """Whether each value that is returned needs a node of its own."""

    def holds_memory(self, node: Node) -> bool:
        """Whether the result can be changed in place, or hold something that can be (false
        for numbers)."""

    def can_change(self, value: Any) -> bool:
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
        """Whether the node can be told to write its result into a buffer, whatever else the
        buffer holds (one of its operands, too)."""

    def may_overwrite(self, operand: Node, buffer: Node) -> bool:
        """Whether a node may read an operand while it writes into the buffer that the
        operand lies in."""

    def write_into(self, node: Node, buffer: Node) -> None:
        """Tell it so."""


class FoldingDialect(MemoryDialect, ValueDialect, Protocol):
    """What `constant_folding` asks besides."""

    def constant_value(self, module: GraphModule, node: Node, state: bool) -> Any:
        """The value that a node has whatever the program is called with; `NotImplemented`
        for another node. With `state`, what the program keeps between calls and does not
        write to counts as well."""

    def is_foldable(self, node: Node) -> bool:
        """Whether the node computes the same from the same arguments every time, and does
        nothing else."""

    def evaluate(
        self, node: Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """The node's result; raises what the function raises."""

    def largest_size(self, node: Node, value: Any, inputs: Sequence[Any]) -> int | None:
        """A bound, in bytes, on the node's result, from what is stated of it and the values
        of its inputs; None if there is none."""

    def is_literal(self, value: Any) -> bool:
        """Whether a value can stand among the arguments of a node as it is."""

    def is_storable(self, value: Any) -> bool:
        """Whether a value can be an attribute of a module."""

    def store(self, module: GraphModule, name: str, value: Any) -> str:
        """Make a copy of it an attribute, with a name like that one; the attribute's path."""

    def create_constant(self, module: GraphModule, path: str, before: Node) -> Node:
        """A new node that reads a stored value, somewhere before that node."""

    def unstore(self, module: GraphModule, path: str) -> None:
        """Take an attribute away."""

    def create_copy(self, graph: Graph, node: Node) -> Node:
        """A new node that copies an array."""
