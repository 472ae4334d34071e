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
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import Literal

from asserts.conditions.known import Known, Statement
from asserts.passes.premises import Premises
from asserts.passes.redundant import Candidate, Redundant
from shapes.base import Location
from shapes.env import Check, ShapeEnv
from shapes.errors import ContradictionError
from shapes.expr import RELATIONS, BoolExpr, Expr, conjuncts
from shapes.facts import Fact, Proof
from shapes.prove import Effort, decide
from shapes.traversal import free_symbols, made_total, show, walk
from shapes.witness import Condition, Example

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
    where: Location | None = None
    implicit: bool = False
    """Whether no check says so: only what computes a check stops the program otherwise."""

    stays: bool = False
    """Whether it is not to be discharged, whatever implies it."""

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
    text: str = ""
    """The condition as it is shown: as it was stated, unless an operation's was simplified."""


def obligations_of(env: ShapeEnv) -> list[Obligation]:
    """The input contract first, then the checks in the order in which they were stated;
    conjunctions are split."""
    found: list[Obligation] = []
    for fact in env.axioms:
        if fact.origin != "operation":
            found += _parts(fact.claim, fact.text, "contract", fact.stated_by)
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
    parts = conjuncts(claim)
    return [
        Obligation(
            part,
            text if text is not None and len(parts) == 1 else show(part, _renaming(names)),
            kind,
            stated_by,
            message,
            where,
        )
        for part in parts
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
    stretch_of: Callable[[int], int] = lambda point: point,
) -> list[Decision]:
    """Decide every obligation, given the point where it is placed (in any order).

    `point_of` gives the point at which a guarantee's symbols are known, or None if the graph
    does not know one of them. `existing` are the checks that the graph makes already, with
    their points, and `as_written` says how a check is read from there. Points between which
    nothing has an effect are of one stretch, as `stretch_of` numbers them in program order.
    Raises `ValueError` for an unknown policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"no policy {policy!r}; there are {', '.join(POLICIES)}")
    run = _Discharge(env, point_of, existing or {}, policy, effort, as_written, stretch_of)
    return run.decide(placed)


SIMPLIFYING = 300
"""Steps that the simplification of one condition may take."""


class _Check(Candidate):
    """An obligation while it is decided; `place` is its place in the order of statements."""

    __slots__ = ("condition", "obligation", "place", "point", "stands")

    def __init__(self, point: int, place: int, obligation: Obligation, policy: Policy) -> None:
        user = obligation.kind == "user"
        needs_user = user and policy != "strict" and not obligation.implicit
        super().__init__(obligation.claim, obligation.kind != "operation", needs_user)
        self.point = point
        self.place = place
        self.obligation = obligation
        self.condition = Condition(self.claim, self.symbols)
        self.stands = obligation.stays  # in the graph already

    def _made_fact(self) -> Fact:
        obligation = self.obligation
        return Fact(
            obligation.claim,
            "contract" if obligation.kind == "contract" else "check",
            obligation.text,
            obligation.message,
            obligation.stated_by if obligation.kind == "operation" else None,
        )

    def order(self) -> tuple[int, ...]:
        """In program order; at one point contract first, ranges of single symbols before
        other conditions, else as stated."""
        simple = self.claim.op in RELATIONS
        single = simple and len(self.symbols) == 1
        contract = self.obligation.kind == "contract"
        return self.point, 0 if contract else 1, 0 if single else 1, self.place

    def judge(self) -> None:
        """Set its worth: the contract, then what a person wrote, the first the most;
        of other checks those that cost the fewest operations; what no check says the least."""
        obligation = self.obligation
        rank = ("contract", "user", "operation").index(obligation.kind)
        if obligation.implicit:
            rank = 3
        size = 0
        if rank > 1:
            size = sum(1 for node in walk(self.claim) if not node.is_constant)
        self.worth = rank, size, self.place


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
        stretch_of: Callable[[int], int],
    ) -> None:
        self._as_written = as_written
        self._stretch_of = stretch_of
        self._env = env
        self._existing = existing
        self._policy = policy
        self._known = Known(self._is_run_time, effort)
        self._premises = Premises(self._known.run_time)
        self._redundant = Redundant(self._premises, self._known, effort)
        self._example = Example(self._first_value)
        arriving = [
            (point, Statement(fact.claim, True, fact))
            for fact in env.axioms
            if fact.origin == "operation" and (point := point_of(fact.claim)) is not None
        ]
        # The checks that the graph makes already stay, so what they demand is known.
        there = [
            (point, Statement(claim, False, Fact(claim, "check", operation="the graph")))
            for claim, point in existing.items()
        ]
        self._there = {statement for _, statement in there}
        arriving += there
        self._arriving = deque(sorted(arriving, key=itemgetter(0)))

    def _is_run_time(self, symbol: Expr) -> bool:
        info = self._env.symbols.get(symbol.name)
        return info is not None and not info.backed

    def _first_value(self, symbol: Expr) -> int:
        info = self._env.symbols.get(symbol.name)
        hint = None if info is None else info.hint
        return hint if type(hint) is int else 0

    def decide(self, placed: Sequence[tuple[int, Obligation]]) -> list[Decision]:
        """Decide every obligation, in program order."""
        stretches: dict[int, list[_Check]] = {}
        for place, (point, obligation) in enumerate(placed):
            check = _Check(point, place, obligation, self._policy)
            stretches.setdefault(self._stretch_of(point), []).append(check)
        decisions: list[Decision] = []
        for stretch in sorted(stretches):
            decisions += self._in_stretch(stretches[stretch])
        return decisions

    def _in_stretch(self, checks: list[_Check]) -> list[Decision]:
        """Nothing happens between the checks of one stretch, so any of them may imply
        another."""
        ordered = sorted(checks, key=_Check.order)
        arrived = self._arrived(ordered[-1].point)
        decided: dict[_Check, Decision] = {}
        for group in self._groups(ordered):
            self._decide_group(group)
            self._settle(group, arrived, decided)
            self._known.forget_answers()
        return [decided[check] for check in ordered]

    def _arrived(self, point: int) -> list[tuple[int, Statement]]:
        """Take in what operations guarantee up to a point; what was new, with its points."""
        arrived = []
        while self._arriving and self._arriving[0][0] <= point:
            arrived.append(self._arriving.popleft())
            statement = arrived[-1][1]
            self._known.add(statement)
            self._premises.enter([statement])
            self._example.state(Condition(statement.claim, statement.symbols))
        return arrived

    def _groups(self, checks: list[_Check]) -> list[list[_Check]]:
        """The checks on inputs alone, then those that run-time values connect."""
        parent: dict[Expr, Expr] = {}

        def root(symbol: Expr) -> Expr:
            while parent[symbol] is not symbol:
                parent[symbol] = parent[parent[symbol]]
                symbol = parent[symbol]
            return symbol

        values = {c: self._known.run_time(c) for c in checks}
        for symbols in values.values():
            for symbol in symbols:
                parent.setdefault(symbol, symbol)
                parent[root(symbol)] = root(symbols[0])
        groups: dict[Expr | None, list[_Check]] = {None: []}
        for check, symbols in values.items():
            key = root(symbols[0]) if symbols else None
            groups.setdefault(key, []).append(check)
        return [group for group in groups.values() if group]

    # ------------------------------------------------------------------ one group

    def _decide_group(self, group: list[_Check]) -> None:
        """Give the checks that are implied their proofs; the others stay, and are known from
        here on."""
        explicit = [check for check in group if not check.obligation.implicit]
        implicit = [check for check in group if check.obligation.implicit]
        self._reduce(explicit)
        # That a condition has a value is not a check: it stands for none, but may follow.
        self._reduce(implicit, [check for check in explicit if check.proof is None])
        self._premises.enter(c for c in (*implicit, *explicit) if c.proof is None)

    def _reduce(self, group: list[_Check], staying: Sequence[_Check] = ()) -> None:
        for check in group:
            self._known.add(check)
            self._example.state(check.condition)
        if self._policy != "keep-all":
            for place, check in enumerate(group if self._existing else ()):
                check.stands = self._stands(check, group[:place], group[place:])
            # What an example shows to be implied by nothing needs no question. Nor does a
            # check that the graph makes already: it stays, and would be proved by itself.
            # Short conditions come first: what the example may look at is limited.
            by_length = sorted(group, key=lambda check: len(check.symbols))
            suspects = [
                c for c in by_length if not c.stands and not self._example.breaks(c.condition)
            ]
            for check in suspects:
                check.judge()
            suspected = set(suspects)
            if suspects:
                sure = [*staying, *(c for c in group if c not in suspected)]
                self._redundant.drop(suspects, sure)

    def _stands(self, check: _Check, before: list[_Check], rest: list[_Check]) -> bool:
        """Whether the graph makes this very check, at its point or before. Of its group some
        are written `before` it."""
        claim = check.obligation.claim
        at = self._existing.get(claim)
        if at is not None and at <= check.point:
            return True
        if check.condition.terms is not None:
            return self._present(claim, check.point)
        others = {*before, *rest, *self._there}
        later = {*rest, *self._there}
        # It may be written for operands of which nothing was known, or no more than before,
        # and as it was simplified then.
        forms: tuple[Callable[[], Expr], ...] = (
            lambda: made_total(claim, lambda _: None),
            lambda: self._total(claim, others),
            lambda: self._total(self._simplified(check, later), later),
        )
        return any(self._present(form(), check.point) for form in forms)

    def _settle(
        self,
        group: list[_Check],
        arrived: list[tuple[int, Statement]],
        decided: dict[_Check, Decision],
    ) -> None:
        """The decisions of a group. What stands before a check in the graph is known when it
        is computed, no more."""
        later: set[Statement] = {c for c in group if c.proof is None}
        later.update(statement for _, statement in arrived)
        place = 0
        for check in group:
            while place < len(arrived) and arrived[place][0] <= check.point:
                later.discard(arrived[place][1])
                place += 1
            if check.proof is None:
                decided[check] = self._made(check, later)
                later.discard(check)
            else:
                obligation = check.obligation
                decided[check] = Decision(
                    obligation,
                    check.point,
                    obligation.claim,
                    check.proof,
                    text=obligation.text,
                )

    def _made(self, check: _Check, later: set[Statement]) -> Decision:
        obligation = check.obligation
        claim = obligation.claim
        if check.stands:
            return Decision(obligation, check.point, claim, None, True, obligation.text)
        if check.condition.terms is not None:  # always has a value, and is as plain as can be
            condition = simple = claim
        else:
            condition = self._total(claim, later)
            simple = self._total(self._simplified(check, later), later)
        present = self._present(simple, check.point) or self._present(condition, check.point)
        text = obligation.text
        if simple is not condition and obligation.kind == "operation":
            text = show(simple, _renaming(self._env.names))
        return Decision(obligation, check.point, simple, None, present, text)

    def _total(self, claim: BoolExpr, later: set[Statement]) -> BoolExpr:
        """The condition, computed without errors where its operators have no value."""

        def known(claim: BoolExpr) -> bool | None:
            with suppress(ContradictionError):  # (such facts show nothing)
                return decide(self._known.facts_near(free_symbols(claim), later), claim)
            return None

        condition = made_total(claim, known)
        assert isinstance(condition, BoolExpr)
        return condition

    def _simplified(self, check: _Check, later: set[Statement]) -> BoolExpr:
        """The condition as a person would write it who knows what is enforced before it.

        What the graph checked already is left out, so that a second insertion finds the same
        condition there.
        """
        from shapes.queries.simplify import simplify  # only where conditions are not plain

        claim = check.claim
        if self._policy == "keep-all":
            return claim
        facts = self._known.facts_near(check.symbols, later | self._there, check.needs_user)
        found = simplify(facts, claim, SIMPLIFYING)
        assert isinstance(found, BoolExpr)
        return claim if found.is_constant else found

    def _present(self, condition: Expr, point: int) -> bool:
        """Whether the graph makes this very check already, as a whole or part by part: a
        condition may be simplified to a conjunction, whose parts are known one by one."""
        if not self._existing:
            return False
        written = self._as_written(condition)
        assert isinstance(written, BoolExpr)
        places = [self._existing.get(part) for part in conjuncts(written)]
        return all(place is not None and place <= point for place in places)
