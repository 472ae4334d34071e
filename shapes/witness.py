"""Search for small values that satisfy conditions: counterexamples and witnesses.

Candidates for every symbol are taken from the ends of its range, from small numbers and
from the constants in the conditions; combinations are tried with small ones first, within
a budget of evaluations. Whatever is returned was evaluated with Python's own numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from shapes.bounds import bounds
from shapes.errors import ShapeproofError, UndefinedError
from shapes.evaluate import evaluate
from shapes.expr import CONSTANT, BoolExpr, Expr, IntExpr, Value
from shapes.facts import Facts
from shapes.infinity import IntInfinity
from shapes.interpret import free_symbols, walk

__all__ = ["Values", "satisfies", "search"]

Values = dict[Expr, Value]

_FLOATS: Final = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1e-300, 1e300, float("inf"), float("nan"))


def satisfies(values: Mapping[Expr, Value], conditions: Iterable[Expr]) -> bool:
    """Whether all conditions are defined and true."""
    try:
        return all(evaluate(condition, values) for condition in conditions)
    except UndefinedError:
        return False


def search(
    facts: Facts,
    conditions: Sequence[BoolExpr],
    hints: Mapping[Expr, Value],
    budget: int,
) -> Values | None:
    """Values for all symbols of the conditions and of the facts connected with them, which
    satisfy everything; None if none were found within `budget` evaluations."""
    connected = [fact.claim for fact in _connected(facts, conditions)]
    symbols = free_symbols(*conditions, *connected)
    wanted = [*conditions, *connected]
    normal, solved = _reduced(facts, wanted, symbols)
    free = [s for s in free_symbols(*normal) if s not in solved]
    candidates = [list(_candidates(facts, s, normal, hints)) for s in free]
    for choice in itertools.islice(_combinations(candidates), budget):
        values: Values = dict(zip(free, choice))
        if not satisfies(values, normal):
            continue
        complete = _completed(facts, values, symbols)
        if complete is not None and satisfies(complete, wanted):
            return complete
    return None


def _connected(facts: Facts, conditions: Sequence[BoolExpr]) -> list[Any]:
    found: dict[Any, None] = {}
    for condition in conditions:
        found.update(dict.fromkeys(facts.connected(condition)))
    return list(found)


def _reduced(
    facts: Facts, wanted: Sequence[Expr], symbols: Sequence[Expr]
) -> tuple[list[Expr], set[Expr]]:
    """The conditions with solved symbols replaced, and those symbols."""
    normal = [facts.normalized(condition)[0] for condition in wanted]
    solved = {s for s in symbols if facts.normalized(s)[0] is not s}
    kept = [c for c in normal if c.op is not CONSTANT or not c.value]
    return kept, solved


def _completed(facts: Facts, values: Values, symbols: Sequence[Expr]) -> Values | None:
    """Values for solved symbols and for those that no condition constrains."""
    complete: Values = dict(values)
    try:
        for sym in symbols:
            definition = facts.normalized(sym)[0]
            for free in free_symbols(definition):
                if free not in complete:
                    complete[free] = next(iter(_candidates(facts, free, (), {})))
        for sym in symbols:
            if sym not in complete:
                complete[sym] = evaluate(facts.normalized(sym)[0], complete)
    except ShapeproofError:
        return None
    return complete


def _candidates(
    facts: Facts, sym: Expr, conditions: Sequence[Expr], hints: Mapping[Expr, Value]
) -> Iterator[Value]:
    if sym.kind == "bool":
        yield from (True, False)
        return
    if sym.kind == "float":
        yield from _FLOATS
        return
    assert isinstance(sym, IntExpr)
    lower, upper = bounds(facts, sym).int_bounds()
    m, r = facts.knowledge(sym).congruence
    seen: set[int] = set()
    for value in _interesting(lower, upper, sym, conditions, hints):
        if m > 1:
            value += (r - value) % m
        if lower <= value <= upper and value not in seen:
            seen.add(value)
            yield value


def _interesting(
    lower: int | IntInfinity,
    upper: int | IntInfinity,
    sym: Expr,
    conditions: Sequence[Expr],
    hints: Mapping[Expr, Value],
) -> Iterator[int]:
    """Small numbers near the range's ends first, then those that the conditions mention."""
    base = 0 if lower <= 0 <= upper else None
    if base is None:
        base = lower if not isinstance(lower, IntInfinity) and lower > 0 else upper  # type: ignore[assignment]
    assert isinstance(base, int)
    step = 1 if base <= upper - 1 else -1
    yield from range(base, base + 4 * step, step)
    hint = hints.get(sym)
    if isinstance(hint, int):
        yield int(hint)
    for end, inwards in ((lower, 1), (upper, -1)):
        if not isinstance(end, IntInfinity):
            yield from (end, end + inwards)
    yield from (-1, -2)
    constants = {abs(c) for condition in conditions for c in _constants(condition)}
    for c in sorted(constants)[:24]:
        yield from (c, c - 1, c + 1, -c, 2 * c)
    yield from (5, 6, 7, 8, 12, 16, 17, -3, -7, 100, 1 << 31, 1 << 63, -(1 << 63))


def _constants(condition: Expr) -> Iterator[int]:
    for node in walk(condition):
        if isinstance(node, IntExpr) and not node.is_constant:
            yield node.constant
            yield from node.terms().values()
        elif node.is_constant and isinstance(node.value, int):
            yield int(node.value)


def _combinations(candidates: Sequence[Sequence[Value]]) -> Iterator[tuple[Value, ...]]:
    """Combinations with early candidates first; many symbols: single changes, then samples
    drawn with a fixed seed."""
    if not all(candidates):
        return
    if len(candidates) <= 3:
        sizes = [len(c) for c in candidates]
        for total in range(sum(sizes) - len(sizes) + 1):
            for places in _splits(total, sizes):
                yield tuple(c[i] for c, i in zip(candidates, places))
        return
    start = tuple(c[0] for c in candidates)
    yield start
    for index, options in enumerate(candidates):
        for value in options[1:]:
            yield (*start[:index], value, *start[index + 1 :])
    import random  # only needed here, and not quick to import

    draw = random.Random(0)
    while True:
        yield tuple(c[min(int(draw.expovariate(0.4)), len(c) - 1)] for c in candidates)


def _splits(total: int, sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Index tuples below `sizes` whose sum is `total`."""
    if not sizes:
        if total == 0:
            yield ()
        return
    for first in range(min(total, sizes[0] - 1) + 1):
        for rest in _splits(total - first, sizes[1:]):
            yield (first, *rest)
