"""What is known without being said: ranges from products, powers, choices and disjunctions,
in any order of the facts, against enumeration."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from shapes import ShapeEnv
from shapes.base.infinity import int_oo
from shapes.errors import ContradictionError, ShapeproofError
from shapes.expr.nodes import BoolExpr, symbol
from shapes.facts.bounds import bounds
from shapes.facts.store import Fact, Facts
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import parse
from tests.builds import interpreted_only
from tests.shapes.test_growth_steps import STEEPEST, growth

ANY = (-int_oo, int_oo)


def fact(text: str) -> Fact:
    claim = parse(text, lambda n: symbol(n, "bool" if n == "p" else "int"))
    assert isinstance(claim, BoolExpr)
    return Fact(claim, text=text)


def facts(*texts: str) -> Facts:
    return Facts().given(*map(fact, texts))


def ends(known: Facts, text: str) -> tuple[Any, Any]:
    return bounds(known, parse(text)).int_bounds()


NARROWED = [
    # products, whose other factors have a sign
    (["a*b <= 12", "b >= 1", "a >= 0"], "a", (0, 12)),
    (["a*b <= 12", "b >= 3", "a >= 0"], "a", (0, 4)),
    (["a*b <= 12", "b >= 1"], "a", (-int_oo, 12)),
    (["a*b <= 12", "b <= -1"], "a", (-12, int_oo)),
    (["a*b >= 12", "1 <= b", "b <= 5"], "a", (3, int_oo)),
    (["a*b <= -1", "b >= 0"], "a", (-int_oo, -1)),
    (["a*b >= 1", "b >= 0"], "a", (1, int_oo)),
    (["a*b <= 12", "b >= 0", "a >= 0"], "a", (0, int_oo)),
    (["a*b*c <= 30", "a >= 1", "b >= 2", "c >= 3"], "a", (1, 5)),
    (["a*b + c <= 12", "a >= 1", "b >= 2", "c >= 0"], "a", (1, 6)),
    (["a*b + c <= 12", "a >= 1", "b >= 2"], "c", (-int_oo, 10)),
    (["a*a*b <= 50", "b >= 2"], "a", (-5, 5)),
    # one value of a product: its divisors
    (["a*b == 7"], "a", (-7, 7)),
    (["a*b == 7", "a >= 0"], "a", (1, 7)),
    (["a*b == 7", "a >= 2"], "b", (1, 1)),
    (["a*b == 7", "b == 1"], "a", (7, 7)),
    (["a*b == 7", "b <= 6", "a >= 0"], "a", (7, 7)),
    (["a*b == 12", "a >= 5", "a <= 11"], "b", (2, 2)),
    (["a*b == 36", "a >= 13"], "a", (18, 36)),
    # powers
    (["a*a == 49", "a >= 0"], "a", (7, 7)),
    (["a*a == 49", "a >= -6"], "a", (7, 7)),
    (["a*a == 49", "a <= 6"], "a", (-7, -7)),
    (["a*a <= 50"], "a", (-7, 7)),
    (["a*a >= 50", "a >= 0"], "a", (8, int_oo)),
    (["a**3 == 27"], "a", (3, 3)),
    (["a**3 <= -28"], "a", (-int_oo, -4)),
    (["a**4 == 81", "a >= 0"], "a", (3, 3)),
    (["abs(a) >= 4", "a >= -3"], "a", (4, int_oo)),
    (["abs(a) >= 4", "a <= 3"], "a", (-int_oo, -4)),
    # a range of one number
    (["3 <= b", "b <= 3", "a//b == 2"], "a", (6, 8)),
    (["a <= b", "a >= b", "a + b == 10"], "a", (5, 5)),
    (["a + b == 0", "a >= 0", "b >= 0"], "b", (0, 0)),
    (["b >= 2", "b != 2", "b <= 3", "a*b == 21"], "a", (7, 7)),
    # quotients by what varies
    (["a//b == 2", "b >= 3", "b <= 5"], "a", (6, 14)),
    (["a//b <= 2", "b >= 1", "b <= 5"], "a", (-int_oo, 14)),
    (["a//b >= -2", "b >= 1", "b <= 5"], "a", (-10, int_oo)),
    (["a//b >= 2", "b >= 1", "a <= 9"], "b", (1, 4)),
    # choices
    (["Max(a, 2) >= 6"], "a", (6, int_oo)),
    (["Max(a, b) == 6", "b <= 5"], "a", (6, 6)),
    (["Min(a, 9) <= 6"], "a", (-int_oo, 6)),
    (["Min(a, b) == 6", "b >= 8"], "a", (6, 6)),
    (["Max(a, b) >= 6"], "a", ANY),
    (["Where(c >= 1, a, b) == 3", "b <= 2"], "a", (3, 3)),
    (["Where(c >= 1, a, b) == 3", "b <= 2"], "c", (1, int_oo)),
    (["Where(c >= 1, a, b) == 3", "c <= 0"], "b", (3, 3)),
    (["Where(c >= 1, a, b) == 3"], "a", ANY),
    # disjunctions
    (["a == 1 or a == 2 or a == 8"], "a", (1, 8)),
    (["a == 1 or a == 2 or a == 8", "a >= 3"], "a", (8, 8)),
    (["a == 1 or a == 2 or a == 8", "a <= 7"], "a", (1, 2)),
    (["a <= 2 or a >= 6", "a >= 3"], "a", (6, int_oo)),
    (["a <= 2 or a >= 6", "a >= 4", "a <= 9"], "a", (6, 9)),
    (["a >= 6 or b >= 3", "a <= 5"], "b", (3, int_oo)),
    (["a >= 6 or b >= 3"], "a", ANY),
    (["(a >= 6 and a <= 9) or a == 20"], "a", (6, 20)),
    (["(a >= 6 and b == 2) or (a == 20 and b == 5)"], "b", (2, 5)),
    (["a == 4 or (a == 8 or a == 12)"], "a", (4, 12)),
    (["(a == 1 or a == 5) and (a == 5 or a == 9)"], "a", (5, 5)),
    (["a + b == 3 or a + b == 7", "b == 1"], "a", (2, 6)),
    (["a + b == 3 or a + b == 7", "b >= 1", "a >= 5"], "a", (5, 6)),
    (["a*b == 6 or a*b == 8", "b >= 1", "a >= 0"], "a", (1, 8)),
    (["a != 3 or b >= 1", "a == 3"], "b", (1, int_oo)),
    (["a == 1 or b == 2", "b == c", "c == 3"], "a", (1, 1)),
]


@pytest.mark.parametrize(("stated", "asked", "expected"), NARROWED)
def test_ranges_in_any_order(stated: list[str], asked: str, expected: tuple[Any, Any]) -> None:
    orders = list(itertools.permutations(stated))
    for order in random.Random(1).sample(orders, min(len(orders), 8)):
        assert ends(facts(*order), asked) == expected, order


@pytest.mark.parametrize(("stated", "asked", "expected"), NARROWED)
def test_no_value_is_lost(stated: list[str], asked: str, expected: tuple[Any, Any]) -> None:
    """Enumeration: what satisfies the facts is in every range, exclusion and congruence."""
    claims = [fact(text).claim for text in stated]
    symbols = sorted({s for claim in claims for s in free_symbols(claim)}, key=str)
    known = facts(*stated)
    for values in itertools.product(range(-8, 13), repeat=len(symbols)):
        point = dict(zip(symbols, values))
        try:
            if not all(evaluate(claim, point) for claim in claims):
                continue
        except (ArithmeticError, ShapeproofError):
            continue
        _has_kept(known, point)


def _has_kept(known: Facts, point: dict[Any, int]) -> None:
    for sym, value in point.items():
        low, high = bounds(known, sym).int_bounds()
        assert low <= value <= high, point
        if known.normalized(sym)[0] is sym:
            own = known.knowledge(sym)
            assert value not in dict(own.excluded), point
            assert own.congruence.admits(value), point


@pytest.mark.parametrize(
    "stated",
    [
        ["a*b == 7", "a >= 2", "a <= 6"],
        ["a*b == 7", "a >= 10", "b >= 10"],
        ["a*a == 50"],
        ["a == 1 or a == 2", "a >= 3"],
        ["a <= 2 or a >= 6", "a >= 3", "a <= 5"],
        ["Max(a, b) >= 6", "a <= 5", "b <= 5"],
        ["Where(c >= 1, a, b) == 3", "a <= 2", "b >= 4"],
        ["a == 4 or a == 8", "a % 4 == 1"],
    ],
)
def test_what_leaves_nothing_is_refused_in_any_order(stated: list[str]) -> None:
    for order in itertools.permutations(stated):
        with pytest.raises(ContradictionError):
            facts(*order)


def test_values_between_the_cases_are_excluded() -> None:
    known = facts("a == 1 or a == 2 or a == 8").knowledge(symbol("a"))  # type: ignore[arg-type]
    assert sorted(value for value, _ in known.excluded) == [3, 4, 5, 6, 7]
    assert facts("a == 6 or a == 14").knowledge(symbol("a")).congruence == (8, 6)  # type: ignore[arg-type]


def test_a_range_names_the_facts_that_it_rests_on() -> None:
    stated = [fact(t) for t in ("a*b == 7", "b <= 1", "b >= 1", "c >= 5", "c == 5 or a >= 3")]
    known = Facts().given(*stated)
    _, why = known.normalized(symbol("a"))
    assert set(why) == set(stated[:3])


@pytest.mark.parametrize(
    "stated",
    [
        ["x <= 2", "y >= 2", "y <= -1 or x >= 3"],
        ["a*b == 7", "a >= 2", "a <= 6"],
        ["Max(a, b) >= 6", "a <= 5", "b <= 5"],
        ["Where(c >= 1, a, b) == 3", "a <= 2", "b >= 4"],
        ["a == 1 or b == 2", "b == 5", "a >= 4"],
        ["a*b <= 12", "a >= 4", "b >= 4"],
        ["a//b == 2", "b >= 3", "b <= 5", "a >= 15"],
        ["a*a == 49", "a >= -6", "a <= 6"],
    ],
)
def test_a_clash_names_all_that_it_rests_on(stated: list[str]) -> None:
    """Every one of these facts is needed, so every one is among the reasons."""
    for order in itertools.permutations(map(fact, stated)):
        known = Facts().given(*order[:-1])
        reasons = known.extended(order[-1])
        assert not isinstance(reasons, Facts)
        assert set(reasons) == set(order)


@pytest.mark.parametrize("seed", range(60))
def test_reasons_suffice(seed: int) -> None:
    """The facts that a clash names clash by enumeration, too."""
    draw = random.Random(seed)
    known = Facts()
    for _ in range(8):
        new = fact(_relation(draw))
        learned = known.extended(new)
        if isinstance(learned, Facts):
            known = learned
            continue
        claims = [f.claim for f in known if f in learned] + [new.claim]
        assert not _satisfied(claims if new in learned else claims[:-1]), learned


def _satisfied(claims: list[BoolExpr]) -> bool:
    symbols = [symbol(n) for n in "abc"]
    for values in itertools.product(range(-4, 6), repeat=3):
        try:
            if all(evaluate(claim, dict(zip(symbols, values))) for claim in claims):
                return True
        except (ArithmeticError, ShapeproofError):
            continue
    return False


def test_one_value_from_two_guards_is_substituted() -> None:
    env = ShapeEnv()
    a, b = env.size("a", hint=7), env.size("b", hint=1, min=1)
    assert a * b == 7
    assert b < 2
    assert env.decide(a == 7) is True
    assert str(env.simplify(a + b)) == "8"


OPERATORS = ["a*b", "a*a*b", "a*b + c", "a//b", "Max(a, b)", "Min(a, c)", "abs(a)", "a**3",
             "Where(c >= 1, a, b)", "a + b", "a - c", "a", "b", "c", "2*a - b"]  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_random_facts_lose_no_value(seed: int) -> None:
    draw = random.Random(seed)
    chosen = [_relation(draw) for _ in range(draw.randint(2, 5))]
    parsed = [fact(text).claim for text in chosen]
    domain = range(-4, 6)
    left = []
    for values in itertools.product(domain, repeat=3):
        point = dict(zip((symbol("a"), symbol("b"), symbol("c")), values))
        try:
            if all(evaluate(claim, point) for claim in parsed):
                left.append(point)
        except (ArithmeticError, ShapeproofError):
            continue
    try:
        known = facts(*chosen)
    except ContradictionError:
        assert not left, chosen
        return
    for point in left:
        _has_kept(known, point)


def _relation(draw: random.Random, depth: int = 2) -> str:
    if depth and draw.random() < 0.35:
        parts = [f"({_relation(draw, depth - 1)})" for _ in range(draw.randint(2, 3))]
        return draw.choice((" or ", " or ", " and ")).join(parts)
    sign = draw.choice(("<=", ">=", "==", "==", "!="))
    return f"{draw.choice(OPERATORS)} {sign} {draw.randint(-6, 9)}"


# ---- growth ----


def products_with_one_symbol(n: int) -> Any:
    symbols = [symbol(f"growth_p{i}") for i in range(n)]
    b = symbol("growth_b")

    def run() -> object:
        known = Facts().given(b >= 1)
        for i, x in enumerate(symbols):
            known = known.given(x * b <= 100 + i)  # type: ignore[operator]
        return known.given(b >= 2)

    return run


def symbols_of_one_value(n: int) -> Any:
    symbols = [symbol(f"growth_v{i}") for i in range(n)]

    def run() -> object:
        known = Facts()
        for i, x in enumerate(symbols):
            known = known.given(x <= i, x >= i)
        return known

    return run


@interpreted_only
@pytest.mark.parametrize(
    ("prepare", "size"),
    [
        (products_with_one_symbol, 40),
        (symbols_of_one_value, 50),
    ],
)
def test_learning_grows_linearly(prepare: Any, size: int) -> None:
    assert growth(prepare, size) <= STEEPEST
