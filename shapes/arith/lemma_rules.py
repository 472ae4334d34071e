"""Lemma instances by operator: which schemas speak about one atom, and about two of a kind.

`ABOUT` has the rules for one atom: defining inequalities of divisions, choices and bits,
McCormick's for products (McCormick, Math. Programming 1976). `BETWEEN` has those for two
atoms of a kind: monotonicity. A rule gives schemas of `lemma_schemas` with their operands; it
may ask whether a condition is known, and is sound whatever it gives, because `lemma_instances`
asks for every premise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from shapes.expr.linear import scale, shift
from shapes.expr.nodes import (
    BoolExpr,
    Expr,
    IntAtom,
    IntConstant,
    IntExpr,
    Product,
    Sum,
    combine,
    constant,
    int_operands,
    make_product,
)

__all__ = ["ABOUT", "BETWEEN", "PAIRED", "Pick", "Wanted"]


class Wanted:
    """What the choice of theorems may ask: whether a condition is known to hold, and the
    range that is known of an expression. Subclassed by the tier."""

    def known(self, claim: BoolExpr) -> bool:
        raise NotImplementedError

    def ends(self, e: IntExpr) -> tuple[int | None, int | None]:
        """The ends of the range, None for an end that is not known."""
        raise NotImplementedError

    def occurs(self, e: IntExpr) -> bool:
        """Whether the question's rows speak about an atom."""
        raise NotImplementedError


Pick = tuple[str, tuple[Expr, ...]]


# --------------------------------------------------------------------------- single atoms


