"""Which checks must be made, in program order, and which are implied.

Every obligation (what the input contract says, what operations imply, what a person wrote)
belongs to a *point*: the first node behind which all its symbols are known. Walking through
the points in program order, an obligation goes if what is known there implies it: what
operations before that point guarantee, and the obligations that stand earlier and stay. At
one point nothing happens between two checks, so they may be traded, and a check that the
others at its point imply goes too. A later check never discharges an earlier one, and no
assumption discharges anything unless it is itself an obligation at entry: whatever a proof
rests on is enforced in the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from shapes.env import Check, ShapeEnv
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr import OPERATORS, BoolExpr, Expr
from shapes.facts import Fact, Facts
from shapes.interpret import free_symbols, walk
from shapes.prover import Effort, decide, prove
from shapes.show import show
from shapes.totals import made_total
from shapes.verdict import Proof

__all__ = ["Decision", "Obligation", "Policy", "discharge", "obligations_of"]

Kind = Literal["contract", "operation", "user"]
Policy = Literal["strict", "preserve-user", "keep-all"]
"""``strict``: any check may discharge any later one. ``preserve-user``: checks a person wrote
keep their message, so only axioms and other checks a person wrote discharge them.
``keep-all``: nothing is discharged."""

POLICIES: tuple[Policy, ...] = ("strict", "preserve-user", "keep-all")


@dataclass(frozen=True, eq=False)
class Obligation:
    """One condition that has to hold at run time, and who says so."""

    claim: BoolExpr
    text: str
    kind: Kind
    stated_by: str
    message: str | None = None
    location: str | None = None


@dataclass(frozen=True, eq=False)
class Decision:
    """What becomes of an obligation: emitted as `condition`, or discharged with a proof.

    `present` says that the graph makes this very check already.
    """

    obligation: Obligation
    point: int
    condition: BoolExpr
    proof: Proof | None = None
    present: bool = False


def obligations_of(env: ShapeEnv) -> list[Obligation]:
    """The input contract first, then the checks in the order in which they were stated;
    conjunctions are taken apart."""
    found: list[Obligation] = []
    for fact in env.axioms:
        if fact.origin != "operation":
            found += _parts(fact.claim, fact.text, "contract", fact.whence.split(" (")[0])
    for check in env.checks:
        found += _of_check(check)
    return found


def _of_check(check: Check) -> list[Obligation]:
    kind: Kind = "operation" if check.origin == "operation" else "user"
    stated_by = check.operation or "an operation" if kind == "operation" else "the program"
    location = None if check.location is None else str(check.location)
    return _parts(check.claim, check.text, kind, stated_by, check.message, location)


def _parts(
    claim: BoolExpr,
    text: str | None,
    kind: Kind,
    stated_by: str,
    message: str | None = None,
    location: str | None = None,
) -> list[Obligation]:
    clauses = claim.args if claim.op is OPERATORS["And"] else (claim,)
    return [
        Obligation(
            clause,  # type: ignore[arg-type]
            text if text is not None and len(clauses) == 1 else show(clause),
            kind,
            stated_by,
            message,
            location,
        )
        for clause in clauses
    ]


@dataclass(frozen=True)
class _Known:
    """What may be used at a point: by any check, and by one that a person wrote."""

    all: Facts
    kept_for_user: Facts

    def given(self, fact: Fact, for_user: bool) -> _Known:
        user = self.kept_for_user
        return _Known(self.all.given(fact), user.given(fact) if for_user else user)


def discharge(
    env: ShapeEnv,
    placed: Sequence[tuple[int, Obligation]],
    point_of: Callable[[BoolExpr], int | None],
    existing: Mapping[BoolExpr, int] | None = None,
    policy: Policy = "preserve-user",
    effort: str | Effort = "default",
) -> list[Decision]:
    """Decide every obligation, given the point where it is placed (in any order).

    `point_of` gives the point at which a guarantee's symbols are known, or None if the graph
    does not know one of them. `existing` are the checks that the graph makes already, with
    their points. Raises `ValueError` for an unknown policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"no policy {policy!r}; there are {', '.join(POLICIES)}")
    run = _Discharge(env, point_of, existing or {}, policy, effort)
    return run.decide(placed)


