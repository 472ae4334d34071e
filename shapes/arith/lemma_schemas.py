"""Lemma schemas: valid implications about non-linear operators, as linear constraints over
atoms.

`SCHEMAS` is the table: a schema turns operands into premises and a conclusion, all of them
conditions in normal form. `lemma_instances` instantiates it for linear reasoning, `checker`
re-reads it, and each row is tested by brute force.

Guarantees: a conclusion follows from its premises for all integers at which its operators
are defined; an undefined atom counts as any integer at all (roundings of one double that
have no value: as one and the same).
Limits: of floats, only roundings to integers are spoken about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from shapes.arith.factor_schemas import FACTORS
from shapes.arith.statements import (
    SchemaError,
    Statement,
    at_least,
    at_most,
    eq,
    le,
    need,
    number,
    operand_of,
)
from shapes.expr.booleans import as_integer, negation, where
from shapes.expr.integers import (
    absolute,
    bit_and,
    bit_or,
    bit_xor,
    floor_division,
    maximum,
    minimum,
    modulo,
    raise_to,
    truncating_division,
)
from shapes.expr.linear import eq_zero, le_zero, multiply, ne_zero, scale, shift
from shapes.expr.nodes import (
    BoolExpr,
    Expr,
    IntAtom,
    IntExpr,
    combine,
    constant,
    int_operands,
)

__all__ = ["SCHEMAS", "SchemaError", "Statement", "state"]


# --------------------------------------------------------------------------- division


def _floor_low(a: IntExpr, b: IntExpr) -> Statement:
    """``b >= 1``: ``b*(a//b) <= a``."""
    return Statement((at_least(b, 1),), le(multiply(b, floor_division(a, b)), a))


def _floor_high(a: IntExpr, b: IntExpr) -> Statement:
    """``b >= 1``: ``a < b*(a//b) + b``."""
    top = combine(1, multiply(b, floor_division(a, b)), 1, b)
    return Statement((at_least(b, 1),), le(a, top, 1))


def _floor_low_negative(a: IntExpr, b: IntExpr) -> Statement:
    """``b <= -1``: ``b*(a//b) + b < a``."""
    low = combine(1, multiply(b, floor_division(a, b)), 1, b)
    return Statement((at_most(b, -1),), le(low, a, 1))


def _floor_high_negative(a: IntExpr, b: IntExpr) -> Statement:
    """``b <= -1``: ``a <= b*(a//b)``."""
    return Statement((at_most(b, -1),), le(a, multiply(b, floor_division(a, b))))


def _floor_monotone(a: IntExpr, c: IntExpr, b: IntExpr, k: IntExpr) -> Statement:
    """``b >= 1`` and ``a <= c + k*b``: ``a//b <= c//b + k``."""
    number(k)
    ordered = le(a, combine(1, c, k.constant, b))
    bound = shift(floor_division(c, b), k.constant)
    return Statement((at_least(b, 1), ordered), le(floor_division(a, b), bound))


def _floor_divisors(a: IntExpr, b: IntExpr, c: IntExpr) -> Statement:
    """``a >= 0`` and ``1 <= b <= c``: ``a//c <= a//b``."""
    premises = (at_least(a, 0), at_least(b, 1), le(b, c))
    return Statement(premises, le(floor_division(a, c), floor_division(a, b)))


def _floor_divisors_negative(a: IntExpr, b: IntExpr, c: IntExpr) -> Statement:
    """``a <= 0`` and ``1 <= b <= c``: ``a//b <= a//c``."""
    premises = (at_most(a, 0), at_least(b, 1), le(b, c))
    return Statement(premises, le(floor_division(a, b), floor_division(a, c)))


def _floor_sized(a: IntExpr, b: IntExpr, k: IntExpr) -> Statement:
    """``a >= 0`` and ``b >= k >= 1``: ``k*(a//b) <= a``."""
    n = number(k)
    need(n >= 1)
    premises = (at_least(a, 0), at_least(b, n))
    return Statement(premises, le(scale(n, floor_division(a, b)), a))


def _floor_is(a: IntExpr, b: IntExpr, k: IntExpr) -> Statement:
    """``b >= 1`` and ``k*b <= a < k*b + b``: ``a//b == k``."""
    low = multiply(k, b)
    premises = (at_least(b, 1), le(low, a), le(a, combine(1, low, 1, b), 1))
    return Statement(premises, eq(floor_division(a, b), k))


def _floor_at_least(a: IntExpr, b: IntExpr, k: IntExpr) -> Statement:
    """``b >= 1`` and ``k*b <= a``: ``k <= a//b``."""
    premises = (at_least(b, 1), le(multiply(k, b), a))
    return Statement(premises, le(k, floor_division(a, b)))


def _floor_at_most(a: IntExpr, b: IntExpr, k: IntExpr) -> Statement:
    """``b >= 1`` and ``a < k*b + b``: ``a//b <= k``."""
    premises = (at_least(b, 1), le(a, combine(1, multiply(k, b), 1, b), 1))
    return Statement(premises, le(floor_division(a, b), k))


def _floor_of_equals(a: IntExpr, b: IntExpr, e: IntExpr, c: IntExpr) -> Statement:
    """``e == 0`` and ``b != 0``: ``a//b == (a - c*e)//b``, where multiples of b fall out."""
    other = combine(1, a, -1, multiply(c, e))
    premises = (eq_zero(e), ne_zero(b))
    return Statement(premises, eq(floor_division(a, b), floor_division(other, b)))


def _floor_nested(a: IntExpr, b: IntExpr, c: IntExpr) -> Statement:
    """``b, c >= 1``: ``(a//b)//c == a//(b*c)``."""
    nested = floor_division(floor_division(a, b), c)
    premises = (at_least(b, 1), at_least(c, 1))
    return Statement(premises, eq(nested, floor_division(a, multiply(b, c))))


def _shift_nested(a: IntExpr, b: IntExpr, s: IntExpr, t: IntExpr) -> Statement:
    """For a constant ``b >= 1`` and ``s, t >= 0``: ``(a//b**s)//b**t == a//b**(s + t)``."""
    need(number(b) >= 1)
    nested = floor_division(floor_division(a, raise_to(b, s)), raise_to(b, t))
    premises = (at_least(s, 0), at_least(t, 0))
    return Statement(
        premises, eq(nested, floor_division(a, raise_to(b, combine(1, s, 1, t))))
    )


def _trunc_floor(a: IntExpr, b: IntExpr) -> Statement:
    """``a >= 0`` and ``b >= 1``: the quotient is ``a//b``."""
    premises = (at_least(a, 0), at_least(b, 1))
    return Statement(premises, eq(truncating_division(a, b), floor_division(a, b)))


def _trunc_ceiling(a: IntExpr, b: IntExpr) -> Statement:
    """``a <= 0`` and ``b >= 1``: the quotient is ``-((-a)//b)``."""
    premises = (at_most(a, 0), at_least(b, 1))
    quotient = scale(-1, floor_division(scale(-1, a), b))
    return Statement(premises, eq(truncating_division(a, b), quotient))


def _trunc_floor_negative(a: IntExpr, b: IntExpr) -> Statement:
    """``a <= 0`` and ``b <= -1``: the quotient is ``(-a)//(-b)``."""
    premises = (at_most(a, 0), at_most(b, -1))
    quotient = floor_division(scale(-1, a), scale(-1, b))
    return Statement(premises, eq(truncating_division(a, b), quotient))


def _trunc_ceiling_negative(a: IntExpr, b: IntExpr) -> Statement:
    """``a >= 0`` and ``b <= -1``: the quotient is ``-(a//(-b))``."""
    premises = (at_least(a, 0), at_most(b, -1))
    quotient = scale(-1, floor_division(a, scale(-1, b)))
    return Statement(premises, eq(truncating_division(a, b), quotient))


def _trunc_low(a: IntExpr, c: IntExpr) -> Statement:
    """For a constant ``c >= 1``: ``c*t - (c - 1) <= a``."""
    need(number(c) >= 1)
    return Statement((), le(scale(c.constant, truncating_division(a, c)), a, 1 - c.constant))


def _trunc_high(a: IntExpr, c: IntExpr) -> Statement:
    """For a constant ``c >= 1``: ``a <= c*t + (c - 1)``."""
    need(number(c) >= 1)
    return Statement((), le(a, scale(c.constant, truncating_division(a, c)), 1 - c.constant))


# --------------------------------------------------------------------------- choices


def _min_below(m: IntExpr, e: IntExpr) -> Statement:
    """``Min(..., e, ...) <= e``."""
    operand_of(m, "Min", e)
    return Statement((), le(m, e))


def _min_is(m: IntExpr, e: IntExpr) -> Statement:
    """``e <= f`` for every other operand f: ``Min(..., e, ...) == e``."""
    return Statement(tuple(le(e, f) for f in operand_of(m, "Min", e)), eq(m, e))


def _max_above(m: IntExpr, e: IntExpr) -> Statement:
    """``e <= Max(..., e, ...)``."""
    operand_of(m, "Max", e)
    return Statement((), le(e, m))


def _max_is(m: IntExpr, e: IntExpr) -> Statement:
    """``f <= e`` for every other operand f: ``Max(..., e, ...) == e``."""
    return Statement(tuple(le(f, e) for f in operand_of(m, "Max", e)), eq(m, e))


def _min_and_max(x: IntExpr, y: IntExpr) -> Statement:
    """``Min(x, y) + Max(x, y) == x + y``."""
    both = combine(1, minimum(x, y), 1, maximum(x, y))
    return Statement((), eq(both, combine(1, x, 1, y)))


def _abs_above(x: IntExpr) -> Statement:
    """``x <= abs(x)``."""
    return Statement((), le(x, absolute(x)))


def _abs_above_negated(x: IntExpr) -> Statement:
    """``-x <= abs(x)``."""
    return Statement((), le(scale(-1, x), absolute(x)))


def _abs_is(x: IntExpr) -> Statement:
    """``x >= 0``: ``abs(x) == x``."""
    return Statement((at_least(x, 0),), eq(absolute(x), x))


def _abs_is_negated(x: IntExpr) -> Statement:
    """``x <= 0``: ``abs(x) == -x``."""
    return Statement((at_most(x, 0),), eq(absolute(x), scale(-1, x)))


def _gcd_positive(m: IntExpr, e: IntExpr) -> Statement:
    """``e != 0``: ``gcd(e, ...) >= 1``."""
    operand_of(m, "gcd", e)
    return Statement((ne_zero(e),), at_least(m, 1))


def _gcd_divides(m: IntExpr, e: IntExpr) -> Statement:
    """``e % gcd(e, ...) == 0``: where the divisor is 0, e is too."""
    operand_of(m, "gcd", e)
    return Statement((), eq_zero(modulo(e, m)))


def _gcd_below(m: IntExpr, e: IntExpr) -> Statement:
    """``e >= 1``: ``gcd(e, ...) <= e``."""
    operand_of(m, "gcd", e)
    return Statement((at_least(e, 1),), le(m, e))


def _gcd_below_negated(m: IntExpr, e: IntExpr) -> Statement:
    """``e <= -1``: ``gcd(e, ...) <= -e``."""
    operand_of(m, "gcd", e)
    return Statement((at_most(e, -1),), le(m, scale(-1, e)))


def _chosen(p: BoolExpr, a: IntExpr, b: IntExpr) -> IntExpr:
    return as_integer(where(p, a, b))


def _where_then(p: BoolExpr, a: IntExpr, b: IntExpr) -> Statement:
    """``p``: ``Where(p, a, b) == a``."""
    return Statement((p,), eq(_chosen(p, a, b), a))


def _where_else(p: BoolExpr, a: IntExpr, b: IntExpr) -> Statement:
    """``not p``: ``Where(p, a, b) == b``."""
    return Statement((negation(p),), eq(_chosen(p, a, b), b))


# --------------------------------------------------------------------------- roundings

_ROUNDINGS: Final = {"FloorToInt": 0, "TruncToInt": 1, "RoundToInt": 1, "CeilToInt": 2}
"""Roundings of a double by their order; two of one rank may be either way round."""


def _rounding(atom: Expr) -> IntExpr:
    need(atom.op.name in _ROUNDINGS)
    assert isinstance(atom, IntAtom)
    return atom


def _rounding_order(x: IntExpr, y: IntExpr) -> Statement:
    """``floor(t) <= trunc(t), round(t) <= ceil(t)``."""
    low, high = _ROUNDINGS[_rounding(x).op.name], _ROUNDINGS[_rounding(y).op.name]
    need(low < high and x.args[0] is y.args[0])
    return Statement((), le(x, y))


def _rounding_distance(x: IntExpr, y: IntExpr) -> Statement:
    """``ceil(t) <= floor(t) + 1``; so two roundings differ by at most 1."""
    need(_rounding(x).args[0] is _rounding(y).args[0])
    return Statement((), le(x, y, -1))


def _rounding_exact(x: IntExpr) -> Statement:
    """``-2**53 <= n <= 2**53``: a rounding of the double of n is n."""
    double = _rounding(x).args[0]
    need(double.op.name == "ToFloat")
    (n,) = double.args
    assert isinstance(n, IntExpr)
    return Statement((at_least(n, -(2**53)), at_most(n, 2**53)), eq(x, n))


# --------------------------------------------------------------------------- products


def _product(e: IntExpr, f: IntExpr) -> Statement:
    """``e <= 0`` and ``f <= 0``: ``e*f >= 0``."""
    return Statement((le_zero(e), le_zero(f)), at_least(multiply(e, f), 0))


def _zero_product(e: IntExpr, f: IntExpr) -> Statement:
    """``e == 0``: ``e*f == 0``."""
    return Statement((eq_zero(e),), eq_zero(multiply(e, f)))


def _square(e: IntExpr) -> Statement:
    """``e*e >= 0``."""
    return Statement((), at_least(multiply(e, e), 0))


def _consecutive(e: IntExpr) -> Statement:
    """``e*(e + 1) >= 0``: no integer lies between."""
    return Statement((), at_least(multiply(e, shift(e, 1)), 0))


def _power_grows(b: IntExpr, s: IntExpr) -> Statement:
    """For a constant ``b >= 2``, ``s >= 0``: ``s + 1 <= b**s``."""
    need(number(b) >= 2)
    return Statement((at_least(s, 0),), le(s, raise_to(b, s), 1))


def _power_monotone(b: IntExpr, s: IntExpr, t: IntExpr) -> Statement:
    """For a constant ``b >= 1``, ``0 <= s <= t``: ``b**s <= b**t``."""
    need(number(b) >= 1)
    return Statement((at_least(s, 0), le(s, t)), le(raise_to(b, s), raise_to(b, t)))


def _power_shift(b: IntExpr, s: IntExpr, k: IntExpr) -> Statement:
    """For a constant b and ``s, k >= 0``, k constant: ``b**(s + k) == b**k * b**s``."""
    n = number(k)
    need(0 <= n <= 64)
    larger = scale(number(b) ** n, raise_to(b, s))
    return Statement((at_least(s, 0),), eq(raise_to(b, shift(s, n)), larger))


def _power_product(b: IntExpr, s: IntExpr, t: IntExpr) -> Statement:
    """For a constant b and ``s, t >= 0``: ``b**s * b**t == b**(s + t)``."""
    number(b)
    product = multiply(raise_to(b, s), raise_to(b, t))
    premises = (at_least(s, 0), at_least(t, 0))
    return Statement(premises, eq(product, raise_to(b, combine(1, s, 1, t))))


def _power_above_base(b: IntExpr, s: IntExpr) -> Statement:
    """``b >= 1`` and ``s >= 1``: ``b <= b**s``."""
    return Statement((at_least(b, 1), at_least(s, 1)), le(b, raise_to(b, s)))


# --------------------------------------------------------------------------- bits


MASK_WORK: Final = 1 << 14
"""Runs of equal bits in a mask times its bits: what it may cost to write it with divisions."""


def _masked(x: IntExpr, mask: int) -> IntExpr:
    """``x & mask`` for ``mask >= 0``: each run of ones, from bit i up to j, gives
    ``2**i * (x//2**i) - 2**j * (x//2**j)``."""
    total = constant(0)
    bit = 0
    while mask >> bit:
        if not mask >> bit & 1:
            bit += 1
            continue
        end = bit
        while mask >> end & 1:
            end += 1
        for k, sign in ((bit, 1), (end, -1)):
            power = constant(1 << k)
            total = combine(1, total, sign << k, floor_division(x, power))
        bit = end
    return total


def _mask(x: IntExpr, mask: IntExpr) -> Statement:
    """``x & mask`` for a constant mask, in floor divisions by powers of two."""
    m = number(mask)
    runs = (m ^ (m << 1)).bit_count()
    need(runs * m.bit_length() <= MASK_WORK)
    value = _masked(x, m) if m >= 0 else combine(1, x, -1, _masked(x, ~m))
    return Statement((), eq(bit_and(x, mask), value))


def _disjoint(x: IntExpr, y: IntExpr, k: IntExpr) -> Statement:
    """``0 <= y < 2**k`` and ``x % 2**k == 0``: ``x & y == 0``."""
    n = number(k)
    need(0 <= n <= 4096)
    power = constant(1 << n)
    multiple = eq_zero(combine(1, x, -power.constant, floor_division(x, power)))
    premises = (at_least(y, 0), at_most(y, power.constant - 1), multiple)
    return Statement(premises, eq_zero(bit_and(x, y)))


def _and_below(m: IntExpr, e: IntExpr) -> Statement:
    """``e >= 0``: ``(... & e & ...) <= e``."""
    operand_of(m, "BitAnd", e)
    return Statement((at_least(e, 0),), le(m, e))


def _lowest_bit(x: IntExpr) -> Statement:
    """``x >= 1``: ``x & -x``, the lowest bit that is set, is at least 1."""
    return Statement((at_least(x, 1),), at_least(bit_and(x, scale(-1, x)), 1))


def _or_above(m: IntExpr, e: IntExpr) -> Statement:
    """No operand negative: ``e <= (... | e | ...)``."""
    others = operand_of(m, "BitOr", e)
    return Statement(tuple(at_least(f, 0) for f in (e, *others)), le(e, m))


def _total(m: IntExpr, name: str) -> Statement:
    """No operand negative: ``m`` is at most the sum of its operands."""
    need(m.op.name == name and isinstance(m, IntAtom))
    total = constant(0)
    for f in int_operands(m):
        total = combine(1, total, 1, f)
    return Statement(tuple(at_least(f, 0) for f in int_operands(m)), le(m, total))


def _or_within(m: IntExpr) -> Statement:
    """No operand negative: ``x | y <= x + y``."""
    return _total(m, "BitOr")


def _xor_within(m: IntExpr) -> Statement:
    """No operand negative: ``x ^ y <= x + y``."""
    return _total(m, "BitXor")


def _or_and(x: IntExpr, y: IntExpr) -> Statement:
    """``(x | y) + (x & y) == x + y``."""
    both = combine(1, bit_or(x, y), 1, bit_and(x, y))
    return Statement((), eq(both, combine(1, x, 1, y)))


def _xor_and(x: IntExpr, y: IntExpr) -> Statement:
    """``(x ^ y) + 2*(x & y) == x + y``."""
    both = combine(1, bit_xor(x, y), 2, bit_and(x, y))
    return Statement((), eq(both, combine(1, x, 1, y)))


SCHEMAS: Final[dict[str, Callable[..., Statement]]] = {
    "floor low": _floor_low,
    "floor high": _floor_high,
    "floor low, negative divisor": _floor_low_negative,
    "floor high, negative divisor": _floor_high_negative,
    "floor monotone": _floor_monotone,
    "floor of divisors": _floor_divisors,
    "floor of divisors, negative": _floor_divisors_negative,
    "floor sized": _floor_sized,
    "floor is": _floor_is,
    "floor at least": _floor_at_least,
    "floor at most": _floor_at_most,
    "floor of equals": _floor_of_equals,
    "floor nested": _floor_nested,
    "shift nested": _shift_nested,
    "truncation floors": _trunc_floor,
    "truncation ceils": _trunc_ceiling,
    "truncation floors, both negative": _trunc_floor_negative,
    "truncation ceils, negative divisor": _trunc_ceiling_negative,
    "truncation low": _trunc_low,
    "truncation high": _trunc_high,
    "minimum below": _min_below,
    "minimum is": _min_is,
    "maximum above": _max_above,
    "maximum is": _max_is,
    "minimum and maximum": _min_and_max,
    "absolute above": _abs_above,
    "absolute above negated": _abs_above_negated,
    "absolute is": _abs_is,
    "absolute is negated": _abs_is_negated,
    "gcd positive": _gcd_positive,
    "gcd divides": _gcd_divides,
    "gcd below": _gcd_below,
    "gcd below negated": _gcd_below_negated,
    "where then": _where_then,
    "where else": _where_else,
    "rounding order": _rounding_order,
    "rounding distance": _rounding_distance,
    "rounding exact": _rounding_exact,
    **FACTORS,
    "product": _product,
    "product with zero": _zero_product,
    "square": _square,
    "consecutive": _consecutive,
    "power grows": _power_grows,
    "power monotone": _power_monotone,
    "power shift": _power_shift,
    "power product": _power_product,
    "power above base": _power_above_base,
    "mask": _mask,
    "disjoint": _disjoint,
    "and below": _and_below,
    "lowest bit": _lowest_bit,
    "or above": _or_above,
    "or within": _or_within,
    "xor within": _xor_within,
    "or and and": _or_and,
    "xor and and": _xor_and,
}
"""Every theorem by its name."""


def state(schema: str, operands: Sequence[Expr]) -> Statement:
    """The theorem for these operands; raises `SchemaError` where it says nothing."""
    found = SCHEMAS.get(schema)
    if found is None:
        raise SchemaError(f"there is no schema {schema!r}")
    try:
        return found(*operands)
    except (TypeError, AttributeError) as error:
        raise SchemaError(f"operands that {schema!r} does not take: {error}") from None
