"""The built-in dialect: graphs of numpy functions with sizes as Python integers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from asserts.dialects.base import AssertInfo, Path
from asserts.errors import GraphError, RuntimeAssertionError
from asserts.graph import Graph, Node
from asserts.graph_module import GraphModule
from asserts.runtime import size
from shapes.expr import OPERATORS, Expr, Op

__all__ = ["NUMPY", "NumpyDialect", "assert_holds"]


def assert_holds(
    condition: Any,
    text: str,
    values: Mapping[str, Any],
    message: str | None = None,
    sources: Mapping[str, str] | None = None,
    location: str | None = None,
) -> None:
    """Raise `RuntimeAssertionError` unless the condition holds."""
    if not condition:
        raise RuntimeAssertionError(
            condition=text,
            values=dict(values),
            sources=dict(sources or {}),
            user_message=message,
            location=location,
        )


assert_holds.__shapeproof_impure__ = True  # type: ignore[attr-defined]


def _targets() -> dict[str, Callable[..., Any]]:
    """The Python meaning of every operator, by handler."""
    found: dict[str, Callable[..., Any]] = {}
    for op in OPERATORS.values():
        if op.python is not None:
            found.setdefault(op.handler, op.python)
    return found


class NumpyDialect:
    """The answers for graphs that `asserts.trace` makes."""

    name = "numpy"

    def __init__(self) -> None:
        self._targets = _targets()
        self._operators: dict[Any, Op] = {}
        for op in OPERATORS.values():
            if op.python is not None and op.build is not None:
                self._operators.setdefault(op.python, op)

    def is_assert(self, node: Node) -> bool:
        return node.op == "call_function" and node.target is assert_holds

    def condition_of(self, node: Node) -> Any:
        return node.args[0]

    def info_of(self, node: Node) -> AssertInfo:
        kwargs: Mapping[str, Any] = node.kwargs
        return AssertInfo(
            condition=str(node.args[1]),
            message=kwargs.get("message"),
            sources=dict(kwargs.get("sources") or {}),
            location=kwargs.get("location"),
        )

    def create_assert(
        self, graph: Graph, condition: Any, info: AssertInfo, values: Mapping[str, Any]
    ) -> Node:
        node = graph.call_function(
            assert_holds,
            (condition, info.condition, dict(values)),
            {
                "message": info.message,
                "sources": dict(info.sources),
                "location": info.location,
            },
        )
        node.meta["val"] = None
        return node

    def create_read(self, graph: Graph, node: Node, step: tuple[Any, ...]) -> Node:
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
        return (source, ("item", index)) if node.target is operator.getitem else None

    def target_of(self, op: Op) -> Callable[..., Any]:
        return self._targets[op.handler]

    def operator_of(self, node: Node) -> Op | None:
        if node.op != "call_function" or node.kwargs:
            return None
        try:
            return self._operators.get(node.target)
        except TypeError:  # a target that cannot be hashed is none of ours
            return None

    def bindings(self, node: Node) -> Mapping[Expr, Path]:
        found: Mapping[Expr, Path] = node.meta.get("bindings") or {}
        return found

    def value_of(self, node: Node) -> Expr | None:
        value = node.meta.get("val")
        return value if isinstance(value, Expr) else None

    def set_value(self, node: Node, value: Expr | None) -> None:
        node.meta["val"] = value

    def environment(self, graph_module: GraphModule) -> Any:
        return graph_module.shape_env


NUMPY: Final = NumpyDialect()
