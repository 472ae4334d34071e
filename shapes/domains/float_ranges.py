"""Transfer functions of the float operators on ranges, sound for IEEE doubles.

The idea: rounding to nearest keeps the order, so a correctly rounded operation is monotone
wherever the real one is, and takes its extremes at corners. The places where this breaks
(the infinities, 0 as a factor) are made pieces of their own: an operand is looked at in its
ends and in the floats next to 0 and to the infinities (`_landmarks`), among which are the
ends of all its pieces. A NaN there says that NaN is possible, and is not a value.

Library functions (`exp`, `sin`, ...) are not correctly rounded; their results are widened by
a few units in the last place, but not past what mathematics allows.

Guarantees: every result of the IEEE operation on operands of the ranges is in the result,
NaN included. Division, `//` and `%` by 0 and conversions that overflow are undefined and
left out. With no value left, or only NaN, the result is every float.

Does not: promise exact hulls.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from typing import Final

from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains.int_ranges import Ends
from shapes.domains.value_ranges import ValueRanges, float_range, int_ends, int_range
from shapes.errors import RangeError

__all__ = ["float_ends"]

_INF: Final = math.inf
_MAX: Final = sys.float_info.max
_TINY: Final = math.nextafter(0.0, 1.0)
_LIBRARY_ULPS: Final = 8
"""How far library functions may be from the exact result, in units in the last place."""
_INEXACT_QUOTIENT: Final = 2.0**50
"""From here on `//` on floats may be off by rounding."""

Interval = tuple[float, float]


def float_ends(value: ValueRanges) -> Interval:
    """The ends of a float range; raises `RangeError` for one of another kind."""
    lower, upper = value.lower, value.upper
    if isinstance(lower, float) and isinstance(upper, float):
        return lower, upper
    raise RangeError(f"a float range is needed here, not {value!r}")


def float_hull(parts: Iterable[Interval | None], nan: bool) -> ValueRanges:
    """The smallest range that includes all the parts; every float if there are none."""
    found = [part for part in parts if part is not None]
    if not found:
        return ValueRanges.unknown_float()
    return float_range(min(low for low, _ in found), max(high for _, high in found), nan)


def _widened(ends: Interval, steps: int = _LIBRARY_ULPS, keep_zero: bool = False) -> Interval:
    """Both ends moved outwards by some units in the last place, but not from 0 if that is
    to be kept."""
    lower, upper = ends
    down = 0 if keep_zero and lower == 0.0 else steps
    up = 0 if keep_zero and upper == 0.0 else steps
    for _ in range(down):
        lower = math.nextafter(lower, -_INF)
    for _ in range(up):
        upper = math.nextafter(upper, _INF)
    return lower, upper


def _clamped(ends: Interval, limits: Interval) -> Interval:
    """The part of an interval inside of hard limits, with which it has values in common."""
    return max(ends[0], limits[0]), min(ends[1], limits[1])


# ---- arithmetic: monotone in each argument on the pieces between landmarks ----


def _landmarks(value: ValueRanges) -> list[float]:
    """The ends, and those of 0, the infinities and their neighbours that are inside."""
    lower, upper = float_ends(value)
    inside = [p for p in (-_MAX, -_TINY, 0.0, _TINY, _MAX) if lower < p < upper]
    return [lower, *inside, upper]


def coordinatewise_monotone(
    function: Callable[[float, float], float], x: list[float], y: list[float], nan: bool
) -> ValueRanges:
    """A function monotone in each argument between landmarks: the hull of their results."""
    results = [function(p, q) for p in x for q in y]
    values = [result for result in results if result == result]
    if not values:
        return ValueRanges.unknown_float()
    return float_range(min(values), max(values), nan or len(values) < len(results))


def fadd(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a + b`: increasing in both; NaN for infinities of different signs."""
    (al, au), (bl, bu), nan = float_ends(a), float_ends(b), a.nan or b.nan
    if al > -_INF and au < _INF and bl > -_INF and bu < _INF:
        return float_range(al + bl, au + bu, nan)
    return coordinatewise_monotone(float.__add__, _landmarks(a), _landmarks(b), nan)


