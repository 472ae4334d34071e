"""Regions of two symbols: every cell against all the values in it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given

from shapes.env import ShapeEnv, regions
from shapes.env.regions import Region, region
from shapes.errors import ContradictionError, ExpressionTypeError, RangeError
from tests.oracle import models
from tests.strategies import FEW_INTEGERS, Question, questions


def known() -> ShapeEnv:
    env = ShapeEnv()
    b = env.size("b", min=1, max=64)
    u = env.unbacked("u", size_like=True)
    w = env.unbacked("w", size_like=True)
    env.assume(u <= 4 * b)
    env.check(u + w <= 100)
    return env


def cells(found: Region) -> dict[tuple[int, int], str]:
    """The cell of every pair of values in the window."""
    return {
        pair: found.rows[j][i]
        for j in range(len(found.along))
        for i in range(len(found.across))
        for pair in product(found.across.values(i, i + 1), found.along.values(j, j + 1))
    }


@given(question=questions(FEW_INTEGERS))
def test_against_every_pair_of_values(question: Question) -> None:
    env = ShapeEnv()
    for sym in question.domains:
        env.integer(sym)
    try:
        for fact in question.facts:
            env.assume(fact.text())
    except ContradictionError:
        return
    left: dict[tuple[int, int], set[bool]] = {}
    for row in models(question.facts, question.domains):
        left.setdefault((row["x"], row["y"]), set()).add(question.claim.known(row) is True)
    x, y = question.domains["x"], question.domains["y"]
    for low, high in ((0, 0), (30, 40)):  # (cells of one pair; of several)
        window = (x[0] - low, x[-1] + high, y[0] - low, y[-1] + high)
        with_claim = cells(region(env, "x", "y", question.claim.text(), window=window))
        for pair, truths in left.items():
            assert with_claim[pair] in {"+": "+~", "-": "-~", "~": "~"}[_cell(truths)], pair
        plain = cells(region(env, "x", "y", window=window))
        assert all(plain[pair] == "o" for pair in left)


def _cell(truths: set[bool]) -> str:
    return "~" if len(truths) == 2 else "+" if truths == {True} else "-"


def test_pairs_are_told_apart_where_cells_are_single() -> None:
    found = cells(region(known(), "b", "u", "u < 3*b", window=(1, 20, 0, 40)))
    for (b, u), cell in found.items():
        assert cell == (" " if u > 4 * b else "+" if u < 3 * b else "-"), (b, u)


def test_ranges_are_the_window() -> None:
    found = region(known(), "b", "u")
    assert (found.across.low, found.across.high) == (1, 64)
    assert (found.along.low, found.along.high) == (0, 100)
    assert found.complete
    assert len(found.rows) == len(found.along) <= regions.SIDE
    assert {len(row) for row in found.rows} == {len(found.across)}


def test_open_ends_reach_beyond_what_is_included() -> None:
    env = ShapeEnv()
    env.integer("i")
    env.unbacked("u", size_like=True)
    found = region(env, "i", "u", include={"i": -1000, "u": 5000})
    assert found.across.low < -1000
    assert found.across.high > 0
    assert found.along.low == 0
    assert found.along.high > 5000
    assert region(env, "i", "u").across.low < 0 < region(env, "i", "u").across.high


def test_a_claim_over_others_too() -> None:
    found = cells(region(known(), "b", "u", "w <= 90", window=(1, 64, 0, 47)))
    assert {cell for (_, u), cell in found.items() if u >= 10 and cell != " "} == {"+"}
    assert {cell for (_, u), cell in found.items() if u < 9 and cell != " "} == {"~"}


def test_windows_of_any_size() -> None:
    env = ShapeEnv()
    env.integer("x")
    env.integer("y")
    env.assume("x <= y")
    most = 10**40
    found = region(env, "x", "y", "x < y + 5", window=(-most, most, -most, most))
    assert {cell for row in found.rows for cell in row} == {" ", "+"}
    assert found.across.values(0, 1).start == -most


def test_without_steps_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "STEPS", 10)
    found = region(known(), "b", "u")
    assert not found.complete
    shown = cells(found)
    assert all(shown[b, u] == "o" for b in range(1, 65) for u in range(min(4 * b, 100) + 1))


def test_what_is_refused() -> None:
    env = known()
    with pytest.raises(ExpressionTypeError, match=r"`b \+ 1` is not an integer symbol"):
        region(env, "b + 1", "u")
    with pytest.raises(ExpressionTypeError, match="not a condition"):
        region(env, "b", "u", "w")
    with pytest.raises(RangeError, match="named twice"):
        region(env, "b", "b")
    with pytest.raises(RangeError, match="nothing in the window"):
        region(env, "b", "u", window=(3, 2, 0, 1))


def test_what_is_too_large_to_be_computed_excludes_nothing() -> None:
    env = ShapeEnv()
    env.integer("k", min=0, max=5)
    env.integer("m", min=0, max=5)
    env.assume("2**(k*3000000) >= m")
    claim = "2**(k*3000000) % 7 == 1"
    for pair, cell in cells(region(env, "k", "m", claim, window=(0, 5, 0, 5))).items():
        possible = pair[0] > 0 or pair[1] <= 1
        holds = pow(2, pair[0] * 3_000_000, 7) == 1
        assert cell in (("~+" if holds else "~-") if possible else " "), pair
