"""The prover: tactics in order of cost.

A tactic takes a claim and facts and answers with a `Proof` or None. The ladder is tried for
the claim and for its negation; between the cheap tactics and the SMT solver a search looks
for small values that break (satisfy) the claim, because most questions that are not decided
by then have a counterexample. The tactics without a solver are in `tactics`, in their order,
the solver in `solving`, budgets in `effort`; only `_Asked.answer` says when they and the
search have their turn.

Guarantees: facts are never changed; hints are used as candidates of the search and never in
a proof; budgets are steps, so an answer does not depend on the machine; a question that an
early method answers never imports z3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from shapes.base.budget import ExhaustedError, limited, remaining
from shapes.base.records import replace
from shapes.errors import ContradictionError, TooLargeError, UndefinedError
from shapes.expr.booleans import negation
from shapes.expr.nodes import FALSE, OPERATORS, TRUE, BoolExpr, Expr, Value
from shapes.facts.abstract_value import smallest
from shapes.facts.store import Fact, Facts, Reasons, contradiction
from shapes.facts.verdict import Counterexample, Proof, Status, Verdict
from shapes.prove.effort import EFFORTS, LINEAR, QUICK, SOLVER, Effort, effort_named
from shapes.prove.quick import CHEAP, decide, proved
from shapes.prove.solving import MANY, by_solver
from shapes.prove.tactics import METHODS, RELATIONS, by_linear
from shapes.traversal.definedness import Spelled, without_value
from shapes.traversal.printing import brief
from shapes.witness.search import Search, Values, models_of, remembered, search

if TYPE_CHECKING:
    from shapes.arith.branch_and_bound import Body

__all__ = ["CHEAP", "EFFORTS", "METHODS", "Effort", "decide", "entails", "prove"]

STARTS: Final = 8
"""Models around which values are moved."""

FEW: Final = 12
"""Among fewer conditions, combinations of values are as good as moving known ones."""

LARGE: Final = 64
"""Among more conditions than these, combinations of values satisfy all of them so rarely that
the methods come first."""

BRANCHING: Final = 2
"""A branch of the simplex method costs as much as so many combinations of values."""

SHARES: Final = 4
"""The part of the steps that one method, or one search, may use up."""

SECOND: Final = 4
"""The part of z3's steps for the second question where the first was left open."""

SOLVER_STEPS: Final = 200
"""Facts that the solver reads again, all tries together, to find a smallest set."""


def prove(
    facts: Facts,
    claim: BoolExpr | Spelled,
    text: str | None = None,
    effort: str | Effort = "default",
    hints: Mapping[Expr, Value] | None = None,
    model: Mapping[Expr, Value] | None = None,
) -> Verdict:
    """The verdict on a claim under facts.

    `hints` and `model` are values to try when one is sought: of examples, and such as
    satisfied the facts so far. No proof rests on them.

    A spelled claim brings the condition under which it has a value: the part of it that
    does not follow is assumed, and listed in the verdict's `premises`. Raises
    `ContradictionError` if the facts turn out to be contradictory, `UndefinedError` if the
    claim never has a value.
    """
    chosen = effort_named(effort)
    spelled = claim if isinstance(claim, Spelled) else Spelled(claim)
    question = spelled.expr
    assert isinstance(question, BoolExpr)
    try:
        with limited(chosen.steps):
            facts, premises = _defined(facts, spelled, text)
            asked = _Asked(facts, question, text, premises, chosen, hints or {}, model or {})
            return asked.answered()
    except ContradictionError as error:
        if error.culprits:
            raise
        raise _blamed(facts, question, chosen) or error from None
    except (ExhaustedError, TooLargeError) as error:
        return _not_answered(question, spelled.defined, text, chosen, error)


def _blamed(facts: Facts, question: BoolExpr, effort: Effort) -> ContradictionError | None:
    """The error that names the facts which contradict each other, if they are found."""
    from shapes.prove.consistency import blamed

    try:
        with limited(effort.steps):
            return blamed(facts, question)
    except (ExhaustedError, TooLargeError):
        return None


