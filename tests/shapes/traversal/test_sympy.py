"""sympy at the border: both ways, without a change of meaning."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sympy as sp
from hypothesis import given, settings

from shapes.base.infinity import int_oo
from shapes.errors import ExpressionTypeError, UnboundSymbolError
from shapes.expr.nodes import FALSE, OPERATORS, TRUE, as_expr, constant, make, symbol
from shapes.traversal.evaluate import Evaluation
from shapes.traversal.interpret import interpret
from shapes.traversal.sympy import from_sympy, is_sympy, to_sympy
from tests.oracle import Tree, Undefined, ours, same
from tests.strategies import INTEGRAL, KINDS, any_trees, small_values

SYMBOLS = {n: symbol(n, kind) for n, kind in KINDS.items()}  # type: ignore[arg-type]
x, y, z = SYMBOLS["x"], SYMBOLS["y"], SYMBOLS["z"]
p, q, t, s = (SYMBOLS[n] for n in "pqts")
X, Y = sp.Symbol("x", integer=True), sp.Symbol("y", integer=True)
T = sp.Symbol("t", real=True)


@settings(max_examples=300)
@given(any_trees(3), small_values())
def test_there_and_back_means_the_same(tree: Tree, values: dict[str, Any]) -> None:
    expr = tree.built()
    back = from_sympy(to_sympy(expr), SYMBOLS)
    before = ours(expr, values)
    if back is not expr and before is not Undefined:
        assert same(ours(back, values), before), (str(expr), str(back))


@pytest.mark.parametrize("op", OPERATORS.values(), ids=str)
def test_every_operator_comes_back_as_the_same_object(op: Any) -> None:
    from shapes.traversal.parsing import parse

    expr = parse(op.example, SYMBOLS)
    assert from_sympy(to_sympy(expr), SYMBOLS) is expr


@given(any_trees(3, INTEGRAL))
def test_integers_and_conditions_can_be_handled_by_sympy(tree: Tree) -> None:
    exported = to_sympy(tree.built())
    assert is_sympy(exported)
    renamed = exported.xreplace({X: sp.Symbol("w", integer=True)})
    assert "x" not in {str(f) for f in renamed.free_symbols}


@pytest.mark.parametrize(
    ("ours_", "sympys"),
    [
        (x + 2 * y - 3, X + 2 * Y - 3),
        (x * y**2, X * Y**2),
        (x % y, sp.Mod(X, Y)),
        (make("Min", x, y), sp.Min(X, Y)),
        (make("Max", x, 3), sp.Max(X, 3)),
        (abs(x), sp.Abs(X)),
        (x <= y, sp.Le(X, Y)),
        (make("Eq", x, y), sp.Eq(X, Y)),
        (make("Or", x <= 3, y <= 1), sp.Or(X <= 3, Y <= 1)),
        (make("Not", make("Eq", x, y)), sp.Ne(X, Y)),
        (constant(7), sp.Integer(7)),
        (TRUE, sp.true),
        (FALSE, sp.false),
        (as_expr(0.1), sp.Float(0.1, 17)),
        (as_expr(int_oo), sp.Symbol("int_oo", integer=True)),
    ],
    ids=str,
)
def test_what_sympy_has_is_sympys(ours_: Any, sympys: Any) -> None:
    assert to_sympy(ours_) == sympys
    assert from_sympy(sympys) is ours_


@pytest.mark.parametrize(
    ("sympys", "ours_"),
    [
        (sp.floor(X / 2), x // 2),
        (sp.ceiling((X + Y) / 3), make("CeilDiv", x + y, 3)),
        (sp.floor(X / Y), x // y),
        (sp.floor(T), make("FloorToInt", t)),
        (sp.ceiling(T + X), make("CeilToInt", t) + x),
        (sp.Piecewise((X, X > 3), (Y, X > 1), (0, True)),
         make("Where", x > 3, x, make("Where", x > 1, y, 0))),
        (sp.ITE(X > 1, Y > 1, Y < 1), make("Where", x > 1, y > 1, y < 1)),
        (sp.Implies(X > 1, Y > 2), make("Implies", x > 1, y > 2)),
        (sp.Equivalent(X > 1, Y > 2), make("Iff", x > 1, y > 2)),
        (sp.Function("FloorDiv")(X, Y), x // y),
        (sp.Function("PythonMod")(X, Y), x % y),
        (sp.Function("CeilDiv")(X, Y), make("CeilDiv", x, y)),
        (sp.Function("RShift")(X, Y), x >> y),
        (2**X, 2**x),
        (1.5 * T, 1.5 * t),
        (sp.oo, as_expr(math.inf)),
        (-sp.oo, as_expr(-math.inf)),
        (sp.nan, as_expr(math.nan)),
    ],
    ids=str,
)  # fmt: skip
def test_sympys_own_are_understood(sympys: Any, ours_: Any) -> None:
    assert from_sympy(sympys) is ours_


@pytest.mark.parametrize(
    ("sympys", "reason"),
    [
        (X / 2, "not an integer; use FloorDiv"),
        (1 / X, "not an integer"),
        (sp.sqrt(X), "the fraction 1/2"),
        (sp.Rational(1, 3), "the fraction 1/3"),
        (sp.pi, "sympy's constant pi"),
        (sp.zoo, "sympy's constant zoo"),
        (sp.Function("foo")(X), "sympy's foo is not known here"),
        (sp.Contains(X, sp.Interval(1, 2)), "sympy's Contains"),
        (sp.Piecewise((X, X > 3)), "no value where no condition holds"),
        (3, "not an expression of sympy's"),
        ("x", "not an expression of sympy's"),
    ],
    ids=str,
)
def test_what_has_no_meaning_here_is_refused(sympys: Any, reason: str) -> None:
    with pytest.raises(ExpressionTypeError, match=reason):
        from_sympy(sympys)


def test_nan_is_not_forgotten() -> None:
    """For sympy's reals ``not t < s`` is ``t >= s``, and ``t == t`` is true."""
    for e in (make("Not", t < s), make("Eq", t, t), t <= t, make("Ne", t, s)):
        back = from_sympy(to_sympy(e), SYMBOLS)
        assert back is e
        assert ours(back, {"t": math.nan, "s": 1.0}) is ours(e, {"t": math.nan, "s": 1.0})


