"""Expressions of sympy's at every entry of an environment: their symbols are the environment's
of that name."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

import asserts
from asserts.trace import trace
from shapes import ShapeEnv
from shapes.errors import ContradictionError, ExpressionTypeError, UnknownSymbolError

sp = pytest.importorskip("sympy")
N, M = sp.symbols("n m", integer=True)
B, R = sp.Symbol("b"), sp.Symbol("r", real=True)


def environment() -> ShapeEnv:
    env = ShapeEnv()
    env.size("n", min=0, max=6)
    env.integer("m", min=-3, max=5)
    env.boolean("b")
    env.real("r")
    return env


CLAIMS: Final[dict[str, tuple[Any, Callable[[int, int], bool]]]] = {
    "ge": (N >= 2, lambda n, m: n >= 2),
    "chain": (sp.And(N > M, M > -2), lambda n, m: n > m > -2),
    "eq": (sp.Eq(N, 2 * M), lambda n, m: n == 2 * m),
    "ne": (sp.Ne(N, M + 1), lambda n, m: n != m + 1),
    "or": (sp.Or(N < 1, M >= 2, sp.Eq(N, 3)), lambda n, m: n < 1 or m >= 2 or n == 3),
    "not": (sp.Not(sp.And(N < 3, M < 3)), lambda n, m: not (n < 3 and m < 3)),
    "xor": (sp.Xor(N > 3, M > 3, M > 0), lambda n, m: (n > 3) ^ (m > 3) ^ (m > 0)),
    "nand": (sp.Nand(N > 3, M > 3), lambda n, m: not (n > 3 and m > 3)),
    "nor": (sp.Nor(N > 3, M > 3), lambda n, m: not (n > 3 or m > 3)),
    "implies": (sp.Implies(N > 3, M > 3), lambda n, m: n <= 3 or m > 3),
    "equivalent": (sp.Equivalent(N > 3, M > 3), lambda n, m: (n > 3) == (m > 3)),
    "ite": (sp.ITE(N > 3, M > 0, M < 0), lambda n, m: m > 0 if n > 3 else m < 0),
    "mod": (sp.Eq(sp.Mod(M, 3), 1), lambda n, m: m % 3 == 1),
    "mod_of": (sp.Mod(M, 2) + sp.Mod(N, 3) >= 2, lambda n, m: m % 2 + n % 3 >= 2),
    "mod_negative": (sp.Eq(sp.Mod(M, -3), -1), lambda n, m: m % -3 == -1),
    "floor": (sp.floor(M / 2) <= N - 2, lambda n, m: m // 2 <= n - 2),
    "ceiling": (sp.ceiling(M / 3) >= 1, lambda n, m: -(-m // 3) >= 1),
    "floor_sum": (sp.floor((M + N) / 4) >= 1, lambda n, m: (m + n) // 4 >= 1),
    "min": (sp.Min(N, M, 3) >= 1, lambda n, m: min(n, m, 3) >= 1),
    "max": (sp.Max(N, M) < 4, lambda n, m: max(n, m) < 4),
    "abs": (sp.Abs(M) <= N, lambda n, m: abs(m) <= n),
    "sign": (sp.Eq(sp.sign(M), 1), lambda n, m: m > 0),
    "sign_of": (sp.sign(M) * N < 0, lambda n, m: m < 0 < n),
    "power": (M**2 > N**2, lambda n, m: m**2 > n**2),
    "product": (N * M >= 4, lambda n, m: n * m >= 4),
    "piecewise": (
        sp.Piecewise((N, N > M), (M + 1, M > 2), (0, True)) >= 3,
        lambda n, m: (n if n > m else m + 1 if m > 2 else 0) >= 3,
    ),
    "halves": (sp.Gt(N / 2, sp.Rational(3, 2)), lambda n, m: n > 3),
    "quotients": (N / 2 < M / 3, lambda n, m: 3 * n < 2 * m),
    "equal_quotients": (sp.Eq(N / 2, M / 3), lambda n, m: 3 * n == 2 * m),
    "unequal_quotients": (sp.Ne(N / 2 - M, sp.Rational(1, 2)), lambda n, m: n - 2 * m != 1),
    "quotients_of_floors": (
        sp.floor(M / 2) / 3 >= N / 4 - sp.Rational(5, 6),
        lambda n, m: 4 * (m // 2) >= 3 * n - 10,
    ),
}
CASES: Final = list(itertools.product(range(7), range(-3, 6)))


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_mean_what_sympy_says(name: str) -> None:
    claim, meaning = CLAIMS[name]
    env = environment()
    truths = {meaning(n, m) for n, m in CASES}
    verdict = env.prove(claim)
    assert verdict.proved == (truths == {True})
    assert env.prove(sp.Not(claim)).proved == (truths == {False})
    for n, m in CASES:
        scoped = environment()
        scoped.assume(sp.And(sp.Eq(N, n), sp.Eq(M, m)))
        assert scoped.prove(claim).proved == meaning(n, m), (n, m)
        assert scoped.prove(sp.Not(claim)).proved != meaning(n, m), (n, m)


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_are_stated(name: str) -> None:
    claim, meaning = CLAIMS[name]
    for method in ("assume", "contract", "check"):
        env = environment()
        getattr(env, method)(claim)
        assert env.prove(claim).proved
        for n, m in CASES:
            with env.scope():
                fits = meaning(n, m)
                try:
                    env.assume(sp.And(sp.Eq(N, n), sp.Eq(M, m)))
                except ContradictionError:
                    assert not fits


def test_quantities_are_taken_everywhere() -> None:
    env = environment()
    e = 2 * N + sp.Max(M, 1)
    assert (env.bounds(e).lower, env.bounds(e).upper) == (1, 17)
    assert "1" in str(env.explain_bounds(e))
    assert env.congruence(4 * N + 2).modulus == 4
    assert str(env.simplify(sp.Max(N, 0) + sp.Min(M, 9))) == "n + m"
    assert bool(env.fits_int64(N * M))
    assert env.decide(N >= 0) is True
    assert env.truth(N >= 0) is True  # type: ignore[arg-type]
    assert env.prove(N + M >= 5, given=[M >= 5, sp.Ne(N, 1)]).proved
    assert env.prove(N + M >= 5, given=M >= 5).proved
    assert next(one.text for one in env.suggest(N >= 4)) == "n >= 4"
    assert "n:int" in env.smtlib(N >= 1)
    env.guarantee(M >= 1, "a test")
    assert env.prove(M > 0).proved


def test_other_kinds_of_symbols() -> None:
    env = environment()
    assert env.prove(B | (N >= 0)).proved
    env.assume(sp.Not(B))
    assert env.prove(~B & (N >= 0)).proved
    env.assume(R >= 2)
    assert env.prove(R > 1.5).proved
    assert not env.prove(R > 2).proved


def test_symbolic_numbers_and_sympy_mix() -> None:
    env = environment()
    n = env["n"]
    assert env.prove(n + N <= 12).proved
    assert env.prove(N + n == 2 * n).proved


@pytest.mark.parametrize(
    ("claim", "error", "words"),
    [
        (sp.Symbol("other") >= 1, UnknownSymbolError, r"unknown symbol `other` \(known: n, m"),
        (N + 1, ExpressionTypeError, "is not a condition"),
        (sp.sqrt(N) >= 1, ExpressionTypeError, "not an integer"),
        (sp.Contains(N, sp.Interval(1, 4)), ExpressionTypeError, "Contains is not known"),
        (sp.Eq(sp.Function("f")(N), 1), ExpressionTypeError, "f is not known"),
        (N / M >= 1, ExpressionTypeError, "is not an integer; use FloorDiv"),
        (sp.Ge(sp.pi * N, 3), ExpressionTypeError, "not an integer or a double"),
        (sp.Piecewise((N, N > 3)) >= 1, ExpressionTypeError, "no value where no condition"),
    ],
)
def test_what_has_no_meaning_is_refused(claim: Any, error: type[Exception], words: str) -> None:
    env = environment()
    for method in ("prove", "assume", "check", "contract", "suggest", "decide"):
        with pytest.raises(error, match=words):
            getattr(env, method)(claim)


def test_checks_of_traced_functions() -> None:
    def rows(x: Any) -> Any:
        asserts.check(sp.And(N >= 2, sp.Eq(sp.Mod(N, 2), 0)), "an even number")
        return x.reshape(-1, 2)

    checked = asserts.insert(trace(rows, ("n",))).graph_module
    assert checked(np.zeros(4)).shape == (2, 2)
    for n in (0, 3):
        with pytest.raises(asserts.RuntimeAssertionError, match="an even number"):
            checked(np.zeros(n))
    with pytest.raises(asserts.TraceError, match="names"):
        asserts.check(N >= 2)
