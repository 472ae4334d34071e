"""The direct walk over plain sizes says what the one traversal says, and excludes no value."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping

import pytest
from hypothesis import given

from shapes.base.infinity import IntInfinity, int_oo
from shapes.domains import ValueRanges
from shapes.errors import ContradictionError
from shapes.expr.nodes import Expr, IntAtom, IntExpr, Sum, View, make, symbol
from shapes.expr.remainders import may_hide_remainder, parts
from shapes.facts import intervals
from shapes.facts.intervals import DEPTH, interval, traversed
from shapes.facts.store import Facts
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import walk
from tests.fuzz import stated
from tests.shapes.facts.test_store import facts
from tests.strategies import DIVISIONS, FEW, HUGE, INTEGRAL, PLAIN, Question, questions

NAMES = "wxyz"
SYMBOLS = [symbol(n) for n in NAMES]
x, y = SYMBOLS[1], SYMBOLS[2]

ENDS = [
    ("w >= 1", "w <= 5", "x >= -3", "x <= 4", "y >= 0", "z <= 2"),
    ("w >= 2", "x >= 0", "y >= 1", "y <= 1", "z >= -4", "z <= -1"),
    (),
]
FURTHER = [
    (),
    ("x - y <= 2", "2 * w + z >= 0"),
    ("w % 4 == 2", "x % 3 == 1"),
    ("x // 2 <= 1", "Max(w, x) <= 7", "w * y <= 12", "x % 4 <= 2"),
    ("w == 2 * y + 1",),
]


def of_plain(known: Facts, e: Expr) -> tuple[object, object]:
    """The direct answer and the traversal's, each on facts of which nothing was asked yet; a
    contradiction is an answer."""
    normal = known.normalized(e)[0]
    answers: list[object] = []
    for ask in (interval, traversed):
        try:
            answers.append(ask(known.copied(), normal))
        except ContradictionError:
            answers.append("impossible")
    return answers[0], answers[1]


def size(rng: random.Random, depth: int) -> Expr:
    """A linear combination of symbols, and of divisions, remainders, minima, maxima and
    products of such."""
    total = make("Add", rng.randrange(-9, 10), 0)
    for _ in range(rng.randrange(1, 4)):
        shape = rng.randrange(8) if depth else 0
        term: Expr = rng.choice(SYMBOLS)
        if shape in (1, 2):
            term = size(rng, depth - 1) // rng.choice((2, 3, 4, 6, 12, -2, -5))
        elif shape in (3, 4):
            term = size(rng, depth - 1) % rng.choice((2, 3, 4, 6, 12, -2, -5))
        elif shape == 5:
            operands = [size(rng, depth - 1) for _ in range(rng.randrange(2, 4))]
            term = make(rng.choice(("Min", "Max")), *operands)
        elif shape == 6:
            term = term * (size(rng, depth - 1) // rng.randrange(2, 5))
        elif shape == 7:
            term = term * rng.choice(SYMBOLS)
        total = total + rng.choice((1, 1, -1, 2, -3, 4, 12)) * term
    return total


@pytest.mark.parametrize("further", FURTHER, ids=str)
@pytest.mark.parametrize("ends", ENDS, ids=str)
def test_plain_sizes_are_answered_alike(
    ends: tuple[str, ...], further: tuple[str, ...]
) -> None:
    known = facts(*ends, *further)
    rng = random.Random(str((ends, further)))
    for _ in range(500):
        e = size(rng, rng.randrange(4))
        direct, general = of_plain(known, e)
        assert direct == general, e


@given(questions(INTEGRAL))
def test_anything_is_answered_alike(question: Question) -> None:
    alike(question)


@given(questions(PLAIN))
def test_integers_are_answered_alike(question: Question) -> None:
    alike(question)


@given(questions(HUGE))
def test_huge_integers_are_answered_alike(question: Question) -> None:
    alike(question)


@given(questions(DIVISIONS))
def test_divisors_that_are_symbols_are_answered_alike(question: Question) -> None:
    alike(question)


@given(questions(FEW))
def test_floats_and_conditions_are_answered_alike(question: Question) -> None:
    alike(question)


def alike(question: Question) -> None:
    try:
        learned = stated(question)
    except ContradictionError:
        return
    for tree in question.claim.nodes():
        direct, general = of_plain(learned, tree.built())
        assert direct == general, (str(question), str(tree))


def values(e: Expr, domains: Mapping[str, range]) -> list[int]:
    """Every value of an expression over a box."""
    points = itertools.product(*domains.values())
    return [int(evaluate(e, dict(zip(domains, point)))) for point in points]


def test_no_value_of_a_plain_size_is_excluded() -> None:
    domains = {"w": range(1, 4), "x": range(-3, 3), "y": range(4), "z": range(-2, 1)}
    known = facts(
        *(f"{n} >= {box[0]}" for n, box in domains.items()),
        *(f"{n} <= {box[-1]}" for n, box in domains.items()),
    )
    rng = random.Random(7)
    reached = 0
    for _ in range(300):
        e = size(rng, rng.randrange(3))
        found = interval(known, e)
        met = values(e, domains)
        assert all(value in found for value in met), e
        reached += found == ValueRanges(min(met), max(met))
    assert reached >= 100, "the ranges of most are the hulls of their values"


@pytest.mark.parametrize(
    ("e", "lower", "upper"),
    [
        (7 * x + 5 * y // 3, -21, int_oo),
        (x - 8 * (x // 8), 0, 7),
        (3 * (x // 2) - y, -int_oo, 6),
        (-(x // 2) - (y // 3), -int_oo, 2),
        (x // 3 - 4 * (x // 12), 0, 3),
        (make("Min", x + 1, y, 9), -2, 5),
        (make("Max", x + 1, y // 2), 0, int_oo),
        (x * x * y, 0, int_oo),
        (x * 0, 0, 0),
        ((x + 5) // 2 + y % 4, 1, 7),
        ((4 * y + 3) // -2, -int_oo, -2),
    ],
    ids=str,
)
def test_ends(e: Expr, lower: int | IntInfinity, upper: int | IntInfinity) -> None:
    known = facts("x >= -3", "x <= 4", "y >= 0")
    assert interval(known, e) == ValueRanges(lower, upper) == traversed(known.copied(), e)


def test_what_is_known_of_an_operator_is_met() -> None:
    z = symbol("z")
    known = facts("x >= 0", "x // 3 <= 4", "y * z <= 6", "y * z >= 2", "Min(x, y) >= -1")
    assert interval(known, x // 3) == ValueRanges(0, 4)
    assert interval(known, 2 * (x // 3) + 1) == ValueRanges(1, 9)
    assert interval(known, y * z - 1) == ValueRanges(1, 5)
    assert interval(known, -make("Min", x, y)).upper == 1


def test_facts_that_leave_nothing_are_noticed_by_both() -> None:
    known = facts("(x & y) >= 20", "x >= 0", "y >= 0", "x <= 10")
    assert of_plain(known, (x & y) + 1) == ("impossible", "impossible")
    with pytest.raises(ContradictionError, match="no value for `x & y`"):
        interval(known, (x & y) + 1)


def nested(times: int) -> Expr:
    e = x
    for i in range(times):
        e = (3 * e + y + i) // 2
    return e


@pytest.mark.parametrize("times", [DEPTH - 1, DEPTH, DEPTH + 1, 3 * DEPTH, 2000])
def test_depth_costs_no_recursion_and_no_precision(times: int) -> None:
    known = facts("x >= 1", "x <= 3", "y >= 0", "y <= 2")
    direct, general = of_plain(known, nested(times))
    assert direct == general
    assert isinstance(direct, ValueRanges)
    assert direct.lower >= 1


def test_what_is_kept_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    known = facts("x >= 1", "x <= 30")
    sizes = [(x + i) // 100 + y for i in range(70)]
    before = [interval(known, e) for e in sizes]
    assert len(intervals._ENDS.of(known)) > 60
    monkeypatch.setattr(intervals._ENDS, "limit", 5)
    assert [interval(known, e) for e in sizes] == before
    assert len(intervals._ENDS.of(known)) <= 8


def test_an_answer_belongs_to_its_facts() -> None:
    known = facts("x >= 1", "x <= 9")
    assert interval(known, x // 2 + 1) == ValueRanges(1, 5)
    assert interval(known.given(x <= 3), x // 2 + 1) == ValueRanges(1, 2)
    assert interval(known, x // 2 + 1) == ValueRanges(1, 5)


def test_a_sum_that_can_hide_no_remainder_hides_none() -> None:
    rng = random.Random(3)
    sure = hidden = 0
    for _ in range(3000):
        e = size(rng, rng.randrange(1, 4))
        for node in walk(e):
            if type(node) is not Sum:
                continue
            found = any(isinstance(operand, View) for operand in parts(node)[1])
            hidden += found
            if not may_hide_remainder(node.terms()):
                assert not found, node
                sure += 1
            elif all(alone(atom, c) for atom, c in node.terms().items()):
                raise AssertionError(f"{node}: what stands alone hides nothing")
    assert sure > 1000
    assert hidden > 1000


def alone(atom: IntExpr, c: int) -> bool:
    """What `interval` does not even ask about."""
    return atom.is_symbol or (isinstance(atom, IntAtom) and atom.plain and abs(c) == 1)
