"""Conditions in normal form, against their truth tables."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes.errors import ExpressionSyntaxError, ExpressionTypeError
from shapes.expr.booleans import (
    as_condition,
    as_integer,
    conjunction,
    disjunction,
    equivalent,
    negation,
    where,
)
from shapes.expr.nodes import FALSE, TRUE, BoolExpr, Expr, as_expr, constant, make, symbol
from shapes.traversal import parse
from tests.oracle import Tree, Undefined, ours
from tests.strategies import EVERYTHING, Soil, small_values, trees

x, y = symbol("x"), symbol("y")
p, q, r = (symbol(n, "bool") for n in "pqr")
t, s = symbol("t", "float"), symbol("s", "float")
TABLE = [dict(zip("pqr", values)) for values in itertools.product((False, True), repeat=3)]
BOOLS = st.sampled_from((p, q, r, TRUE, FALSE))


def truths(e: Expr) -> list[bool]:
    return [ours(e, values) for values in TABLE]


@st.composite
def conditions(draw: Any, depth: int = 3) -> Expr:
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(BOOLS)  # type: ignore[no-any-return]
    op = draw(st.sampled_from(("And", "Or", "Not", "Implies", "Iff", "Eq", "Ne", "Where")))
    count = {"Not": 1, "Where": 3}.get(op, 2)
    return make(op, *[draw(conditions(depth - 1)) for _ in range(count)])


@given(conditions(), conditions())
def test_connectives_have_their_truth_tables(a: Expr, b: Expr) -> None:
    one, two = truths(a), truths(b)
    assert truths(conjunction(a, b)) == [v and w for v, w in zip(one, two)]
    assert truths(disjunction(a, b)) == [v or w for v, w in zip(one, two)]
    assert truths(negation(a)) == [not v for v in one]
    assert truths(equivalent(a, b)) == [v == w for v, w in zip(one, two)]
    assert truths(where(a, b, p)) == [w if v else c["p"] for v, w, c in zip(one, two, TABLE)]


@given(conditions(), conditions())
def test_de_morgan_by_identity(a: Expr, b: Expr) -> None:
    assert negation(conjunction(a, b)) is disjunction(negation(a), negation(b))
    assert negation(disjunction(a, b)) is conjunction(negation(a), negation(b))


@given(trees("bool", 4))
def test_negation_is_an_involution(tree: Tree) -> None:
    e = tree.built()
    assert negation(negation(e)) is e
    assert negation(e) is not e


@given(trees("bool", 4, Soil()), small_values())
def test_negation_is_true_where_the_condition_is_false(
    tree: Tree, values: dict[str, Any]
) -> None:
    e = tree.built()
    value = ours(e, values)
    denied = ours(negation(e), values)
    assert denied is Undefined if value is Undefined else denied is (not value)


def test_sets_of_operands() -> None:
    assert conjunction() is TRUE
    assert disjunction() is FALSE
    assert conjunction(p) is p
    assert conjunction(p, q, p) is conjunction(q, p)
    assert conjunction(p, conjunction(q, r)) is conjunction(r, q, p)
    assert conjunction(p, negation(p)) is FALSE
    assert disjunction(p, negation(p)) is TRUE
    assert conjunction(p, TRUE) is p
    assert conjunction(p, FALSE) is FALSE
    assert conjunction(x < y, x >= y) is FALSE
    assert disjunction(x < y, y <= x) is TRUE
    assert equivalent(p, p) is TRUE
    assert equivalent(x < y, x >= y) is FALSE
    assert equivalent(p, negation(q)) is negation(equivalent(p, q))
    assert make("Ne", p, q) is negation(make("Eq", p, q))
    assert make("BitXor", p, q) is make("Ne", p, q)
    assert make("BitAnd", p, q) is conjunction(p, q)


def test_a_shared_negation_visits_every_operand_once() -> None:
    """What occurs twice in the tree is negated once, and not asked for its truth."""
    shared = disjunction(conjunction(p, x < y), q)
    e = conjunction(disjunction(shared, r), disjunction(conjunction(shared, r), t < s))
    assert negation(negation(e)) is e


def test_a_large_nest_is_negated_from_outside() -> None:
    e: BoolExpr = as_condition(p)
    for i in range(100):
        e = disjunction(conjunction(e, symbol(f"n{i}") <= i), q)
    denied = negation(e)
    assert denied.op.name == "Not"
    assert negation(denied) is e


def test_floats_keep_their_not() -> None:
    """With NaN ``not t < s`` is not ``t >= s``."""
    assert negation(t < s) is not (t >= s)
    nan = {"t": math.nan, "s": 1.0}
    assert ours(negation(t < s), nan) is True
    assert ours(t >= s, nan) is False
    assert ours(make("Eq", t, t), nan) is False
    assert ours(make("Ne", t, t), nan) is True


@pytest.mark.parametrize("n", [2**53, 2**53 + 1, 2**53 - 1, -(2**53) - 1, 10**30, 2**1024])
@pytest.mark.parametrize("real", [2.0**53, -(2.0**53), 1e30, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("op", ["Le", "Lt", "Ge", "Gt", "Eq", "Ne"])
def test_integers_are_compared_with_floats_exactly(op: str, n: int, real: float) -> None:
    python = {"Le": n <= real, "Lt": n < real, "Ge": n >= real, "Gt": n > real,
              "Eq": n == real, "Ne": n != real}[op]  # fmt: skip
    assert make(op, n, real) is as_expr(python)
    assert ours(make(op, x, real), {"x": n}) is python
    assert ours(make(op, n, t), {"t": real}) is python


def test_conditions_as_numbers_and_back() -> None:
    assert as_integer(TRUE) is constant(1)
    assert as_integer(x) is x
    assert ours(as_integer(p) + as_integer(q), {"p": True, "q": True}) == 2
    assert as_condition(x) is make("Ne", x, 0)
    assert as_condition(p) is p
    assert as_condition(constant(3)) is TRUE
    assert ours(as_condition(t), {"t": math.nan}) is True
    assert ours(as_condition(t), {"t": -0.0}) is False
    with pytest.raises(ExpressionTypeError, match="float where an integer is needed"):
        as_integer(t)


def test_the_conditional() -> None:
    assert where(TRUE, x, y) is x
    assert where(FALSE, x, y) is y
    assert where(p, x, x) is x
    assert where(negation(p), x, y) is where(p, y, x)
    assert where(p, x, t).kind == "float"
    assert where(p, q, x).kind == "int"
    assert where(p, q, r).kind == "bool"


@pytest.mark.parametrize("text", [
    "x <= Where(p, 5, int_oo)", "abs(Where(p, -int_oo, 1))", "x + Where(p, int_oo, 0)",
    "Min(Where(not p, 3, int_oo), x)",
])  # fmt: skip
def test_the_end_of_a_range_is_no_result_of_a_conditional(text: str) -> None:
    names = {"p": p, "x": x}
    with pytest.raises(ExpressionSyntaxError, match="no result of Where; write what holds"):
        parse(text, names)
    assert parse("Where(1 < 2, int_oo, 3) > x", names) is TRUE



@given(trees("bool", 5, EVERYTHING), small_values())
def test_random_conditions_mean_what_was_written(tree: Tree, values: dict[str, Any]) -> None:
    meant = tree.known(values)
    if meant is not Undefined:
        assert ours(tree.built(), values) is meant
