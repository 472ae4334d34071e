"""Congruences as strong as the prover shows, within the budget of `tight_bounds`.

The congruence of the parts is the outside. The values that an expression is seen to reach
have differences, and every modulus that holds divides all of them: their common divisor is the
only modulus worth asking the prover about, and, where that is left open, its small primes.
What equations say is solved first (`shapes.arith.diophantine`); polynomials are looked at
residue by residue.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from shapes.arith.diophantine import residue_under_equations
from shapes.arith.residues import residue_of_polynomial
from shapes.base.budget import ExhaustedError, limited, remaining
from shapes.domains import Congruence
from shapes.errors import TooLargeError, UnboundSymbolError, UndefinedError
from shapes.expr.booleans import conjuncts
from shapes.expr.integers import modulo
from shapes.expr.linear import eq_zero, multiply, shift
from shapes.expr.nodes import (
    EQ_ZERO,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    Product,
    constant,
    int_operands,
    side_of,
)
from shapes.facts.bounds import congruence
from shapes.facts.cache import Part
from shapes.facts.intervals import CACHE_LIMIT
from shapes.facts.store import Fact, Facts
from shapes.prove.ladder import one_sided
from shapes.queries.sharpening import Sharpened
from shapes.queries.tight_bounds import (
    CONNECTED,
    EFFORT,
    FEW,
    HASTE,
    MANY,
    having,
    tight_bounds,
)
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import free_symbols
from shapes.traversal.substitute import substitute
from shapes.witness.extremes import Extremes

__all__ = ["tight_congruence"]

STEPS: Final = 12_000
"""Steps for the congruence of one expression."""

ASKED: Final = 10
"""Moduli that are asked about."""

PRIMES: Final = (2, 3, 5, 7, 11, 13)

SHARE: Final = 3
"""The part of the steps that are left which one modulus may use, where several are tried."""

POINTS: Final = 300
"""So many combinations of residues are looked at."""

_TIGHT: Final[Part[tuple[Expr, Expr], Congruence]] = Part("tight congruences", CACHE_LIMIT)


def tight_congruence(
    facts: Facts,
    e: IntExpr,
    defined: BoolExpr = TRUE,
) -> Congruence:
    """``(m, r)``: the expression is congruent to r modulo m where it is defined (m == 0: it
    is r).

    Raises `ContradictionError` if the facts are found to leave no value.
    """
    kept = _TIGHT.of(facts)
    found = kept.get((e, defined))
    if found is None:
        found = kept[e, defined] = having(facts, defined, lambda known: _found(known, e))
    return found


def _found(facts: Facts, e: IntExpr) -> Congruence:
    known = congruence(facts, e)
    if known.is_constant:
        return known
    normal = facts.normalized(e)[0]
    if normal.is_symbol and facts.stands_alone(normal):
        return known
    with suppress(ExhaustedError, TooLargeError), limited(STEPS):
        known = _asked(facts, normal, known)
    if remaining() <= 0:
        raise ExhaustedError
    return known


def _asked(facts: Facts, e: IntExpr, known: Congruence) -> Congruence:
    connected = facts.connected(e, CONNECTED + 1)
    if len(connected) > CONNECTED:
        return known
    sought = Extremes(facts, e, [fact.claim for fact in connected])
    number = sought.combinations(MANY)
    if number is not None and number <= FEW and sought.take_all():
        return _of_taken(sought, known)
    sharpened = Sharpened(facts)
    sharpened.decide_choices(connected)
    if sharpened.has_news:
        facts = sharpened.facts
        known = known.meet(congruence(facts, e)) or known
    for part in dict.fromkeys((e, _with_multiples(e, connected))):
        solved = residue_under_equations(facts, part) or congruence(facts, part)
        known = known.meet(solved) or known
    sought.search()
    if sought.least is None:
        return known
    with suppress(ExhaustedError), limited(remaining() if number is None else HASTE):
        known = _refined(facts, e, known, sought.least, sought.common)
    if sought.common == 0 and not known.is_constant:
        found = tight_bounds(facts, e).range  # one value was found: there may be no other
        if found.is_singleton:
            return Congruence.of(0, sought.least)
    if number is None or known.modulus == sought.common or not sought.take_all():
        return known
    return _of_taken(sought, known)


def _with_multiples(e: IntExpr, stated: Sequence[Fact]) -> IntExpr:
    """An expression in which symbols that are stated to be multiples are written as such:
    ``x//y`` as ``4*(x//(4*y))`` where ``x % (4*y) == 0``."""
    replaced: dict[Expr, Expr] = {}
    for claim in itertools.chain.from_iterable(conjuncts(fact.claim) for fact in stated):
        if claim.op is not EQ_ZERO:
            continue
        for term in side_of(claim).terms():
            for quotient, _ in term.factors if isinstance(term, Product) else ((term, 1),):
                if quotient.op is not OPERATORS["FloorDiv"]:
                    continue
                x, d = int_operands(quotient)
                if x.is_symbol and claim is eq_zero(modulo(x, d)):
                    replaced[x] = multiply(d, quotient)
    return substitute(e, replaced) if replaced else e


def _of_taken(sought: Extremes, known: Congruence) -> Congruence:
    """The congruence of all values, which were taken. (Where there is none, the prover reports
    it.)"""
    return known if sought.least is None else Congruence.of(sought.common, sought.least)


def _refined(
    facts: Facts, e: IntExpr, known: Congruence, value: int, common: int
) -> Congruence:
    """The largest modulus that is shown, which divides `common` and that of what is known."""
    for _ in range(ASKED):
        if common == known.modulus:
            return known
        shown, other = False, None
        with suppress(ExhaustedError), limited(remaining() // 2):
            shown, other = _shown(facts, e, common, value)
        if shown:
            return Congruence.of(common, value)
        if other is None:
            return _prime_by_prime(facts, e, known, value, common)
        common = math.gcd(common, other - value)
    return known


def _prime_by_prime(
    facts: Facts, e: IntExpr, known: Congruence, value: int, common: int
) -> Congruence:
    """Where a modulus is left open: what is known, refined by one prime after the other, each
    as often as that is shown."""
    for p in PRIMES:
        while common % (known.modulus * p) == 0:
            m = known.modulus * p
            shown, other = False, None
            with suppress(ExhaustedError), limited(remaining() // SHARE):
                shown, other = _shown(facts, e, m, value)
            if not shown:
                common = common if other is None else math.gcd(common, other - value)
                break
            known = Congruence.of(m, value)
    return known


def _shown(facts: Facts, e: IntExpr, m: int, value: int) -> tuple[bool, int | None]:
    """Whether an expression is shown to leave what a value leaves modulo m (0: to be it); if
    not, another value of it, if one was found."""
    claim = eq_zero(shift(e, -value))
    if m:
        few = m ** len(free_symbols(e)) <= POINTS
        if few and residue_of_polynomial(e, m, facts) == value % m:
            return True, None
        claim = eq_zero(modulo(shift(e, -value), constant(m)))
    verdict = one_sided(facts, claim, EFFORT)
    if verdict is None or verdict.proof is not None:
        return verdict is not None, None
    if verdict.counterexample is not None:
        with suppress(UndefinedError, UnboundSymbolError):
            other = int(evaluated(e, verdict.counterexample))
            return False, None if other == value else other
    return False, None
