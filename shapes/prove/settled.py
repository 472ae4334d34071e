"""What facts settle in a condition: a minimum or maximum without operands that never count, a
selection whose condition is known to hold or not to, a quotient that is a number, or exact but
for one.

An order is read off ranges, and off the relations between a quotient and its dividend, an
extremum and its operands: for x >= 0, ``Max(x, x//3)`` is x, and so is
``Where(x + x//3 >= 0, x, y)``. Where 4 divides n, ``(n + r) // 4`` is ``n//4 + r//4``. A
selection by the halves of a remainder is a sum: for s >= 1, ``Where(x % (2*s) < s, a, b)`` is
``a + (b - a)*(x//s % 2)``; one that asks whether an index wraps around once tells what
``i % n`` is. For 0 <= c < C, ``(w*C + c) // (W*C)`` is ``w // W``.

Guarantees: what is written has the value of the expression wherever the facts hold and the
expression has a value; the facts that were needed are named.
Limits: no order is looked for between operands of large choices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd
from typing import Any, Final

from shapes.base.infinity import IntInfinity
from shapes.errors import ContradictionError
from shapes.expr.booleans import negation, where
from shapes.expr.integers import floor_division, maximum, minimum
from shapes.expr.linear import le_zero, multiply, scale, shift
from shapes.expr.nodes import (
    LE_ZERO,
    OPERATORS,
    BoolExpr,
    Expr,
    Infinity,
    IntConstant,
    IntExpr,
    Product,
    combine,
    constant,
    from_terms,
    int_operands,
    side_of,
)
from shapes.expr.quotients import exact_quotient
from shapes.facts.bounds import (
    bounds,
    bounds_with_reasons,
    congruence,
    congruence_with_reasons,
)
from shapes.facts.justification import NO_REASONS
from shapes.facts.relational_bounds import End, implied_bounds, least, most
from shapes.facts.store import Facts, Reasons
from shapes.prove.quick import CHEAP, decide, proved
from shapes.traversal.definedness import defined
from shapes.traversal.interpret import interpret, walk
from shapes.traversal.substitute import Builder, substitute

__all__ = ["Added", "settled"]

OPERANDS: Final = 6
"""Operands of one choice between which an order is looked for."""

_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]
_ABS: Final = OPERATORS["Abs"]
_WHERE: Final = OPERATORS["Where"]
_QUOTIENT: Final = OPERATORS["FloorDiv"]
_ZERO: Final = constant(0)
_ONE: Final = constant(1)


def settled(facts: Facts, claim: BoolExpr) -> tuple[BoolExpr, Reasons]:
    """A condition (in which solved symbols are replaced) without what is never chosen, and the
    facts that settle it."""
    analysis = _Settled(facts, {x.args[0] for x in walk(claim) if x.op is _WHERE})
    try:
        made = interpret(analysis, {}, claim)
    except ContradictionError:
        return claim, NO_REASONS  # of facts that leave no value nothing is read here
    assert isinstance(made, BoolExpr)
    return made, analysis.used


def _half(e: IntExpr) -> IntExpr | None:
    """Half of an expression with even coefficients."""
    if e.constant % 2 or any(c % 2 for c in e.terms().values()):
        return None
    return from_terms({t: c // 2 for t, c in e.terms().items()}, e.constant // 2)


class Added(Builder):
    """The analysis that builds what it is given; sums are of integers."""

    def linear(self, k: int, coefficients: Sequence[int], values: list[Any]) -> Any:
        total: Any = constant(k)
        for c, value in zip(coefficients, values):
            total = combine(1, total, c, value)
        return total


class _Settled(Added):
    """The analysis that writes what is left of each choice and quotient."""

    def __init__(self, facts: Facts, conditions: set[Expr]) -> None:
        super().__init__()
        self._facts = facts
        self._conditions = conditions
        self.used = NO_REASONS

    def refine(self, node: Expr, value: Any) -> Any:
        op = value.op
        if op is _WHERE:
            return self._selected(value)
        if op is _MIN or op is _MAX:
            return self._extremum(value)
        return self._magnitude(value) if op is _ABS else value

    def floordiv(self, x: Any, y: Any) -> Any:
        made = floor_division(self._by_residues(x, y), y)
        for t, c in made.terms().items():
            if t.op is _QUOTIENT:
                found = self._quotient(t)
                if found is not None:
                    made = combine(1, combine(1, made, -c, t), c, found)
        return made

    def _quotient(self, quotient: IntExpr) -> IntExpr | None:
        """A quotient that is a number, or exact by a factor of its divisor."""
        lower, upper = bounds(self._facts, quotient).int_bounds()
        if lower == upper and not isinstance(lower, IntInfinity):
            self.used |= bounds_with_reasons(self._facts, quotient)[1]
            return constant(lower)
        x, d = int_operands(quotient)
        if type(d) is IntConstant:
            return None
        before = self.used
        if lower <= 0 <= upper:
            within = self._truth(le_zero(combine(1, x, -1, d, 1)))  # x < d
            if within and self._truth(le_zero(scale(-1, x))):
                return _ZERO
            self.used = before
        found = self._by_factors(x, d)
        if found is None:
            self.used = before
        return found

    def _by_factors(self, x: IntExpr, d: IntExpr) -> IntExpr | None:
        """``x // (f*g)`` as ``x // f // g`` for g >= 1, where f divides all of x but for what
        is below f."""
        if len(d.terms()) != 1 or d.constant:
            return None
        ((t, c),) = d.terms().items()
        factors = list(t.factors) if isinstance(t, Product) else [(t, 1)]
        for f in (constant(c), *(base for base, _ in factors)):
            g = exact_quotient(d, f)
            if f is _ONE or g is None or g is _ONE:
                continue
            whole = self.floordiv(x, f)
            exact = not any(q.op is _QUOTIENT and f in q.args for q in whole.terms())
            if exact and self._truth(le_zero(shift(scale(-1, g), 1))):
                found: IntExpr = self.floordiv(whole, g)
                return found
        return None

    def mod(self, x: Any, y: Any) -> Any:
        around = None if y.is_constant else self._wrapped(x, y)
        if around is not None:
            return around
        return combine(1, x, -1, multiply(y, self.floordiv(x, y)))

    def _wrapped(self, x: IntExpr, d: IntExpr) -> IntExpr | None:
        """``x % d`` as ``Where(x < 0, x + d, x)`` for -d <= x < d, and so for what is below
        2*d, where that is asked somewhere."""
        for k in (-1, 0):
            low, high = combine(1, x, -k, d), combine(1, x, -k - 1, d)
            below, above = le_zero(shift(high, 1)), le_zero(scale(-1, high))
            if below not in self._conditions and above not in self._conditions:
                continue
            before = self.used
            within = self._truth(le_zero(combine(1, high, -1, d, 1)))
            if within and self._truth(le_zero(scale(-1, low))):
                asked = below in self._conditions
                made = where(below, low, high) if asked else where(above, high, low)
                assert isinstance(made, IntExpr)
                return made
            self.used = before
        return None

    def _by_residues(self, x: IntExpr, y: IntExpr) -> IntExpr:
        """A dividend in which ``m*(n//m) + r`` takes the place of n, which leaves r modulo m,
        where the number y divides its coefficient then."""
        k = y.constant if type(y) is IntConstant else 0
        if k <= 1:
            return x
        for t, c in x.terms().items():
            m = k // gcd(c, k)
            for base, power in t.factors if isinstance(t, Product) else ((t, 1),):
                if m == 1 or power > 1:
                    continue
                known = congruence(self._facts, base)
                if known.modulus % m:
                    continue
                self.used |= congruence_with_reasons(self._facts, base)[1]
                exact = scale(m, floor_division(base, constant(m)))
                written = shift(exact, known.residue % m)
                x = combine(1, x, c, combine(1, substitute(t, {base: written}), -1, t))
                break
        return x

    def _selected(self, value: Any) -> Any:
        p, a, b = value.args
        truth = self._truth(p)
        if truth is not None:
            return a if truth else b
        upper_half = self._upper_half(p)
        if upper_half is None or not isinstance(a, IntExpr) or not isinstance(b, IntExpr):
            return value
        if not self._truth(defined(a)) or not self._truth(defined(b)):
            return value  # the condition may be what gives an arm its value
        return combine(1, a, 1, multiply(combine(1, b, -1, a), upper_half))

    def _upper_half(self, p: BoolExpr) -> IntExpr | None:
        """1 where a condition ``x % (2*d) < d`` does not hold, 0 where it does, for d >= 1 (or
        the other way around for its opposite)."""
        if p.op is not LE_ZERO:
            return None
        e = side_of(p)
        for t in e.terms():
            for q, _ in t.factors if isinstance(t, Product) else ((t, 1),):
                if q.op is not _QUOTIENT:
                    continue
                x, whole = int_operands(q)
                half = _half(whole)
                if half is None:
                    continue
                rest = combine(1, x, -1, multiply(whole, q))
                low = combine(1, rest, -1, half, 1)
                high = combine(1, half, -1, rest)
                if (e is low or e is high) and self._truth(le_zero(shift(scale(-1, half), 1))):
                    upper = combine(1, floor_division(x, half), -2, q)
                    return upper if e is low else shift(scale(-1, upper), 1)
        return None

    def _extremum(self, value: Any) -> Any:
        """The operands but for those than which another one is always less (greater)."""
        least = value.op is _MIN
        operands = value.args
        if len(operands) > OPERANDS or any(isinstance(x, Infinity) for x in operands):
            return value
        left = list(operands)
        for x in operands:
            for other in left:
                below, above = (other, x) if least else (x, other)
                if other is not x and self._truth(le_zero(combine(1, below, -1, above))):
                    left.remove(x)
                    break
        if len(left) == len(operands):
            return value
        return minimum(*left) if least else maximum(*left)

    def _magnitude(self, value: Any) -> Any:
        (x,) = value.args
        truth = self._truth(le_zero(x))
        return value if truth is None else scale(-1, x) if truth else x

    def _truth(self, claim: BoolExpr) -> bool | None:
        """Whether a condition is seen to hold, or not to; the facts that show it are kept."""
        truth = decide(self._facts, claim)
        if truth is not None:
            proof = proved(self._facts, claim if truth else negation(claim), CHEAP)
            if proof is None:
                return None
            self.used |= Reasons(proof.facts)
        elif claim.op is LE_ZERO:
            for lower, upper in self._ends(side_of(claim)):
                if upper.value <= 0:
                    self.used |= upper.reasons
                    return True
                if lower.value > 0:
                    self.used |= lower.reasons
                    return False
        return truth

    def _ends(self, e: IntExpr) -> Iterator[tuple[End, End]]:
        """The ends of a sum by the relations that are stated, then by those of its atoms."""
        if self._facts.has_relations:
            yield least(self._facts, e), most(self._facts, e)
        yield implied_bounds(self._facts, e)
