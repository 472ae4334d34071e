"""Foreign numbers at the border: an exact number of Python's, or an error; at every entry."""

from __future__ import annotations

import enum
import math
import operator
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from shapes import (
    Dim,
    EvaluationError,
    ExpressionTypeError,
    HintError,
    Max,
    Min,
    RangeError,
    ShapeEnv,
    ShapeproofError,
    SymBool,
    ValueRanges,
    Where,
    evaluate,
    free_symbols,
    int_oo,
    substitute,
)
from shapes.base.foreign import as_double, as_integer, as_truth, number


class Colour(enum.IntEnum):
    RED = 3


class Number(int):
    pass


class Double(float):
    pass


THREES: list[Any] = [
    *[np.dtype(code).type(3) for code in "bhilqBHILQ"],
    np.array(3), np.array(3, dtype=np.uint8), np.array(3, dtype=object), sympy.Integer(3),
    Fraction(3), Fraction(6, 2), Decimal(3), Decimal("3.0"), Colour.RED, Number(3),
]  # fmt: skip
LARGE: list[Any] = [
    np.uint64(2**64 - 1), np.array(2**64 - 1, dtype=np.uint64), sympy.Integer(2) ** 64 - 1,
    Fraction(2**64 - 1), Decimal(2**64 - 1), Number(2**64 - 1),
]  # fmt: skip
HALVES: list[Any] = [
    sympy.Float("0.5", 50),
    np.float16(0.5), np.float32(0.5), np.float64(0.5), np.longdouble(0.5), np.array(0.5),
    Double(0.5), sympy.Float(0.5),
]  # fmt: skip
TRUTHS: list[Any] = [np.True_, np.array(True), sympy.true]
NONE: list[Any] = [
    None, "3", b"3", 3j, np.complex64(3), np.array([3]), np.array([3, 4]), np.timedelta64(3, "ns"),
    np.datetime64(3, "s"), np.str_("3"), Fraction(1, 2), Decimal("0.1"), Decimal("nan"),
    Decimal("1e999999"), sympy.Rational(1, 3), sympy.Symbol("q"), sympy.zoo, sympy.pi,
    np.longdouble(1) / 3, object(), [3], (3,), sympy.Float("0.1", 50), np.ma.masked,
    sympy.Float("1e400"), sympy.Float("1e-400"),
    np.ma.array(3, mask=True), np.void(b"abc"),
]  # fmt: skip
SHOWN: Callable[[Any], str] = lambda v: f"{type(v).__name__}:{v!r:.20}"  # noqa: E731


@pytest.fixture
def env() -> ShapeEnv:
    env = ShapeEnv()
    env.size("n", hint=5)
    env.integer("k", hint=3)
    env.boolean("p", hint=True)
    env.real("t", hint=0.5)
    return env


@pytest.mark.parametrize("value", THREES, ids=SHOWN)
def test_integers_become_pythons(value: Any) -> None:
    assert number(value) == 3
    assert type(number(value)) is type(as_integer(value)) is int
    assert as_double(value) == 3.0
    assert as_truth(value) is None


@pytest.mark.parametrize("value", LARGE, ids=SHOWN)
def test_large_integers_stay_exact(value: Any) -> None:
    assert number(value) == 2**64 - 1
    assert as_double(value) is None


@pytest.mark.parametrize("value", HALVES, ids=SHOWN)
def test_doubles_become_pythons(value: Any) -> None:
    assert number(value) == 0.5
    assert type(number(value)) is float
    assert as_integer(value) is as_truth(value) is None


@pytest.mark.parametrize("value", TRUTHS, ids=SHOWN)
def test_truth_values_become_pythons(value: Any) -> None:
    assert number(value) is as_truth(value) is True
    assert as_integer(value) is as_double(value) is None


@pytest.mark.parametrize("value", NONE, ids=SHOWN)
def test_what_is_no_exact_number_is_refused(value: Any) -> None:
    assert number(value) is None
    assert as_integer(value) is None
    with pytest.raises(ExpressionTypeError, match=r"neither an expression nor a number"):
        ShapeEnv().spelled([value])


def test_fractions_are_doubles_where_they_are_exact() -> None:
    assert as_double(Fraction(1, 2)) == as_double(Decimal("0.5")) == 0.5
    assert as_double(Fraction(1, 3)) is as_double(Decimal("0.1")) is None
    assert as_double(10**400) is as_double(2**53 + 1) is None
    assert as_double(2**53) == 2.0**53
    assert math.isnan(as_double(np.float32("nan")) or 0)
    assert as_double(np.float16("-inf")) == -math.inf


