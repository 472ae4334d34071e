"""Bounds propagation over linear relations: the ends of directions.

A relation ``lower <= sum(c_i*x_i) <= upper`` bounds each of its atoms by the ends of the
others (Davis, Artificial Intelligence 1987; in solvers "bound tightening"). What is learned
of a direction meets what is known of it, in the reduced product of interval, congruence and
excluded values, and is kept with its reasons; a direction that moved is put on the worklist,
a few times at most.
"""

from __future__ import annotations

from collections.abc import Collection
from math import gcd
from typing import TYPE_CHECKING, Final

from shapes.base.budget import spend
from shapes.base.infinity import Bound, IntInfinity
from shapes.domains import Congruence
from shapes.expr.linear import direction
from shapes.expr.nodes import (
    OPERATORS,
    SYMBOL,
    Expr,
    IntAtom,
    IntConstant,
    IntExpr,
    IntSymbol,
    Product,
    Sum,
)
from shapes.expr.remainders import parts
from shapes.facts.abstract_value import Reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.knowledge import NOTHING, Knowledge, agreed, replaced, scaled
from shapes.facts.narrowing import NATURAL, TERMS, NoValueError, reach
from shapes.traversal.interpret import free_symbols, symbols_of

if TYPE_CHECKING:
    from shapes.facts.store import Facts

__all__ = ["Directions"]

MOVES: Final = 12
"""How often one statement may move the ends of one direction, and tell others."""

FAR: Final = pow(2, 1 << 12)  # (mypyc would write out a folded constant)
"""An end beyond this (and beyond minus this) is not derived, only stated: products that bound
each other double its digits at every move, and no proof needs it."""

EXCLUDED_LIMIT: Final = 32
"""Excluded values that are remembered for one direction."""

_NONE: Final = NO_REASONS


