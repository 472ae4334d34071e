"""Statements that wait for a question teach what statements that are learned at once teach."""

from __future__ import annotations

import copy
import random
import sys
import threading
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from shapes import ContradictionError, Facts, ShapeEnv
from shapes.base.budget import limited, remaining
from tests.builds import interpreted_only

RELATIONS = ("{a} == {b}", "{a} == {b} + {k}", "{a} <= {b}", "{a} + {k} <= {b}", "{a} != {b}")
OTHERS = (
    "{a} <= {k}", "{a} >= {k}", "{a} + {b} == {c}", "2*{a} == {b}", "{a} % 3 == {k} % 3",
    "Or({a} == {k}, {b} == {c})", "{a} // 2 == {b}", "Min({a}, {b}) == {c}", "{a} == {k} - {b}",
)  # fmt: skip


def _declare(env: ShapeEnv, rng: random.Random, name: str) -> None:
    kind = rng.randrange(5)
    if kind == 0:
        env.unbacked(name)
    elif kind == 1:
        env.unbacked(name, size_like=True)
    elif kind == 2:
        env.size(name, hint=rng.randrange(2, 5), min=rng.randrange(3), max=9)
    elif kind == 3:
        env.integer(name, min=rng.randrange(-2, 3), max=rng.randrange(3, 8))
    else:
        env.integer(name, hint=rng.randrange(-3, 4))


def _played(seed: int, at_once: bool) -> tuple[ShapeEnv, list[Any]]:
    """An environment after random declarations and statements, and what happened; the facts
    are looked at after each of them if `at_once`."""
    rng = random.Random(seed)
    env = ShapeEnv()
    happened: list[Any] = []
    names: list[str] = []
    usual = rng.random() < 0.7
    for step in range(rng.randrange(3, 14)):
        if len(names) < 3 or rng.random() < 0.2:
            names.append(f"x{len(names)}")
            _declare(env, rng, names[-1])
        a, b, c = (rng.choice(names) for _ in range(3))
        form = rng.choice(RELATIONS if usual and rng.random() < 0.8 else OTHERS)
        text = form.format(a=a, b=b, c=c, k=rng.randrange(-2, 4))
        state = rng.choice((env.check, env.assume, env.contract))
        try:
            state(text if rng.random() < 0.5 else env.spelled(text).expr)
        except ContradictionError as error:
            happened.append((step, str(error), [fact.spelled for fact in error.culprits]))
        if at_once:
            assert len(env.facts) >= 0
        if len(names) > 2 and step % 4 == 3:
            happened.append(env._told.model.values.copy())  # type: ignore[attr-defined]
    return env, happened


@pytest.mark.parametrize("block", range(8))
def test_what_waits_teaches_what_is_learned_at_once(block: int) -> None:
    for seed in range(25 * block, 25 * block + 25):
        waited, found = _played(seed, at_once=False)
        learned, expected = _played(seed, at_once=True)
        assert found == expected, seed
        assert waited._told.model.values == learned._told.model.values, seed
        assert waited.to_json() == learned.to_json(), seed
        for a, b in pairwise(waited.symbols):
            for question in (f"{a} <= {b}", f"{a} == {b}", f"{a} < {b} + 2"):
                verdict, other = waited.prove(question), learned.prove(question)
                assert str(verdict) == str(other), (seed, question)
            assert waited.bounds(f"{a} - {b}") == learned.bounds(f"{a} - {b}"), seed


def test_statements_that_contradict_nothing_wait() -> None:
    env = ShapeEnv()
    us = [env.unbacked() for _ in range(40)]
    for a, b in pairwise(us):
        env.check(a == b)
    assert len(env._told.known[0]) == 0
    assert env.decide(us[0] == us[-1]) is True
    assert len(env._told.known[0]) == 39
    assert [check.fact for check in env.checks] == list(env.facts)


