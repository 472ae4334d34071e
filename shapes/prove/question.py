"""One question on its way up the ladder: what its steps have found, and the steps themselves.

A claim has two sides: values that break it (False) and values that satisfy it (True). Values
that are found settle their side, and so does the proof that there are none. `prove` looks for
both sides; `entails` looks for False alone: it wants a proof, and stops at values that break
the claim. The order of the steps is `ladder.STEPS`; every step answers with a verdict, or with
None where it leaves the question open.

Guarantees: facts are never changed; hints and models are candidates of a search and never in
a proof; values count only after their evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from shapes.base.records import replace
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr.booleans import negation
from shapes.expr.nodes import RELATIONS, TRUE, BoolExpr, Expr, Value
from shapes.facts.abstract_value import smallest
from shapes.facts.store import Fact, Facts, Reasons, contradiction
from shapes.facts.verdict import Counterexample, Proof, Status, Verdict
from shapes.prove.effort import LINEAR, SOLVER, Effort
from shapes.prove.quick import CHEAP, decide, proved
from shapes.prove.solving import MANY, by_solver
from shapes.prove.tactics import CHOOSING, METHODS, has_choices
from shapes.traversal.printing import brief
from shapes.witness.search import Search, Values, models_of, remembered, search

if TYPE_CHECKING:
    from shapes.arith.branch_and_bound import LinearSystem

__all__ = ["BOTH_SIDES", "BROKEN", "Question"]

BROKEN: Final = (False,)
BOTH_SIDES: Final = (False, True)

STARTS: Final = 8
"""Models around which values are moved."""

FEW: Final = 12
"""Among fewer conditions, combinations of values are as good as moving known ones."""

LARGE: Final = 64
"""Among more conditions than these, combinations of values satisfy all of them so rarely that
the methods come first."""

FIRST: Final = 5
"""Combinations of values that are tried first: they settle most claims that depend on them."""

SHORT: Final = 8
"""The short search tries this part of the combinations of the long one."""

BRANCHING: Final = 2
"""A branch of the simplex method costs as much as so many combinations of values."""

SECOND: Final = 4
"""The part of z3's steps for the second side where the first was left open."""

SOLVER_STEPS: Final = 200
"""Facts that the solver reads again, all tries together, to find a smallest set."""

_NONE: Final[Mapping[Expr, Value]] = {}


