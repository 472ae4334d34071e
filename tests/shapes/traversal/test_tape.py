"""The tape evaluates as `evaluate` does, definedness included."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shapes.errors import UndefinedError
from shapes.expr.nodes import Expr, symbol
from shapes.traversal.evaluate import Undefined, evaluate
from shapes.traversal.interpret import free_symbols
from shapes.traversal.tape import Tape
from tests.strategies import Tree, any_trees, small_values


def agree(exprs: list[Expr], values: dict[str, Any]) -> None:
    symbols = free_symbols(*exprs)
    found = list(Tape(symbols, exprs).values([values[s.name] for s in symbols]))
    for expr, value in zip(exprs, found):
        try:
            expected = evaluate(expr, values)
        except UndefinedError as error:
            assert isinstance(value, Undefined)
            assert value.reason == str(error)
        else:
            assert repr(value) == repr(expected), expr


@given(st.lists(any_trees(4), min_size=1, max_size=3), small_values())
def test_as_evaluated_one_by_one(trees: list[Tree], values: dict[str, Any]) -> None:
    agree([tree.built() for tree in trees], values)


def test_later_expressions_cost_nothing_until_asked_for() -> None:
    x = symbol("x")
    tape = Tape([x], [x >= 0, x // (x - 3) >= 1])
    truths = tape.values([3])
    assert next(truths) is True
    assert isinstance(next(truths), Undefined)
