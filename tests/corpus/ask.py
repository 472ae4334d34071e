"""A question put to the engine: from its text, in a fresh environment."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from shapes import ContradictionError, ShapeEnv, UndefinedError, Verdict, int_oo
from shapes.expr.nodes import Value
from shapes.prove.ladder import EFFORTS, SOLVER, Effort
from tests.corpus.grid import Column, column, evaluate
from tests.corpus.questions import TIERS, Question
from tests.corpus.terms import integer, read_term

__all__ = ["Answer", "ask", "fault", "tier", "without_solver"]


@dataclass(frozen=True)
class Answer:
    """What the engine said (a verdict's word, ``CONTRADICTION`` or ``UNDEFINED`` for what it
    raised), and how long it took from text to answer."""

    word: str
    seconds: float
    verdict: Verdict | None = None


def without_solver(effort: Effort) -> Effort:
    """The same effort, with z3 turned off."""
    return replace(effort, methods=tuple(m for m in effort.methods if m != SOLVER))


def ask(question: Question, effort: Effort | str = "default") -> Answer:
    """The engine's answer."""
    ends = [
        (
            sym,
            -int_oo if sym.lower is None else integer(sym.lower),
            int_oo if sym.upper is None else integer(sym.upper),
        )
        for sym in question.symbols
    ]
    chosen = EFFORTS[effort] if isinstance(effort, str) else effort
    started = time.perf_counter()
    verdict = None
    try:
        env = ShapeEnv()
        for sym, lower, upper in ends:
            if sym.kind == "int":
                env.integer(sym.name, min=lower, max=upper)
            elif sym.kind == "bool":
                env.boolean(sym.name)
            else:
                env.real(sym.name)
        for fact in question.facts:
            env.assume(fact)
        verdict = env.prove(question.claim, effort=chosen)
        word = verdict.status.name
    except ContradictionError:
        word = "CONTRADICTION"
    except UndefinedError:
        word = "UNDEFINED"
    return Answer(word, time.perf_counter() - started, verdict)


def fault(question: Question, answer: Answer) -> str | None:
    """What is wrong with the answer; None where it is right or undecided.

    Under contradictory facts, and for a claim that never has a value, ALWAYS and NEVER hold
    of nothing: too little is said, but nothing wrong.
    """
    said, wanted, verdict = answer.word, question.verdict, answer.verdict
    if verdict is not None:
        for values, holds in ((verdict.counterexample, False), (verdict.witness, True)):
            found = None if values is None else _unlike(question, values, holds)
            if found is not None:
                return found
    if said in ("UNKNOWN", wanted) or vacuous(question, answer):
        if verdict is not None and said == wanted and question.premise:
            return None if verdict.premises else f"`{question.premise}` is not among premises"
        return None
    return f"{said}, not {wanted}"


def vacuous(question: Question, answer: Answer) -> bool:
    """Whether the answer speaks about no values at all."""
    return question.verdict in ("CONTRADICTION", "UNDEFINED") and answer.word in (
        "ALWAYS",
        "NEVER",
    )


def decided(question: Question, answer: Answer) -> bool:
    """Whether it is the true answer."""
    return answer.word == question.verdict and fault(question, answer) is None


def _unlike(question: Question, values: Mapping[str, Value], holds: bool) -> str | None:
    """Why these values do not show that the claim holds (does not hold) somewhere."""
    shown = ", ".join(f"{name} = {value!r}" for name, value in values.items())
    columns: dict[str, Column] = {}
    for sym in question.symbols:
        value = values.get(sym.name, 0)
        columns[sym.name] = Column(sym.kind, column(sym.kind, [value]), np.True_)
        if sym.name not in values:
            continue
        low = sym.lower is not None and value < integer(sym.lower)
        if low or (sym.upper is not None and value > integer(sym.upper)):
            return f"{shown}: `{sym.name}` is out of its range"
    missing = {sym.name for sym in question.symbols} - set(values)
    for fact in question.facts:
        if not missing and not _true(fact, columns):
            return f"{shown}: the fact `{fact}` does not hold"
    claim = evaluate(read_term(question.claim), columns)
    if not missing and (not np.all(claim.defined) or bool(np.all(claim.values)) is not holds):
        return f"{shown}: the claim is not {holds}"
    return None


def _true(text: str, columns: Mapping[str, Column]) -> bool:
    result = evaluate(read_term(text), columns)
    return bool(np.all(result.values)) and bool(np.all(result.defined))


def tier(method: str) -> str:
    """The dearest tier that a proof's method names; the method itself where none is known."""
    named = {
        "normal form": "canonical",
        "a known fact": "canonical",
        "canonical": "canonical",
        "ranges": "ranges",
        "congruences": "ranges",
        "difference": "linear",
        "linear": "linear",
        "elimination": "linear",
        "zeros and ones": "linear",
        "normal form of choices": "linear",
        "case": "cases",
        SOLVER: "z3",
    }
    found = [known for word, known in named.items() if word in method]
    return max(found, key=TIERS.index) if found else method
