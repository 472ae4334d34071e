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

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from shapes.env import Check, ShapeEnv
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr import OPERATORS, BoolExpr, Expr
from shapes.facts import Fact, Facts
from shapes.interpret import free_symbols, walk
from shapes.location import Location
from shapes.prover import Effort, decide, entails
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


TRADING_PROOFS = 60
"""Proofs that the search for a smaller set at one point may try."""


@dataclass(frozen=True, eq=False)
class Obligation:
    """One condition that has to hold at run time, and who says so."""

    claim: BoolExpr
    text: str
    kind: Kind
    stated_by: str
    message: str | None = None
    where: Location | None = None

    @property
    def location(self) -> str | None:
        """The line that states it, as text."""
        return None if self.where is None else str(self.where)


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
    return _parts(check.claim, check.text, kind, stated_by, check.message, check.location)


def _parts(
    claim: BoolExpr,
    text: str | None,
    kind: Kind,
    stated_by: str,
    message: str | None = None,
    where: Location | None = None,
) -> list[Obligation]:
    clauses = claim.args if claim.op is OPERATORS["And"] else (claim,)
    return [
        Obligation(
            clause,  # type: ignore[arg-type]
            text if text is not None and len(clauses) == 1 else show(clause),
            kind,
            stated_by,
            message,
            where,
        )
        for clause in clauses
    ]


@dataclass(frozen=True)
class _Known:
    """What may be used: by any check, and by one that a person wrote."""

    all: Facts
    kept_for_user: Facts

    def given(self, fact: Fact, for_user: bool) -> _Known:
        user = self.kept_for_user
        return _Known(self.all.given(fact), user.given(fact) if for_user else user)


LOCAL_FACTS = 80
"""Facts on run-time values that one group of checks may use."""


class _Store:
    """Known facts, found again by the run-time values in them.

    Values that are read at run time by the hundred have little to say of each other, though
    all may be compared with one size of an input: a question sees the facts on inputs, and
    those that are connected to it by run-time values.
    """

    def __init__(self, env: ShapeEnv) -> None:
        self._env = env
        self._on_inputs = _Known(Facts(), Facts())
        self._about: dict[Expr, list[tuple[Fact, bool]]] = {}

    def run_time_symbols(self, claim: BoolExpr) -> list[Expr]:
        infos = self._env.symbols
        return [s for s in free_symbols(claim) if s.name in infos and not infos[s.name].backed]

    def add(self, fact: Fact, for_user: bool) -> None:
        symbols = self.run_time_symbols(fact.claim)
        for symbol in symbols:
            self._about.setdefault(symbol, []).append((fact, for_user))
        if not symbols:
            # A check that makes the facts contradictory stays and always fails.
            with suppress(ContradictionError):
                self._on_inputs = self._on_inputs.given(fact, for_user)

    def around(self, symbols: Iterable[Expr]) -> _Known:
        """What is known that has to do with these run-time values, the nearest first."""
        known = self._on_inputs
        waiting = list(dict.fromkeys(symbols))
        seen = set(waiting)
        used: set[Fact] = set()
        for symbol in waiting:
            for fact, for_user in self._about.get(symbol, ()):
                if fact in used or len(used) >= LOCAL_FACTS:
                    continue
                used.add(fact)
                with suppress(ContradictionError):
                    known = known.given(fact, for_user)
                for other in self.run_time_symbols(fact.claim):
                    if other not in seen:
                        seen.add(other)
                        waiting.append(other)
        return known


