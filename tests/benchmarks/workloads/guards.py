"""W10: guards compiled into one function."""

from __future__ import annotations

import random
from typing import Any

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import Declared, Relation, seeded
from tests.benchmarks.workload import Task, Workload

SYMBOLS = [Declared(f"s{i}", 8, 400, 8 + 8 * i) for i in range(16)]
"""Values are multiples of 8, so that the guards about remainders hold."""
INPUTS = 1000


def drawn_guards(n: int) -> list[Relation]:
    """n guards that hold for all inputs, so that none is left out by an early end."""
    rng = seeded("W10", n)
    made: list[Relation] = []
    for _ in range(n):
        x, y = (s.name for s in rng.sample(SYMBOLS, 2))
        a, b = rng.randrange(2, 9), rng.choice((2, 4, 8))
        drawn = rng.random()
        if drawn < 0.40:
            made.append(("<", ("*", x, y), 160_001 + rng.randrange(10_000)))
        elif drawn < 0.70:
            made.append(("<=", ("+", ("*", x, a), ("//", y, b)), 4000 + rng.randrange(1000)))
        elif drawn < 0.85:
            made.append(("==", ("%", ("+", ("*", x, a), y), b), 0))
        else:
            made.append((">=", ("max", x, y), rng.randrange(9)))
    return made


def _inputs(rng: random.Random, count: int) -> list[dict[str, int]]:
    return [{s.name: 8 * rng.randrange(1, 51) for s in SYMBOLS} for _ in range(count)]


def compiled(engine: Engine, n: int) -> Task:
    """n guards, from plain data to a compiled function."""
    (row,) = _inputs(seeded("W10 inputs", n), 1)
    return Task(engine.guards(SYMBOLS, drawn_guards(n)), lambda function: bool(function(row)))


def called(engine: Engine, n: int) -> Task:
    """n guards compiled beforehand, called on 1,000 inputs one by one."""
    function = engine.guards(SYMBOLS, drawn_guards(n))()
    rows = _inputs(seeded("W10 inputs", n), INPUTS)

    def run() -> list[Any]:
        return [function(row) for row in rows]

    return Task(run, lambda answers: sum(map(bool, answers)))


def called_at_once(engine: Engine, n: int) -> Task:
    """n guards on arrays of 1,000 inputs, not for the first time (the first call looks at the
    ranges of the inputs)."""
    import numpy as np

    function = engine.guards_of_many(SYMBOLS, drawn_guards(n))()
    rows = _inputs(seeded("W10 inputs", n), INPUTS)
    columns = {s.name: np.array([row[s.name] for row in rows]) for s in SYMBOLS}
    function(columns)
    return Task(lambda: function(columns), lambda held: int(np.sum(held)))


WORKLOADS = [
    Workload(
        "W10",
        "guards called on 1,000 inputs one by one",
        sizes=(100, 500),
        quick=(50,),
        prepare=called,
        expected=lambda n: INPUTS,
        engines=("ours", "by hand", "sympy"),
        aims={"by hand": 1 / 1.3},
        growth=False,
    ),
    Workload(
        "W10many",
        "guards called on arrays of 1,000 inputs",
        sizes=(100, 500),
        quick=(50,),
        prepare=called_at_once,
        expected=lambda n: INPUTS,
        engines=("ours", "by hand"),
        aims={"by hand": 1 / 1.3},
        growth=False,
    ),
    Workload(
        "W10comp",
        "guards built and compiled into one function",
        sizes=(100, 500),
        quick=(50,),
        prepare=compiled,
        expected=lambda n: True,
        engines=("ours", "by hand", "sympy"),
        aims={"sympy": 100},
        growth=False,
    ),
]