class Directions:
    """New facts in the making: what is known of directions, and those that moved."""

    def __init__(self, facts: Facts, steps: int) -> None:
        self._new = facts.copied()
        self._steps = steps
        self._improved: list[IntExpr] = []
        self._moves: dict[IntExpr, int] = {}
        self._derives = False

    def _at_most(self, d: IntExpr, end: int, why: Reasons, further: Reasons = _NONE) -> None:
        """Narrow the interval of a direction from above; the reasons are two, so that they
        are joined only where something is learned."""
        if self._derives and not -FAR < end < FAR:
            return
        old = self._new._known.get(d)
        if old is None:
            self._keep(d, Knowledge(upper=end, why_upper=why | further))
        elif end < old.upper:
            self._keep(d, replaced(old, old.lower, end, old.why_lower, why | further))

    def _at_least(self, d: IntExpr, end: int, why: Reasons, further: Reasons = _NONE) -> None:
        """The same from below."""
        if self._derives and not -FAR < end < FAR:
            return
        old = self._new._known.get(d)
        if old is None:
            self._keep(d, Knowledge(lower=end, why_lower=why | further))
        elif end > old.lower:
            self._keep(d, replaced(old, end, old.upper, why | further, old.why_upper))

    def _fix(self, d: IntExpr, end: int, why: Reasons) -> None:
        """Both ends at once."""
        old = self._new.knowledge(d)
        above, below = end > old.lower, end < old.upper
        if not above and not below:
            return
        lower, why_lower = (end, why) if above else (old.lower, old.why_lower)
        upper, why_upper = (end, why) if below else (old.upper, old.why_upper)
        self._keep(d, replaced(old, lower, upper, why_lower, why_upper))

    def _congruent(self, d: IntExpr, congruence: Congruence, why: Reasons) -> None:
        old = self._new.knowledge(d)
        met = old.congruence.meet(congruence)
        if met is None:
            raise NoValueError(old.why_congruence | why)
        if met != old.congruence:
            reasons = old.why_congruence | why
            self._new.has_residues = True
            self._keep(d, old.within_ends(met, reasons, old.excluded))

    def _keep(self, d: IntExpr, known: Knowledge) -> None:
        if known.excluded or known.congruence.modulus != 1:
            known = agreed(known)
        lower, upper = known.lower, known.upper
        if isinstance(lower, int) and isinstance(upper, int) and lower > upper:
            raise NoValueError(known.why_lower | known.why_upper)
        self._new._known = self._new._known.assoc(d, known)
        if type(d) is Sum:
            self._new.has_relations = True
        elif type(d) is not IntSymbol:
            self._new.has_operators = True
        moves = self._moves[d] = self._moves.get(d, 0) + 1
        if moves <= MOVES:
            self._improved.append(d)

    def _exclude(self, d: IntExpr, value: int, why: Reasons) -> None:
        """``d != value``: an end that is excluded moves by one, now or later."""
        known = self._new.knowledge(d)
        inside = known.lower <= value <= known.upper and known.congruence.admits(value)
        if not inside or any(value == other for other, _ in known.excluded):
            return
        excluded = (*known.excluded[: EXCLUDED_LIMIT - 1], (value, why))
        self._keep(
            d, known.within_ends(known.congruence, known.why_congruence, excluded)
        )

    def _remainder(self, e: IntExpr, why: Reasons) -> None:
        """``a % m == r`` says that a is congruent to r."""
        if type(e) is not Sum:
            return
        k, operands, coefficients = parts(e)
        if len(operands) != 1 or coefficients[0] not in (1, -1):
            return
        remainder = operands[0]
        if remainder.op is not OPERATORS["Mod"] or isinstance(remainder, IntAtom):
            return
        a, m = remainder.args
        if type(m) is not IntConstant or not isinstance(a, IntExpr):
            return
        modulus = abs(m.constant)
        f, d = direction(a)
        residue = (-k * coefficients[0] - a.constant) % modulus
        solution = _divided(f, residue, modulus)
        if solution is None:
            raise NoValueError(why)
        self._congruent(d, solution, why)

    def _index_direction(self, d: IntExpr) -> None:
        if type(d) is Sum or not d.is_symbol:
            self._index(d, d)

    def _index(self, e: Expr, item: Expr) -> None:
        """Find an item again by the symbols in it, and a relation by its atoms."""
        keys: Collection[Expr] = tuple(e.terms()) if isinstance(e, IntExpr) else ()
        for key in keys:
            if key.op is not SYMBOL:
                keys = dict.fromkeys([*free_symbols(e), *keys])
                break
        else:
            keys = keys or symbols_of(e)
        self._new._about = self._new._about.adding(keys, item)

    # ------------------------------------------------------------------ relations

    def _narrow_atoms(self, d: IntExpr) -> None:
        """From ``lower <= sum(c_i*x_i) <= upper``, each ``c_i*x_i`` lies between what is left
        when the other terms are at their extremes."""
        self._steps -= 1
        known = self._new.knowledge(d)
        spend(len(d.terms()))
        if len(d.terms()) == 2:
            self._narrow_two(d, known)
            return
        if len(d.terms()) > TERMS:
            return
        ends = []
        for t, c in d.terms().items():
            k = self._knowledge(t)
            low, high = (k.lower, k.upper) if c > 0 else (k.upper, k.lower)
            why_low, why_high = (k.why_lower, k.why_upper)
            if c < 0:
                why_low, why_high = why_high, why_low
            ends.append((t, c, scaled(low, c, 0), scaled(high, c, 0), why_low, why_high))
        # An end of one atom needs the others' to be finite, on one side or the other.
        open_sides = 0
        for _, _, low, high, _, _ in ends:
            if isinstance(low, IntInfinity) and isinstance(high, IntInfinity):
                open_sides += 1
        if open_sides > 1:
            return
        spend(len(ends) * len(ends))
        for index, (t, c, *_rest) in enumerate(ends):
            others = ends[:index] + ends[index + 1 :]
            self._narrow_atom(t, c, known, others)

    def _narrow_two(self, d: IntExpr, known: Knowledge) -> None:
        """The same for two atoms, the usual case."""
        (x, c), (y, e) = d.terms().items()
        of_x, of_y = self._knowledge(x), self._knowledge(y)
        if of_y is not NOTHING:
            self._narrow_beside(x, c, known, e, of_y)
        if of_x is not NOTHING:
            self._narrow_beside(y, e, known, c, of_x)

    def _narrow_beside(
        self, x: IntExpr, c: int, known: Knowledge, e: int, other: Knowledge
    ) -> None:
        """From ``lower <= c*x + e*y <= upper`` and the ends of y."""
        least, why_least = (
            (other.lower, other.why_lower) if e > 0 else (other.upper, other.why_upper)
        )
        if isinstance(known.upper, int) and isinstance(least, int):
            most = known.upper - e * least
            if c > 0:
                self._at_most(x, most // c, known.why_upper, why_least)
            else:
                self._at_least(x, -((-most) // c), known.why_upper, why_least)
        greatest, why_greatest = (
            (other.upper, other.why_upper) if e > 0 else (other.lower, other.why_lower)
        )
        if isinstance(known.lower, int) and isinstance(greatest, int):
            rest = known.lower - e * greatest
            if c > 0:
                self._at_least(x, -((-rest) // c), known.why_lower, why_greatest)
            else:
                self._at_most(x, rest // c, known.why_lower, why_greatest)

    def _knowledge(self, t: IntExpr) -> Knowledge:
        """What is known of an atom, if only from what it is."""
        known = self._new.known(t)
        if known is not None:
            return known
        if isinstance(t, Product):
            return reach(self._new, t)
        return NATURAL if t.op is OPERATORS["Abs"] else NOTHING

    def _narrow_atom(
        self,
        t: IntExpr,
        c: int,
        known: Knowledge,
        others: list[tuple[IntExpr, int, Bound, Bound, Reasons, Reasons]],
    ) -> None:
        most = _rest(known.upper, [o[2] for o in others])
        least = _rest(known.lower, [o[3] for o in others])
        if most is not None:
            why = known.why_upper.union(*(o[4] for o in others))
            if c > 0:
                self._at_most(t, most // c, why)
            else:
                self._at_least(t, -((-most) // c), why)
        if least is not None:
            why = known.why_lower.union(*(o[5] for o in others))
            if c > 0:
                self._at_least(t, -((-least) // c), why)
            else:
                self._at_most(t, least // c, why)


def _divided(f: int, residue: int, modulus: int) -> Congruence | None:
    """The x with ``f*x == residue`` modulo `modulus`; None if there is none."""
    g = gcd(f, modulus)
    if residue % g:
        return None
    m = modulus // g
    if m == 1:
        return Congruence(1, 0)
    return Congruence(m, (residue // g) * pow(f // g, -1, m) % m)


def _rest(end: Bound, others: list[Bound]) -> int | None:
    """``end - sum(others)`` if all of them are finite."""
    if isinstance(end, IntInfinity):
        return None
    total = end
    for other in others:
        if isinstance(other, IntInfinity):
            return None
        total -= other
    return total
