"""The interval domain: `ValueRanges` and the analysis `RangeAnalysis` over it.

`RangeAnalysis` is the table from handler names to transfer functions; the functions are
grouped by what makes them sound, in `int_ranges`, `bit_ranges` and `float_ranges`, and the
relations and connectives are here.

Guarantees: a handler's result includes every value that the operator has on operands of the
given ranges where it is defined; on integers it is the exact hull unless the function says
otherwise. A relation is decided just if it has the same truth value on the whole box of
operands (for `eq` of an integer and a float, and with NaN, too).

Does not: relate operands that share a symbol (`x - x` is an interval around 0).
"""

from __future__ import annotations

import math
from typing import Final, Protocol

from shapes.base.infinity import Bound, IntInfinity
from shapes.domains import bit_ranges, float_ranges, int_ranges
from shapes.domains.value_ranges import End, ValueRanges, float_range, int_ends, int_range
from shapes.errors import RangeError

__all__ = ["RangeAnalysis", "ValueRanges"]


class _Symbol(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...


class _Operator(Protocol):
    @property
    def result_kind(self) -> str: ...


_TRUE: Final = ValueRanges(True, True)
_FALSE: Final = ValueRanges(False, False)
_OPEN: Final = ValueRanges.unknown_bool()


def _decided(true: bool, false: bool) -> ValueRanges:
    if true:
        return _TRUE
    return _FALSE if false else _OPEN


# ---- leaves ----


def constant(value: End) -> ValueRanges:
    """The range of one value; NaN and `int_oo` have none, and give their whole kind."""
    if type(value) is int:
        return int_range(value, value)
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, IntInfinity):
        return ValueRanges.unknown_int()
    if isinstance(value, float) and value == value:
        return float_range(value, value)
    if isinstance(value, float):
        return ValueRanges.unknown_float()
    return ValueRanges.singleton(value)


def symbol(sym: _Symbol) -> ValueRanges:
    """Every value of the symbol's kind."""
    return ValueRanges.unknown(sym.kind)


def unknown(op: _Operator, args: object = ()) -> ValueRanges:
    """Every value of the operator's result kind."""
    return ValueRanges.unknown(op.result_kind)


