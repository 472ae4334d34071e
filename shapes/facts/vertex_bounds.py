"""Bounds of sums of products over a box: the vertices of multilinear forms.

A form that is linear in each of its variables while the others are fixed, as ``a + b - a*b``,
takes its extremes at vertices of a box (Rikun, J. Global Optimization 1997). Its variables are
the factors of its products, symbols or other atoms, each within its own range. Where a range
is open on one side, the form is written about its other end, in variables that are not
negative: what has no negative coefficient then is least at that end.

A sum whose terms have a factor in common, as ``36*b*(d//12) - 3*b*d``, is that factor times
a sum in which remainders may show: ``b * -(3*(d % 12))``.

Guarantees: exact where the variables take their values independently of each other; sound in
any case. Limits: a few variables, none with an exponent.
"""

from __future__ import annotations

import itertools
from typing import Final, TypeAlias

from shapes.base.budget import spend
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains import int_ranges
from shapes.expr.nodes import IntExpr, Product, Sum, combine, constant
from shapes.expr.quotients import monomial_quotient
from shapes.facts.bounds import bounds, bounds_with_reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons

__all__ = ["factored_bounds", "vertex_bounds", "why_factored_bounds", "why_vertex_bounds"]

VARIABLES: Final = 7
"""More have too many vertices."""

Form: TypeAlias = dict[tuple[int, ...], int]
"""Coefficients by the places of the variables that are multiplied, in order."""


def vertex_bounds(facts: Facts, e: IntExpr) -> tuple[Bound, Bound]:
    """The ends of a sum of products of atoms; infinite where nothing is known."""
    read = _form(e)
    if read is None:
        return -int_oo, int_oo
    variables, form = read
    ranges = [bounds(facts, x).int_bounds() for x in variables]
    spend(len(form) << len(variables))
    if not any(isinstance(end, IntInfinity) for ends in ranges for end in ends):
        values = [_value(form, vertex) for vertex in itertools.product(*ranges)]
        return min(values), max(values)
    about = _about_ends(form, ranges)
    if about is None:
        return -int_oo, int_oo
    widths, shifted = about
    negated = {key: -c for key, c in shifted.items()}
    return _least(shifted, widths), -_least(negated, widths)


def why_vertex_bounds(facts: Facts, e: IntExpr) -> Reasons:
    """The facts that the ends rest on: those behind the ranges of the variables."""
    read = _form(e)
    found = () if read is None else read[0]
    return NO_REASONS.union(*(bounds_with_reasons(facts, x)[1] for x in found))


def factored_bounds(facts: Facts, e: IntExpr) -> tuple[Bound, Bound]:
    """The ends of a sum as a factor that its terms have in common, times what is left, and a
    constant; infinite where there is no such factor."""
    read = _factored(e)
    if read is None:
        return -int_oo, int_oo
    factor, rest = read
    found = int_ranges.mul(bounds(facts, factor), bounds(facts, rest))
    return int_ranges.linear(e.constant, (1,), (found,)).int_bounds()


def why_factored_bounds(facts: Facts, e: IntExpr) -> Reasons:
    """The facts that these ends rest on."""
    found = _factored(e) or ()
    return NO_REASONS.union(*(bounds_with_reasons(facts, x)[1] for x in found))


def _factored(e: IntExpr) -> tuple[IntExpr, IntExpr] | None:
    """A factor of all terms of a sum, and the sum of what is left of them."""
    if type(e) is not Sum:
        return None
    terms = list(e.terms().items())
    spend(len(terms))
    if len(terms) < 2 or not any(isinstance(term, Product) for term, _ in terms):
        return None
    split = [dict(t.factors) if isinstance(t, Product) else {t: 1} for t, _ in terms]
    common = [base for base in split[0] if all(base in powers for powers in split)]
    if not common:
        return None
    factor = common[0]
    rest: IntExpr = constant(0)
    for term, c in terms:
        left = monomial_quotient(term, factor)
        assert left is not None
        rest = combine(1, rest, c, left)
    return factor, rest


def _form(e: IntExpr) -> tuple[list[IntExpr], Form] | None:
    """The variables of a sum, and the sum as a form in them; None for what is not one, or has
    no product."""
    if type(e) is not Sum:
        return None
    places: dict[IntExpr, int] = {}
    form: Form = {(): e.constant}
    products = False
    for atom, c in e.terms().items():
        factors = atom.factors if isinstance(atom, Product) else ((atom, 1),)
        if any(exponent > 1 for _, exponent in factors):
            return None
        products = products or len(factors) > 1
        key = tuple(sorted(places.setdefault(base, len(places)) for base, _ in factors))
        if len(places) > VARIABLES:
            return None
        form[key] = form.get(key, 0) + c
    return (list(places), form) if products else None


def _value(form: Form, vertex: tuple[Bound, ...]) -> int:
    total = 0
    for key, c in form.items():
        for place in key:
            end = vertex[place]
            assert isinstance(end, int)
            c *= end
        total += c
    return total


def _about_ends(
    form: Form, ranges: list[tuple[Bound, Bound]]
) -> tuple[list[Bound], Form] | None:
    """The form in variables from 0 to a width: ``x == lower + t``, or ``x == upper - t``. None
    where a variable has no end."""
    origins: list[tuple[int, int]] = []
    widths: list[Bound] = []
    for lower, upper in ranges:
        if not isinstance(lower, IntInfinity):
            origins.append((lower, 1))
            open_above = isinstance(upper, IntInfinity)
            widths.append(int_oo if open_above else upper + -lower)
        elif not isinstance(upper, IntInfinity):
            origins.append((upper, -1))
            widths.append(int_oo)
        else:
            return None
    shifted: Form = {}
    for key, c in form.items():
        for size in range(len(key) + 1):
            for kept in itertools.combinations(key, size):
                factor = c
                for place in key:
                    origin, sign = origins[place]
                    factor *= sign if place in kept else origin
                shifted[kept] = shifted.get(kept, 0) + factor
    return widths, shifted


def _least(form: Form, widths: list[Bound]) -> Bound:
    """A lower end, for variables from 0 to their widths: every term by itself."""
    total = form.get((), 0)
    for key, c in form.items():
        if key and c < 0:
            for place in key:
                width = widths[place]
                if isinstance(width, IntInfinity):
                    return -int_oo
                c *= width
            total += c
    return total
