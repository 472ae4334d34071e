"""What graphs of numpy functions say: which nodes assert, read sizes, compute scalars, bind
symbols. Sizes are Python integers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from asserts.dialects.base import AssertInfo, Claim, Dialect, Path
from asserts.errors import GraphError
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.runtime import impure, raise_unless, size
from asserts.graph.values import ArrayValue
from shapes.base import Location
from shapes.expr import OPERATORS, Expr, Op

__all__ = ["NumpyGraphs", "assert_holds"]


@impure
def assert_holds(
    condition: object,
    text: str,
    values: Mapping[str, object],
    message: str | None = None,
    sources: Mapping[str, str] | None = None,
    location: str | None = None,
    by_user: bool = False,
) -> None:
    """Raise `RuntimeAssertionError` unless the condition holds. (`by_user` says to the passes
    that a person wrote it.)"""
    raise_unless(condition, text, values, message, sources, location)


def _targets() -> dict[str, Callable[..., Any]]:
    """The Python meaning of every operator, by handler."""
    found: dict[str, Callable[..., Any]] = {}
    for op in OPERATORS.values():
        if op.python is not None:
            found.setdefault(op.handler, op.python)
    return found


class NumpyGraphs(Dialect):
    """The core answers for graphs that `asserts.trace` makes."""

    name = "numpy"

    def __init__(self) -> None:
        self._targets = _targets()
        self._operators: dict[Any, Op] = {}
        for op in OPERATORS.values():
            if op.python is not None and op.build is not None:
                self._operators.setdefault(op.python, op)

    def accepts(self, program: object) -> bool:
        return isinstance(program, GraphModule)

    def modules(self, graph_module: GraphModule) -> Iterable[GraphModule]:
        return graph_module.modules()

    def copy(self, graph_module: GraphModule) -> GraphModule:
        return graph_module.copy()

    def lint(self, graph_module: GraphModule) -> None:
        for module in graph_module.modules():
            module.graph.lint()

    def sweep(self, graph: Graph) -> bool:
        return graph.eliminate_dead_code()

    def is_node(self, argument: object) -> bool:
        return isinstance(argument, Node)

    def is_assert(self, node: Node) -> bool:
        return node.op == "call_function" and node.target is assert_holds

    def claim_of(self, node: Node, expr_of: Callable[[Any], Expr | None]) -> Claim:
        return Claim.of(node.args[0], expr_of)

    def info_of(self, node: Node) -> AssertInfo:
        kwargs: Mapping[str, Any] = node.kwargs
        return AssertInfo(
            condition=str(node.args[1]),
            message=kwargs.get("message"),
            sources=dict(kwargs.get("sources") or {}),
            location=kwargs.get("location"),
            by_user=kwargs.get("by_user", kwargs.get("message") is not None),
        )

    def create_assert(
        self, graph: Graph, condition: object, info: AssertInfo, values: Mapping[str, object]
    ) -> Node:
        node = graph.call_function(
            assert_holds,
            (condition, info.condition, dict(values)),
            {
                "message": info.message,
                "sources": dict(info.sources),
                "location": info.location,
                **({"by_user": True} if info.by_user else {}),
            },
        )
        node.meta["val"] = None
        return node

    def create_read(self, graph: Graph, node: Node, step: tuple[object, ...]) -> Node:
        kind, index = step
        if kind == "size":
            return graph.call_function(size, (node, index))
        if kind == "item":
            return graph.call_function(operator.getitem, (node, index))
        raise GraphError(f"`{node.name}` cannot be read by {step!r}")

    def read_of(self, node: Node) -> tuple[Node, tuple[Any, ...]] | None:
        if node.op != "call_function" or len(node.args) != 2:
            return None
        source, index = node.args
        if not isinstance(source, Node) or not isinstance(index, int):
            return None
        if node.target is size:
            return source, ("size", index)
        # (A row of an array is computed, and may not be there.)
        of_array = isinstance(source.meta.get("val"), ArrayValue)
        is_item = node.target is operator.getitem and not of_array
        return (source, ("item", index)) if is_item else None

    def create_call(
        self, graph: Graph, target: Callable[..., object], arguments: tuple[object, ...]
    ) -> Node:
        return graph.call_function(target, arguments)

    def create_operator(
        self, call: Callable[..., object], op: Op, arguments: Sequence[object]
    ) -> Any:
        return call(self._targets[op.handler], *arguments)

    def computation_of(
        self, node: Node
    ) -> tuple[Callable[..., Expr], Sequence[Any]] | None:
        if node.op != "call_function" or node.kwargs:
            return None
        try:
            op = self._operators.get(node.target)
        except TypeError:  # a target that cannot be hashed is none of ours
            return None
        return None if op is None or op.build is None else (op.build, node.args)

    def bindings(self, node: Node) -> Mapping[Expr, Path]:
        found: Mapping[Expr, Path] = node.meta.get("bindings") or {}
        return found

    def value_of(self, node: Node) -> Expr | None:
        value = node.meta.get("val")
        return value if isinstance(value, Expr) else None

    def set_value(self, node: Node, value: Expr | None) -> None:
        node.meta["val"] = value

    def metadata_beside(self, node: Node, location: Location | None) -> Mapping[str, Any]:
        return {} if location is None else {"stack_trace": location.as_traceback()}

    def environment(self, graph_module: GraphModule) -> Any:
        return graph_module.shape_env
