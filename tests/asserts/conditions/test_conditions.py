"""Inserted conditions are as plain as what is enforced before them allows."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asserts
from asserts.passes.discharge import discharge, obligations_of
from asserts.trace import trace
from shapes import ShapeEnv
from shapes.errors import ContradictionError
from shapes.traversal.evaluate import evaluate

PROGRAMS: list[tuple[Callable[..., Any], list[str]]] = [
    (lambda x: x[:3] + np.arange(3), ["n >= 3 or n == 1"]),
    (lambda x: x[-3:] + np.arange(3), ["n >= 3 or n == 1"]),
    (lambda x: x[2:5].reshape(3), ["n >= 5"]),
    (lambda x: x[:50].max(), ["n >= 1"]),
    (lambda x: np.argpartition(x, 3), ["n >= 4 or n == 0"]),
    (lambda x: np.partition(x, -2), ["n >= 2 or n == 0"]),
    (lambda x: x[:3] @ np.ones(3), ["n >= 3"]),
    (lambda x: np.stack([x[:3], np.ones(3)]), ["n >= 3"]),
    (lambda x: x.reshape(-1, 4)[:2].min(), ["n % 4 == 0", "n >= 4"]),
]


@pytest.mark.parametrize(("program", "conditions"), PROGRAMS)
def test_conditions_are_plain(program: Callable[..., Any], conditions: list[str]) -> None:
    result = asserts.insert(trace(program, ("n",)))

    assert [row.condition for row in result.report] == conditions
    assert not asserts.insert(result.program).modified
    for n in range(12):
        x = np.arange(float(n))
        try:
            expected = program(x)
        except (ValueError, IndexError):
            with pytest.raises(asserts.RuntimeAssertionError):
                result.program(x)
        else:
            assert np.array_equal(result.program(x), expected)


def test_a_persons_condition_is_told_in_their_words() -> None:
    def program(x: np.ndarray) -> np.ndarray:
        asserts.check(min(3, x.shape[0]) == 3, "at least three")
        return x

    result = asserts.insert(trace(program, ("n",)))

    with pytest.raises(asserts.RuntimeAssertionError, match="at least three"):
        result.program(np.ones(2))
    assert result.program(np.ones(3)).shape == (3,)


TERMS = st.sampled_from(
    (
        "n",
        "m",
        "Min(3, n)",
        "Max(2, m)",
        "Min(n, m)",
        "n // 2",
        "m % 3",
        "n*m",
        "Max(n - 2, 0)",
    )
)
RELATIONS = st.tuples(
    TERMS, st.sampled_from(("<=", ">=", "==", "!=")), st.one_of(TERMS, st.integers(0, 4))
).map(lambda parts: " ".join(map(str, parts)))
CLAIMS = st.one_of(
    RELATIONS,
    st.tuples(RELATIONS, st.sampled_from((" or ", " and ")), RELATIONS).map("".join),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(CLAIMS, min_size=1, max_size=4), st.lists(st.booleans(), min_size=4))
def test_a_condition_says_the_same_where_what_stands_before_it_holds(
    claims: list[str], by_user: list[bool]
) -> None:
    env = ShapeEnv()
    sizes = [env.unbacked(name, size_like=True) for name in ("n", "m")]
    for text, user in zip(claims, by_user):
        try:
            env.check(text, origin="user" if user else "operation")
        except ContradictionError:
            return

    placed = [(1, obligation) for obligation in obligations_of(env)]
    decisions = discharge(env, placed, lambda _: 1, effort="quick")

    symbols = [size.expr for size in sizes]
    for point in itertools.product(range(8), repeat=2):
        values = dict(zip(symbols, point))
        for decision in decisions:
            if decision.proof is not None:
                continue
            said = evaluate(decision.condition, values)
            assert said is evaluate(decision.obligation.claim, values), (claims, point)
            if not said:
                break
