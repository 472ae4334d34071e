"""Case splits: sound by enumeration, complete on a table, within their budget."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.arith.certificate import Linear, Refutation, Split
from shapes.expr.nodes import BoolExpr
from shapes.prove import case_split as cases_module
from shapes.prove.case_split import cases
from tests.shapes.reasoning_help import question, random_question, verified

CROP = ["0 <= u1", "u1 <= 64", "0 <= u3", "u1 + u3 <= 64"]

# facts, a claim that follows, and a near one that does not
TABLE = [
    (["x <= y or y <= z", "y > z"], "x <= y", "x < y"),
    (["x >= 3 or x <= -3"], "x*x >= 9", "x*x >= 10"),
    (["x == 2 or x == 4 or x == 8"], "x % 2 == 0", "x % 4 == 0"),
    (["x >= y"], "Implies(y >= 3, x >= 3)", "Implies(x >= 3, y >= 3)"),
    (["(x >= 3) == (y >= 3)", "x >= 5"], "y >= 3", "y >= 4"),
    (["Ne(x >= 3, y >= 3)", "x >= 5"], "y <= 2", "y <= 1"),
    (["x < y", "y < z"], "x < z and x != z", "x < z and x + 2 != z"),
    (["b >= 1"], "a % b == 0 or a % b >= 1", "a % b == 0 or a % b >= 2"),
    ([], "abs(x + y) <= abs(x) + abs(y)", "abs(x + y) < abs(x) + abs(y) + 0*x"),
    ([], "abs(x*y) == abs(x)*abs(y)", "abs(x*y) == abs(x)*y"),
    ([], "Max(x, y) - Min(x, y) == abs(x - y)", "Max(x, y) - Min(x, y) == x - y"),
    ([], "Where(x > y, x, y) == Max(x, y)", "Where(x >= y, x, y) == Min(x, y)"),
    (["x >= 0", "y >= 0"], "(x | y) >= Max(x, y)", "(x | y) > Max(x, y)"),
    ([], "x*x % 4 != 2", "x*x % 4 != 1"),
    ([], "(x*x + x) % 2 == 0", "(x*x + x) % 4 == 0"),
    (["x*y == 0"], "x == 0 or y == 0", "x == 0"),
    (["0 <= p", "p <= 1", "0 <= q", "q <= 1"], "p*q == Min(p, q)", "p*q == Max(p, q)"),
    ([], "2*TruncDiv(x, 2) <= abs(x)", "2*TruncDiv(x, 2) < abs(x)"),
    ([], "abs(TruncDiv(x, 3))*3 <= abs(x)", "abs(TruncDiv(x, 3))*3 < abs(x)"),
    (["b != 0"], "abs(a % b) < abs(b)", "abs(a % b) < abs(b) - 1"),
    ([*CROP, "u3 >= 1"], "Max(0, u1 + u3 - Min(64, u1)) == u3",
     "Max(0, u1 + u3 - Min(64, u1)) == u3 + 1"),
    ([*CROP, "u3 >= 1"], "(Max(0, u1 + u3 - Min(64, u1)) - 1)//2 + 1 != 0",
     "(Max(0, u1 + u3 - Min(64, u1)) - 1)//2 != 0"),
    (["0 <= x", "x <= 5", "y == x*x"], "y != 3", "y != 4"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "claim", "neighbour"), TABLE, ids=[t[1] for t in TABLE])
def test_proves_what_follows_and_not_its_neighbour(
    facts: list[str], claim: str, neighbour: str
) -> None:
    asked = question(claim, *facts)
    assert verified(asked, cases(asked.facts, asked.claim))
    near = question(neighbour, *facts)
    assert cases(near.facts, near.claim) is None


@settings(max_examples=300)
@given(st.integers(0, 10**9), st.booleans())
def test_whatever_is_proved_holds(seed: int, rich: bool) -> None:
    asked = random_question(seed, rich)
    if asked is None or not verified(asked, cases(asked.facts, asked.claim)):
        return
    assert asked.counterexample() is None, asked.text


def test_the_proof_names_no_case_and_only_what_is_used() -> None:
    asked = question("abs(x) + x*x >= 12", "x >= 3 or x <= -3", "y >= 0", "x <= y")
    proof = cases(asked.facts, asked.claim)
    assert proof is not None
    assert [fact.text for fact in proof.facts] == ["x >= 3 or x <= -3"]
    assert isinstance(proof.certificate, Refutation)
    assert isinstance(proof.certificate.inner, Split)


def test_a_case_that_is_not_needed_is_no_split() -> None:
    asked = question("a <= c", "a <= b", "b <= c", "a != 5", "c != 7")
    proof = cases(asked.facts, asked.claim)
    assert proof is not None
    assert isinstance(proof.certificate, Refutation)
    assert isinstance(proof.certificate.inner, Linear)


def test_the_budget_of_cases_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = 0
    original = cases_module._Search.refute

    def counted(self: object, *args: object) -> object:
        nonlocal opened
        opened += 1
        return original(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(cases_module._Search, "refute", counted)
    names = "abcdefgh"
    facts = [f"{x} >= 1 or {y} >= 1" for x, y in pairwise(names)]
    asked = question("a + b + c + d + e + f + g + h >= 5", *facts)
    assert cases(asked.facts, asked.claim) is None
    assert opened <= cases_module.CASE_LIMIT + cases_module.DEPTH_LIMIT


def test_conditions_without_integers_are_split_too() -> None:
    from shapes.expr.booleans import conjunction, disjunction, equivalent, negation
    from shapes.expr.nodes import symbol
    from shapes.facts.store import Fact, Facts

    p, q, r = (symbol(name, "bool") for name in "pqr")
    facts = Facts().given(Fact(disjunction(p, q)), Fact(disjunction(negation(p), r)))
    assert cases(facts, disjunction(q, r)) is not None
    assert cases(facts, conjunction(q, r)) is None
    same: BoolExpr = equivalent(p, q)
    assert cases(facts.given(Fact(same)), conjunction(p, q, r)) is not None
