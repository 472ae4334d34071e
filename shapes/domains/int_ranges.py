"""Transfer functions of the integer operators on ranges.

Each one returns the hull of the values that its operator reaches on the box of its operands,
and is built from the property that makes this true: a function that is monotone in every
argument takes its extremes at corners, so divisors are split by sign, bases of powers into
negative, zero and positive, until what is left is monotone. `%` is not monotone on any
useful piece; it is linear where the quotient is constant, and divisors or quotients are
enumerated while there are few.

Guarantees: exact hulls (both ends are reached, or the values are unbounded on that side)
except where a docstring says otherwise; integers only, never through a float; operands
without a defined result (a zero divisor, a negative exponent) are left out, and an operator
that is defined nowhere on the box gives every integer. Bool operands count as 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from shapes.base.budget import LARGEST_BITS, WORD, spend, weight
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains.value_ranges import ValueRanges, int_ends, int_range

__all__ = [
    "absolute",
    "add",
    "ceildiv",
    "cleandiv",
    "floordiv",
    "gcd",
    "linear",
    "maximum",
    "minimum",
    "mod",
    "mul",
    "neg",
    "power",
    "sub",
    "truncdiv",
    "truncmod",
]

Ends = tuple[Bound, Bound]

_MINUS_OO: Final = -int_oo
_DIVISORS = 64
"""As many divisors are looked at one by one."""
_QUOTIENTS = 64
"""As many quotients are looked at one by one."""
_POWER_BITS: Final = 4096

_LARGE: Final = 1 << WORD
_LARGEST: Final = pow(2, LARGEST_BITS)  # (mypyc would write out a folded constant)
"""Powers with more bits are not computed."""


def hull(parts: Iterable[Ends | None]) -> ValueRanges:
    """The smallest range that includes all the parts; every integer if there are none."""
    lower: Bound = int_oo
    upper: Bound = _MINUS_OO
    for part in parts:
        if part is not None:
            lower = min(lower, part[0])
            upper = max(upper, part[1])
    return ValueRanges.unknown_int() if lower is int_oo else int_range(lower, upper)


def _negated(ends: Ends) -> Ends:
    return -ends[1], -ends[0]


# ---- sums: increasing or decreasing in every argument ----


def linear(
    const: int, coefficients: Sequence[int], values: Sequence[ValueRanges]
) -> ValueRanges:
    """`const + sum(c * v)`: monotone in each v, in the direction of the sign of its c."""
    lower = upper = const
    open_below = open_above = False
    for c, value in zip(coefficients, values):
        low, high = value.lower, value.upper
        if c < 0:
            low, high = high, low
        elif c == 0:
            continue
        if type(low) is int:
            lower += c * low
        elif isinstance(low, IntInfinity):
            open_below = True
        else:
            lower += c * _truth(value, low)
        if type(high) is int:
            upper += c * high
        elif isinstance(high, IntInfinity):
            open_above = True
        else:
            upper += c * _truth(value, high)
    return int_range(_MINUS_OO if open_below else lower, int_oo if open_above else upper)


def _truth(value: ValueRanges, end: object) -> int:
    """An end of a bool range as 0 or 1; raises `RangeError` for a float's."""
    int_ends(value)
    return 1 if end else 0


