"""Premises from ranges: the facts that are named for one show it by themselves."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from shapes.arith.certificate import CertificateError, Premise
from shapes.arith.checker import _check_premise as check_premise
from shapes.arith.interval_premises import in_range, reasons_of_range
from shapes.errors import ContradictionError
from shapes.expr.booleans import conjunction, negation
from shapes.expr.nodes import EQ_ZERO, FALSE, LE_ZERO, NE_ZERO, BoolExpr, Expr
from shapes.facts.store import Fact, Facts, Reasons
from shapes.traversal.interpret import walk
from tests.oracle import Tree, node
from tests.strategies import INTEGRAL, Question, Seeded, ask, questions


def stated(*trees: Tree) -> list[Fact]:
    """The facts as an environment states them: defined and true."""
    spelled = [(*tree.spelled(), str(tree)) for tree in trees]
    return [Fact(conjunction(defined, e), "assumed", text) for e, defined, text in spelled]


def relations(*exprs: Expr) -> set[BoolExpr]:
    """Linear relations, and their negations, which occur in the expressions."""
    found = {p for e in exprs for p in walk(e) if isinstance(p, BoolExpr)}
    linear = {p for p in found if p.op in (LE_ZERO, EQ_ZERO, NE_ZERO)}
    return linear | {negation(p) for p in linear}


def shown(reasons: Reasons, claim: BoolExpr, known: Sequence[Fact]) -> bool:
    """Whether the checker of certificates takes these facts alone for a condition."""
    premise = Premise(claim, "range", tuple(f for f in known if f in reasons))
    assert len(premise.facts) == len(reasons)
    try:
        check_premise(premise, premise.facts, FALSE)
    except CertificateError:
        return False
    return True


@settings(max_examples=400)
@given(questions(INTEGRAL))
def test_reasons_show_what_they_are_reasons_of(question: Question) -> None:
    enough(question)


@pytest.mark.parametrize("seed", [1724, 2110])
def test_what_was_found(seed: int) -> None:
    """Kept ranges and computed ones differ here: the facts of the wrong ones were named."""
    enough(ask(Seeded(seed), INTEGRAL))


def enough(question: Question) -> None:
    """Also while a claim is assumed that contradicts the facts, as refutations do."""
    for assumed in (question.claim, node("Not", question.claim)):
        known = stated(*question.facts, assumed)
        try:
            facts = Facts().given(*known)
        except ContradictionError:
            continue
        for p in relations(*(t.spelled().expr for t in (*question.facts, assumed))):
            if in_range(facts, p):
                assert shown(reasons_of_range(facts, p), p, known), p
