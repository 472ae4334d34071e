"""Sizes that satisfy a contract, and sizes that break one clause of it and no other.

Most are found at random, boundaries of single symbols first. Where that finds too few, the
engine is asked for sizes that satisfy the rest and break the clause.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from asserts.dialects.onnx.answers.describe import is_met, truths
from shapes.env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.expr import (
    BoolExpr,
    IntExpr,
    conjunction,
    constant,
    equal,
    less_equal,
    negation,
)
from shapes.traversal import defined, free_symbols

__all__ = ["drawn"]

TRIES: Final = 400
"""Random sizes that are tried for one that is wanted."""

SMALL: Final = (16, 256, 1 << 16)
"""Bounds of sizes that the engine is asked for, one after the other; then there is none."""


def drawn(
    env: ShapeEnv,
    symbols: Sequence[IntExpr],
    kept: Sequence[BoolExpr],
    broken: BoolExpr | None,
    count: int,
    seed: int,
) -> list[dict[str, int]]:
    """Up to `count` different sizes for which the kept conditions hold, and the broken one
    does not. `env` has the symbols."""
    results: list[dict[str, int]] = []
    for given in _at_random(symbols, kept, broken, count, seed):
        if _suits(given, kept, broken):
            sizes = {symbol.name: n for symbol, n in given.items()}
            if sizes not in results:
                results.append(sizes)
        if len(results) == count:
            return results
    while len(results) < count:
        found = _asked(env, symbols, kept, broken, results)
        if found is None or not _suits(found, kept, broken):
            break
        results.append({symbol.name: n for symbol, n in found.items()})
    return results


def _suits(
    given: Mapping[Any, int], kept: Sequence[BoolExpr], broken: BoolExpr | None
) -> bool:
    if broken is not None and is_met(broken, given):
        return False
    return all(is_met(one, given) for one in kept)


# ------------------------------------------------------------------------ at random


def _at_random(
    symbols: Sequence[IntExpr],
    kept: Sequence[BoolExpr],
    broken: BoolExpr | None,
    count: int,
    seed: int,
) -> Iterator[dict[IntExpr, int]]:
    rng = random.Random(seed)
    pools = {symbol: _pool(symbol, kept, broken) for symbol in symbols}
    for attempt in range(TRIES * count):
        given = {s: _pick(pool, rng, attempt) for s, pool in pools.items()}
        if attempt % 2:
            _level(given, rng)
        yield given


def _pool(symbol: IntExpr, kept: Sequence[BoolExpr], broken: BoolExpr | None) -> list[int]:
    """Sizes of one symbol that the conditions on it alone allow, boundaries first."""
    conditions = [one for one in kept if free_symbols(one) == [symbol]]
    allowed = truths(symbol, conditions, 256)
    good = [n for n, one in enumerate(allowed) if one] or [1]
    if broken is not None and free_symbols(broken) == [symbol]:
        bad = [n for n in good if not is_met(broken, {symbol: n})]
        return bad or good
    edges = [
        n
        for n in good
        if n and not (allowed[n - 1] and n + 1 < len(allowed) and allowed[n + 1])
    ]
    return [*edges[:8], *good[:8], *good]


def _pick(pool: Sequence[int], rng: random.Random, attempt: int) -> int:
    if attempt < 2 * len(pool) and attempt < 40:
        return pool[(attempt // 2) % len(pool)]
    return rng.choice(pool[: rng.choice((24, len(pool)))])  # (small ones more often)


def _level(given: dict[IntExpr, int], rng: random.Random) -> None:
    """Give several symbols one value: equalities are often what is required."""
    names = list(given)
    if len(names) > 1:
        chosen = rng.sample(names, rng.randint(2, len(names)))
        for name in chosen[1:]:
            given[name] = given[chosen[0]]


# ------------------------------------------------------------------------ by the engine


def _asked(
    env: ShapeEnv,
    symbols: Sequence[IntExpr],
    kept: Sequence[BoolExpr],
    broken: BoolExpr | None,
    known: Sequence[Mapping[str, int]],
) -> dict[IntExpr, int] | None:
    """Sizes that the engine finds, as small as it is easy; other ones than those that are
    known."""
    wanted = conjunction(*(conjunction(defined(one), one) for one in kept))
    if broken is None:
        claim, given = negation(wanted), []
    else:
        claim, given = conjunction(defined(broken), broken), [wanted]
    given += [
        negation(conjunction(*(equal(s, constant(sizes[s.name])) for s in symbols)))
        for sizes in known
    ]
    for most in (*SMALL, None):
        ends = [] if most is None else [less_equal(s, constant(most)) for s in symbols]
        with suppress(ShapeproofError):
            found = env.prove(claim, given=[*given, *ends]).counterexample
            if found is not None:
                return {s: _integer(found.get(s.name)) for s in symbols}
    return None


def _integer(found: object) -> int:
    """A size that the engine names; 1 for one that does not matter."""
    return found if isinstance(found, int) else 1
