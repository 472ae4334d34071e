"""The SMT solver as a step of the ladder: a proof from an unsatisfiable core, or a model that
survives re-evaluation.

z3 (de Moura & Bjørner, TACAS 2008) is asked for values of the facts that a condition is
connected with; where these are many, a solver is kept that has read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from shapes.expr.nodes import BoolExpr
from shapes.facts.cache import Part
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Proof
from shapes.prove.effort import SOLVER, Effort
from shapes.witness.search import Values, models_of, satisfies

if TYPE_CHECKING:
    from shapes.witness.smt import Question, Ready

__all__ = ["MANY", "by_solver"]

MANY: Final = 24
"""So many connected facts are made ready for questions."""

_READY: Final[Part[tuple[Fact, ...], Ready]] = Part("solver", 1)
"""The solver that has read the connected facts of the last question."""


def _ready(facts: Facts, connected: Sequence[Fact], question: Question) -> Ready:
    """The solver that keeps these facts, made if the last one was for others."""
    from shapes.witness.smt import Ready

    kept = _READY.of(facts)
    stated = tuple(connected)
    if stated not in kept:
        kept.clear()
        kept[stated] = Ready(facts, question.facts)
    return kept[stated]


def by_solver(
    facts: Facts,
    condition: BoolExpr,
    effort: Effort,
    tried: list[str],
    stated: Sequence[Fact] | None = None,
) -> tuple[Proof | None, Values | None]:
    """z3 on the connected (or the stated) facts: a proof that the condition cannot hold, or
    values."""
    from shapes.witness.smt import Answer, Question, solve

    connected = facts.connected(condition) if stated is None else stated
    named = {f"f!{index}": fact for index, fact in enumerate(connected)}
    question = Question((condition,), tuple((n, f.claim) for n, f in named.items()))
    answer = Answer("unknown")
    if stated is None and len(connected) >= MANY:
        answer = _ready(facts, connected, question).solve(condition, facts, effort.rlimit)
    if answer.status == "unknown":
        answer = solve(question, facts, effort.rlimit)
    if answer.status == "unsat":
        used = answer.rested | {named[name] for name in answer.core}
        return Proof(SOLVER, facts.in_order(used)), None
    if answer.status == "sat":
        values: Values = dict(answer.model)
        if satisfies(values, [condition, *(fact.claim for fact in connected)]):
            models_of(facts).append(values)
            return None, values
        tried.append("z3: its model did not survive re-evaluation")
        return None, None
    tried.append(answer.reason if answer.reason.startswith("z3") else f"z3: {answer.reason}")
    return None, None
