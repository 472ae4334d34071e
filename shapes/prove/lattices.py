"""Identities and inequalities of lattices: relations between nested minima and maxima.

A relation ``P <= Q`` between terms made of `Min` and `Max` holds for all integers if and only
if it holds for all zeros and ones (the two-element lattice generates the distributive ones:
Birkhoff 1935). For if P exceeds Q somewhere, "at least that value of P" maps every operand to
0 or 1 so that minima and maxima are kept, and P to 1, Q to 0. The same map keeps an order of
two operands that is known, so the zeros and ones that break a known order are left out. One
integer holds the truth table of a term (`Min` is "and", `Max` is "or"), so a relation of six
operands takes a dozen operations on numbers of 64 bits.

What is added to a choice is added to its arms, and a factor of -1 makes a minimum a maximum:
``Min(x, y) + 1 <= 2 - Min(-x, z)`` is a relation of this kind, too.

Guarantees: a proof has a certificate (`ZerosAndOnes`), which `arith.checker` checks.
Limits: operands are compared as they stand and by what is known of their differences; what
else relates them (``y`` beside ``x + y``) is for other methods.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from shapes.arith.certificate import Premise, ZerosAndOnes
from shapes.arith.interval_premises import in_range, reasons_of_range
from shapes.base.budget import spend
from shapes.expr.booleans import negation
from shapes.expr.linear import le_zero
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    Infinity,
    IntExpr,
    combine,
    constant,
    side_of,
)
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts
from shapes.facts.verdict import Proof

__all__ = ["by_lattice"]

METHOD: Final = "zeros and ones"

OPERANDS: Final = 8
"""Different operands of one relation; its truth table has two to this power of rows."""
ARMS: Final = 48
"""Operands of one relation, repetitions included."""

ROWS: Final = 8
"""Rows that break a relation, among which one is chosen."""

_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]

Order: TypeAlias = tuple[int, int, BoolExpr]
"""Two operands by number, of which the first is never above the second, as the condition
says."""


def by_lattice(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof of a relation between minima and maxima, by zeros and ones."""
    if not _has_choices(claim) and not facts.has_solved:
        return None
    normal, why = facts.normalized(claim)
    if not _has_choices(normal):
        return None
    e = side_of(normal)
    shown = _Shown()
    ends = [e] if normal.op is LE_ZERO else [e, combine(-1, e, 0, e)]
    if not all(_never_above(facts, end, shown) for end in ends):
        return None
    denied = Premise(negation(normal), "goal", facts.in_order(why))
    certificate = ZerosAndOnes(denied, tuple(shown.sides), tuple(shown.orders.values()))
    return Proof(METHOD, facts.in_order(shown.used | why), certificate)


class _Shown:
    """What zeros and ones have shown: sides of which the left one is never above the right
    one, with the orders and the facts that they need."""

    def __init__(self) -> None:
        self.sides: list[tuple[IntExpr, IntExpr]] = []
        self.orders: dict[BoolExpr, Premise] = {}
        self.used = NO_REASONS

    def need(self, facts: Facts, order: BoolExpr) -> None:
        """Take note of a known order that is needed."""
        if order is not TRUE and order not in self.orders:
            why = reasons_of_range(facts, order)
            self.orders[order] = Premise(order, "range", facts.in_order(why))
            self.used |= why


def _has_choices(claim: Expr) -> bool:
    """Whether this is a relation with a minimum or a maximum among its terms."""
    if claim.op is not LE_ZERO and claim.op is not EQ_ZERO:
        return False
    e = side_of(claim)
    return any(atom.op is _MIN or atom.op is _MAX for atom in e.terms())


def _never_above(facts: Facts, e: IntExpr, shown: _Shown) -> bool:
    """Whether zeros and ones show that ``e <= 0``."""
    left, right = _sides(e)
    table = _Table()
    below, above = table.term(left), table.term(right)
    if below is None or above is None:
        return False
    count = len(table.operands)
    broken = _truths(below, count) & ~_truths(above, count)
    orders = _Orders(facts, list(table.operands))
    while broken:
        found = orders.excluding(_row_of(broken, count))
        if found is None:
            return False
        # Rows in which operand i is 1 and operand j is 0 do not occur.
        i, j, order = found
        broken &= ~(_column(i, count) & ~_column(j, count))
        shown.need(facts, order)
    shown.sides.append((left, right))
    return True