def discharge(
    env: ShapeEnv,
    placed: Sequence[tuple[int, Obligation]],
    point_of: Callable[[BoolExpr], int | None],
    existing: Mapping[BoolExpr, int] | None = None,
    policy: Policy = "preserve-user",
    effort: str | Effort = "default",
    as_written: Callable[[Expr], Expr] = lambda claim: claim,
) -> list[Decision]:
    """Decide every obligation, given the point where it is placed (in any order).

    `point_of` gives the point at which a guarantee's symbols are known, or None if the graph
    does not know one of them. `existing` are the checks that the graph makes already, with
    their points, and `as_written` says how a check is read from there. Raises `ValueError`
    for an unknown policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"no policy {policy!r}; there are {', '.join(POLICIES)}")
    run = _Discharge(env, point_of, existing or {}, policy, effort, as_written)
    return run.decide(placed)


class _Discharge:
    def __init__(
        self,
        env: ShapeEnv,
        point_of: Callable[[BoolExpr], int | None],
        existing: Mapping[BoolExpr, int],
        policy: Policy,
        effort: str | Effort,
        as_written: Callable[[Expr], Expr],
    ) -> None:
        self._as_written = as_written
        self._env = env
        self._existing = existing
        self._policy = policy
        self._effort = effort
        self._store = _Store(env)
        guarantees = [
            (point, fact)
            for fact in env.axioms
            if fact.origin == "operation" and (point := point_of(fact.claim)) is not None
        ]
        self._guarantees = sorted(guarantees, key=lambda g: g[0])
        self._standing = sorted(self._existing.items(), key=lambda e: e[1])

    def decide(self, placed: Sequence[tuple[int, Obligation]]) -> list[Decision]:
        by_point: dict[int, list[Obligation]] = {}
        for point, obligation in placed:
            by_point.setdefault(point, []).append(obligation)
        decisions: list[Decision] = []
        for point in sorted(by_point):
            self._learn_guarantees(point)
            self._learn_standing(point)
            decisions += self._at_point(point, by_point[point])
        return decisions

    def _learn_guarantees(self, point: int) -> None:
        while self._guarantees and self._guarantees[0][0] <= point:
            self._store.add(self._guarantees.pop(0)[1], for_user=True)

    def _learn_standing(self, point: int) -> None:
        """The checks that the graph makes already stay, so what they demand is known."""
        while self._standing and self._standing[0][1] <= point:
            claim, _ = self._standing.pop(0)
            self._store.add(Fact(claim, "check", operation="the graph"), for_user=False)

    def _at_point(self, point: int, obligations: list[Obligation]) -> list[Decision]:
        """Nothing happens between the checks at one point, so any of them may imply another:
        keep a smallest and cheapest set that implies all."""
        ordered = sorted(obligations, key=_rank)
        decided: dict[Obligation, Decision] = {}
        for group in self._groups(ordered):
            self._decide_group(point, group, decided)
        return [decided[obligation] for obligation in ordered]

    def _groups(self, obligations: list[Obligation]) -> list[list[Obligation]]:
        """The checks on inputs alone, then those that run-time values connect."""
        groups: list[list[Obligation]] = [[]]
        group_of: dict[Expr, list[Obligation]] = {}
        for obligation in obligations:
            symbols = self._store.run_time_symbols(obligation.claim)
            known = (group_of[s] for s in symbols if s in group_of)
            met = list({id(g): g for g in known}.values())
            group = met[0] if met else []
            if not symbols:
                group = groups[0]
            elif not met:
                groups.append(group)
            joined = [obligation]
            for other in met[1:]:
                joined += other
                other.clear()
            group += joined
            for member in joined:
                for symbol in self._store.run_time_symbols(member.claim):
                    group_of[symbol] = group
        order = {obligation: index for index, obligation in enumerate(obligations)}
        return [sorted(group, key=order.__getitem__) for group in groups if group]

    def _decide_group(
        self, point: int, group: list[Obligation], decided: dict[Obligation, Decision]
    ) -> None:
        symbols = [s for o in group for s in self._store.run_time_symbols(o.claim)]
        before = self._store.around(symbols)
        kept = group if self._policy == "keep-all" else self._smallest(before, group)
        chosen = set(kept)
        known = before.all
        for obligation in group:
            if obligation not in chosen:
                proof = self._implied(before, kept, obligation)
                decided[obligation] = Decision(obligation, point, obligation.claim, proof)
                continue
            # What stands before it in the graph is known when it is computed, no more.
            decided[obligation] = self._made(point, obligation, known)
            fact = self._fact(obligation)
            self._store.add(fact, obligation.kind != "operation")
            with suppress(ContradictionError):
                known = known.given(fact)

    def _smallest(self, before: _Known, obligations: list[Obligation]) -> list[Obligation]:
        """Drop the dearest first as long as the rest implies it; then look for smaller sets
        among all of them, within a budget of proofs."""
        kept = list(obligations)
        for candidate in sorted(obligations, key=_cost, reverse=True):
            others = [o for o in kept if o is not candidate]
            if self._implied(before, others, candidate) is not None:
                kept = others
        if len(kept) == len(obligations):
            return kept  # a smaller set would imply what all others together do not
        budget = TRADING_PROOFS
        for size in range(1, len(kept)):
            for chosen in combinations(sorted(obligations, key=_cost), size):
                dropped = [o for o in obligations if o not in chosen]
                budget -= len(dropped)
                if budget < 0:
                    return kept
                if all(self._implied(before, chosen, o) is not None for o in dropped):
                    return [o for o in obligations if o in chosen]
        return kept

    def _implied(
        self, before: _Known, others: Sequence[Obligation], target: Obligation
    ) -> Proof | None:
        """The proof of an obligation from what was known before and others at its point."""
        everything = self._may_use_all(target)
        facts = before.all if everything else before.kept_for_user
        try:
            for other in others:
                if everything or other.kind != "operation":
                    facts = facts.given(self._fact(other))
            return entails(facts, target.claim, self._effort)
        except (ContradictionError, UndefinedError):
            return None

    def _made(self, point: int, obligation: Obligation, known: Facts) -> Decision:
        condition = made_total(obligation.claim, lambda claim: decide(known, claim))
        assert isinstance(condition, BoolExpr)
        present = None
        if self._existing:
            present = self._existing.get(self._as_written(condition))  # type: ignore[call-overload]
        here = present is not None and present <= point
        return Decision(obligation, point, condition, None, here)

    def _may_use_all(self, obligation: Obligation) -> bool:
        return self._policy == "strict" or obligation.kind != "user"

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


def _cost(obligation: Obligation) -> tuple[int, int]:
    """How dear a check is, by its number of operations; contracts are dropped last."""
    size = sum(1 for node in walk(obligation.claim) if not node.is_constant)
    return (0 if obligation.kind == "contract" else 1, size)
