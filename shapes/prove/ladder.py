"""The prover: steps in order of cost (`STEPS`), the only place that knows the order.

`prove` wants a verdict: values that break the claim and values that satisfy it, or the proof
that one of both does not exist. `entails` wants the proof alone. Both read the one table from
top to bottom and stop at the first step that answers. Between the cheap methods and the SMT
solver a search looks for small values that break (satisfy) the claim, because most questions
that are not decided by then have a counterexample. What a step does is in `question`; the
methods of proof are in `tactics`, the solver in `solving`, budgets in `effort`.

Guarantees: facts are never changed; hints are used as candidates of the search and never in
a proof; budgets are steps, so an answer does not depend on the machine; a question that an
early step answers never imports z3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Final

from shapes.base.budget import ExhaustedError, limited, remaining
from shapes.base.logs import DEBUG, Log
from shapes.base.records import record
from shapes.errors import ContradictionError, TooLargeError, UndefinedError
from shapes.expr.booleans import negation
from shapes.expr.nodes import FALSE, OPERATORS, RELATIONS, TRUE, BoolExpr, Expr, Value
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Proof, Status, Verdict
from shapes.prove.effort import EFFORTS, SOLVER, Effort, effort_named
from shapes.prove.question import BOTH_SIDES, BROKEN, Question
from shapes.prove.quick import CHEAP, decide, proved
from shapes.prove.tactics import METHODS, by_linear
from shapes.traversal.definedness import Spelled, without_value
from shapes.traversal.printing import brief

__all__ = [
    "CHEAP", "EFFORTS", "METHODS", "SOLVER", "STEPS", "Asker", "Cost", "Effort", "Step",
    "decide", "entails", "one_sided", "prove",
]  # fmt: skip

LOG: Final = Log("prove")

SHARES: Final = 4
"""The part of the budget that one step of the ladder may use up."""


class Cost(Enum):
    """What a step looks at, the cheapest first."""

    KEPT = "answers that are kept with the facts"
    NEAR = "facts around the claim"
    CONNECTED = "all facts that are connected with the claim"
    VALUES = "combinations of values, within a budget"
    CASES = "cases, each of which reads the connected facts again"
    SOLVER = "z3, with the rest of the budget"


class Asker(Enum):
    """Who reads the table."""

    PROVE = "prove"
    ENTAILS = "entails"


@record(frozen=True, slots=True)
class Step:
    """One row of the ladder: its name, what it costs, what it does and who runs it. It may be
    only for claims that are connected with many facts (`crowded`) or with few, or only for
    facts that are prepared for more questions (`prepared`) or are not."""

    name: str
    cost: Cost
    run: Callable[[Question], Verdict | None]
    askers: tuple[Asker, ...]
    crowded: bool | None = None
    prepared: bool | None = None


def _by(*names: str) -> Callable[[Question], Verdict | None]:
    """The step that tries these methods of proof."""
    return lambda asked: asked.by_methods(names)


_PROVE: Final = (Asker.PROVE,)
_ENTAILS: Final = (Asker.ENTAILS,)
_BOTH: Final = (Asker.PROVE, Asker.ENTAILS)

STEPS: Final = (
    Step("normal form, ranges", Cost.KEPT, _by(*CHEAP), _PROVE),
    Step("differences", Cost.NEAR, _by("differences"), _PROVE),
    Step("the same together", Cost.NEAR, _by(*CHEAP, "differences"), _ENTAILS),
    Step("lattice", Cost.NEAR, _by("lattice"), _BOTH),
    Step("a few moves", Cost.NEAR, Question.by_moves, _PROVE, crowded=True),
    Step("tableau", Cost.CONNECTED, Question.by_tableau, _BOTH, prepared=True),
    Step("choice form", Cost.NEAR, _by("choice form"), _BOTH, crowded=True),
    Step("linear arithmetic", Cost.CONNECTED, _by("linear"), _BOTH, crowded=True),
    Step("many moves", Cost.CONNECTED, Question.by_many_moves, _PROVE, crowded=True),
    Step("first values", Cost.VALUES, Question.by_first_values, _PROVE, crowded=False),
    Step("choice form", Cost.NEAR, _by("choice form"), _PROVE, crowded=False),
    Step("choices", Cost.CASES, _by("choices"), _PROVE, crowded=False),
    Step("short search", Cost.VALUES, Question.by_short_search, _PROVE),
    Step("combinations", Cost.VALUES, Question.by_combinations, _ENTAILS),
    Step("choice form", Cost.NEAR, _by("choice form"), _ENTAILS, crowded=False),
    Step("choices", Cost.CASES, _by("choices"), _ENTAILS, crowded=False),
    Step("linear arithmetic", Cost.CONNECTED, _by("linear"), _BOTH, crowded=False),
    Step("tableau", Cost.CONNECTED, Question.by_tableau, _BOTH, prepared=False),
    Step("choices", Cost.CASES, _by("choices"), _BOTH, crowded=True),
    Step("cases, all values", Cost.CASES, _by("cases", "values"), _BOTH),
    Step("long search", Cost.VALUES, Question.by_long_search, _PROVE),
    Step("solver", Cost.SOLVER, Question.by_solver, _BOTH),
)
"""The order of methods. Where many facts are connected with a claim, what looks at all of them
once comes before what evaluates all of them for each combination of values."""


def prove(
    facts: Facts,
    claim: BoolExpr | Spelled,
    text: str | None = None,
    effort: str | Effort = "default",
    hints: Mapping[Expr, Value] | None = None,
    model: Mapping[Expr, Value] | None = None,
    prepare: bool = False,
) -> Verdict:
    """The verdict on a claim under facts.

    `prepare` says that more questions about the same facts follow: if these are many, they
    are prepared first, which pays from the second question on. (What earlier questions have
    left behind never decides the order of methods.)

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
    LOG.say(DEBUG, "`%s` is asked", question)
    try:
        with limited(chosen.steps):
            facts, premises = _defined(facts, spelled, text)
            asked = Question(
                facts, question, chosen, BOTH_SIDES, text, premises, hints or {}, model or {}
            )
            return _answered(asked, prepare)
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
    tried = (str(why) or f"budget of {effort.steps} steps",)
    return Verdict(Status.UNKNOWN, claim, text, premises=assumed, tried=tried)


