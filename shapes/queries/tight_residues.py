"""Congruences as strong as the prover shows, within the budget of `tight_bounds`.

The congruence of the parts is the outside. The values that an expression is seen to reach
have differences, and every modulus that holds divides all of them: their common divisor is the
only modulus worth asking the prover about, and, where that is left open, its divisors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from shapes.base.budget import ExhaustedError, limited, remaining
from shapes.domains import Congruence
from shapes.errors import TooLargeError, UnboundSymbolError, UndefinedError
from shapes.expr.integers import modulo
from shapes.expr.linear import eq_zero, shift
from shapes.expr.nodes import TRUE, BoolExpr, Expr, IntExpr, constant
from shapes.facts.bounds import congruence
from shapes.facts.cache import Part
from shapes.facts.intervals import CACHE_LIMIT
from shapes.facts.store import Facts
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
from shapes.witness.extremes import Extremes

__all__ = ["tight_congruence"]

STEPS: Final = 12_000
"""Steps for the congruence of one expression."""

ASKED: Final = 10
"""Moduli that are asked about."""

SMOOTH: Final = 720_720 * 64
"""Of a modulus that is left open, the part that divides this is asked about."""

PRIMES: Final = (2, 3, 5, 7, 11, 13)

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
        found = kept[e, defined] = _found(having(facts, defined), e)
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


def _of_taken(sought: Extremes, known: Congruence) -> Congruence:
    """The congruence of all values, which were taken. (Where there is none, the prover reports
    it.)"""
    return known if sought.least is None else Congruence.of(sought.common, sought.least)


def _refined(
    facts: Facts, e: IntExpr, known: Congruence, value: int, common: int
) -> Congruence:
    """The largest modulus that is shown, which divides `common` and that of what is known."""
    pending = [common]
    for _ in range(ASKED):
        if not pending or pending[0] == known.modulus:
            break
        common = pending.pop(0)
        claim = eq_zero(shift(e, -value))
        if common:
            claim = eq_zero(modulo(shift(e, -value), constant(common)))
        verdict = one_sided(facts, claim, EFFORT)
        if verdict is not None and verdict.proof is not None:
            return Congruence.of(common, value)
        other = None
        if verdict is not None and verdict.counterexample is not None:
            with suppress(UndefinedError, UnboundSymbolError):
                other = int(evaluated(e, verdict.counterexample))
        if other is not None:
            pending = [math.gcd(m, other - value) for m in (common, *pending)]
        else:
            pending += _smaller(common, known.modulus)
        pending = sorted({m for m in pending if m != known.modulus}, key=_size)
    return known


def _size(modulus: int) -> tuple[bool, int]:
    """Large moduli first; 0, which is a constant, before all."""
    return modulus != 0, -modulus


def _smaller(common: int, least: int) -> Iterator[int]:
    """The largest divisors of a modulus that are multiples of another one."""
    if common == 0:
        return
    if common > SMOOTH:
        yield math.lcm(math.gcd(common, SMOOTH), least)
        return
    for p in PRIMES:
        if common % p == 0 and (common // p) % least == 0:
            yield common // p
