"""O7 and O8: deep expressions, and questions beside many facts that have nothing to do with
them."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.workload import Task, Workload


def deep(engine: Engine, n: int) -> Task:
    """An expression nested n deep: built, shown and bounded."""
    from shapes import Facts, make, symbol
    from shapes.facts.bounds import bounds
    from shapes.traversal.printing import show

    def run() -> int:
        x, y = symbol("x"), symbol("y")
        e: Any = x
        for i in range(n):
            e = make("Min", e // 2 + i, y) if i % 2 else abs(e - 3)
        bounds(Facts(), e)
        return len(show(e))

    return Task(run, lambda length: length > n)


def beside(engine: Engine, n: int) -> Task:
    """50 questions that need linear reasoning, beside n unrelated facts."""
    from shapes import ShapeEnv

    env = ShapeEnv()
    u, b = env.unbacked("u"), env.unbacked("b")
    for i in range(n):
        env.assume(env.unbacked(f"x{i}") <= 10)
    env.assume(u <= 4 * b)
    env.assume(b <= 64)
    return Task(lambda: [env.prove(u - 3 * b <= 64 + k).proved for k in range(50)], all)


def _own(name: str, title: str, prepare: Any, growth: bool, *sizes: int) -> Workload:
    return Workload(
        name,
        title,
        sizes=sizes,
        quick=tuple(size // 10 for size in sizes[:2]),
        prepare=prepare,
        expected=lambda n: True,
        engines=("ours",),
        growth=growth,
    )


WORKLOADS = [
    _own("O7", "nested expression built, shown, bounded", deep, True, 5000, 10_000, 20_000),
    _own("O8", "50 questions beside unrelated facts", beside, False, 300, 1000, 3000),
]