def where(cond: ValueRanges, a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """The arm that is taken, or the hull of both; raises `RangeError` for mixed kinds."""
    low, high = bool_ends(cond)
    if low:
        return a
    return a | b if high else b


# ---- relations: decided by disjoint ranges ----


def le_zero(a: ValueRanges) -> ValueRanges:
    """`a <= 0` for an integer."""
    return _decided(a.upper <= 0, a.lower > 0)


def eq_zero(a: ValueRanges) -> ValueRanges:
    """`a == 0` for an integer."""
    lower, upper = a.lower, a.upper
    return _decided(lower == 0 == upper, lower > 0 or upper < 0)


def ne_zero(a: ValueRanges) -> ValueRanges:
    """`a != 0` for an integer."""
    return not_(eq_zero(a))


def _place(end: End) -> tuple[float, int]:
    """Where an end lies among integers and floats: `int_oo` is just below inf.

    Python compares an int with a float exactly.
    """
    if isinstance(end, IntInfinity):
        return math.inf * end.sign, -end.sign
    return end, 0


def le(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a <= b`: true if all of a is below b, false if all is above; NaN makes it false."""
    if a.kind == b.kind:
        always, never = a.upper <= b.lower, a.lower > b.upper
    else:
        always = _place(a.upper) <= _place(b.lower)
        never = _place(a.lower) > _place(b.upper)
    return _decided(always and not (a.nan or b.nan), never)


def lt(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a < b`: true if all of a is below b, false if none of it is; NaN makes it false."""
    if a.kind == b.kind:
        always, never = a.upper < b.lower, a.lower >= b.upper
    else:
        always = _place(a.upper) < _place(b.lower)
        never = _place(a.lower) >= _place(b.upper)
    return _decided(always and not (a.nan or b.nan), never)


def eq(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a == b`: true for equal single values, false for disjoint ranges; NaN makes it false.

    A float equals an integer only if it is one, so a float range beside an integer range
    shrinks to the integers in it.
    """
    if a.kind == "float" and b.kind != "float":
        return eq(b, a)
    if a.kind != "float" and b.kind == "float":
        inside = _integers_within(b)
        if inside is None:
            return _FALSE
        return _equal(int_ends(a), inside, exact=b.is_singleton)
    ends = (a.lower, a.upper), (b.lower, b.upper)
    return _equal(*ends, exact=not (a.nan or b.nan))


def _equal(a: tuple[End, End], b: tuple[End, End], exact: bool) -> ValueRanges:
    """Equality of values in two intervals of one kind; `exact`: they have no others."""
    same = exact and a[0] == a[1] == b[0] == b[1]
    return _decided(same, a[0] > b[1] or b[0] > a[1])


def _integers_within(a: ValueRanges) -> tuple[Bound, Bound] | None:
    """The integers in a float range, or None if there are none."""
    lower, upper = float_ranges.float_ends(a)
    if lower == math.inf or upper == -math.inf:
        return None
    first = float_ranges.ceil_to_int(a).int_bounds()[0]
    last = float_ranges.floor_to_int(a).int_bounds()[1]
    return None if first > last else (first, last)


def ne(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """`a != b`, the negation of `==`, for NaN too."""
    return not_(eq(a, b))


# ---- connectives: increasing in every argument, except for negation ----


def bool_ends(value: ValueRanges) -> tuple[bool, bool]:
    """The ends of a bool range; raises `RangeError` for one of another kind."""
    if value.kind != "bool":
        raise RangeError(f"a bool range is needed here, not {value!r}")
    return value.lower is True, value.upper is True


def and_(*args: ValueRanges) -> ValueRanges:
    """Increasing in every argument."""
    ends = [bool_ends(arg) for arg in args]
    return _decided(all(low for low, _ in ends), not all(high for _, high in ends))


def or_(*args: ValueRanges) -> ValueRanges:
    """Increasing in every argument."""
    ends = [bool_ends(arg) for arg in args]
    return _decided(any(low for low, _ in ends), not any(high for _, high in ends))


def not_(a: ValueRanges) -> ValueRanges:
    """Decreasing."""
    low, high = bool_ends(a)
    return _decided(not high, low)


def iff(a: ValueRanges, b: ValueRanges) -> ValueRanges:
    """Whether both are true or both are false."""
    return _decided(
        a.is_singleton and a == b,
        a.is_singleton and b.is_singleton and a != b,
    )


class RangeAnalysis:
    """The analysis whose abstract values are `ValueRanges`; it has no state."""

    constant = staticmethod(constant)
    symbol = staticmethod(symbol)
    unknown = staticmethod(unknown)
    where = staticmethod(where)

    linear = staticmethod(int_ranges.linear)
    add = staticmethod(int_ranges.add)
    sub = staticmethod(int_ranges.sub)
    neg = staticmethod(int_ranges.neg)
    mul = staticmethod(int_ranges.mul)
    floordiv = staticmethod(int_ranges.floordiv)
    ceildiv = staticmethod(int_ranges.ceildiv)
    truncdiv = staticmethod(int_ranges.truncdiv)
    cleandiv = staticmethod(int_ranges.cleandiv)
    mod = staticmethod(int_ranges.mod)
    truncmod = staticmethod(int_ranges.truncmod)
    pow = staticmethod(int_ranges.power)
    abs = staticmethod(int_ranges.absolute)
    gcd = staticmethod(int_ranges.gcd)
    min = staticmethod(int_ranges.minimum)
    max = staticmethod(int_ranges.maximum)
    bitand = staticmethod(bit_ranges.bitand)
    bitor = staticmethod(bit_ranges.bitor)
    bitxor = staticmethod(bit_ranges.bitxor)

    le_zero = staticmethod(le_zero)
    eq_zero = staticmethod(eq_zero)
    ne_zero = staticmethod(ne_zero)
    le = staticmethod(le)
    lt = staticmethod(lt)
    eq = staticmethod(eq)
    ne = staticmethod(ne)
    and_ = staticmethod(and_)
    or_ = staticmethod(or_)
    not_ = staticmethod(not_)
    iff = staticmethod(iff)

    fadd = staticmethod(float_ranges.fadd)
    fsub = staticmethod(float_ranges.fsub)
    fmul = staticmethod(float_ranges.fmul)
    truediv = staticmethod(float_ranges.truediv)
    ffloordiv = staticmethod(float_ranges.ffloordiv)
    fmod = staticmethod(float_ranges.fmod)
    fpow = staticmethod(float_ranges.fpow)
    fneg = staticmethod(float_ranges.fneg)
    fabs = staticmethod(float_ranges.fabs)
    fmin = staticmethod(float_ranges.fmin)
    fmax = staticmethod(float_ranges.fmax)
    sqrt = staticmethod(float_ranges.sqrt)
    exp = staticmethod(float_ranges.exp)
    log = staticmethod(float_ranges.log)
    log2 = staticmethod(float_ranges.log2)
    sin = staticmethod(float_ranges.sin)
    cos = staticmethod(float_ranges.cos)
    tan = staticmethod(float_ranges.tan)
    sinh = staticmethod(float_ranges.sinh)
    cosh = staticmethod(float_ranges.cosh)
    tanh = staticmethod(float_ranges.tanh)
    asin = staticmethod(float_ranges.asin)
    acos = staticmethod(float_ranges.acos)
    atan = staticmethod(float_ranges.atan)
    asinh = staticmethod(float_ranges.asinh)
    tofloat = staticmethod(float_ranges.tofloat)
    inttruediv = staticmethod(float_ranges.inttruediv)
    floor_to_int = staticmethod(float_ranges.floor_to_int)
    ceil_to_int = staticmethod(float_ranges.ceil_to_int)
    trunc_to_int = staticmethod(float_ranges.trunc_to_int)
    round_to_int = staticmethod(float_ranges.round_to_int)
    round_decimal = staticmethod(float_ranges.round_decimal)
