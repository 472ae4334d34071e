"""The integer handlers, relations and connectives of `RangeAnalysis`, by enumeration.

One row per operator: its handler, its meaning in Python (None where it is undefined), and
whether the result is exact for infinitely many second operands, too. Every small box of
operands is tried.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.base.infinity import int_oo
from shapes.domains import RangeAnalysis, ValueRanges, int_ranges
from shapes.errors import RangeError

R = ValueRanges
ANALYSIS = RangeAnalysis()
INF, NAN = math.inf, math.nan


# ---- the meaning of the operators ----


def truncdiv(a: int, b: int) -> int | None:
    if b == 0:
        return None
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def truncmod(a: int, b: int) -> int | None:
    return None if b == 0 else a - b * truncdiv(a, b)


def power(a: int, b: int) -> int | None:
    return None if b < 0 else a**b


class Integer(NamedTuple):
    handler: str
    meaning: Callable[[int, int], int | None]
    exact_beyond: bool = True


INTEGER = [
    Integer("add", operator.add),
    Integer("sub", operator.sub),
    Integer("mul", operator.mul),
    Integer("floordiv", lambda a, b: a // b if b else None),
    Integer("ceildiv", lambda a, b: -((-a) // b) if b else None),
    Integer("truncdiv", truncdiv),
    Integer("cleandiv", lambda a, b: a // b if b and a % b == 0 else None, False),
    Integer("mod", lambda a, b: a % b if b else None),
    Integer("truncmod", truncmod),
    Integer("pow", power),
    Integer("bitand", operator.and_),
    Integer("bitor", operator.or_),
    Integer("bitxor", operator.xor),
    Integer("min", min),
    Integer("max", max),
]
by_handler = pytest.mark.parametrize("row", INTEGER, ids=lambda row: row.handler)


def hull(values: Iterable[int | None]) -> ValueRanges:
    reached = [value for value in values if value is not None]
    return R(min(reached), max(reached)) if reached else R.unknown_int()


def ranges_between(ends: list[int]) -> list[tuple[int, int]]:
    return [(low, high) for low in ends for high in ends if low <= high]


def hulls_of_boxes(
    meaning: Callable[[int, int], int | None], firsts: list[range], seconds: list[range]
) -> list[list[ValueRanges]]:
    """The hull of every box, by rows: those of one first operand's range come together."""
    columns = sorted({y for second in seconds for y in second})
    cells: dict[tuple[int, int], int | None] = {}
    result = []
    for first in firsts:
        rows: dict[int, list[int]] = {}
        for y in columns:
            for x in first:
                if (x, y) not in cells:
                    cells[x, y] = meaning(x, y)
            found = [cells[x, y] for x in first]
            reached = [value for value in found if value is not None]
            rows[y] = [min(reached), max(reached)] if reached else []
        result.append([hull(v for y in second for v in rows[y]) for second in seconds])
    return result


@by_handler
def test_finite_boxes(row: Integer) -> None:
    """All boxes with ends in -5..5, against every point in them."""
    spans = ranges_between(list(range(-5, 6)))
    steps = [range(low, high + 1) for low, high in spans]
    handler = getattr(ANALYSIS, row.handler)
    expected = hulls_of_boxes(row.meaning, steps, steps)
    for (a, hulls), (j, b) in itertools.product(zip(spans, expected), enumerate(spans)):
        assert handler(R(*a), R(*b)) == hulls[j], (a, b)


OPEN = 16
"""Stands for an infinite end; a hull that moves when it is doubled is unbounded there."""


def cut(low: int | None, high: int | None, at: int) -> range:
    return range(-at if low is None else low, (at if high is None else high) + 1)


def unbounded(near: ValueRanges, far: ValueRanges) -> ValueRanges:
    """What two ever larger boxes say about the infinite one."""
    return R(
        near.lower if near.lower == far.lower else -int_oo,
        near.upper if near.upper == far.upper else int_oo,
    )


