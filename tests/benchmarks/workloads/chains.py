"""W6 and W8: run-time asserts in a chain, and what follows from them."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.workload import EVERYWHERE, Task, Workload


def recorded(engine: Engine, n: int) -> Task:
    """n asserts ``u[i] <= u[i+1]``; neighbours, and values three steps apart, are compared
    afterwards, outside of what is timed."""
    state = engine.ordered_chain(n)

    def answer(us: list[Any]) -> dict[str, bool]:
        return {
            "neighbours": engine.reaches(us[n // 2], us[n // 2 + 1]),
            "three steps": engine.reaches(us[0], us[3]),
        }

    return Task(state, answer)


def ends_compared(engine: Engine, n: int) -> Task:
    """n asserts ``u[i] <= u[i+1]``, and the two ends of the chain compared."""
    state = engine.ordered_chain(n)

    def run() -> bool:
        us = state()
        return engine.reaches(us[0], us[-1])

    return Task(run, bool)


def equal_ends(engine: Engine, n: int) -> Task:
    """n asserts ``u[i] == u[i+1]``, and then ``4*u[0] + 3 == 4*u[n] + 3``."""
    state = engine.equal_chain(n)

    def run() -> bool:
        us = state()
        return engine.equal(4 * us[0] + 3, 4 * us[-1] + 3)

    return Task(run, bool)


def _unanswered(expected: Any, answer: Any) -> str:
    if isinstance(expected, dict):
        missing = [name for name in expected if not answer[name]]
        return f"cannot answer: {', '.join(missing)}" if missing else ""
    return "" if answer else "cannot answer the question"


WORKLOADS = [
    Workload(
        "W6",
        "related run-time asserts, with the question between the ends",
        sizes=(100, 300, 1000),
        quick=(50, 150),
        prepare=ends_compared,
        expected=lambda n: True,
        judge=_unanswered,
        engines=EVERYWHERE,
        aims={"torch": 100, "tvm": 4},
    ),
    Workload(
        "W6rec",
        "related run-time asserts, recorded only",
        sizes=(100, 300, 1000),
        quick=(50, 150),
        prepare=recorded,
        expected=lambda n: {"neighbours": True, "three steps": True},
        judge=_unanswered,
        engines=("ours", "ours-expr", "torch", "tvm"),
    ),
    Workload(
        "W8",
        "chain of equalities, with the question between the ends",
        sizes=(75, 150, 300),
        quick=(50, 100),
        prepare=equal_ends,
        expected=lambda n: True,
        judge=_unanswered,
        aims={"torch": 300, "jax": 15, "tvm": 1},
    ),
]
