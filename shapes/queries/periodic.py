"""Expressions of one number that repeat themselves, but for a constant step.

``x//2 - x//3`` grows by 1 with every 6 of x: its values between two places are those of the
first 6, or of the last 6, so both of its ends are found among these, whatever the range of x.

Guarantees: exact. Limits: one symbol; quotients and remainders by numbers, and whatever else
of operands that only repeat themselves; periods up to `LONGEST`.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Final, TypeAlias

from shapes.base.infinity import Bound
from shapes.expr.nodes import (
    OPERATORS,
    Expr,
    IntConstant,
    IntExpr,
    IntSymbol,
    Sum,
    int_operands,
)
from shapes.traversal.interpret import free_symbols

__all__ = ["period", "windows"]

LONGEST: Final = 512
"""So many places are looked at for one end."""

DEPTH: Final = 12
"""Operators inside of operators that are looked at."""

Period: TypeAlias = tuple[int, Fraction]
"""After how many steps of the symbol an expression repeats itself, and how much it grows with
each step: ``f(x + length) == f(x) + slope*length``."""

_FLAT: Final = Fraction(0)
_FLOOR_DIV: Final = OPERATORS["FloorDiv"]


def period(e: Expr, depth: int = DEPTH) -> Period | None:
    """The period of an expression in one symbol; None if none is seen, or it is too long."""
    if type(e) is IntSymbol:
        return 1, Fraction(1)
    if e.is_constant:
        return 1, _FLAT
    if depth == 0:
        return None
    if e.op is _FLOOR_DIV:
        x, d = int_operands(e)
        inner = period(x, depth - 1)
        if type(d) is IntConstant and d.constant and inner is not None:
            # f(x + length) - f(x) has to be a multiple of the divisor
            length, slope = inner
            grown = slope * length / abs(d.constant)
            return _short(length * grown.denominator, slope / d.constant)
    parts = [period(x, depth - 1) for x in _operands(e)]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    length = lcm(*(part[0] for part in found))
    if type(e) is Sum:
        coefficients = e.terms().values()
        return _short(length, sum((c * p[1] for c, p in zip(coefficients, found)), _FLAT))
    return None if any(slope for _, slope in found) else _short(length, _FLAT)


def _operands(e: Expr) -> tuple[Expr, ...]:
    return tuple(e.terms()) if type(e) is Sum else e.args


def _short(length: int, slope: Fraction) -> Period | None:
    return (length, slope) if length <= LONGEST else None


def windows(e: IntExpr, lower: Bound, upper: Bound) -> tuple[list[range], Fraction] | None:
    """The places among which both ends of an expression in one symbol are taken, as far as
    they are finite, and its slope; None if it has no period."""
    if len(free_symbols(e)) != 1:
        return None
    found = period(e)
    if found is None:
        return None
    length, slope = found
    first = range(lower, lower + length) if isinstance(lower, int) else None
    last = range(upper - length + 1, upper + 1) if isinstance(upper, int) else None
    if first is None and last is None:
        return ([range(length)] if not slope else []), slope
    return [places for places in (first, last) if places is not None], slope
