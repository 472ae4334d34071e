"""O3, O5 and O6: many questions, saving and loading, and the memory of a thousand proofs."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import seeded
from tests.benchmarks.worker import peak_memory
from tests.benchmarks.workload import Task, Workload

FACTS = 1000


def _known() -> tuple[Any, list[Any]]:
    """An environment with 1,000 facts: 250 symbols, their ranges, and relations between
    neighbours in groups of ten."""
    from shapes import ShapeEnv

    env = ShapeEnv()
    symbols = [env.unbacked(f"x{i}") for i in range(FACTS // 4)]
    for i, x in enumerate(symbols):
        env.assume(x >= 0)
        env.assume(x <= 100 + i)
        y = symbols[i - 1] if i % 10 else symbols[i]
        env.assume(y - x <= 5 + i % 7)
        env.assume((x + 2 * y) % 3 <= 2)
    return env, symbols


def _claims(symbols: list[Any], n: int) -> list[Any]:
    """n claims that hold, about two symbols each; every other one needs a relation."""
    rng = seeded("O3", n)
    found = []
    for k in range(n):
        i = rng.randrange(1, len(symbols))
        j = rng.randrange(len(symbols))
        x, y = symbols[i], symbols[j]
        if k % 2 and i % 10:
            claim = 2 * (symbols[i - 1] - x) <= 2 * (5 + i % 7) + rng.randrange(50)
        else:
            claim = x + 3 * y <= 100 + i + 3 * (100 + j) + rng.randrange(50)
        found.append(claim)
    return found


def cold(engine: Engine, n: int) -> Task:
    """n questions against 1,000 facts, each asked for the first time."""
    env, symbols = _known()
    claims = _claims(symbols, n)
    return Task(lambda: [env.prove(c).proved for c in claims], all)


def repeated(engine: Engine, n: int) -> Task:
    """The same questions, asked a second time."""
    env, symbols = _known()
    claims = _claims(symbols, n)
    for claim in claims:
        env.prove(claim)
    return Task(lambda: [env.prove(c).proved for c in claims], all)


def _environment(n: int) -> Any:
    """n symbols with ranges; a check for every second one, an axiom for every fifth."""
    from shapes import ShapeEnv

    env = ShapeEnv()
    symbols = [
        env.size(f"s{i}", hint=8 + i % 50, min=2, max=1000 + i, source=f"x{i}.shape[0]")
        for i in range(n)
    ]
    for i in range(1, n, 2):
        env.check(symbols[i - 1] <= symbols[i] + 1000)
    for i in range(0, n, 5):
        env.assume(symbols[i] + symbols[i - 1] >= 5)
    return env


def saved(engine: Engine, n: int) -> Task:
    """An environment of n symbols as JSON."""
    env = _environment(n)
    return Task(env.to_json, lambda text: len(text) > n, lambda text: {"bytes": len(text)})


def loaded(engine: Engine, n: int) -> Task:
    """The same read back."""
    from shapes import ShapeEnv

    text = _environment(n).to_json()
    return Task(lambda: ShapeEnv.from_json(text), lambda env: env.to_json() == text)


def linear_claims(engine: Engine, n: int) -> Task:
    """n linear claims proved, each from two relations of a chain of twenty: the memory of the
    whole process is what counts."""
    from shapes import ShapeEnv

    env = ShapeEnv()
    x = [env.integer(f"x{i}", min=0) for i in range(n + 2)]
    for i in range(n + 1):
        if i % 20:
            env.assume(x[i] <= x[i + 1] + i % 3)

    def run() -> list[bool]:
        answers = []
        for i in range(n):
            a, b = (x[i], x[i + 2]) if i % 20 and (i + 1) % 20 else (x[i], x[i] + 1)
            answers.append(env.prove(2 * a <= 2 * b + 2 * (i % 3 + (i + 1) % 3)).proved)
        return answers

    return Task(run, all, lambda _: {"whole process, MB": round(peak_memory(), 1)})


def _own(name: str, title: str, prepare: Any, *sizes: int) -> Workload:
    return Workload(
        name,
        title,
        sizes=sizes,
        quick=tuple(size // 10 for size in sizes[:2]),
        prepare=prepare,
        expected=lambda n: True,
        engines=("ours",),
        timeout=300,
    )


WORKLOADS = [
    _own("O3", "questions against 1,000 facts, cold", cold, 2500, 5000, 10_000),
    _own("O3rep", "questions against 1,000 facts, repeated", repeated, 2500, 5000, 10_000),
    _own("O5save", "environment saved, symbols", saved, 1250, 2500, 5000),
    _own("O5load", "environment loaded, symbols", loaded, 1250, 2500, 5000),
    _own("O6", "linear claims proved, peak of the process", linear_claims, 250, 500, 1000),
]
