"""Contradictions are refused at the statement that makes them, at a small price."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings

from shapes import ContradictionError, ShapeEnv, Status
from shapes.facts.store import Facts
from shapes.prove import consistency as module
from tests.builds import interpreted_only
from tests.fuzz import watched
from tests.oracle import models
from tests.strategies import CIRCLES, EQUATIONS, FEW_INTEGERS, Question, questions


def environment(text: str) -> ShapeEnv:
    """An environment with the integers that occur in the text."""
    env = ShapeEnv()
    for name in sorted(set(re.findall(r"\b[a-z]\b", text))):
        env.integer(name)
    return env


def state(text: str) -> ShapeEnv:
    """The statements, separated by semicolons, one after the other."""
    env = environment(text)
    for claim in text.split(";"):
        env.assume(claim.strip())
    return env


# The statements, and a statement in the place of the last that does not contradict.
CONTRADICTIONS = [
    ("x <= y; y <= z; z <= x - 1", "z <= x"),
    ("a <= b; b <= c; c <= d; d <= e; e < a", "e <= a"),
    ("x < y; y < z; z < w; w < x + 3", "w < x + 4"),
    ("x + y <= 3; y + z <= 3; x + z <= 3; x + y + z >= 5", "x + y + z >= 4"),
    ("2*x == 3*y; x + y == 4", "x + y == 5"),
    ("2*x + 4*y == 7", "2*x + 4*y == 8"),
    ("x == 2*y; x == 2*z + 1", "x == 2*z + 2"),
    ("x*x == 2", "x*x == 4"),
    ("x*x == 99", "x*x == 100"),
    ("x*x*x == 9", "x*x*x == -8"),
    ("x*x + y*y == 3", "x*x + y*y == 5"),
    ("x >= 2; y >= 2; x*y == 7", "x*y == 9"),
    ("x >= 1; x*(x + 1) == 7", "x*(x + 1) == 6"),
    ("abs(x) + abs(y) <= 1; x + y >= 2", "x + y >= 1"),
    ("Max(x, y) <= 3; x >= 4", "x >= 3"),
    ("x <= 5; TruncDiv(x, 2) == 3", "TruncDiv(x, 2) == 2"),
    ("x >= -6; TruncDiv(x, 3) == -3", "TruncDiv(x, 3) == -2"),
    ("x // 4 == 3; x % 4 == 1; x != 13", "x != 14"),
    ("x == 1 or x == 2; x >= 3", "x >= 2"),
    ("Implies(x > 0, y > 0); x == 3; y <= 0", "y <= 1"),
    ("x == y*z; y >= 2; z >= 3; x <= 5", "x <= 6"),
    ("x != 0; x >= 0; x <= 0", "x <= 1"),
    ("x >= 0; x <= 1; x != 0; x != 1", "x != 2"),
    ("x % 8 == 3; x % 4 == 1", "x % 4 == 3"),
]


@pytest.mark.parametrize(("text", "instead"), CONTRADICTIONS)
def test_contradictions_are_refused_at_the_statement(text: str, instead: str) -> None:
    *earlier, last = [claim.strip() for claim in text.split(";")]
    env = environment(text + instead)
    env.assume("a >= 5" if "a" in env.symbols else "True")
    for claim in earlier:
        env.assume(claim)
    before = list(env.facts)
    with pytest.raises(ContradictionError) as caught:
        env.assume(last)
    culprits = [fact.spelled for fact in caught.value.culprits]
    assert last in culprits
    assert "a >= 5" not in culprits
    for left_out in culprits:
        state("; ".join(claim for claim in culprits if claim != left_out) or "x == x")
    assert list(env.facts) == before
    env.assume(instead)


@settings(max_examples=150)
@given(questions(CIRCLES) | questions(EQUATIONS) | questions(FEW_INTEGERS))
def test_only_contradictions_are_refused(question: Question) -> None:
    try:
        watched(question)
    except ContradictionError as error:
        trees = {str(tree): tree for tree in question.facts}
        culprits = [trees[fact.spelled] for fact in error.culprits]
        assert culprits
        assert not models(culprits, {**question.domains}), str(question)


@interpreted_only
@pytest.mark.parametrize(
    ("size", "spelling"),
    [
        (400, "u{0} <= u{1}"),
        (400, "u{0} < u{1}"),
        (400, "u{0} > u{1}"),
        (400, "u{1} == u{0} + 1"),
        (400, "u{0} + 1 <= 2*u{1}"),
        (400, "u{0} <= h"),
        (400, "u{0} < h"),
        (400, "u{1} % 4 == 3"),
    ],
)
def test_consistent_statements_need_no_refutation(
    size: int, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuted(*_: object) -> None:
        raise AssertionError("a refutation was tried")

    monkeypatch.setattr(module, "refuted", refuted)
    env = ShapeEnv()
    names = [env.integer(f"u{i}") for i in range(size + 1)]
    env.integer("h")
    for i, _ in enumerate(pairwise(names)):
        env.assume(spelling.format(i, i + 1))


@interpreted_only
def test_refutations_are_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where values cannot be mended, what is read again stays in proportion to what is
    stated."""
    read = 0
    original = Facts.connected

    def connected(self: Facts, *arguments: object) -> object:
        nonlocal read
        found = original(self, *arguments)  # type: ignore[arg-type]
        read += len(found)
        return found

    monkeypatch.setattr(module, "MENDING", 0)
    monkeypatch.setattr(module, "refuted", lambda *_: None)
    monkeypatch.setattr(Facts, "connected", connected)
    env = ShapeEnv()
    names = [env.integer(f"u{i}", hint=0).expr.name for i in range(301)]
    for x, y in pairwise(names):
        env.assume(f"{x}*{x} + {x} < {y}*{y}")
    assert 0 < read <= module.CREDIT_AT_FIRST + module.CREDIT * 300


