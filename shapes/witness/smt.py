"""The SMT solver z3 (de Moura & Bjørner, TACAS 2008): the last tactic, and the only module
that imports it.

A question is written as SMT-LIB text (see `smtlib`), which z3 parses in one call; the same
text is the dump for a bug report, and what any other solver is asked. "unsat" is always a
proof, and a model is only a candidate that the caller re-evaluates. Budgets are z3's `rlimit`,
with a fixed seed, and its steps count against the budget of the question (see `budget`); every
exception of z3 is "unknown" with its reason.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, Literal

from shapes.base.budget import remaining, spend
from shapes.base.digits import read_decimal
from shapes.expr.nodes import (
    BoolExpr,
    Expr,
    Value,
)
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons
from shapes.traversal.interpret import free_symbols, interpret
from shapes.witness.interrupts import StoppedError, interruptible
from shapes.witness.smtlib import Question, Translator, label, script, translated

__all__ = ["Answer", "Question", "Ready", "is_available", "script", "solve"]

_LOCK: Final = threading.Lock()
"""A context of z3 serves one thread at a time: the default one, and those that facts keep."""


KEPT_RLIMIT: Final = 50000
"""Steps that the kept solver may spend before a fresh one takes over."""

READY_RLIMIT: Final = 200_000
"""Steps that a solver with facts that are ready may spend on one question."""

LARGEST_TEXT: Final = 200_000
"""Longer questions are not asked: reading them is not counted in steps."""

Z3_STEPS: Final = 5
"""So many steps of z3 take the time of one step of ours."""

CORE_RLIMIT: Final = 1_000_000
"""Steps that may be spent on naming the facts that a refutation needs."""


@dataclass(frozen=True)
class Answer:
    """`unsat` with the names of the facts in the core (and the facts behind the ranges in
    it), `sat` with a model's values of the symbols, or `unknown` with the reason."""

    status: Literal["sat", "unsat", "unknown"]
    core: frozenset[str] = frozenset()
    rested: Reasons = NO_REASONS
    model: Mapping[Expr, Value] = field(default_factory=dict)
    reason: str = ""


def is_available() -> bool:
    """Whether z3 can be imported."""
    try:
        import z3  # noqa: F401
    except Exception:
        return False
    return True


