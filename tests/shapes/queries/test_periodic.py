"""Expressions that repeat themselves: the values at the first and last places are all."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from shapes import parse
from shapes.base.infinity import Bound, int_oo
from shapes.expr.nodes import IntExpr
from shapes.queries.periodic import period, windows
from shapes.traversal.evaluate import evaluate
from tests.bounds_gap import read, stated

SEEN = {
    "x": (1, 1),
    "7": (1, 0),
    "x//2 - x//3": (6, Fraction(1, 6)),
    "x - 4*(x//4)": (4, 0),
    "(x % 12)//3 + x % 3*4": (12, 0),
    "(3*x + 1)//6": (2, Fraction(1, 2)),
    "x//-3": (3, Fraction(-1, 3)),
    "Max(x % 4, 2) - x": (4, -1),
    "Where(x % 3 == 1, 5, x % 6)": (6, 0),
    "x & 3": (4, 0),
    "Max(x, 3)": None,
    "x*(x % 3)": None,
    "TruncDiv(x, 3)": None,
    "x % 1000": None,
    "(x % 4)*(x % 3)": None,
}


@pytest.mark.parametrize("text", SEEN)
def test_periods(text: str) -> None:
    e = parse(text)
    assert period(e) == SEEN[text]
    found = period(e)
    if found is not None:
        length, slope = found
        for x in range(-length - 3, length + 3):
            grown = evaluate(e, {"x": x + length}) - evaluate(e, {"x": x})
            assert grown == slope * length


def test_both_ends_are_in_the_windows() -> None:
    draw = random.Random(2)
    forms = (
        "x//{} - x//{}", "{}*x - {}*(x//{})", "x % {} + x//{}", "(x % {})//{} - x",
        "Max(x % {}, {}) + x % {}", "(x + {})//{}*{} - x",
    )  # fmt: skip
    for _ in range(150):
        numbers = [draw.randrange(1, 9) for _ in range(3)]
        e = parse(draw.choice(forms).format(*numbers))
        assert isinstance(e, IntExpr)
        low = draw.randrange(-40, 40)
        high = low + draw.randrange(90, 400)
        found = windows(e, low, high)
        if found is None:
            continue
        values = [evaluate(e, {"x": x}) for x in range(low, high + 1)]
        seen = [evaluate(e, {"x": x}) for places in found[0] for x in places]
        assert (min(seen), max(seen)) == (min(values), max(values)), str(e)


ENDS: dict[str, tuple[Bound, Bound]] = {
    "x in 9.. |- x - 5*(x//7) - x % 12": (-5, int_oo),
    "x in ..16 |- 5*(x//4 + x % 7*6)": (-int_oo, 195),
    "x |- (x % 12)//3 + x % 3*4": (0, 11),
    "x in 5..100000; y in 0.. |- x - x//2 - x//3 + y % 7": (1, 16673),
    "x in 0..200; y in 0..200 |- 2*(((x % 4096)//3) % 7 - x % 100) + y": (-192, 210),
}


@pytest.mark.parametrize("line", ENDS)
def test_ends_without_a_box(line: str) -> None:
    asked = read("periodic", line)
    found = stated(asked).bounds(asked.expression)
    assert (found.lower, found.upper) == ENDS[line]
