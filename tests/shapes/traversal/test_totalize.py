"""Partial operators made total: the same value wherever there was one, a value everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from shapes.expr.nodes import BoolExpr, make, symbol
from shapes.facts.store import Facts
from shapes.prove.ladder import decide
from shapes.traversal.interpret import walk
from shapes.traversal.parsing import parse
from shapes.traversal.totalize import made_total
from tests.oracle import Tree, Undefined, ours, same
from tests.strategies import any_trees, small_values

x, y = symbol("x"), symbol("y")


def nothing(condition: BoolExpr) -> bool | None:
    return None


@settings(max_examples=400)
@given(any_trees(5), small_values())
def test_it_has_a_value_everywhere_and_the_same_where_there_was_one(
    tree: Tree, values: dict[str, Any]
) -> None:
    expr = tree.built()
    total = made_total(expr, nothing)
    value = ours(total, values)
    assert value is not Undefined
    before = ours(expr, values)
    if before is not Undefined:
        assert same(value, before)


@given(any_trees(4))
def test_it_computes_all_of_it_without_an_error(tree: Tree) -> None:
    """Not only the result: a graph computes every node."""
    total = made_total(tree.built(), nothing)
    values = {"x": 0, "y": -1, "z": 0, "p": False, "q": True, "t": float("nan"), "s": 0.0}
    for node in walk(total):
        assert ours(node, values) is not Undefined, str(node)


def test_what_is_known_stays() -> None:
    facts = Facts().given(y >= 1)
    e = x // y + x % 3
    assert made_total(e, lambda c: decide(facts, c)) is e
    assert made_total(e, nothing) is not e


@pytest.mark.parametrize("text", ["x + y", "Min(x, 3) // 2", "x ** 2 % 8"])
def test_what_is_total_stays(text: str) -> None:
    e = parse(text)
    assert made_total(e, nothing) is e


def test_a_shift_by_an_unknown_is_safe() -> None:
    total = made_total(make("LShift", x, y), nothing)
    assert ours(total, {"x": 3, "y": -2}) == 3
    assert ours(total, {"x": 3, "y": 2}) == 12
