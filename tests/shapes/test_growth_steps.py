"""How work grows, in steps of Python's own interpreter: exact, and the same on every machine.

A step is one bytecode instruction executed in `shapes`, so loops count as often as they run;
what one call into C does at once (a copy, a sort) counts once, and is held down separately:
terms of sums are written out only where somebody reads them. Twice the size may take
``2 ** 1.1`` times the steps; what is done once is paid for at a size before.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from shapes import Facts, Max, Min, ShapeEnv, make, symbol
from shapes.expr.nodes import IntExpr, Sum
from shapes.facts.bounds import bounds
from tests.benchmarks.workloads import mixed
from tests.builds import interpreted_only
from tests.counting import steps

STEEPEST = 2**1.1


Prepared = Callable[[int], Callable[[], object]]


def growth(prepare: Prepared, size: int) -> float:
    """How many times the steps twice the size takes."""
    steps(prepare(16))  # what happens once in a process, the tracer's own start included
    one, two = steps(prepare(size)), steps(prepare(2 * size))
    assert one > size, "less than a step for each: the steps of something else were counted"
    return two / one


def sizes(n: int) -> tuple[ShapeEnv, list[Any]]:
    env = ShapeEnv()
    return env, [env.integer(f"x{i}", hint=5 + i, min=2) for i in range(n)]


def unbacked(n: int) -> tuple[ShapeEnv, list[Any]]:
    env = ShapeEnv()
    return env, [env.unbacked() for _ in range(n + 1)]


def making_symbols(n: int) -> Callable[[], object]:
    return lambda: sizes(n)


def sum_one_by_one(n: int) -> Callable[[], object]:
    _, xs = sizes(n)

    def run() -> Any:
        total: Any = 0
        for x in xs:
            total = total + x
        return total

    return run


def there_and_back(n: int) -> Callable[[], object]:
    _, xs = sizes(n)

    def run() -> None:
        total: Any = 0
        for x in xs:
            total = total + x
        for x in xs[:-1]:
            total = total - x
        assert total.expr is xs[-1].expr

    return run


def floor_divisions(n: int) -> Callable[[], object]:
    _, xs = sizes(n)

    def run() -> object:
        total: Any = 0
        for x in xs:
            total = total + x // 2
        return total.expr.terms()

    return run


def floor_divisions_of_one(n: int) -> Callable[[], object]:
    _, (x,) = sizes(1)

    def run() -> object:
        total: Any = 0
        for i in range(n):
            total = total + (x + i) // 3
        return total.expr.terms()

    return run


def mixed_operations(n: int) -> Callable[[], object]:
    env = ShapeEnv()
    xs = [env.integer(s.name, s.hint, s.low, s.high) for s in mixed.SYMBOLS]
    program = mixed.program(2000)[:n]
    operators = {**mixed.MEANING, "min": Min, "max": Max}

    def run() -> object:
        places: list[Any] = list(xs)
        for op, constant, left, right in program:
            places.append(operators[op](places[left], right if constant else places[right]))
        return places

    return run


def bounds_asked_once(n: int) -> Callable[[], object]:
    env, xs = sizes(8)
    asked = [(3 + i) * xs[i % 7] + (5 * xs[i % 7 + 1]) // (2 + i % 5) for i in range(n)]
    return lambda: [env.bounds(e) for e in asked]


def bounds_of_a_long_sum(n: int) -> Callable[[], object]:
    env, xs = sizes(n)
    total = sum(xs)
    assert isinstance(total.expr.terms(), dict)
    return lambda: bounds(env.facts, total.expr)


def static_truths(n: int) -> Callable[[], object]:
    env, xs = sizes(8)
    pairs = [((3 + i) * xs[i % 7] + xs[i % 7 + 1], 2 * (3 + i) + 2) for i in range(n)]
    return lambda: [env.decide(a >= b) for a, b in pairs]


def chain_with_question(n: int) -> Callable[[], object]:
    env, us = unbacked(n)

    def run() -> None:
        for a, b in pairwise(us):
            env.check(a <= b)
        assert env.prove(us[0] <= us[-1]).proved

    return run


def equalities_with_question(n: int) -> Callable[[], object]:
    env, us = unbacked(n)

    def run() -> None:
        for a, b in pairwise(us):
            env.check(a == b)
        assert env.decide(4 * us[0] + 3 == 4 * us[-1] + 3) is True

    return run


def bounds_on_one_symbol(n: int) -> Callable[[], object]:
    env, (u, _) = unbacked(1)

    def run() -> None:
        for i in range(n):
            env.check(u >= i)
            env.check(u <= 3 * n - i)

    return run


def orders_with_one_symbol(n: int) -> Callable[[], object]:
    env, us = unbacked(n)

    def run() -> None:
        for i, u in enumerate(us[1:]):
            env.check(us[0] + i <= u)

    return run


def unrelated_facts(n: int) -> Callable[[], object]:
    symbols = [symbol(f"growth_u{i}") for i in range(n)]

    def run() -> object:
        known = Facts()
        for x in symbols:
            known = known.given(x <= 10)
        return known

    return run


def remainders(n: int) -> Callable[[], object]:
    symbols = [symbol(f"growth_r{i}") for i in range(n)]

    def run() -> object:
        known = Facts()
        for x in symbols:
            known = known.given(make("Eq", x % 8, 0))  # type: ignore[arg-type]
        return known

    return run


GROWING = [
    (making_symbols, 100),
    (sum_one_by_one, 200),
    (there_and_back, 200),
    (floor_divisions, 100),
    (floor_divisions_of_one, 100),
    (mixed_operations, 400),
    (bounds_asked_once, 50),
    (bounds_of_a_long_sum, 200),
    (static_truths, 50),
    (chain_with_question, 60),
    (equalities_with_question, 60),
    (bounds_on_one_symbol, 60),
    (orders_with_one_symbol, 60),
    (unrelated_facts, 100),
    (remainders, 50),
]


@interpreted_only
@pytest.mark.parametrize(
    ("prepare", "size"), GROWING, ids=lambda v: getattr(v, "__name__", "")
)
def test_growth(prepare: Prepared, size: int) -> None:
    grown = growth(prepare, size)
    assert grown <= STEEPEST, f"{grown:.2f} times the steps for twice the size"


def test_a_short_path_costs_the_same_in_a_large_component() -> None:
    """A question that a few differences answer, however many others hang together with them."""
    taken = []
    for n in (50, 500):
        env, us = unbacked(n)
        for a, b in pairwise(us):
            env.check(a <= b)
        assert env.prove(us[n // 2] <= us[n // 2 + 2]).proved
        taken.append(steps(lambda env=env, us=us, n=n: env.prove(us[n // 2 + 3] <= us[n // 2 + 5])))
    assert taken[1] <= 1.2 * taken[0], taken


def _ordered(env: ShapeEnv, us: list[Any]) -> None:
    for a, b in pairwise(us):
        env.check(a <= b)


def _against_one(env: ShapeEnv, us: list[Any]) -> None:
    size = env.size("size")
    for i, u in enumerate(us):
        env.check(u <= size + i)


def _sums(env: ShapeEnv, us: list[Any]) -> None:
    for a, b, c in zip(us, us[1:], us[2:]):
        env.check(a + b <= c + 3)


LOCAL: list[tuple[Callable[..., None], Callable[..., Any], str]] = [
    (_ordered, lambda u, v, w, x: u + v <= w + x, "always"),
    (_ordered, lambda u, v, w, x: 2 * u <= 2 * w + 1, "always"),
    (_against_one, lambda u, v, w, x: u <= v, "depends"),
    (_against_one, lambda u, v, w, x: u + v <= w + x, "depends"),
    (_against_one, lambda u, v, w, x: 3 * u != v, "depends"),
    (_sums, lambda u, v, w, x: u + v <= w + 4, "always"),
    (_sums, lambda u, v, w, x: u + v <= w, "depends"),
    (_sums, lambda u, v, w, x: u <= x, "depends"),
]


@interpreted_only
@pytest.mark.parametrize(("connect", "claim", "status"), LOCAL)
def test_a_local_question_costs_the_same_in_a_large_component(
    connect: Callable[..., None], claim: Callable[..., Any], status: str
) -> None:
    """What is prepared for the facts is prepared once; a question about neighbours then looks
    at what is around them, whatever its answer."""
    taken = []
    for n in (150, 1200):
        env, us = unbacked(n)
        connect(env, us)
        asked = [claim(*us[n // 2 + k : n // 2 + k + 4]) for k in (0, 7, 20)]
        assert [env.prove(one).status.name.lower() for one in asked[:2]] == [status] * 2
        taken.append(steps(lambda env=env, one=asked[2]: env.prove(one)))
    assert taken[1] <= 1.2 * taken[0], taken


@pytest.mark.parametrize("n", [100, 1000])
def test_a_question_does_not_touch_unrelated_facts(n: int) -> None:
    """The steps of a question that needs linear reasoning stay the same, however many other
    facts there are."""
    env = ShapeEnv()
    u, b = env.unbacked("u"), env.unbacked("b")
    env.assume(u <= 4 * b)
    env.assume(b <= 64)
    claims = [u - 3 * b <= 64 + k for k in range(2)]
    assert env.prove(claims[0]).proved
    alone = steps(lambda: env.prove(claims[1]))
    for i in range(n):
        env.assume(env.unbacked(f"other{i}") <= 10)
    assert env.prove(u - 3 * b <= 66).proved
    beside = steps(lambda: env.prove(claims[1]))
    assert beside <= 1.2 * alone, (alone, beside)


def test_adding_does_not_write_out_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum in which nobody reads the terms copies none: what C does at once is counted by
    the length of what was written out."""
    written = 0
    settle = Sum._settle

    def counted(self: Sum, terms: dict[IntExpr, int]) -> None:
        nonlocal written
        settle(self, terms)
        written += len(terms)

    monkeypatch.setattr(Sum, "_settle", counted)
    sum_one_by_one(1000)()
    there_and_back(1000)()
    assert written <= 3 * 1000