class _Discharge:
    def __init__(
        self,
        env: ShapeEnv,
        point_of: Callable[[BoolExpr], int | None],
        existing: Mapping[BoolExpr, int],
        policy: Policy,
        effort: str | Effort,
    ) -> None:
        self._env = env
        self._existing = existing
        self._policy = policy
        self._effort = effort
        self._known = _Known(Facts(), Facts())
        guarantees = [
            (point, fact)
            for fact in env.axioms
            if fact.origin == "operation" and (point := point_of(fact.claim)) is not None
        ]
        self._guarantees = sorted(guarantees, key=lambda g: g[0])

    def decide(self, placed: Sequence[tuple[int, Obligation]]) -> list[Decision]:
        by_point: dict[int, list[Obligation]] = {}
        for point, obligation in placed:
            by_point.setdefault(point, []).append(obligation)
        decisions: list[Decision] = []
        for point in sorted(by_point):
            self._learn_guarantees(point)
            decisions += self._at_point(point, by_point[point])
        return decisions

    def _learn_guarantees(self, point: int) -> None:
        while self._guarantees and self._guarantees[0][0] <= point:
            self._learn(self._guarantees.pop(0)[1], for_user=True)

    def _learn(self, fact: Fact, for_user: bool) -> None:
        # A check that makes the facts contradictory stays and always fails.
        with suppress(ContradictionError):
            self._known = self._known.given(fact, for_user)

    def _at_point(self, point: int, obligations: list[Obligation]) -> list[Decision]:
        before = self._known
        ordered = sorted(obligations, key=_rank)
        first: list[Decision] = []
        for obligation in ordered:
            decision = self._decided(point, obligation)
            first.append(decision)
            if decision.proof is None:
                self._learn(self._fact(obligation), obligation.kind != "operation")
        if self._policy == "keep-all":
            return first
        return self._traded(before, first)

    def _decided(self, point: int, obligation: Obligation) -> Decision:
        facts = self._known.all if self._may_use_all(obligation) else self._known.kept_for_user
        proof = self._proof(facts, obligation.claim)
        condition = obligation.claim
        if proof is None:
            condition = made_total(  # type: ignore[assignment]
                condition, lambda c: decide(self._known.all, c)
            )
        present = self._existing.get(condition)
        here = proof is None and present is not None and present <= point
        return Decision(obligation, point, condition, proof, here)

    def _may_use_all(self, obligation: Obligation) -> bool:
        return self._policy == "strict" or obligation.kind != "user"

    def _proof(self, facts: Facts, claim: BoolExpr) -> Proof | None:
        if self._policy == "keep-all":
            return None
        try:
            verdict = prove(facts, claim, effort=self._effort)
        except (ContradictionError, UndefinedError):
            return None
        return verdict.proof if verdict.proved else None

    def _traded(self, before: _Known, decisions: list[Decision]) -> list[Decision]:
        """Drop what the others at this point imply, dearest first. The proofs found before
        stay true: what is dropped follows from what is kept."""
        kept = [d for d in decisions if d.proof is None]
        if len(kept) < 2:
            return decisions
        result = {id(d): d for d in decisions}
        for candidate in sorted(kept, key=_cost, reverse=True):
            others = [d for d in kept if d is not candidate]
            facts = self._with(before, others, candidate.obligation)
            proof = None if facts is None else self._proof(facts, candidate.obligation.claim)
            if proof is not None:
                kept = others
                result[id(candidate)] = replace(candidate, proof=proof, present=False)
        self._known = before
        for decision in kept:
            obligation = decision.obligation
            self._learn(self._fact(obligation), obligation.kind != "operation")
        return [result[id(d)] for d in decisions]

    def _with(
        self, before: _Known, others: Sequence[Decision], target: Obligation
    ) -> Facts | None:
        everything = self._may_use_all(target)
        facts = before.all if everything else before.kept_for_user
        try:
            for other in others:
                if everything or other.obligation.kind != "operation":
                    facts = facts.given(self._fact(other.obligation))
        except ContradictionError:
            return None
        return facts

    def _fact(self, obligation: Obligation) -> Fact:
        origin: Literal["contract", "check"] = (
            "contract" if obligation.kind == "contract" else "check"
        )
        operation = obligation.stated_by if obligation.kind == "operation" else None
        return Fact(
            obligation.claim, origin, obligation.text, obligation.message, operation
        )


def _rank(obligation: Obligation) -> tuple[int, int]:
    """Contract first, ranges of single symbols before other conditions, else as stated."""
    simple = obligation.claim.op.name in ("LeZero", "EqZero", "NeZero")
    single = simple and len(free_symbols(obligation.claim)) == 1
    return (0 if obligation.kind == "contract" else 1, 0 if single else 1)


def _cost(decision: Decision) -> tuple[int, int]:
    """How dear a check is: operations first by their number; contracts are dropped last."""
    nodes = _size(decision.condition)
    return (0 if decision.obligation.kind == "contract" else 1, nodes)


def _size(expr: Expr) -> int:
    return sum(1 for node in walk(expr) if not node.is_constant)
