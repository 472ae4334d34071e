"""What the operators mean on Python values: the judge of every analysis.

Integers are mathematical, floats are IEEE doubles. Partial operators raise
`ZeroDivisionError`, `ValueError` or `OverflowError` where they mean nothing, as Python does.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce

from shapes.base.budget import LARGEST_BITS, power_bits
from shapes.base.digits import short
from shapes.errors import TooLargeError

__all__ = [
    "all_of",
    "any_of",
    "bit_and",
    "bit_or",
    "bit_xor",
    "ceiling_division",
    "clean_division",
    "float_power",
    "iff",
    "implies",
    "power",
    "round_decimal",
    "shift_left",
    "shift_right",
    "total",
    "truncating_division",
    "truncating_modulo",
    "where",
]


def ceiling_division(a: int, b: int) -> int:
    """The quotient rounded up."""
    return -((-a) // b)


def clean_division(a: int, b: int) -> int:
    """The exact quotient; `ValueError` where b does not divide a."""
    quotient, remainder = divmod(a, b)
    if remainder:
        raise ValueError(f"{short(b)} does not divide {short(a)}")
    return quotient


def truncating_division(a: int, b: int) -> int:
    """The quotient rounded to zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def truncating_modulo(a: int, b: int) -> int:
    """The remainder of `truncating_division`, with the sign of a."""
    return a - b * truncating_division(a, b)


def power(base: int, exponent: int) -> int:
    """An integer power; `ValueError` for a negative exponent, `TooLargeError` where it would
    have too many bits to be computed."""
    if exponent < 0:
        raise ValueError("negative exponent")
    if power_bits(base, exponent) > LARGEST_BITS:
        raise TooLargeError(f"a power of more than {LARGEST_BITS} bits is not computed")
    return int(base**exponent)


def shift_left(a: int, s: int) -> int:
    """``a * 2**s``; `ValueError` for a negative shift."""
    return a * power(2, s)


def shift_right(a: int, s: int) -> int:
    """``a // 2**s``; `ValueError` for a negative shift."""
    if s < 0:
        raise ValueError("negative shift")
    return a >> s


_C_POW = math.pow
"""Kept here because torch puts another function in its place while it traces."""


def float_power(a: float, b: float) -> float:
    """C's pow: total, NaN where there is no real value, infinities for poles and overflow."""
    try:
        return _C_POW(a, b)
    except OverflowError:
        return -math.inf if a < 0 and _is_odd(b) else math.inf
    except ValueError:
        if a == 0:  # a pole: 0.0 ** negative
            return math.copysign(math.inf, a) if _is_odd(b) else math.inf
        return math.nan


def _is_odd(b: float) -> bool:
    return math.isfinite(b) and math.fmod(abs(b), 2.0) == 1.0


def round_decimal(x: float, digits: int) -> float:
    """Python's ``round(x, digits)``; an infinity where the result is too large."""
    try:
        return round(x, digits) if math.isfinite(x) else x
    except OverflowError:
        return math.copysign(math.inf, x)


def to_float(x: int) -> float:
    """The nearest double; `OverflowError` where there is none."""
    return float(x)


def int_true_division(a: int, b: int) -> float:
    """The double nearest to the exact quotient."""
    return a / b


def bit_and(*operands: int) -> int:
    """``&`` of all operands, on two's complement without end."""
    return reduce(operator.and_, operands)


def bit_or(*operands: int) -> int:
    """``|`` of all operands."""
    return reduce(operator.or_, operands)


def bit_xor(*operands: int) -> int:
    """``^`` of all operands."""
    return reduce(operator.xor, operands)


def where(condition: bool, a: object, b: object) -> object:
    """`a` where the condition holds, else `b`."""
    return a if condition else b


def all_of(*conditions: bool) -> bool:
    """Whether all hold."""
    return all(conditions)


def any_of(*conditions: bool) -> bool:
    """Whether one holds."""
    return any(conditions)


def implies(p: bool, q: bool) -> bool:
    """If the first holds, so does the second."""
    return not p or bool(q)


def iff(p: bool, q: bool) -> bool:
    """Both hold or neither."""
    return bool(p) == bool(q)


def float_floor_division(a: float, b: float) -> float:
    """Python's ``a // b`` on doubles."""
    return a // b


def float_modulo(a: float, b: float) -> float:
    """Python's ``a % b`` on doubles (NaN for an infinite a)."""
    return a % b


def total(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function of `math` with IEEE results instead of exceptions.

    Outside of its domain the value is NaN, a pole or an overflow gives an infinity with the
    sign of the function there.
    """

    def ieee(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return -math.inf if x < 0 and function in _ODD else math.inf
        except ValueError:
            if x == 0 and function in (math.log, math.log2):
                return -math.inf
            return math.nan

    ieee.__name__ = function.__name__
    ieee.__qualname__ = function.__name__
    return ieee


_ODD = (math.sinh,)
sqrt = total(math.sqrt)
exp = total(math.exp)
log = total(math.log)
log2 = total(math.log2)
sin = total(math.sin)
cos = total(math.cos)
tan = total(math.tan)
sinh = total(math.sinh)
cosh = total(math.cosh)
tanh = total(math.tanh)
asin = total(math.asin)
acos = total(math.acos)
atan = total(math.atan)
asinh = total(math.asinh)
