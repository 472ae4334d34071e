"""Which checks must be made, in program order, and which are implied.

Every obligation (what the input contract says, what operations imply, what a person wrote)
belongs to a *point*: the first node behind which all its symbols are known. Walking through
the points in program order, an obligation goes if what is known there implies it: what
operations before that point guarantee, and the obligations that stand earlier and stay. At
one point nothing happens between two checks, so they may be traded, and a check that the
others at its point imply goes too. A later check never discharges an earlier one, and no
assumption discharges anything unless it is itself an obligation at entry: whatever a proof
rests on is enforced in the graph.

The work grows linearly with the checks: an example that satisfies all of them shows for most
that they are implied by nothing (see `example`), and the prover is asked about the others
with a bounded number of facts around each (see `known`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import itemgetter
from types import MappingProxyType
from typing import Literal

from asserts.conditions.known import Answer, Known, Statement
from asserts.passes.example import Condition, Example
from shapes.base import Location
from shapes.env import Check, ShapeEnv
from shapes.expr import EQ_ZERO, LE_ZERO, NE_ZERO, OPERATORS, BoolExpr, Expr
from shapes.facts import Fact, Proof
from shapes.prove import Effort, decide
from shapes.traversal import free_symbols, made_total, show, walk

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
    implicit: bool = False
    """Whether no check says so: only what computes a check stops the program otherwise."""

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
        found += _of_check(check, env.names)
    return found


def _of_check(check: Check, names: Mapping[str, str]) -> list[Obligation]:
    kind: Kind = "operation" if check.origin == "operation" else "user"
    stated_by = check.operation or "an operation" if kind == "operation" else "the program"
    text = check.text
    if names and check.written is None:
        text = show(check.claim if check.expr is None else check.expr, _renaming(names))
    return _parts(check.claim, text, kind, stated_by, check.message, check.location, names)


def _parts(
    claim: BoolExpr,
    text: str | None,
    kind: Kind,
    stated_by: str,
    message: str | None = None,
    where: Location | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> list[Obligation]:
    clauses = claim.args if claim.op is OPERATORS["And"] else (claim,)
    return [
        Obligation(
            clause,  # type: ignore[arg-type]
            text if text is not None and len(clauses) == 1 else show(clause, _renaming(names)),
            kind,
            stated_by,
            message,
            where,
        )
        for clause in clauses
    ]


def _renaming(names: Mapping[str, str]) -> Callable[[str], str] | None:
    return (lambda name: names.get(name, name)) if names else None


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


class _Candidate(Statement):
    """An obligation while it is decided."""

    __slots__ = ("answer", "condition", "obligation", "stands")

    def __init__(self, obligation: Obligation) -> None:
        super().__init__(obligation.claim, obligation.kind != "operation")
        self.obligation = obligation
        self.condition = Condition(self.claim, self.symbols)
        self.answer: Answer | None = None
        self.stands = False  # in the graph already

    def _made_fact(self) -> Fact:
        obligation = self.obligation
        return Fact(
            obligation.claim,
            "contract" if obligation.kind == "contract" else "check",
            obligation.text,
            obligation.message,
            obligation.stated_by if obligation.kind == "operation" else None,
        )

    def rank(self) -> tuple[int, int]:
        """Contract first, ranges of single symbols before other conditions, else as
        stated."""
        simple = self.claim.op in (LE_ZERO, EQ_ZERO, NE_ZERO)
        single = simple and len(self.symbols) == 1
        return (0 if self.obligation.kind == "contract" else 1, 0 if single else 1)

    def cost(self) -> tuple[int, int]:
        """How dear the check is, by its number of operations; contracts are dropped last, and
        before any other what no check says."""
        size = sum(1 for node in walk(self.claim) if not node.is_constant)
        if self.obligation.implicit:
            return (2, size)
        return (0 if self.obligation.kind == "contract" else 1, size)


class _Discharge:
    """One walk through the points of a graph."""

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
        self._known = Known(self._is_run_time, effort)
        self._example = Example(self._first_value)
        waiting = [
            (point, Statement(fact.claim, True, fact))
            for fact in env.axioms
            if fact.origin == "operation" and (point := point_of(fact.claim)) is not None
        ]
        # The checks that the graph makes already stay, so what they demand is known.
        of_graph = [
            (point, Statement(claim, False, Fact(claim, "check", operation="the graph")))
            for claim, point in existing.items()
        ]
        waiting += of_graph
        self._of_graph = {statement for _, statement in of_graph}
        self._waiting = deque(sorted(waiting, key=itemgetter(0)))

    def _is_run_time(self, symbol: Expr) -> bool:
        info = self._env.symbols.get(symbol.name)
        return info is not None and not info.backed

    def _first_value(self, symbol: Expr) -> int:
        info = self._env.symbols.get(symbol.name)
        hint = None if info is None else info.hint
        return hint if type(hint) is int else 0

    def decide(self, placed: Sequence[tuple[int, Obligation]]) -> list[Decision]:
        """Decide every obligation, in program order."""
        by_point: dict[int, list[Obligation]] = {}
        for point, obligation in placed:
            by_point.setdefault(point, []).append(obligation)
        decisions: list[Decision] = []
        for point in sorted(by_point):
            while self._waiting and self._waiting[0][0] <= point:
                statement = self._waiting.popleft()[1]
                self._known.add(statement)
                self._example.tell(Condition(statement.claim, statement.symbols))
            decisions += self._at_point(point, by_point[point])
        return decisions

    def _at_point(self, point: int, obligations: list[Obligation]) -> list[Decision]:
        """Nothing happens between the checks at one point, so any of them may imply another:
        keep a smallest and cheapest set that implies all."""
        ordered = sorted(map(_Candidate, obligations), key=_Candidate.rank)
        decided: dict[_Candidate, Decision] = {}
        for group in self._groups(ordered):
            self._decide_group(point, group)
            self._settle(point, group, decided)
            self._known.forget_answers()
        return [decided[candidate] for candidate in ordered]

    def _groups(self, candidates: list[_Candidate]) -> list[list[_Candidate]]:
        """The checks on inputs alone, then those that run-time values connect."""
        parent: dict[Expr, Expr] = {}

        def root(symbol: Expr) -> Expr:
            while parent[symbol] is not symbol:
                parent[symbol] = parent[parent[symbol]]
                symbol = parent[symbol]
            return symbol

        values = {c: self._known.run_time(c) for c in candidates}
        for symbols in values.values():
            for symbol in symbols:
                parent.setdefault(symbol, symbol)
                parent[root(symbol)] = root(symbols[0])
        groups: dict[Expr | None, list[_Candidate]] = {None: []}
        for candidate, symbols in values.items():
            key = root(symbols[0]) if symbols else None
            groups.setdefault(key, []).append(candidate)
        return [group for group in groups.values() if group]

    # ------------------------------------------------------------------ one group

    def _decide_group(self, point: int, group: list[_Candidate]) -> None:
        """Give the candidates that are implied their answers; the others stay, and are known
        from here on."""
        for candidate in group:
            self._known.add(candidate)
            self._example.tell(candidate.condition)
        if self._policy == "keep-all":
            return
        # What an example shows to be implied by nothing needs no question. Nor does a check
        # that the graph makes already: it stays, and would only be proved by itself.
        for candidate in group if self._existing else ():
            candidate.stands = self._stands(point, candidate, group)
        suspects = [
            c for c in group if not c.stands and not self._example.breaks(c.condition)
        ]
        own: set[Statement] = set(group)
        dropped: list[_Candidate] = []
        for candidate in sorted(suspects, key=_Candidate.cost, reverse=True):
            candidate.answer = self._implied(candidate, own, {candidate})
            if candidate.answer is not None:
                dropped.append(candidate)
                self._known.remove(candidate)
        if not dropped:
            return  # a smaller set would imply what all others together do not
        if not self._traded(suspects, own):
            self._confirm(dropped, own)

    def _stands(self, point: int, candidate: _Candidate, group: list[_Candidate]) -> bool:
        """Whether the graph makes this very check, at its point or before."""
        claim = candidate.obligation.claim
        at = self._existing.get(claim)
        if at is not None and at <= point:
            return True
        if candidate.condition.terms is not None:
            return self._is_written(claim, point)
        others = {*group, *self._of_graph}

        def known(part: BoolExpr) -> bool | None:
            return decide(self._known.facts_near(free_symbols(part), others), part)

        # It may be written for operands of which nothing was known, or no more than before.
        forms = (made_total(claim, lambda _: None), made_total(claim, known))
        return any(self._is_written(form, point) for form in forms)

    def _is_written(self, condition: Expr, point: int) -> bool:
        """Whether the graph makes a check, in the form in which it would be written."""
        at = self._existing.get(self._as_written(condition))  # type: ignore[call-overload]
        return at is not None and at <= point

    def _implied(
        self, target: _Candidate, own: set[Statement], without: set[Statement]
    ) -> Answer | None:
        """The proof of a candidate from what was known before and others of its group."""
        for_user = self._policy != "strict" and target.obligation.kind == "user"
        return self._known.implies(
            target.claim,
            target.symbols,
            for_user,
            without,
            lambda statement: statement not in own,
        )

    def _traded(self, suspects: list[_Candidate], own: set[Statement]) -> bool:
        """Look for a smaller set of suspects that implies the others, within a budget of
        proofs; whether there is one, which was taken then."""
        staying = sum(1 for candidate in suspects if candidate.answer is None)
        if staying < 2 or len(suspects) > TRADING_PROOFS:
            return False
        for candidate in suspects:
            self._known.add(candidate)
        answers = self._smaller(suspects, staying, own)
        for candidate in suspects:
            if answers is not None:
                candidate.answer = answers.get(candidate)
            if candidate.answer is not None:
                self._known.remove(candidate)
        return answers is not None

    def _smaller(
        self, suspects: list[_Candidate], limit: int, own: set[Statement]
    ) -> dict[_Candidate, Answer] | None:
        """The answers to all suspects but fewer than `limit`, which imply them."""
        budget = TRADING_PROOFS
        by_cost = sorted(suspects, key=_Candidate.cost)
        for size in range(limit):
            for chosen in combinations(by_cost, size):
                rest = [c for c in suspects if c not in chosen]
                budget -= len(rest)
                if budget < 0:
                    return None
                answers = self._answers(rest, own)
                if answers is not None:
                    return answers
        return None

    def _answers(
        self, rest: list[_Candidate], own: set[Statement]
    ) -> dict[_Candidate, Answer] | None:
        """The proofs of all these candidates, from none of them."""
        without: set[Statement] = set(rest)
        answers: dict[_Candidate, Answer] = {}
        for candidate in rest:
            found = self._implied(candidate, own, without)
            if found is None:
                return None
            answers[candidate] = found
        return answers

    def _confirm(self, dropped: list[_Candidate], own: set[Statement]) -> None:
        """Prove again what was proved from a candidate that was dropped later."""
        gone: set[Statement] = set(dropped)
        for candidate in dropped:
            assert candidate.answer is not None
            if gone.isdisjoint(candidate.answer.used):
                continue
            candidate.answer = self._implied(candidate, own, {candidate})
            if candidate.answer is None:
                self._known.add(candidate)

    def _settle(
        self, point: int, group: list[_Candidate], decided: dict[_Candidate, Decision]
    ) -> None:
        """The decisions of a group. What stands before a check in the graph is known when it
        is computed, no more."""
        later: set[Statement] = {c for c in group if c.answer is None}
        for candidate in group:
            if candidate.answer is None:
                decided[candidate] = self._made(point, candidate, later)
                later.discard(candidate)
            else:
                obligation, proof = candidate.obligation, candidate.answer.proof
                decided[candidate] = Decision(obligation, point, obligation.claim, proof)

    def _made(self, point: int, candidate: _Candidate, later: set[Statement]) -> Decision:
        obligation = candidate.obligation

        def known(claim: BoolExpr) -> bool | None:
            return decide(self._known.facts_near(free_symbols(claim), later), claim)

        condition: Expr = obligation.claim
        if candidate.condition.terms is None:  # else it always has a value
            condition = made_total(condition, known)
        assert isinstance(condition, BoolExpr)
        here = candidate.stands or self._is_written(condition, point)
        return Decision(obligation, point, condition, None, here)

