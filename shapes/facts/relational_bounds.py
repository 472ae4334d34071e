"""Bounds of linear combinations from known relations: greedy linear programming.

With ``u <= 4*b`` and ``b <= 64``, ``u - 3*b`` is ``(u - 4*b) + b``, at most 64. For every
known relation that shares an atom with the expression, the multiple that cancels the atom
is split off, and the rest is bounded by intervals, or once more in this way. It is
cheap, sound, and enough for most sizes; `exact_bounds` settles what it leaves.

`implied_bounds` uses relations that hold without any fact, too: between a quotient and its
dividend, a minimum and its operands. So ``x - 2*(x//4)``, of which the intervals know
nothing for an open range of x, is half of ``(x - 4*(x//4)) + x``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import gcd
from typing import Final, TypeAlias

from shapes.base.budget import ExhaustedError, limited, spend
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains import ValueRanges
from shapes.errors import ContradictionError
from shapes.expr.linear import scale
from shapes.expr.nodes import OPERATORS, Infinity, IntConstant, IntExpr, Sum, combine
from shapes.facts.bounds import bounds, bounds_with_reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons

__all__ = ["End", "implied_bounds", "least", "most", "reach"]

DEPTH: Final = 3
"""How many relations may be used one after the other."""

STEP: Final = 8
"""Steps of looking at one sum, beside those of its interval."""

REACH_STEPS: Final = 200_000
"""Steps for both ends of one expression; where they do not suffice, its interval is taken."""

RELATIONS: Final = 12
"""How many relations are looked at for one atom."""


IMPLIED: Final = 16
"""Relations that atoms of one sum imply; of more, none is used."""

_MINUS_OO: Final = -int_oo
_FLOOR_DIV: Final = OPERATORS["FloorDiv"]
_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]
_ABS: Final = OPERATORS["Abs"]

Implied: TypeAlias = tuple[IntExpr, Bound, Bound]
"""A sum without a constant, and the ends that it has whatever its symbols are."""


class End:
    """One end of a range, and the facts that it rests on, which are collected when they are
    asked for: those behind the upper end of `of` by intervals, or behind another end and a
    relation."""

    __slots__ = ("_facts", "_inner", "_of", "_why", "value")

    def __init__(
        self,
        value: Bound,
        facts: Facts,
        of: IntExpr | None = None,
        inner: End | None = None,
        why: Reasons = NO_REASONS,
    ) -> None:
        self.value = value
        self._facts = facts
        self._of = of
        self._inner = inner
        self._why = why

    @property
    def reasons(self) -> Reasons:
        """The facts."""
        end: End | None = self
        found = NO_REASONS
        while end is not None:
            found = found | end._why
            if end._of is not None:
                found = found | bounds_with_reasons(end._facts, end._of)[1]
            end = end._inner
        return found

    def negated(self) -> End:
        """The end of the opposite expression."""
        return End(-self.value, self._facts, None, self)


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
                best = End(total, facts, None, left, why)
    return best


def least(facts: Facts, e: IntExpr, depth: int = DEPTH) -> End:
    """The lower end of an expression in which solved symbols are replaced."""
    return most(facts, scale(-1, e), depth).negated()


def implied_bounds(facts: Facts, e: IntExpr) -> tuple[End, End]:
    """Both ends of an expression in which solved symbols are replaced, by the relations that
    its atoms imply; no narrower than `reach` where they imply none."""
    implied = _implied_by(e)
    if not implied:
        return End(_MINUS_OO, facts), End(int_oo, facts)
    lower = _most_of(facts, scale(-1, e), implied, DEPTH).negated()
    return lower, _most_of(facts, e, implied, DEPTH)


def _most_of(facts: Facts, e: IntExpr, implied: Sequence[Implied], depth: int) -> End:
    """`most` with relations that hold anyhow: each is used once. Where a coefficient is not a
    multiple of the relation's, a multiple of the expression is bounded."""
    spend(STEP)
    best = _by_intervals(facts, e) if depth else most(facts, e, 1)
    if depth == 0 or type(e) is not Sum:
        return best
    terms = e.terms()
    for place, (d, low, high) in enumerate(implied):
        others = implied[place + 1 :]
        tried = set()
        for atom, c in d.terms().items():
            own = terms.get(atom, 0)
            if not own:
                continue
            common = gcd(own, c)
            # times*e == factor*d + rest, and the atom is not in the rest
            times, factor = abs(c) // common, own * (1 if c > 0 else -1) // common
            end = high if factor > 0 else low
            if (times, factor) in tried or isinstance(end, IntInfinity):
                continue
            tried.add((times, factor))
            rest = combine(times, e, -factor, d)
            if len(rest.terms()) > len(terms):
                continue
            left = _most_of(facts, rest, others, depth - 1)
            if isinstance(left.value, IntInfinity):
                continue
            total = (factor * end + left.value) // times
            if total < best.value:
                best = End(total, facts, None, left)
    return best


def _implied_by(e: IntExpr) -> list[Implied]:
    """The relations between the atoms of a sum that hold by what its quotients, minima,
    maxima and absolute values are."""
    terms = e.terms()
    if len(terms) < 2:
        return []
    own = [(atom, one) for atom in terms for one in _relations_of(atom)]
    shared = Counter(x for atom, (d, _, _) in own for x in d.terms() if x is not atom)
    found: list[Implied] = []
    for atom, (d, low, high) in own:
        # (An atom that is in two of them goes when they are added.)
        if any(x is not atom and (x in terms or shared[x] > 1) for x in d.terms()):
            k = d.constant
            found.append((combine(1, d, 0, d, -k), low - k, high - k))
    return found if len(found) <= IMPLIED else []


def _relations_of(atom: IntExpr) -> Iterator[Implied]:
    if atom.op is _FLOOR_DIV:
        a, k = atom.args
        if type(k) is IntConstant and k.constant > 0 and isinstance(a, IntExpr):
            yield combine(1, a, -k.constant, atom), 0, k.constant - 1  # the remainder
    elif atom.op is _MIN or atom.op is _MAX:
        sign = 1 if atom.op is _MIN else -1
        for arm in atom.args:
            if isinstance(arm, IntExpr) and not isinstance(arm, Infinity):
                yield combine(sign, atom, -sign, arm), _MINUS_OO, 0
    elif atom.op is _ABS:
        (a,) = atom.args
        if isinstance(a, IntExpr):
            yield combine(1, a, -1, atom), _MINUS_OO, 0
            yield combine(-1, a, -1, atom), _MINUS_OO, 0


def _by_intervals(facts: Facts, e: IntExpr) -> End:
    upper = bounds(facts, e).int_bounds()[1]
    return End(upper, facts, None if isinstance(upper, IntInfinity) else e)