@by_handler
def test_infinite_boxes(row: Integer) -> None:
    """All boxes with ends in -3..3 or infinite, against two large truncations."""
    small = list(range(-3, 4))
    spans: list[tuple[int | None, int | None]] = [*ranges_between(small), (None, None)]
    spans += [(None, end) for end in small] + [(end, None) for end in small]
    near, far = (
        hulls_of_boxes(row.meaning, cuts, cuts)
        for cuts in ([cut(*span, at) for span in spans] for at in (OPEN, 2 * OPEN))
    )
    given = [R(-int_oo if a is None else a, int_oo if b is None else b) for a, b in spans]
    handler = getattr(ANALYSIS, row.handler)
    for (i, a), (j, b) in itertools.product(enumerate(given), repeat=2):
        expected = unbounded(near[i][j], far[i][j])
        found = handler(a, b)
        assert expected.issubset(found), (a, b, found, expected)
        if row.exact_beyond or spans[j] in ranges_between(small):
            assert found == expected, (a, b)


@pytest.mark.parametrize("handler", ["neg", "abs"])
def test_one_operand(handler: str) -> None:
    meaning = {"neg": operator.neg, "abs": abs}[handler]
    for low, high in ranges_between(list(range(-4, 5))):
        expected = hull(meaning(x) for x in range(low, high + 1))
        assert getattr(ANALYSIS, handler)(R(low, high)) == expected
    assert ANALYSIS.abs(R(-int_oo, -2)) == R(2, int_oo)
    assert ANALYSIS.abs(R(-3, int_oo)) == R(0, int_oo)
    assert ANALYSIS.neg(R(-3, int_oo)) == R(-int_oo, 3)


@given(
    st.integers(-5, 5),
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 2)), max_size=3),
)
def test_linear(const: int, terms: list[tuple[int, int, int]]) -> None:
    coefficients = [c for c, _, _ in terms]
    spans = [range(low, low + width + 1) for _, low, width in terms]
    reached = hull(
        const + sum(map(operator.mul, coefficients, point))
        for point in itertools.product(*spans)
    )
    values = [R(span[0], span[-1]) for span in spans]
    assert ANALYSIS.linear(const, coefficients, values) == reached


def test_linear_with_infinite_ends() -> None:
    assert ANALYSIS.linear(1, [2], [R(0, 256)]) == R(1, 513)
    assert ANALYSIS.linear(1, [2, -1], [R(0, int_oo), R(3, 4)]) == R(-3, int_oo)
    assert ANALYSIS.linear(1, [-2], [R(0, int_oo)]) == R(-int_oo, 1)
    assert ANALYSIS.linear(7, [0], [R.unknown_int()]) == R(7, 7)
    assert ANALYSIS.linear(0, [1, -1], [R(0, int_oo)] * 2) == R.unknown_int()
    assert ANALYSIS.linear(0, [3, -2], [R(False, True), R(True, True)]) == R(-2, 1)


@pytest.mark.parametrize("handler", ["min", "max", "bitand", "bitor", "bitxor"])
def test_three_operands(handler: str) -> None:
    meaning = next(row.meaning for row in INTEGER if row.handler == handler)
    for a, b, c in itertools.product(ranges_between([-2, 0, 1, 3]), repeat=3):
        found = getattr(ANALYSIS, handler)(R(*a), R(*b), R(*c))
        points = itertools.product(*(range(low, high + 1) for low, high in (a, b, c)))
        assert all(meaning(meaning(x, y), z) in found for x, y, z in points)


@by_handler
def test_bool_operands_count_as_numbers(row: Integer) -> None:
    handler = getattr(ANALYSIS, row.handler)
    assert handler(R(False, True), R(3, 3)) == handler(R(0, 1), R(3, 3))
    assert handler(R(2, 5), R(True, True)) == handler(R(2, 5), R(1, 1))


