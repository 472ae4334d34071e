"""Quotients of polynomials over atoms: what a divisor takes out of a numerator.

For one divisor d with integer coefficients and any admissible order of monomials, the division
algorithm ends with remainder 0 if and only if d divides (its leading term divides that of
every multiple), so whether a division is exact depends on no order and no name. What is left
of an inexact one does; therefore every order that puts one of the divisor's symbols first is
tried, and the simplest remainder is taken, if it is simpler than what was there.

Sources: Cox, Little and O'Shea, Ideals, Varieties, and Algorithms, 2.3.
Guarantees: ``a == q*d + r`` for all integers. The work is linear in the terms of a and a
constant budget; where that is used up, nothing is divided. Limits: no greatest common divisor
of two sums is looked for, beyond one being a multiple of the other's primitive part.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from math import gcd
from typing import TYPE_CHECKING, Final

from shapes.base.budget import spend
from shapes.expr.linear import EXPANSION_LIMIT, leading_sign, monomial, scale
from shapes.expr.nodes import (
    IntConstant,
    IntExpr,
    Product,
    Sum,
    by_age,
    combine,
    constant,
    from_terms,
    make_product,
    product_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["divided", "exact_quotient", "monomial_quotient", "without_shared_factor"]

WORK_LIMIT: Final = EXPANSION_LIMIT
"""Terms that one division may subtract, beside a few for each term of the numerator: what
was multiplied out in one step can be divided again."""

LEADING_LIMIT: Final = 6
"""Terms of a divisor that are tried as the leading one."""

Terms = dict[IntExpr, int]
"""Coefficients by monomial; the constant's monomial is `ONE`."""

ONE: Final = constant(1)


def monomial_quotient(x: IntExpr, y: IntExpr) -> IntExpr | None:
    """x / y for two atoms or products (or 1), if y's factors are all in x."""
    if x is y:
        return ONE
    if y is ONE:
        return x
    if not isinstance(x, Product):
        return None
    powers = dict(x.factors)
    for base, exponent in y.factors if isinstance(y, Product) else ((y, 1),):
        left = powers.get(base, 0) - exponent
        if left < 0:
            return None
        powers[base] = left
    return make_product(tuple((b, e) for b, e in powers.items() if e))


def exact_quotient(a: IntExpr, d: IntExpr) -> IntExpr | None:
    """The polynomial q with ``a == q*d``; None if there is none, or it is not found."""
    inner = _factor_taken_out(a, d)
    if inner is not None:
        return inner
    terms, divisor = _terms_of(a), _terms_of(d)
    if not divisor or len(terms) < len(divisor) > 1 == len(terms):
        return None
    found = _remainder(terms, divisor, _leading_terms(divisor)[0])
    return found[0] if found is not None and not found[1] else None


def divided(a: IntExpr, d: IntExpr) -> tuple[IntExpr, IntExpr]:
    """``(q, r)`` with ``a == q*d + r``, for a divisor of several terms: r is 0 if d divides a,
    simpler than a if a quotient makes it so, otherwise a itself (and q is 0)."""
    whole = constant(0)
    if len(a.terms()) + (a.constant != 0) < 2 or not _may_divide(a, d):
        return whole, a
    terms, divisor = _terms_of(a), _terms_of(d)
    leading = [t for t in _leading_terms(divisor) if _divides_one(t, terms)]
    while len(terms) > 1:
        better = _simplest(terms, divisor, leading)
        if better is None:
            break
        q, terms = better
        whole = combine(1, whole, 1, q)
    return whole, a if type(whole) is IntConstant and not whole.constant else _sum_of(terms)


def _may_divide(a: IntExpr, d: IntExpr) -> bool:
    """Whether any atom is in terms of both; a sure no costs little."""
    atoms: set[IntExpr] = set()
    for t in d.terms():
        atoms.update(t.args if type(t) is Product else (t,))
    for t in a.terms():
        if t in atoms or (type(t) is Product and not atoms.isdisjoint(t.args)):
            return True
    return False


