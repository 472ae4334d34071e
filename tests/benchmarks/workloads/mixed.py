"""W3: a straight-line program of mixed operations, each result in normal form."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import MEANING, declared, points, seeded
from tests.benchmarks.workload import Task, Workload

WINDOW = 24
"""Operands are symbols, or among this many of the last results."""
DEEPEST, LARGEST = 6, 24
"""A result that is deeper, or a larger tree, is not built upon: a symbol takes its place.
So is one that has a minimum or maximum in it, where the operation is one: in JAX a single
step on nested ones can take minutes."""
_OPERATIONS = (
    ("+", "any", 30), ("-", "any", 10), ("*", "constant", 15), ("*", "symbol", 5),
    ("//", "constant", 12), ("%", "constant", 12), ("min", "any", 8), ("max", "any", 8),
)  # fmt: skip
"""Operator, its right operand, weight."""
SYMBOLS = declared(8, lambda i: 40 + 13 * i)
Step = tuple[str, bool, int, int]
"""Operator, whether the right operand is a constant, left place, right place or constant."""


class _Tree(NamedTuple):
    """What the generator knows of the tree at a place."""

    depth: int
    size: int
    chooses: bool


def program(n: int) -> list[Step]:
    """n steps; place i below 8 is a symbol, place 8 + k the result of step k."""
    rng = seeded("W3", n)
    trees = [_Tree(0, 1, False)] * len(SYMBOLS)
    steps: list[Step] = []
    for _ in range(n):
        op, kind, _ = rng.choices(_OPERATIONS, [o[2] for o in _OPERATIONS])[0]
        chooses = op in ("min", "max")
        left = _operand(rng, trees, chooses)
        if kind == "constant":
            right = rng.randrange(2, 10)
            beside = _Tree(0, 0, False)
        else:
            right = rng.randrange(8) if kind == "symbol" else _operand(rng, trees, chooses)
            beside = trees[right]
        steps.append((op, kind == "constant", left, right))
        depth, size, chose = trees[left]
        trees.append(
            _Tree(
                max(depth, beside.depth) + 1,
                size + beside.size + 1,
                chooses or chose or beside.chooses,
            )
        )
    return steps


def _operand(rng: random.Random, trees: list[_Tree], chooses: bool) -> int:
    results = min(WINDOW, len(trees) - len(SYMBOLS))
    drawn = rng.randrange(len(SYMBOLS) + results)
    if drawn < len(SYMBOLS):
        return drawn
    place = len(trees) - (drawn - len(SYMBOLS)) - 1
    tree = trees[place]
    if tree.depth >= DEEPEST or tree.size >= LARGEST or (chooses and tree.chooses):
        return rng.randrange(len(SYMBOLS))
    return place


def mixed(engine: Engine, n: int) -> Task:
    """The program in an engine."""
    steps = program(n)
    symbols = engine.symbols(SYMBOLS)
    operators, canonical, lazy = engine.operators, engine.canonical, engine.lazy

    def run() -> list[Any]:
        places = list(symbols)
        for op, constant, left, right in steps:
            made = operators[op](places[left], right if constant else places[right])
            places.append(canonical(made) if lazy else made)
        return places

    there = points(SYMBOLS, seeded("W3 points", n))
    chosen = _sampled(n)

    def answer(places: list[Any]) -> list[list[int]]:
        return [[engine.evaluate(places[i], point) for i in chosen] for point in there]

    return Task(run, answer, lambda places: {"distinct results": engine.distinct(places)})


def _sampled(n: int) -> list[int]:
    return list(range(len(SYMBOLS), len(SYMBOLS) + n, max(1, n // 300)))


def _expected(n: int) -> list[list[int]]:
    found = []
    for point in points(SYMBOLS, seeded("W3 points", n)):
        places = [point[s.name] for s in SYMBOLS]
        for op, constant, left, right in program(n):
            places.append(MEANING[op](places[left], right if constant else places[right]))
        found.append([places[i] for i in _sampled(n)])
    return found


WORKLOADS = [
    Workload(
        "W3",
        "mixed operations, each canonical",
        sizes=(1000, 3000, 10_000),
        quick=(300, 1000),
        prepare=mixed,
        expected=_expected,
        aims={"torch": 60, "jax": 20, "tvm": 1.3},
    )
]