class Ready:
    """Facts in a solver of their own, translated once and asked often.

    The solver is asked between push and pop, so it keeps what it found out about the facts.
    Its answers are proofs and models like those of `solve`; how many steps it takes may
    depend on what was asked before, so where it gives up, `solve` is to be asked.
    """

    def __init__(self, facts: Facts, stated: Sequence[tuple[str, BoolExpr]]) -> None:
        translator = Translator(facts, tell=True)
        self._memo: dict[Any, Any] = {}
        self.stated = tuple(stated)
        asserted: list[str] = []
        for name, claim in stated:
            term = interpret(translator, {}, claim, self._memo)
            asserted += [f"(declare-const {name} Bool)", f"(assert (=> {name} {term}))"]
        self._translator = translator.copied(Facts())  # the facts own what is made ready
        self._text = "\n".join([*translator.lines, *translator.constraints, *asserted])
        self._solver: Any = None
        self._switches: list[Any] = []

    def solve(self, condition: BoolExpr, facts: Facts, rlimit: int) -> Answer:
        """The same as `solve` with the condition and these facts."""
        translator = self._translator.copied(facts)
        known = len(translator.constraints)
        term = interpret(translator, {}, condition, dict(self._memo))
        lines = [*translator.lines, *translator.constraints[known:], f"(assert {term})"]
        question = Question((condition,), self.stated)
        new = [name for name in translator.ranges if name not in self._translator.ranges]
        text = "\n".join(lines)
        if len(self._text) + len(text) > LARGEST_TEXT:
            return Answer("unknown", reason=_too_long(len(self._text) + len(text)))
        effort = translator.length_of_steps(self._text, text)
        steps = min(rlimit, max(READY_RLIMIT // effort, KEPT_RLIMIT))
        answer = _alone(lambda: self._solved(text, new, question, steps, effort))
        return _with_ranges(answer, translator.ranges)

    def _solved(
        self, text: str, new: list[str], question: Question, steps: int, effort: int
    ) -> Answer:
        import z3

        if self._solver is None:
            own = z3.Context()
            self._solver = z3.Solver(ctx=own)
            self._solver.add(z3.parse_smt2_string(self._text, ctx=own))
            names = [*(name for name, _ in self.stated), *self._translator.ranges]
            self._switches = [z3.Bool(name, own) for name in names]
        solver = self._solver
        try:
            with _pushed(solver):
                asserted = z3.parse_smt2_string(text, ctx=solver.ctx)
                assumptions = [*self._switches, *(z3.Bool(name, solver.ctx) for name in new)]
                return _checked(solver, asserted, assumptions, question, steps, effort)
        except StoppedError as stopped:
            if stopped.left_behind:
                self._solver = None
            raise


def _with_ranges(answer: Answer, ranges: Mapping[str, Reasons]) -> Answer:
    """The answer with the facts behind the ranges in its core instead of their switches."""
    rested = NO_REASONS.union(*(ranges[name] for name in answer.core if name in ranges))
    return replace(answer, core=answer.core - ranges.keys(), rested=rested)


def solve(question: Question, facts: Facts, rlimit: int) -> Answer:
    """z3's answer within a budget of its own steps."""
    text, switches, translator = translated(question, facts, check=False)
    if len(text) > LARGEST_TEXT:
        return Answer("unknown", reason=_too_long(len(text)))
    effort = translator.length_of_steps(text)
    answer = _alone(lambda: _solved(text, switches, question, rlimit, effort))
    return _with_ranges(answer, translator.ranges)


def _too_long(characters: int) -> str:
    return f"z3: the question has {characters} characters"


def _alone(ask: Callable[[], Answer]) -> Answer:
    """What z3 answers to one thread at a time; whatever z3 raises is an answer: unknown."""
    with _LOCK:
        try:
            return ask()
        except StoppedError as stopped:
            raised = stopped.raised
        except Exception as error:
            return Answer("unknown", reason=f"z3: {str(error)[:200]}")
    raise raised


def _solved(
    text: str, switches: list[str], question: Question, rlimit: int, effort: int
) -> Answer:
    import z3

    # The kept solver answers small questions in half the time, because making a solver costs
    # more than the question; a fresh one has stronger methods for products, and the rest of
    # the budget.
    kept = _kept_solver()
    asserted = z3.parse_smt2_string(text, ctx=kept.ctx)
    assumptions = [z3.Bool(name, kept.ctx) for name in switches]
    try:
        with _pushed(kept):
            steps = min(rlimit, KEPT_RLIMIT)
            answer = _checked(kept, asserted, assumptions, question, steps, effort)
    except StoppedError as stopped:
        if stopped.left_behind:
            _kept_solver.cache_clear()
        raise
    rlimit = rlimit // effort
    if answer.status != "unknown" or rlimit <= KEPT_RLIMIT:
        return answer
    # z3's heuristics look at the age of terms: in a context of its own, the same text gets
    # the same answer whatever was asked before.
    own = z3.Context()
    asserted = z3.parse_smt2_string(text, ctx=own)
    assumptions = [z3.Bool(name, own) for name in switches]
    # Facts that are asserted, and not assumed, can be simplified before the search. Which of
    # them a refutation needs is asked afterwards, and all are named if that takes too long.
    plain = z3.Solver(ctx=own)
    plain.add(assumptions)
    answer = _checked(plain, asserted, [], question, rlimit - KEPT_RLIMIT, effort)
    if answer.status != "unsat":
        return answer
    solver = z3.Solver(ctx=own)
    named = _checked(solver, asserted, assumptions, question, CORE_RLIMIT // effort, effort)
    return named if named.status == "unsat" else replace(answer, core=frozenset(switches))


@cache
def _kept_solver() -> Any:
    import z3

    return z3.Solver(ctx=z3.Context())


def _checked(
    solver: Any,
    asserted: Any,
    assumptions: list[Any],
    question: Question,
    rlimit: int,
    effort: int,
) -> Answer:
    import z3

    rlimit = max(1, min(rlimit, remaining() * Z3_STEPS // effort))
    solver.set("rlimit", rlimit)
    solver.set("random_seed", 0)
    solver.set("smt.arith.nl.grobner", effort == 1)
    # z3 would take the signal over, and lose it where it ends by itself.
    solver.set("ctrl_c", False)
    solver.add(asserted)
    before = _steps_of(solver)
    try:
        result = interruptible(solver, lambda: solver.check(*assumptions))
    except StoppedError as stopped:
        if stopped.left_behind:
            _left_behind.append((solver, asserted, assumptions))
        raise
    spend(max(0, _steps_of(solver) - before) * effort // Z3_STEPS)
    if result == z3.unsat:
        return Answer("unsat", frozenset(str(name) for name in solver.unsat_core()))
    if result != z3.sat:
        reason = solver.reason_unknown()
        if "interrupted" in reason:
            raise KeyboardInterrupt
        over = reason in ("canceled", "max. resource limit exceeded")
        return Answer("unknown", reason=f"budget of {rlimit} z3 steps" if over else reason)
    symbols = {label(sym): sym for sym in _symbols(question)}
    model = solver.model()
    values: dict[Expr, Value] = {}
    for declaration in model.decls():
        sym = symbols.get(declaration.name())
        if sym is None:
            continue
        value = model[declaration]
        if sym.kind == "int":
            values[sym] = read_decimal(value.as_string())
        elif sym.kind == "bool":
            values[sym] = bool(z3.is_true(value))
    for sym in symbols.values():
        values.setdefault(sym, {"int": 0, "bool": False, "float": 0.0}[sym.kind])
    return Answer("sat", model=values)


def _steps_of(solver: Any) -> int:
    """The steps that z3 has made in a solver's context."""
    statistics = solver.statistics()
    name = "rlimit count"
    return int(statistics.get_key_value(name)) if name in statistics.keys() else 0  # noqa: SIM118


_left_behind: Final[list[Any]] = []
"""What such threads are working on, so that nothing else releases it."""


@contextmanager
def _pushed(solver: Any) -> Iterator[None]:
    """A block after which a solver forgets what was asserted inside."""
    solver.push()
    try:
        yield
    except StoppedError as stopped:
        if not stopped.left_behind:
            solver.pop()
        raise
    except BaseException:
        solver.pop()
        raise
    solver.pop()


def _symbols(question: Question) -> list[Expr]:
    return free_symbols(*question.conditions, *(claim for _, claim in question.facts))
