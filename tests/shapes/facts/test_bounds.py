"""Ranges and congruences under facts, and what they rest on."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import given

from shapes import ShapeEnv
from shapes.base.infinity import int_oo
from shapes.domains import Congruence, ValueRanges
from shapes.errors import ContradictionError
from shapes.expr.nodes import IntExpr, Sum, make, symbol
from shapes.facts.bounds import (
    _leaves_every_residue,
    bounds,
    bounds_with_reasons,
    congruence,
    congruence_with_reasons,
)
from shapes.facts.exactness import at_a_glance, reaches_its_ends
from shapes.facts.intervals import DEPTH, traversed
from shapes.facts.store import Facts
from shapes.prove.ladder import decide
from shapes.traversal.evaluate import evaluate
from shapes.traversal.parsing import parse
from tests.fuzz import stated
from tests.oracle import models, reached
from tests.shapes.facts.test_store import facts
from tests.strategies import FEW, INTEGRAL, Question, Seeded, ask, questions

x, y, z = (symbol(n) for n in "xyz")
R = ValueRanges


@given(questions(FEW))
def test_no_value_is_excluded_floats_included(question: Question) -> None:
    known = models(question.facts, question.domains)
    if not known:
        return
    learned = stated(question)
    for tree in question.claim.nodes():
        found = bounds(learned, tree.built())
        assert all(value in found for value in reached(tree, known)), (
            str(question),
            str(tree),
        )


@given(questions())
def test_the_reasons_of_a_range_are_enough(question: Question) -> None:
    known = models(question.facts, question.domains)
    if not known:
        return
    learned = stated(question)
    for tree in question.claim.nodes():
        expr = tree.built()
        found, why = bounds_with_reasons(learned, expr)
        assert found == bounds(learned, expr)
        assert why <= set(learned)
        trees = {str(t): t for t in question.facts}
        alone = models([trees[f.spelled] for f in why], question.domains)
        assert all(value in found for value in reached(tree, alone[::7]))
        if not isinstance(expr, IntExpr):
            continue
        residues, why_residues = congruence_with_reasons(learned, expr)
        assert residues == congruence(learned, expr)
        alone = models([trees[f.spelled] for f in why_residues], question.domains)
        assert all(residues.admits(value) for value in reached(tree, alone[::7]))


@pytest.mark.parametrize(
    ("stated_", "asked", "expected"),
    [
        ([], "x", R(-int_oo, int_oo)),
        ([], "x * x", R(0, int_oo)),
        ([], "abs(x)", R(0, int_oo)),
        ([], "x % 8", R(0, 7)),
        ([], "x % -8", R(-7, 0)),
        ([], "TruncMod(x, 8)", R(-7, 7)),
        ([], "x // 3 % 4", R(0, 3)),
        ([], "x & 12", R(0, 12)),
        (["x >= 0", "x <= 10"], "x // 3", R(0, 3)),
        (["x >= 0", "x <= 10"], "-x // 3", R(-4, 0)),
        (["x >= 0", "x <= 10"], "2 * x + 1", R(1, 21)),
        (["x >= 0"], "Max(x, 5)", R(5, int_oo)),
        (["x >= 0", "x <= 3"], "2 ** x", R(1, 8)),
        (["x >= -3", "x <= 2"], "x ** 2", R(0, 9)),
        (["x >= -3", "x <= 2"], "x ** 3", R(-27, 8)),
        (["x >= 0", "y >= x"], "y - x", R(0, int_oo)),
        (["x <= 4 * y", "x % 8 == 0", "y >= 1", "y <= 64"], "2 * x + 1", R(-int_oo, 513)),
        (["x >= 5", "x <= 20", "x % 7 == 3"], "x", R(10, 17)),
        (["x == 6"], "x * x + y - y", R(36, 36)),
        (["x - y >= 3", "x - y <= 9"], "2 * y - 2 * x", R(-18, -6)),
        (["x >= 2**53 + 1", "x <= 2**63"], "x - 1", R(2**53, 2**63 - 1)),
    ],
)
def test_ranges(stated_: list[str], asked: str, expected: ValueRanges) -> None:
    assert bounds(facts(*stated_), parse(asked)) == expected


def test_ranges_of_conditions() -> None:
    known = facts("x >= 1", "x <= 3")
    assert bounds(known, x <= 3) == R(True, True)
    assert bounds(known, x > 3) == R(False, False)
    assert bounds(known, x > 2) == R(False, True)


def test_an_answer_is_remembered_with_the_facts() -> None:
    known = facts("x >= 1")
    assert bounds(known, x + y) is bounds(known, x + y)
    assert bounds(known.given(x <= 3), x) == R(1, 3)
    assert bounds(known, x) == R(1, int_oo)


def test_facts_that_leave_nothing_are_noticed_when_asked() -> None:
    known = facts("(x & y) >= 20", "x >= 0", "y >= 0", "x <= 10")
    with pytest.raises(ContradictionError, match="no value"):
        bounds(known, x & y)


@pytest.mark.parametrize(
    ("stated_", "asked", "expected"),
    [
        ([], "8 * x + 3", (8, 3)),
        ([], "x", (1, 0)),
        (["x % 8 == 0"], "x + 3", (8, 3)),
        (["x % 8 == 0"], "x // 8 * 8 - x", (0, 0)),
        (["x % 6 == 2", "y % 4 == 1"], "x + y", (2, 1)),
        (["x == 2 * y"], "x + 1", (2, 1)),
        (["(x + 3) % 5 == 1"], "x", (5, 3)),
        (["3 * x % 7 == 2"], "x", (7, 3)),
        (["-x % 4 == 1"], "x", (4, 3)),
        (["x == 12"], "x", (0, 12)),
    ],
)
def test_congruences(stated_: list[str], asked: str, expected: tuple[int, int]) -> None:
    expr: Any = parse(asked)
    assert congruence(facts(*stated_), expr) == Congruence(*expected)


@given(questions(INTEGRAL))
def test_a_symbol_that_is_there_once_leaves_any_remainder(question: Question) -> None:
    """No congruence is looked for where there can be none."""
    for tree in question.claim.nodes():
        expr = tree.built()
        if isinstance(expr, IntExpr) and _leaves_every_residue(expr, DEPTH):
            assert congruence_with_reasons(Facts(), expr)[0].modulus == 1, str(tree)


def test_negative_moduli_and_odd_coefficients_against_enumeration() -> None:
    for f, k, m, r in itertools.product((1, -1, 3, -5, 2), (0, 4), (4, -6, 7), (0, 1, 2)):
        claim = make("Eq", (f * x + k) % m, r)
        solutions = [v for v in range(-40, 41) if (f * v + k) % m == r]
        if not solutions:
            assert decide(Facts(), claim) is False  # type: ignore[arg-type]
            continue
        known = Facts().given(claim)
        found = congruence(known, x)  # type: ignore[arg-type]
        assert all(found.admits(v) for v in solutions)
        assert found.modulus == solutions[1] - solutions[0]


def test_an_infinity_has_a_range_too() -> None:
    assert ShapeEnv().bounds("int_oo") == R.unknown_int()


def test_long_sums_are_bounded_in_linear_time() -> None:
    from tests.shapes.expr.test_nodes import grows_linearly

    known = Facts()
    total: Any = 0
    for i in range(600):
        known = known.given(symbol(f"n{i}") >= i, symbol(f"n{i}") <= 2 * i)
    sums = {}
    for size in (8, 200, 300, 600):
        total = sum((symbol(f"n{i}") for i in range(1, size)), symbol("n0"))
        sums[size] = total
    assert bounds(known, sums[200]) == R(sum(range(200)), 2 * sum(range(200)))
    known.cache.clear()
    grows_linearly(lambda n: (known.cache.clear(), bounds(known, sums[n])), 300)


# ---- each end with its own facts ----


def _ends(env: ShapeEnv, text: str) -> tuple[set[str], set[str]]:
    found = env.explain_bounds(text)
    return {f.spelled for f in found.lower_reasons}, {f.spelled for f in found.upper_reasons}


def test_each_end_names_what_it_needs() -> None:
    env = ShapeEnv()
    env.size("n", min=1, max=9)
    env.integer("k")
    env.assume("k >= n + 2")
    env.assume("k <= 2*n")
    env.assume("k != 100")
    assert _ends(env, "n") == ({"k >= n + 2", "k <= 2*n"}, {"n <= 9"})
    assert _ends(env, "k")[1] == {"n <= 9", "k <= 2*n"}
    assert _ends(env, "n % 4") == (set(), set())
    assert _ends(env, "Min(n, 20)")[1] == {"n <= 9"}
    assert _ends(env, "-n")[0] == {"n <= 9"}


@pytest.mark.parametrize("number", range(40))
def test_the_facts_of_an_end_are_enough(number: int) -> None:
    """The end holds wherever just these facts do."""
    asked = ask(Seeded(number), INTEGRAL, 2)
    env = ShapeEnv()
    for name in asked.domains:
        (env.boolean if name in INTEGRAL.conditions else env.integer)(name)
    stated = {}
    for tree in asked.facts:
        try:
            env.assume(tree.text())
        except ContradictionError:
            continue
        stated[tree.text()] = tree
    parts = [part for part in asked.claim.nodes() if isinstance(part.built(), IntExpr)]
    for part in parts[:4]:
        try:
            found = env.explain_bounds(part.text())
        except ContradictionError:
            continue
        for reasons, upper in ((found.lower_reasons, False), (found.upper_reasons, True)):
            rows = models([stated[f.spelled] for f in reasons], asked.domains)
            for value in reached(part, rows):
                end = found.range.upper if upper else found.range.lower
                assert value <= end if upper else value >= end, (part, found)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("2*x - 3*y + 1", True),
        ("x//3 + y", True),
        ("5*z - (3*x + 1)//4", True),
        ("(2*x + y)//3 + z", True),
        ("(3*x)//4 + x", False),
        ("(3*x)//4 + (2*x)//5", False),
        ("(2*t)//3 + x", False),
        ("Min(x, y//2) - z", True),
        ("(x % 4)//2 + y", False),
        ("x//3 + x", False),
        ("x//3 + x//2", False),
        ("(2*x) % 4", True),
        ("x*y", False),
        ("x - y//x", False),
        ("t + x", False),
    ],
)
def test_ends_that_are_reached_at_a_glance(text: str, seen: bool) -> None:
    env = ShapeEnv()
    domains = {"x": range(-4, 6), "y": range(1, 8), "z": range(-2, 3), "t": range(3)}
    for name, values in domains.items():
        env.integer(name, min=values[0], max=values[-1])
    env.assume("t*t <= 1")
    e = env.spelled(text).expr
    assert reaches_its_ends(env.facts, e) is seen
    if seen:
        names = [n for n in domains if n in text]
        rows = itertools.product(*(domains[n] for n in names))
        taken = [evaluate(e, dict(zip(names, row))) for row in rows]
        found = bounds(env.facts, e)
        assert (found.lower, found.upper) == (min(taken), max(taken))


def test_sums_at_a_glance_have_the_range_of_the_traversal() -> None:
    rng = random.Random(7)
    seen = 0
    for _ in range(400):
        env = ShapeEnv()
        for name in "xyz":
            low = rng.choice((-int_oo, rng.randrange(-6, 3)))
            env.integer(name, min=low, max=rng.choice((int_oo, rng.randrange(4, 9))))
        if rng.random() < 0.3:
            env.assume(rng.choice(("x <= y", "x % 2 == 1", "y == z + 1", "x == 3")))
        a, b, c, d = (rng.choice((-3, -2, -1, 1, 2, 5)) for _ in range(4))
        quotient = f"({b}*{rng.choice('xyz')} + {c})//{rng.choice((2, 3, -2, 7))}"
        e = env.spelled(f"{a}*x + {d}*{quotient} - {c} + {rng.choice('xyz')}").expr
        found = at_a_glance(env.facts, e) if type(e) is Sum else None
        if found is not None:
            seen += 1
            assert reaches_its_ends(env.facts, e)
            assert found == traversed(env.facts, env.facts.normalized(e)[0]), e
            assert env.bounds(e) == found
    assert seen > 100
