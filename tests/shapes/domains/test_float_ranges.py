"""The float handlers of `RangeAnalysis`: sampled results are inside, NaN included.

One row per operator: its handler and its meaning in Python with IEEE results (None where it
is undefined). Special values are tried in all combinations, others by hypothesis.
"""

from __future__ import annotations

import itertools
import math
import operator
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.base.infinity import int_oo
from shapes.domains import RangeAnalysis, ValueRanges
from tests.shapes.domains.test_ranges import big, range_and_value

R = ValueRanges
ANALYSIS = RangeAnalysis()
INF, NAN, MAX = math.inf, math.nan, sys.float_info.max
TINY = math.nextafter(0.0, 1.0)


def total(function: Callable[..., float]) -> Callable[..., float]:
    """The IEEE function: infinities and NaN where Python's library raises."""

    def meaning(*args: float) -> float:
        try:
            return function(*args)
        except OverflowError:
            odd_power = len(args) == 2 and args[1] % 2 == 1
            negative = args[0] < 0 and (function is math.sinh or odd_power)
            return -INF if negative else INF
        except ValueError:
            return pole(function, args)

    return meaning


def pole(function: Callable[..., float], args: tuple[float, ...]) -> float:
    if function in (math.log, math.log2):
        return -INF if args[0] == 0 else NAN
    if function is math.pow and args[0] == 0:
        return math.copysign(INF, args[0]) if args[1] % 2 == 1 else INF
    return NAN


def nonzero(function: Callable[[float, float], float]) -> Callable[[float, float], object]:
    return lambda a, b: function(a, b) if b else None


def finite(function: Callable[[float], int]) -> Callable[[float], object]:
    return lambda a: function(a) if math.isfinite(a) else None


