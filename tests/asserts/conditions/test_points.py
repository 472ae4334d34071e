"""One definition of a program point: passes agree on what stands before what.

Each graph reads a number ``u`` from its input and has an assert ``u >= 1`` somewhere; what is
in between decides whether the assert stands at the point where ``u`` becomes known.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.conditions.points import Points
from asserts.dialects.numpy import NUMPY, assert_holds
from asserts.errors import RuntimeAssertionError
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.runtime import item
from asserts.passes.constraints import AddConstraintAsserts
from shapes import ShapeEnv

Between = Callable[[Graph, Node], Any]


def divided(graph: Graph, u: Node) -> Any:
    """Raises for ``u == 0``: a check before it guards it."""
    return graph.call_function(operator.floordiv, (8, u))


def added(graph: Graph, u: Node) -> Any:
    return graph.call_function(operator.add, (8, u))


def constant(graph: Graph, u: Node) -> Any:
    return graph.get_attr("table")


def summed(graph: Graph, u: Node) -> Any:
    """A function of an array."""
    return graph.call_function(np.sum, (next(iter(graph.nodes)),))


def program(between: Between, has_assert: bool = True) -> GraphModule:
    env = ShapeEnv()
    u = env.unbacked("u")
    graph = Graph()
    x = graph.placeholder("x")
    read = graph.call_function(item, (x,))
    read.meta.update(bindings={u.expr: ()}, val=u.expr)
    other = between(graph, read)
    value = {divided: 8 // u, added: u + 8}.get(between)
    if value is not None:
        other.meta["val"] = value.expr
    if has_assert:
        holds = graph.call_function(operator.ge, (read, 1))
        holds.meta["val"] = (u >= 1).expr
        graph.call_function(assert_holds, (holds, "u >= 1", {"u": read}))
    graph.output((read, other))
    module = GraphModule({"table": np.arange(3)}, graph)
    module.shape_env = env
    return module


SAME_POINT = {divided: False, added: True, constant: True, summed: False}
CASES = pytest.mark.parametrize("between", SAME_POINT, ids=lambda f: f.__name__)


def inserted(module: GraphModule) -> asserts.PassResult:
    assert isinstance(module.shape_env, ShapeEnv)
    module.shape_env.check("u >= 1")
    return asserts.insert(module)


def constrained(module: GraphModule) -> asserts.PassResult:
    return AddConstraintAsserts(ranges={"u": (1, None)})(module)


@CASES
def test_a_point_is_where_nothing_can_happen_in_between(between: Between) -> None:
    module = program(between)
    points = Points(list(module.graph.nodes), NUMPY)
    (stands,) = points.of_asserts.values()
    u = next(s for s in points.binders if s.is_symbol)
    assert (stands == points.binders[u]) is SAME_POINT[between]


@CASES
@pytest.mark.parametrize("change", [inserted, constrained])
def test_an_assert_there_is_found_and_one_behind_is_not(between: Between, change: Any) -> None:
    done = change(program(between))
    assert done.modified is not SAME_POINT[between]
    again = change(done.graph_module)
    assert not again.modified


@CASES
@pytest.mark.parametrize("change", [inserted, constrained])
@pytest.mark.parametrize("has_assert", [False, True])
def test_a_check_guards_what_can_raise(between: Any, change: Any, has_assert: bool) -> None:
    run = change(program(between, has_assert)).graph_module
    assert run(np.array(2))[0] == 2
    with pytest.raises(RuntimeAssertionError, match="u >= 1"):
        run(np.array(0))
