"""Bit operations on two's complement without end (``~x`` is ``-x - 1`` in normal form)."""

from __future__ import annotations

from collections.abc import Iterator

from shapes.base.infinity import IntInfinity
from shapes.expr.nodes import Expr, IntConstant, IntExpr, combine
from shapes.queries.rules.table import Ask, Example, Rule

__all__ = ["BITS"]


def _low_bits(ask: Ask, e: IntExpr) -> int | None:
    """The k with ``0 <= e < 2**k`` that the range of e shows."""
    lower, upper = ask.bounds(e)
    if isinstance(upper, IntInfinity) or lower < 0:
        return None
    return upper.bit_length()


def _free_bits(ask: Ask, e: IntExpr) -> int:
    """How many of the lowest bits are known to be 0."""
    m, r = ask.congruence(e)
    together = m | r
    return (together & -together).bit_length() - 1 if together else 0


def _apart(ask: Ask, x: Expr, y: Expr) -> bool:
    """Whether x and y have no bit in common, by size and alignment."""
    assert isinstance(x, IntExpr)
    assert isinstance(y, IntExpr)
    for low, high in ((x, y), (y, x)):
        bits = _low_bits(ask, low)
        if bits is not None and bits <= _free_bits(ask, high):
            return True
    return False


def _disjoint_sum(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x | y -> x + y`` for disjoint bits; the same for ``x ^ y``."""
    build = node.op.build
    assert build is not None
    for index, x in enumerate(node.args):
        others = [y for place, y in enumerate(node.args) if place != index]
        if all(_apart(ask, x, y) for y in others):
            rest = build(*others) if len(others) > 1 else others[0]
            assert isinstance(x, IntExpr)
            assert isinstance(rest, IntExpr)
            yield combine(1, x, 1, rest)


def _wide_mask(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x & c -> x`` if c keeps every bit that x may have."""
    masks = [e for e in node.args if type(e) is IntConstant]
    rest = [e for e in node.args if type(e) is not IntConstant]
    if len(masks) != 1 or len(rest) != 1:
        return
    (mask,), (x,) = masks, rest
    assert isinstance(x, IntExpr)
    bits = _low_bits(ask, x)
    if bits is not None:
        low = (1 << bits) - 1
        if mask.constant & low == low:
            yield x
    missing = ~mask.constant
    clears_lowest = missing >= 0 and missing & (missing + 1) == 0
    if clears_lowest and _free_bits(ask, x) >= missing.bit_length():
        yield x


BITS = (
    Rule(
        "union of disjoint bits", "x | y", _disjoint_sum,
        example=Example("a | b", "a % 8 == 0 and 0 <= b and b < 8", "a + b"),
    ),
    Rule(
        "difference of disjoint bits", "x ^ y", _disjoint_sum,
        example=Example("a ^ 3", "a % 4 == 0", "a + 3"),
    ),
    Rule(
        "bits stated to be disjoint", "x | y", "x + y", "Eq(x & y, 0)",
        Example("a | b", "a & b == 0", "a + b"),
    ),
    Rule(
        "bits stated to be disjoint, difference", "x ^ y", "x + y", "Eq(x & y, 0)",
        Example("a ^ b", "a & b == 0", "a + b"),
    ),
    Rule(
        "mask of all bits", "x & c", _wide_mask,
        example=Example("a & 47", "0 <= a and a < 16", "a"),
    ),
    Rule(
        "symbolic mask", "x & (2**y - 1)", "x % 2**y",
        example=Example("a & ((1 << n) - 1)", "", "a % (1 << n)"),
    ),
    Rule(
        "absorbed union", "x & (x | y)", "x",
        example=Example("a & (a | b)", "", "a"),
    ),
    Rule(
        "absorbed intersection", "x | (x & y)", "x",
        example=Example("a | (a & b)", "", "a"),
    ),
    Rule(
        "bits and their complement", "x & (-x - 1)", "0",
        example=Example("a & ~a", "", "0"),
    ),
    Rule(
        "bits or their complement", "x | (-x - 1)", "-1",
        example=Example("a | ~a", "", "-1"),
    ),
    Rule(
        "complements in common", "(-x - 1) & (-y - 1)", "-1 - (x | y)",
        example=Example("~a & ~b", "", "-1 - (a | b)"),
    ),
    Rule(
        "complements united", "(-x - 1) | (-y - 1)", "-1 - (x & y)",
        example=Example("~a | ~b", "", "-1 - (a & b)"),
    ),
    Rule(
        "union of intersections", "(x & y) | (x & z)", "x & (y | z)",
        example=Example("(a & b) | (a & n)", "", "a & (b | n)"),
    ),
    Rule(
        "intersection of unions", "(x | y) & (x | z)", "x | (y & z)",
        example=Example("(a | b) & (a | n)", "", "a | (b & n)"),
    ),
    Rule(
        "carries and sum", "(x & y) + (x | y)", "x + y",
        example=Example("(a & b) + (a | b) + n", "", "a + b + n"),
    ),
    Rule(
        "union without intersection", "(x | y) - (x & y)", "x ^ y",
        example=Example("(a | b) - (a & b)", "", "a ^ b"),
    ),
    Rule(
        "difference and carries", "(x ^ y) + 2*(x & y)", "x + y",
        example=Example("(a ^ b) + 2*(a & b)", "", "a + b"),
    ),
    Rule(
        "difference and intersection", "(x ^ y) + (x & y)", "x | y",
        example=Example("(a ^ b) + (a & b)", "", "a | b"),
    ),
)  # fmt: skip
