"""Markers of submodule calls in numpy's graphs."""

from __future__ import annotations

from typing import Literal

from asserts.dialects.interfaces import Tracepoint
from asserts.errors import GraphError
from asserts.graph.graph import Node
from asserts.graph.runtime import tracepoint
from asserts.graph.values import ArrayValue
from shapes.expr import Expr

__all__ = ["NumpyTracepoints"]


class NumpyTracepoints:
    """What `tracepoints` asks of numpy's graphs."""

    def tracepoint_of(self, node: Node) -> Tracepoint | None:
        if node.op != "call_function" or node.target is not tracepoint:
            return None
        if len(node.args) < 2 or node.kwargs:
            raise GraphError(f"the tracepoint '{node.name}' needs a kind and a path")
        kind, path, *values = node.args
        if kind not in ("inputs", "outputs") or not isinstance(path, str):
            raise GraphError(
                f"the tracepoint '{node.name}' has the kind {kind!r} and the path {path!r}; "
                "the kind is 'inputs' or 'outputs', the path is text"
            )
        return Tracepoint("inputs" if kind == "inputs" else "outputs", path, tuple(values))

    def argument_kind(self, node: Node) -> Literal["array", "symbol", "other"]:
        value = node.meta.get("val")
        if isinstance(value, ArrayValue):
            return "array"
        return "symbol" if isinstance(value, Expr) else "other"

