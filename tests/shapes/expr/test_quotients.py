"""Quotients of polynomials: exact ones are found whatever the names and their order, every
identity is compared with Python's own integers."""

from __future__ import annotations

import itertools
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import ShapeEnv
from shapes.expr.integers import floor_division
from shapes.expr.linear import multiply, scale
from shapes.expr.nodes import IntAtom, IntConstant, IntExpr, Sum, constant, make, symbol
from shapes.expr.quotients import divided, exact_quotient
from shapes.expr.remainders import parts, whole
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import walk
from shapes.traversal.parsing import parse
from tests.builds import interpreted_only
from tests.shapes.test_growth_steps import STEEPEST, steps

NAMES = ("x", "y", "z")
VALUES = [dict(zip(NAMES, v)) for v in itertools.product((-3, -1, 0, 1, 2, 4), repeat=3)]

monomials = st.lists(st.sampled_from(NAMES), max_size=2)
coefficients = st.integers(-4, 4).filter(bool)
polynomials = st.lists(st.tuples(coefficients, monomials), min_size=1, max_size=3)


def polynomial(terms: list[tuple[int, list[str]]]) -> IntExpr:
    total = constant(0)
    for c, factors in terms:
        product = constant(1)
        for name in factors:
            product = multiply(product, symbol(name))  # type: ignore[arg-type]
        total = total + scale(c, product)  # type: ignore[assignment]
    return total


def meant(op: str, a: int, b: int) -> int:
    towards_zero = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return {
        "FloorDiv": a // b, "Mod": a % b, "CeilDiv": -(-a // b),
        "TruncDiv": towards_zero, "TruncMod": a - b * towards_zero,
    }[op]  # fmt: skip


@pytest.mark.parametrize("op", ["FloorDiv", "Mod", "CeilDiv", "TruncDiv", "TruncMod"])
@given(polynomials, polynomials, st.just([]) | polynomials, st.none() | polynomials)
def test_divisions_mean_what_they_say(
    op: str, first: Any, second: Any, third: Any, shared: Any
) -> None:
    """A multiple of a polynomial and something beside it, both times a third one."""
    d = polynomial(second)
    a = multiply(polynomial(first), d) + polynomial(third)
    if shared is not None:
        a, d = (multiply(e, polynomial(shared)) for e in (a, d))  # type: ignore[arg-type]
    e = make(op, a, d)
    for values in VALUES[::5]:
        b = evaluate(d, values)
        if b:
            assert evaluate(e, values) == meant(op, evaluate(a, values), b), (a, d, values)


@given(polynomials, polynomials)
def test_a_multiple_is_divided_exactly(first: Any, second: Any) -> None:
    p, d = polynomial(first), polynomial(second)
    if type(d) is IntConstant:
        return
    product = multiply(p, d)
    assert exact_quotient(product, d) is p or type(p) is IntConstant
    assert make("FloorDiv", product, d) is p
    assert make("TruncDiv", product, d) is p
    assert make("Mod", product, d) is constant(0)


@given(polynomials, polynomials, polynomials)
def test_what_is_divided_stays_so_and_is_read_back(
    first: Any, second: Any, third: Any
) -> None:
    d = polynomial(second)
    a = multiply(polynomial(first), d) + polynomial(third)
    e = make("FloorDiv", a, d)
    for node in walk(e):
        if isinstance(node, IntAtom) and node.op.name == "FloorDiv":
            assert floor_division(*node.args) is node  # type: ignore[arg-type]
    remainder = make("Mod", a, d)
    if type(remainder) is Sum:
        k, operands, times = parts(remainder)
        total: Any = constant(k)
        for operand, c in zip(operands, times):
            total = total + scale(c, whole(operand))
        assert total is remainder


@given(polynomials, polynomials, polynomials)
def test_a_quotient_and_what_is_left_make_up_the_numerator(
    first: Any, second: Any, third: Any
) -> None:
    d = polynomial(second)
    a = multiply(polynomial(first), d) + polynomial(third)
    if type(d) is Sum and isinstance(a, IntExpr):
        q, r = divided(a, d)
        assert multiply(q, d) + r is a
        assert r is a or len(r.terms()) + (r.constant != 0) < len(a.terms()) + (
            a.constant != 0
        )