# ---- every entry ----


BINARY = [
    operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, operator.pow,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
    operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift, divmod,
]  # fmt: skip


OWN = [(Fraction, operator.pow), *[(type(x), operator.ne) for x in (THREES[13], LARGE[2])]]
"""What the other library answers without asking (``Fraction(3) ** x`` is of floats)."""


OLD_NUMPY = np.lib.NumpyVersion(np.__version__) < "2.3.0"
"""Such a numpy (the last one for Python 3.10) asks the exponent of an array for its value."""


def _said(call: Callable[..., Any], *operands: Any) -> str:
    try:
        found = call(*operands)
    except (ShapeproofError, TypeError, sympy.SympifyError) as error:
        return "TypeError" if isinstance(error, TypeError) else type(error).__name__
    for one in found if isinstance(found, tuple) else (found,):
        assert type(one) in (bool, int, float) or hasattr(one, "expr"), type(one)
    return repr(found)


@pytest.mark.parametrize("value", [*THREES, *LARGE, *HALVES, *TRUTHS], ids=SHOWN)
def test_operators_on_either_side(env: ShapeEnv, value: Any) -> None:
    n, plain = env["n"], number(value)
    for op in BINARY:
        if op is operator.pow and plain is not None and plain > 100:
            continue
        assert _said(op, n, value) == _said(op, n, plain), op
        own = (type(value), op) in OWN or isinstance(value, (sympy.Float, type(sympy.true)))
        if not own:
            assert _said(op, value, n) == _said(op, plain, n), op
            if op is operator.pow and isinstance(value, np.ndarray) and OLD_NUMPY:
                env = ShapeEnv()
                n = env.size("n", 5)
    assert not env.guards


@pytest.mark.parametrize("value", TRUTHS, ids=SHOWN)
def test_conditions_on_either_side(env: ShapeEnv, value: Any) -> None:
    p = env["p"]
    for op in (operator.and_, operator.or_, operator.xor, operator.eq, operator.ne):
        assert _said(op, p, value) == _said(op, p, True), op
        if value is not sympy.true:  # (which takes sympy's conditions only)
            assert _said(op, value, p) == _said(op, True, p), op
    assert not env.guards


@pytest.mark.parametrize("value", [*THREES, *LARGE], ids=SHOWN)
def test_integers_at_every_entry(value: Any) -> None:
    plain = number(value)
    assert isinstance(plain, int)
    env = ShapeEnv()
    n = env.size("n", hint=value, min=value, max=value)
    env.integer("k", hint=value, min=value)
    env.unbacked("u", min=value, max=value)
    hint = env.symbols["n"].hint
    assert (type(hint), hint) == (int, plain)
    assert env.bounds("n") == ValueRanges(plain, plain) == ValueRanges(value, value)
    assert type(ValueRanges(value, int_oo).lower) is type(env.bounds("u").upper) is int
    assert value in env.bounds("n")
    dim = Dim("n", value, value, value)
    assert [type(x) for x in (dim.min, dim.max, dim.hint)] == [int] * 3
    assert env.prove(n * n >= value, given=[n >= value])
    assert env.bounds(value) == ValueRanges(plain, plain)
    square = env.spelled("k*k - 300").expr
    assert evaluate(square, {"k": value}) == plain * plain - 300
    k = env["k"].expr
    assert substitute(square, {k: value}) is env.spelled(plain * plain - 300).expr
    for made in (Min(value, k), Max(k, value), Where(k >= value, k, value)):
        assert evaluate(made, {k: plain}) == plain
    assert Min(value, 10**30) == plain
    assert type(Max(value, 1)) is int


@pytest.mark.parametrize("value", [*THREES, *LARGE], ids=SHOWN)
def test_guards_compute_with_pythons_integers(value: Any) -> None:
    plain = number(value)
    env = ShapeEnv()
    k = env.integer("k", hint=plain)
    assert k * k * k * k == plain**4  # type: ignore[operator]
    guard = env.guard_function()
    assert guard(k=value)
    assert guard.explain(k=value) is None
    assert guard.over(k=[value, 0]).tolist() == [True, False]
    assert guard.over(k=value).tolist() == [True]