def test_zero_keeps_its_sign() -> None:
    assert from_sympy(to_sympy(as_expr(-0.0))) is as_expr(-0.0)


def test_a_conditional_in_a_condition_keeps_its_cases() -> None:
    """sympy rewrites a Piecewise that stands in the condition of another one."""
    e = make("Where", make("Max", z, y) <= make("Where", p, 2, x), x, -y)
    assert from_sympy(to_sympy(e), SYMBOLS) is e
    # An equation in a condition is not substituted into the arm, where it makes fractions.
    e = make("Where", make("Eq", 8 * y, x ^ z), make("Where", p, y, z) | -9, x)
    assert from_sympy(to_sympy(e), SYMBOLS) is e


def test_without_a_value_it_stays_as_it_is() -> None:
    for e in (make("Mod", x, 0), make("Max", 3, make("Mod", 2, 0)), make("FloorDiv", x, 0)):
        assert from_sympy(to_sympy(e), SYMBOLS) is e


def test_kinds_of_symbols() -> None:
    assert from_sympy(X) is x
    assert from_sympy(sp.Symbol("x")) is x
    assert from_sympy(sp.Symbol("x", positive=True, integer=True)) is x
    assert from_sympy(T) is t
    assert from_sympy(sp.Symbol("p"), {"p": p}) is p
    given_by_symbol = interpret(Evaluation(), {sp.Symbol("p"): True}, sp.Symbol("p"))
    assert given_by_symbol is True
    with pytest.raises(UnboundSymbolError):
        interpret(Evaluation(), {}, X)


def test_only_sympy_is_sympy() -> None:
    assert is_sympy(sp.true)
    assert is_sympy(X)
    assert is_sympy(sp.Function("undefined")(X))
    assert not is_sympy(x)
    assert not is_sympy(3)
    assert from_sympy(True) is TRUE
