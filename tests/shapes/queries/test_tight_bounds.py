"""Bounds and congruences as tight as the prover shows: enumeration is the judge."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable
from contextlib import suppress
from math import gcd
from typing import Any

import pytest

from shapes import ContradictionError, ShapeEnv, int_oo
from shapes.base.budget import remaining, spend
from shapes.base.infinity import Bound
from shapes.expr.booleans import less_equal
from shapes.expr.nodes import TRUE, BoolExpr, IntExpr, constant
from shapes.facts.bounds import bounds
from shapes.facts.polynomial_bounds import (
    factored_bounds,
    polynomial_bounds,
    why_factored_bounds,
    why_polynomial_bounds,
)
from shapes.facts.relational_bounds import implied_bounds
from shapes.facts.store import Fact, Facts, Reasons
from shapes.facts.verdict import Status, Verdict
from shapes.prove.ladder import prove
from shapes.queries import exact_bounds
from shapes.queries import tight_bounds as tight
from shapes.queries import tight_residues as residues
from shapes.queries.sharpening import Ends, Sharpened
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.witness.extremes import Extremes
from tests.bounds_gap import KINDS, at_random, enumerated, main, read, stated

LINES = [(kind, line) for kind, lines in KINDS.items() for line in lines]


@pytest.mark.parametrize(("kind", "line"), LINES, ids=[line for _, line in LINES])
def test_every_kind_is_exact(kind: str, line: str) -> None:
    asked = read(kind, line)
    values = enumerated(asked)
    env = stated(asked)
    found = env.bounds(asked.expression)
    if values is None:
        return
    assert (found.lower, found.upper) == (values[0], values[-1])
    modulus, residue = env.congruence(asked.expression)
    assert modulus == gcd(*(v - values[0] for v in values))
    assert (values[0] - residue) % modulus == 0 if modulus else values[0] == residue


UNBOUNDED: dict[str, tuple[Bound, Bound]] = {
    "p in 0..; n in 1..16 |- p % (8*n) // 8": (0, 15),
    "p in 0..; n in 1..16 |- p % (3*n) // 3": (0, 15),
    "a in 1.. |- a - a//2": (1, int_oo),
    "a in 6.. |- a - 5 % a": (1, int_oo),
    "a in 1..; b in 0.. |- (b - 5) % a - a": (-int_oo, -1),
    "a, b in 1.. |- b - Max(b - a, 0)": (1, int_oo),
    "Max(a, 2) >= 6 |- a": (6, int_oo),
    "a, b in 1..; Min(a, b) == b - Min(b, 2) |- b": (3, int_oo),
    "Max(d, a) == b + 3 |- d - b": (-int_oo, 3),
    "x |- (x % 16)//4*8 + x % 4": (0, 27),
    "x |- (x % 2 + 5)//2": (2, 3),
    "x in 1.. |- 3 % x": (0, 3),
    "x in 0.. |- x - Min(x, 2)": (0, int_oo),
    "x in 0.. |- x - x//2": (0, int_oo),
    "x in 0.. |- x - Where(x > 4, 4, x)": (0, int_oo),
    "x, y in 1.. |- x*y - x": (0, int_oo),
    "x in 2..; y in 3.. |- x*y + x": (8, int_oo),
    "r, a in 0..; r < a + 2 |- r//(a + 2)": (0, 0),
    "a |- (a*10) % 9": (0, 8),
    "x in 0..; n in 1..; x < n*8 |- x//n": (0, 7),
    "x, y in 0..; 3*x + 5*y <= 37 |- x + y": (0, 12),
    "p: bool; x; Implies(p, x >= 4); Implies(not p, x >= 6) |- x": (4, int_oo),
    "x; y; z; abs(x - y) <= 1; abs(y - z) <= 1 |- abs(x - z)": (0, 2),
    "x; y; 7*x - 6*y == -3 |- x % 12": (3, 9),
    "b in 1..; d |- b*(d//12)*36 - 3*b*d": (-int_oo, 0),
    "b in 1..; d |- b*(d//16)*16 - b*d + 7": (-int_oo, 7),
    "b, s, h in 1..; n; b*s*h == n |- n % (s*s)": (0, int_oo),
    "s in 0..4; x; x % 8 == 0 |- x % 2**s": (0, 8),
    "s in 0..3; x; x % 20 == 0 |- x % 2**s": (0, 4),
    "b in 1..8; m, t in 0..; t <= b*m; m <= 128 |- t": (0, 1024),
    "b in 2..5; x in 0..; x <= 100 |- x//b": (0, 50),
    "b in -2..3; x; x >= 5; x <= 100; b != 0 |- x//b": (-100, 100),
    "x in 0.. |- x - 2*(x//4)": (0, int_oo),
    "x, y in 0.. |- abs(x - y) - x + y": (0, int_oo),
    "x in 1..1000; y in -500..500; z in 1..1000; 5 <= CeilDiv(z, 2) - y |- (8 - y)//Max(x - x//2, 1)": (-487, 508),
    "x, y in 0..; abs(x) - y == y*2 |- x - 3*y": (0, 0),
    "x, y in 0..; y <= x; Min(x, y) <= 9 |- Max(y, 2) % 16": (2, 9),
    "x |- (x - 5)*(x - 9)": (-4, int_oo),
    "x in 0.. |- x*x - 7*x": (-12, int_oo),
    "x in 0..; y in ..8 |- x*x + y*y - 4*x*y": (-192, int_oo),
    "x in -500..100000; y; x <= y |- x*y - y*y": (-int_oo, 62500),
    "x in 0..99; y in 0..99; x >= y |- x*x - y*y": (0, 9801),
    "x, y in 1.. |- (x % 7)*(y % 6)": (0, 30),
    "x, y in 0.. |- (x % 9 + 9)*(y - 4)": (-68, int_oo),
    "x, y in 1.. |- y*(x//16) - y*x//5": (-int_oo, 0),
    "x in 6..; y in 7.. |- x*(y//11)*8 - x*y": (-int_oo, -18),
    "x in -500..4095; y in 1..100000 |- x*(y//5) - x*y": (-327600000, 40000000),
    "x, y in 8..; x//29 == y//2 |- x - y": (107, int_oo),
    "x in ..21; y in 9..; Max(x, y) - Min(x, y) <= 4 |- x + y": (14, 46),
    "x in 0..4095; y in 0..1000; x % 4 == y % 6; x != y |- x + y": (4, 5094),
    "x in 0..; CeilDiv(x, 8)*7 == x |- x": (0, 49),
}


OPEN_CONGRUENCES = {
    "x, y in 0..; abs(x) - y == y*2 |- x": (3, 0),
    "x, y in 0..; abs(x) - y == y*2 |- x*(x + y)": (12, 0),
    "x, y in 0..; Max(x, 0) == 6*y + 4 |- x//2": (3, 2),
    "x, y, z in 0..; y <= z; Min(y, z) == x*2 |- y + 1": (2, 1),
    "x, y, z in 0..; Min(y, z) == x*2 |- y + 1": (1, 0),
    "p: bool; x; y; not p; Where(p, x, y) == 4*x |- y": (4, 0),
    "x in 1..; y in -500..40; 2*x + 5 == y*9 |- x": (9, 2),
    "x in 0..4095; TruncMod(x, 9) == 4 |- x": (9, 4),
    "x in 9..; TruncDiv(x, 36)*40 == x |- x": (40, 0),
    "x, y in 1..; x % 2 == y % 2 |- x*x - y*y": (4, 0),
    "x, y in 1..; x % 2 == y % 3 |- x*x - y*y": (1, 0),
    "x, y in 0..; x % 2 == 1; y % 2 == 1 |- x*x + y*y": (8, 2),
    "x in -60..200; y in 1..; x % (4*y) == 0 |- x//y": (4, 0),
    "x in -60..200; y in 1..; x % (3*y) == 0 |- x//(2*y)": (1, 0),
}


@pytest.mark.parametrize("line", OPEN_CONGRUENCES)
def test_congruences_without_a_box(line: str) -> None:
    asked = read("unbounded", line)
    assert tuple(stated(asked).congruence(asked.expression)) == OPEN_CONGRUENCES[line]


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_operands_and_decided_choices_make_nothing_too_narrow(start: int) -> None:
    """What is derived holds wherever the facts do and the expression has a value."""
    for asked in at_random(20, 7000 + start):
        values = enumerated(asked)
        if not values:
            continue
        try:
            env = stated(asked)
        except ContradictionError:
            continue
        e, defined = env.spelled(asked.expression)
        if not isinstance(e, IntExpr):
            continue
        facts = tight.having(env.facts, defined, lambda known: known)
        known = Sharpened(facts)
        known.decide_choices(facts.connected(e))
        known.bound_operands(e, lambda x, facts=facts: _ends_of(facts, x))
        narrowed = bounds(known.facts, known.facts.normalized(e)[0])
        assert values[0] in narrowed, asked
        assert values[-1] in narrowed, asked
        assert all(fact in facts for fact in known.stated(Reasons(known.facts)))


def _ends_of(facts: Facts, e: IntExpr) -> Ends:
    lower, upper = tight.tight_bounds(facts, e).range.int_bounds()
    return (lower, Reasons(facts)), (upper, Reasons(facts))


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_implied_bounds_contain_what_is_reached(start: int) -> None:
    """Sums of quotients, minima and absolute values beside what they are made of."""
    forms = (
        "x//2", "x//3", "(x + y)//4", "Min(x, y)", "Max(x, y + 1)", "abs(x - y)",
        "(2*x + 1)//3", "x", "y", "y//2",
    )  # fmt: skip
    tighter = 0
    for seed in range(start, start + 100):
        draw = random.Random(seed)
        chosen = draw.sample(forms, draw.choice((2, 3, 4)))
        text = " + ".join(f"{draw.choice((-5, -3, -2, -1, 1, 2, 3))}*({f})" for f in chosen)
        lows = [draw.randint(-6, 6) for _ in "xy"]
        boxes = [range(low, low + draw.randint(1, 9)) for low in lows]
        env = ShapeEnv()
        for name, box in zip("xy", boxes):
            env.integer(name, min=box[0], max=box[-1])
        e = env.spelled(text).expr
        if not isinstance(e, IntExpr):
            continue
        lower, upper = implied_bounds(env.facts, e)
        values = [evaluate(e, {"x": x, "y": y}) for x, y in itertools.product(*boxes)]
        assert lower.value <= min(values), text
        assert max(values) <= upper.value, text
        plain = bounds(env.facts, e)
        tighter += lower.value > plain.lower or upper.value < plain.upper
        for end, sign in ((lower, -1), (upper, 1)):
            known = Facts().given(*end.reasons)  # and what it rests on is enough
            if isinstance(end.value, int):
                again = implied_bounds(known, e)[sign > 0].value
                assert sign * again <= sign * end.value
    assert tighter



@pytest.mark.parametrize("line", UNBOUNDED)
def test_ends_that_are_proved_without_a_box(line: str) -> None:
    asked = read("unbounded", line)
    env = stated(asked)
    found = env.bounds(asked.expression)
    assert (found.lower, found.upper) == UNBOUNDED[line]
    e = env.spelled(asked.expression).expr
    assert isinstance(e, IntExpr)
    for claim, end in (
        (lambda n: less_equal(e, constant(n)), found.upper),
        (lambda n: less_equal(constant(-n), e), -found.lower),  # type: ignore[operator]
    ):
        if isinstance(end, int):  # it holds, and nothing smaller does
            assert prove(env.facts, claim(end)).status is Status.ALWAYS
            assert prove(env.facts, claim(end - 1)).status is not Status.ALWAYS


@pytest.mark.parametrize("start", range(0, 120, 20))
def test_random_sums_are_exact(start: int) -> None:
    """Over a few values nothing is missed."""
    for asked in at_random(20, start):
        values = enumerated(asked)
        try:
            env = stated(asked)
            found = env.bounds(asked.expression)
        except ContradictionError:
            assert not values
            continue
        if not values:
            continue
        assert found.lower <= values[0], str(asked)
        assert found.upper >= values[-1], str(asked)
        if len(asked.symbols) < 3:
            assert (found.lower, found.upper) == (values[0], values[-1]), str(asked)
        assert all(map(env.congruence(asked.expression).admits, values)), str(asked)


@pytest.mark.parametrize(
    ("line", "below", "above"),
    [
        ("a >= 1; a <= 9; b == b |- a - a//2", {"a >= 1"}, {"a <= 9"}),
        (
            "x >= 0; y >= 3; x <= y; y <= 7 |- x//2 + y",
            {"x >= 0", "y >= 3"},
            {"y <= 7", "x <= y"},
        ),
        ("Max(a, 2) >= 6; a <= 90 |- a", {"Max(a, 2) >= 6"}, {"a <= 90"}),
        ("a >= 1; b >= 1; a <= 4095; b <= 4095 |- 2048*(a + b) - a*b", None, None),
        ("b >= 1; b <= 8; t <= b*m; m >= 0; m <= 128; z <= 4 |- t - 3", set(), None),
        ("b >= 1; b <= 8; x >= 9; x <= 90; z <= 4 |- x//b + b", None, None),
    ],
)
def test_each_end_rests_on_facts(
    line: str, below: set[str] | None, above: set[str] | None
) -> None:
    asked = read("reasons", line)
    env = stated(asked)
    found = env.explain_bounds(asked.expression)
    assert found.range == env.bounds(asked.expression)
    ends = [
        {fact.spelled for fact in reasons}
        for reasons in (found.lower_reasons, found.upper_reasons)
    ]
    for names, wanted, upper in zip(ends, (below, above), (False, True)):
        if wanted is not None:
            assert names == wanted
        alone = ShapeEnv()
        for name, _ in asked.symbols:
            alone.integer(name)
        for name in names:
            alone.assume(name)
        own = alone.bounds(asked.expression)
        assert own.upper <= found.range.upper if upper else own.lower >= found.range.lower


def test_vertices_of_multilinear_forms() -> None:
    draw = random.Random(5)
    for _ in range(300):
        env = ShapeEnv()
        names = "xyz"[: draw.choice((2, 2, 3))]
        domains = []
        for name in names:
            low = draw.randrange(-4, 4)
            domains.append(range(low, low + draw.randrange(1, 5)))
            env.integer(name, min=low, max=domains[-1][-1])
        subsets = [s for n in (1, 2, 3) for s in itertools.combinations(names, n)]
        text = " + ".join(
            f"{draw.randrange(-3, 4)}*{'*'.join(draw.choice(subsets))}" for _ in range(3)
        )
        e = env.spelled(text).expr
        assert isinstance(e, IntExpr)
        values = [evaluate(e, dict(zip(names, row))) for row in itertools.product(*domains)]
        lower, upper = polynomial_bounds(env.facts, e)
        if (lower, upper) != (-int_oo, int_oo):
            assert (lower, upper) == (min(values), max(values)), text
            assert why_polynomial_bounds(env.facts, e) <= set(env.facts)


def test_polynomials_over_open_boxes() -> None:
    """No value on a part of the box is outside of the ends."""
    draw = random.Random(8)
    narrow = 0
    for _ in range(250):
        env = ShapeEnv()
        domains = []
        for name in "xy":
            low = draw.randrange(-6, 5)
            ends = draw.choice(((low, low + 6), (low, int_oo), (-int_oo, low)))
            env.integer(name, min=ends[0], max=ends[1])
            first = low - 14 if ends[0] == -int_oo else low
            domains.append(range(first, low + (1 if ends[1] == low else 15)))
        if draw.random() < 0.3:
            with suppress(ContradictionError):
                env.assume(f"x <= y + {draw.randrange(-2, 12)}")
        parts = ("x", "y", "x % 3", "y % 4", "x//3", "(x - 4)", "(y + 2)", "(x*y)//5")
        text = " + ".join(
            f"{draw.randrange(-3, 4)}*{draw.choice(parts)}*{draw.choice(parts)}"
            for _ in range(draw.choice((1, 2, 3)))
        )
        e = env.spelled(text).expr
        assert isinstance(e, IntExpr)
        lower, upper = polynomial_bounds(env.facts, e)
        narrow += (lower, upper) != (-int_oo, int_oo)
        for row in itertools.product(*domains):
            values = dict(zip("xy", row))
            if all(evaluate(fact.claim, values) for fact in env.facts):
                assert lower <= evaluate(e, values) <= upper, (text, row)
        alone = Facts().given(*why_polynomial_bounds(env.facts, e))
        low, high = polynomial_bounds(alone, e)
        assert lower <= low
        assert high <= upper
    assert narrow > 100


def test_polynomials_with_remainders_by_symbols() -> None:
    """Products of remainders, which normal forms multiply out, are read again as such."""
    draw = random.Random(9)
    narrow = 0
    parts = ("x", "w", "x % w", "y % w", "x//w", "y % (2*w)", "(x % w + 1)", "y//w % v", "y % (v*w)")
    for _ in range(200):
        env = ShapeEnv()
        env.integer("x", min=draw.choice((0, -3, -int_oo)))
        env.integer("y", min=0)
        divisors = draw.choice((range(1, 5), range(-3, 0), range(-2, 3)))
        env.integer("w", min=divisors[0], max=divisors[-1])
        env.integer("v", min=1, max=3)
        text = " + ".join(
            f"{draw.randrange(-3, 4)}*{draw.choice(parts)}*{draw.choice(parts)}"
            for _ in range(draw.choice((1, 1, 2)))
        )
        e = env.spelled(text).expr
        assert isinstance(e, IntExpr)
        lower, upper = polynomial_bounds(env.facts, e)
        narrow += (lower, upper) != (-int_oo, int_oo)
        for row in itertools.product(range(10), range(0, 25, 2), divisors, (1, 2, 3)):
            if row[2]:
                assert lower <= evaluate(e, dict(zip("xywv", row))) <= upper, (text, row)
    assert narrow > 30


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("(f % w)*(g % v)", (0, 63 * 31)),
        ("(f % w + 1)*(g % v + 1)", (1, 64 * 32)),
        ("(f % w)*s + 3", (3, 63 * 8 + 3)),
        ("(f//w % v)*t + (f % w)*s", (0, 31 * 9 + 63 * 8)),
        ("(f % (w*v))*s", (0, (64 * 32 - 1) * 8)),
    ],
)
def test_strides_times_remainders(text: str, ends: tuple[int, int]) -> None:
    env = ShapeEnv()
    for name, (low, high) in {
        "f": (0, int_oo), "g": (0, int_oo), "w": (1, 64), "v": (1, 32), "s": (1, 8), "t": (0, 9),
    }.items():  # fmt: skip
        env.integer(name, min=low, max=high)
    found = env.bounds(text)
    assert (found.lower, found.upper) == ends


def test_remainders_by_symbols_in_each_other() -> None:
    """A quotient may fall away with the one whose numerator it is in."""
    env = ShapeEnv()
    env.integer("c", min=2, max=10)
    env.integer("n", min=1, max=9)
    for text in ("c*(n//c//c) - n//c + c*n", "c*n + c*(n//c//c) - n//c", "c*n - n//c % c"):
        e = env.spelled(text).expr
        assert isinstance(e, IntExpr)
        values = [c * n - n // c % c for c in range(2, 11) for n in range(1, 10)]
        lower, upper = polynomial_bounds(env.facts, e)
        assert lower <= min(values)
        assert max(values) <= upper


def test_factors_that_all_terms_have() -> None:
    """The ends hold all values, and the facts that are named show them."""
    draw = random.Random(6)
    found = 0
    for _ in range(200):
        low, high = draw.choice((-3, 0, 1)), draw.choice((2, 4))
        k, c, m = draw.randrange(2, 5), draw.randrange(-3, 4), draw.randrange(-2, 3)
        env = ShapeEnv()
        env.integer("b", min=low, max=high)
        env.integer("d", min=-7, max=9)
        e = env.spelled(f"b*(d//{k})*{k * m} + {c}*b*d - {m}*b*d + {draw.randrange(9)}").expr
        assert isinstance(e, IntExpr)
        lower, upper = factored_bounds(env.facts, e)
        if (lower, upper) == (-int_oo, int_oo):
            continue
        found += 1
        for b, d in itertools.product(range(low, high + 1), range(-7, 10)):
            assert lower <= evaluate(e, {"b": b, "d": d}) <= upper, str(e)
        alone = Facts().given(*why_factored_bounds(env.facts, e))
        assert factored_bounds(alone, e) == (lower, upper)
    assert found > 100


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("x, y in 1.. |- x*y - x - y", (-1, int_oo)),
        ("x in ..-1; y in 1.. |- x*y + x", (-int_oo, -2)),
        ("x in ..3; y in ..2 |- x*y", (-int_oo, int_oo)),
        ("x in 0..5; y in 0.. |- x*y - x", (-5, int_oo)),
        ("x; y in 0.. |- x*y", (-int_oo, int_oo)),
    ],
)
def test_forms_about_the_ends_of_open_ranges(line: str, ends: tuple[Bound, Bound]) -> None:
    asked = read("open", line)
    env = stated(asked)
    e = env.spelled(asked.expression).expr
    assert isinstance(e, IntExpr)
    assert polynomial_bounds(env.facts, e) == ends


def test_what_is_not_defined_does_not_count() -> None:
    env = ShapeEnv()
    env.integer("x", min=0, max=9)
    env.integer("y", min=0, max=3)
    found = env.bounds("x//y + y")
    reached = {x // y + y for x in range(10) for y in range(1, 4)}
    assert (found.lower, found.upper) == (min(reached), max(reached))


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("a, b in 1..4095 |- 2*a + b//3 + Max(a, b)", (3, 13650)),
        ("x in 0..900; y in 0..900; x <= y + 1000 |- y - x", (-900, 900)),
        ("x; y |- Max(x, y) + x", (-int_oo, int_oo)),
        ("x in 0..; y in 0.. |- x*y + x", (0, int_oo)),
    ],
)
def test_ends_at_corners_are_not_searched_for(
    line: str, ends: tuple[Bound, Bound], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where corners of the box reach the cheap range's ends, no value moves and nothing is
    asked."""
    asked = read("corners", line)
    env = stated(asked)
    monkeypatch.delattr(Extremes, "_climb")
    monkeypatch.delattr(tight._End, "_ask")

    found = env.bounds(asked.expression)

    assert (found.lower, found.upper) == ends


