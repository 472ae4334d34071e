"""Generated Python means what evaluation means."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings

from shapes.base.infinity import int_oo
from shapes.env.codegen.python import compile_conditions, compile_value
from shapes.expr.nodes import OPERATORS, as_expr, make, symbol
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import parse
from tests.oracle import Tree, Undefined, ours, same
from tests.strategies import EVERYTHING, KINDS, any_trees, small_values, trees

SYMBOLS = {n: symbol(n, kind) for n, kind in KINDS.items()}  # type: ignore[arg-type]
x, y = SYMBOLS["x"], SYMBOLS["y"]


def _names(*exprs: Any) -> dict[Any, str]:
    return {sym: f"s{i}" for i, sym in enumerate(free_symbols(*exprs))}


def _computed(expr: Any, values: dict[str, Any]) -> Any:
    names = _names(expr)
    function, _ = compile_value("value", expr, names)
    try:
        return function(*[values[sym.name] for sym in names])
    except (ArithmeticError, ValueError):
        return Undefined


@settings(max_examples=300)
@given(any_trees(4), small_values())
def test_a_value_is_what_evaluation_finds(tree: Tree, values: dict[str, Any]) -> None:
    expr = tree.built()
    found = _computed(expr, values)
    # It may compute an operand that does not matter; then it raises.
    if found is not Undefined:
        assert same(found, ours(expr, values)), str(expr)


@given(trees("int", 4), small_values())
def test_integers_raise_only_where_something_has_no_value(
    tree: Tree, values: dict[str, Any]
) -> None:
    if _computed(tree.built(), values) is Undefined:
        parts = [node.known(values) for node in tree.nodes()]
        assert Undefined in parts


@given(trees("bool", 3), trees("bool", 3), trees("bool", 2), small_values())
def test_conditions_hold_together(a: Tree, b: Tree, c: Tree, values: dict[str, Any]) -> None:
    conditions = [tree.built() for tree in (a, b, c)]
    names = _names(*conditions)
    function, source = compile_conditions("guard", conditions, names)
    assert source.startswith("def guard(")
    held = [ours(e, values) for e in conditions]
    try:
        found = function(*[values[sym.name] for sym in names])
    except (ArithmeticError, ValueError):
        return
    first_false = held.index(False) if False in held else None
    if first_false is not None:
        assert found is False
    elif Undefined not in held:
        assert found is True


@pytest.mark.parametrize("op", OPERATORS.values(), ids=str)
def test_every_operator_is_written(op: Any) -> None:
    expr = parse(op.example, SYMBOLS)
    values = {"x": 12, "y": 4, "p": True, "q": False, "t": 0.75, "s": 0.5}
    assert same(_computed(expr, values), ours(expr, values))


@pytest.mark.parametrize(
    "value",
    [0, -1, 10**30, -(1 << 20_000), 0.0, -0.0, 1e22, math.inf, -math.inf, math.nan, True],
    ids=lambda value: repr(value) if abs(value) < 1e99 or value != value else "large",
)
def test_constants_are_written(value: Any) -> None:
    assert same(_computed(as_expr(value), {}), value)


def test_infinity_is_no_value_of_python() -> None:
    with pytest.raises(ValueError, match="int_oo"):
        compile_value("value", as_expr(int_oo), {})


def test_a_symbol_needs_a_name() -> None:
    with pytest.raises(KeyError):
        compile_value("value", x + y, {x: "a"})


def test_depth_is_no_matter() -> None:
    """Python's own parser stops at 200 nested parentheses."""
    e: Any = x
    for i in range(5000):
        e = make("BitXor", make("Max", e // 3 + y, 5), i)
    assert same(_computed(e, {"x": 1000, "y": 7}), ours(e, {"x": 1000, "y": 7}))
    total: Any = sum((symbol(f"n{i}") for i in range(1, 3000)), symbol("n0"))
    assert _computed(total, {f"n{i}": i for i in range(3000)}) == sum(range(3000))
    product: Any = symbol("n0")
    for i in range(1, 400):
        product = product * symbol(f"n{i}")
    assert _computed(product, {f"n{i}": 1 + i % 2 for i in range(400)}) == 2**200
    every = [symbol(f"n{i}") <= i for i in range(3000)]
    assert _computed(make("And", *every[:64]), {f"n{i}": i for i in range(64)}) is True


def test_what_is_shared_is_computed_once() -> None:
    e: Any = x
    for i in range(100):
        e = make("BitXor", e * 3 // 2, e // 5 + i)
    _, source = compile_value("value", e, {x: "x"})
    assert len(source) < 20_000  # written as a tree it has 2**100 leaves
    assert same(_computed(e, {"x": 12345}), ours(e, {"x": 12345}))


def test_what_fails_first_is_all_that_is_computed() -> None:
    conditions = [y >= 1, x // y >= 2]
    function, _ = compile_conditions("guard", conditions, {x: "x", y: "y"})
    assert function(4, 0) is False
    assert function(4, 2) is True
    assert compile_conditions("guard", [], {})[0]() is True


def test_strategies_cover_floats() -> None:
    assert EVERYTHING.floats
