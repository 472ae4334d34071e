"""Which of the checks at one place others imply.

Between two checks at one place nothing happens, so either may stand for the other. What is
kept implies what is dropped, and nothing of it can be left out; where several sets do, the
smaller one is taken as far as a budget of proofs finds it, and among equals the one whose
members are worth more: what was written first stays.

First each candidate is asked of those before it, and of checks that stay in any case: these
facts change little, so that many questions share what is made of them. Those that are left
are then asked about one by one, the least worth first, each given all others that are still
there.

Guarantees: every dropped candidate has a proof from what is enforced before and from
candidates that stay. The work grows linearly with the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

from asserts.conditions.known import Known, Statement, asked
from asserts.passes.premises import FEW, Premises, Stated
from shapes.expr import EQ_ZERO, BoolExpr
from shapes.facts import Proof
from shapes.prove import METHODS, Effort, effort_named

__all__ = ["Candidate", "Redundant"]

TRADING_PROOFS: Final = 60
"""Proofs that the search for a smaller set at one place may try."""

FULL: Final = 24
"""So many candidates that may be dropped are each asked about with every method and all
others given."""

EXACT: Final = 200
"""So many with all others given, but by the methods that choose among many facts, and by
every method with the statements around it; of more only these are given."""

VAIN: Final = 8
"""Candidates one after the other that do not follow from those before them, after which one
of two is tried first, after as many again one of three, and so on: where one does follow,
those that were passed over are tried, too."""

LINEAR: Final = ("canonical", "ranges", "differences", "linear")
"""The methods that choose among many facts themselves."""


class Candidate(Statement):
    """A check that may be dropped: by what a person wrote only, if it `needs_user`; rather
    than others, if it has a greater `worth`. The proof says why it was."""

    __slots__ = ("needs_user", "proof", "worth")

    def __init__(self, claim: BoolExpr, for_user: bool, needs_user: bool) -> None:
        super().__init__(claim, for_user)
        self.needs_user = needs_user
        self.worth: tuple[int, ...] = ()
        self.proof: Proof | None = None


class Redundant:
    """The search for what can be dropped, place by place."""

    def __init__(self, premises: Premises, known: Known, effort: str | Effort) -> None:
        self._premises = premises
        self._known = known
        self._effort = effort_named(effort)
        methods = tuple(m for m in self._effort.methods if m in LINEAR and m in METHODS)
        self._linear = Effort(methods, search=0, rlimit=0)

    def drop(self, suspects: Sequence[Candidate], sure: Sequence[Candidate]) -> None:
        """Give the suspects that the others imply their proofs; those that are `sure` stay.
        All are known, and what is dropped is not any more."""
        suspects = sorted(suspects, key=_worth)
        enforced = self._enforced(suspects, sure)
        left = suspects if enforced is None else self._drop_following(suspects, enforced)
        if len(left) > EXACT or not self._premises.affords(suspects, len(left)):
            enforced = None
        self._drop_others(left, enforced)
        if all(c.proof is None for c in suspects):
            return  # a smaller set would imply what all others together do not
        small = len(left) <= FULL
        if enforced is None or not small or not self._traded(suspects, enforced):
            self._confirm(suspects, sure)

    def _enforced(
        self, group: Sequence[Statement], sure: Sequence[Statement]
    ) -> Stated | None:
        """What is enforced before a group, and what of it stays; None if that cannot be
        read."""
        if not self._premises.affords(group, 1):
            return None
        return _given(self._premises.facts(group), sure)

    def _set(self, candidate: Candidate, proof: Proof | None) -> None:
        if (candidate.proof is None) is not (proof is None):
            (self._known.add if proof is None else self._known.remove)(candidate)
        candidate.proof = proof

    # ------------------------------------------------------------------ questions

    def _implied(
        self,
        target: Candidate,
        stated: Stated | None,
        gone: set[Statement],
        every: bool = True,
    ) -> Proof | None:
        """The proof of a candidate: from these facts, by `every` method if they are few; and
        else from the statements around it without those that are gone."""
        if stated is not None:
            facts = stated.user if target.needs_user else stated.all
            few = every and len(facts) <= FEW
            proof = asked(facts, target.claim, self._effort if few else self._linear)
            if few or proof is not None:
                return proof
        return self._known.implies(target.claim, target.symbols, target.needs_user, gone)

    def _drop_following(
        self, suspects: Sequence[Candidate], enforced: Stated
    ) -> list[Candidate]:
        """Drop what follows from what stays and suspects before it that do not follow, by
        the methods that choose among many facts; the suspects that are left."""
        left: list[Candidate] = []
        passed: list[Candidate] = []
        vain = 0

        def keep(candidates: Sequence[Candidate], given: Stated) -> Stated:
            left.extend(candidates)
            can_give = self._premises.affords(suspects[:1], 1)  # (one place)
            return _given(given, candidates) if can_give else given

        for candidate in sorted(suspects, key=_strength if len(suspects) > FULL else _worth):
            passed.append(candidate)
            if len(passed) <= vain // VAIN:
                continue
            facts = _given(enforced, passed[:-1])
            if self._follows(candidate, facts):
                for one in passed[:-1]:
                    if not self._follows(one, enforced):
                        enforced = keep([one], enforced)
                if len(passed) > 1 and not self._follows(candidate, enforced):
                    enforced = keep([candidate], enforced)
                vain = 0
            else:
                vain += len(passed)
                enforced = keep(passed, enforced)
            passed = []
        left += passed
        return sorted(left, key=_worth)

    def _follows(self, candidate: Candidate, given: Stated) -> bool:
        """Whether these facts imply a candidate, by the methods that choose among many."""
        facts = given.user if candidate.needs_user else given.all
        if len(facts):
            self._set(candidate, asked(facts, candidate.claim, self._linear))
        return candidate.proof is not None

    def _drop_others(self, left: Sequence[Candidate], enforced: Stated | None) -> None:
        """Drop what the others imply that are still there, the least worth first."""
        before: list[Stated] = []
        if enforced is not None:
            before.append(enforced)
            for candidate in left[:-1]:
                before.append(before[-1].given(candidate))
        kept: list[Candidate] = []
        for place in reversed(range(len(left))):
            candidate = left[place]
            stated = _given(before[place], kept) if before else None
            every = len(left) <= FULL
            self._set(candidate, self._implied(candidate, stated, {candidate}, every))
            if candidate.proof is None:
                kept.append(candidate)

    # ------------------------------------------------------------------ smaller sets

    def _traded(self, suspects: Sequence[Candidate], enforced: Stated) -> bool:
        """Look for a smaller set that implies the others, within a budget of proofs; whether
        there is one, which was taken then."""
        proofs = self._smaller(suspects, enforced)
        if proofs is None:
            return False
        for candidate in suspects:
            self._set(candidate, proofs.get(candidate))
        return True

    def _smaller(
        self, suspects: Sequence[Candidate], enforced: Stated
    ) -> dict[Candidate, Proof] | None:
        """The proofs of all candidates but fewer than stay now, which imply them."""
        budget = TRADING_PROOFS
        for size in range(1, sum(1 for c in suspects if c.proof is None)):
            for chosen in combinations(suspects, size):
                rest = [c for c in suspects if c not in chosen]
                budget -= len(rest)
                if budget < 0:
                    return None
                proofs = self._proofs(rest, _given(enforced, chosen))
                if proofs is not None:
                    return proofs
        return None

    def _proofs(
        self, rest: Sequence[Candidate], stated: Stated
    ) -> dict[Candidate, Proof] | None:
        """The proofs of all these candidates."""
        proofs: dict[Candidate, Proof] = {}
        for candidate in rest:
            found = self._implied(candidate, stated, set(rest))
            if found is None:
                return None
            proofs[candidate] = found
        return proofs

    def _confirm(self, suspects: Sequence[Candidate], sure: Sequence[Candidate]) -> None:
        """Prove again what was proved from a candidate that was dropped later."""
        gone = {c for c in suspects if c.proof is not None}
        facts = {c.fact for c in gone}
        again = [c for c in gone if c.proof and not facts.isdisjoint(c.proof.facts)]
        if not again:
            return
        staying = [*sure, *(c for c in suspects if c.proof is None)]
        stated = self._enforced(suspects, staying)
        for candidate in sorted(again, key=_worth):
            self._set(candidate, self._implied(candidate, stated, set(gone)))


def _worth(candidate: Candidate) -> tuple[int, ...]:
    return candidate.worth


def _strength(candidate: Candidate) -> tuple[int, ...]:
    """The order for many: the contract, then equations, for they say the most; then
    by worth."""
    rank, *others = candidate.worth
    return 1 if rank else 0, candidate.claim.op is not EQ_ZERO, rank, *others


def _given(stated: Stated, statements: Sequence[Statement]) -> Stated:
    for statement in statements:
        stated = stated.given(statement)
    return stated
