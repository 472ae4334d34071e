"""W1 and W2: sums, one term at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import Declared, declared, points, seeded
from tests.benchmarks.workload import EVERYWHERE, Task, Workload

STEPWISE = (*EVERYWHERE, "tvm-each")


def _added(engine: Engine, terms: Callable[[], Any]) -> Callable[[], Any]:
    """The sum of what `terms` yields, in normal form after every addition (for a lazy engine
    once, at the end)."""
    canonical = engine.canonical

    def eager() -> Any:
        y: Any = 0
        for term in terms():
            y = y + term
        return y

    def stepwise() -> Any:
        y: Any = 0
        for term in terms():
            y = canonical(y + term)
        return y

    def lazy() -> Any:
        return canonical(eager())

    return stepwise if engine.stepwise else lazy if engine.lazy else eager


def _values(engine: Engine, name: str, symbols: list[Declared]) -> Callable[[Any], Any]:
    there = points(symbols, seeded(name, len(symbols)))
    return lambda e: [engine.evaluate(e, point) for point in there]


def one_by_one(engine: Engine, n: int) -> Task:
    """``y = y + x`` over n symbols."""
    symbols = declared(n)
    xs = engine.symbols(symbols)
    return Task(_added(engine, lambda: xs), _values(engine, "W1", symbols))


def _sum_expected(n: int) -> list[int]:
    symbols = declared(n)
    return [sum(point.values()) for point in points(symbols, seeded("W1", n))]


def there_and_back(engine: Engine, n: int) -> Task:
    """The sum of n symbols, and all but the last subtracted again: the last is left."""
    xs = engine.symbols(declared(n))
    canonical = engine.canonical

    def eager() -> Any:
        y: Any = 0
        for x in xs:
            y = y + x
        for x in xs[:-1]:
            y = y - x
        return y

    def stepwise() -> Any:
        y: Any = 0
        for x in xs:
            y = canonical(y + x)
        for x in xs[:-1]:
            y = canonical(y - x)
        return y

    def lazy() -> Any:
        return canonical(eager())

    run = stepwise if engine.stepwise else lazy if engine.lazy else eager
    return Task(run, lambda y: engine.same(y, xs[-1]))


def at_once(engine: Engine, n: int) -> Task:
    """The same sum by the engine's function for sums."""
    symbols = declared(n)
    xs = engine.symbols(symbols)
    return Task(lambda: engine.total(xs), _values(engine, "W1", symbols))


def halves(engine: Engine, n: int) -> Task:
    """``y = y + x // 2`` over n symbols."""
    symbols = declared(n)
    xs = engine.symbols(symbols)
    divided = engine.operators["//"]
    run = _added(engine, lambda: (divided(x, 2) for x in xs))
    return Task(run, _values(engine, "W2a", symbols))


def _halves_expected(n: int) -> list[int]:
    there = points(declared(n), seeded("W2a", n))
    return [sum(x // 2 for x in point.values()) for point in there]


def thirds(engine: Engine, n: int) -> Task:
    """``y = y + (x + i) // 3`` for i below n, with one symbol."""
    symbols = declared(1)
    (x,) = engine.symbols(symbols)
    divided = engine.operators["//"]
    run = _added(engine, lambda: (divided(x + i, 3) for i in range(n)))
    return Task(run, _values(engine, "W2b", symbols))


def _thirds_expected(n: int) -> list[int]:
    there = points(declared(1), seeded("W2b", 1))
    return [sum((point["x0"] + i) // 3 for i in range(n)) for point in there]


_SIZES = {"sizes": (500, 1000, 2000), "quick": (200, 400)}
_DIVISIONS = {"sizes": (250, 500, 1000), "quick": (100, 200)}

WORKLOADS = [
    Workload(
        "W1",
        "sum of symbols, one by one",
        prepare=one_by_one,
        expected=_sum_expected,
        engines=STEPWISE,
        aims={"torch": 20, "jax": 300, "tvm": 10},
        **_SIZES,  # type: ignore[arg-type]
    ),
    Workload(
        "W1sub",
        "sum of symbols, and back again",
        prepare=there_and_back,
        expected=lambda n: True,
        engines=STEPWISE,
        aims={"torch": 1000, "jax": 500, "tvm": 1},
        **_SIZES,  # type: ignore[arg-type]
    ),
    Workload(
        "W1sum",
        "sum of symbols by the function for sums",
        prepare=at_once,
        expected=_sum_expected,
        engines=("ours", "ours-expr", "torch"),
        **_SIZES,  # type: ignore[arg-type]
    ),
    Workload(
        "W2a",
        "sum of floor divisions, distinct symbols",
        prepare=halves,
        expected=_halves_expected,
        engines=STEPWISE,
        aims={"torch": 200, "jax": 40, "tvm": 4},
        **_DIVISIONS,  # type: ignore[arg-type]
    ),
    Workload(
        "W2b",
        "sum of floor divisions, one symbol",
        prepare=thirds,
        expected=_thirds_expected,
        engines=STEPWISE,
        aims={"torch": 200, "jax": 40, "tvm": 4},
        **_DIVISIONS,  # type: ignore[arg-type]
    ),
]