def test_a_statement_stays_if_facts_are_read_within_it() -> None:
    """By the handler of a signal, say, or by an object that goes."""
    env = ShapeEnv()
    x, y = env.unbacked("x"), env.unbacked("y")

    class Reading(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            assert len(env.facts) == 0
            return super().get(name, default)

    env.symbols = Reading(env.symbols)
    env.check(x <= y)
    assert [check.fact for check in env.checks] == list(env.facts)
    assert env.prove(x <= y).proved


@interpreted_only
@pytest.mark.parametrize("reads", [False, True])
def test_a_statement_stays_if_it_is_made_while_facts_are_read(
    monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    env = ShapeEnv()
    x, y, z = (env.unbacked(name) for name in "xyz")
    env.assume(x <= y)
    with_each = Facts.with_each
    left = [y <= z]

    def interrupted(self: Facts, items: Any) -> Facts:
        if left:
            env.assume(left.pop())
            if reads:
                assert len(env.facts) == 2
        return with_each(self, items)

    monkeypatch.setattr(Facts, "with_each", interrupted)
    assert len(env.facts) == 2
    assert list(env.axioms) == list(env.facts)
    assert env.prove(x <= z).proved


def test_the_statement_that_contradicts_is_refused() -> None:
    env = ShapeEnv()
    x, y, z = (env.unbacked(name) for name in "xyz")
    env.check(x <= y)
    env.check(y <= z)
    with pytest.raises(ContradictionError) as caught:
        env.check(z < x)
    assert len(caught.value.culprits) == 3
    env.check(z == x)
    assert env.prove(x == y).proved


def test_a_scope_forgets_what_waits_in_it() -> None:
    env = ShapeEnv()
    x, y = env.unbacked("x"), env.size("y")
    env.check(x <= y)
    before = list(env.facts), env.axioms, env.checks
    with env.scope():
        z = env.integer("z", min=3)
        env.check(y <= z)
        env.assume(x == z)
    assert (list(env.facts), env.axioms, env.checks) == before
    env.assume(x == y - 3)
    assert env.decide(x < y) is True


def test_copies_go_on_by_themselves() -> None:
    env = ShapeEnv()
    x, y, z = (env.unbacked(name) for name in "xyz")
    env.check(x <= y)
    other = copy.copy(env)
    env.check(y <= z)
    other.check(z.expr <= y.expr)
    assert env.prove("x <= z").proved
    assert not other.prove("x <= z").proved
    assert other.prove("z <= y").proved
    assert other.checks[0].fact is env.checks[0].fact is next(iter(env.facts))


def test_facts_from_outside_are_not_trusted_to_the_values() -> None:
    env = ShapeEnv()
    x, y = env.unbacked("x"), env.unbacked("y")
    env.check(x == y)
    env.facts = env.facts.given((x >= 5).expr)
    with pytest.raises(ContradictionError):
        env.check(y <= 4)
    with pytest.raises(ContradictionError):
        env.check(y <= 0)


def test_what_waits_costs_a_question_nothing() -> None:
    env = ShapeEnv()
    us = [env.unbacked() for _ in range(60)]
    for a, b in pairwise(us):
        env.check(a + 1 <= b)
    with limited(10):
        before = remaining()
        assert len(env.facts) == 59
        assert remaining() == before


def test_threads_lose_no_statement() -> None:
    env = ShapeEnv()
    us = [env.unbacked() for _ in range(81)]

    def state(part: list[Any]) -> None:
        for a, b in pairwise(part):
            env.check(a <= b)
            len(env.facts)

    threads = [threading.Thread(target=state, args=(us[i : i + 21],)) for i in range(0, 80, 20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(env.facts) == len(env.checks) == 80
    assert {check.fact for check in env.checks} == set(env.facts)
    assert env.prove(us[0] <= us[-1]).proved


OPEN = (
    "Or(b == 8, a == b)", "(a*b) % 7 == 3", "c + b <= c - 5", "a <= c", "b <= c + 7",
    "c*a <= c*c + 7", "b*c <= a*a + 5", "b + c <= b - 3", "b <= c + 8", "Min(a, b) == c",
)  # fmt: skip
"""So many conditions that the values do not satisfy that not all of them are kept."""


def test_values_that_may_not_satisfy_what_was_stated_admit_nothing() -> None:
    env = ShapeEnv()
    for name in "abc":
        env.unbacked(name)
    for text in OPEN:
        env.check(text)
    for one in (copy.copy(env), env):
        with pytest.raises(ContradictionError):
            one.check("b == -5")
        assert len(one.facts) == len(OPEN)


class _Interrupted(ShapeEnv):
    """An environment in which learning is interrupted, with a value moved."""

    moved: Any = None

    @property
    def facts(self) -> Any:
        if self.moved is not None:
            self._told.model.suggest(self.moved, 9)
            raise KeyboardInterrupt
        return super().facts


def test_an_interrupted_statement_leaves_no_values_that_admit() -> None:
    env = _Interrupted()
    x, y = env.unbacked("x"), env.unbacked("y")
    env.check(x <= y)
    env.moved = x.expr
    with pytest.raises(KeyboardInterrupt):
        env.check("x + y >= 5")
    env.moved = None
    with pytest.raises(ContradictionError):
        env.check("x == y + 9")
    assert len(env.facts) == 1


def test_an_interrupt_leaves_no_lock_behind() -> None:
    """Wherever it comes: right behind the call that takes the lock, say."""
    env = ShapeEnv()
    x, y = env.unbacked("x"), env.unbacked("y")

    def interrupted(frame: object, event: str, called: Any) -> None:
        if event == "c_return" and called.__name__ == "acquire":
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(interrupted)
    try:
        with suppress(KeyboardInterrupt):
            env.check(x <= y)
    finally:
        sys.setprofile(None)
    assert not env._told.lock._is_owned()  # type: ignore[attr-defined]


def test_copies_share_facts_that_were_made_once() -> None:
    env = ShapeEnv()
    us = [env.unbacked() for _ in range(30)]
    for a, b in pairwise(us):
        env.check(a <= b)
    envs = [env, *(copy.copy(env) for _ in range(3))]
    threads = [threading.Thread(target=lambda one=one: one.prove("u0 <= u29")) for one in envs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in envs:
        assert all(a.fact is b for a, b in zip(one.checks, env.facts))
        assert [a is b for a, b in zip(one.facts, env.facts)] == [True] * 29
