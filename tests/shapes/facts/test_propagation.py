"""What one statement says of ranges, against enumeration and step by step."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes.base.infinity import int_oo
from shapes.errors import ContradictionError
from shapes.expr.booleans import conjunction
from shapes.expr.nodes import BoolExpr, IntExpr, symbol
from shapes.facts import directions, propagation
from shapes.facts.bounds import bounds, congruence
from shapes.facts.knowledge import NOTHING, Knowledge
from shapes.facts.store import Fact, Facts
from shapes.traversal.evaluate import evaluate
from shapes.traversal.parsing import parse
from tests.builds import interpreted_only

KINDS = {"t": "float", "s": "float", "p": "bool"}


def fact(text: str) -> Fact:
    claim = parse(text, lambda n: symbol(n, KINDS.get(n, "int")))  # type: ignore[arg-type]
    assert isinstance(claim, BoolExpr)
    return Fact(claim, text=text)


def facts(*texts: str) -> Facts:
    return Facts().given(*map(fact, texts))


def ends(known: Facts, text: str) -> tuple[Any, Any]:
    return bounds(known, parse(text)).int_bounds()


# ---- excluded values ----


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (["x >= 0", "x != 0"], (1, int_oo)),
        (["x != 0", "x >= 0"], (1, int_oo)),
        (["x != 1", "x != 0", "x >= 0"], (2, int_oo)),
        (["x != 4", "x >= 0", "x % 4 == 0", "x != 0"], (8, int_oo)),
        (["x != 4", "x != 0", "x % 4 == 0", "x >= 0"], (8, int_oo)),
        (["x != y", "x >= 3", "x - y >= 0"], (3, int_oo)),
        (["2*x != 6", "x <= 3", "x >= 1"], (1, 2)),
    ],
)
def test_excluded_values_move_ends_in_any_order(
    stated: list[str], expected: tuple[Any, Any]
) -> None:
    for order in itertools.permutations(stated):
        assert ends(facts(*order), "x") == expected, order


def test_a_difference_that_is_not_zero_is_strict_in_any_order() -> None:
    for order in itertools.permutations(["x != y", "x <= y"]):
        assert facts(*order).range_of(parse("x - y")) == (-int_oo, -1)  # type: ignore[arg-type]


def test_an_excluded_value_is_named_where_it_moved_an_end() -> None:
    excluded, least, other = map(fact, ("x != 0", "x >= 0", "x != 7"))
    known = Facts().given(excluded, other, least).knowledge(parse("x"))  # type: ignore[arg-type]
    assert set(known.why_lower) == {excluded, least}


def test_many_excluded_values_are_not_all_remembered() -> None:
    known = facts(*(f"x != {i}" for i in range(100)))
    kept = known.knowledge(parse("x")).excluded  # type: ignore[arg-type]
    assert len(kept) == directions.EXCLUDED_LIMIT
    assert all(known.holds(fact(f"x != {i}").claim) for i in range(100))


# ---- operands of what is bounded ----


@pytest.mark.parametrize(
    "atom",
    ["x*x", "x**3", "x**4", "abs(x)", "abs(2*x - 1)", "TruncDiv(x, 3)", "x // 3", "TruncDiv(2*x, 5)"],
)  # fmt: skip
def test_operands_lie_where_the_ends_leave_them(atom: str) -> None:
    e = parse(atom)
    x = symbol("x")

    image = {v: evaluate(e, {x: v}) for v in range(-12, 13)}
    for low, high in itertools.product(range(-9, 20, 2), range(-9, 20, 2)):
        left = [v for v, value in image.items() if low <= value <= high]
        outside = max(abs(low), abs(high)) > 64
        try:
            known = facts(f"{atom} >= {low}", f"{atom} <= {high}")
        except ContradictionError:
            assert not left
            continue
        lower, upper = known.range_of(x)  # type: ignore[arg-type]
        assert outside or all(lower <= v <= upper for v in left)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (["x*x <= 99"], (-9, 9)),
        (["x**3 <= 30", "x**3 >= -30"], (-3, 3)),
        (["x**3 >= 9"], (3, int_oo)),
        (["abs(x) <= 4"], (-4, 4)),
        (["TruncDiv(x, 4) >= 1", "TruncDiv(x, 4) <= 2"], (4, 11)),
        (["TruncDiv(x, 4) == 0"], (-3, 3)),
        (["TruncDiv(x, 4) == -2"], (-11, -8)),
        (["x*x + y*y <= 10"], (-3, 3)),
        (["abs(x) + y <= 5", "y >= 2"], (-3, 3)),
        (["x**2 <= 10**40"], (-(10**20), 10**20)),
        (["x**3 <= 10**60 - 1"], (-int_oo, 10**20 - 1)),
    ],
)
def test_roots_sizes_and_quotients(stated: list[str], expected: tuple[Any, Any]) -> None:
    assert ends(facts(*stated), "x") == expected


@pytest.mark.parametrize("text", ["x*x == 2", "x**3 == 9", "x**4 == 82", "x*x <= -1"])
def test_what_is_no_power_is_refused(text: str) -> None:
    with pytest.raises(ContradictionError):
        facts(text)


# ---- comparisons of doubles ----


@pytest.mark.parametrize(
    ("stated", "refused"),
    [
        (["t == t"], "not t <= t"),
        (["t <= s"], "s < t"),
        (["s < t"], "t <= s"),
        (["t == s"], "t < s"),
        (["t < s"], "t == s"),
        (["t <= s", "s <= t"], "not s <= t"),
        (["t <= 2.5", "s <= s"], "not t <= 2.5"),
        ([], "t < t"),
    ],
)
def test_orders_of_doubles_exclude_each_other(stated: list[str], refused: str) -> None:
    with pytest.raises(ContradictionError):
        facts(*stated, refused)


@pytest.mark.parametrize(
    "stated",
    [
        ["not t <= t"],
        ["not t <= s", "not s < t"],
        ["not t == t", "t != s"],
        ["t <= s", "s <= t", "t == s"],
    ],
)
def test_nan_is_in_no_order(stated: list[str]) -> None:
    assert len(facts(*stated)) == len(stated)


# ---- budgets ----


def test_ends_that_creep_are_followed_for_a_few_moves() -> None:
    """Sound all the same: what is said is true of what the facts leave (nothing, here)."""
    known = Facts()
    for text in ("x >= 0", "y >= 0", "x <= 10**9", "y <= 10**9", "x <= y - 1"):
        known = known.given(fact(text))
    learned = known.extended(fact("y <= x - 1"))
    if isinstance(learned, Facts):
        lower, upper = learned.range_of(symbol("x"))  # type: ignore[arg-type]
        assert 0 <= lower <= 3 * directions.MOVES
        assert upper >= 10**9 - 3 * directions.MOVES


def test_slow_convergence_is_bounded_and_sound() -> None:
    known = facts(
        "x >= 0", "y >= 0", "x <= 10**9", "y <= 10**9", "2*x <= y + 1", "2*y <= x + 1"
    )
    for name in ("x", "y"):
        lower, upper = ends(known, name)
        assert lower == 0
        assert upper >= 1


@interpreted_only
def test_a_statement_spreads_within_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    original = propagation.Learner._narrow_atoms

    def narrow(self: propagation.Learner, d: Any) -> None:
        nonlocal steps
        steps += 1
        original(self, d)

    monkeypatch.setattr(propagation.Learner, "_narrow_atoms", narrow)
    known = facts(*(f"u{i} <= u{i + 1}" for i in range(600)))
    steps = 0
    known.given(fact("u600 <= 7"))
    assert 0 < steps <= propagation.PROPAGATION_STEPS


def test_facts_that_are_refused_are_named_without_being_explained() -> None:
    first, second, third = map(fact, ("x >= 3", "y >= 0", "x <= 2"))
    known = Facts().given(first, second)
    found = known.extended(third)
    assert not isinstance(found, Facts)
    assert set(found) | {third} >= {first, third}
    assert second not in found
    assert list(known) == [first, second]
    assert Knowledge() == NOTHING


# ---- orders and equalities of two symbols, against the way of all other statements ----

NAMES = ("x", "y", "z", "w")
STATEMENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["{0} <= {1} + {2}", "{0} < {1} + {2}", "{0} >= {1} + {2}", "{0} == {1} + {2}",
             "{0} + {1} == {2}", "{0} - {1} <= {2}", "{0} != {1} + {2}", "{0} >= {2}",
             "{0} <= {2}", "{0} == {2}", "{0} != {2}", "{0} % 3 == 1", "2*{0} <= {1} + {2}",
             "Max({0}, {1}) <= {2}", "{0} // 2 <= {1}", "abs({0}) + {1} <= {2}",
             "{0} <= {1} and {0} >= {2}", "{0} == {1} or {0} <= {2}"]
        ),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.integers(-3, 6),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip
Statements = list[tuple[str, str, str, int]]


def told(statements: Statements, backed: int, quick: bool) -> list[object]:
    """What facts know after the statements; culprits where one was refused.

    The quick ways are not taken for a part of a conjunction, nor for an equality where some
    sum is said not to have some value.
    """
    known = Facts()
    known.has_disequalities = not quick
    for place, name in enumerate(NAMES):
        known = known.declaring(symbol(name), place < backed, place)
    notes: list[object] = []
    symbols = [symbol(name) for name in NAMES]
    for number, (form, x, y, k) in enumerate(statements):
        stated = fact(form.format(x, y, k))
        claim = stated.claim
        if not quick:
            claim = conjunction(claim, symbol(f"beside{number}", "bool"))
        try:
            known = known.given(Fact(claim, text=f"{number}: {stated.text}"))
        except ContradictionError as error:
            notes.append([culprit.spelled for culprit in error.culprits])
    for a in symbols:
        assert isinstance(a, IntExpr)
        normal, why = known.normalized(a)
        notes.append((normal, sorted(f.spelled for f in why)))
        notes.append((bounds(known, a), congruence(known, a)))
        notes.append(known.relations_about(a))
        for d in (a, *known.relations_about(a)):
            kept = known.knowledge(d)
            notes.append((kept.lower, kept.upper, kept.congruence, dict(kept.excluded).keys()))
            notes.append(sorted(f.spelled for f in kept.why_lower))
            notes.append(sorted(f.spelled for f in kept.why_upper))
    return notes


@given(STATEMENTS, st.integers(0, 4))
def test_the_quick_ways_learn_what_the_long_way_learns(
    statements: Statements, backed: int
) -> None:
    assert told(statements, backed, quick=True) == told(statements, backed, quick=False)


@given(STATEMENTS)
def test_equalities_keep_every_value_and_add_none(statements: Statements) -> None:
    """Where two symbols are made one, they are equal for all values that satisfy the facts,
    and only those facts are named that make them equal."""
    known = Facts()
    for form, x, y, k in statements:
        learned = known.extended(fact(form.format(x, y, k)))
        known = learned if isinstance(learned, Facts) else known
    symbols = [symbol(name) for name in NAMES]
    claims = [f.claim for f in known]
    for values in itertools.product(range(-2, 4), repeat=len(NAMES)):
        point = dict(zip(symbols, values))
        if not all(evaluate(claim, point) for claim in claims):
            continue
        for a in symbols:
            assert evaluate(known.normalized(a)[0], point) == point[a]
            lower, upper = bounds(known, a).int_bounds()
            assert lower <= point[a] <= upper


def test_products_that_bound_each_other_do_not_grow_without_end() -> None:
    """Each move doubles the digits of an end; from some size on nothing is derived."""
    names = {name: symbol(name) for name in "pq"}
    facts = Facts().given(*(parse(text, names) for text in ("p <= 1", "q >= 0", "p*q < Min(p, q)")))
    for name in names.values():
        known = facts.knowledge(name)
        for end in (known.lower, known.upper):
            assert end in (int_oo, -int_oo) or abs(end) < directions.FAR
