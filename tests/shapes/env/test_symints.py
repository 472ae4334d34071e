"""Symbolic numbers: Python's operators, with the environment behind them."""

from __future__ import annotations

import copy
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import pytest

from shapes import (
    And,
    DataDependentError,
    ExpressionTypeError,
    Implies,
    Max,
    Min,
    Not,
    ShapeEnv,
    SymBool,
    SymFloat,
    SymInt,
    Where,
    ceildiv,
    evaluate,
    int_oo,
)
from shapes.env.symints import spelled_of
from shapes.expr.nodes import TRUE, make, symbol


@pytest.fixture
def env() -> ShapeEnv:
    env = ShapeEnv()
    for name in ("a", "b"):
        env.integer(name)
        env.real(f"{name}_real")
        env.boolean(f"{name}_flag")
    return env


BINARY: list[Callable[[Any, Any], Any]] = [
    operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod,
    operator.truediv, operator.lt, operator.le, operator.gt, operator.ge, operator.eq,
    operator.ne,
]  # fmt: skip
BITS: list[Callable[[Any, Any], Any]] = [operator.and_, operator.or_, operator.xor]
SHIFTS: list[Callable[[Any, Any], Any]] = [operator.lshift, operator.rshift, operator.pow]
VALUES = (-3, 0, 2, 5)


def _value(result: Any, values: dict[str, Any]) -> Any:
    return evaluate(result.expr, values) if hasattr(result, "expr") else result


def _same(operation: Callable[[Any, Any], Any], a: Any, b: Any, x: Any, y: Any,
          values: dict[str, Any]) -> None:  # fmt: skip
    result = operation(a, b)
    try:
        expected = operation(x, y)
    except (ArithmeticError, ValueError):
        assert evaluate(spelled_of(result).defined, values) is False
        return
    assert evaluate(spelled_of(result).defined, values) is True
    found = _value(result, values)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("operation", [*BINARY, *BITS, *SHIFTS])
def test_integer_operators_on_both_sides(env: ShapeEnv, operation: Any) -> None:
    for x, y in itertools.product(VALUES, repeat=2):
        values = {"a": x, "b": y}
        if operation is operator.pow and y < 0:
            continue  # a float in Python, not an integer power
        _same(operation, env["a"], env["b"], x, y, values)
        _same(operation, env["a"], y, x, y, values)
        _same(operation, x, env["b"], x, y, values)


@pytest.mark.parametrize("operation", [*BINARY, operator.pow])
def test_float_operators_on_both_sides(env: ShapeEnv, operation: Any) -> None:
    a, b, n = env["a_real"], env["b_real"], env["a"]
    for x, y in itertools.product((0.5, 2.0, 3.25), repeat=2):
        values = {"a_real": x, "b_real": y, "a": 3}
        _same(operation, a, b, x, y, values)
        _same(operation, a, y, x, y, values)
        _same(operation, x, b, x, y, values)
        _same(operation, a, n, x, 3, values)
        _same(operation, n, a, 3, x, values)


@pytest.mark.parametrize("operation", [*BINARY, *BITS])
def test_conditions_count_as_integers(env: ShapeEnv, operation: Any) -> None:
    p, q = env["a_flag"], env["b_flag"]
    for x, y in itertools.product((False, True), repeat=2):
        values = {"a_flag": x, "b_flag": y, "a": 5}
        _same(operation, p, q, x, y, values)
        _same(operation, p, env["a"], x, 5, values)
        _same(operation, 5, q, 5, y, values)


