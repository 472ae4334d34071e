"""Lemma schemas about multiples and about sums that have a factor in common.

`lemma_schemas` has them in its table, with the same guarantees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shapes.arith.statements import Statement, at_least, eq, need, number, operand_of
from shapes.expr.integers import floor_division, modulo
from shapes.expr.linear import eq_zero, le_zero, multiply, ne_zero, shift
from shapes.expr.nodes import BoolExpr, IntExpr, combine
from shapes.expr.quotients import exact_quotient

__all__ = ["FACTORS"]


def _multiples(a: IntExpr, b: IntExpr, c: IntExpr) -> tuple[BoolExpr, ...]:
    """``a % b == 0`` and ``b % c == 0``, of divisors that are not 0: ranges, which may show
    the remainders, take it for granted that these have a value."""
    return eq_zero(modulo(a, b)), eq_zero(modulo(b, c)), ne_zero(b), ne_zero(c)


def _multiple_of_multiple(a: IntExpr, b: IntExpr, c: IntExpr) -> Statement:
    """``a % b == 0`` and ``b % c == 0``: ``a % c == 0``."""
    return Statement(_multiples(a, b, c), eq_zero(modulo(a, c)))


def _quotient_of_multiples(a: IntExpr, b: IntExpr, c: IntExpr) -> Statement:
    """The same: ``a//c == (b//c)*(a//b)``."""
    product = multiply(floor_division(b, c), floor_division(a, b))
    return Statement(_multiples(a, b, c), eq(floor_division(a, c), product))


def _without_factor(e: IntExpr, f: IntExpr, zero: IntExpr, times: IntExpr) -> Statement:
    """``zero == 0``, ``f >= 1`` and ``e <= 0``, where ``e + times*zero`` is ``f*r + k``: if k
    is positive, ``r <= -1``, else ``r + k <= 0``."""
    rest, k = _divided(e, f, zero, times)
    premises = (eq_zero(zero), at_least(f, 1), le_zero(e))
    return Statement(premises, le_zero(shift(rest, min(k, 1))))


def _equal_without_factor(
    e: IntExpr, f: IntExpr, zero: IntExpr, times: IntExpr
) -> Statement:
    """The same of ``e == 0``: r is 0, negative or positive as k is 0, positive or negative."""
    rest, k = _divided(e, f, zero, times)
    premises = (eq_zero(zero), at_least(f, 1), eq_zero(e))
    if k == 0:
        return Statement(premises, eq_zero(rest))
    return Statement(premises, le_zero(combine(1 if k > 0 else -1, rest, 0, rest, 1)))


def _divided(
    e: IntExpr, f: IntExpr, zero: IntExpr, times: IntExpr
) -> tuple[IntExpr, int]:
    """``(r, k)`` with ``e + times*zero == f*r + k``."""
    whole = combine(1, e, number(times), zero)
    rest = exact_quotient(shift(whole, -whole.constant), f)
    need(rest is not None)
    assert rest is not None
    return rest, whole.constant


def _gcd_of_multiples(m: IntExpr, e: IntExpr) -> Statement:
    """``e >= 1`` and ``f % e == 0`` for the other operand f: ``gcd(e, f) == e``. (Of no
    ``e >= 0``: a range says of ``f % e`` what it is where e is not 0.)"""
    others = tuple(eq_zero(modulo(f, e)) for f in operand_of(m, "gcd", e))
    return Statement((at_least(e, 1), *others), eq(m, e))


FACTORS: Final[dict[str, Callable[..., Statement]]] = {
    "multiple of multiple": _multiple_of_multiple,
    "quotient of multiples": _quotient_of_multiples,
    "gcd of multiples": _gcd_of_multiples,
    "without factor": _without_factor,
    "equal without factor": _equal_without_factor,
}
"""These theorems by their names."""
