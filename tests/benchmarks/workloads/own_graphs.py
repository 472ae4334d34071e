"""O1 and O2: our own graphs, from tracing to insertion (no peer does these)."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.workload import Task, Workload


def _checked_program(n: int) -> Any:
    """A numpy function with n checks: for every value read at run time its range, something
    that follows from it, and a relation to the value before."""
    import asserts

    def program(x: Any) -> list[Any]:
        values: list[Any] = []
        for i in range(0, n, 3):
            u = int(x[i])
            asserts.check(u >= 2 + i % 5)
            if i + 1 < n:
                asserts.check(u + 1 >= 2)
            if i + 2 < n:
                asserts.check(2 * u <= (values[-1] if values else 0) + 1000)
            values.append(u)
        return values

    return program


def discharged(engine: Engine, n: int) -> Task:
    """n checks in one graph, a third of which follow from others."""
    import asserts
    from asserts.trace import Spec, trace

    module = trace(_checked_program(n), Spec((n,), "int64"))

    def notes(result: Any) -> dict[str, str]:
        return {"report": result.report.summary()}

    run = lambda: asserts.insert(module, in_place=True)  # noqa: E731
    return Task(run, lambda result: len(result.report) > 0, notes)


def _layers(n: int) -> Any:
    """A numpy function with n operations: five a layer, one of which reads an index from the
    data, so that the next needs a check."""

    def program(x: Any, y: Any, index: Any) -> Any:
        for i in range(n // 5):
            k = int(index[i])
            x = x * 0.5
            x = x + y[k]
        return x

    return program


def _specs(n: int) -> dict[str, Any]:
    from asserts.trace import Spec

    return {"x": ("b",), "y": ("c",), "index": Spec((n // 5,), "int64")}


def traced(engine: Engine, n: int) -> Task:
    """n numpy operations traced."""
    from asserts.trace import trace

    return Task(
        lambda: trace(_layers(n), **_specs(n)),
        lambda module: len(module.graph.nodes) >= n,
        lambda module: {
            "nodes": len(module.graph.nodes),
            "checks": len(module.shape_env.checks),
        },
    )


def inserted(engine: Engine, n: int) -> Task:
    """Run-time asserts inserted into that graph."""
    import asserts
    from asserts.trace import trace

    module = trace(_layers(n), **_specs(n))
    return Task(
        lambda: asserts.insert(module, in_place=True),
        lambda result: result.graph_module is module,
        lambda result: {"report": result.report.summary()},
    )


WORKLOADS = [
    Workload(
        "O1",
        "checks in one graph, discharged or inserted",
        sizes=(100, 1000, 5000),
        quick=(50, 100),
        prepare=discharged,
        expected=lambda n: True,
        engines=("ours",),
        timeout=300,
    ),
    Workload(
        "O2",
        "numpy operations traced",
        sizes=(500, 1000, 2000),
        quick=(100, 200),
        prepare=traced,
        expected=lambda n: True,
        engines=("ours",),
        timeout=300,
    ),
    Workload(
        "O2ins",
        "asserts inserted into the traced program",
        sizes=(500, 1000, 2000),
        quick=(100, 200),
        prepare=inserted,
        expected=lambda n: True,
        engines=("ours",),
        timeout=300,
    ),
]
