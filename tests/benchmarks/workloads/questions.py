"""W4 and W5: ranges and static truths of expressions over symbols with ranges."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import Declared, Term, build, declared, seeded
from tests.benchmarks.workload import Task, Workload

SYMBOLS = declared(8, lambda i: 40 + 13 * i)


def _drawn(name: str, n: int) -> list[tuple[int, Declared, int, Declared, int]]:
    """(a, x, b, y, c) of n expressions ``a*x + (b*y)//c`` with different symbols."""
    rng = seeded(name, n)
    found = []
    for _ in range(n):
        x, y = rng.sample(SYMBOLS, 2)
        found.append((rng.randrange(1, 50), x, rng.randrange(1, 50), y, rng.randrange(2, 20)))
    return found


def _term(a: int, x: Declared, b: int, y: Declared, c: int) -> Term:
    return ("+", ("*", x.name, a), ("//", ("*", y.name, b), c))


def _least(a: int, x: Declared, b: int, y: Declared, c: int) -> int:
    return a * x.low + b * y.low // c


def _named(engine: Engine) -> dict[str, Any]:
    return {s.name: x for s, x in zip(SYMBOLS, engine.symbols(SYMBOLS))}


def ranges(engine: Engine, n: int) -> Task:
    """Both ends of n expressions that exist already, each asked for the first time."""
    symbols = _named(engine)
    expressions = [build(_term(*d), symbols, engine.operators) for d in _drawn("W4", n)]
    bounds = engine.bounds
    return Task(lambda: [bounds(e) for e in expressions], lambda ends: [list(e) for e in ends])


def _ranges_expected(n: int) -> list[list[int]]:
    found = []
    for a, x, b, y, c in _drawn("W4", n):
        assert x.high is not None
        assert y.high is not None
        found.append([_least(a, x, b, y, c), a * x.high + b * y.high // c])
    return found


def _claims(n: int) -> list[tuple[Term, Term, bool]]:
    """Claims ``left >= right`` and whether they hold: in turns, one that needs the ranges
    and one that needs cancellation; half of each are off by one."""
    found: list[tuple[Term, Term, bool]] = []
    for i, (a, x, b, y, c) in enumerate(_drawn("W5", n)):
        off = i // 2 % 2
        if i % 2:
            right: Term = ("+", _term(a, x, b, y, c), x.low + off)
            found.append((_term(a + 1, x, b, y, c), right, not off))
        else:
            right = _least(a, x, b, y, c) + off
            found.append((_term(a, x, b, y, c), right, not off))
    return found


def truths(engine: Engine, n: int) -> Task:
    """n claims between expressions that exist already; the relation is built and asked."""
    symbols = _named(engine)
    pairs = [
        (build(left, symbols, engine.operators), build(right, symbols, engine.operators))
        for left, right, _ in _claims(n)
    ]
    at_least = engine.at_least
    return Task(lambda: [at_least(a, b) for a, b in pairs], list)


def _judged(expected: list[bool], answers: list[bool]) -> str:
    wrong = sum(got and not holds for holds, got in zip(expected, answers))
    missed = sum(holds and not got for holds, got in zip(expected, answers))
    told = [f"{wrong} WRONG"] if wrong else []
    told += [f"{missed} of {sum(expected)} not found"] if missed else []
    return ", ".join(told)


WORKLOADS = [
    Workload(
        "W4",
        "ranges, each asked once",
        sizes=(100, 300, 1000),
        quick=(100, 300),
        prepare=ranges,
        expected=_ranges_expected,
        aims={"torch": 100, "jax": 100, "tvm": 0.5},
    ),
    Workload(
        "W5",
        "static truths",
        sizes=(100, 300, 1000),
        quick=(50, 150),
        prepare=truths,
        expected=lambda n: [holds for _, _, holds in _claims(n)],
        judge=_judged,
        aims={"torch": 200, "jax": 10, "tvm": 1.5},
    ),
]
