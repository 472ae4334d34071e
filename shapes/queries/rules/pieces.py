"""Relations of minima and maxima of one number, which are linear between a few values.

``Min(5, n) - Min(2, n) == 3`` is ``0 == 3`` up to 2, ``n - 2 == 3`` up to 5 and true behind:
it says ``n >= 5``. Any linear combination of minima and maxima of one atom and constants is
written as its pieces, the relation is solved in each, and the solutions are joined.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from shapes.base.infinity import Bound, IntInfinity
from shapes.expr.booleans import conjunction, disjunction
from shapes.expr.linear import eq_zero, le_zero
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    BoolExpr,
    Expr,
    Infinity,
    IntExpr,
    combine,
)
from shapes.queries.rules.table import Ask, Example, Rule

__all__ = ["PIECES"]

MOST_PIECES: Final = 12
"""With more pieces what comes out is hardly smaller."""

MOST_PARTS: Final = 3
"""Intervals of solutions, at most."""


class _Piece(NamedTuple):
    """``a*x + b`` for ``lower <= x <= upper``."""

    lower: Bound
    upper: Bound
    a: int
    b: int


_Pieces = list[_Piece]


class _Reader:
    """Reads expressions as functions of the one atom that they are made of."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.atom: IntExpr | None = None
        self._domain: tuple[Bound, Bound] = (0, 0)

    def read(self, e: Expr) -> _Pieces | None:
        """The pieces of an expression; None if it is not such a function, or has too many."""
        if not isinstance(e, IntExpr) or type(e) is Infinity:
            return None
        found: _Pieces | None = None
        for term, c in e.terms().items():
            part = self._term(term)
            if part is None:
                return None
            scaled = [_Piece(p.lower, p.upper, c * p.a, c * p.b) for p in part]
            found = scaled if found is None else _both(found, scaled)
            if len(found) > MOST_PIECES:
                return None
        k = e.constant
        if found is None:
            return [_Piece(*self._domain, 0, k)] if self.atom is not None else None
        return [_Piece(p.lower, p.upper, p.a, p.b + k) for p in found]

    def _term(self, term: IntExpr) -> _Pieces | None:
        name = term.op.name
        if name not in ("Min", "Max"):
            return [_Piece(*self._domain, 1, 0)] if self._is_atom(term) else None
        operands = sorted(term.args, key=lambda e: e.is_constant)  # constants need the domain
        found: _Pieces | None = None
        for operand in operands:
            pieces = self.read(operand)
            if pieces is None:
                return None
            found = pieces if found is None else _extremum(found, pieces, name == "Min")
            if len(found) > MOST_PIECES:
                return None
        return found

    def _is_atom(self, term: IntExpr) -> bool:
        if self.atom is None:
            self.atom = term
            self._domain = self._ask.bounds(term)
        return self.atom is term


def _common(f: _Pieces, g: _Pieces) -> Iterator[tuple[_Piece, _Piece]]:
    """The pieces of two functions over the same intervals."""
    for p in f:
        for q in g:
            lower, upper = max(p.lower, q.lower), min(p.upper, q.upper)
            if lower <= upper:
                yield _Piece(lower, upper, p.a, p.b), _Piece(lower, upper, q.a, q.b)


def _both(f: _Pieces, g: _Pieces) -> _Pieces:
    """The sum of two functions."""
    return [_Piece(p.lower, p.upper, p.a + q.a, p.b + q.b) for p, q in _common(f, g)]


def _extremum(f: _Pieces, g: _Pieces, least: bool) -> _Pieces:
    found: _Pieces = []
    for p, q in _common(f, g):
        first, second = (p, q) if least else (q, p)
        below = _solved(first.a - second.a, first.b - second.b, p.lower, p.upper)
        for lower, upper in below:
            found.append(_Piece(lower, upper, p.a, p.b))
        for lower, upper in _others(below, p.lower, p.upper):
            found.append(_Piece(lower, upper, q.a, q.b))
    return sorted(found, key=lambda p: p.lower)


