"""Bounds of linear combinations from known relations: greedy linear programming.

With ``u <= 4*b`` and ``b <= 64``, ``u - 3*b`` is ``(u - 4*b) + b``, at most 64. For every
known relation that shares an atom with the expression, the multiple that cancels the atom
is split off, and the rest is bounded by intervals, or once more in this way. It is
cheap, sound, and enough for most sizes; `exact_bounds` settles what it leaves.
"""

from __future__ import annotations

from typing import Final

from shapes.base.budget import ExhaustedError, limited, spend
from shapes.base.infinity import Bound, IntInfinity
from shapes.domains import ValueRanges
from shapes.errors import ContradictionError
from shapes.expr.linear import scale
from shapes.expr.nodes import IntExpr, Sum, combine
from shapes.facts.bounds import bounds, bounds_with_reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons

__all__ = ["End", "least", "most", "reach"]

DEPTH: Final = 3
"""How many relations may be used one after the other."""

STEP: Final = 8
"""Steps of looking at one sum, beside those of its interval."""

REACH_STEPS: Final = 200_000
"""Steps for both ends of one expression; where they do not suffice, its interval is taken."""

RELATIONS: Final = 12
"""How many relations are looked at for one atom."""


class End:
    """One end of a range, with the facts that it rests on."""

    __slots__ = ("reasons", "value")

    def __init__(self, value: Bound, reasons: Reasons) -> None:
        self.value = value
        self.reasons = reasons


def reach(facts: Facts, e: IntExpr) -> ValueRanges:
    """Both ends of an expression in which solved symbols are replaced.

    Raises `ContradictionError` if they leave no value.
    """
    if (
        type(e) is not Sum
        or not facts.has_relations
        or not any(facts.relations_about(atom) for atom in e.terms())
    ):
        return bounds(facts, e)
    try:
        with limited(REACH_STEPS):
            lower, upper = least(facts, e).value, most(facts, e).value
    except ExhaustedError:
        return bounds(facts, e)
    if lower > upper:
        raise ContradictionError(f"the facts leave no value for `{e}`")
    return ValueRanges(lower, upper)


def most(facts: Facts, e: IntExpr, depth: int = DEPTH) -> End:
    """The upper end of an expression in which solved symbols are replaced."""
    spend(STEP)
    best = _by_intervals(facts, e)
    if depth == 0 or type(e) is not Sum:
        return best
    for atom, coefficient in e.terms().items():
        for d in facts.relations_about(atom)[:RELATIONS]:
            times, remainder = divmod(coefficient, d.terms()[atom])
            if remainder or not times:
                continue
            known = facts.knowledge(d)
            end, why = (
                (known.upper, known.why_upper) if times > 0 else (known.lower, known.why_lower)
            )
            rest = combine(1, e, -times, d)
            if isinstance(end, IntInfinity) or len(rest.terms()) > len(e.terms()):
                continue
            left = most(facts, rest, depth - 1)
            if isinstance(left.value, IntInfinity):
                continue
            total = times * end + left.value
            if total < best.value:
                best = End(total, left.reasons | why)
    return best


def least(facts: Facts, e: IntExpr, depth: int = DEPTH) -> End:
    """The lower end of an expression in which solved symbols are replaced."""
    negated = most(facts, scale(-1, e), depth)
    return End(-negated.value, negated.reasons)


def _by_intervals(facts: Facts, e: IntExpr) -> End:
    upper = bounds(facts, e).int_bounds()[1]
    if isinstance(upper, IntInfinity):
        return End(upper, NO_REASONS)
    return End(upper, bounds_with_reasons(facts, e)[1])
