"""Random graphs, with the values that they have for given inputs."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule

BINARY: list[Callable[..., Any]] = [operator.add, operator.sub, operator.mul, min, max]
UNARY: list[Callable[..., Any]] = [operator.neg, abs]


@dataclass
class Example:
    """A module, inputs for it, and what direct evaluation gives for them."""

    module: GraphModule
    inputs: list[int]
    expected: Any


@st.composite
def examples(draw: st.DrawFn, max_nodes: int = 12, nested: bool = True) -> Example:
    """A graph of integer arithmetic, tuples, constants and calls of nested modules."""
    graph = Graph()
    module = GraphModule(None, graph)
    inputs = draw(st.lists(st.integers(-5, 5), min_size=1, max_size=3))
    pairs: list[tuple[Node, Any]] = [
        (graph.placeholder(f"x{i}"), value) for i, value in enumerate(inputs)
    ]
    kinds = ["binary", "unary", "pack", "constant", *(["module"] if nested else [])]
    for _ in range(draw(st.integers(0, max_nodes))):
        kind = draw(st.sampled_from(kinds))
        pairs.append(_step(draw, kind, graph, module, pairs))
    chosen = draw(st.lists(st.sampled_from(range(len(pairs))), min_size=1, max_size=3))
    graph.output(tuple(pairs[i][0] for i in chosen))
    return Example(module, inputs, tuple(pairs[i][1] for i in chosen))


def _step(
    draw: st.DrawFn,
    kind: str,
    graph: Graph,
    module: GraphModule,
    pairs: list[tuple[Node, Any]],
) -> tuple[Node, Any]:
    a, a_value = draw(st.sampled_from(pairs))
    b, b_value = draw(st.sampled_from(pairs))
    if kind == "binary":
        function = draw(st.sampled_from(BINARY))
        return graph.call_function(function, (a, b)), function(a_value, b_value)
    if kind == "unary":
        function = draw(st.sampled_from(UNARY))
        return graph.call_function(function, (a,)), function(a_value)
    if kind == "pack":
        packed = graph.call_function(pack, ([a, {"k": (b, 2)}],), {"last": slice(a, None, b)})
        picked = graph.call_function(operator.getitem, (packed, 1))
        ends = slice(a_value, None, b_value)
        return picked, pack([a_value, {"k": (b_value, 2)}], last=ends)[1]
    if kind == "constant":
        value = draw(st.integers(-(2**70), 2**70))
        module.set_attr(f"constants.c{len(graph.nodes)}", value)
        return graph.get_attr(f"constants.c{len(graph.nodes)}"), value
    inner = draw(examples(max_nodes=3, nested=False))
    path = f"inner{len(graph.nodes)}"
    module.add_submodule(path, inner.module)
    called = graph.call_module(path, tuple(inner.inputs))
    return graph.call_function(operator.getitem, (called, 0)), inner.expected[0]


def pack(items: list[Any], *, last: slice) -> tuple[Any, int]:
    """A function with nested arguments whose second result depends on all of them."""
    inside = items[1]["k"]
    return items, items[0] + 3 * inside[0] - inside[1] + 7 * last.start - 11 * last.step


def check_users(graph: Graph) -> None:
    """`users` and inputs are each other's inverse, and positions are in order."""
    nodes = list(graph.nodes)
    for node in nodes:
        assert set(node.users) == {n for n in nodes if node in n.all_input_nodes}
    assert all(a < b and a.next is b and b.prev is a for a, b in pairwise(nodes))
    assert len(graph.nodes) == len(nodes)
    assert nodes[::-1] == list(reversed(graph.nodes))
