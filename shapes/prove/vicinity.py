"""Local search around known models, evaluated incrementally, for many connected facts.

An environment keeps values that satisfy what was stated (see `consistency`). Here they are
evaluated once for a set of facts; a question then moves a few of them, and only the facts
about symbols that moved are evaluated again. So a claim about two neighbours in a long chain
costs what its neighbourhood costs.

Guarantees: values that are returned satisfy the condition and all facts that are connected
with it, by evaluation. Limits: a few moves, each of one symbol; None says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shapes.expr.nodes import BoolExpr, Expr, Value
from shapes.facts.cache import Part
from shapes.facts.store import Facts
from shapes.traversal.interpret import free_symbols, symbols_of
from shapes.witness.local_search import moved
from shapes.witness.search import Values, satisfies

__all__ = ["CASCADE", "grounded", "near"]

CASCADE: Final = 16
"""Facts that a cascade of moves may look at, for each value."""

_GROUNDS: Final[Part[Expr, Values]] = Part("grounds", 200_000)
"""Values by the symbols around which they were evaluated; empty where they do not satisfy the
facts."""


def grounded(facts: Facts, claim: BoolExpr, model: Mapping[Expr, Value]) -> Values | None:
    """A model's values for all that is connected with a claim, if they satisfy the facts."""
    merged: Values | None = None
    for sym in symbols_of(claim):
        known = _GROUNDS.of(facts).get(sym)
        if known is None:
            known = _evaluated(facts, sym, model)
        if not known:
            return None
        if merged is None or merged is known:
            merged = known
        elif sym not in merged:
            merged = {**merged, **known}
    return merged


def _evaluated(facts: Facts, sym: Expr, model: Mapping[Expr, Value]) -> Values:
    """The values around a symbol, kept for all symbols there; none if they do not satisfy
    the facts."""
    stated = [fact.claim for fact in facts.connected(sym)]
    symbols = free_symbols(sym, *stated)
    values: Values = {}
    if all(s in model for s in symbols):
        values = {s: model[s] for s in symbols}
        if not satisfies(values, stated):
            values = {}
    _GROUNDS.of(facts).update(dict.fromkeys(symbols, values))
    return values


def near(
    facts: Facts, ground: Values, condition: BoolExpr, steps: int | None = None
) -> Values | None:
    """Values that satisfy a condition too, a few moves away from those that satisfy the
    facts; `steps` limits how many facts are looked at."""
    changed = moved(facts, ground, condition, steps)
    if changed is None:
        return None
    values = {**ground, **changed}
    again = [fact.claim for sym in changed for fact in facts.stated_about(sym)]
    return values if satisfies(values, [condition, *again]) else None
