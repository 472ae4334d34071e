"""Asserts are read with all that the graph computes for them, also what cancels."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.conditions.lift import lift
from asserts.dialects.numpy import NUMPY, assert_holds
from asserts.graph.module import GraphModule
from asserts.graph.runtime import size
from asserts.trace import trace
from shapes.expr.nodes import TRUE, symbol
from shapes.traversal.evaluate import evaluate

PARTIAL = {
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "lshift": operator.lshift,
    "rshift": operator.rshift,
    "truediv": operator.truediv,
}

SHAPES = {
    "cancelled": lambda make, q: (make(operator.sub, q, q), 0),
    "times zero": lambda make, q: (make(operator.mul, q, 0), 0),
    "compared with itself": lambda make, q: (q, q),
    "twice": lambda make, q: (make(operator.mul, make(operator.sub, q, q), 3), 0),
}


def hand_written(
    compute: Callable[..., Any], shape: Callable[..., Any], shift: int = 0
) -> GraphModule:
    """An assert ``f(n, d - shift) ... >= ...`` whose operands cancel."""
    module = trace(lambda x: x + 1, ("n", "d"))
    first = next(node for node in module.graph.nodes if node.op != "placeholder")
    x = next(iter(module.graph.nodes))
    with module.graph.inserting_before(first):

        def make(target: Any, *args: Any) -> Any:
            node = module.graph.call_function(target, args)
            node.meta["val"] = None
            return node

        n, d = make(size, x, 0), make(size, x, 1)
        q = make(compute, n, make(operator.sub, d, shift) if shift else d)
        left, right = shape(make, q)
        condition = make(operator.ge, left, right)
        make(assert_holds, condition, "it holds", {})
    module.graph.lint()
    return module


def outcome(run: Any, *inputs: Any) -> bool:
    try:
        run(*inputs)
    except (ArithmeticError, ValueError, asserts.RuntimeAssertionError):
        return False
    return True


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("compute", PARTIAL.values(), ids=PARTIAL)
@pytest.mark.parametrize("shift", [0, 1])
def test_what_cancels_must_still_have_a_value(
    compute: Callable[..., Any], shape: Callable[..., Any], shift: int
) -> None:
    module = hand_written(compute, shape, shift)
    (lifted,) = lift(module.graph, NUMPY)
    small = asserts.minimise(module).graph_module
    again = asserts.insert(module).graph_module
    n, d = symbol("n", "int"), symbol("d", "int")
    for sizes in product(range(4), repeat=2):
        x = np.zeros(sizes)
        accepted = outcome(module, x)
        if lifted.claim is not None:
            assert bool(evaluate(lifted.defined, {n: sizes[0], d: sizes[1]})) == accepted
        assert outcome(small, x) == accepted
        assert outcome(again, x) == accepted


def test_a_proof_that_the_nodes_have_a_value_lets_the_assert_go() -> None:
    module = hand_written(operator.floordiv, lambda make, q: (make(operator.sub, q, q), 0))
    divisor = next(n for n in module.graph.nodes if n.target is operator.floordiv)
    divisor.args = (divisor.args[0], 3)
    (lifted,) = lift(module.graph, NUMPY)
    assert lifted.defined is TRUE
    assert not list(lift(asserts.minimise(module).graph_module.graph, NUMPY))


def test_an_earlier_check_proves_it() -> None:
    def program(x: Any) -> Any:
        asserts.check(x.shape[1] >= 1, "columns")
        return x + 1

    module = asserts.insert(trace(program, ("n", "d"))).graph_module
    node = next(n for n in module.graph.nodes if n.target is assert_holds)
    d = next(n for n in module.graph.nodes if str(n.meta.get("val")) == "d")
    with module.graph.inserting_before(node.next):
        q = module.graph.call_function(operator.floordiv, (8, d))
        zero = module.graph.call_function(operator.sub, (q, q))
        condition = module.graph.call_function(operator.le, (0, zero))
        module.graph.call_function(assert_holds, (condition, "zero", {}))
    result = asserts.minimise(module)
    assert [row.outcome for row in result.report] == ["kept", "discharged"]