@pytest.mark.parametrize("size", [80, 700])
@pytest.mark.parametrize("last", ["u{0} < u0", "u0 == u{0} + 1", "b and u{0} < u0"])
def test_long_circles_are_refused_too(size: int, last: str) -> None:
    env = ShapeEnv()
    env.boolean("b")
    names = [env.integer(f"u{i}").expr.name for i in range(size)]
    for x, y in pairwise(names):
        env.assume(f"{x} <= {y}")
    with pytest.raises(ContradictionError) as caught:
        env.assume(last.format(size - 1))
    assert len(caught.value.culprits) == size


def test_a_long_chain_between_two_ends_is_refused_too() -> None:
    env = ShapeEnv()
    names = [env.integer(f"u{i}").expr.name for i in range(700)]
    for x, y in pairwise(names):
        env.assume(f"{x} <= {y}")
    env.assume("u0 >= 5")
    with pytest.raises(ContradictionError) as caught:
        env.assume("u699 <= 4")
    assert len(caught.value.culprits) == 701


@interpreted_only
def test_what_is_missed_is_found_when_a_question_meets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module.Model, "state", lambda *_: None)
    env = state("x <= y; y <= z; z <= x - 1; v >= 0")
    for claim in ("x == 0", "x + y + z <= 10"):
        with pytest.raises(ContradictionError) as caught:
            env.prove(claim)
        spelled = [fact.spelled for fact in caught.value.culprits]
        assert spelled == ["x <= y", "y <= z", "z <= x - 1"]
    assert env.prove("v >= 0").proved
    assert env.prove("v >= 1").status is Status.DEPENDS


def test_what_only_the_solver_refutes_has_few_culprits_too() -> None:
    env = state("x*x - 2*x == y; y >= 0; z >= x")
    env.facts = env.facts.given(*state("y == 4").facts)
    with pytest.raises(ContradictionError) as caught:
        env.prove("x >= 5")
    assert [fact.spelled for fact in caught.value.culprits] == ["x*x - 2*x == y", "y == 4"]


def test_examples_are_values_to_start_with_and_no_facts() -> None:
    env = ShapeEnv()
    b, s = env.size("b", hint=8), env.size("s", hint=3)
    assert b % 4 == 0
    assert bool(s < b)
    env.assume("s >= 100")
    env.assume("b != 8")
    assert env.prove("b == 8").status is Status.NEVER
    assert len(env.guards) == 2


def test_a_scope_takes_its_statements_along() -> None:
    env = state("x <= y; y <= z")
    with env.scope():
        env.assume("x >= 100")
        with pytest.raises(ContradictionError):
            env.assume("z <= 99")
    env.assume("z <= 99")
    assert env.prove("x <= 99").proved
