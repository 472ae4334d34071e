"""Certificates of refutations arm by arm: how the branches of `choices` become splits that
`arith.checker` accepts.

What is assumed in a branch is a `Case`: the negated claim, or one way of a choice. Its fact is
made only where a refutation needs it, since most branches that are opened while a proof is
sought do not. A refutation is closed from its leaf upwards: a choice that was made on the way
is entered as a split only if the leaf needs what was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from shapes.arith.certificate import Certificate, Denial, Linear, Premise, Rests, Split
from shapes.base.records import replace
from shapes.expr.booleans import conjunction, conjuncts
from shapes.expr.nodes import FALSE, BoolExpr, Expr
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Fact, Reasons

__all__ = ["Case", "Choice", "Refuted", "Way", "denied", "resting", "split", "translated"]

Way: TypeAlias = tuple[BoolExpr, ...]
"""Conditions that hold together."""


class Case:
    """Conditions that a branch assumes together, and the fact that they are in a certificate
    (`also` are given facts with which they were put into normal form)."""

    __slots__ = ("_fact", "_way", "also")

    def __init__(self, way: Way, fact: Fact | None = None, also: Reasons = NO_REASONS) -> None:
        self._way = way
        self._fact = fact
        self.also = also

    @property
    def fact(self) -> Fact:
        """The conditions as one fact."""
        if self._fact is None:
            self._fact = Fact(conjunction(*self._way), "given")
        return self._fact

    def premise(self, claim: BoolExpr) -> Premise:
        """That one of the conditions, or what it says by itself, holds."""
        stated = (self.fact, *self.also)
        literally = claim is self.fact.claim or claim in conjuncts(self.fact.claim)
        return Premise(claim, "fact" if literally else "range", stated)


@dataclass(frozen=True)
class Choice:
    """One of the ways holds, by a rule of `certificate.Split`, because a condition of a case
    does."""

    claim: BoolExpr
    ways: Sequence[Way]
    rule: str
    subjects: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Refuted:
    """A certificate that a branch cannot hold, with the given facts and the cases that it
    uses."""

    certificate: Certificate
    facts: Reasons = NO_REASONS
    cases: frozenset[Case] = field(default_factory=frozenset)


def _read(used: Iterable[Fact], origin: Mapping[Fact, Case]) -> tuple[Reasons, set[Case]]:
    """Given facts, and the cases of those that branches made."""
    given: set[Fact] = set()
    cases: set[Case] = set()
    for fact in used:
        case = origin.get(fact)
        if case is None:
            given.add(fact)
        else:
            cases.add(case)
            given.update(case.also)
    return Reasons(given), cases


def _in_turn(facts: Iterable[Fact], cases: Iterable[Case]) -> tuple[Fact, ...]:
    return (*facts, *(case.fact for case in cases))


def resting(used: Iterable[Fact], origin: Mapping[Fact, Case]) -> Refuted:
    """Facts that learning sees to contradict each other."""
    given, cases = _read(used, origin)
    certificate = Rests("contradiction", _in_turn(given, cases))
    return Refuted(certificate, given, frozenset(cases))


def denied(part: BoolExpr, case: Case, used: Reasons, origin: Mapping[Fact, Case]) -> Refuted:
    """A condition of a case that the ranges under other facts exclude."""
    given, cases = _read(used, origin)
    given |= case.also
    if part is FALSE:
        certificate: Certificate = Rests("contradiction", _in_turn(given, [case]))
    else:
        rests = Rests("ranges", _in_turn(given, cases))
        certificate = Denial(case.premise(part), rests)
    return Refuted(certificate, given, frozenset({*cases, case}))


def translated(proof: Linear, used: Iterable[Fact], origin: Mapping[Fact, Case]) -> Refuted:
    """A linear refutation, with the cases in the place of what branches made of them."""
    steps = []
    for step in proof.steps:
        if isinstance(step, Premise):
            given, cases = _read(step.facts, origin)
            step = replace(step, facts=_in_turn(given, cases))
        steps.append(step)
    given, cases = _read(used, origin)
    return Refuted(Linear(tuple(steps)), given, frozenset(cases))


def split(choice: Choice, case: Case, closed: Sequence[tuple[Case, Refuted]]) -> Refuted:
    """The refutation of a case by those of the ways of a choice that it leaves; that of one
    way alone, if it does without what was chosen."""
    given = case.also
    cases = {case}
    for way, found in closed:
        if way not in found.cases:
            return found
        given |= found.facts
        cases |= found.cases - {way}
    made = Split(
        choice.rule,
        choice.subjects,
        (case.premise(choice.claim),),
        tuple(way.fact for way, _ in closed),
        tuple(found.certificate for _, found in closed),
    )
    return Refuted(made, given, frozenset(cases))
