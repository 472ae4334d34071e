"""Backward propagation through operators: what the ends of an atom say about its operands
(HC4-revise: Benhamou et al., ICLP 1999).

`narrowed` reads an atom the other way round: a product between two numbers bounds each factor
by what the others leave (a number's divisors lie no farther from 0 than it does), a power its
base by roots, a quotient its numerator, a minimum that is large all its operands, a choice
whose one arm is out of reach the other arm and the condition. `reach` is the range of an
operand as far as what is kept of its atoms shows it, with its reasons.

Guarantees: whatever is given follows from the atom's knowledge and the reasons that are given
with it, for all integers at which the atom has a value. Limits: intervals, single excluded
values near 0, and divisors only; a product of more than `FACTORS` is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import TYPE_CHECKING, Final

from shapes.base.budget import spend
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains import int_ranges
from shapes.domains.value_ranges import int_range
from shapes.expr.booleans import as_integer, negation
from shapes.expr.linear import direction
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    BoolExpr,
    Expr,
    IntAtom,
    IntConstant,
    IntExpr,
    Product,
    Sum,
)
from shapes.facts.abstract_value import Reasons
from shapes.facts.knowledge import NOTHING, Knowledge, replaced, scaled

if TYPE_CHECKING:
    from shapes.facts.store import Facts

__all__ = [
    "ABOVE",
    "BELOW",
    "HOLDS",
    "NATURAL",
    "TERMS",
    "UNEQUAL",
    "Learned",
    "NoValueError",
    "narrowed",
    "reach",
    "refuted",
    "relates_operands",
]  # fmt: skip

BELOW: Final = "at most"
ABOVE: Final = "at least"
UNEQUAL: Final = "not"
HOLDS: Final = "holds"

Learned = tuple[Expr, str, int, Reasons]
"""An operand, what is said of it (`HOLDS` of a condition), of which number, and why."""

FACTORS: Final = 4
"""Products of more different factors say nothing about them here."""

DIVISORS: Final = 32
"""So many neighbouring values are looked at for divisors of a product."""

TERMS: Final = 16
"""Sums of more terms have no reach here."""

DEPTH: Final = 3
"""Operators inside of operators that `reach` looks into."""


class NoValueError(Exception):
    """Facts that leave no value (inside of the engine; people see `ContradictionError`)."""

    def __init__(self, reasons: Reasons) -> None:
        self.reasons = reasons


NATURAL: Final = Knowledge(lower=0)


# --------------------------------------------------------------------------- ranges


def reach(facts: Facts, e: IntExpr, depth: int = DEPTH) -> Knowledge:
    """The range of an expression, as far as what is kept of its atoms shows it."""
    if type(e) is IntConstant:
        return Knowledge(lower=e.constant, upper=e.constant)
    if type(e) is Sum:
        return _reach_of_sum(facts, e, depth)
    own = facts.known(e)
    if own is None or own.lower == -int_oo or own.upper == int_oo:
        computed = _reach_of_atom(facts, e, depth)
        if computed is not None:
            return computed if own is None else _met(own, computed)
    return NOTHING if own is None else own


def _reach_of_atom(facts: Facts, e: IntExpr, depth: int) -> Knowledge | None:
    if isinstance(e, Product):
        if all(n % 2 == 0 for _, n in e.factors):
            return NATURAL
        if depth > 0 and len(e.factors) <= FACTORS:
            return _product_of(facts, e.factors, depth - 1)
        return None
    if e.op is OPERATORS["Abs"]:
        return NATURAL
    if depth > 0 and e.op is OPERATORS["FloorDiv"] and type(e.args[1]) is IntConstant:
        c = e.args[1].constant
        inner = reach(facts, as_integer(e.args[0]), depth - 1)
        if c > 0 and inner is not NOTHING:
            ends = [
                end if isinstance(end, IntInfinity) else end // c
                for end in (inner.lower, inner.upper)
            ]
            return replaced(NOTHING, ends[0], ends[1], inner.why_lower, inner.why_upper)
    return None


def _reach_of_sum(facts: Facts, e: Sum, depth: int) -> Knowledge:
    f, d = direction(e)
    own = facts.known(d)
    found = NOTHING if own is None else _scaled(own, f, e.constant)
    terms = e.terms()
    if len(terms) > TERMS:
        return found
    spend(len(terms))
    total = Knowledge(lower=e.constant, upper=e.constant)
    for t, c in terms.items():
        part = _scaled(reach(facts, t, depth), c, 0)
        if part.lower == -int_oo and part.upper == int_oo:
            return found
        total = replaced(
            total,
            _plus(total.lower, part.lower),
            _plus(total.upper, part.upper),
            total.why_lower | part.why_lower,
            total.why_upper | part.why_upper,
        )
    return _met(found, total)


def _plus(a: Bound, b: Bound) -> Bound:
    if isinstance(a, IntInfinity):
        return a
    return b if isinstance(b, IntInfinity) else a + b


def _scaled(known: Knowledge, f: int, k: int) -> Knowledge:
    """What is known of d, as the range of ``f*d + k``."""
    low, high = scaled(known.lower, f, k), scaled(known.upper, f, k)
    if f > 0:
        return replaced(NOTHING, low, high, known.why_lower, known.why_upper)
    return replaced(NOTHING, high, low, known.why_upper, known.why_lower)


def _met(a: Knowledge, b: Knowledge) -> Knowledge:
    lower, why_lower = (
        (a.lower, a.why_lower) if a.lower >= b.lower else (b.lower, b.why_lower)
    )
    upper, why_upper = (
        (a.upper, a.why_upper) if a.upper <= b.upper else (b.upper, b.why_upper)
    )
    if lower > upper:
        raise NoValueError(why_lower | why_upper)
    return replaced(a, lower, upper, why_lower, why_upper)


def _product_of(
    facts: Facts, factors: Sequence[tuple[IntExpr, int]], depth: int
) -> Knowledge:
    """The range of a product of powers."""
    total = Knowledge(lower=1, upper=1)
    for base, n in factors:
        part = reach(facts, base, depth)
        if n > 1:
            part = _power(part, n)
        total = _times(total, part)
    return total


def _power(known: Knowledge, n: int) -> Knowledge:
    value = int_ranges.power(int_range(known.lower, known.upper), int_range(n, n))
    lower, upper = value.int_bounds()
    why = known.why_lower | known.why_upper
    return replaced(NOTHING, lower, upper, why, why)


def _times(a: Knowledge, b: Knowledge) -> Knowledge:
    value = int_ranges.mul(int_range(a.lower, a.upper), int_range(b.lower, b.upper))
    lower, upper = value.int_bounds()
    below = a.why_lower | b.why_lower
    above = below | a.why_upper | b.why_upper
    natural = a.lower >= 0 and b.lower >= 0
    return replaced(NOTHING, lower, upper, below if natural else above, above)


# --------------------------------------------------------------------------- operands


def relates_operands(t: IntExpr) -> bool:
    """Whether what an atom says of one operand depends on what is known of the operands."""
    if isinstance(t, Product):
        return len(t.factors) > 1 or t.factors[0][1] % 2 == 0
    name = t.op.name
    if name == "FloorDiv":
        return type(t.args[1]) is not IntConstant
    return name in ("Min", "Max", "Abs", "Where")


def narrowed(facts: Facts, t: IntExpr, known: Knowledge) -> list[Learned]:
    """What the ends of an atom that isn't a symbol say about its operands."""
    if isinstance(t, Product):
        return _of_product(facts, t, known)
    name = t.op.name
    if name == "FloorDiv":
        return _of_quotient(facts, t, known)
    if name == "TruncDiv":
        return _of_truncated(t, known)
    if name == "Abs":
        return _of_size(facts, t.args[0], 1, known)
    if name == "Max":
        return _of_extremum(facts, t, known, 1)
    if name == "Min":
        return _of_extremum(facts, t, known, -1)
    return _of_choice(facts, t, known) if name == "Where" else []