def without_shared_factor(a: IntExpr, b: IntExpr) -> tuple[IntExpr, IntExpr]:
    """a and b without a factor of both, where that is the primitive part of one of them."""
    if not _may_divide(a, b):
        return a, b
    outside, primitive = _primitive(b)
    if outside is not ONE:
        found = exact_quotient(a, primitive)
        if found is not None:
            return found, outside
    outside, primitive = _primitive(a)
    if type(primitive) is Sum and len(primitive.terms()) <= len(b.terms()):
        found = exact_quotient(b, primitive)
        if found is not None:
            return outside, found
    return a, b


# --------------------------------------------------------------------------- the algorithm


def _terms_of(e: IntExpr) -> Terms:
    terms = dict(e.terms())
    if e.constant:
        terms[ONE] = e.constant
    return terms


def _sum_of(terms: Mapping[IntExpr, int]) -> IntExpr:
    left = dict(terms)
    k = left.pop(ONE, 0)
    return from_terms(left, k)


def _factors(t: IntExpr) -> tuple[tuple[IntExpr, int], ...]:
    if t is ONE:
        return ()
    return t.factors if isinstance(t, Product) else ((t, 1),)


def _rank(t: IntExpr, order: Sequence[IntExpr]) -> tuple[int, ...]:
    """A monomial's place in the lexicographic order of these symbols: greater comes first."""
    powers = dict(_factors(t))
    return tuple([-powers.get(base, 0) for base in order])


Leading = tuple[IntExpr, list[IntExpr]]
"""A term of a divisor, and an order of its atoms in which it leads."""


def _leading_terms(divisor: Terms) -> list[Leading]:
    """The terms that lead in an order which puts one atom first."""
    atoms = sorted({base for t in divisor for base, _ in _factors(t)}, key=by_age)
    found: dict[IntExpr, list[IntExpr]] = {}
    for first in atoms[:LEADING_LIMIT] or [ONE]:
        order = [first, *[x for x in atoms if x is not first]]
        found.setdefault(min(divisor, key=lambda t: _rank(t, order)), order)
    return list(found.items())


def _divides_one(leading: Leading, terms: Terms) -> bool:
    """Whether a term is in one of these, so that there is something to divide."""
    for base, exponent in _factors(leading[0]):
        for t in terms:
            if any(b is base and e >= exponent for b, e in _factors(t)):
                break
        else:
            return False
    return True


def _remainder(a: Terms, divisor: Terms, leading: Leading) -> tuple[IntExpr, Terms] | None:
    """Quotient and remainder: no term of the remainder has a multiple of the leading term in
    it. None if the work is too much."""
    top, order = leading
    c = divisor[top]
    others = [(t, v) for t, v in divisor.items() if t is not top]
    work = WORK_LIMIT + 4 * len(a)
    spend(len(a))
    left = dict(a)
    pending = [(_rank(t, order), n, t) for n, t in enumerate(a) if _has(t, top)]
    heapify(pending)
    count = len(a)
    whole: Terms = {}
    while pending:
        t = heappop(pending)[2]
        times = left.get(t, 0) // c if c > 0 else -(left.get(t, 0) // -c)
        if not times:
            continue
        work -= len(divisor)
        spend(2 * len(divisor))
        factor = monomial_quotient(t, top)
        if work < 0 or factor is None:
            return None
        whole[factor] = whole.get(factor, 0) + times
        _subtract(left, t, times * c)
        for other, v in others:
            met = _times(factor, other)
            if met not in left and _has(met, top):
                count += 1
                heappush(pending, (_rank(met, order), count, met))
            _subtract(left, met, times * v)
    return _sum_of(whole), left


def _has(t: IntExpr, top: IntExpr) -> bool:
    return monomial_quotient(t, top) is not None


def _times(x: IntExpr, y: IntExpr) -> IntExpr:
    if x is ONE:
        return y
    return x if y is ONE else monomial(x, y)


