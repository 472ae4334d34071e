"""Emission and lifting: conditions to nodes and back, with real values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asserts.conditions.emit import Emitter
from asserts.conditions.lift import Lifter, lift
from asserts.dialects.numpy import NUMPY
from asserts.errors import GraphError
from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from shapes import evaluate, parse, symbol
from shapes.expr.nodes import Expr
from shapes.traversal.totalize import made_total

CONDITIONS = [
    "a < b",
    "a + b == 2 * c",
    "a % 4 == 0",
    "a // 3 * 3 <= b",
    "Min(a, b, c) <= Max(a, 2) - 1",
    "Where(a < b, c, -c) >= 0",
    "a * b * b != c",
    "2**Max(a, 0) > b",
    "TruncDiv(a, 3) <= TruncMod(b, 5)",
    "abs(a - b) & 3 | c > 2",
    "(a << 2) ^ (b >> 1) != 7",
    "CeilToInt(a / 2) <= b",
    "RoundToInt(a * 0.5) == FloorToInt(b / 3)",
    "TruncToInt(a / 4) + c >= 0",
    "sqrt(a * 1.5) < 3.0",
    "a == 0 or b // a >= 1",
    "not (a < b and b < c)",
    "Eq(a < b, b < c)",
    "Implies(a > 0, c % a == 0)",
]


def _graph() -> tuple[Graph, Emitter]:
    graph = Graph()
    emitter = Emitter(graph, NUMPY)
    for name in ("a", "b", "c"):
        node = graph.placeholder(name)
        node.meta.update(bindings={symbol(name): ()}, val=symbol(name))
    for node in list(graph.nodes):
        emitter.arrive(node)
    return graph, emitter


def _emitted(expr: Expr) -> GraphModule:
    graph, emitter = _graph()
    graph.output(emitter.emit(expr))
    graph.lint()
    return GraphModule(None, graph)


@pytest.mark.parametrize("text", CONDITIONS)
def test_emitted_nodes_compute_the_condition(text: str) -> None:
    expr = parse(text)
    module = _emitted(made_total(expr, lambda _: None))

    for a in (-5, -1, 0, 2, 7):
        for b in (-2, 0, 3):
            for c in (-3, 1, 6):
                values = {"a": a, "b": b, "c": c}
                if "sqrt" in text and a < 0:
                    continue
                assert module(**values) == evaluate(expr, values), values


@pytest.mark.parametrize("text", CONDITIONS)
def test_lifting_is_the_inverse_of_emission(text: str) -> None:
    expr = made_total(parse(text), lambda _: None)
    module = _emitted(expr)

    output = module.graph.output_node()
    assert Lifter(module.graph, NUMPY).expr_of(output.args[0]) is expr


@given(st.lists(st.sampled_from(CONDITIONS), min_size=2, max_size=5))
def test_what_is_there_is_not_built_again(texts: list[str]) -> None:
    graph, emitter = _graph()
    first = [emitter.emit(made_total(parse(text), lambda _: None)) for text in texts]
    count = len(graph.nodes)

    again = [emitter.emit(made_total(parse(text), lambda _: None)) for text in texts]

    assert again == first
    assert len(graph.nodes) == count


def test_a_symbol_that_is_not_bound_is_named() -> None:
    _, emitter = _graph()
    with pytest.raises(GraphError, match="elsewhere"):
        emitter.emit(parse("elsewhere + 1"))


def test_an_assert_that_cannot_be_lifted_says_why() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    total = graph.call_function(np.sum, (x,))
    NUMPY.create_assert(graph, total, NUMPY.info_of(_assert_node()), {})
    graph.output(x)

    (lifted,) = lift(graph, NUMPY)

    assert lifted.claim is None
    assert "sum" in str(lifted.reason)


def _assert_node():  # type: ignore[no-untyped-def]
    from asserts.dialects.base import AssertInfo

    graph = Graph()
    return NUMPY.create_assert(graph, graph.placeholder("x"), AssertInfo("x"), {})
