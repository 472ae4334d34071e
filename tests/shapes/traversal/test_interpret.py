"""The one traversal, on our expressions and on sympy's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import sympy
from hypothesis import given

from shapes.domains import Congruence, CongruenceAnalysis, RangeAnalysis, ValueRanges
from shapes.errors import ExpressionTypeError, UnboundSymbolError
from shapes.expr.nodes import Expr, Op, make, symbol
from shapes.traversal.evaluate import Evaluation, Undefined
from shapes.traversal.interpret import fold_linear, free_symbols, interpret, symbols_of, walk
from shapes.traversal.sympy import to_sympy
from tests import oracle
from tests.oracle import Tree, assignments, reached
from tests.strategies import CONDITIONS, INTEGERS, KINDS, Soil, any_trees, trees

x, y, z = (symbol(n) for n in "xyz")
SOIL = Soil(doubles=(), floats=False, large=())
DOMAINS: dict[str, Sequence[Any]] = {
    "x": range(-3, 4), "y": range(1, 5), "z": (-6, -2, 2, 6), "p": (False, True),
    "q": (True,),
}  # fmt: skip
ASSIGNMENTS = list(assignments(DOMAINS))
RANGES = {n: ValueRanges(min(d), max(d)) for n, d in DOMAINS.items()}
CLASSES: dict[str, Any] = {
    "x": Congruence.anything(), "y": Congruence.anything(), "z": Congruence.of(4, 2),
    "p": None, "q": True,
}  # fmt: skip


@given(any_trees(4, SOIL))
def test_ranges_of_ours_and_of_sympys_include_what_is_reached(tree: Tree) -> None:
    expr = tree.built()
    taken = reached(tree, ASSIGNMENTS)
    for analysed in (expr, to_sympy(expr)):
        found = interpret(RangeAnalysis(), RANGES, analysed)
        assert all(value in found for value in taken), (found, taken)


@given(trees("int", 4, SOIL))
def test_congruences_of_ours_and_of_sympys_hold(tree: Tree) -> None:
    expr = tree.built()
    taken = reached(tree, ASSIGNMENTS)
    for analysed in (expr, to_sympy(expr)):
        found = interpret(CongruenceAnalysis(), CLASSES, analysed)
        assert all(found.admits(value) for value in taken), (found, taken)


@given(any_trees(4, SOIL))
def test_sympys_expressions_are_evaluated_by_the_same_loop(tree: Tree) -> None:
    exported = to_sympy(tree.built())
    for values in ASSIGNMENTS[::17]:
        meant = tree.known(values)
        if meant is not oracle.Undefined:
            found = interpret(Evaluation(), values, exported)
            assert not isinstance(found, Undefined)
            assert found == meant


class Counting:
    """Counts how often handlers are called."""

    def __init__(self) -> None:
        self.handled = 0

    def constant(self, value: object) -> int:
        return 0

    def symbol(self, sym: object) -> int:
        return 1

    def unknown(self, op: Op, values: Sequence[int]) -> int:
        self.handled += 1
        return 1 + max(values)


def test_what_is_shared_is_handled_once() -> None:
    e: Any = x
    for i in range(200):
        e = make("Max", make("BitXor", e, i + 1), e // 3)
    analysis = Counting()
    interpret(analysis, {}, e)
    assert analysis.handled < 2000  # 2**200 paths


def test_bindings_by_symbol_and_by_name() -> None:
    e = x * 2 + y
    by_symbol = interpret(Evaluation(), {x: 3, y: 4}, e)
    by_name = interpret(Evaluation(), {"x": 3, "y": 4}, e)
    assert by_symbol == by_name == 10
    assert interpret(Evaluation(), {x: 3, y: 4}, to_sympy(e)) == 10
    exported = {sympy.Symbol("x", integer=True): 3, "y": 4}
    assert interpret(Evaluation(), exported, to_sympy(e)) == 10


def test_a_symbol_without_a_value_is_an_error() -> None:
    with pytest.raises(UnboundSymbolError, match="`y`"):
        interpret(Evaluation(), {"x": 1}, x + y)
    with pytest.raises(UnboundSymbolError, match="`y`"):
        interpret(Evaluation(), {"x": 1}, to_sympy(x + y))


@pytest.mark.parametrize("value", [3, "x", None, object()])
def test_what_is_no_expression_is_refused(value: Any) -> None:
    with pytest.raises(ExpressionTypeError, match="neither an expression of ours"):
        interpret(Evaluation(), {}, value)


def test_a_memo_is_used_and_filled() -> None:
    memo: dict[Any, Any] = {}
    interpret(Evaluation(), {"x": 2}, x * x + 1, memo)
    assert memo[x] == 2
    memo[x * x] = 100
    assert interpret(Evaluation(), {"x": 2}, x * x + 1, {x * x: 100}) == 101


class Refining(Evaluation):
    """An analysis whose `refine` sees every node."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def refine(self, node: Any, value: Any) -> Any:
        self.seen.append(node)
        return value


