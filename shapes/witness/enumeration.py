"""Exhaustive enumeration of finite domains: a tactic for claims about few values.

Where each symbol of a claim has few values by its known range and congruence, the claim is
evaluated at all of them; where it fails, a fact about these symbols must exclude the values.
It is the last resort for what no lemma speaks about, such as roundings of quotients.

Remainders of polynomials by constants depend on the residues of their symbols alone, so these
are tried, whatever the ranges are.

Guarantees: the facts named are those behind the ranges and those that excluded a failure.
Limits: no floats, at most `MOST` combinations.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import gcd, lcm
from typing import Final

from shapes.base.infinity import IntInfinity
from shapes.expr.nodes import (
    OPERATORS,
    RELATIONS,
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    IntSymbol,
    Product,
    Sum,
    Value,
)
from shapes.expr.remainders import parts
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons
from shapes.facts.verdict import Proof
from shapes.traversal.evaluate import Undefined
from shapes.traversal.interpret import free_symbols
from shapes.traversal.tape import Tape

__all__ = ["enumerated", "values_left"]

METHOD: Final = "cases, every value tried"
RESIDUES: Final = "cases, every residue tried"


MOST: Final = 1200
"""Combinations of values that are tried."""


def enumerated(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof by trying all values, if there are few."""
    normal, why = facts.normalized(claim)
    if normal.op in RELATIONS:
        proof = _by_residues(facts, normal, why)
        if proof is not None:
            return proof
    symbols = free_symbols(normal)
    values: list[Sequence[Value]] = []
    size = 1
    for sym in symbols:
        found = values_left(facts, sym)
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


def _by_residues(facts: Facts, relation: Expr, why: Reasons) -> Proof | None:
    """A proof of a relation that speaks of nothing but remainders of polynomials by constants:
    its truth depends on the residues of the symbols alone, which are tried."""
    modulus = _modulus(relation.args[0])
    symbols = free_symbols(relation)
    if modulus is None or not symbols:
        return None
    values: list[Sequence[int]] = []
    size = 1
    for sym in symbols:
        assert isinstance(sym, IntExpr)
        known = facts.knowledge(sym)
        m, r = known.congruence
        g = gcd(m, modulus)
        values.append(range(r % g, modulus, g))
        why = why | known.why_congruence
        size *= len(values[-1])
        if size > MOST:
            return None
    tape = Tape(symbols, [relation])
    if all(next(tape.values(point)) is True for point in itertools.product(*values)):
        return Proof(RESIDUES, facts.in_order(why))
    return None


def _modulus(e: Expr) -> int | None:
    """The least common multiple of the divisors, for a sum of remainders of polynomials of
    symbols by constants; None for anything else."""
    if type(e) is not Sum:
        return None
    modulus = 1
    for operand in parts(e)[1]:
        if operand.op is not OPERATORS["Mod"]:
            return None
        a, b = operand.args
        if type(b) is not IntConstant or b.constant < 1 or not isinstance(a, IntExpr):
            return None
        for term in a.terms():
            factors = term.args if isinstance(term, Product) else (term,)
            if not all(type(x) is IntSymbol for x in factors):
                return None
        modulus = lcm(modulus, b.constant)
        if modulus > MOST:
            return None
    return modulus


def _fails(held: Value | Undefined) -> bool:
    """Whether a condition with that value does not hold: what is too large to be computed is
    not known to fail."""
    return not held.too_large if isinstance(held, Undefined) else not held


def values_left(
    facts: Facts, sym: Expr, most: int = MOST
) -> tuple[Sequence[Value], Reasons] | None:
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
    if upper - lower > most * step:
        return None
    # The ends are rounded to the congruence already.
    why = known.why_lower | known.why_upper
    if step > 1:
        why = why | known.why_congruence
    return range(lower, upper + 1, step), why


def _conditions(facts: Facts, symbols: Sequence[Expr]) -> list[tuple[BoolExpr, Reasons]]:
    """What is stated about these symbols alone."""
    among = set(symbols)
    found = []
    stated = dict.fromkeys(fact for sym in symbols for fact in facts.connected(sym))
    for fact in stated:
        condition, why = facts.normalized(fact.claim)
        if not condition.is_constant and among.issuperset(free_symbols(condition)):
            found.append((condition, why | Reasons((fact,))))
    return found