@pytest.mark.parametrize("start", range(1000, 1060, 20))
def test_all_values_settle_what_was_asked_in_haste(
    start: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the prover manages, ends and residues among a few hundred values are exact."""
    monkeypatch.setattr(tight, "HASTE", 1)
    monkeypatch.setattr(residues, "HASTE", 1)
    for asked in at_random(20, start):
        values = enumerated(asked)
        size = math.prod(high - low + 1 for _, (low, high) in asked.symbols)
        if not values or size > tight.MANY:
            continue
        env = stated(asked)
        assert env.bounds(asked.expression).int_bounds() == (values[0], values[-1])
        modulus, residue = env.congruence(asked.expression)
        assert modulus == gcd(*(v - values[0] for v in values)), str(asked)
        assert (values[0] - residue) % modulus == 0 if modulus else values[0] == residue


def test_work_is_bounded() -> None:
    """A few thousand steps, also where nothing is found; among very many facts none."""
    env = ShapeEnv()
    for name in "abcd":
        env.integer(name)
    env.assume("a % b == 0 or c*d > a*a*b")
    before = remaining()
    env.bounds("(a*b*c) % d - Min(a, b*c)//(d*d)")
    env.congruence("(a*b*c) % d - Min(a, b*c)//(d*d)")
    assert before - remaining() < 10 * tight.STEPS
    crowd = ShapeEnv()
    crowd.integer("x0", min=0)
    for n in range(60):
        crowd.integer(f"x{n + 1}")
        crowd.assume(f"x{n + 1} >= x{n} + 1")
    before = remaining()
    found = crowd.bounds("x60 - x58//2")
    assert before - remaining() < tight.STEPS
    assert found.upper is int_oo


CONGRUENCES: dict[str, tuple[int, int]] = {
    "b; TruncMod(b, 4) == 2 |- b": (4, 2),
    "b; TruncMod(b, 4) == -2 |- b": (4, 2),
    "b; b - TruncDiv(b, 6)*6 == 0 |- b": (6, 0),
    "x; x % 4 == 1; x % 3 == 1 |- x": (12, 1),
    "x; y; x % 4 == 2; y % 6 == 3 |- x*y": (12, 6),
    "x; x % 4 == 2 |- x*x": (32, 4),
    "x; x % 4 == 2 |- x**3": (16, 8),
    "x |- x*x - x": (2, 0),
    "x |- x*(x + 1)*(x + 2)": (6, 0),
    "x |- Max(Min(x, 4), 5)": (0, 5),
    "x; y; p: bool; x % 4 == 0; y % 6 == 0 |- Where(p, x + 1, y + 1)": (2, 1),
    "x; y |- Where(x < y, 3, 1) + Where(x < y, 1, 3)": (0, 4),
    "s; f in 1..; s % (2*f) == 0 |- s % f": (0, 0),
    "s; f in 1..; s % (6*f) == 0 |- s % (2*f)": (0, 0),
    "s; f in 1..; s % (2*f) == 0 |- s//f": (2, 0),
    "x in 0..90; y; 2*x + 3*y == 17 |- x": (3, 1),
    "x; y; x//4 == y; x % 4 == 2 |- x + y": (5, 2),
    "x |- x % 8 + x % 4": (2, 0),
    "x |- abs(x) - x": (2, 0),
    "x |- x*x - x + 1": (2, 1),
    "x; y |- x*y + x": (1, 0),
}


@pytest.mark.parametrize("line", CONGRUENCES)
def test_congruences_that_are_proved(line: str) -> None:
    asked = read("congruence", line)
    assert tuple(stated(asked).congruence(asked.expression)) == CONGRUENCES[line]


def test_the_score_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["where", "--varied", "1", "--prove"]) == 0
    printed = capsys.readouterr().out
    assert "residues" in printed


@pytest.mark.parametrize("facts", [(), ("2**(k*3000000) >= k or k == 0",)])
@pytest.mark.parametrize(("last", "others"), [(3, 0), (3, 60), (9, 60)])
def test_values_that_are_too_large_to_be_computed_are_values(
    facts: tuple[str, ...], last: int, others: int
) -> None:
    env = ShapeEnv()
    env.integer("k", min=0, max=last)
    env.integer("m", min=0, max=others)
    for fact in facts:
        env.assume(fact)
    assert env.bounds("2**(k*2000000)").upper > 2**100_000
    for modulus in (3, 7, 10):
        values = [pow(2, k * 2_000_000, modulus) + m for k in range(last + 1) for m in (0, others)]
        found = env.bounds(f"2**(k*2000000) % {modulus} + m")
        assert found.lower <= min(values) <= max(values) <= found.upper
        common, residue = env.congruence(f"2**(k*2000000) % {modulus}")
        for k in range(last + 1):
            difference = pow(2, k * 2_000_000, modulus) - residue
            assert difference % common == 0 if common else difference == 0
    found = env.bounds("k + m*0")
    assert (found.lower, found.upper) == (0, last)


@pytest.mark.parametrize("text", ["5 << y", "5 << y << y", "7 - (3 << y)"])
def test_exact_ends_of_what_has_a_value_nowhere_are_not_searched(text: str) -> None:
    env = ShapeEnv()
    env.integer("x", min=0, max=1)
    env.integer("y", min=-2)
    env.assume("y ^ 8 <= -1")
    before = remaining()
    assert not env.explain_bounds(text, "exact").upper_exact
    assert before - remaining() < 500_000


@pytest.mark.parametrize("effort", ["default", "exact"])
def test_what_never_has_a_value_contradicts_no_fact(effort: str) -> None:
    """That `x | 4` is a multiple of 16 nowhere is no contradiction of what was stated, whatever
    else was."""
    env = ShapeEnv()
    env.integer("x", min=-3, max=5)
    env.integer("c", min=-3, max=3)
    env.integer("h", min=1, max=3)
    env.boolean("p")
    env.assume("Where(abs(h) < 1, c//x, Where(p, -2, h)) != 1")
    env.assume("(c == c) == p")
    found = env.bounds("CleanDiv(x | 4, 16)", effort)
    assert (found.lower, found.upper) == (-1, 0)
    assert env.congruence("CleanDiv(x | 4, 16)") == (1, 0)


def test_ends_that_pass_each_other_leave_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no value is found, everything may be shown of it, and no range is made."""
    env = ShapeEnv()
    env.integer("x", min=0, max=10**6)
    env.integer("y", min=0, max=10**6)

    def all_of_it(_: Facts, claim: BoolExpr, **options: Any) -> Verdict:
        spend(10_000)
        return prove(Facts(), TRUE)

    monkeypatch.setattr(exact_bounds, "prove", all_of_it)
    with pytest.raises(ContradictionError, match="no value"):
        env.bounds("x * x * y % 1000001 + y % 97 * x", effort="exact")


def _assert_rests(reasons: Iterable[Fact], e: IntExpr, end: Bound, sign: int) -> None:
    """At every point of a small box where the reasons hold, the end does."""
    symbols = free_symbols(e, *(fact.claim for fact in reasons))
    for point in itertools.product((-3, 0, 1, 3, 7, 12), repeat=len(symbols)):
        values = dict(zip(symbols, point))
        if all(evaluate(fact.claim, values) for fact in reasons):
            assert sign * evaluate(e, values) <= sign * end, values


@pytest.mark.parametrize(
    "line",
    [
        "x, y, z, w in 0..; abs(x) == 3*y; z*z + w <= 10 |- z*(w + 1) + x - 3*y",
        "x, y, z, w in 0..; Max(x, 0) == 2*y; z*z + w <= 10 |- z*(w + 1) - x + 2*y",
        "x, y, z, w in 0..; abs(x) == 3*y; z + w <= 10 |- Min(z, w) + x - 3*y",
    ],
)
def test_reasons_name_what_decided_choices_solved(line: str) -> None:
    """An equality that follows, and that put the expression into its form, is a reason."""
    _assert_explained(line)


@pytest.mark.parametrize(
    "line",
    [
        "x, y, z, w in 0..; x + y >= z + 3; z >= 4 |- x + y + w",
        "x, y, z in 0..; w in 0..5; x + y + z <= 9; z >= 4 |- x + y + w",
        "x, y, w in 0..; Min(x + 1, y) + 8 <= x; y >= 3 |- x + w - 1",
    ],
)
def test_reasons_of_independent_parts_name_their_relations(line: str) -> None:
    _assert_explained(line)


def _assert_explained(line: str) -> None:
    asked = read("unbounded", line)
    env = stated(asked)
    found = env.explain_bounds(asked.expression)
    e = env.spelled(asked.expression).expr
    assert isinstance(e, IntExpr)
    _assert_rests(found.lower_reasons, e, found.range.lower, -1)
    _assert_rests(found.upper_reasons, e, found.range.upper, 1)


def test_reasons_name_the_relations_behind_ends_by_operands() -> None:
    """With the end of an operand, a relation says more than the intervals do."""
    line = "u in 0..15; y, z, w in 0..; u <= 4*y; y <= Min(z, w); z + w <= 10 |- u - 3*y"
    env = stated(read("unbounded", line))
    e = env.spelled("u - 3*y").expr
    assert isinstance(e, IntExpr)
    search = tight._Search(env.facts, e, *tight.reach(env.facts, e).int_bounds(), tight.DEPTH)
    assert search._by_operands(env.facts.connected(e))
    found = search.answer()
    assert found.range.upper == 5
    _assert_rests(found.upper_reasons or (), e, 5, 1)
