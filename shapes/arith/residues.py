"""Polynomials modulo a small number.

``x*x == y*y + 2`` has no solution modulo 4, so it has none at all; ``n*n + n`` is even. Every
combination of residues is looked at, which decides the question modulo that number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

from shapes.arith.diophantine import residue_under_equations
from shapes.base.budget import spend
from shapes.domains import Congruence
from shapes.expr.nodes import (
    EQ_ZERO,
    PRODUCT,
    SYMBOL,
    BoolExpr,
    IntExpr,
    Product,
    combine,
    side_of,
)
from shapes.facts.bounds import congruence
from shapes.facts.store import Facts

__all__ = ["residue_of_polynomial", "unsolvable_modulo"]

MODULI: Final = (4, 3, 8, 5, 7, 9)
SYMBOLS: Final = 2


def unsolvable_modulo(claim: BoolExpr) -> int | None:
    """A number modulo which an equation between polynomials in one symbol or two has no
    solution; None if there is none among a few small ones, or it is another condition."""
    if claim.op is not EQ_ZERO:
        return None
    e = side_of(claim)
    read = _terms(e)
    if read is None:
        return None
    symbols, terms = read
    for m in MODULI:
        spend(len(terms) * m ** len(symbols))
        points = itertools.product(range(m), repeat=len(symbols))
        if all(_value(terms, e.constant, point, m) for point in points):
            return m
    return None


def residue_of_polynomial(e: IntExpr, m: int, facts: Facts | None = None) -> int | None:
    """What a polynomial in one symbol or two always leaves modulo m: ``n*n + n`` leaves 0
    modulo 2. With facts, where the symbols leave what is known of them, of their sum and of
    their difference: odd n and k make ``n*n + k*k`` leave 2 modulo 8. None if that depends on
    the symbols, or it is another expression."""
    read = _terms(e)
    if read is None:
        return None
    symbols, terms = read
    domains, relations = _residues(facts, symbols, m)
    found: set[int] = set()
    for point in itertools.product(*domains):
        spend(len(terms))
        if any((point[0] + sign * point[1] - r) % d for sign, d, r in relations):
            continue
        found.add(_value(terms, e.constant, point, m))
        if len(found) > 1:
            return None
    return found.pop() if found else None


def _residues(
    facts: Facts | None, symbols: list[IntExpr], m: int
) -> tuple[list[Sequence[int]], list[tuple[int, int, int]]]:
    """What symbols may leave modulo m, and what is known of the sum of two and of their
    difference: its sign, a divisor of m, and a residue."""
    domains: list[Sequence[int]] = [range(m) for _ in symbols]
    relations: list[tuple[int, int, int]] = []
    if facts is None:
        return domains, relations
    for place, sym in enumerate(symbols):
        d, r = congruence(facts, sym)
        d = math.gcd(d, m)
        domains[place] = range(r % d, m, d)
    if len(symbols) == 2:
        for sign in (1, -1):
            both = residue_under_equations(facts, combine(1, symbols[0], sign, symbols[1]))
            d, r = both or Congruence.anything()
            d = math.gcd(d, m)
            if d > 1:
                relations.append((sign, d, r))
    return domains, relations


_Terms = list[tuple[int, list[tuple[int, int]]]]


def _terms(e: IntExpr) -> tuple[list[IntExpr], _Terms] | None:
    """The symbols, and each coefficient with the places and exponents of its factors."""
    places: dict[IntExpr, int] = {}
    terms: _Terms = []
    for atom, c in e.terms().items():
        factors = atom.factors if isinstance(atom, Product) else ((atom, 1),)
        if any(base.op is not SYMBOL for base, _ in factors):
            return None
        powers = [(places.setdefault(base, len(places)), n) for base, n in factors]
        terms.append((c, powers))
        if len(places) > SYMBOLS:
            return None
    if not any(atom.op is PRODUCT for atom in e.terms()):
        return None
    return list(places), terms


def _value(terms: _Terms, total: int, point: tuple[int, ...], m: int) -> int:
    for c, powers in terms:
        for place, exponent in powers:
            c *= pow(point[place], exponent, m)
        total += c
    return total % m