@by_handler
def test_float_operands_are_refused(row: Integer) -> None:
    with pytest.raises(RangeError, match="integer range"):
        getattr(ANALYSIS, row.handler)(R(1, 2), R(1.0, 2.0))


# ---- large operands ----

big = st.one_of(*(st.integers(-end, end) for end in (2**200, 2**64 + 2, 9)))


@st.composite
def range_and_value(
    draw: st.DrawFn, numbers: st.SearchStrategy[int]
) -> tuple[ValueRanges, int]:
    low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    return R(
        draw(st.sampled_from([low, value, -int_oo])),
        draw(st.sampled_from([high, value, int_oo])),
    ), value


@by_handler
@settings(max_examples=50)
@given(data=st.data())
def test_large_operands_are_inside(row: Integer, data: st.DataObject) -> None:
    second = st.integers(-2, 70) if row.handler == "pow" else big
    a, x = data.draw(range_and_value(big))
    b, y = data.draw(range_and_value(second))
    if row.handler == "cleandiv":
        x *= y
        a |= R(x, x)
    value = row.meaning(x, y)
    assert value is None or value in getattr(ANALYSIS, row.handler)(a, b)


@by_handler
@settings(max_examples=50)
@given(data=st.data())
def test_large_single_values_are_exact(row: Integer, data: st.DataObject) -> None:
    x, y = data.draw(big), data.draw(st.integers(0, 15) if row.handler == "pow" else big)
    value = row.meaning(x, y)
    if value is not None:
        assert getattr(ANALYSIS, row.handler)(R(x, x), R(y, y)) == R(value, value)