@pytest.mark.parametrize("value", HALVES, ids=SHOWN)
def test_doubles_at_every_entry(env: ShapeEnv, value: Any) -> None:
    env.real("s", hint=value)
    hint = env.symbols["s"].hint
    assert (type(hint), hint) == (float, 0.5)
    assert evaluate(env["t"].expr + 1.0, {"t": value}) == 1.5
    assert env["t"] < Max(value, 1.0)
    assert env.guard_function()(t=value)
    assert env.guard_function().over(t=[value, 2.0]).tolist() == [True, False]
    for call in (
        lambda: env.size("a", hint=value),
        lambda: env.size("a", min=value),
        lambda: Dim("a", max=value),
        lambda: evaluate(env["n"].expr, {"n": value}),
    ):
        with pytest.raises((HintError, RangeError, EvaluationError), match="not an integer"):
            call()


@pytest.mark.parametrize("value", TRUTHS, ids=SHOWN)
def test_truth_values_at_every_entry(value: Any) -> None:
    env = ShapeEnv()
    p = env.boolean("p", hint=value)
    assert env.symbols["p"].hint is True
    env.assume(value)
    env.check(value, "a check")
    assert env.prove(value)
    assert env.prove("p", given=[p, value])
    assert env.prove(p, given=value) or True
    assert env.decide(value) is True
    assert ValueRanges(value, value) == ValueRanges(True, True)
    assert p
    assert env.guard_function()(p=value)
    assert isinstance(p & value, SymBool)
    with pytest.raises(HintError, match="not an integer"):
        env.size("a", hint=value)


@pytest.mark.parametrize("value", NONE[1:], ids=SHOWN)
def test_refused_at_every_entry(env: ShapeEnv, value: Any) -> None:
    assert env["k"] >= 3
    for call in (
        lambda: env.size("a", hint=value),
        lambda: env.size("a", min=value),
        lambda: env.integer("a", max=value),
        lambda: Dim("a", max=value),
        lambda: ValueRanges(value, value),
        lambda: evaluate(env["n"].expr, {"n": value}),
        lambda: env.guard_function()(k=value),
        lambda: Min(env["n"], value),
        lambda: env.boolean("a", hint=value),
    ):
        with pytest.raises(ShapeproofError):
            call()


def test_columns_are_exact_or_refused() -> None:
    env = ShapeEnv()
    k = env.integer("k", hint=3)
    assert k != 2**63
    over = env.guard_function().over
    for column in (
        [2**63, -1], [2**63 - 1, 2**63], [np.uint64(2**63), np.int64(-1)], (2**63, 2**90),
        np.array([2**63, 0], dtype=np.uint64), [Fraction(2**63), Decimal(1)],
    ):  # fmt: skip
        assert over(k=column).tolist() == [int(x) != 2**63 for x in column]
    assert over(k=[2**63 - 1]).tolist() == [True]
    for column in ([0.5], [3.0], np.array([3.0]), [1, 2.5], ["a"], [[1], [2, 3]], [None], 3.0):
        with pytest.raises(EvaluationError, match=r"not an integer|not a column|dimensions"):
            over(k=column)


def test_sympys_conditions_are_claims(env: ShapeEnv) -> None:
    n = sympy.Symbol("n", integer=True)
    assert env.prove(n + 1 > n)
    assert env.prove(n >= 0)
    assert str(env["n"] + n) == "2 * n"
    assert str(n + env["n"]) == "2 * n"
    assert (sympy.Integer(5) == env["n"]) is not False
    assert not env.guards
    with pytest.raises(ShapeproofError, match="unknown symbol `q`"):
        env.prove(sympy.Symbol("q", integer=True) > 0)


@pytest.mark.parametrize(
    "value", [v for v in NONE if isinstance(v, np.generic) and not isinstance(v, str)], ids=SHOWN
)
@pytest.mark.parametrize("operator", [operator.add, operator.mod, operator.or_, divmod])
def test_scalars_that_are_no_number_are_refused_on_either_side(
    env: ShapeEnv, value: Any, operator: Any
) -> None:
    for operands in ((value, env["k"]), (env["k"], value)):
        with pytest.raises((ExpressionTypeError, TypeError)):
            operator(*operands)


