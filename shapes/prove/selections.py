"""Selections by the order or the divisibility of something, written as extrema and quotients
(for `choice_forms`).

Guarantees: every step is an identity of all integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd
from typing import Final, TypeAlias

from shapes.expr.booleans import negation, where
from shapes.expr.integers import floor_division, maximum, minimum
from shapes.expr.linear import scale, shift
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    RELATIONS,
    TRUE,
    BoolExpr,
    IntConstant,
    IntExpr,
    combine,
    constant,
    from_terms,
    int_operands,
    side_of,
)
from shapes.prove.quotient_forms import divided, first, number_of
from shapes.traversal.definedness import defined

__all__ = ["Division", "selection"]

Division: TypeAlias = "Callable[[IntExpr, IntExpr], IntExpr]"
"""What writes a quotient."""

_MIN: Final = OPERATORS["Min"]
_EXTREMA: Final = (_MIN, OPERATORS["Max"])
_QUOTIENT: Final = OPERATORS["FloorDiv"]
_ZERO: Final = constant(0)


def selection(e: IntExpr, divide: Division, extremum: Callable[[IntExpr], IntExpr]) -> IntExpr:
    """A choice by a condition as an extremum or a quotient, if it is one; otherwise with one
    arm 0 and the condition that comes first. `extremum` writes extrema."""
    condition, a, b = e.args
    assert isinstance(condition, BoolExpr)
    if not isinstance(a, IntExpr) or not isinstance(b, IntExpr):
        return e
    if defined(a) is not TRUE or defined(b) is not TRUE:
        return e  # the condition may be what gives an arm its value
    d = combine(1, a, -1, b)
    chosen = _chosen(condition, d, divide)
    if chosen is not None:
        if chosen.op in _EXTREMA and d in chosen.args and _ZERO in chosen.args:
            return extremum((minimum if chosen.op is _MIN else maximum)(a, b))
        return combine(1, b, 1, extremum(chosen))
    then = _chosen(condition, a, divide)
    other = None if then is None else _chosen(negation(condition), b, divide)
    if then is not None and other is not None:
        return combine(1, extremum(then), 1, extremum(other))
    return combine(1, b, 1, _one_armed(condition, d))


def _one_armed(condition: BoolExpr, d: IntExpr) -> IntExpr:
    """``Where(p, d, 0)``, by whichever of p and its negation comes first."""
    g = gcd(d.constant, *d.terms().values())
    other = negation(condition)
    flip = condition.op is NE_ZERO
    if condition.op is LE_ZERO:
        x, y = side_of(condition), side_of(other)
        flip = first([x, y]) is y
    made = where(other if flip else condition, divided(d, g), _ZERO)
    assert isinstance(made, IntExpr)
    return combine(1, d, -g, made) if flip else scale(g, made)


def _chosen(condition: BoolExpr, d: IntExpr, divide: Division) -> IntExpr | None:
    """``Where(p, d, 0)`` without a selection; None if it is not that simple."""
    if d is _ZERO:
        return _ZERO
    if condition.op not in RELATIONS:
        return None
    e = side_of(condition)
    if condition.op is not LE_ZERO:
        m = _ratio(d, e)
        if m is not None and d.constant == m * e.constant:
            return _ZERO if condition.op is EQ_ZERO else d
        return _of_divisible(condition, e, d, divide)
    return _of_order(e, d, divide)


def _of_order(e: IntExpr, d: IntExpr, divide: Division) -> IntExpr | None:
    """``Where(e <= 0, d, 0)`` as a minimum or maximum of d and 0: d follows the sign of e."""
    for x, k, sign in _as_quotients(d):
        m = _ratio(x, e)
        if m is None:
            continue
        # ``d = sign * ((m*e + s) // k)``
        s = x.constant - m * e.constant
        if m > 0 and -m <= s < k:
            return minimum(d, _ZERO) if sign > 0 else maximum(d, _ZERO)
        if m < 0 and 0 <= s < k - m:
            return maximum(d, _ZERO) if sign > 0 else minimum(d, _ZERO)
    for divisor in _divisors(d, e):
        for shifted in (e, shift(e, -1)):
            down, up = divide(shifted, divisor), scale(-1, divide(scale(-1, shifted), divisor))
            if d is down or d is up:
                return minimum(d, _ZERO)
            if d is scale(-1, down) or d is scale(-1, up):
                return maximum(d, _ZERO)
    return None


def _as_quotients(d: IntExpr) -> Iterator[tuple[IntExpr, int, int]]:
    """The x, k and signs for which an expression is ``x // k`` or ``-(x // k)``."""
    yield d, 1, 1
    if len(d.terms()) == 1:
        ((term, c),) = d.terms().items()
        if abs(c) == 1 and term.op is _QUOTIENT:
            k = number_of(term)
            if k > 1:
                yield shift(int_operands(term)[0], c * k * d.constant), k, c


def _divisors(d: IntExpr, e: IntExpr) -> dict[IntExpr, None]:
    """The numbers by which quotients in d divide, and by which they divide what e consists
    of."""
    inner = _quotients_by(e)
    found: dict[IntExpr, None] = {}
    for k in _quotients_by(d):
        for m in (1, *inner):
            if k % m == 0 and k != m:
                found[constant(k // m)] = None
    return found


def _quotients_by(e: IntExpr) -> dict[int, None]:
    """The numbers by which quotients in a sum and in its extrema divide."""
    found: dict[int, None] = {}
    for atom in e.terms():
        arms = int_operands(atom) if atom.op in _EXTREMA else (atom,)
        for term in (t for arm in arms for t in arm.terms()):
            k = number_of(term) if term.op is _QUOTIENT else 0
            if k > 1:
                found[k] = None
    return found


def _of_divisible(
    condition: BoolExpr, e: IntExpr, d: IntExpr, divide: Division
) -> IntExpr | None:
    """``Where(x % k == 0, d, 0)`` for a number d: ``-(-x//k) - x//k`` is 0 where k divides
    x, and 1 elsewhere."""
    if type(d) is not IntConstant:
        return None
    for k in dict.fromkeys(abs(c) for c in e.terms().values() if abs(c) > 1):
        # ``e = x - k*y`` is 0 where k divides x, if y is ``x // k``, or that rounded up
        x = from_terms({t: c for t, c in e.terms().items() if c % k}, e.constant % k)
        y = floor_division(combine(1, x, -1, e), constant(k))
        down, opposite = divide(x, constant(k)), divide(scale(-1, x), constant(k))
        if y is down or y is scale(-1, opposite):
            inexact = combine(-1, opposite, -1, down)
            if condition.op is NE_ZERO:
                return scale(d.constant, inexact)
            return combine(1, d, -d.constant, inexact)
    return None


def _ratio(d: IntExpr, e: IntExpr) -> int | None:
    """The number of times that the terms of e make those of d; None if there is none."""
    terms, found = d.terms(), None
    if len(terms) != len(e.terms()) or not terms:
        return None
    for t, c in e.terms().items():
        times, rest = divmod(terms.get(t, 0), c)
        if rest or not times or (found is not None and times != found):
            return None
        found = times
    return found
