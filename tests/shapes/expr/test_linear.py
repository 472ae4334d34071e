"""Products and relations in normal form, against enumeration."""

from __future__ import annotations

import itertools
from math import gcd
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes.base.infinity import int_oo
from shapes.errors import ExpressionTypeError
from shapes.expr.linear import (
    content,
    direction,
    eq_zero,
    le_zero,
    multiply,
    ne_zero,
    negated_relation,
    power,
    scale,
    shift,
)
from shapes.expr.nodes import FALSE, LE_ZERO, TRUE, IntExpr, as_expr, constant, make, symbol
from shapes.traversal.evaluate import evaluate
from tests.oracle import Tree
from tests.strategies import INTEGRAL, small_values, trees

x, y, z = (symbol(n) for n in "xyz")
GRID = [dict(zip("xyz", point)) for point in itertools.product(range(-3, 4), repeat=3)]
LINEAR = st.tuples(*[st.integers(-6, 6)] * 4)


def combination(c: tuple[int, int, int, int]) -> Any:
    return c[0] * x + c[1] * y + c[2] * z + c[3]


def truths(relation: Any) -> list[bool]:
    return [evaluate(relation, values) for values in GRID]


@given(LINEAR)
def test_relations_hold_where_the_combination_is_so(c: tuple[int, int, int, int]) -> None:
    e = combination(c)
    values = [evaluate(e, v) for v in GRID]
    assert truths(le_zero(e)) == [v <= 0 for v in values]
    assert truths(eq_zero(e)) == [v == 0 for v in values]
    assert truths(ne_zero(e)) == [v != 0 for v in values]


@given(LINEAR, st.integers(1, 5), st.integers(0, 4))
def test_multiples_of_a_relation_are_the_same_object(
    c: tuple[int, int, int, int], factor: int, slack: int
) -> None:
    e = combination(c)
    assert le_zero(scale(factor, e)) is le_zero(e)
    assert eq_zero(scale(-factor, e)) is eq_zero(e)
    assert ne_zero(scale(-factor, e)) is ne_zero(e)
    # factor*e <= slack has the same integer solutions while slack < factor.
    assert le_zero(shift(scale(factor, e), -min(slack, factor - 1))) is le_zero(e)


@given(LINEAR)
def test_a_relation_is_primitive_and_tightened(c: tuple[int, int, int, int]) -> None:
    for relation in (le_zero(combination(c)), eq_zero(combination(c))):
        if relation.is_constant:
            continue
        e: Any = relation.args[0]
        assert gcd(*e.terms().values()) == 1


@given(LINEAR)
def test_the_complement_is_a_relation_and_an_involution(c: tuple[int, int, int, int]) -> None:
    for relation in (
        le_zero(combination(c)),
        eq_zero(combination(c)),
        ne_zero(combination(c)),
    ):
        complement = negated_relation(relation)
        if relation.is_constant:
            assert complement is None
            continue
        assert complement is not None
        assert truths(complement) == [not held for held in truths(relation)]
        assert negated_relation(complement) is relation


def test_one_fact_has_one_spelling() -> None:
    assert (x < y) is (y > x) is (2 * y - 2 * x >= 1) is make("Not", x >= y)
    assert (4 * x - 2 * y <= 3) is (2 * x - y <= 1)
    assert make("Eq", 3 * x, 6 * y) is make("Eq", 2 * y, x)
    assert make("Eq", 2 * x, 2 * y + 1) is FALSE
    assert make("Ne", 2 * x, 2 * y + 1) is TRUE
    assert make("Eq", x, x) is TRUE
    assert (x < x) is FALSE
    assert (x <= x + 1) is TRUE


def test_unbounded_ends_decide() -> None:
    assert (x <= as_expr(int_oo)) is TRUE
    assert (x < as_expr(-int_oo)) is FALSE
    assert make("Eq", x, as_expr(int_oo)) is FALSE
    assert make("Ne", x, as_expr(-int_oo)) is TRUE


@given(LINEAR)
def test_direction_and_content_take_apart_what_they_put_together(
    c: tuple[int, int, int, int],
) -> None:
    e = combination(c)
    f, d = direction(e)
    assert isinstance(d, IntExpr)
    if e.terms():
        assert f * d + e.constant is e
        assert d.constant == 0
        assert direction(-e)[1] is d
        assert direction(3 * e + 5)[1] is d
        assert gcd(*d.terms().values()) == 1
    g, primitive = content(e)
    assert g * primitive is e


@given(trees("int", 3, INTEGRAL), trees("int", 3, INTEGRAL), small_values())
def test_products_mean_products(a: Tree, b: Tree, values: dict[str, Any]) -> None:
    e, f = a.built(), b.built()
    assert isinstance(e, IntExpr)
    assert isinstance(f, IntExpr)
    try:
        expected = evaluate(e, values) * evaluate(f, values)
    except ArithmeticError:
        return
    assert evaluate(multiply(e, f), values) == expected


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 17, 40])
def test_powers(n: int) -> None:
    for e in (x, -2 * x, x * y, x + 1, 2 * x - 4 * y, x**2 * y + 3):
        assert isinstance(e, IntExpr)
        for values in ({"x": 3, "y": -2}, {"x": -1, "y": 5}, {"x": 0, "y": 0}):
            assert evaluate(power(e, n), values) == evaluate(e, values) ** n
    assert power(x * y, n) is power(x, n) * power(y, n)  # type: ignore[arg-type]


def test_scaling_an_infinity() -> None:
    up = as_expr(int_oo)
    assert isinstance(up, IntExpr)
    assert scale(-3, up) is -up
    with pytest.raises(ExpressionTypeError, match="0 \\* int_oo"):
        scale(0, up)
    with pytest.raises(ExpressionTypeError, match="no integer value"):
        multiply(up, x)  # type: ignore[arg-type]


def test_a_relation_of_one_side() -> None:
    assert le_zero(constant(-1)) is TRUE
    assert eq_zero(constant(0)) is TRUE
    assert ne_zero(constant(0)) is FALSE
    assert (x >= 3).op is LE_ZERO
