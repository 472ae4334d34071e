"""How building and asking grow: ``python -m tests.growth`` prints CPU time and exponents.

Not a test: times are noisy. The tests count steps instead.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from itertools import pairwise

from shapes import Facts, make, symbol
from shapes.bounds import bounds
from shapes.expr import Expr, constant
from shapes.prover import prove


def sum_one_by_one(n: int) -> Callable[[], None]:
    """n symbols added one by one, then all but the last subtracted."""
    symbols = [symbol(f"growth_x{i}") for i in range(n)]

    def run() -> None:
        total: Expr = constant(0)
        for x in symbols:
            total = total + x
        for x in symbols[:-1]:
            total = total - x
        assert total is symbols[-1]

    return run


def floor_divisions(n: int) -> Callable[[], None]:
    """A sum of n floor divisions."""
    symbols = [symbol(f"growth_d{i}") for i in range(n)]

    def run() -> None:
        total: Expr = constant(0)
        for x in symbols:
            total = total + x // 2
        total.terms()  # type: ignore[attr-defined]

    return run


def deep(n: int) -> Callable[[], None]:
    """An expression nested n deep: built, shown, bounded and freed."""

    def run() -> None:
        x, y = symbol("growth_x"), symbol("growth_y")
        e: Expr = x
        for i in range(n):
            e = make("Min", e // 2 + i, y) if i % 2 else abs(e - 3)
        str(e)
        bounds(Facts(), e)

    return run


def questions(n: int) -> Callable[[], None]:
    """One small question, that needs linear reasoning, beside n unrelated facts."""
    symbols = [symbol(f"growth_q{i}") for i in range(n + 1)]
    u, b = symbol("growth_u"), symbol("growth_b")
    known = Facts()
    for x in symbols[1:]:
        known = known.given(x <= 10)
    known = known.given(u <= 4 * b, b <= 64)  # type: ignore[arg-type]

    def run() -> None:
        for k in range(50):
            assert prove(known, u - 3 * b <= 64 + k).proved  # type: ignore[arg-type]

    return run


def facts(n: int) -> Callable[[], None]:
    """n unrelated facts, and one small question."""
    symbols = [symbol(f"growth_u{i}") for i in range(n + 1)]

    def run() -> None:
        known = Facts()
        for x in symbols[1:]:
            known = known.given(x <= 10)
        verdict = prove(known, symbols[1] + 1 <= 11)  # type: ignore[arg-type]
        assert verdict.proved

    return run


def chain(n: int) -> Callable[[], None]:
    """n facts ``u[i] <= u[i+1]``, and the two ends compared."""
    symbols = [symbol(f"growth_c{i}") for i in range(n + 1)]

    def run() -> None:
        known = Facts()
        for x, y in pairwise(symbols):
            known = known.given(x <= y)
        assert prove(known, symbols[0] <= symbols[-1]).proved

    return run


def equalities(n: int) -> Callable[[], None]:
    """n equalities ``u[i] == u[i+1]``, and the two ends compared."""
    symbols = [symbol(f"growth_e{i}") for i in range(n + 1)]

    def run() -> None:
        known = Facts()
        for x, y in pairwise(symbols):
            known = known.given(make("Eq", x, y))  # type: ignore[arg-type]
        claim = make("Eq", 4 * symbols[0] + 3, 4 * symbols[-1] + 3)
        assert prove(known, claim).proved  # type: ignore[arg-type]

    return run


WORKLOADS = {
    "add n symbols, subtract n-1": (sum_one_by_one, (2000, 4000, 8000)),
    "sum of n floor divisions": (floor_divisions, (500, 1000, 2000)),
    "nested n deep": (deep, (5000, 10000, 20000)),
    "n unrelated facts": (facts, (300, 1000, 3000)),
    "50 questions, n unrelated facts": (questions, (300, 1000, 3000)),
    "n chained facts": (chain, (300, 1000, 3000)),
    "n chained equalities": (equalities, (300, 1000, 3000)),
}


def main() -> None:
    """Print one line for each workload."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    print(f"{'workload':32}{'sizes':>22}{'CPU ms':>28}{'exponents':>14}")
    for name, (workload, sizes) in WORKLOADS.items():
        times = [min(measured(workload(n)) for _ in range(repeats)) for n in sizes]
        exponents = [
            math.log(b / a) / math.log(n / m)
            for a, b, m, n in zip(times, times[1:], sizes, sizes[1:])
        ]
        shown = " / ".join(f"{1000 * t:.1f}" for t in times)
        grown = ", ".join(f"{e:.2f}" for e in exponents)
        print(f"{name:32}{' / '.join(map(str, sizes)):>22}{shown:>28}{grown:>14}")


def measured(run: Callable[[], None]) -> float:
    """CPU seconds of one run."""
    start = time.process_time()
    run()
    return time.process_time() - start


if __name__ == "__main__":
    main()