def fsub(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a - b`, which IEEE defines as `a + (-b)`."""
    return fadd(a, fneg(b))


def fmul(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a * b`: for a factor of one sign monotone in the other; NaN for 0 * inf."""
    return coordinatewise_monotone(
        float.__mul__, _landmarks(a), _landmarks(b), a.nan or b.nan
    )


def _divisors(value: ValueRanges) -> list[float]:
    return [p for p in _landmarks(value) if p != 0.0]


def truediv(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a / b` for b != 0: monotone in each on every piece; NaN for inf / inf."""
    return coordinatewise_monotone(
        float.__truediv__, _landmarks(a), _divisors(b), a.nan or b.nan
    )


def ffloordiv(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a // b` for b != 0: monotone like `/`, if results were exact.

    Python computes the quotient of a multiple of b by b, rounded; below 2**50 the error is
    less than 1/2 and the integer is right, beyond it the ends are widened.
    """
    found = coordinatewise_monotone(
        float.__floordiv__, _landmarks(a), _divisors(b), a.nan or b.nan
    )
    lower, upper = float_ends(found)
    wide = _widened((lower, upper), 16)
    return float_range(
        wide[0] if abs(lower) >= _INEXACT_QUOTIENT else lower,
        wide[1] if abs(upper) >= _INEXACT_QUOTIENT else upper,
        found.nan,
    )


def fmod(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a % b` for b != 0, with the sign of b: from 0 to b, both included.

    b itself comes from rounding: `-1e-20 % 1.0 == 1.0`. NaN for an infinite a.
    """
    (lower, upper), (least, most) = float_ends(a), float_ends(b)
    nan = a.nan or b.nan or lower == -_INF or upper == _INF
    lower, upper = max(lower, -_MAX), min(upper, _MAX)
    if lower > upper:
        return ValueRanges.unknown_float()
    parts: list[Interval] = []
    if most > 0.0:
        parts.append(_float_remainders(lower, upper, max(least, _TINY), most))
    if least < 0.0:
        mirrored = _float_remainders(-upper, -lower, max(-most, _TINY), -least)
        parts.append((-mirrored[1], -mirrored[0]))
    return float_hull(parts, nan)


def _float_remainders(lower: float, upper: float, least: float, most: float) -> Interval:
    """x % y for finite x and positive y."""
    if lower == upper and least == most:
        return lower % least, lower % least
    if lower < 0.0:
        return 0.0, most
    if upper < least:
        return lower, upper  # every dividend is its own remainder
    return 0.0, min(upper, most)


def fneg(a: ValueRanges) -> ValueRanges:
    """`-a`: decreasing, exact."""
    lower, upper = float_ends(a)
    return float_range(-upper, -lower, a.nan)


def fabs(a: ValueRanges) -> ValueRanges:
    """`abs(a)`: decreasing below 0, increasing above, exact."""
    lower, upper = float_ends(a)
    if lower >= 0.0:
        return a
    if upper <= 0.0:
        return float_range(-upper, -lower, a.nan)
    return float_range(0.0, max(-lower, upper), a.nan)


def fmin(first: ValueRanges, *rest: ValueRanges) -> ValueRanges:
    """Python's `min`, folded from the left: `b if b < a else a`, which is a for a NaN.

    Increasing in both; where b may be NaN, every value of a is possible besides.
    """
    for other in rest:
        (lower, upper), (low, high) = float_ends(first), float_ends(other)
        upper = upper if other.nan else min(upper, high)
        first = float_range(min(lower, low), upper, first.nan)
    return first


def fmax(first: ValueRanges, *rest: ValueRanges) -> ValueRanges:
    """Python's `max`, folded from the left: `b if b > a else a`, which is a for a NaN."""
    for other in rest:
        (lower, upper), (low, high) = float_ends(first), float_ends(other)
        lower = lower if other.nan else max(lower, low)
        first = float_range(lower, max(upper, high), first.nan)
    return first


# ---- powers, as C's pow ----


def fpow(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """C's `pow`: for a base >= 0 monotone in each argument; of a negative base the power of
    |a|, with the sign of the parity of b, and NaN for a finite base if b isn't an integer.

    -0.0 is in every range that has 0.0; its odd negative powers are -inf.
    """
    (lower, upper), (least, most) = float_ends(a), float_ends(b)
    exponent = least if b.is_singleton else None
    nan = (a.nan and exponent != 0.0) or (b.nan and not (a.is_singleton and lower == 1.0))
    parts: list[Interval] = []
    if upper >= 0.0:
        parts.append(_magnitudes(max(lower, 0.0), upper, least, most))
    if lower <= 0.0 <= upper and least < 0.0 and (exponent is None or _is_odd(exponent)):
        parts.append((-_INF, -_INF))
    if lower < 0.0:
        low, high = _magnitudes(max(-upper, _TINY), -lower, least, most)
        if exponent is None:
            nan = True
            parts.append((-high, high))
        elif _is_odd(exponent):
            parts.append((-high, -low))
        elif exponent % 2.0 == 0.0 or math.isinf(exponent):
            parts.append((low, high))
        else:
            nan = True
            if lower == -_INF:
                parts.append(_magnitudes(_INF, _INF, exponent, exponent))
    return float_hull(parts, nan)


def _is_odd(value: float) -> bool:
    return math.isfinite(value) and value % 2.0 == 1.0


def _magnitudes(lower: float, upper: float, least: float, most: float) -> Interval:
    """x**y for 0 <= x: monotone in x for every y, and in y for every x."""
    corners = [_pow(x, y) for x in (lower, upper) for y in (least, most)]
    return _clamped(_widened((min(corners), max(corners))), (0.0, _INF))


def _pow(x: float, y: float) -> float:
    """C's pow for x >= 0, where Python raises an error instead of an infinity."""
    try:
        return math.pow(x, y)
    except (ArithmeticError, ValueError):
        return _INF


# ---- library functions of one argument ----


def _monotone(
    function: Callable[[float], float],
    a: ValueRanges,
    limits: Interval = (-_INF, _INF),
    domain: Interval = (-_INF, _INF),
    steps: int = _LIBRARY_ULPS,
    keep_zero: bool = True,
) -> ValueRanges:
    """A function monotone on its domain, NaN outside of it, with results inside of limits.

    `keep_zero`: it is 0 at one point alone (0 or 1), there exactly, and of the right sign
    on both sides.
    """
    (lower, upper), (least, most) = float_ends(a), domain
    nan = a.nan or lower < least or upper > most
    lower, upper = max(lower, least), min(upper, most)
    if lower > upper:
        return ValueRanges.unknown_float()
    first, last = sorted((function(lower), function(upper)))
    return float_hull([_clamped(_widened((first, last), steps, keep_zero), limits)], nan)


def sqrt(a: ValueRanges) -> ValueRanges:
    """Increasing from 0 on, and correctly rounded."""
    return _monotone(math.sqrt, a, (0.0, _INF), (0.0, _INF), steps=0)


def exp(a: ValueRanges) -> ValueRanges:
    """Increasing, not negative; a result 0 is rounded, and may be the next float elsewhere."""
    return _monotone(_saturating(math.exp), a, (0.0, _INF), keep_zero=False)


def log(a: ValueRanges) -> ValueRanges:
    """Increasing from 0 on, where it is -inf."""
    return _monotone(lambda x: math.log(x) if x else -_INF, a, domain=(0.0, _INF))


def log2(a: ValueRanges) -> ValueRanges:
    """Increasing from 0 on, where it is -inf."""
    return _monotone(lambda x: math.log2(x) if x else -_INF, a, domain=(0.0, _INF))


def sinh(a: ValueRanges) -> ValueRanges:
    """Increasing."""
    return _monotone(_saturating(math.sinh), a)


def cosh(a: ValueRanges) -> ValueRanges:
    """Increasing with |a|, at least 1."""
    return _monotone(_saturating(math.cosh), fabs(a), (1.0, _INF))


def tanh(a: ValueRanges) -> ValueRanges:
    """Increasing, in [-1, 1]."""
    return _monotone(math.tanh, a, (-1.0, 1.0))


def asin(a: ValueRanges) -> ValueRanges:
    """Increasing on [-1, 1]."""
    return _monotone(math.asin, a, domain=(-1.0, 1.0))


def acos(a: ValueRanges) -> ValueRanges:
    """Decreasing on [-1, 1], not negative."""
    return _monotone(math.acos, a, (0.0, _INF), (-1.0, 1.0))


def atan(a: ValueRanges) -> ValueRanges:
    """Increasing."""
    return _monotone(math.atan, a)


def asinh(a: ValueRanges) -> ValueRanges:
    """Increasing."""
    return _monotone(math.asinh, a)


def _saturating(function: Callable[[float], float]) -> Callable[[float], float]:
    """The function with an infinity of the argument's sign (exp, sinh) where Python raises
    OverflowError; exp and cosh do so only for positive arguments."""

    def total(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.copysign(_INF, x)

    return total


def sin(a: ValueRanges) -> ValueRanges:
    """Monotone between (1/2 + k) * pi, where it is 1 and -1 in turn."""
    return _wave(math.sin, a, 0.5)


def cos(a: ValueRanges) -> ValueRanges:
    """Monotone between k * pi, where it is 1 and -1 in turn."""
    return _wave(math.cos, a, 0.0)


def tan(a: ValueRanges) -> ValueRanges:
    """Increasing between its poles (1/2 + k) * pi."""
    ends = float_ends(a)
    nan = a.nan or math.isinf(ends[0]) or math.isinf(ends[1])
    if _reaches(ends, 0.5, 1.0):
        return float_hull([None if _only_infinite(ends) else (-_INF, _INF)], nan)
    corners = math.tan(ends[0]), math.tan(ends[1])
    return float_hull([_widened(corners, keep_zero=True)], nan)


def _wave(function: Callable[[float], float], a: ValueRanges, peak: float) -> ValueRanges:
    """sin and cos: 1 at (peak + 2k) * pi, -1 half a period on, monotone in between."""
    ends = float_ends(a)
    nan = a.nan or math.isinf(ends[0]) or math.isinf(ends[1])
    if _only_infinite(ends):
        return ValueRanges.unknown_float()
    rises, falls = _reaches(ends, peak, 2.0), _reaches(ends, peak + 1.0, 2.0)
    corners = [] if rises and falls else [function(end) for end in ends]
    lower = -1.0 if falls else min(corners)
    upper = 1.0 if rises else max(corners)
    return float_hull([_clamped(_widened((lower, upper), keep_zero=True), (-1.0, 1.0))], nan)


def _only_infinite(ends: Interval) -> bool:
    return ends[0] == ends[1] and math.isinf(ends[0])


def _reaches(ends: Interval, phase: float, period: float) -> bool:
    """Whether `(phase + k*period) * pi` may be in the interval for an integer k.

    The margin is far above the rounding error for arguments up to a million; for larger
    ones the answer is always yes.
    """
    if not max(-ends[0], ends[1]) <= 1e6:
        return True
    margin = 1e-6
    first = (ends[0] / math.pi - phase) / period - margin
    last = (ends[1] / math.pi - phase) / period + margin
    return math.floor(last) >= math.ceil(first)


# ---- between integers and floats ----


def tofloat(a: ValueRanges) -> ValueRanges:
    """The nearest double: increasing; undefined for integers beyond the doubles."""
    lower, upper = int_ends(a)
    low, high = _nearest(lower), _nearest(upper)
    if (lower > int(_MAX) and low == _INF) or (upper < -int(_MAX) and high == -_INF):
        return ValueRanges.unknown_float()
    return float_range(max(low, -_MAX), min(high, _MAX))


def _nearest(value: Bound) -> float:
    """The nearest double, an infinity for what is too large."""
    if isinstance(value, IntInfinity):
        return math.copysign(_INF, value.sign)
    try:
        return float(value)
    except OverflowError:
        return _INF if value > 0 else -_INF


def inttruediv(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a / b` for b != 0, correctly rounded: on each side of 0 monotone in both."""
    divisor = int_ends(b)
    corners: list[float] = []
    sides: tuple[Ends, ...] = (
        (max(divisor[0], 1), divisor[1]),
        (divisor[0], min(divisor[1], -1)),
    )
    for least, most in sides:
        if least <= most:
            corners += [_ratio(x, y) for x in int_ends(a) for y in (least, most)]
    values = [corner for corner in corners if corner == corner]
    return float_hull([(min(values), max(values))] if values else [], False)


def _ratio(x: Bound, y: Bound) -> float:
    """A corner of `/`; quotients that are too large have no double, and end at the last.

    For two infinite ends NaN: the corners beside that one include what happens there.
    """
    if isinstance(y, IntInfinity):
        return math.nan if isinstance(x, IntInfinity) else 0.0
    sign = 1.0 if (x > 0) == (y > 0) else -1.0
    if isinstance(x, IntInfinity):
        return sign * _MAX
    try:
        return x / y
    except OverflowError:
        return sign * _MAX


def _to_integer(rounding: Callable[[float], int], a: ValueRanges) -> ValueRanges:
    """An increasing conversion; infinities have no integer, but no finite end either."""
    lower, upper = float_ends(a)
    if lower == _INF or upper == -_INF:
        return ValueRanges.unknown_int()
    return int_range(
        -int_oo if lower == -_INF else rounding(lower),
        int_oo if upper == _INF else rounding(upper),
    )


def floor_to_int(a: ValueRanges) -> ValueRanges:
    """The largest integer that is not above a."""
    return _to_integer(math.floor, a)


def ceil_to_int(a: ValueRanges) -> ValueRanges:
    """The smallest integer that is not below a."""
    return _to_integer(math.ceil, a)


def trunc_to_int(a: ValueRanges) -> ValueRanges:
    """Rounded to zero."""
    return _to_integer(math.trunc, a)


def round_to_int(a: ValueRanges) -> ValueRanges:
    """Rounded to the nearest integer, halves to the even one."""
    return _to_integer(round, a)


_DIGITS: Final = (-309, 324)
"""From these on `round(x, digits)` is 0 and x for every double."""


def _clipped(end: Bound, least: int, most: int) -> int:
    """The end, or the nearest of these integers."""
    if isinstance(end, int) and least <= end <= most:
        return end
    return least if end < least else most


def round_decimal(a: ValueRanges, ndigits: ValueRanges | int) -> ValueRanges:
    """Python's `round(a, ndigits)`: correctly rounded, so increasing in a.

    In ndigits it is not monotone, and all those that differ are looked at (under 700).
    """
    digits = (ndigits, ndigits) if isinstance(ndigits, int) else int_ends(ndigits)
    first, last = (_clipped(end, *_DIGITS) for end in digits)
    lower, upper = float_ends(a)
    parts = [
        (_round(lower, n), _round(upper, n))
        for n in range(first, last + 1)
    ]
    return float_hull(parts, a.nan)


def _round(x: float, digits: int) -> float:
    """round(x, digits), or an infinity where that overflows."""
    try:
        return round(x, digits)
    except OverflowError:
        return math.copysign(_INF, x)
