"""Premises that interval analysis shows, and the facts that they rest on.

The methods of linear arithmetic and case splits take a premise from the ranges of its terms
first. `in_range` answers by the cheapest of several ways; a proof that uses the premise asks
`reasons_of_range` for its facts, which come from a way that shows it. Ranges that are kept
and ranges that are computed may differ while the negation of a claim is assumed: then the
facts of one need not show what the other does.
"""

from __future__ import annotations

from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.errors import ContradictionError
from shapes.expr.linear import direction
from shapes.expr.nodes import FALSE, LE_ZERO, TRUE, BoolExpr, IntExpr, side_of
from shapes.facts.bounds import (
    bounds,
    bounds_with_reasons,
    congruence_with_reasons,
    why_by_ends,
)
from shapes.facts.justification import NO_REASONS
from shapes.facts.knowledge import NOTHING
from shapes.facts.store import Facts, Reasons

__all__ = ["decided", "ends_of", "in_range", "reasons_of_range"]


def ends_of(facts: Facts, e: IntExpr) -> tuple[Bound, Bound]:
    """The range of an expression; everything, where interval analysis finds that the facts
    leave no value: rows can tell from which facts that follows, intervals cannot."""
    if e.is_symbol:
        return facts.range_of(e)
    try:
        return bounds(facts, e).int_bounds()
    except ContradictionError:
        return -int_oo, int_oo


def decided(facts: Facts, p: BoolExpr) -> bool | None:
    """The truth of a condition as far as interval analysis shows it."""
    try:
        value = bounds(facts, p)
    except ContradictionError:
        return None
    return bool(value.lower) if value.is_singleton else None


def in_range(facts: Facts, claim: BoolExpr) -> bool:
    """Whether interval analysis proves a condition."""
    if claim.op is LE_ZERO:
        e = side_of(claim)
        if len(e.terms()) == 1:
            ((x, c),) = e.terms().items()  # cheaper, because the atom's range is remembered
            return _at_most_zero(c, ends_of(facts, x), e.constant)
        kept = facts.has_relations and facts.range_of(e)[1] <= 0
        return kept or ends_of(facts, e)[1] <= 0
    normal, _ = facts.normalized(claim)
    if normal is TRUE or facts.holds(normal) is not None:
        return True
    return normal is not FALSE and decided(facts, normal) is True


def _at_most_zero(c: int, ends: tuple[Bound, Bound], k: int) -> bool:
    """Whether ``c * x + k <= 0`` for every ``x`` between the ends, of which one suffices."""
    end = ends[1 if c > 0 else 0]
    return not isinstance(end, IntInfinity) and c * end + k <= 0


def reasons_of_range(facts: Facts, claim: BoolExpr) -> Reasons:
    """The facts from which interval analysis proves a condition that it does prove, in each of
    the ways of `in_range`: the range that is computed of a sum may show less than the one
    that is kept of it, or of its only term."""
    normal, why = facts.normalized(claim)
    stated = facts.holds(normal)
    if normal is TRUE or stated is not None:
        return why | (stated or NO_REASONS)
    try:
        return why | _reasons_of_truth(facts, normal, claim)
    except ContradictionError as error:
        return why | Reasons(error.culprits)  # from which everything follows


def _reasons_of_truth(facts: Facts, normal: BoolExpr, claim: BoolExpr) -> Reasons:
    if normal.op is LE_ZERO:  # one end of each term matters
        side = side_of(normal)
        by_ends = why_by_ends(facts, side, 0)
        if by_ends is not None:
            return by_ends
    value, used = bounds_with_reasons(facts, normal)
    if normal.op is not LE_ZERO or (value.is_singleton and value.lower):
        return used
    e = side_of(claim)
    return _reasons_of_end(facts, e)


def _reasons_of_end(facts: Facts, e: IntExpr) -> Reasons:
    """The reasons why a sum is at most 0: of what is kept, or of what its terms say."""
    if facts.range_of(e)[1] <= 0:
        f, d = direction(e)
        known = facts.known(d) or NOTHING
        return known.why_upper if f > 0 else known.why_lower
    terms = e.terms()
    if len(terms) == 1:
        ((x, c),) = terms.items()
        value, used = bounds_with_reasons(facts, x)
        if _at_most_zero(c, value.int_bounds(), e.constant):
            return used
    _, used = bounds_with_reasons(facts, e)
    _, residues = congruence_with_reasons(facts, e)
    return used | residues