@pytest.mark.parametrize("x", VALUES)
def test_unary_operators(env: ShapeEnv, x: int) -> None:
    a = env["a"]
    for operation in (operator.neg, operator.pos, operator.abs, operator.invert):
        assert _value(operation(a), {"a": x}) == operation(x)
    for function in (math.trunc, math.floor, math.ceil, round):
        assert function(a) is a
    assert divmod(a, 2)[0].expr is (a // 2).expr
    assert _value(divmod(7, a + 100)[1], {"a": x}) == 7 % (x + 100)
    assert round(a, 2) is a
    with pytest.raises(ExpressionTypeError, match="tens"):
        round(a, -1)


def test_conditions_are_negated_with_a_tilde(env: ShapeEnv) -> None:
    p = env["a_flag"]
    assert _value(~p, {"a_flag": True}) is False
    assert _value(~(env["a"] > 2), {"a": 2}) is True


@pytest.mark.parametrize("x", [-2.5, -0.5, 0.5, 1.5, 2.49])
def test_rounding_floats(env: ShapeEnv, x: float) -> None:
    t = env["a_real"]
    values = {"a_real": x}
    for function in (math.trunc, math.floor, math.ceil, round):
        found = function(t)
        assert isinstance(found, SymInt)
        assert _value(found, values) == function(x)
    assert _value(round(t, 1), values) == round(x, 1)
    assert _value(abs(-t), values) == abs(x)


def test_kinds_of_results(env: ShapeEnv) -> None:
    a, t, p = env["a"], env["a_real"], env["a_flag"]
    assert isinstance(a + 1, SymInt)
    assert isinstance(a / 2, SymFloat)
    assert isinstance(a * 1.0, SymFloat)
    assert isinstance(a < 3, SymBool)
    assert isinstance(t < a, SymBool)
    assert isinstance(p & (a > 1), SymBool)
    assert isinstance(p + 1, SymInt)


def test_what_is_constant_is_a_plain_number(env: ShapeEnv) -> None:
    a = env["a"]
    assert (a - a) == 0
    assert type(a - a) is int
    assert (a == a) is True
    assert (a < a) is False
    assert type(Min(2, 3)) is int
    assert Max(5, 7) == 7
    assert Max(2.5, 1) == 2.5
    assert Not(False) is True
    assert And(True, 3 > 4) is False
    assert Max(3, int_oo) is int_oo
    # What needs a condition to have a value is not plain.
    assert isinstance(a // a, SymInt)


def test_functions(env: ShapeEnv) -> None:
    a, b, p = env["a"], env["b"], env["a_flag"]
    values = {"a": 7, "b": -2, "a_flag": False}
    assert _value(Min(a, b, 3), values) == -2
    assert _value(Max(a, b, 30), values) == 30
    assert _value(Where(p, a, b), values) == -2
    assert _value(Where(a > b, a, b), values) == 7
    assert _value(Implies(p, a < b), values) is True
    assert _value(ceildiv(a, 2), values) == 4
    assert ceildiv(7, 2) == 4  # of plain numbers: a plain number
    assert Min(symbol("x"), 3) is make("Min", symbol("x"), 3)


def test_definedness_travels_along(env: ShapeEnv) -> None:
    a, b = env["a"], env["b"]
    quotient = a // b
    assert quotient.defined is make("Ne", b.expr, 0)
    assert ((quotient - quotient) + 1).defined is make("Ne", b.expr, 0)
    assert (a + b).defined is TRUE
    assert env.prove(quotient * b + a % b == a).premises == (make("Ne", b.expr, 0),)


def test_environments_do_not_mix(env: ShapeEnv) -> None:
    other = ShapeEnv().size("c")
    for build in (
        lambda: env["a"] + other,
        lambda: Min(env["a"], other),
        lambda: env["a"] < other,
    ):
        with pytest.raises(ExpressionTypeError, match="another environment"):
            build()


def test_strangers_are_left_to_their_own_operators(env: ShapeEnv) -> None:
    a = env["a"]
    for stranger in ("text", None, [1], object()):
        with pytest.raises(TypeError):
            a + stranger
        assert (a == stranger) is False
        assert (a != stranger) is True
    numpy = pytest.importorskip("numpy")
    assert (a + numpy.int64(3)).expr is a.expr + 3


def test_equal_values_have_equal_hashes(env: ShapeEnv) -> None:
    a = env["a"]
    assert hash(a + 1) == hash(1 + a)
    assert hash(a + 1) != hash(a + 2)


def test_copies_are_the_value_itself(env: ShapeEnv) -> None:
    a = env["a"]
    assert copy.copy(a) is a
    assert copy.deepcopy([a, {"x": a}])[1]["x"] is a  # type: ignore[call-overload, index]


def test_text(env: ShapeEnv) -> None:
    a = env["a"]
    assert str(2 * a + 1) == "2 * a + 1"
    assert repr(2 * a + 1) == "SymInt(2 * a + 1)"
    assert repr(a > 1) == "SymBool(a >= 2)"
    assert ">2a<" in (2 * a)._repr_html_()


def test_without_an_example_a_value_cannot_be_read(env: ShapeEnv) -> None:
    for read in (int, float, bool, operator.index, range):
        with pytest.raises(DataDependentError):
            read(env["a"])
    with pytest.raises(DataDependentError):
        int(env["a_real"])
    with pytest.raises(DataDependentError):
        int(env["a_flag"])
