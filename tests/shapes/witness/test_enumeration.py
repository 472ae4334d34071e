"""Proofs by trying every value."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from shapes import ShapeEnv, Status
from shapes.errors import ContradictionError
from shapes.facts.store import Facts
from shapes.prove.ladder import METHODS, Effort
from shapes.witness.enumeration import MOST, enumerated
from tests.fuzz import stated
from tests.oracle import Undefined, models
from tests.shapes.reasoning_help import question
from tests.strategies import FEW_CONDITIONS, FEW_INTEGERS, Question, questions

ALONE = Effort(("values",), search=0, rlimit=0)


@pytest.mark.parametrize(
    ("claim", "known", "named"),
    [
        ("TruncToInt(n / 2) == n // 2", ["n >= 0", "n <= 1000"], ["n >= 0", "n <= 1000"]),
        ("CeilToInt(n * 1.25) >= n", ["n >= 1", "n <= 200"], ["n >= 1", "n <= 200"]),
        ("k <= 8", ["k >= 0", "k <= 99", "CeilToInt(k / 2) <= 4"], None),
        ("x*x % 8 == 1", ["x % 2 == 1", "x >= -99", "x <= 99", "y >= 0"], None),
        ("x != 5", ["x >= 0", "x <= 9", "x*x*x != 125", "x*y <= 70"], ["x >= 0", "x <= 9"]),
    ],
)
def test_few_values_are_tried(claim: str, known: list[str], named: list[str] | None) -> None:
    asked = question(claim, *known)
    proof = enumerated(asked.facts, asked.claim)
    assert proof is not None
    spelled = [fact.spelled for fact in proof.facts]
    assert "y >= 0" not in spelled
    assert set(named or []) <= set(spelled)
    alone = question(claim, *[text for text in known if text in spelled])
    assert enumerated(alone.facts, alone.claim) is not None
    for left_out in spelled if named is None else ():
        rest = question(claim, *[text for text in spelled if text != left_out])
        assert enumerated(rest.facts, rest.claim) is None, left_out


@pytest.mark.parametrize(
    ("claim", "known"),
    [
        ("TruncToInt(n / 2) == n // 2", ["n >= -1", "n <= 1000"]),
        ("n*n >= 0", ["n >= 0"]),
        ("n*n >= 0", ["n >= 0", f"n <= {MOST}"]),
        ("n + m >= 0", ["n >= 0", "n <= 40", "m >= 0", "m <= 40"]),
        ("k <= 8", ["k >= 0", "k <= 99", "CeilToInt(k / 2) <= 5"]),
        ("x // y == 0", ["x >= 0", "x <= 1", "y >= 0", "y <= 3"]),
    ],
)
def test_more_values_or_other_ones_prove_nothing(claim: str, known: list[str]) -> None:
    asked = question(claim, *known)
    # What is claimed of x // y needs y != 0, which the question states; not so here.
    facts = Facts().given(*[f for f in asked.facts if f.origin != "given"])
    assert enumerated(facts, asked.claim) is None


@settings(max_examples=150)
@given(questions(FEW_INTEGERS) | questions(FEW_CONDITIONS))
def test_whatever_is_proved_holds(asked: Question) -> None:
    try:
        facts = stated(asked)
        expr, defined = asked.claim.spelled()
        proof = enumerated(facts.given(defined), expr)  # type: ignore[arg-type]
    except ContradictionError:
        return
    if proof is None:
        return
    found = [asked.claim.known(v) for v in models(asked.facts, asked.domains)]
    assert all(value is Undefined or value for value in found), str(asked)


def test_it_is_the_last_method_before_the_solver() -> None:
    assert list(METHODS)[-1] == "values"
    env = ShapeEnv()
    env.integer("n", min=0, max=300)
    verdict = env.prove("RoundToInt(n * 0.5) * 2 - n <= 1")
    assert verdict.status is Status.ALWAYS
    assert "every value" in verdict.explain()
    assert env.prove("RoundToInt(n * 0.5) * 2 - n <= 0").status is Status.DEPENDS
    assert env.prove("n <= 299", effort=ALONE).status is Status.UNKNOWN