def entails(
    facts: Facts, claim: BoolExpr, effort: str | Effort = "default", prepare: bool = False
) -> Proof | None:
    """The proof that facts imply a claim, or None; quicker than `prove`, which also looks for
    values that satisfy the claim. Raises nothing for facts that contradict each other."""
    verdict = one_sided(facts, claim, effort, prepare)
    return None if verdict is None else verdict.proof


def one_sided(
    facts: Facts, claim: BoolExpr, effort: str | Effort = "default", prepare: bool = False
) -> Verdict | None:
    """The proof that facts imply a claim, or values that break it; None where neither is
    found. Raises nothing for facts that contradict each other."""
    chosen = effort_named(effort)
    try:
        with limited(chosen.steps):
            asked = Question(facts, claim, chosen, BROKEN)
            for step in _steps(Asker.ENTAILS, asked, prepare):
                verdict = step.run(asked)
                if verdict is not None:
                    return verdict
    except (ExhaustedError, TooLargeError):
        pass
    return None


def _steps(asker: Asker, asked: Question, prepare: bool) -> Iterator[Step]:
    """The rows that one reads, from top to bottom."""
    for step in STEPS:
        if asker not in step.askers or step.prepared is (not prepare):
            continue
        if step.crowded is None or step.crowded is asked.is_crowded:
            yield step


def _answered(asked: Question, prepare: bool) -> Verdict:
    """The verdict of the first step that has one; where the budget ends before, what was
    found until then."""
    tells = LOG.listens(DEBUG)
    try:
        for step in _steps(Asker.PROVE, asked, prepare):
            verdict = _within_share(asked, step)
            if tells:
                found = "no answer" if verdict is None else verdict.status.name
                LOG.say(DEBUG, "    %s: %s", step.name, found)
            if verdict is not None:
                return verdict
    except (ExhaustedError, TooLargeError) as error:
        return asked.unsettled(error)
    return asked.unsettled()


def _within_share(asked: Question, step: Step) -> Verdict | None:
    """What a step answers with its share of the budget. What runs out of it leaves the rest
    to those that come after it."""
    share = asked.effort.steps // SHARES
    # The last share is the solver's.
    last = step.cost is Cost.SOLVER
    try:
        with limited(asked.effort.steps if last else min(share, remaining() - share)):
            return step.run(asked)
    except ExhaustedError:
        if remaining() <= 0:
            raise
        asked.tried.append(f"budget of {asked.effort.steps} steps")
    except TooLargeError as error:
        asked.tried.append(str(error))
    return None


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
