"""Ranges and congruences under facts: abstract interpretation in the reduced product of
interval and congruence (Cousot & Cousot 1979; Granger 1989).

At every integer sub-expression the computed interval is met with the interval that the
facts keep for its direction, and its ends are rounded to the congruence of the expression.
"""

from __future__ import annotations

from typing import Any, Final

from shapes.base.budget import ExhaustedError, attempted, limited, remaining
from shapes.base.infinity import Bound, IntInfinity
from shapes.domains import Congruence, CongruenceAnalysis, ValueRanges
from shapes.domains.value_ranges import int_range
from shapes.errors import ContradictionError
from shapes.expr.linear import direction
from shapes.expr.nodes import (
    OPERATORS,
    Expr,
    IntAtom,
    IntConstant,
    IntExpr,
    IntSymbol,
    Sum,
    is_plain,
)
from shapes.facts.cache import Part
from shapes.facts.exactness import at_a_glance
from shapes.facts.intervals import CACHE_LIMIT, DEPTH, Ranges, impossible, interval, met
from shapes.facts.justification import NO_REASONS
from shapes.facts.knowledge import scaled
from shapes.facts.store import Facts, Reasons
from shapes.traversal.interpret import interpret

__all__ = [
    "bounds",
    "bounds_with_reasons",
    "congruence",
    "congruence_with_reasons",
    "why_at_most",
    "why_by_ends",
]

RANGE_STEPS: Final = 200_000
"""Steps for one range; of what takes more nothing is known."""

_BOUNDS: Final[Part[Expr, ValueRanges]] = Part("bounds", CACHE_LIMIT)
_CONGRUENCES: Final[Part[Expr, Any]] = Part("congruences", CACHE_LIMIT)

_FLOOR_DIV: Final = OPERATORS["FloorDiv"]
_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]


class _Congruences(CongruenceAnalysis):
    """Congruences that meet what is known of every direction."""

    def __init__(self, facts: Facts, used: list[Reasons] | None = None) -> None:
        self._facts = facts
        self._used = used

    def refine(self, node: Expr, value: Any) -> Any:
        if not isinstance(node, IntExpr) or not isinstance(value, Congruence):
            return value
        if not isinstance(node, (Sum, IntAtom)):
            return value
        f, d = direction(node)
        known = self._facts.known(d)
        if known is None or known.congruence.modulus == 1:
            return value
        m, r = known.congruence
        met = value.meet(Congruence.of(abs(f) * m, f * r + node.constant))
        if met is None:
            raise impossible(node)
        if self._used is not None and met != value:
            self._used.append(known.why_congruence)
        return met


def bounds(facts: Facts, e: Expr) -> ValueRanges:
    """The range of an expression under the facts (of any kind).

    Raises `ContradictionError` if the facts are found to leave no value.
    """
    kept = facts.cache.get(_BOUNDS)
    found: ValueRanges | None = None if kept is None else kept.get(e)
    if found is None:
        found = at_a_glance(facts, e) if type(e) is Sum else None
        if found is None:
            found = attempted(RANGE_STEPS, _found, facts, e)
        if found is None:
            found = ValueRanges.unknown(e.kind)  # it is too large to be looked at
        if kept is None or len(kept) > CACHE_LIMIT:
            kept = _BOUNDS.of(facts)
        kept[e] = found
    return found


def _found(facts: Facts, e: Expr) -> ValueRanges:
    normal = facts.normalized(e)[0] if facts.has_solved else e
    found = interval(facts, normal)
    if facts.has_residues or not is_plain(normal):
        found = _rounded(facts, normal, found, None)
    return found


def bounds_with_reasons(facts: Facts, e: Expr) -> tuple[ValueRanges, Reasons]:
    """The range, and the facts that it rests on.

    Raises `ContradictionError` if the facts are found to leave no value; its culprits are
    those of which that was found.
    """
    normal, why = facts.normalized(e)
    used = [why]
    try:
        found = interpret(Ranges(facts, used), {}, normal)
        if facts.has_residues or not is_plain(normal):
            found = _rounded(facts, normal, found, used)
    except ContradictionError as error:
        raise ContradictionError(str(error), tuple(NO_REASONS.union(*used))) from None
    return found, NO_REASONS.union(*used)


