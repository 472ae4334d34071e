"""Values that are found near those that satisfied the facts satisfy them too."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from shapes import ShapeEnv
from shapes.errors import ContradictionError
from shapes.expr.booleans import negation
from shapes.facts.verdict import Status
from shapes.prove.question import LARGE
from shapes.prove.vicinity import grounded, near
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols

NAMES = [f"v{i}" for i in range(6)]
TERMS = st.sampled_from(
    (*NAMES, "v0 + v1", "v2 + v3 - v4", "2*v1", "v0 // 2", "v3 % 3", "Min(v1, v2)", "v0 * v5")
)
CLAIMS = st.tuples(
    TERMS, st.sampled_from(("<=", "==", "!=", ">=")), st.one_of(TERMS, st.integers(-3, 5))
).map(lambda parts: " ".join(map(str, parts)))


@settings(deadline=None)
@given(st.lists(CLAIMS, min_size=1, max_size=8), CLAIMS, st.sampled_from((None, 400)))
def test_what_is_found_satisfies_the_facts_and_the_condition(
    stated: list[str], claim: str, steps: int | None
) -> None:
    env = ShapeEnv()
    for name in NAMES:
        env.unbacked(name)
    for text in stated:
        try:
            env.assume(text)
        except ContradictionError:
            return
    question = env.spelled(claim).expr
    ground = grounded(env.facts, question, env._told.model.values)  # type: ignore[arg-type]
    if ground is None:
        return

    for condition in (question, negation(question)):  # type: ignore[arg-type]
        before = dict(ground)
        found = near(env.facts, ground, condition, steps)
        assert ground == before
        if found is not None:
            connected = [fact.claim for fact in env.facts.connected(condition)]
            assert set(found) >= set(free_symbols(condition, *connected))
            assert all(evaluate(one, found) is True for one in (condition, *connected))


def test_values_move_along_a_chain_to_its_end() -> None:
    env = ShapeEnv()
    us = [env.unbacked() for _ in range(3 * LARGE)]
    for u, v in itertools.pairwise(us):
        env.check(u <= v)
    env.check(us[-1] <= 1000)

    verdict = env.prove(us[LARGE + 1] <= us[LARGE])

    assert verdict.status is Status.DEPENDS
    assert verdict.counterexample is not None
    values = [verdict.counterexample[u.expr.name] for u in us]
    assert values == sorted(values)
    assert values[LARGE + 1] > values[LARGE]


def test_asking_does_not_change_what_is_known() -> None:
    """What was prepared belongs to one set of facts."""
    env = ShapeEnv()
    us = [env.unbacked() for _ in range(2 * LARGE)]
    for u, v in itertools.pairwise(us):
        env.check(u <= v)
    assert env.prove(us[5] == us[6]).status is Status.DEPENDS
    with env.scope():
        env.check(us[9] <= us[3])
        assert env.prove(us[5] == us[6]).proved
    assert env.prove(us[5] == us[6]).status is Status.DEPENDS
