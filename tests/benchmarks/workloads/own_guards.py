"""O4: 500 guards on many inputs at once."""

from __future__ import annotations

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import seeded
from tests.benchmarks.workload import Task, Workload
from tests.benchmarks.workloads.guards import SYMBOLS, drawn_guards

GUARDS = 500


def at_once(engine: Engine, n: int) -> Task:
    """500 guards on n inputs in one call, not the first one."""
    import numpy as np

    function = engine.guards_of_many(SYMBOLS, drawn_guards(GUARDS))()
    rng = np.random.default_rng(seeded("O4", n).randrange(1 << 30))
    columns = {s.name: 8 * rng.integers(1, 51, n) for s in SYMBOLS}
    function(columns)
    return Task(lambda: function(columns), lambda held: int(np.sum(held)))


WORKLOADS = [
    Workload(
        "O4",
        "500 guards on arrays of inputs",
        sizes=(1, 1000, 100_000),
        quick=(1, 1000),
        prepare=at_once,
        expected=lambda n: n,
        engines=("ours", "by hand"),
        growth=False,
    )
]