def test_an_array_without_axes_holds_its_symbolic_value(env: ShapeEnv) -> None:
    """Its element is not fixed to the example."""
    n, k = env["n"], env["k"]
    inside = np.array(n, dtype=object)
    assert inside.shape == ()
    found = [inside + k, k + inside, k - inside, Min(inside, k), inside <= k, k == inside]
    made = [n + k, n + k, k - n, Min(n, k), n <= k, n == k]
    assert [x.expr for x in found] == [x.expr for x in made]
    assert not env.guards


def test_questions_about_an_array_without_axes_are_about_its_value(env: ShapeEnv) -> None:
    n, k = env["n"], env["k"]
    size, claim = np.array(n, dtype=object), np.array(n <= k, dtype=object)
    assert env.spelled(size) == env.spelled(n)
    assert env.simplify(size).expr is n.expr
    assert env.bounds(size) == env.bounds(n)
    assert env.congruence(np.array(n.expr, dtype=object)) == env.congruence(n)
    assert env.prove(claim).status == env.prove(n <= k).status
    assert not env.guards
    env.assume(claim)
    assert env.prove(n <= k)


def test_what_is_below_a_mask_is_no_operand(env: ShapeEnv) -> None:
    hidden = np.ma.array(env["n"], mask=True, dtype=object)
    for asked in (lambda: Min(hidden, env["k"]), lambda: env.spelled(hidden)):
        with pytest.raises(ExpressionTypeError):
            asked()


def test_arrays_beside_symbolic_numbers(env: ShapeEnv) -> None:
    found = np.arange(3) * env["n"]
    assert [str(x) for x in found.tolist()] == ["0", "n", "2 * n"]
    assert [str(x) for x in (env["n"] + np.arange(2)).tolist()] == ["n", "n + 1"]


def test_tensors_are_numbers_if_torch_is_there() -> None:
    torch = pytest.importorskip("torch")
    env = ShapeEnv()
    n = env.size("n", hint=torch.tensor(5))
    assert env.symbols["n"].hint == 5
    for dtype in (torch.int8, torch.uint8, torch.int64, torch.int32):
        three = torch.tensor(3, dtype=dtype)
        assert number(three) == 3
        assert str(n + three) == "n + 3"
        assert str(three * n) == "3 * n"
        assert str(three < n) == "n >= 4"
        assert evaluate(n.expr * 100, {"n": three}) == 300
    assert number(torch.tensor(0.5, dtype=torch.bfloat16)) == 0.5
    assert number(torch.tensor(True)) is True
    assert number(torch.tensor([3])) is number(torch.tensor(3j)) is None
    assert number(torch.tensor(3, device="meta")) is None
    with torch._subclasses.FakeTensorMode():
        assert number(torch.tensor(3)) is None


def test_no_library_is_imported_for_it() -> None:
    code = (
        "import sys; from shapes import ShapeEnv; env = ShapeEnv(); n = env.size('n', hint=3);"
        "from fractions import Fraction; env.prove(n >= Fraction(4, 2));"
        "bad = [m for m in ('numpy', 'torch', 'sympy') if m in sys.modules]; assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("value", [v for v in NONE if v is not None], ids=SHOWN)
def test_options_are_exact_numbers_too(value: Any, env: ShapeEnv) -> None:
    for call in (
        lambda: env.fits_int64("n", value),
        lambda: env.suggest("n > 3", value),
        lambda: env.unbacked("u", size_like=value),
        lambda: evaluate(env["n"].expr, value),
        lambda: free_symbols(value),
    ):
        # (A compiled function refuses by itself what is no expression.)
        with pytest.raises((ShapeproofError, ValueError, TypeError), match=r"not|got"):
            call()
    assert "u" not in env.symbols


@pytest.mark.parametrize("value", THREES, ids=SHOWN)
def test_options_may_be_foreign(value: Any, env: ShapeEnv) -> None:
    assert env.fits_int64("n * n", value) == env.fits_int64("n * n", 3)
    assert env.suggest("n * n > 3 + k", value) == env.suggest("n * n > 3 + k", 3)


def test_the_least_of_one_number_is_that_number(env: ShapeEnv) -> None:
    for choose in (Min, Max):
        for value in (2.5, env["t"], env["n"], 7):
            assert choose(value) is value or choose(value) == value
    assert env.spelled("Min(t)").expr is env["t"].expr
    assert env.spelled("Max(0.5)").expr.value == 0.5
