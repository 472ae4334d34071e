"""Plain data that all engines share: symbols, terms as nested tuples, and their values.

A term is an integer, the name of a symbol, or ``(operator, a, b)`` with an operator of
`MEANING`. Division and remainder are Python's.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = [
    "MEANING",
    "Declared",
    "Relation",
    "Term",
    "build",
    "declared",
    "points",
    "seeded",
    "value",
]

Term: TypeAlias = "int | str | tuple[Any, ...]"
Relation: TypeAlias = "tuple[str, Term, Term]"
"""A term with one of the operators ``<=``, ``<``, ``>=`` and ``==``."""

MEANING: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "min": min,
    "max": max,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    "==": operator.eq,
}


class Declared(NamedTuple):
    """A symbol: its range (`high` is None where there is none) and its example."""

    name: str
    low: int
    high: int | None
    hint: int


def declared(count: int, high: Callable[[int], int] | None = None) -> list[Declared]:
    """Symbols of at least 2 with examples 5, 6, 7, ...; the i-th is at most `high(i)`."""
    return [
        Declared(f"x{i}", 2, None if high is None else high(i), 5 + i) for i in range(count)
    ]


def seeded(workload: str, size: int) -> random.Random:
    """The generator of a workload: the same numbers for every engine and every run."""
    return random.Random(f"shapeproof {workload} {size}")


def points(symbols: Sequence[Declared], rng: random.Random) -> list[dict[str, int]]:
    """Three assignments of small values within the ranges."""
    return [{s.name: s.low + rng.randrange(9) for s in symbols} for _ in range(3)]


def build(term: Term, symbols: Mapping[str, Any], operators: Mapping[str, Any]) -> Any:
    """The term as an expression of an engine."""
    if isinstance(term, str):
        return symbols[term]
    if isinstance(term, int):
        return term
    name, a, b = term
    return operators[name](build(a, symbols, operators), build(b, symbols, operators))


def value(term: Term, point: Mapping[str, int]) -> int:
    """What the term is at a point, by Python's own arithmetic."""
    found = build(term, point, MEANING)
    assert isinstance(found, int)
    return found