def _rounded(
    facts: Facts, e: Expr, value: ValueRanges, used: list[Reasons] | None
) -> ValueRanges:
    """The range with its ends moved inwards to the residue of the expression.

    A plain sum needs that only where facts speak of residues: it reaches the ends of its
    terms, so they have its residue already.
    """
    if not isinstance(e, IntExpr) or value.is_singleton:
        return value
    if not facts.has_residues and _leaves_every_residue(e, DEPTH):
        return value
    modulus, residue = _congruence(facts, e, used)
    if modulus == 1:
        return value
    lower, upper = value.int_bounds()
    if modulus == 0:
        return int_range(*met(max(lower, residue), min(upper, residue), e))
    if not isinstance(lower, IntInfinity):
        lower += (residue - lower) % modulus
    if not isinstance(upper, IntInfinity):
        upper -= (upper - residue) % modulus
    return int_range(*met(lower, upper, e))


def _leaves_every_residue(e: Expr, depth: int) -> bool:
    """Whether the modulus of an expression is 1 at a glance, where facts speak of no residues:
    that of a symbol, of a choice with such an operand, of a quotient of such a dividend, or of
    a sum that has one of these once, or once negated. Its coefficient is a multiple of the
    sum's modulus, whether it is read alone or in the dividend of a remainder."""
    if type(e) is Sum:
        for atom, c in e.terms().items():
            if type(atom) is IntSymbol and -2 < c < 2:
                return True
        for atom, c in e.terms().items():
            if -2 < c < 2 and _leaves_every_residue(atom, depth):
                return True
        return False
    if e.op is _MIN or e.op is _MAX:
        return depth > 0 and any(_leaves_every_residue(x, depth - 1) for x in e.args)
    if e.op is _FLOOR_DIV and type(e.args[1]) is IntConstant:
        return depth > 0 and _leaves_every_residue(e.args[0], depth - 1)
    return type(e) is IntSymbol


def congruence(facts: Facts, e: IntExpr) -> Congruence:
    """``(m, r)``: the expression is congruent to r modulo m (m == 0: it is r)."""
    normal = facts.normalized(e)[0]
    if not facts.has_residues and _leaves_every_residue(normal, DEPTH):
        return Congruence.anything()
    try:
        with limited(RANGE_STEPS):
            return _congruence(facts, normal, None)
    except ExhaustedError:
        if remaining() <= 0:
            raise
        return Congruence.anything()


def why_at_most(facts: Facts, e: IntExpr, end: int) -> Reasons:
    """The facts from which ranges show ``e <= end``: those behind the ends of its terms that
    matter, or behind what is known of the whole; all behind its range where that is not so."""
    found = why_by_ends(facts, e, end)
    return bounds_with_reasons(facts, e)[1] if found is None else found


def why_by_ends(facts: Facts, e: IntExpr, end: int) -> Reasons | None:
    """`why_at_most`; None where neither the ends of terms nor what is known of the whole show
    it."""
    f, d = direction(e)
    known = facts.known(d)
    if known is not None:
        whole = scaled(known.upper if f > 0 else known.lower, f, e.constant)
        if whole <= end:
            return known.why_upper if f > 0 else known.why_lower
    total = e.constant - end
    used = NO_REASONS
    for x, c in e.terms().items():
        most = _end(bounds(facts, x).int_bounds(), c)
        if isinstance(most, IntInfinity):
            return None
        total += c * most
        own = facts.knowledge(x)
        if most == (own.upper if c > 0 else own.lower):
            used |= own.why_upper if c > 0 else own.why_lower
            continue
        value, reasons = bounds_with_reasons(facts, x)
        if _end(value.int_bounds(), c) != most:
            return None
        used |= reasons
    return used if total <= 0 else None


def _end(ends: tuple[Bound, Bound], c: int) -> Bound:
    """Where ``c * x`` is greatest."""
    return ends[1 if c > 0 else 0]


def congruence_with_reasons(facts: Facts, e: Expr) -> tuple[Congruence, Reasons]:
    """The congruence, and the facts that it rests on."""
    normal, why = facts.normalized(e)
    used = [why]
    return _congruence(facts, normal, used), NO_REASONS.union(*used)


def _congruence(facts: Facts, e: Expr, used: list[Reasons] | None) -> Congruence:
    kept = _CONGRUENCES.of(facts) if used is None else None
    return interpret(_Congruences(facts, used), {}, e, kept)  # type: ignore[no-any-return]