def _bounds(
    e: Expr, lower: Bound, upper: Bound, why_lower: Reasons, why: Reasons
) -> list[Learned]:
    """Both ends of an operand, as far as they are finite."""
    learned: list[Learned] = []
    if not isinstance(lower, IntInfinity):
        learned.append((e, ABOVE, lower, why_lower))
    if not isinstance(upper, IntInfinity):
        learned.append((e, BELOW, upper, why))
    return learned


def _of_quotient(facts: Facts, t: IntExpr, known: Knowledge) -> list[Learned]:
    """``b*q <= a < b*q + b`` for a positive divisor."""
    a, b = t.args
    assert isinstance(b, IntExpr)
    low, high = known.lower, known.upper
    if type(b) is IntConstant:
        c = b.constant
        if c <= 0:
            return []
        ends = scaled(low, c, 0), scaled(high, c, c - 1)
        return _bounds(a, *ends, known.why_lower, known.why_upper)
    by = reach(facts, b)
    if by.lower < 1:
        return []
    sized = by.why_lower | by.why_upper
    learned: list[Learned] = []
    if not isinstance(low, IntInfinity):
        least = by.lower if low >= 0 else by.upper
        if not isinstance(least, IntInfinity):
            learned.append((a, ABOVE, low * least, known.why_lower | sized))
        dividend = reach(facts, as_integer(a))
        above = dividend.upper
        if low >= 1 and not isinstance(above, IntInfinity):
            why = known.why_lower | by.why_lower | dividend.why_upper
            learned.append((b, BELOW, above // low, why))
    if not isinstance(high, IntInfinity):
        most = by.upper if high >= 0 else by.lower
        if not isinstance(most, IntInfinity):
            learned.append((a, BELOW, (high + 1) * most - 1, known.why_upper | sized))
    return learned


def _of_truncated(t: IntExpr, known: Knowledge) -> list[Learned]:
    """What the ends of a quotient that is rounded towards 0 say, for a positive divisor."""
    c = t.args[1].constant if type(t.args[1]) is IntConstant else 0
    if c < 1:
        return []
    low, high = known.lower, known.upper
    # q >= 1 implies a >= c*q, a smaller q only a >= c*q - (c - 1); and so on upwards
    least = scaled(low, c, 0 if low > 0 else 1 - c)
    most = scaled(high, c, 0 if high < 0 else c - 1)
    return _bounds(t.args[0], least, most, known.why_lower, known.why_upper)


def _of_size(facts: Facts, x: Expr, n: int, known: Knowledge) -> list[Learned]:
    """What the ends of ``abs(x)**n`` say about x: its size lies between their roots."""
    learned: list[Learned] = []
    upper, lower = known.upper, known.lower
    if not isinstance(upper, IntInfinity):
        if upper < 0:
            raise NoValueError(known.why_upper)
        most = _root(upper, n)
        if not isinstance(lower, IntInfinity) and lower > most**n:
            raise NoValueError(known.why_lower | known.why_upper)
        learned += [(x, BELOW, most, known.why_upper), (x, ABOVE, -most, known.why_upper)]
    if isinstance(lower, IntInfinity) or lower <= 0 or not isinstance(x, IntExpr):
        return learned
    least = _root(lower - 1, n) + 1
    own = reach(facts, x)
    if own.lower > -least:
        learned.append((x, ABOVE, least, known.why_lower | own.why_lower))
    elif own.upper < least:
        learned.append((x, BELOW, -least, known.why_lower | own.why_upper))
    elif 2 * least - 1 <= DIVISORS:
        learned += [(x, UNEQUAL, k, known.why_lower) for k in range(1 - least, least)]
    else:
        learned.append((x, UNEQUAL, 0, known.why_lower))
    return learned


def _of_extremum(facts: Facts, t: IntExpr, known: Knowledge, sign: int) -> list[Learned]:
    """A maximum (sign 1; a minimum is one of opposites): no operand is above it, and the only
    operand that reaches its lower end is not below that."""
    far, near = (known.upper, known.lower) if sign > 0 else (known.lower, known.upper)
    why_far, why = known.why_upper, known.why_lower
    if sign < 0:
        why_far, why = why, why_far
    learned: list[Learned] = []
    if not isinstance(far, IntInfinity):
        learned += [(e, BELOW if sign > 0 else ABOVE, far, why_far) for e in t.args]
    if isinstance(near, IntInfinity):
        return learned
    able: list[Expr] = []
    for e in t.args:
        own = reach(facts, as_integer(e))
        if (own.upper >= near) if sign > 0 else (own.lower <= near):
            able.append(e)
        else:
            why = why | (own.why_upper if sign > 0 else own.why_lower)
    if len(able) <= 1:
        learned += [(e, ABOVE if sign > 0 else BELOW, near, why) for e in able or t.args]
    return learned


def _of_choice(facts: Facts, t: IntExpr, known: Knowledge) -> list[Learned]:
    """``Where(p, a, b)``: the arm that cannot have the value is not chosen."""
    p, a, b = t.args
    assert isinstance(p, BoolExpr)
    why = _out_of_reach(facts, a, known) or refuted(facts, p)
    if why is not None:
        return [(negation(p), HOLDS, 0, why), *_as_known(b, known, why)]
    why = _out_of_reach(facts, b, known) or refuted(facts, negation(p))
    if why is not None:
        return [(p, HOLDS, 0, why), *_as_known(a, known, why)]
    return []


def _as_known(e: Expr, known: Knowledge, why: Reasons) -> list[Learned]:
    return _bounds(e, known.lower, known.upper, known.why_lower | why, known.why_upper | why)


def _out_of_reach(facts: Facts, e: Expr, known: Knowledge) -> Reasons | None:
    """Why an expression cannot have a value between these ends; None if it may."""
    own = reach(facts, as_integer(e))
    if own.lower > known.upper:
        return own.why_lower | known.why_upper
    if own.upper < known.lower:
        return own.why_upper | known.why_lower
    return None


def refuted(facts: Facts, p: BoolExpr) -> Reasons | None:
    """Why a condition cannot hold, if ranges or a stated denial show that."""
    e = p.args[0] if p.args else None
    if isinstance(e, IntExpr) and p.op in (LE_ZERO, EQ_ZERO, NE_ZERO):
        own = reach(facts, e)
        if p.op is LE_ZERO:
            return own.why_lower if own.lower > 0 else None
        if p.op is EQ_ZERO and own.lower > 0:
            return own.why_lower
        if p.op is EQ_ZERO and own.upper < 0:
            return own.why_upper
        if p.op is NE_ZERO and own.lower == 0 == own.upper:
            return own.why_lower | own.why_upper
    return facts.holds(negation(p)) if p.op is not OPERATORS["And"] else None


# --------------------------------------------------------------------------- products


def _of_product(facts: Facts, t: Product, known: Knowledge) -> list[Learned]:
    """What is left for each factor by the ranges of the others."""
    if len(t.factors) > FACTORS:
        return []
    if known.lower == 0 == known.upper:
        return []
    learned: list[Learned] = []
    for base, n in t.factors:
        others = [factor for factor in t.factors if factor[0] is not base]
        left = _left_for(known, _product_of(facts, others, DEPTH - 1)) if others else known
        if n % 2:
            learned += _bounds(base, *_roots(left, n), left.why_lower, left.why_upper)
        else:
            learned += _of_size(facts, base, n, left)
        if others and (known.lower > 0 or known.upper < 0):
            why = known.why_lower if known.lower > 0 else known.why_upper
            learned.append((base, UNEQUAL, 0, why))
        if known.lower == known.upper and isinstance(base, IntAtom):
            learned += _divisors(facts, base, n, known)
    return learned


def _roots(left: Knowledge, n: int) -> tuple[Bound, Bound]:
    """The ends of x for those of ``x**n``, n being odd."""
    lower, upper = left.lower, left.upper
    return (
        lower if isinstance(lower, IntInfinity) else -_root(-lower, n),
        upper if isinstance(upper, IntInfinity) else _root(upper, n),
    )


def _left_for(product: Knowledge, others: Knowledge) -> Knowledge:
    """The range of y, from those of ``y*o`` and o."""
    if others.upper <= 0:
        others, product = _scaled(others, -1, 0), _scaled(product, -1, 0)
    p_low, p_high, low, high = product.lower, product.upper, others.lower, others.upper
    never_zero = p_low > 0 or p_high < 0
    if low < 0:
        # |o| >= 1, so y is no farther from 0 than the product.
        if isinstance(p_low, IntInfinity) or isinstance(p_high, IntInfinity) or not never_zero:
            return NOTHING
        most = max(abs(p_low), abs(p_high))
        why = product.why_lower | product.why_upper
        return replaced(NOTHING, -most, most, why, why)
    if high < 1 or (low == 0 and not never_zero):
        return NOTHING
    # o >= 1: where it may be 0, the product may not
    least = max(low, 1)
    signed = others.why_lower
    if low == 0:
        signed = signed | (product.why_lower if p_low > 0 else product.why_upper)
    lower: Bound = -int_oo
    upper: Bound = int_oo
    why_lower, why_upper = product.why_lower | signed, product.why_upper | signed
    if not isinstance(p_high, IntInfinity):
        upper, why_upper = _quotient_end(p_high, least, high, others, why_upper)
    if not isinstance(p_low, IntInfinity):
        lower, why_lower = _quotient_end(-p_low, least, high, others, why_lower)
        lower = -lower
    return replaced(NOTHING, lower, upper, why_lower, why_upper)


def _quotient_end(
    most: int, least: Bound, high: Bound, others: Knowledge, why: Reasons
) -> tuple[Bound, Reasons]:
    """The greatest y with ``y*o <= most`` for some o between `least` (>= 1) and `high`."""
    assert not isinstance(least, IntInfinity)
    if most >= 0:
        return most // least, why
    if isinstance(high, IntInfinity):
        return -1, why
    return most // high, why | others.why_upper


def _divisors(facts: Facts, x: IntExpr, n: int, known: Knowledge) -> list[Learned]:
    """``x**n`` divides a product of one value: what does not is excluded, near the ends."""
    value = known.lower
    assert not isinstance(value, IntInfinity)
    own = reach(facts, x)
    low, high = own.lower, own.upper
    if isinstance(low, IntInfinity) or isinstance(high, IntInfinity) or high < low:
        return []
    if high - low <= DIVISORS:
        near = list(range(low, high + 1))
    else:
        near = [*range(low, low + DIVISORS // 2), *range(high, high - DIVISORS // 2, -1)]
    why = known.why_lower | known.why_upper
    return [(x, UNEQUAL, k, why) for k in near if k and not _divides(k, n, value)]


def _divides(k: int, n: int, value: int) -> bool:
    """Whether ``k**n`` divides a value. (A power of more bits than the value has is not
    computed.)"""
    if value and (abs(k).bit_length() - 1) * n > value.bit_length():
        return False
    return value == 0 or value % k**n == 0


def _root(value: int, n: int) -> int:
    """The greatest integer whose n-th power is at most the value (which is negative for an
    odd n only), by bisection."""
    if value < 0:
        near = -_root(-value, n)
        return near if near**n == value else near - 1
    if n == 1:
        return value
    if n == 2:
        return isqrt(value)
    low, high = 0, 1 << (value.bit_length() // n + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**n <= value else (low, middle)
    return low
