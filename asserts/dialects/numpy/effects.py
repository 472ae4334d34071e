"""Asserts of numpy's graphs as functions from a token to a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asserts.dialects.interfaces import TokenPlace
from asserts.dialects.numpy.graph import assert_holds
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.runtime import functional_assert, make_token

__all__ = ["NumpyEffects"]


class NumpyEffects:
    """What `functionalize` asks of numpy's graphs."""

    def functional_target(self, node: Node) -> Callable[..., Any] | None:
        return _twin(node, assert_holds, functional_assert)

    def effectful_target(self, node: Node) -> Callable[..., Any] | None:
        return _twin(node, functional_assert, assert_holds)

    def make_functional(self, node: Node, token: Node) -> None:
        node.target = functional_assert
        node.kwargs = {**node.kwargs, "token": token}

    def make_effectful(self, node: Node) -> Any:
        kwargs = dict(node.kwargs)
        token = kwargs.pop("token", None)
        node.target, node.kwargs = assert_holds, kwargs
        return token

    def create_token(self, graph: Graph) -> Node:
        node = graph.call_function(make_token)
        self.state_token(node)
        return node

    def state_token(self, node: Node) -> None:
        node.meta["val"] = None

    def token_place(self, graph_module: GraphModule, result: object) -> TokenPlace:
        if type(result) is tuple:
            return TokenPlace("appended", "appended")
        return TokenPlace("paired", "paired")

    def token_returned(
        self, graph_module: GraphModule, place: TokenPlace, returned: bool
    ) -> None:
        """What stands around a graph says nothing of its results."""


def _twin(
    node: Node, target: Callable[..., object], twin: Callable[..., object]
) -> Callable[..., Any] | None:
    return twin if node.op == "call_function" and node.target is target else None
