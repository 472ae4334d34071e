"""The simplex method against brute force, and its refutations against the rows they sum."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes import symbol
from shapes.arith.certificate import Key
from shapes.arith.constraint import Row
from shapes.arith.simplex import Tableau, weighted

X, Y, Z = (symbol(f"simplex_{name}") for name in "xyz")
KEYS = (X, Y, Z)
BOX = range(-3, 4)
PLENTY = 1_000_000


def row(coefficients: Sequence[int], constant: int, equal: bool = False) -> Row:
    terms: dict[Key, int] = {x: c for x, c in zip(KEYS, coefficients) if c}
    return Row(terms, constant, equal, "leaf")


BOXED = [row([s if x is y else 0 for y in KEYS], -3) for x in KEYS for s in (1, -1)]

rows = st.lists(
    st.builds(
        row,
        st.lists(st.integers(-4, 4), min_size=3, max_size=3),
        st.integers(-12, 12),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def holds(r: Row, values: dict[Key, int]) -> bool:
    total = r.constant + sum(c * values[x] for x, c in r.terms.items())
    return total == 0 if r.equal else total <= 0


def points() -> list[dict[Key, int]]:
    return [dict(zip(KEYS, values)) for values in product(BOX, repeat=3)]


def entered(system: Sequence[Row], steps: int = PLENTY) -> tuple[Tableau, bool]:
    """A tableau, and whether all rows were taken in."""
    tableau = Tableau(steps)
    return tableau, all(map(tableau.add, system))


def checked(refutation: Row | None, system: Sequence[Row]) -> None:
    """A refutation is a sum of rows that were given, impossible by itself."""
    assert refutation is not None
    assert refutation.impossible
    waiting = [refutation]
    while waiting:
        r = waiting.pop()
        if r.leaf == "leaf":
            assert any(r is given for given in system)
            continue
        total: dict[Key, int] = {}
        constant = 0
        for m, part in r.parts:
            assert m > 0 or part.equal
            constant += m * part.constant
            for x, c in part.terms.items():
                total[x] = total.get(x, 0) + m * c
            waiting.append(part)
        assert {x: c for x, c in total.items() if c} == {
            x: c * r.divisor for x, c in r.terms.items()
        }
        assert constant <= r.divisor * r.constant < constant + r.divisor


def integers(tableau: Tableau, depth: int = 60) -> dict[Key, int] | None:
    """An integer point, by branches."""
    if not tableau.solve():
        return None
    at = tableau.branching()
    if at is None:
        return tableau.point()
    assert depth
    key, value, _ = at
    for one in (Row({key: 1}, -value, False), Row({key: -1}, value + 1, False)):
        branch = tableau.copied(PLENTY)
        found = integers(branch, depth - 1) if branch.add(one) else None
        if found is not None:
            return found
    return None


@given(rows)
@settings(max_examples=150, deadline=None)
def test_integer_points_are_found_where_there_are_any(drawn: list[Row]) -> None:
    system = [*BOXED, *drawn]
    expected = any(all(holds(r, p) for r in system) for p in points())
    tableau, fits = entered(system)
    found = integers(tableau) if fits else None
    assert (found is not None) == expected
    if found is not None:
        assert all(holds(r, found) for r in system)


@given(rows)
@settings(max_examples=150, deadline=None)
def test_a_refutation_sums_rows_and_is_right(drawn: list[Row]) -> None:
    system = [*BOXED, *drawn]
    tableau, fits = entered(system)
    if fits and tableau.solve():
        return
    checked(tableau.conflict, system)
    assert not any(all(holds(r, p) for r in system) for p in points())


@given(rows, rows)
@settings(max_examples=100, deadline=None)
def test_rows_that_are_added_later_count_as_if_they_came_first(
    first: list[Row], second: list[Row]
) -> None:
    whole, fits = entered([*BOXED, *first, *second])
    at_once = fits and whole.solve()
    early, fits = entered([*BOXED, *first])
    if not fits or not early.solve():
        assert not at_once
        return
    before = early.point()
    late = early.copied(PLENTY)
    assert (all(map(late.add, second)) and late.solve()) == at_once
    assert early.solve() is True
    assert early.point() == before  # a copy is of its own


def test_the_budget_ends_it() -> None:
    system = [row([3, 5, -2], 1), row([-2, 1, 4], 3), row([-1, -7, 3], 2), *BOXED]
    tableau, fits = entered(system, steps=0)
    assert fits
    assert tableau.solve() is None
    assert tableau.conflict is None


def test_bounds_of_one_direction_meet() -> None:
    """Rows in opposite directions are bounds of one variable: no pivot is needed."""
    system = [row([1, 2, 0], -5), row([-1, -2, 0], 6)]
    tableau, fits = entered(system, steps=0)
    assert not fits
    checked(tableau.conflict, system)


def test_an_equality_takes_part_in_either_direction() -> None:
    system = [row([1, 1, 0], -4, equal=True), row([1, 0, 0], 0), row([0, 1, 0], -3)]
    tableau, fits = entered(system)
    assert fits
    assert tableau.solve() is False
    checked(tableau.conflict, system)
    system[1] = row([-1, 0, 0], 2)
    system[2] = row([0, -1, 0], 3)
    tableau, fits = entered(system)
    assert fits
    assert tableau.solve() is False
    checked(tableau.conflict, system)


def test_rows_are_rounded_when_they_are_taken_in() -> None:
    """``2*x <= 5`` says ``x <= 2``, and ``2*x >= 5`` that ``x >= 3``; ``2*x == 5`` cannot be."""
    system = [row([2, 0, 0], -5), row([-2, 0, 0], 5)]
    tableau, fits = entered(system)
    assert not fits
    checked(tableau.conflict, system)
    assert not Tableau(PLENTY).add(row([2, 0, 0], -5, equal=True))


def test_huge_numbers_are_exact() -> None:
    """``big*x`` is y or y - 1, and y is below big: x is 0, and y is 0 or 1."""
    big = 10**40
    system = [row([big, -1, 0], 0), row([-big, 1, 0], -1), row([0, 1, 0], 1 - big)]
    tableau, _ = entered([*system, row([0, -1, 0], 1)])
    assert integers(tableau) == {X: 0, Y: 1}
    tableau, _ = entered([*system, row([0, -1, 0], 2)])
    assert tableau.solve() is True
    assert integers(tableau) is None


@pytest.mark.parametrize("multipliers", [(1, 1), (2, 3), (7, 2)])
def test_weighted_rows_hold_wherever_their_parts_do(multipliers: tuple[int, int]) -> None:
    parts = row([2, -4, 1], -3), row([1, 2, -3], 5)
    total = weighted(zip(multipliers, parts))
    for p in points():
        if all(holds(r, p) for r in parts):
            assert holds(total, p)
