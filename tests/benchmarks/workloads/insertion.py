"""W7: deferred run-time asserts inserted into a torch graph."""

from __future__ import annotations

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.workload import Task, Workload


def inserted(engine: Engine, n: int) -> Task:
    """n values read at run time, a range and a relation to the value before for each; only
    the pass is timed. The result has to accept and reject the same inputs."""
    run, outcomes = engine.insertion(n)

    def notes(module: object) -> dict[str, int]:
        nodes = module.graph.nodes  # type: ignore[attr-defined]
        asserts = sum("assert" in str(node.target) for node in nodes)
        return {"asserts": asserts, "nodes": len(nodes)}

    return Task(run, outcomes, notes)


WORKLOADS = [
    Workload(
        "W7",
        "insertion pass on a torch graph, run-time values",
        sizes=(200, 400, 800),
        quick=(25, 50),
        prepare=inserted,
        expected=lambda n: ["accepted"] * 2 + ["rejected"] * 6,
        engines=("ours-torch", "torch"),
        aims={"torch": 5},
        timeout=300,
    )
]