EQUAL = [
    ("(a*c + b*c) % (a + b)", "0"),
    ("(a*c + b*c) // (a + b)", "c"),
    ("(3*a*c + 3*b*c) % ((a + b)*c)", "0"),
    ("(a*a - b*b) // (a + b)", "a - b"),
    ("(a*a*a - b*b*b) // (a - b)", "a*a + a*b + b*b"),
    ("((a + 1)*(c + 2)) % (a + 1)", "0"),
    ("(a*c + b*c + 5*a + 5*b) % (a + b)", "0"),
    ("(a*c + b*c + a) % (a + b)", "a % (a + b)"),
    ("(a*c + b*c + b) % (a + b)", "b % (a + b)"),
    ("(a*c + b*c + a*b) // (a + b)", "c + a*b // (a + b)"),
    ("(a*c + b*c + c) // (a + b)", "c + c // (a + b)"),
    ("((a+1)*(b+1)*(c+1)) % ((a+1)*(b+1))", "0"),
    ("(a*a - 1) // (a + 1)", "a - 1"),
    ("(4*a*a + 4*a + 1) // (2*a + 1)", "2*a + 1"),
    ("(a*b + a) // (b + 1)", "a"),
    ("(a*b + a + 2) % (b + 1)", "2 % (b + 1)"),
    ("(c*(a//2 + b)) // (a//2 + b)", "c"),
    ("(c*Max(a, b) + c*Min(a, 3)) // (Max(a, b) + Min(a, 3))", "c"),
    ("(c*(a % 3 + b)) % (a % 3 + b)", "0"),
    ("(a*b*32*a*c) % (a*b)", "0"),
    ("(a*c + b*c) // (2*a + 2*b)", "c // 2"),
    ("(a*c + b*c) // ((a + b)*(c + 1))", "c // (c + 1)"),
    ("((a - b)*c) // (b - a)", "-c"),
    ("TruncDiv(a*c + b*c, a + b)", "c"),
    ("TruncDiv((a + b)*c, (a + b)*2)", "TruncDiv(c, 2)"),
    ("TruncMod(a*c + b*c, a + b)", "0"),
    ("CeilDiv(a*c + b*c, a + b)", "c"),
    ("CeilDiv(a*c + b*c + c, a + b)", "c + CeilDiv(c, a + b)"),
    ("CleanDiv(a*c + b*c, a + b)", "c"),
    ("(a + b)**3 // (a + b)", "(a + b)**2"),
    ("(a + b + c)**2 % (a + b + c)", "0"),
]
FALSE_NEIGHBOURS = [
    ("(a*c + b*c) % (a - b)", "0"),
    ("(a*a + b*b) % (a + b)", "0"),
    ("(a*c + b*c + 1) % (a + b)", "0"),
    ("(2*a*c + b*c) % (a + b)", "0"),
    ("(a*a + 1) % (a + 1)", "0"),
    ("(4*a*a + 2*a + 1) % (2*a + 1)", "0"),
    ("(a*c + b*c) % (2*a + 2*b)", "0"),
    ("(a*c + b*c) // (2*a + 2*b)", "c"),
    ("(a*b + a) // (b + 1)", "b"),
]


def renamed(text: str, names: tuple[str, ...]) -> str:
    return re.sub(r"\b[abc]\b", lambda m: names["abc".index(m.group())], text)


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_names_and_births_do_not_matter(left: str, right: str) -> None:
    for number, order in enumerate(itertools.permutations(range(3))):
        born = [f"q{number}_{left[:3]}_{i}" for i in range(3)]
        kept = [symbol(name) for name in born]  # the first is the eldest
        names = {symbol: born[place] for symbol, place in zip("abc", order)}
        table = {letter: symbol(name) for letter, name in names.items()}
        assert parse(left, table.__getitem__) is parse(right, table.__getitem__), order
        del kept


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_quotients_are_proved_by_normal_form(left: str, right: str) -> None:
    env = ShapeEnv()
    for name in random.Random(left).sample("abc", 3):
        env.unbacked(name, size_like=True)
    verdict = env.prove(f"({left}) == ({right})")
    assert verdict.proved
    assert verdict.proof is not None
    assert verdict.proof.method == "normal form"


@pytest.mark.parametrize(("left", "right"), FALSE_NEIGHBOURS)
def test_what_does_not_divide_is_not_divided(left: str, right: str) -> None:
    env = ShapeEnv()
    for name in "abc":
        env.size(name, min=1)
    verdict = env.prove(f"({left}) == ({right})")
    assert verdict.counterexample is not None


def test_the_divisor_must_still_not_be_zero() -> None:
    env = ShapeEnv()
    for name in ("s0", "s1", "s2"):  # (names with an order of their own)
        env.size(name)
    verdict = env.prove("(s0*s2 + s1*s2) % (s0 + s1) == 0")
    assert [str(p) for p in verdict.premises] == ["s0 + s1 != 0"]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("(2*a + 1) % (2*a - 1)", (0, 18)),
        ("16 - b*(16 // b)", (0, 9)),
        ("(b*c + c + 2) % (b + 1)", (0, 2)),
        ("(a*b + 3) // (b + 1)", (0, 51)),
        ("CeilDiv(a, b + 1)", (1, 5)),
    ],
)
def test_ranges_are_no_wider_for_it(text: str, ends: tuple[int, int]) -> None:
    env = ShapeEnv()
    for name in "abc":
        env.size(name, min=1, max=10)
    known = env.bounds(text)
    assert known.lower >= ends[0]
    assert known.upper <= ends[1]


# ---- growth ----


def _summed(n: int) -> list[IntExpr]:
    return [symbol(f"long{i}") for i in range(n)]  # type: ignore[misc]


def one_factor_of_a_long_sum(n: int) -> Any:
    a, b = symbol("a"), symbol("b")
    xs = _summed(n)
    total: Any = sum((x * a + x * b for x in xs), constant(0))
    total.terms()
    assert total // (a + b) is sum(xs, constant(0))
    return lambda: (total + a) // (a + b)


def a_long_numerator_that_is_not_divided(n: int) -> Any:
    total: Any = sum(_summed(n), constant(0))
    a, x = symbol("a"), symbol("long0")
    total.terms()
    return lambda: total // (a + x)


def a_geometric_sum(n: int) -> Any:
    a: Any = symbol("a")
    numerator = a**n - 1
    return lambda: numerator // (a - 1)


@interpreted_only
@pytest.mark.parametrize(
    "prepare",
    [one_factor_of_a_long_sum, a_long_numerator_that_is_not_divided, a_geometric_sum],
)
def test_division_grows_no_faster_than_the_numerator(prepare: Any) -> None:
    steps(prepare(16))
    one, two = steps(prepare(64)), steps(prepare(128))
    assert two <= 1.15 * STEEPEST * one


@interpreted_only
def test_a_division_that_would_be_long_is_left() -> None:
    a: Any = symbol("a")
    numerator = a**100_000 - 1
    assert steps(lambda: numerator // (a - 1)) < 3_000_000
    assert make("FloorDiv", numerator, a - 1).op.name == "FloorDiv"