_Interval = tuple[Bound, Bound]


def _solved(a: int, b: int, lower: Bound, upper: Bound) -> list[_Interval]:
    """The interval within others in which ``a*x + b <= 0``, if there is one."""
    if a == 0:
        return [(lower, upper)] if b <= 0 else []
    if a > 0:
        upper = min(upper, -b // a)
    else:
        lower = max(lower, -(b // a))  # the least x with -a*x >= b
    return [(lower, upper)] if lower <= upper else []


def _others(taken: list[_Interval], lower: Bound, upper: Bound) -> list[_Interval]:
    """What is left of an interval without (at most one) interval at one of its ends."""
    if not taken:
        return [(lower, upper)]
    (low, high), *_ = taken
    rest: list[_Interval] = []
    if lower < low:
        assert isinstance(low, int)
        rest.append((lower, low - 1))
    if high < upper:
        assert isinstance(high, int)
        rest.append((high + 1, upper))
    return rest


def _solutions(op: object, pieces: _Pieces) -> list[_Interval]:
    """Where the relation holds, as intervals that do not touch."""
    found: list[_Interval] = []
    for p in pieces:
        if op is LE_ZERO:
            part = _solved(p.a, p.b, p.lower, p.upper)
        elif p.a == 0:
            part = [(p.lower, p.upper)] if (p.b == 0) is (op is EQ_ZERO) else []
        else:
            root = -p.b // p.a
            inside = p.b % p.a == 0 and p.lower <= root <= p.upper
            if op is EQ_ZERO:
                part = [(root, root)] if inside else []
            elif inside:
                ends = ((p.lower, root - 1), (root + 1, p.upper))
                part = [(low, high) for low, high in ends if low <= high]
            else:
                part = [(p.lower, p.upper)]
        for low, high in part:
            if found and low <= found[-1][1] + 1:
                found[-1] = (found[-1][0], max(found[-1][1], high))
            else:
                found.append((low, high))
    return found


def _condition(x: IntExpr, found: list[_Interval], domain: _Interval) -> BoolExpr:
    """The condition that x is in one of the intervals; ends of the domain need no words."""
    cases = []
    for low, high in found:
        if low == high:
            assert isinstance(low, int)
            cases.append(eq_zero(combine(1, x, 0, x, -low)))
            continue
        parts = []
        if low > domain[0] and not isinstance(low, IntInfinity):
            parts.append(le_zero(combine(-1, x, 0, x, low)))
        if high < domain[1] and not isinstance(high, IntInfinity):
            parts.append(le_zero(combine(1, x, 0, x, -high)))
        cases.append(conjunction(*parts))
    return disjunction(*cases)


def _by_pieces(ask: Ask, node: Expr) -> Iterator[Expr]:
    side = node.args[0]
    assert isinstance(side, IntExpr)
    if not any(term.op.name in ("Min", "Max") for term in side.terms()):
        return
    reader = _Reader(ask)
    pieces = reader.read(side)
    if pieces is None or reader.atom is None:
        return
    found = _solutions(node.op, pieces)
    if len(found) <= MOST_PARTS:
        yield _condition(reader.atom, found, (pieces[0].lower, pieces[-1].upper))


PIECES = (
    Rule(
        "values of a piecewise sum", "Eq(Min(x, c) - Min(x, d), 0)", _by_pieces,
        example=Example("Min(a, 5) - Min(a, 2) == 3", "", "a >= 5"),
    ),
    Rule(
        "values that a piecewise sum avoids", "Ne(Min(x, c) - Min(x, d), 0)", _by_pieces,
        example=Example("Ne(Max(a, 5) - Min(a, 2), 3)", "", "a <= 1 or a >= 6"),
    ),
    Rule(
        "bound of a piecewise sum", "Min(x, c) - Min(x, d) <= 0", _by_pieces,
        example=Example("2*Min(a, 5) - 3*Min(a, 2) <= 2", "", "a >= -2 and a <= 4"),
    ),
)  # fmt: skip
