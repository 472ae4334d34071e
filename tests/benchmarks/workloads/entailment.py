"""W9: does a set of facts with divisions and remainders imply a claim?"""

from __future__ import annotations

import random
from typing import Any

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import Relation, Term, seeded, value
from tests.benchmarks.workload import Task, Workload

NAMES = tuple(f"x{i}" for i in range(20))
QUESTIONS = 100


def _linear(rng: random.Random) -> Term:
    x, y, z = rng.sample(NAMES, 3)
    a, b, c = (rng.randrange(1, 6) for _ in range(3))
    return ("-", ("+", ("*", x, a), ("*", y, b)), ("*", z, c))


def _fact(rng: random.Random, model: dict[str, int]) -> Relation:
    """A fact that holds in the model: half of them linear, a quarter with a floor division,
    a quarter about a remainder."""
    kind = rng.choice(("linear", "linear", "division", "remainder"))
    x, y = rng.sample(NAMES, 2)
    if kind == "remainder":
        modulus = rng.choice((2, 3, 4, 8))
        return ("==", ("%", x, modulus), model[x] % modulus)
    term = _linear(rng)
    if kind == "division":
        term = ("+", ("//", x, rng.randrange(2, 9)), y)
    return ("<=", term, value(term, model) + rng.randrange(0, 20))


def _drawn(n: int) -> tuple[list[Relation], list[Relation], list[bool | None]]:
    """Facts, questions and what is known of their answers: half of the questions are sums
    of two facts, and follow; what fails in the hidden model does not."""
    rng = seeded("W9", n)
    model = {name: rng.randrange(100) for name in NAMES}
    facts: list[Relation] = [(">=", name, 0) for name in NAMES]
    facts += [_fact(rng, model) for _ in range(n)]
    bounds = [fact for fact in facts if fact[0] == "<="]
    questions: list[Relation] = []
    known: list[bool | None] = []
    for i in range(QUESTIONS):
        if i % 2:
            (_, a, b), (_, c, d) = rng.sample(bounds, 2)
            questions.append(("<=", ("+", a, c), ("+", b, d)))
            known.append(True)
            continue
        term = _linear(rng)
        questions.append(("<=", term, value(term, model) + rng.randrange(-10, 200)))
        holds = value(questions[-1], model)
        known.append(None if holds else False)
    return facts, questions, known


def implied(engine: Engine, n: int) -> Task:
    """100 questions about n facts and 20 variables that are not negative."""
    facts, questions, _ = _drawn(n)
    run = engine.entailments(NAMES, facts, questions)
    return Task(run, list, lambda answers: {"proved": sum(answers)})


def _judged(expected: list[bool | None], answers: list[Any]) -> str:
    wrong = sum(got and known is False for known, got in zip(expected, answers))
    missed = sum(known is True and not got for known, got in zip(expected, answers))
    told = [f"{wrong} WRONG"] if wrong else []
    told += [f"{missed} of {expected.count(True)} not found"] if missed else []
    return ", ".join(told)


WORKLOADS = [
    Workload(
        "W9",
        "100 entailments over facts with divisions",
        sizes=(10, 50),
        quick=(10,),
        prepare=implied,
        expected=lambda n: _drawn(n)[2],
        judge=_judged,
        engines=("ours", "ours-z3", "z3", "z3-push"),
        aims={"z3": 5},
        growth=False,
    )
]
