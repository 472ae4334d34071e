"""Every value: a method of the prover for claims about few values.

Where each symbol of a claim has few values by its known range and congruence, the claim is
evaluated at all of them; where it fails, a fact about these symbols must exclude the values.
It is the last resort for what no theorem speaks about, such as roundings of quotients.

Guarantees: the facts named are those behind the ranges and those that excluded a failure.
Limits: no floats, at most `MOST` combinations.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from shapes.base.infinity import IntInfinity
from shapes.expr.nodes import BoolExpr, Expr, IntExpr, Value
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons
from shapes.facts.verdict import Proof
from shapes.traversal.evaluate import Undefined
from shapes.traversal.interpret import free_symbols
from shapes.traversal.tape import Tape

__all__ = ["enumerated"]

METHOD: Final = "cases, every value tried"

MOST: Final = 1200
"""Combinations of values that are tried."""


def enumerated(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof by trying all values, if there are few."""
    normal, why = facts.normalized(claim)
    symbols = free_symbols(normal)
    values: list[Sequence[Value]] = []
    size = 1
    for sym in symbols:
        found = _values(facts, sym)
        if found is None:
            return None
        values.append(found[0])
        why = why | found[1]
        size *= len(found[0])
        if size > MOST:
            return None
    conditions = _conditions(facts, symbols)
    tape = Tape(symbols, [normal, *(condition for condition, _ in conditions)])
    used = [False] * len(conditions)
    for point in itertools.product(*values):
        truths = tape.values(point)
        if next(truths) is True:
            continue
        broken = next((i for i, held in enumerate(truths) if _fails(held)), None)
        if broken is None:
            return None
        used[broken] = True
    why = why.union(*(reasons for (_, reasons), u in zip(conditions, used) if u))
    return Proof(METHOD, facts.in_order(why))


def _fails(held: Value | Undefined) -> bool:
    """Whether a condition with that value does not hold: what is too large to be computed is
    not known to fail."""
    return not held.too_large if isinstance(held, Undefined) else not held


def _values(facts: Facts, sym: Expr) -> tuple[Sequence[Value], Reasons] | None:
    """The values that are left to a symbol, and why; None for too many."""
    if sym.kind == "bool":
        return (False, True), NO_REASONS
    if not isinstance(sym, IntExpr):
        return None
    known = facts.knowledge(sym)
    lower, upper = known.lower, known.upper
    if isinstance(lower, IntInfinity) or isinstance(upper, IntInfinity):
        return None
    step = known.congruence.modulus or 1
    if upper - lower > MOST * step:
        return None
    # The ends are rounded to the congruence already.
    why = known.why_lower | known.why_upper
    if step > 1:
        why = why | known.why_congruence
    return range(lower, upper + 1, step), why


def _conditions(facts: Facts, symbols: Sequence[Expr]) -> list[tuple[Expr, Reasons]]:
    """What is stated about these symbols alone."""
    among = set(symbols)
    found = []
    stated = dict.fromkeys(fact for sym in symbols for fact in facts.connected(sym))
    for fact in stated:
        condition, why = facts.normalized(fact.claim)
        if not condition.is_constant and among.issuperset(free_symbols(condition)):
            found.append((condition, why | Reasons((fact,))))
    return found
