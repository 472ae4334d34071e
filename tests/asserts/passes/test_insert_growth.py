"""Insertion and discharge take a number of steps that grows linearly with the checks."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import asserts
from asserts.conditions import known
from asserts.dialects.numpy import NumpyDialect
from asserts.passes.discharge import Policy, discharge, obligations_of
from asserts.trace import Spec, trace
from shapes import Dim, Facts, ShapeEnv, make, symbol
from shapes.errors import ContradictionError
from shapes.expr.booleans import as_condition
from shapes.expr.nodes import BoolExpr, Expr
from shapes.prove.ladder import entails
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.witness import Condition, Example

SIZES = (100, 200, 400)
"""All beyond the limits of a neighbourhood; below, the steps may grow faster."""


def _unrelated(n: int) -> ShapeEnv:
    env = ShapeEnv()
    for i in range(n):
        env.check(env.unbacked(size_like=True) <= 100 + i)
    return env


def _chained(n: int) -> ShapeEnv:
    """Bounds, and each value compared with the one before; nothing follows from the rest."""
    env = ShapeEnv()
    values = [env.unbacked() for _ in range(n)]
    for u in values:
        env.check(u >= 2)
    for u, v in itertools.pairwise(values):
        env.check(2 * v <= u + 1000)
    return env


def _redundant(n: int) -> ShapeEnv:
    """A chain in which every second check follows from another."""
    env = ShapeEnv()
    for u, v in itertools.pairwise([env.unbacked() for _ in range(n + 1)]):
        env.check(u <= v)
        env.check(u <= v + 3)
    return env


def _one_input(n: int) -> ShapeEnv:
    env = ShapeEnv()
    size = env.size("n")
    for i in range(n):
        env.check(size >= i)
    return env


def _against_one_input(n: int) -> ShapeEnv:
    env = ShapeEnv()
    size = env.size("n")
    for i in range(n):
        env.check(env.unbacked(size_like=True) + i <= size)
    return env


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the parts of the work are done whose cost does not grow."""
    counts: Counter[str] = Counter()
    _count(monkeypatch, counts, Facts, "given")
    _count(monkeypatch, counts, known, "entails")
    _count(monkeypatch, counts, Condition, "holds")
    for name in ("bindings", "read_of", "computation_of", "value_of", "passes_over"):
        _count(monkeypatch, counts, NumpyDialect, name)
    return counts


def _count(
    monkeypatch: pytest.MonkeyPatch, counts: Counter[str], owner: object, name: str
) -> None:
    original: Callable[..., object] = getattr(owner, name)

    def counted(*args: object, **options: object) -> object:
        counts[name] += 1
        return original(*args, **options)

    monkeypatch.setattr(owner, name, counted)


def _grows_linearly(counts: list[Counter[str]]) -> None:
    """From one size to the next, which is twice as large, no count grows by more than twice
    as much as before (and a few steps)."""
    small, medium, large = counts
    for name in large:
        first, second = medium[name] - small[name], large[name] - medium[name]
        assert second <= 2 * first + 8, (name, [c[name] for c in counts])


MAKERS = (_unrelated, _chained, _redundant, _one_input, _against_one_input)


@pytest.mark.parametrize("make_env", MAKERS, ids=lambda f: f.__name__.strip("_"))
@pytest.mark.parametrize("policy", ["strict", "preserve-user"])
def test_the_steps_of_discharge_grow_linearly(
    make_env: Callable[[int], ShapeEnv], policy: Policy, steps: Counter[str]
) -> None:
    found = []
    for n in SIZES:
        obligations = obligations_of(make_env(n))
        env = make_env(n)
        steps.clear()
        discharge(env, [(0, o) for o in obligations], lambda _: 0, policy=policy)
        found.append(Counter(steps))

    _grows_linearly(found)


@pytest.mark.parametrize("make_env", [_unrelated, _chained, _against_one_input])
def test_no_question_is_asked_where_an_example_answers_it(
    make_env: Callable[[int], ShapeEnv], steps: Counter[str]
) -> None:
    env = make_env(30)
    steps.clear()

    decisions = discharge(env, [(0, o) for o in obligations_of(env)], lambda _: 0)

    assert all(decision.proof is None for decision in decisions)
    assert steps["entails"] == steps["given"] == 0