def _subtract(terms: Terms, t: IntExpr, c: int) -> None:
    left = terms.get(t, 0) - c
    if left:
        terms[t] = left
    else:
        terms.pop(t, None)


# --------------------------------------------------------------------------- what is simpler

Measure = tuple[bool, int, int, int]


def _simplest(
    terms: Terms, divisor: Terms, leading: Sequence[Leading]
) -> tuple[IntExpr, Terms] | None:
    """The quotient and the remainder that is simplest, if it is simpler than the terms."""
    best: tuple[IntExpr, Terms] | None = None
    least: Measure | None = None
    for top in leading:
        found = _remainder(terms, divisor, top)
        if found is None or (type(found[0]) is IntConstant and not found[0].constant):
            continue
        q, rest = found if not found[1] else _turned(*found, divisor, terms)
        if not rest:
            return q, rest
        measure = _measure(rest, terms)
        few = len(q.terms()) <= len(terms)
        if few and _is_simpler(rest, terms) and (least is None or measure < least):
            best, least = (q, rest), measure
    return best


def _is_simpler(rest: Terms, terms: Terms) -> bool:
    """Fewer terms, and no sign that makes a range wider: parts of what was there, or no more
    terms that are subtracted."""
    if len(rest) >= len(terms):
        return False
    return _is_part(rest, terms) or _subtracted(rest) <= _subtracted(terms)


def _measure(rest: Terms, terms: Terms) -> Measure:
    size = sum([abs(c) for c in rest.values()])
    return not _is_part(rest, terms), _subtracted(rest), len(rest), size


def _is_part(rest: Terms, terms: Terms) -> bool:
    return all(terms.get(t) == c for t, c in rest.items())


def _subtracted(terms: Terms) -> int:
    return sum([c < 0 for t, c in terms.items() if t is not ONE])


def _turned(q: IntExpr, rest: Terms, divisor: Terms, terms: Terms) -> tuple[IntExpr, Terms]:
    """The remainder with a multiple of the divisor added once where that is simpler: of
    ``-b`` and ``a`` by ``a + b``, the latter."""
    best, least = (q, rest), _measure(rest, terms)
    for t, c in list(rest.items())[:LEADING_LIMIT]:
        for part, v in list(divisor.items())[:LEADING_LIMIT]:
            if c >= 0 or c % v or t is ONE or part is ONE:
                continue
            factor = monomial_quotient(t, part)
            if factor is None:
                continue
            other = dict(rest)
            for u, w in divisor.items():
                _subtract(other, _times(factor, u), c // v * w)
            measure = _measure(other, terms)
            if measure < least:
                best, least = (combine(1, q, c // v, factor), other), measure
    return best


# --------------------------------------------------------------------------- factors


def _primitive(e: IntExpr) -> tuple[IntExpr, IntExpr]:
    """``(m, p)`` with ``e == m*p``: m has the integer and the atoms that all terms share."""
    terms = e.terms()
    g = gcd(e.constant, *terms.values())
    if leading_sign(terms) < 0:
        g = -g
    shared: dict[IntExpr, int] = {}
    if not e.constant and terms:
        first, *others = terms
        shared = dict(_factors(first))
        for t in others:
            powers = dict(_factors(t))
            shared = {b: min(n, powers[b]) for b, n in shared.items() if b in powers}
    if g in (0, 1) and not shared:
        return ONE, e
    common = product_of(shared) if shared else ONE
    left = {}
    for t, c in terms.items():
        part = monomial_quotient(t, common)
        assert part is not None
        left[part] = c // g
    if e.constant:
        left[ONE] = e.constant // g
    return scale(g, common), _sum_of(left)


def _factor_taken_out(a: IntExpr, d: IntExpr) -> IntExpr | None:
    """The quotient of a product that was not multiplied out by one of its sums."""
    if type(d) is not Sum:
        return None
    terms: Terms = {}
    for t, c in a.terms().items():
        left = monomial_quotient(t, d)
        if left is None:
            return None
        terms[left] = terms.get(left, 0) + c
    return None if a.constant or not terms else _sum_of(terms)
