"""Transfer functions of `&`, `|` and `^` on integer ranges, a few steps per bit.

The idea: for non-negative operands the smallest and the largest value of `|` and `^` over
two intervals come from one scan from the top bit down (H. S. Warren, *Hacker's Delight*,
2nd ed., section 4-3, "Propagating Bounds through Logical Operations"); `&` is `|` of the
complements. Integers here have infinitely many bits, so

* operands are split by sign, and each part is read modulo 2**width, which keeps the order
  inside the part; the sign of the result follows from the signs of the parts;
* an infinite end is replaced by one with two bits more than any finite end. The bits above
  the finite ends can be chosen freely there, and two of them show every combination that can
  matter (both set, one set, neither); a result that uses them can be made as large as one
  likes, so its end is infinite.

Guarantees: both ends are reached, or the values are unbounded on that side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shapes.base.budget import WORD, spend, weight
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains.value_ranges import ValueRanges, int_ends, int_range

__all__ = ["bitand", "bitor", "bitxor"]

Box = tuple[int, int, int, int]
"""`(a, b, c, d)`: the first operand in a..b, the second in c..d, none negative."""


def bitand(first: ValueRanges, *rest: ValueRanges) -> ValueRanges:
    """`a & b & ...`, folded from the left (exact for two)."""
    for other in rest:
        first = _bitwise(first, other, _and_extremes, int.__and__)
    return first


def bitor(first: ValueRanges, *rest: ValueRanges) -> ValueRanges:
    """`a | b | ...`, folded from the left (exact for two)."""
    for other in rest:
        first = _bitwise(first, other, _or_extremes, int.__or__)
    return first


def bitxor(first: ValueRanges, *rest: ValueRanges) -> ValueRanges:
    """`a ^ b ^ ...`, folded from the left (exact for two)."""
    for other in rest:
        first = _bitwise(first, other, _xor_extremes, int.__xor__)
    return first


def _bitwise(
    a: ValueRanges,
    b: ValueRanges,
    extremes: Callable[[Box, int], tuple[int, int]],
    sign: Callable[[int, int], int],
) -> ValueRanges:
    """The hull over the parts of equal signs, each one modulo 2**width.

    `sign` is the operator itself: applied to the signs (0 or -1) it gives the result's.
    """
    ends = int_ends(a) + int_ends(b)
    finite = max(0 if isinstance(end, IntInfinity) else end.bit_length() for end in ends)
    width = finite + 2
    if width > WORD:
        spend(width + weight(width))
    everything = (1 << width) - 1
    lower, upper = everything, ~everything
    for x_sign, x_low, x_high in _parts(ends[0], ends[1], everything):
        for y_sign, y_low, y_high in _parts(ends[2], ends[3], everything):
            least, most = extremes((x_low, x_high, y_low, y_high), everything)
            above = sign(x_sign, y_sign) & ~everything
            lower = min(lower, least | above)
            upper = max(upper, most | above)
    limit = 1 << finite
    return int_range(
        -int_oo if lower < -limit else lower,
        int_oo if upper >= limit else upper,
    )


def _parts(lower: Bound, upper: Bound, everything: int) -> Iterator[tuple[int, int, int]]:
    """Sign (-1 or 0), first and last value modulo 2**width of each part of one sign."""
    if lower < 0:
        first = 0 if isinstance(lower, IntInfinity) else lower & everything
        last = upper & everything if isinstance(upper, int) and upper < 0 else everything
        yield -1, first, last
    if upper >= 0:
        first = lower if isinstance(lower, int) and lower > 0 else 0
        yield 0, first, everything if isinstance(upper, IntInfinity) else upper


def _and_extremes(box: Box, everything: int) -> tuple[int, int]:
    """Over the complements, by De Morgan: x & y == ~(~x | ~y)."""
    a, b, c, d = (everything ^ end for end in box)
    return everything ^ _largest_or(b, a, d, c), everything ^ _smallest_or(b, a, d, c)


def _or_extremes(box: Box, _: int) -> tuple[int, int]:
    return _smallest_or(*box), _largest_or(*box)


def _xor_extremes(box: Box, _: int) -> tuple[int, int]:
    return _smallest_xor(*box), _largest_xor(*box)


def _top(bits: int) -> int:
    """The highest bit that is set; bits > 0."""
    return 1 << (bits.bit_length() - 1)


def _smallest_or(a: int, b: int, c: int, d: int) -> int:
    """At the highest bit that just one lower end has, the other end may be raised to have it
    too, with zeros below, which is free of charge; the first time that this fits is best."""
    differ = a ^ c
    while differ:
        bit = _top(differ)
        if c & bit:
            raised = (a | bit) & -bit
            if raised <= b:
                return raised | c
        else:
            raised = (c | bit) & -bit
            if raised <= d:
                return a | raised
        differ ^= bit
    return a | c


def _largest_or(a: int, b: int, c: int, d: int) -> int:
    """A bit that both upper ends have is needed once: drop it from one of them, for ones at
    all lower bits, the first time that this fits."""
    both = b & d
    while both:
        bit = _top(both)
        dropped = (b - bit) | (bit - 1)
        if dropped >= a:
            return dropped | d
        dropped = (d - bit) | (bit - 1)
        if dropped >= c:
            return b | dropped
        both ^= bit
    return b | d


def _smallest_xor(a: int, b: int, c: int, d: int) -> int:
    """Raise ends as for the smallest `|`, but at every bit, so that the bits cancel."""
    differ = a ^ c
    while differ:
        bit = _top(differ)
        if c & bit:
            raised = (a | bit) & -bit
            if raised <= b:
                a = raised
        else:
            raised = (c | bit) & -bit
            if raised <= d:
                c = raised
        differ = (a ^ c) & (bit - 1)
    return a ^ c


def _largest_xor(a: int, b: int, c: int, d: int) -> int:
    """Drop bits as for the largest `|`, but at every bit, so that none cancels."""
    both = b & d
    while both:
        bit = _top(both)
        dropped = (b - bit) | (bit - 1)
        if dropped >= a:
            b = dropped
        else:
            dropped = (d - bit) | (bit - 1)
            if dropped >= c:
                d = dropped
        both = b & d & (bit - 1)
    return b ^ d