FLOAT_BINARY: dict[str, Callable[[float, float], object]] = {
    "fadd": operator.add,
    "fsub": operator.sub,
    "fmul": operator.mul,
    "truediv": nonzero(operator.truediv),
    "ffloordiv": nonzero(operator.floordiv),
    "fmod": nonzero(operator.mod),
    "fpow": total(math.pow),
    "fmin": min,
    "fmax": max,
}
FLOAT_UNARY: dict[str, Callable[[float], object]] = {
    "fneg": operator.neg,
    "fabs": abs,
    "floor_to_int": finite(math.floor),
    "ceil_to_int": finite(math.ceil),
    "trunc_to_int": finite(math.trunc),
    "round_to_int": finite(round),
    **{
        name: total(getattr(math, name))
        for name in (
            *("sqrt", "exp", "log", "log2", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
            *("asin", "acos", "atan", "asinh"),
        )
    },
}
SPECIAL = [-INF, -MAX, -1e300, -2.5, -1.0, -TINY, -0.0, 0.0, TINY, 0.5, 1.0, 3.0, MAX, INF]
SPECIAL_ENDS = [-INF, -MAX, -2.5, -1.0, 0.0, TINY, 1.0, 3.0, INF]


def special_ranges() -> list[tuple[ValueRanges, list[float]]]:
    found = []
    for low, high in itertools.combinations_with_replacement(SPECIAL_ENDS, 2):
        values = [p for p in SPECIAL if low <= p <= high]
        found.append((R(low, high), values))
    found.append((R(0.5, 1.0, nan=True), [0.5, 1.0, NAN]))
    found.append((R(0.0, 0.0, nan=True), [0.0, -0.0, NAN]))
    return found


@pytest.mark.parametrize("handler", FLOAT_BINARY)
def test_special_floats_in_pairs(handler: str) -> None:
    transfer, meaning = getattr(ANALYSIS, handler), FLOAT_BINARY[handler]
    for (a, xs), (b, ys) in itertools.product(special_ranges(), repeat=2):
        found = transfer(a, b)
        for x, y in itertools.product(xs, ys):
            value = meaning(x, y)
            assert value is None or value in found, (a, b, x, y, value, found)


@pytest.mark.parametrize("handler", FLOAT_UNARY)
def test_special_floats(handler: str) -> None:
    for a, xs in special_ranges():
        found = getattr(ANALYSIS, handler)(a)
        for x in xs:
            value = FLOAT_UNARY[handler](x)
            assert value is None or value in found, (a, x, value, found)


@st.composite
def float_and_range(draw: st.DrawFn) -> tuple[ValueRanges, float]:
    numbers = st.floats(allow_nan=False) | st.floats(-100, 100) | st.sampled_from(SPECIAL)
    low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    if draw(st.integers(0, 9)) == 0:
        return R(low, high, nan=True), NAN
    return R(
        draw(st.sampled_from([low, value])),
        draw(st.sampled_from([high, value])),
        draw(st.booleans()),
    ), value


@pytest.mark.parametrize("handler", FLOAT_BINARY)
@settings(max_examples=50)
@given(first=float_and_range(), second=float_and_range())
def test_floats_in_pairs(
    handler: str, first: tuple[ValueRanges, float], second: tuple[ValueRanges, float]
) -> None:
    (a, x), (b, y) = first, second
    value = FLOAT_BINARY[handler](x, y)
    assert value is None or value in getattr(ANALYSIS, handler)(a, b)


@pytest.mark.parametrize("handler", FLOAT_UNARY)
@settings(max_examples=50)
@given(float_and_range())
def test_floats(handler: str, drawn: tuple[ValueRanges, float]) -> None:
    a, x = drawn
    value = FLOAT_UNARY[handler](x)
    assert value is None or value in getattr(ANALYSIS, handler)(a)


@pytest.mark.parametrize("handler", FLOAT_UNARY)
def test_one_float_stays_narrow(handler: str) -> None:
    """A single ordinary value gives (nearly) a single value."""
    found = getattr(ANALYSIS, handler)(R(0.75, 0.75))
    value = FLOAT_UNARY[handler](0.75)
    assert not found.nan
    assert found.lower <= value <= found.upper
    assert found.upper - found.lower <= 1e-14


def test_where_nan_comes_from() -> None:
    everything = R(-INF, INF)
    assert ANALYSIS.fadd(R(0.0, INF), R(1.0, 2.0)) == R(1.0, INF)
    assert ANALYSIS.fadd(R(0.0, INF), R(-INF, 0.0)) == R(-INF, INF, nan=True)
    assert ANALYSIS.fmul(R(0.0, 0.0), R(1.0, 2.0)) == R(0.0, 0.0)
    assert ANALYSIS.fmul(R(0.0, 1.0), R(1.0, INF)) == R(0.0, INF, nan=True)
    assert ANALYSIS.fadd(R(INF, INF), R(-INF, -INF)) == R.unknown_float()
    assert ANALYSIS.sqrt(R(-4.0, 4.0)) == R(0.0, 2.0, nan=True)
    assert ANALYSIS.sqrt(R(4.0, 9.0)) == R(2.0, 3.0)
    assert ANALYSIS.log(R(-4.0, -1.0)) == R.unknown_float()
    assert ANALYSIS.sin(everything) == R(-1.0, 1.0, nan=True)
    assert ANALYSIS.cosh(R(-1.0, 1.0)).lower == 1.0
    assert ANALYSIS.exp(everything) == R(0.0, INF)
    assert ANALYSIS.sin(R(0.0, 1.0)).lower == 0.0
    assert ANALYSIS.log(R(0.5, 1.0)).upper == 0.0
    assert ANALYSIS.fmin(R(1.0, 2.0), R(0.0, 0.5, nan=True)) == R(0.0, 2.0)


def test_between_integers_and_floats() -> None:
    assert ANALYSIS.tofloat(R(1, 2**53 + 1)) == R(1.0, float(2**53))
    assert ANALYSIS.tofloat(R.unknown_int()) == R(-MAX, MAX)
    assert ANALYSIS.tofloat(R(10**400, int_oo)) == R.unknown_float()
    assert ANALYSIS.floor_to_int(R(-0.5, INF)) == R(-1, int_oo)
    assert ANALYSIS.round_to_int(R(0.5, 2.5)) == R(0, 2)
    assert ANALYSIS.trunc_to_int(R(1e300, 1e300)) == R(int(1e300), int(1e300))
    assert ANALYSIS.ceil_to_int(R(INF, INF)) == R.unknown_int()
    assert ANALYSIS.inttruediv(R(1, 3), R(2, int_oo)) == R(0.0, 1.5)
    assert ANALYSIS.inttruediv(R(1, 3), R(0, 0)) == R.unknown_float()
    assert ANALYSIS.inttruediv(R.unknown_int(), R(-1, 1)) == R(-MAX, MAX)
    assert ANALYSIS.inttruediv(R(10**400, 10**400), R(10**399, 10**399)) == R(10.0, 10.0)


@given(range_and_value(big), range_and_value(big))
def test_integers_to_floats_are_inside(
    first: tuple[ValueRanges, int], second: tuple[ValueRanges, int]
) -> None:
    (a, x), (b, y) = first, second
    assert float(x) in ANALYSIS.tofloat(a)
    assert y == 0 or x / y in ANALYSIS.inttruediv(a, b)


@given(float_and_range(), st.integers(-330, 340), st.integers(0, 3), st.booleans())
def test_round_decimal(
    drawn: tuple[ValueRanges, float], digits: int, more: int, plain: bool
) -> None:
    a, x = drawn
    found = ANALYSIS.round_decimal(a, digits if plain else R(digits, digits + more))
    try:
        assert round(x, digits) in found
    except OverflowError:
        assert abs(x) > 1e300


def test_round_decimal_with_any_digits() -> None:
    assert ANALYSIS.round_decimal(R(0.125, 6.25), R.unknown_int()) == R(0.0, 10.0)
    assert ANALYSIS.round_decimal(R(0.125, 6.25), R(1, 1)) == R(0.1, 6.2)


@pytest.mark.parametrize("digits", [-310, -309, -308, -307, 322, 323, 324, 325])
@pytest.mark.parametrize("x", [1.2e308, 5e307, 3 * TINY, TINY])
def test_round_decimal_at_the_ends_of_the_doubles(digits: int, x: float) -> None:
    expected = round(x, digits)
    assert ANALYSIS.round_decimal(R(x, x), digits) == R(expected, expected)


def test_float_remainders_and_quotients() -> None:
    assert ANALYSIS.fmod(R(0.0, 10.0), R(3.0, 3.0)) == R(0.0, 3.0)
    assert ANALYSIS.fmod(R(0.0, 2.0), R(3.0, INF)) == R(0.0, 2.0)
    assert ANALYSIS.fmod(R(-7.5, -7.5), R(2.0, 2.0)) == R(0.5, 0.5)
    assert ANALYSIS.fmod(R(-1.0, 2.0), R(-4.0, 3.0)) == R(-4.0, 3.0)
    assert ANALYSIS.fmod(R(0.0, INF), R(3.0, 3.0)) == R(0.0, 3.0, nan=True)
    assert ANALYSIS.ffloordiv(R(-7.5, 7.5), R(2.0, 2.0)) == R(-4.0, 3.0)
    assert ANALYSIS.ffloordiv(R(1.0, 9.0), R(0.0, 0.0)) == R.unknown_float()
    far = ANALYSIS.ffloordiv(R(1e20, 1e20), R(3.0, 3.0))
    assert far.lower < 1e20 // 3.0 < far.upper
