"""Evaluation is what Python computes, and says where there is nothing to compute."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings

from shapes.errors import UnboundSymbolError, UndefinedError
from shapes.expr.nodes import Expr, make, symbol
from shapes.traversal.evaluate import evaluate
from shapes.traversal.parsing import parse
from tests.oracle import Tree, Undefined, ours, same
from tests.strategies import any_trees, small_values

x, y = symbol("x"), symbol("y")
p, t = symbol("p", "bool"), symbol("t", "float")


@settings(max_examples=400)
@given(any_trees(5), small_values())
def test_it_agrees_with_python(tree: Tree, values: dict[str, Any]) -> None:
    meant = tree.known(values)
    if meant is not Undefined:
        assert same(ours(tree.built(), values), meant)


@pytest.mark.parametrize(
    ("e", "values", "reason"),
    [
        (x // y, {"x": 1, "y": 0}, "FloorDiv(1, 0) has no value"),
        (make("TruncMod", x, y), {"x": 1, "y": 0}, "TruncMod(1, 0) has no value"),
        (x**y, {"x": 2, "y": -1}, "Pow(2, -1) has no value: negative exponent"),
        (x << y, {"x": 2, "y": -1}, "Pow(2, -1) has no value"),
        (make("FloorToInt", t), {"t": math.inf}, "FloorToInt(inf) has no value"),
        (make("RoundToInt", t), {"t": math.nan}, "RoundToInt(nan) has no value"),
        (t / 0, {"t": 1.0}, "FloatTrueDiv(1.0, 0.0) has no value"),
        (t % (t - t), {"t": 1.0}, "FloatMod(1.0, 0.0) has no value"),
        (make("ToFloat", x), {"x": 10**400}, "has no value"),
        (x / y, {"x": 10**400, "y": 3}, "has no value"),
        (3 * (x // y) + 1, {"x": 1, "y": 0}, "FloorDiv(1, 0) has no value"),
        (make("Abs", x // y), {"x": 1, "y": 0}, "FloorDiv(1, 0) has no value"),
    ],
    ids=str,
)
def test_without_a_value_it_says_which_operation(
    e: Expr, values: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UndefinedError) as caught:
        evaluate(e, values)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y == 0 or x // y > 1", True),
        ("x // y > 1 or y == 0", True),
        ("y != 0 and x // y > 1", False),
        ("x // y > 1 and y != 0", False),
        ("Where(y == 0, 7, x // y)", 7),
        ("Where(y != 0, x // y, 7)", 7),
        ("Implies(y != 0, x % y == 0)", True),
    ],
)
def test_what_does_not_matter_need_not_have_a_value(text: str, value: Any) -> None:
    assert evaluate(parse(text), {"x": 4, "y": 0}) == value


@pytest.mark.parametrize("text", ["y == 1 or x // y > 1", "Where(x // y > 0, 1, 2)",
                                  "not x // y > 1", "Min(x // y, 3)"])  # fmt: skip
def test_what_matters_must(text: str) -> None:
    with pytest.raises(UndefinedError):
        evaluate(parse(text), {"x": 4, "y": 0})


def test_values_by_symbol_or_by_name() -> None:
    assert evaluate(x + y, {x: 1, "y": 2}) == 3
    with pytest.raises(UnboundSymbolError, match="symbol `y`"):
        evaluate(x + y, {"x": 1})


@pytest.mark.parametrize(
    ("e", "value"),
    [
        (make("sqrt", t), {-1.0: math.nan, 4.0: 2.0, math.inf: math.inf, -0.0: -0.0}),
        (make("log", t), {0.0: -math.inf, -1.0: math.nan, 1.0: 0.0}),
        (make("log2", t), {0.0: -math.inf, 8.0: 3.0, -math.inf: math.nan}),
        (make("exp", t), {1e9: math.inf, -1e9: 0.0, math.nan: math.nan}),
        (make("asin", t), {2.0: math.nan, -2.0: math.nan}),
        (make("sinh", t), {1e9: math.inf, -1e9: -math.inf}),
        (make("cosh", t), {1e9: math.inf, -1e9: math.inf}),
        (make("sin", t), {math.inf: math.nan}),
        (make("RoundDecimal", t, 1), {2.25: 2.2, 2.35: 2.4, math.inf: math.inf}),
        (make("RoundDecimal", t, -308), {1.7e308: math.inf, -1.7e308: -math.inf}),
        (make("FloatPow", t, -1.0), {0.0: math.inf}),
        (make("FloatPow", -t, -1.0), {0.0: -math.inf}),
        (make("FloatPow", t, 0.5), {-1.0: math.nan, 4.0: 2.0}),
        (make("FloatPow", 0.0, t), {-math.inf: math.inf, math.inf: 0.0}),
        (make("FloatPow", -10.0, t), {1001.0: -math.inf, 1000.0: math.inf}),
        (make("RoundToInt", t), {0.5: 0, 1.5: 2, -0.5: 0}),
        (make("TruncToInt", t), {-2.7: -2}),
        (make("Min", t, 1.0), {math.nan: math.nan, 0.5: 0.5}),
        (make("Min", 1.0, t), {math.nan: 1.0}),
    ],
    ids=str,
)
def test_the_functions_are_ieee(e: Expr, value: dict[float, Any]) -> None:
    for argument, expected in value.items():
        assert same(evaluate(e, {"t": argument}), expected), argument


def test_integers_are_mathematical() -> None:
    assert evaluate(x * x - 1, {"x": 2**64}) == 2**128 - 1
    assert evaluate(x / y, {"x": 10**30 + 1, "y": 10**15}) == (10**30 + 1) / 10**15
    assert evaluate(make("Where", p, x, y), {"p": True, "x": 2**70, "y": 0}) == 2**70