def _about_floor(q: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    a, b = int_operands(q)
    if type(b) is IntConstant:
        if b.constant > 0:
            yield "floor low", (a, b)
            yield "floor high", (a, b)
        return
    low, high = wanted.ends(b)
    if low is not None and low >= 1:
        yield "floor low", (a, b)
        yield "floor high", (a, b)
        yield "floor sized", (a, b, constant(low))
        for k in (0, 1, -1):
            yield "floor is", (a, b, constant(k))
        yield "floor at least", (a, b, constant(1))
        yield "floor at most", (a, b, constant(0))
        yield from _nested(a, b)
    elif high is not None and high <= -1:
        yield "floor low, negative divisor", (a, b)
        yield "floor high, negative divisor", (a, b)


def _nested(a: IntExpr, b: IntExpr) -> Iterator[Pick]:
    if a.op.name != "FloorDiv":
        return
    x, d = a.args
    if b.op.name == d.op.name == "Pow" and b.args[0] is d.args[0]:
        yield "shift nested", (x, b.args[0], d.args[1], b.args[1])
    yield "floor nested", (x, d, b)


def _about_truncation(t: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    a, b = int_operands(t)
    if type(b) is IntConstant and b.constant > 0:
        yield "truncation low", (a, b)
        yield "truncation high", (a, b)
    yield "truncation floors", (a, b)
    yield "truncation ceils", (a, b)
    yield "truncation floors, both negative", (a, b)
    yield "truncation ceils, negative divisor", (a, b)


def _about_min(m: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    for e in m.args:
        yield "minimum below", (m, e)
    for e in m.args[:6]:
        yield "minimum is", (m, e)


def _about_max(m: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    for e in m.args:
        yield "maximum above", (m, e)
    for e in m.args[:6]:
        yield "maximum is", (m, e)


def _about_abs(t: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    for schema in ("absolute is", "absolute is negated"):
        yield schema, t.args
    yield "absolute above", t.args
    yield "absolute above negated", t.args


def _about_gcd(m: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    for e in m.args:
        for rule in ("positive", "divides", "below", "below negated"):
            yield f"gcd {rule}", (m, e)
        yield "gcd of multiples", (m, e)


def _about_where(w: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    yield "where then", w.args
    yield "where else", w.args


def _about_product(p: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    """McCormick's inequalities for every way to split off one factor, and those of squares."""
    assert isinstance(p, Product)
    seen: set[tuple[IntExpr, IntExpr]] = set()
    for base, exponent in p.factors:
        rest = make_product(
            tuple((b, e - (b is base)) for b, e in p.factors if e - (b is base))
        )
        if (rest, base) in seen:
            continue
        seen.add((base, rest))
        if rest is base and exponent == 2:
            low, high = wanted.ends(base)
            yield "square", (base,)
            yield "consecutive", (base,)
            yield "consecutive", (shift(base, -1),)
            yield from _mccormick(base, base, (low, high), (low, high))
        else:
            yield from _mccormick(base, rest, wanted.ends(base), wanted.ends(rest))
    half = tuple((b, e // 2) for b, e in p.factors)
    if len(p.factors) > 1 and all(e % 2 == 0 for _, e in p.factors):
        yield "square", (make_product(half),)
    powers = [b for b, _ in p.factors if b.op.name == "Pow"]
    for x, y in pairwise(powers):
        if x.args[0] is y.args[0]:
            yield "power product", (x.args[0], x.args[1], y.args[1])
    if len(p.factors) == 2 and all(e == 1 for _, e in p.factors):
        (x, _), (y, _) = p.factors
        if wanted.occurs(make_product(((x, 2),))) and wanted.occurs(make_product(((y, 2),))):
            yield "square", (combine(1, x, -1, y),)
            yield "square", (combine(1, x, 1, y),)


def _mccormick(
    x: IntExpr,
    y: IntExpr,
    x_ends: tuple[int | None, int | None],
    y_ends: tuple[int | None, int | None],
) -> Iterator[Pick]:
    for e in _non_positive(x, x_ends):
        for f in _non_positive(y, y_ends):
            yield "product", (e, f)


def _non_positive(x: IntExpr, ends: tuple[int | None, int | None]) -> list[IntExpr]:
    low, high = ends
    found = []
    if low is not None:
        found.append(combine(-1, x, 0, x, low))
    if high is not None:
        found.append(combine(1, x, 0, x, -high))
    return found


def _about_power(p: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    base, s = int_operands(p)
    if type(base) is not IntConstant:
        yield "power above base", (base, s)
    elif base.constant >= 2:
        yield "power grows", (base, s)
        low, _ = wanted.ends(s)
        if low is not None and low >= 1 and not isinstance(s, Sum):
            yield "power shift", (base, shift(s, -1), constant(1))


def _about_and(m: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    for e in m.args:
        yield "and below", (m, e)
    if len(m.args) == 2:
        x, y = m.args
        if type(y) is IntConstant:
            yield "mask", (x, y)
        assert isinstance(x, IntExpr)
        if y is scale(-1, x):
            yield "lowest bit", (x,)
            yield "lowest bit", (y,)
        yield from _disjoint(x, y, wanted)
        yield from _disjoint(y, x, wanted)


def _disjoint(x: Expr, y: Expr, wanted: Wanted) -> Iterator[Pick]:
    assert isinstance(y, IntExpr)
    low, high = wanted.ends(y)
    if low is not None and high is not None and low >= 0:
        yield "disjoint", (x, y, constant(high.bit_length()))


def _with_and(m: IntExpr, schema: str, wanted: Wanted) -> Iterator[Pick]:
    """What a two-place ``|`` or ``^`` is, by ``&``, where something is known of that."""
    if len(m.args) != 2:
        return
    x, y = int_operands(m)
    ranges = [wanted.ends(x), wanted.ends(y)]
    bounded = any(low is not None and low >= 0 and high is not None for low, high in ranges)
    if bounded or type(y) is IntConstant:
        yield schema, (x, y)


def _about_or(m: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    for e in m.args:
        yield "or above", (m, e)
    yield "or within", (m,)
    yield from _with_and(m, "or and and", wanted)


def _about_xor(m: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    yield "xor within", (m,)
    yield from _with_and(m, "xor and and", wanted)


def _about_rounding(m: IntExpr, wanted: Wanted) -> Iterator[Pick]:
    if m.args[0].op.name == "ToFloat":
        yield "rounding exact", (m,)


ABOUT: Final[dict[str, Callable[[IntExpr, Wanted], Iterator[Pick]]]] = {
    "FloorDiv": _about_floor,
    "TruncDiv": _about_truncation,
    "Min": _about_min,
    "Max": _about_max,
    "Abs": _about_abs,
    "gcd": _about_gcd,
    "Where": _about_where,
    "Product": _about_product,
    "Pow": _about_power,
    "BitAnd": _about_and,
    "BitOr": _about_or,
    "BitXor": _about_xor,
    "FloorToInt": _about_rounding,
    "CeilToInt": _about_rounding,
    "TruncToInt": _about_rounding,
    "RoundToInt": _about_rounding,
}

# --------------------------------------------------------------------------- pairs of atoms


def _between_floors(x: IntAtom, y: IntAtom) -> Iterator[Pick]:
    a, b = x.args
    c, d = y.args
    if b is d and type(b) is not IntConstant:
        for k in (0, 1, -1):
            yield "floor monotone", (a, c, b, constant(k))
    elif a is c:
        yield "floor of divisors", (a, b, d)
        yield "floor of divisors, negative", (a, b, d)


def _between_extrema(x: IntAtom, y: IntAtom) -> Iterator[Pick]:
    if x.op.name == "Min" and y.op.name == "Max" and len(x.args) == 2:  # noqa: SIM102
        if frozenset(x.args) == frozenset(y.args):
            yield "minimum and maximum", x.args


def _between_powers(x: IntAtom, y: IntAtom) -> Iterator[Pick]:
    base, s = x.args
    other, t = y.args
    if base is not other or type(base) is not IntConstant:
        return
    assert isinstance(s, IntExpr)
    assert isinstance(t, IntExpr)
    difference = combine(1, t, -1, s)
    if type(difference) is IntConstant and 0 < difference.constant <= 64:
        yield "power shift", (base, s, difference)
    elif base.constant >= 2:
        yield "power monotone", (base, s, t)


def _between_bits(x: IntAtom, y: IntAtom) -> Iterator[Pick]:
    if len(x.args) != 2 or frozenset(x.args) != frozenset(y.args):
        return
    names = {x.op.name, y.op.name}
    if names >= {"BitOr", "BitAnd"} or names >= {"BitOr", "BitXor"}:
        yield "or and and", x.args
    if names >= {"BitXor", "BitAnd"} or names >= {"BitOr", "BitXor"}:
        yield "xor and and", x.args


def _between_roundings(x: IntAtom, y: IntAtom) -> Iterator[Pick]:
    if x.args[0] is y.args[0]:
        yield "rounding order", (x, y)
        yield "rounding distance", (x, y)


PAIRED: Final = {
    "FloorToInt": "roundings",
    "CeilToInt": "roundings",
    "TruncToInt": "roundings",
    "RoundToInt": "roundings",
    "FloorDiv": "floors",
    "Min": "extrema",
    "Max": "extrema",
    "Pow": "powers",
    "BitAnd": "bits",
    "BitOr": "bits",
    "BitXor": "bits",
}
BETWEEN: Final[dict[str, Callable[[IntAtom, IntAtom], Iterator[Pick]]]] = {
    "floors": _between_floors,
    "extrema": _between_extrema,
    "powers": _between_powers,
    "bits": _between_bits,
    "roundings": _between_roundings,
}