class Question:
    """A claim under facts, and what is known of its `sides` so far."""

    __slots__ = (
        "_chooses", "_claim", "_crowded", "_facts", "_found", "_found_by", "_hints", "_model",
        "_premises", "_search", "_sides", "_text", "effort", "tried",
    )  # fmt: skip

    def __init__(
        self,
        facts: Facts,
        claim: BoolExpr,
        effort: Effort,
        sides: tuple[bool, ...],
        text: str | None = None,
        premises: tuple[BoolExpr, ...] = (),
        hints: Mapping[Expr, Value] = _NONE,
        model: Mapping[Expr, Value] = _NONE,
    ) -> None:
        self._facts = facts
        self._claim = claim
        self.effort = effort
        self._sides = sides
        self._text = text
        self._premises = premises
        self._hints = hints
        self._model = model
        self._search: Search | None = None
        self._crowded: bool | None = None
        self._chooses: bool | None = None
        self._found: dict[bool, Values] = {}
        self._found_by: dict[bool, str] = {}
        self.tried: list[str] = []

    @property
    def is_crowded(self) -> bool:
        """Whether so many facts are connected with the claim that what is done for each of
        them comes last."""
        if self._crowded is None:
            many = self.effort.search and self._facts.are_crowded(self._claim, LARGE)
            self._crowded = bool(many)
        return self._crowded

    # ------------------------------------------------------------------ sides

    def _condition(self, side: bool) -> BoolExpr:
        """What values of that side satisfy."""
        return self._claim if side else negation(self._claim)

    def _missing(self) -> list[bool]:
        return [side for side in self._sides if side not in self._found]

    def _settled(self) -> Verdict | None:
        return None if self._missing() else self._verdict(Status.DEPENDS, None)

    def _concluded(self, proofs: Mapping[bool, Proof]) -> Verdict | None:
        """The verdict of proofs that one side has no values, where the other side has some
        (or was not looked for); or of values alone."""
        for side, proof in proofs.items():
            if self._missing() == [side]:
                return self._without(side, proof)
        return self._settled()

    def _without(self, side: bool, proof: Proof) -> Verdict:
        """The verdict on a claim one side of which has no values."""
        if side:
            self._show_never()
        return self._verdict(Status.NEVER if side else Status.ALWAYS, proof)

    def _show_never(self) -> None:
        """A claim that never holds comes with values that show it, where some are found."""
        if False not in self._found and self.is_crowded:
            self.by_moves()
        if False not in self._found and self.effort.search:
            sought = Search(self._facts, self._claim, self._hints, self._model)
            sought.run(self.effort.search // SHORT, satisfied=False)
            self._keep(False, sought.broken)

    def _keep(self, side: bool, values: Values | None) -> None:
        if values is not None:
            self._found[side] = values

    # ------------------------------------------------------------------ methods of proof

    def by_methods(self, names: Sequence[str]) -> Verdict | None:
        """Proofs for the claim and against it, where no values have shown otherwise."""
        names = [name for name in names if name in self.effort.methods]
        if not names:
            return None
        if names[0] in CHOOSING and not self._has_choices():
            return None
        cheap = names[-1] in CHEAP and self._claim.op in RELATIONS
        if cheap and decide(self._facts, self._claim) is None:
            return None  # one look for both sides
        for side in self._missing():
            proof = proved(self._facts, self._condition(not side), names)
            if proof is None:
                continue
            if len(self._missing()) == 2:
                self._refuse_impossible(side, proof, names)
            return self._without(side, proof)
        return None

    def _has_choices(self) -> bool:
        if self._chooses is None:
            solved = self._facts.has_solved
            claim = self._facts.normalized(self._claim)[0] if solved else self._claim
            self._chooses = has_choices(claim)
        return self._chooses

    def _refuse_impossible(self, side: bool, proof: Proof, methods: Sequence[str]) -> None:
        """Facts that cannot hold together prove everything: where no values were found that
        satisfy them, a proof by a method that would see that may be of that kind."""
        if self._search is None or methods[0] in CHEAP:
            return
        from shapes.prove.consistency import refuse, refuted

        reasons = refuted(self._facts, self._claim)
        if reasons is None:
            other = proved(self._facts, self._condition(side), methods)
            if other is None:
                return
            reasons = Reasons((*proof.facts, *other.facts))
        if any(fact.claim in self._premises for fact in reasons):
            shown = brief(self._claim) if self._text is None else self._text
            raise UndefinedError(f"`{shown}` never has a value under the facts")
        raise refuse(self._facts, reasons)

    # ------------------------------------------------------------------ the tableau

    def by_tableau(self) -> Verdict | None:
        """Many facts, prepared for questions: branch and bound finds values that break or
        satisfy the claim, or the proof that there are none."""
        known = self._tableau()
        if known is None:
            return None
        known.suppose(self._model, models_of(self._facts))
        proofs: dict[bool, Proof] = {}
        for side in self._missing():
            condition = self._condition(side)
            values = remembered(self._facts, condition)
            if values is None:
                outcome = known.ask(self._facts, condition, self.effort.search // BRANCHING)
                proof = outcome.proof(self._facts, self._condition(not side))
                if proof is not None:
                    proofs[side] = proof
                values = outcome.values
                if values is not None:
                    models_of(self._facts).append(values)
            self._keep(side, values)
        return self._concluded(proofs)

    def _tableau(self) -> LinearSystem | None:
        """The facts that the claim is connected with, if they are many, prepared for
        questions."""
        effort = self.effort
        if len(self._facts) < MANY or not effort.search or LINEAR not in effort.methods:
            return None
        from shapes.arith.branch_and_bound import prepared_system  # only where facts are many

        return prepared_system(self._facts, self._claim, MANY)

    # ------------------------------------------------------------------ searches for values

    def by_moves(self) -> Verdict | None:
        """Move a few of the values that satisfied the facts before."""
        return self._near(None)

    def by_many_moves(self) -> Verdict | None:
        """The same, in proportion to how many values there are."""
        from shapes.prove.vicinity import CASCADE

        return self._near(CASCADE)

    def _near(self, each: int | None) -> Verdict | None:
        from shapes.prove.vicinity import grounded, near

        ground = grounded(self._facts, self._claim, self._model)
        if ground is None:
            return None
        steps = None if each is None else each * len(ground)
        for side in self._missing():
            self._keep(side, near(self._facts, ground, self._condition(side), steps))
        return self._settled()

    def by_combinations(self) -> Verdict | None:
        """A few combinations of values that may break the claim."""
        most = self.effort.search // SHORT
        if self.effort.search:
            self._keep(False, search(self._facts, [self._condition(False)], {}, most))
        return self._settled()

    def by_first_values(self) -> Verdict | None:
        """Fewer combinations of values than a normal form of the claim takes."""
        self._searched(FIRST)
        return self._settled()

    def by_short_search(self) -> Verdict | None:
        """A few combinations of values, and those near values that are known."""
        self._searched(1)
        if self._search is None or self._search.size <= LARGE:
            self._searched(self.effort.search // SHORT)
        if self._search is not None and self._search.size > FEW:
            self._move(1)
        return self._settled()

    def by_long_search(self) -> Verdict | None:
        """Many combinations, symbols fixed one by one, and values near all that are known."""
        used = ", ".join(name for name in METHODS if name in self.effort.methods)
        self.tried.append(f"methods {used}")
        self._move(STARTS)
        budget = self.effort.search
        if budget:
            self._searched(budget, thorough=True)
            self.tried.append(f"search with {budget} combinations")
        return self._settled()

    def _searched(self, budget: int, thorough: bool = False) -> None:
        """Look further for values of the missing sides."""
        if not self.effort.search:
            return
        if self._search is None:
            self._search = Search(self._facts, self._claim, self._hints, self._model)
        sought = self._search
        sought.broken, sought.satisfied = self._found.get(False), self._found.get(True)
        if thorough:
            sought.follow(max(20, budget // 6))
        sought.run(budget)
        self._keep(False, sought.broken)
        self._keep(True, sought.satisfied)

    def _move(self, most: int) -> None:
        """Look near values that satisfied the facts before."""
        from shapes.witness.local_search import nearby

        if self._search is None:
            return
        starts = [self._model, *models_of(self._facts)][:most]
        for side in self._missing():
            condition = self._condition(side)
            for start in starts:
                moved = nearby(self._facts, start, condition)
                values = None if moved is None else self._search.kept(moved, condition)
                if values is not None:
                    self._found[side] = values
                    break

    # ------------------------------------------------------------------ the solver

    def by_solver(self) -> Verdict | None:
        """Ask z3 for what is still missing: values of a side, or the proof that it has
        none."""
        if SOLVER not in self.effort.methods:
            return None
        proofs: dict[bool, Proof] = {}
        effort = self.effort
        for side in self._missing():
            condition = self._condition(side)
            values = remembered(self._facts, condition)
            if values is None:
                proof, values = by_solver(self._facts, condition, effort, self.tried)
                if proof is not None:
                    proofs[side] = proof
                elif values is None:
                    effort = replace(effort, rlimit=effort.rlimit // SECOND)
            if values is not None:
                self._found_by[side] = SOLVER
                self._found[side] = values
        if len(proofs) == 2:
            used = frozenset(proofs[True].facts) | frozenset(proofs[False].facts)
            raise self._contradictory(used)
        if proofs:
            return self._without(*proofs.popitem())
        return self._settled()

    def _contradictory(self, used: frozenset[Fact]) -> ContradictionError:
        """The error for facts that the solver refutes, with as few as leaving out finds."""

        def impossible(stated: list[Fact]) -> bool:
            known = Facts().given(*stated)
            return by_solver(known, TRUE, self.effort, [], stated)[0] is not None

        stated = [fact for fact in self._facts if fact in used]
        return contradiction(smallest(stated, impossible, SOLVER_STEPS))

    # ------------------------------------------------------------------ the answer

    def unsettled(self, why: Exception | None = None) -> Verdict:
        """What the values that were found say, if nothing else is known; `why` the steps
        ended before."""
        if why is not None:
            self.tried.append(str(why) or f"budget of {self.effort.steps} steps")
        return self._settled() or self._verdict(Status.UNKNOWN, None)

    def _verdict(self, status: Status, proof: Proof | None) -> Verdict:
        shown = status in (Status.DEPENDS, Status.UNKNOWN)
        return Verdict(
            status=status,
            claim=self._claim,
            written=self._text,
            proof=proof,
            counterexample=self._example(False) if shown or status is Status.NEVER else None,
            witness=self._example(True) if shown else None,
            premises=self._premises,
            tried=tuple(dict.fromkeys(self.tried)) if status is Status.UNKNOWN else (),
        )

    def _example(self, side: bool) -> Counterexample | None:
        values = self._found.get(side)
        if values is None:
            return None
        return Counterexample(values, self._found_by.get(side, "search"))