def add(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a + b`: increasing in both."""
    al, au, bl, bu = a.lower, a.upper, b.lower, b.upper
    if type(al) is int and type(au) is int and type(bl) is int and type(bu) is int:
        return int_range(al + bl, au + bu)
    return linear(0, (1, 1), (a, b))


def sub(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a - b`: increasing in a, decreasing in b."""
    return linear(0, (1, -1), (a, b))


def neg(a: ValueRanges) -> ValueRanges:
    """`-a`: decreasing."""
    lower, upper = int_ends(a)
    return int_range(-upper, -lower)


# ---- products: monotone in each argument while the other is fixed ----


def mul(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a * b`: for a fixed factor linear in the other, so the extremes are at corners.

    A corner `0 * int_oo` is 0: the limit end stands for ever larger integers, and each of
    them times 0 is 0.
    """
    al, au, bl, bu = a.lower, a.upper, b.lower, b.upper
    if type(al) is int and type(au) is int and type(bl) is int and type(bu) is int:
        if al >= 0 and bl >= 0:
            lower, upper = al * bl, au * bu
        else:
            corners = (al * bl, al * bu, au * bl, au * bu)
            lower, upper = min(corners), max(corners)
        if lower > -_LARGE and upper < _LARGE:
            return int_range(lower, upper)
        return _bounded(lower, upper)
    products = [_product(x, y) for x in int_ends(a) for y in int_ends(b)]
    return int_range(min(products), max(products))


def _bounded(lower: int, upper: int) -> ValueRanges:
    """A range with large ends, of which those go that have too many bits."""
    spend(weight(lower.bit_length()) + weight(upper.bit_length()))
    low: Bound = max(lower, -_LARGEST) if lower >= -_LARGEST else -int_oo
    high: Bound = min(upper, _LARGEST) if upper <= _LARGEST else int_oo
    return int_range(min(low, _LARGEST), max(high, -_LARGEST))


def _product(x: Bound, y: Bound) -> Bound:
    return 0 if x == 0 or y == 0 else x * y


# ---- quotients: split by the sign of the divisor, then monotone ----


def _positive(ends: Ends) -> Ends | None:
    """The part of a range from 1 on."""
    lower, upper = ends
    return None if upper < 1 else (max(lower, 1), upper)


def _divisions(a: ValueRanges, b: ValueRanges) -> Iterator[tuple[Ends, Ends]]:
    """`(x, y)` with positive divisors y, such that x / y are all the quotients of a by b.

    A negative divisor y stands for (-x) / (-y), which is the same number; 0 is left out.
    """
    dividend, divisor = int_ends(a), int_ends(b)
    positive = _positive(divisor)
    if positive is not None:
        yield dividend, positive
    negative = _positive(_negated(divisor))
    if negative is not None:
        yield _negated(dividend), negative


def _floor(x: int, y: Bound) -> int:
    """`x // y` for y > 0, and its limit for an infinite y."""
    if isinstance(y, IntInfinity):
        return -1 if x < 0 else 0
    return x // y


def _ceil(x: int, y: Bound) -> int:
    return -_floor(-x, y)


def _trunc(x: int, y: Bound) -> int:
    return _floor(x, y) if x >= 0 else -_floor(-x, y)


Rounding = Callable[[int, Bound], int]


def _quotients(x: Ends, y: Ends, low: Rounding, high: Rounding) -> Ends | None:
    """Rounded quotients by positive divisors: coordinatewise monotone.

    x / y increases with x. In y it falls to 0 for x >= 0 and rises to 0 for x < 0. Rounding
    keeps the order. So the smallest quotient is that of the lower x, by the largest y if it
    is not negative, else by the smallest; the largest quotient mirrors it.
    """
    lower, upper = x
    least, most = y
    first: Bound = _MINUS_OO
    last: Bound = int_oo
    if not isinstance(lower, IntInfinity):
        first = low(lower, most if lower >= 0 else least)
    if not isinstance(upper, IntInfinity):
        last = high(upper, least if upper >= 0 else most)
    return None if first > last else (first, last)


def floordiv(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a // b`, rounded down, for b != 0."""
    divisor = b.lower
    if type(divisor) is int and divisor > 0 and divisor == b.upper:
        lower, upper = a.lower, a.upper
        if type(lower) is int and type(upper) is int:
            return int_range(lower // divisor, upper // divisor)
    return hull(_quotients(x, y, _floor, _floor) for x, y in _divisions(a, b))


def ceildiv(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`-((-a) // b)`, rounded up, for b != 0."""
    return hull(_quotients(x, y, _ceil, _ceil) for x, y in _divisions(a, b))


def truncdiv(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """a / b rounded to zero, for b != 0."""
    return hull(_quotients(x, y, _trunc, _trunc) for x, y in _divisions(a, b))


def cleandiv(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a // b` where b divides a, so that ends round inwards.

    Exact for at most 64 divisors of either sign; for more the ends may not be reached.
    """
    return hull(
        _quotients(x, divisors, _ceil, _floor)
        for x, y in _divisions(a, b)
        for divisors in _one_by_one(y)
    )


def _one_by_one(y: Ends) -> Iterator[Ends]:
    """The single divisors if they are few, else all together."""
    least, most = y
    assert not isinstance(least, IntInfinity)  # at least 1
    if isinstance(most, IntInfinity) or most - least >= _DIVISORS:
        yield y
        return
    for divisor in range(least, most + 1):
        yield divisor, divisor


# ---- remainders: linear while the quotient is constant ----


def mod(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a % b` with the sign of b, for b != 0.

    Exact while there are at most 64 divisors or 64 quotients of either sign, and for
    infinite ends; beyond that 0 and the largest possible remainder may not be reached.
    """
    dividend, divisor = int_ends(a), int_ends(b)
    parts: list[Ends] = []
    positive = _positive(divisor)
    if positive is not None:
        parts.append(_remainders(dividend, positive))
    negative = _positive(_negated(divisor))
    if negative is not None:
        # x % -y == -(-x % y)
        parts.append(_negated(_remainders(_negated(dividend), negative)))
    return hull(parts)


def gcd(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """The greatest common divisor: at most the size of an operand that is not 0, and then at
    least 1. Not the exact hull."""
    sizes = int_ends(absolute(a)), int_ends(absolute(b))
    for (_, high), other in zip(sizes, (b, a)):
        if high == 0:
            return absolute(other)
    nonzero = [high for low, high in sizes if low > 0]
    most = min(nonzero) if nonzero else max(high for _, high in sizes)
    return int_range(1 if nonzero else 0, most)


def truncmod(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a - b * truncdiv(a, b)`, the remainder with the sign of a, for b != 0.

    As exact as `mod`: on each side of 0 it is the plain remainder of |a| by |b|.
    """
    dividend = int_ends(a)
    divisor = _positive(int_ends(absolute(b)))
    if divisor is None:
        return ValueRanges.unknown_int()
    parts: list[Ends] = []
    if dividend[1] >= 0:
        parts.append(_remainders((max(dividend[0], 0), dividend[1]), divisor))
    if dividend[0] < 0:
        mirrored = max(-dividend[1], 1), -dividend[0]
        parts.append(_negated(_remainders(mirrored, divisor)))
    return hull(parts)


def _remainders(x: Ends, y: Ends) -> Ends:
    """The hull of x % y for positive divisors."""
    lower, upper = x
    least, most = y
    if lower >= 0 and upper < least:
        return x  # every dividend is its own remainder
    if isinstance(lower, IntInfinity) or isinstance(upper, IntInfinity):
        return 0, most - 1  # all the remainders of every divisor
    assert not isinstance(least, IntInfinity)  # a positive lower end
    if isinstance(most, IntInfinity):
        if lower < 0:
            return _remainders_of_negative(lower, upper, least), int_oo
        most = upper + 1  # larger divisors leave each dividend as it is, like this one
    count = upper - lower + 1
    if least > count:
        return _few_remainders(lower, upper, least, most)
    # So many dividends have all the remainders of every divisor up to their count, and
    # by count + 1 they have at least one of count - 1 and count.
    if most <= count:
        return 0, most - 1
    return 0, _few_remainders(lower, upper, count + 1, most)[1]


def _few_remainders(lower: int, upper: int, least: int, most: int) -> tuple[int, int]:
    """Remainders of fewer dividends than any divisor: enumerate what is fewer still."""
    if most - least < _DIVISORS:
        parts = [_remainders_by(lower, upper, y) for y in range(least, most + 1)]
        return min(part[0] for part in parts), max(part[1] for part in parts)
    return _remainders_by_quotient(lower, upper, least, most)


def _remainders_of_negative(lower: int, upper: int, least: int) -> int:
    """The smallest remainder of `lower..upper`, lower < 0, by all divisors >= least.

    It is 0 if 0 is a dividend or -lower is a divisor. Else every divisor is above every
    |x|, and x % y = x + y.
    """
    return 0 if upper >= 0 or -lower >= least else lower + least


def _remainders_by(lower: int, upper: int, divisor: int) -> tuple[int, int]:
    """x % divisor for fewer dividends: from 0 to divisor - 1 if they wrap around."""
    first, last = lower % divisor, upper % divisor
    return (first, last) if first <= last else (0, divisor - 1)


def _remainders_by_quotient(lower: int, upper: int, least: int, most: int) -> tuple[int, int]:
    """For a constant quotient q the remainder is x - q*y, linear in both: ends at corners."""
    first = lower // (most if lower >= 0 else least)
    last = upper // (least if upper >= 0 else most)
    if last - first >= _QUOTIENTS:
        return 0, min(most - 1, upper) if lower >= 0 else most - 1
    smallest, largest = most, -1
    for q in range(first, last + 1):
        found = _remainders_at(q, lower, upper, least, most)
        if found is not None:
            smallest = min(smallest, found[0])
            largest = max(largest, found[1])
    return smallest, largest


def _remainders_at(
    q: int, lower: int, upper: int, least: int, most: int
) -> tuple[int, int] | None:
    """The hull of x - q*y over x in lower..upper, y in least..most with x // y == q.

    A divisor y has such an x just if q*y <= upper and (q+1)*y > lower; these y are an
    interval. For one of them the remainders are max(0, lower - q*y) .. min(y-1, upper - q*y).
    The first is monotone in y. The second grows by 1 until the two lines cross, at
    y = (upper+1)/(q+1), and falls by q from there: the last integer before that is best.
    """
    if q > 0:
        most = min(most, upper // q)
    elif q < 0:
        least = max(least, -(upper // -q))
    elif upper < 0:
        return None
    if q >= 0:
        least = max(least, -(-(lower + 1) // (q + 1)))
    elif q < -1:
        most = min(most, -(lower + 1) // -(q + 1))
    elif lower >= 0:
        return None
    if least > most:
        return None
    smallest = max(0, lower - q * (most if q >= 0 else least))
    if q <= 0:
        return smallest, min(most - 1, upper - q * most)
    crossing = min(max((upper + 1) // (q + 1), least), most)
    return smallest, min(crossing - 1, upper - q * crossing)


# ---- powers: split by the sign of the base and, below 0, the parity of the exponent ----


def power(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a ** b` for b >= 0, with 0**0 == 1.

    Exact up to about 4096 bits; larger upper ends become `int_oo`, larger lower ends a
    smaller power of two (mirrored below 0).
    """
    least, most = int_ends(b)
    if most < 0:
        return ValueRanges.unknown_int()
    exponents = max(least, 0), most
    lower, upper = int_ends(a)
    parts: list[Ends | None] = []
    if upper > 0:
        parts.append(_powers((max(lower, 1), upper), exponents))
    if lower <= 0 <= upper:
        # 0**0 == 1, every other power of 0 is 0
        parts.append((int(most == 0), int(exponents[0] == 0)))
    if lower < 0:
        magnitudes = max(-upper, 1), -lower
        parts.append(_powers(magnitudes, _of_parity(exponents, 0)))
        odd = _powers(magnitudes, _of_parity(exponents, 1))
        parts.append(None if odd is None else _negated(odd))
    return hull(parts)


def _of_parity(exponents: Ends, parity: int) -> Ends | None:
    """The first and the last even (odd) exponent in a range from 0 on."""
    least, most = exponents
    assert not isinstance(least, IntInfinity)  # at least 0
    first = least + (least - parity) % 2
    last = most if isinstance(most, IntInfinity) else most - (most - parity) % 2
    return None if first > last else (first, last)


def _powers(bases: Ends, exponents: Ends | None) -> Ends | None:
    """Powers of bases >= 1: increasing in the base and in the exponent."""
    if exponents is None:
        return None
    low, high = bases[0], bases[1]
    assert not isinstance(low, IntInfinity)  # at least 1
    assert not isinstance(exponents[0], IntInfinity)  # at least 0
    return _power_floor(low, exponents[0]), _power_ceiling(high, exponents[1])


def _power_ceiling(base: Bound, exponent: Bound) -> Bound:
    """base ** exponent for base >= 1, or `int_oo` if it is too large to compute."""
    if exponent == 0 or base == 1:
        return 1
    if isinstance(base, IntInfinity) or isinstance(exponent, IntInfinity):
        return int_oo
    if exponent > 1 and base.bit_length() * exponent > _POWER_BITS:
        return int_oo
    return int(base**exponent)


def _power_floor(base: int, exponent: int) -> int:
    """base ** exponent for base >= 1, or a smaller number if it is too large to compute."""
    bits = base.bit_length()
    if exponent > 1 and base > 1 and bits * exponent > _POWER_BITS:
        # base >= 2**(bits-1)
        return int(1 << min((bits - 1) * exponent, _POWER_BITS))
    return int(base**exponent)


# ---- absolute value, smallest, largest ----


def absolute(a: ValueRanges) -> ValueRanges:
    """`abs(a)`: decreasing below 0, increasing above."""
    lower, upper = int_ends(a)
    if lower >= 0:
        return int_range(lower, upper)
    if upper <= 0:
        return int_range(-upper, -lower)
    return int_range(0, max(-lower, upper))


def minimum(*args: ValueRanges) -> ValueRanges:
    """The smallest argument: increasing in each."""
    ends = [int_ends(arg) for arg in args]
    return int_range(min(low for low, _ in ends), min(high for _, high in ends))


def maximum(*args: ValueRanges) -> ValueRanges:
    """The largest argument: increasing in each."""
    ends = [int_ends(arg) for arg in args]
    return int_range(max(low for low, _ in ends), max(high for _, high in ends))