def _not_answered(
    claim: BoolExpr, defined: BoolExpr, text: str | None, effort: Effort, why: Exception
) -> Verdict:
    """The verdict on a claim of which even the first look took too long."""
    assumed = () if defined is TRUE else (defined,)
    tried = (_gave_up(effort, why),)
    return Verdict(Status.UNKNOWN, claim, text, premises=assumed, tried=tried)


def _gave_up(effort: Effort, why: Exception) -> str:
    return str(why) or f"budget of {effort.steps} steps"


def entails(facts: Facts, claim: BoolExpr, effort: str | Effort = "default") -> Proof | None:
    """The proof that facts imply a claim, or None; quicker than `prove`, which also looks for
    values that satisfy the claim. Raises nothing for facts that contradict each other."""
    chosen = effort_named(effort)
    try:
        with limited(chosen.steps):
            return _entailed(facts, claim, chosen)
    except (ExhaustedError, TooLargeError):
        return None


def _entailed(facts: Facts, claim: BoolExpr, chosen: Effort) -> Proof | None:
    methods = [m for m in chosen.methods if m in METHODS]
    proof = proved(facts, claim, [m for m in methods if m in CHEAP or m in QUICK])
    if proof is not None:
        return proof
    broken = negation(claim)
    linear = [m for m in methods if m == LINEAR]
    if chosen.search and facts.are_crowded(claim, LARGE):
        proof = proved(facts, claim, linear)
        linear = []
    if proof is not None:
        return proof
    settled, proof = _from_body(facts, claim, chosen, False)
    if settled:
        return proof
    if chosen.search and search(facts, [broken], {}, chosen.search // 8) is not None:
        return None
    proof = proved(facts, claim, linear)
    if proof is not None:
        return proof
    settled, proof = _from_body(facts, claim, chosen, True)
    if settled:
        return proof
    proof = proved(facts, claim, [m for m in methods if m not in (*CHEAP, *QUICK, LINEAR)])
    if proof is not None or SOLVER not in chosen.methods:
        return proof
    if remembered(facts, broken) is not None:
        return None
    return by_solver(facts, broken, chosen, [])[0]


def _defined(
    facts: Facts, spelled: Spelled, text: str | None
) -> tuple[Facts, tuple[BoolExpr, ...]]:
    """The facts with the definedness of the claim assumed, and what of it did not follow."""
    defined = spelled.defined
    if defined is TRUE:
        return facts, ()
    clauses = defined.args if defined.op is OPERATORS["And"] else (defined,)
    premises: list[BoolExpr] = []
    known = facts
    for clause in clauses:
        assert isinstance(clause, BoolExpr)
        if proved(facts, clause, CHEAP) is not None:
            continue
        follows = _follows(facts, clause)
        further = None if follows is False else known.extended(Fact(clause, "given"))
        if not isinstance(further, Facts):
            lacking = clause is FALSE
            why = without_value(spelled.expr) if lacking else f"it needs `{clause}`"
            shown = brief(spelled.expr) if text is None else text
            raise UndefinedError(f"`{shown}` never has a value: {why}")
        if follows is None:
            premises.append(clause)
        known = further
    return known, tuple(premises)


def _follows(facts: Facts, clause: BoolExpr) -> bool | None:
    """Whether a condition follows from the facts (or its negation does), by what it says, or
    by linear reasoning over the facts that are connected with it; quick where there are
    none."""
    denied = negation(clause)
    if not isinstance(facts.extended(Fact(denied, "given")), Facts):
        return True
    if decide(facts, clause) is False:
        return False
    if clause.op not in RELATIONS or not facts.connected(clause, 1):
        return None
    if by_linear(facts, clause) is not None:
        return True
    return False if by_linear(facts, denied) is not None else None


Phase = Callable[[], "Verdict | None"]


class _Asked:
    """One question on its way up the ladder."""

    def __init__(
        self,
        facts: Facts,
        claim: BoolExpr,
        text: str | None,
        premises: tuple[BoolExpr, ...],
        effort: Effort,
        hints: Mapping[Expr, Value],
        model: Mapping[Expr, Value],
    ) -> None:
        self._facts = facts
        self._claim = claim
        self._text = text
        self._premises = premises
        self._effort = effort
        self._hints = hints
        self._model = model
        self._values: Search | None = None
        self._broken: Values | None = None
        self._satisfied: Values | None = None
        self._tried: list[str] = []
        self._found_by: dict[bool, str] = {}

    def answer(self) -> Verdict:
        """The verdict: cheap methods for and against, a short search, the costly methods for
        what the search left open, a longer search, and the solver. Many facts are made ready
        where linear reasoning failed, and asked first as long as they are."""
        methods = [m for m in self._effort.methods if m in METHODS]
        early = [m for m in methods if m in CHEAP or m in QUICK]
        linear = [m for m in methods if m == LINEAR]
        others = [m for m in methods if m not in early and m != LINEAR]

        def by(names: Sequence[str]) -> Phase:
            return lambda: self._by_methods(names)

        def longer() -> Verdict | None:
            self._tried.append(f"methods {', '.join([*early, *linear, *others])}")
            self._move(STARTS)
            return self._search(self._effort.search)

        def phases() -> Iterator[Phase]:
            yield by([m for m in early if m in CHEAP])
            yield by([m for m in early if m in QUICK])
            crowded = self._is_crowded()
            if crowded:
                yield self._near
                yield by(linear)
                yield lambda: self._near(True)
            yield lambda: self._by_body(False)
            yield self._search_shortly
            if not crowded:
                yield by(linear)
            yield lambda: self._by_body(True)
            yield by(others)
            yield longer

        for phase in phases():
            verdict = self._within_budget(phase)
            if verdict is not None:
                return verdict
        if SOLVER in self._effort.methods:
            verdict = self._within_budget(self._solve, 1)
            if verdict is not None:
                return verdict
        return self._unsettled()

    def _within_budget(self, phase: Phase, shares: int = SHARES) -> Verdict | None:
        """What a part of the ladder answers with its share of the steps. What runs out of
        them leaves the rest to those that come after it."""
        share = self._effort.steps // SHARES
        # The last share is the solver's.
        allowed = self._effort.steps if shares == 1 else min(share, remaining() - share)
        try:
            with limited(allowed):
                return phase()
        except ExhaustedError:
            if remaining() <= 0:
                raise
        except TooLargeError as error:
            self._tried.append(str(error))
            return None
        self._tried.append(f"budget of {self._effort.steps} steps")
        return None

    def _search_shortly(self) -> Verdict | None:
        """A few combinations of values, and those near values that are known."""
        self._search(1)
        if self._values is None or self._values.size <= LARGE:
            self._search(self._effort.search // 8)
        if self._values is not None and self._values.size > FEW:
            self._move(1)
        return self._settled()

    def answered(self) -> Verdict:
        """The same; where the steps run out, what was found until then."""
        try:
            return self.answer()
        except (ExhaustedError, TooLargeError) as error:
            self._tried.append(_gave_up(self._effort, error))
            return self._unsettled()

    def _unsettled(self) -> Verdict:
        """What the values that were found say, if nothing else is known."""
        verdict = self._settled()
        return self._verdict(Status.UNKNOWN, None) if verdict is None else verdict

    def _is_crowded(self) -> bool:
        """Whether so many facts are connected with the claim that what is done for each of
        them comes last."""
        return bool(self._effort.search) and self._facts.are_crowded(self._claim, LARGE)

    def _near(self, far: bool = False) -> Verdict | None:
        """Move a few of the values that satisfied the facts before, or (`far`) many."""
        from shapes.prove.vicinity import CASCADE, grounded, near

        ground = grounded(self._facts, self._claim, self._model)
        if ground is None:
            return None
        steps = CASCADE * len(ground) if far else None
        if self._broken is None:
            self._broken = near(self._facts, ground, negation(self._claim), steps)
        if self._satisfied is None:
            self._satisfied = near(self._facts, ground, self._claim, steps)
        return self._settled()

    def _by_methods(self, methods: Sequence[str]) -> Verdict | None:
        """Proofs for the claim and against it, where the search has not shown otherwise."""
        if not methods:
            return None
        cheap = methods[-1] in CHEAP and self._claim.op in RELATIONS
        if cheap and decide(self._facts, self._claim) is None:
            return None  # one look for both
        if self._broken is None:
            proof = proved(self._facts, self._claim, methods)
            if proof is not None:
                if self._satisfied is None:
                    self._refuse_impossible(proof, negation(self._claim), methods)
                return self._verdict(Status.ALWAYS, proof)
        if self._satisfied is None:
            refuted = proved(self._facts, negation(self._claim), methods)
            if refuted is not None:
                if self._broken is None:
                    self._refuse_impossible(refuted, self._claim, methods)
                return self._never(refuted)
        return None

    def _refuse_impossible(
        self, proof: Proof, opposite: BoolExpr, methods: Sequence[str]
    ) -> None:
        """Facts that cannot hold together prove everything: where no values were found that
        satisfy them, a proof by a method that would see that may be of that kind."""
        if self._values is None or methods[0] in CHEAP:
            return
        from shapes.prove.consistency import refuse, refuted

        reasons = refuted(self._facts, self._claim)
        if reasons is None:
            other = proved(self._facts, opposite, methods)
            if other is None:
                return
            reasons = Reasons((*proof.facts, *other.facts))
        if any(fact.claim in self._premises for fact in reasons):
            shown = brief(self._claim) if self._text is None else self._text
            raise UndefinedError(f"`{shown}` never has a value under the facts")
        raise refuse(self._facts, reasons)

    def _by_body(self, make: bool) -> Verdict | None:
        """Many facts that are ready for questions, or are made so: values that break or
        satisfy the claim, or the proof that there are none."""
        known = _body(self._facts, self._claim, self._effort, make)
        if known is None:
            return None
        known.suppose(self._model, models_of(self._facts))
        proofs: dict[bool, Proof] = {}
        for wanted in (False, True):
            if (self._satisfied if wanted else self._broken) is not None:
                continue
            condition = self._claim if wanted else negation(self._claim)
            values = remembered(self._facts, condition)
            if values is None:
                outcome = known.ask(self._facts, condition, self._effort.search // BRANCHING)
                proof = outcome.proof(self._facts, negation(condition))
                if proof is not None:
                    proofs[wanted] = proof
                values = outcome.values
                if values is not None:
                    models_of(self._facts).append(values)
            if wanted:
                self._satisfied = values
            else:
                self._broken = values
        if False in proofs and self._satisfied is not None:
            return self._verdict(Status.ALWAYS, proofs[False])
        if True in proofs and self._broken is not None:
            return self._never(proofs[True])
        return self._settled()

    def _settled(self) -> Verdict | None:
        if self._broken is None or self._satisfied is None:
            return None
        return self._verdict(Status.DEPENDS, None)

    def _search(self, budget: int) -> Verdict | None:
        """Look further for values that break and values that satisfy the claim."""
        if not self._effort.search:
            return None
        if self._values is None:
            self._values = Search(self._facts, self._claim, self._hints, self._model)
            self._values.broken, self._values.satisfied = self._broken, self._satisfied
        if budget == self._effort.search:
            self._values.follow(max(20, budget // 6))
        self._values.run(budget)
        self._broken, self._satisfied = self._values.broken, self._values.satisfied
        if budget == self._effort.search:
            self._tried.append(f"search with {budget} combinations")
        return self._settled()

    def _move(self, most: int) -> None:
        """Look near values that satisfied the facts before."""
        from shapes.prove.consistency import nearby

        if self._values is None:
            return
        starts = [self._model, *models_of(self._facts)][:most]
        for wanted in (False, True):
            if (self._satisfied if wanted else self._broken) is not None:
                continue
            condition = self._claim if wanted else negation(self._claim)
            for start in starts:
                moved = nearby(self._facts, start, condition)
                values = None if moved is None else self._values.kept(moved, condition)
                if values is not None:
                    break
            else:
                continue
            if wanted:
                self._values.satisfied = self._satisfied = values
            else:
                self._values.broken = self._broken = values

    def _solve(self) -> Verdict:
        """Ask z3 for what is still missing: a value that breaks the claim, one that satisfies
        it, or the proof that there is none."""
        proofs: dict[bool, Proof] = {}
        effort = self._effort
        for wanted in (False, True):
            known = self._satisfied if wanted else self._broken
            if known is not None:
                continue
            condition = self._claim if wanted else negation(self._claim)
            values = remembered(self._facts, condition)
            proof = None
            if values is None:
                proof, values = by_solver(self._facts, condition, effort, self._tried)
                if proof is None and values is None:
                    effort = replace(effort, rlimit=effort.rlimit // SECOND)
            if proof is not None:
                proofs[wanted] = proof
            elif values is not None:
                self._found_by[wanted] = SOLVER
                if wanted:
                    self._satisfied = values
                else:
                    self._broken = values
            if wanted is False and proof is not None and self._satisfied is not None:
                break
        if len(proofs) == 2:
            used = frozenset(proofs[True].facts) | frozenset(proofs[False].facts)
            raise self._contradictory(used)
        if False in proofs:
            return self._verdict(Status.ALWAYS, proofs[False])
        if True in proofs:
            return self._never(proofs[True])
        if self._broken is not None and self._satisfied is not None:
            return self._verdict(Status.DEPENDS, None)
        return self._verdict(Status.UNKNOWN, None)

    def _contradictory(self, used: frozenset[Fact]) -> ContradictionError:
        """The error for facts that the solver refutes, with as few as leaving out finds."""

        def impossible(stated: list[Fact]) -> bool:
            known = Facts().given(*stated)
            return by_solver(known, TRUE, self._effort, [], stated)[0] is not None

        stated = [fact for fact in self._facts if fact in used]
        return contradiction(smallest(stated, impossible, SOLVER_STEPS))

    def _never(self, proof: Proof) -> Verdict:
        """A claim that never holds comes with values that show it, where some are found."""
        if self._broken is None and self._is_crowded():
            self._near()
        if self._broken is None and self._effort.search:
            found = Search(self._facts, self._claim, self._hints, self._model)
            found.run(self._effort.search // 8, satisfied=False)
            self._broken = found.broken
        return self._verdict(Status.NEVER, proof)

    def _verdict(self, status: Status, proof: Proof | None) -> Verdict:
        shown = status in (Status.DEPENDS, Status.NEVER, Status.UNKNOWN)
        broken = self._broken if shown else None
        satisfied = self._satisfied if status in (Status.DEPENDS, Status.UNKNOWN) else None
        return Verdict(
            status=status,
            claim=self._claim,
            written=self._text,
            proof=proof,
            counterexample=self._example(broken, False),
            witness=self._example(satisfied, True),
            premises=self._premises,
            tried=tuple(dict.fromkeys(self._tried)) if status is Status.UNKNOWN else (),
        )

    def _example(self, values: Values | None, truth: bool) -> Counterexample | None:
        if values is None:
            return None
        return Counterexample(values, self._found_by.get(truth, "search"))


def _body(facts: Facts, claim: BoolExpr, effort: Effort, make: bool) -> Body | None:
    """The facts that a claim is connected with, if they are many, made ready for questions
    (only if they are so already, unless `make`)."""
    if len(facts) < MANY or not effort.search or LINEAR not in effort.methods:
        return None
    from shapes.arith.branch_and_bound import body  # only where facts are many

    return body(facts, claim, MANY, make)


def _from_body(
    facts: Facts, claim: BoolExpr, effort: Effort, make: bool
) -> tuple[bool, Proof | None]:
    """Whether such facts settle if a claim holds, and the proof if it does."""
    known = _body(facts, claim, effort, make)
    if known is None:
        return False, None
    broken = negation(claim)
    if remembered(facts, broken) is not None:
        return True, None
    outcome = known.ask(facts, broken, effort.search // BRANCHING)
    if outcome.values is not None:
        models_of(facts).append(outcome.values)
        return True, None
    proof = outcome.proof(facts, claim)
    return proof is not None, proof
