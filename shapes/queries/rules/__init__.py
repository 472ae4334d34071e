"""The rules of simplification, as tables by family.

Every row holds for all integers for which its left side has a value and its side condition
holds; tests check each of them by enumeration and with z3, and its example through the
driver. Rows are only needed for what the normal forms do not already do by themselves (see
`shapes.expr.integers`). The driver is `shapes.queries.simplify`.
"""

from __future__ import annotations

from functools import lru_cache

from shapes.queries.rules.bits import BITS
from shapes.queries.rules.choice import CHOICE
from shapes.queries.rules.conditions import CONDITIONS
from shapes.queries.rules.division import DIVISION
from shapes.queries.rules.minmax import MINMAX
from shapes.queries.rules.mixed_radix import MIXED_RADIX
from shapes.queries.rules.pieces import PIECES
from shapes.queries.rules.powers import POWERS
from shapes.queries.rules.rounding import ROUNDING
from shapes.queries.rules.table import Ask, Example, Function, Rule

__all__ = ["FAMILIES", "Ask", "Example", "Function", "Rule", "by_root"]

FAMILIES: dict[str, tuple[Rule, ...]] = {
    "division": DIVISION,
    "mixed radix": MIXED_RADIX,
    "minmax": MINMAX,
    "pieces": PIECES,
    "choice": CHOICE,
    "bits": BITS,
    "powers": POWERS,
    "conditions": CONDITIONS,
    "rounding": ROUNDING,
}
"""The tables, in the order in which their rows are tried."""


@lru_cache(maxsize=1)
def _index() -> dict[str, tuple[Rule, ...]]:
    found: dict[str, list[Rule]] = {}
    for family in FAMILIES.values():
        for rule in family:
            found.setdefault(rule.root, []).append(rule)
    return {name: tuple(rules) for name, rules in found.items()}


def by_root(name: str) -> tuple[Rule, ...]:
    """The rows for nodes of that operator, in order."""
    return _index().get(name, ())