def _program(n: int) -> Callable[..., object]:
    def program(x: np.ndarray) -> object:
        previous = None
        for i in range(n):
            value = int(x[i])
            asserts.check(value >= 2 + i % 5)
            if previous is not None:
                asserts.check(2 * value <= previous + 1000)
            previous = value
        return x

    return program


def test_the_steps_of_insertion_grow_linearly(steps: Counter[str]) -> None:
    found = []
    for n in SIZES:
        traced = trace(_program(n), x=Spec((Dim("n", min=n),), "int64"))
        steps.clear()
        result = asserts.insert(traced)
        found.append(Counter(steps))
        assert len(result.report.with_outcome("inserted")) == 2 * n

    _grows_linearly(found)


# --------------------------------------------------------------------------- the example

NAMES = ("growth_a", "growth_b", "growth_c")
SYMBOLS = [symbol(name) for name in NAMES]


@st.composite
def _conditions(draw: st.DrawFn) -> BoolExpr:
    coefficients = draw(st.lists(st.integers(-2, 2), min_size=3, max_size=3))
    total = as_sum([*coefficients[:2], coefficients[2] or 1])
    if draw(st.booleans()):
        total = make(
            draw(st.sampled_from(("FloorDiv", "Mod"))), total, draw(st.integers(2, 3))
        )
    relation = draw(st.sampled_from(("Le", "Ge", "Eq", "Ne")))
    return as_condition(make(relation, total, draw(st.integers(-4, 4))))


def as_sum(coefficients: list[int]) -> Expr:
    total: Expr = make("Add", 0, 0)
    for c, sym in zip(coefficients, SYMBOLS):
        total = total + c * sym
    return total


@given(st.lists(_conditions(), min_size=1, max_size=5))
def test_what_an_example_breaks_is_not_implied(claims: list[BoolExpr]) -> None:
    example = Example(lambda _: 0)
    claims = [claim for claim in claims if not claim.is_constant]
    conditions = [Condition(claim, tuple(free_symbols(claim))) for claim in claims]
    for condition in conditions:
        example.state(condition)

    for index, condition in enumerate(conditions):
        if example.breaks(condition):
            others = claims[:index] + claims[index + 1 :]
            with suppress(ContradictionError):  # of others that do not hang together with it
                facts = Facts().given(*others)
                assert entails(facts, condition.claim, "quick") is None


BOX = list(itertools.product(range(-6, 7), repeat=3))


@given(st.lists(_conditions(), min_size=1, max_size=5))
def test_what_is_kept_implies_what_is_dropped(claims: list[BoolExpr]) -> None:
    env = ShapeEnv()
    for name in NAMES:
        env.unbacked(name)
    stated = []
    for claim in claims:
        try:
            env.check(claim)
        except asserts.errors.ShapeproofError:
            continue  # it contradicts the others
        stated.append(claim)
    decisions = discharge(
        env, [(0, o) for o in obligations_of(env)], lambda _: 0, effort="quick"
    )

    kept = [d.condition for d in decisions if d.proof is None]
    dropped = [d.obligation.claim for d in decisions if d.proof is not None]
    for point in BOX:
        values = dict(zip(SYMBOLS, point))
        if dropped and all(evaluate(c, values) for c in kept):
            assert all(evaluate(c, values) for c in dropped), (kept, dropped, point)


def test_a_crowded_symbol_is_changed_as_often_as_statements_pay_for() -> None:
    x = SYMBOLS[0]
    found = []
    for n in (200, 400, 800):
        crowded = Example(lambda _: 0)
        others = [symbol(f"growth_{i}") for i in range(n)]
        told = [
            Condition(as_condition(make("Eq", y, 2 * x + i)), (x, y))
            for i, y in enumerate(others)
        ]
        for condition in told:
            crowded.state(condition)
        bound = Condition(as_condition(make("Le", x, 500)), (x,))
        crowded.state(bound)
        shown = [crowded.breaks(bound) for _ in range(n)]
        assert not shown[-1]
        found.append(Counter(looked_at=crowded.looked_at))

    _grows_linearly(found)


def test_a_contradiction_says_nothing() -> None:
    x, y = SYMBOLS[:2]
    impossible = Example(lambda _: 0)
    for claim in (make("Ge", x, 3), make("Le", x, 1), make("Le", x + y, 9)):
        one = Condition(as_condition(claim), tuple(free_symbols(claim)))
        impossible.state(one)
    assert not impossible.breaks(one)