def _row_of(rows: int, count: int) -> int:
    """One of the rows, of the first few one with the fewest pairs of a one and a zero."""
    best, fewest = -1, count * count
    for _ in range(ROWS):
        row = (rows & -rows).bit_length() - 1
        ones = row.bit_count()
        if ones * (count - ones) < fewest:
            best, fewest = row, ones * (count - ones)
        rows &= rows - 1
        if not rows or fewest < count:
            break
    return best


def _sides(e: IntExpr) -> tuple[IntExpr, IntExpr]:
    """The sides of ``e <= 0`` as ``left <= right``: choices with positive coefficients on the
    left, the opposites of the others on the right. Where all are on one side, the first is
    on the other: minima and maxima of opposites are opposites of maxima and minima."""
    choices = [(t, c) for t, c in e.terms().items() if t.op is _MIN or t.op is _MAX]
    right = constant(0)
    moved = [one for one in choices if one[1] < 0]
    if len(choices) > 1 and len(moved) in (0, len(choices)):
        moved = choices[:1]
    for atom, c in moved:
        right = combine(1, right, -c, atom)
    return combine(1, e, 1, right), right


Term: TypeAlias = "int | tuple[bool, list[Term]]"
"""An operand by its number, or whether terms are a minimum, and these."""


class _Table:
    """The operands of a relation, by number."""

    def __init__(self) -> None:
        self.operands: dict[IntExpr, int] = {}
        self._arms = ARMS

    def term(self, e: IntExpr) -> Term | None:
        """What an expression is made of; None for one that has too many operands."""
        self._arms -= 1
        if self._arms < 0 or isinstance(e, Infinity):
            return None
        spend(len(e.terms()))
        for atom, c in e.terms().items():
            if atom.op is _MIN or atom.op is _MAX:
                rest = combine(1, e, -c, atom)
                arms: list[Term] = []
                for arm in atom.args:
                    assert isinstance(arm, IntExpr)
                    found = self._sum(rest, c, arm)
                    if found is None:
                        return None
                    arms.append(found)
                return (atom.op is _MIN) is (c > 0), arms
        number = self.operands.setdefault(e, len(self.operands))
        return number if number < OPERANDS else None

    def _sum(self, rest: IntExpr, c: int, arm: IntExpr) -> Term | None:
        return None if isinstance(arm, Infinity) else self.term(combine(1, rest, c, arm))


def _column(number: int, count: int) -> int:
    """The truth table of one of so many operands."""
    rows = (1 << (1 << count)) - 1
    return rows ^ rows // ((1 << (1 << number)) + 1)


def _truths(term: Term, count: int) -> int:
    """The truth table of a term; terms are nested no deeper than `ARMS`."""
    if isinstance(term, int):
        return _column(term, count)
    least, arms = term
    table = _truths(arms[0], count)
    for arm in arms[1:]:
        other = _truths(arm, count)
        table = table & other if least else table | other
    return table


class _Orders:
    """The orders of operands that are known."""

    def __init__(self, facts: Facts, operands: list[IntExpr]) -> None:
        self._facts = facts
        self._operands = operands
        self._asked: set[tuple[int, int]] = set()
        """Pairs of which no order is known."""

    def excluding(self, row: int) -> Order | None:
        """An order that a row of zeros and ones breaks, one that nothing is needed for before
        all others; None if it breaks none."""
        numbers = range(len(self._operands))
        ones = [i for i in numbers if row >> i & 1]
        zeros = [j for j in numbers if not row >> j & 1]
        pairs = [(i, j) for i in ones for j in zeros if (i, j) not in self._asked]
        for i, j in pairs:
            if self._is_less_by_number(i, j):
                return i, j, TRUE
        for i, j in pairs:
            order = self._order(i, j)
            if in_range(self._facts, order):
                return i, j, order
            self._asked.add((i, j))
        return None

    def _is_less_by_number(self, i: int, j: int) -> bool:
        """Whether one is the other and a number of at most 0: then their keys differ by it."""
        x, y = self._operands[i], self._operands[j]
        return x.constant <= y.constant and x.key - y.key == x.constant - y.constant

    def _order(self, i: int, j: int) -> BoolExpr:
        return le_zero(combine(1, self._operands[i], -1, self._operands[j]))