@pytest.mark.parametrize("handler", ["mod", "truncmod"])
def test_remainders_by_quotient(handler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What many divisors are for, forced upon all small boxes and narrow ones further off."""
    monkeypatch.setattr(int_ranges, "_DIVISORS", 0)
    row = next(row for row in INTEGER if row.handler == handler)
    test_finite_boxes(row)
    dividends = [range(x, x + w) for x in range(-31, 32, 2) for w in (1, 2, 4)]
    divisors = [range(y, y + w) for y in range(2, 15) for w in (1, 3, 8)]
    expected = hulls_of_boxes(row.meaning, dividends, divisors)
    for (a, hulls), (j, b) in itertools.product(zip(dividends, expected), enumerate(divisors)):
        found = getattr(ANALYSIS, handler)(R(a[0], a[-1]), R(b[0], b[-1]))
        assert found == hulls[j], (a, b)


@pytest.mark.parametrize("handler", ["mod", "truncmod"])
@settings(max_examples=60)
@given(
    low=st.integers(-400, 400),
    width=st.integers(0, 60),
    least=st.integers(-90, 70),
    divisors=st.integers(64, 100),
)
def test_remainders_by_many_divisors_are_exact(
    handler: str, low: int, width: int, least: int, divisors: int
) -> None:
    """More than 64 divisors, few quotients: `|x| // 20 < 64`."""
    if -divisors - 20 < least < 20:
        least = 20
    x, y = range(low, low + width + 1), range(least, least + divisors + 1)
    meaning = next(row.meaning for row in INTEGER if row.handler == handler)
    expected = hull(meaning(p, q) for p in x for q in y)
    assert getattr(ANALYSIS, handler)(R(x[0], x[-1]), R(y[0], y[-1])) == expected


@given(low=st.integers(0, 300), width=st.integers(0, 100), mask=st.integers(-300, 300))
@settings(max_examples=60)
@pytest.mark.parametrize("handler", ["bitand", "bitor", "bitxor"])
def test_masks_are_exact(handler: str, low: int, width: int, mask: int) -> None:
    meaning = next(row.meaning for row in INTEGER if row.handler == handler)
    for x in (range(low, low + width + 1), range(-low - width, -low + 1)):
        expected = hull(meaning(p, mask) for p in x)
        assert getattr(ANALYSIS, handler)(R(x[0], x[-1]), R(mask, mask)) == expected


def test_exactly_at_the_corners_where_others_go_wrong() -> None:
    zero_up = R(0, int_oo)
    assert ANALYSIS.mul(R(0, 0), R.unknown_int()) == R(0, 0)
    assert ANALYSIS.mul(R(-1, 2), R(-int_oo, 3)) == R.unknown_int()
    assert ANALYSIS.add(R(2**53, 2**53), R(1, 1)) == R(2**53 + 1, 2**53 + 1)
    assert ANALYSIS.floordiv(R(2**64 + 1, 2**64 + 1), R(2, 2)) == R(2**63, 2**63)
    assert ANALYSIS.floordiv(R(7, 9), R(0, 0)) == R.unknown_int()
    assert ANALYSIS.floordiv(R(-1, 5), R(1, int_oo)) == R(-1, 5)
    assert ANALYSIS.mod(zero_up, R(8, 8)) == R(0, 7)
    assert ANALYSIS.mod(R(200, 300), R(150, int_oo)) == R(0, 300)
    assert ANALYSIS.mod(R(-3, -1), R(5, int_oo)) == R(2, int_oo)
    assert ANALYSIS.mod(R.unknown_int(), R(-4, 4)) == R(-3, 3)
    assert ANALYSIS.mod(R(10**30, 10**30 + 5), R(50, 500)).issubset(R(0, 499))
    assert ANALYSIS.pow(R(-3, 2), R(2, 2)) == R(0, 9)
    assert ANALYSIS.pow(R(0, 0), zero_up) == R(0, 1)
    assert ANALYSIS.pow(R(2, 2), R(-1, int_oo)) == R(1, int_oo)
    assert ANALYSIS.pow(R(2, 3), R(-3, -1)) == R.unknown_int()
    assert ANALYSIS.cleandiv(R(1, 10), R(4, 4)) == R(1, 2)
    assert ANALYSIS.bitand(R.unknown_int(), R(0, 7)) == R(0, 7)


def test_huge_powers_are_not_computed() -> None:
    huge = 10**12
    assert ANALYSIS.pow(R(2, 2), R(huge, huge)) == R(1 << 4096, int_oo)
    assert ANALYSIS.pow(R(-3, -2), R(huge, huge + 1)) == R(-int_oo, int_oo)
    assert ANALYSIS.pow(R(-1, 1), R(huge, int_oo)) == R(-1, 1)
    assert ANALYSIS.pow(R(2, 2), R(2047, 2047)) == R(2**2047, 2**2047)
    large = 3**9000
    assert ANALYSIS.pow(R(large, large), R(0, 1)) == R(1, large)


# ---- relations, connectives, choice ----

RELATIONS = {
    "le": operator.le,
    "lt": operator.lt,
    "eq": operator.eq,
    "ne": operator.ne,
}
MIXED = [-INF, -2.5, -2.0, -0.5, 0.0, 1.0, 1.5, 2.0, INF]


def outcomes(values: Iterable[bool]) -> ValueRanges:
    found = set(values)
    return R(min(found), max(found))


def floats_in(low: float, high: float, nan: bool) -> list[float]:
    inside = [p for p in (*MIXED, -7.0, -2.25, -1.0, 0.25, 7.0) if low <= p <= high]
    return [*inside, NAN] if nan else inside


FLOATS = [
    (R(a, b, nan), floats_in(a, b, nan))
    for a, b in ranges_between(MIXED)  # type: ignore[arg-type]
    for nan in (False, True)
]
SPANS: list[tuple[int | None, int | None]] = [
    *ranges_between([-2, -1, 0, 1, 2]),
    *((None, end) for end in (-2, 0, 2)),
    *((end, None) for end in (-2, 0, 2)),
    (None, None),
]
INTEGERS = [
    (R(-int_oo if a is None else a, int_oo if b is None else b), cut(a, b, 9))
    for a, b in SPANS
]


@pytest.mark.parametrize("handler", RELATIONS)
@pytest.mark.parametrize(
    ("left", "right"),
    [(INTEGERS, INTEGERS), (FLOATS, FLOATS), (INTEGERS, FLOATS), (FLOATS, INTEGERS)],
    ids=["int-int", "float-float", "int-float", "float-int"],
)
def test_relations(handler: str, left: list, right: list) -> None:  # type: ignore[type-arg]
    meaning = RELATIONS[handler]
    for (a, xs), (b, ys) in itertools.product(left, right):
        expected = outcomes(meaning(x, y) for x in xs for y in ys)
        assert getattr(ANALYSIS, handler)(a, b) == expected, (a, b)


@pytest.mark.parametrize(
    ("handler", "meaning"),
    [
        ("le_zero", lambda x: x <= 0),
        ("eq_zero", lambda x: x == 0),
        ("ne_zero", lambda x: x != 0),
    ],
)
def test_one_sided_relations(handler: str, meaning: Callable[[int], bool]) -> None:
    for a, xs in INTEGERS:
        assert getattr(ANALYSIS, handler)(a) == outcomes(map(meaning, xs)), a


def test_integers_and_floats_are_compared_exactly() -> None:
    rounded, integer = R(2.0**53, 2.0**53), R(2**53 + 1, 2**53 + 1)
    assert ANALYSIS.eq(integer, rounded) == R(False, False)
    assert ANALYSIS.lt(rounded, integer) == R(True, True)
    assert ANALYSIS.lt(R.unknown_int(), R(INF, INF)) == R(True, True)
    assert ANALYSIS.le(R(INF, INF), R.unknown_int()) == R(False, False)


BOOLS = [R(False, False), R(False, True), R(True, True)]


def truths(value: ValueRanges) -> list[bool]:
    return [truth for truth in (False, True) if truth in value]


@pytest.mark.parametrize(
    ("handler", "meaning", "count"),
    [
        ("and_", lambda *p: all(p), 2),
        ("and_", lambda *p: all(p), 3),
        ("or_", lambda *p: any(p), 2),
        ("or_", lambda *p: any(p), 3),
        ("iff", operator.is_, 2),
        ("not_", operator.not_, 1),
        ("eq", operator.eq, 2),
        ("ne", operator.ne, 2),
    ],
)
def test_connectives(handler: str, meaning: Callable[..., bool], count: int) -> None:
    for args in itertools.product(BOOLS, repeat=count):
        expected = outcomes(meaning(*p) for p in itertools.product(*map(truths, args)))
        assert getattr(ANALYSIS, handler)(*args) == expected


def test_where() -> None:
    no, either, yes = BOOLS
    one, five = R(1, 2), R(5, 6)
    assert ANALYSIS.where(yes, one, five) == one
    assert ANALYSIS.where(no, one, five) == five
    assert ANALYSIS.where(either, one, five) == R(1, 6)
    assert ANALYSIS.where(either, R(0.0, 1.0, nan=True), R(2.0, 2.0)) == R(0.0, 2.0, nan=True)
    with pytest.raises(RangeError, match="kind"):
        ANALYSIS.where(either, one, R(1.0, 2.0))
    with pytest.raises(RangeError, match="bool range"):
        ANALYSIS.where(one, one, five)


def test_leaves() -> None:
    assert ANALYSIS.constant(3) == R(3, 3)
    assert ANALYSIS.constant(True) == R(True, True)
    assert ANALYSIS.constant(1.5) == R(1.5, 1.5)
    assert ANALYSIS.constant(NAN) == R.unknown_float()
    assert ANALYSIS.constant(int_oo) == R.unknown_int()
    for kind in ("int", "bool", "float"):
        symbol = SimpleNamespace(name="s", kind=kind)
        assert ANALYSIS.symbol(symbol) == R.unknown(kind)
        assert ANALYSIS.unknown(SimpleNamespace(result_kind=kind), ()) == R.unknown(kind)
