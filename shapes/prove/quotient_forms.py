"""Sums of quotients by numbers, written in one way (for `choice_forms`).

A quotient of a sum in which another one is a term is one quotient, ``(x//3 + y) // 2`` is
``(x + 3*y) // 6``; its numerator has small coefficients, and of it and its opposite the one is
kept that is less in the order of coefficients. Of the two halves ``x // 2k`` and
``(x + k) // 2k`` of ``x // k`` and their sum, no more than two are terms of a sum. A quotient
of remainders that stay between two multiples of its divisor is a number, one of a step
function is a step function.

Sources: Graham, Knuth, Patashnik, Concrete Mathematics, 1994, chapter 3 (nested floors;
Hermite's identity for two parts).
Guarantees: every step is an identity of all integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from shapes.base.budget import spend
from shapes.expr.integers import floor_division
from shapes.expr.linear import leading_sign, scale, shift
from shapes.expr.nodes import (
    OPERATORS,
    IntConstant,
    IntExpr,
    Sum,
    birth_of,
    combine,
    constant,
    from_terms,
    int_operands,
)
from shapes.expr.remainders import may_hide_remainder, parts
from shapes.expr.remainders import whole as whole_of

__all__ = ["divided", "first", "halves", "in_order", "number_of", "quotient_of_sum"]

PERIODS: Final = (3, 4, 6)
"""Numbers, above 2, modulo which the only units are 1 and -1: quotients of multiples of u by
them are quotients of u."""

_QUOTIENT: Final = OPERATORS["FloorDiv"]
_REMAINDER: Final = OPERATORS["Mod"]
_ZERO: Final = constant(0)


def quotient_of_sum(x: IntExpr, k: int) -> IntExpr:
    """``x // k`` with small coefficients: ``(3*z + 5) // 4`` as ``z + 1 - (z + 2) // 4``. Of
    that and the opposite of the same for -x, rounded up, the one that is less in the order of
    coefficients. Quotients that are terms of x are made part of this one first."""
    sign, found, outside = 1, None, _ZERO
    for t in x.terms():
        if t.op is _QUOTIENT:
            settled = _settled(x, k)
            if settled is None:
                settled = _of_steps(x, k)
            if settled is not None:
                return settled
            x = halves(x)
            found = _innermost(x)
            if found is None:
                outside, x = _nearest(x, k)
                found = _innermost(x)
            break
    while found is not None:
        term, u, m = found
        c = x.terms()[term]
        rest = combine(1, x, -c, term)
        if c > 0:  # ``(rest + u//m) // k = (m*rest + u) // (m*k)``
            x = combine(m, rest, 1, u)
        else:  # rounded up: ``-((u//m - rest + k - 1) // k)``
            x, sign = combine(-m, rest, 1, u, m * (k - 1)), -sign
        k *= m
        found = _innermost(x)
    whole, rest = _nearest(x, k)
    if k % 2 == 0 and k // 2 in rest.terms().values():
        # (Of others the sign of a quotient's numerator is the kernel's to choose.)
        opposite, other = _nearest(shift(scale(-1, x), k - 1), k)
        if first([rest, other]) is other:
            whole, rest, sign = opposite, other, -sign
    made = combine(sign, whole, sign, floor_division(rest, constant(k)))
    return made if outside is _ZERO else combine(1, made, 1, outside)


def _settled(x: IntExpr, k: int) -> IntExpr | None:
    """``x // k`` where all that is no multiple of k are remainders by numbers, which together
    stay between two multiples of k: ``(y % 2 + 2) // 4`` is 0."""
    if not isinstance(x, Sum) or not may_hide_remainder(x.terms()):
        return None
    low, operands, coefficients = parts(x)
    spend(len(operands))
    high, made = low, constant(0)
    for operand, c in zip(operands, coefficients):
        m = number_of(operand) if operand.op is _REMAINDER else 0
        if c % k == 0:
            made = combine(1, made, c // k, whole_of(operand))
        elif m < 1:
            return None
        elif c > 0:
            high += c * (m - 1)
        else:
            low += c * (m - 1)
    return shift(made, low // k) if low // k == high // k else None


def _innermost(x: IntExpr) -> tuple[IntExpr, IntExpr, int] | None:
    """The term of a sum, once or less once, that is a quotient u//m of which all other such
    terms are part: the term, u and m."""
    quotients = [t for t in x.terms() if t.op is _QUOTIENT and number_of(t) > 1]
    single = [t for t in quotients if abs(x.terms()[t]) == 1]
    for term in single:
        u, m = int_operands(term)[0], number_of(term)
        if all(t is term or t in u.terms() or _parted(t, u, m) for t in single):
            parts = [one for one in (_parted(t, u, m) for t in quotients) if one is not None]
            return (term, *min(parts, key=lambda part: part[1], default=(u, m)))
    return None


def _parted(quotient: IntExpr, u: IntExpr, m: int) -> tuple[IntExpr, int] | None:
    """``u//m`` as a quotient of another one: ``(x + 2*n)//m`` as ``(x//n + 2) // (m//n)``."""
    n = number_of(quotient)
    shifted = combine(1, u, -1, int_operands(quotient)[0])
    if m % n or m == n or type(shifted) is not IntConstant or shifted.constant % n:
        return None
    return shift(quotient, shifted.constant // n), m // n


def number_of(quotient: IntExpr) -> int:
    """The number that a quotient divides by; 0 if it is none."""
    divisor = int_operands(quotient)[1]
    return divisor.constant if type(divisor) is IntConstant else 0


def _nearest(x: IntExpr, k: int) -> tuple[IntExpr, IntExpr]:
    """``x = k*whole + rest`` with coefficients of the rest above -k/2 and up to k/2, and its
    constant below k."""
    terms = x.terms()
    if all(-k < 2 * c <= k for c in terms.values()):
        whole = constant(x.constant // k)
        return whole, shift(x, -k * whole.constant)
    nearest = {t: -((k // 2 - c) // k) for t, c in terms.items()}
    made = from_terms({t: c for t, c in nearest.items() if c}, x.constant // k)
    return made, combine(1, x, -k, made)


def halves(e: IntExpr) -> IntExpr:
    """A sum in which ``(x + k) // 2k`` is ``x // k - x // 2k`` where one of these is a term
    too, and these two are that one where they are all there is."""
    quotients = [t for t in e.terms() if t.op is _QUOTIENT]
    spend(1 + len(quotients))
    if len(quotients) < 2:
        return e
    numbers = [number_of(t) for t in quotients]
    for half, m in zip(quotients, numbers):
        if m < 4 or m % 2 or (m // 2 not in numbers and numbers.count(m) < 2):
            continue
        x = int_operands(half)[0]
        if x.constant >= m // 2:
            x = shift(x, -(m // 2))
        whole, low, high = divided(x, m // 2), divided(x, m), divided(shift(x, m // 2), m)
        a, b, c = (e.terms().get(part, 0) for part in (whole, low, high))
        if c and not a and not b:
            continue
        times = c if a + b else -a
        if times and whole.op is low.op is high.op is _QUOTIENT:
            change = combine(1, combine(1, whole, -1, low), -1, high)
            return halves(combine(1, e, times, change))
    return _fewest_steps(e, quotients, numbers)


def _fewest_steps(e: IntExpr, quotients: Sequence[IntExpr], numbers: Sequence[int]) -> IntExpr:
    """A sum in which of the k quotients ``(u + i) // k``, whose sum is u, as few as possible
    are terms."""
    for k in PERIODS:
        if numbers.count(k) < 2:
            continue
        groups: dict[IntExpr, list[IntExpr]] = {}
        for t, m in zip(quotients, numbers):
            if m == k:
                groups.setdefault(_direction(int_operands(t)[0]), []).append(t)
        for u, group in groups.items():
            if len(group) > 1:
                found = _steps(e, group, u, k)
                if found is not None:
                    e = combine(1, found[0], 1, _written(u, found[1]))
    return e


def _of_steps(x: IntExpr, k: int) -> IntExpr | None:
    """``x // k`` where all that is no multiple of k are a multiple of a sum u and quotients
    ``(u + i) // m``, which grow by a multiple of k while u grows by m: these again. So
    ``(u + u//3) // 2`` is ``u//3 + (u + 1)//3``."""
    terms = x.terms()
    group = [t for t in terms if t.op is _QUOTIENT and terms[t] % k]
    m = number_of(group[0]) if group else 0
    if m not in PERIODS:
        return None
    u = _direction(int_operands(group[0])[0])
    found = _steps(x, group, u, m)
    if found is None:
        return None
    rest, counts = found
    lead, c = next(iter(u.terms().items()))
    times = rest.terms().get(lead, 0) // c
    rest = combine(1, rest, -times, u)
    growth = times * m + sum(counts)
    if growth % k or any(c % k for c in rest.terms().values()):
        return None
    values = [
        times * r + sum([n * ((r + i) // m) for i, n in enumerate(counts)]) + rest.constant
        for r in range(m)
    ]
    values = [value // k for value in values]
    # The value for u is that for 0 and a step at every remainder.
    before = values[-1] - growth // k
    made = [0] * m
    for r, value in enumerate(values):
        made[-r % m] = value - before
        before = value
    whole = from_terms({t: c // k for t, c in rest.terms().items()}, values[0])
    return combine(1, whole, 1, _written(u, made))


def _direction(x: IntExpr) -> IntExpr:
    return shift(x, -x.constant)


def _steps(
    e: IntExpr, group: Sequence[IntExpr], u: IntExpr, k: int
) -> tuple[IntExpr, list[int]] | None:
    """How often each of ``(u + i) // k`` is a term of a sum (one that was may have cancelled
    since), and what else is; None if other quotients are in the group."""
    counts = [0] * k
    rest = e
    for t in group:
        x, c = int_operands(t)[0], e.terms().get(t, 0)
        if number_of(t) != k or not 0 <= x.constant < k or _direction(x) is not u:
            return None
        counts[x.constant] = c
        rest = combine(1, rest, -c, t)
    return rest, counts


def _written(u: IntExpr, counts: Sequence[int]) -> IntExpr:
    """``(u + i) // k`` so many times each, with as few of them as possible."""
    k = len(counts)

    def place(times: int) -> tuple[int, int, tuple[int, ...]]:
        left = tuple([n - times for n in counts])
        return -left.count(0), sum(map(abs, left)), left

    times = min(dict.fromkeys(counts), key=place)
    total = scale(times, u)
    for i, n in enumerate(counts):
        if n != times:
            total = combine(1, total, n - times, divided(shift(u, i), k))
    return total


def divided(e: IntExpr, g: int) -> IntExpr:
    """``e // g`` for g >= 1."""
    return floor_division(e, constant(g)) if g > 1 else e


def first(operands: Sequence[IntExpr]) -> IntExpr:
    """The least in the order of coefficients."""
    least = operands[0]
    for x in operands[1:]:
        difference = combine(1, x, -1, least)
        terms = difference.terms()
        if (leading_sign(terms) if terms else difference.constant) < 0:
            least = x
    return least


def in_order(operands: Iterable[IntExpr]) -> list[IntExpr]:
    """In the order of coefficients, oldest terms first, which stays the same when something
    is added to all operands."""
    given = list(operands)
    ordered = sorted(dict.fromkeys(t for x in given for t in x.terms()), key=birth_of)

    def place(x: IntExpr) -> tuple[int, ...]:
        terms = x.terms()
        return (*(terms.get(t, 0) for t in ordered), x.constant)

    spend(len(ordered) * len(given))
    return sorted(given, key=place)