def test_every_node_is_refined_once() -> None:
    analysis = Refining()
    e = make("Max", x + y, x * y)
    interpret(analysis, {"x": 1, "y": 2}, e)
    assert len(analysis.seen) == len(set(analysis.seen))
    assert {x, y, x + y, x * y, e} <= set(analysis.seen)


def test_walk_comes_to_operands_first() -> None:
    e = make("Max", x + 1, y // z)
    order = list(walk(e))
    assert order[-1] is e
    assert len(set(order)) == len(order)
    for place, node in enumerate(order):
        assert all(a in order[:place] for a in node.args)


def test_free_symbols_in_order_of_first_occurrence() -> None:
    p = symbol("p", "bool")
    assert free_symbols(make("Where", p, y, x), z + x) == [p, y, x, z]
    assert free_symbols(make("Add", 1, 2)) == []


@given(any_trees(4))
def test_free_symbols_are_those_that_are_written(tree: Tree) -> None:
    assert {s.name for s in free_symbols(tree.built())} <= {n for n, _ in tree.symbols()}


@given(any_trees())
def test_symbols_are_found_in_the_order_of_a_walk(tree: Tree) -> None:
    for node in walk(tree.built()):
        found = list(dict.fromkeys(_leaves(node)))
        assert list(symbols_of(node)) == free_symbols(node) == found
        assert list(symbols_of(node)) == found  # asked again


def _leaves(node: Expr) -> list[Expr]:
    """The symbols of an expression, each as often as it is reached, from the left."""
    if node.is_symbol:
        return [node]
    return [leaf for child in node.args for leaf in _leaves(child)]


def test_sums_fold_from_what_is_added() -> None:
    class Text:
        def constant(self, value: int) -> str:
            return str(value)

        def add(self, a: str, b: str) -> str:
            return f"({a}+{b})"

        def sub(self, a: str, b: str) -> str:
            return f"({a}-{b})"

        def mul(self, a: str, b: str) -> str:
            return f"{a}{b}"

        def neg(self, a: str) -> str:
            return f"-{a}"

    assert fold_linear(Text(), 0, [-1, 1], ["x", "y"]) == "(y-x)"
    assert fold_linear(Text(), 5, [-2], ["x"]) == "(5-2x)"
    assert fold_linear(Text(), -5, [-2], ["x"]) == "(-2x-5)"
    assert fold_linear(Text(), 1, [3, -1], ["x", "y"]) == "((3x-y)+1)"


def test_float_ranges_of_ours() -> None:
    t = symbol("t", "float")
    found = interpret(RangeAnalysis(), {"t": ValueRanges(0.0, 4.0)}, make("sqrt", t))
    assert found == ValueRanges(0.0, 2.0)
    assert math.isinf(interpret(RangeAnalysis(), {}, t).upper)


def test_kinds_of_symbols_are_complete() -> None:
    assert set(INTEGERS) | set(CONDITIONS) <= set(KINDS)
