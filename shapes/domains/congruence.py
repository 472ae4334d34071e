"""The congruence domain: `Congruence(m, r)` is the set of the integers r + m*k.

The idea (P. Granger, "Static analysis of arithmetical congruences", 1989): sums, products
and exact quotients of such sets are again inside of one, with a modulus that is a greatest
common divisor. Modulus 0 is a constant, modulus 1 every integer. What is known of the lowest
bits of an integer is a congruence modulo a power of two, which is how bit operations fit in.

Guarantees: a handler's result admits every value that the operator has on operands of the
given sets where it is defined. A bool value of the analysis is True or False where it is
certain, else None; a float value is always None.

Does not: promise the smallest set for products, powers and bit operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Final, NamedTuple, Protocol

from shapes.base.budget import LARGEST_BITS, WORD, spend, weight
from shapes.base.digits import written
from shapes.base.infinity import IntInfinity
from shapes.errors import RangeError

__all__ = ["ANYTHING", "Congruence", "CongruenceAnalysis", "Value"]


class Congruence(NamedTuple):
    """The integers `residue + modulus*k`; make one with `of`, which normalises.

    >>> Congruence.of(8, -5)
    Congruence(modulus=8, residue=3)
    """

    modulus: int
    residue: int

    def __repr__(self) -> str:
        return f"Congruence(modulus={written(self.modulus)}, residue={written(self.residue)})"

    @classmethod
    def of(cls, modulus: int, residue: int) -> Congruence:
        """The set for any modulus: its sign does not matter, the residue is reduced."""
        modulus = abs(modulus)
        return cls(modulus, residue % modulus if modulus else residue)

    @classmethod
    def constant(cls, value: int) -> Congruence:
        """Just that integer."""
        return cls(0, int(value))

    @classmethod
    def anything(cls) -> Congruence:
        """Every integer."""
        return ANYTHING

    @property
    def is_constant(self) -> bool:
        """Whether just one integer is left."""
        return self.modulus == 0

    def admits(self, value: int) -> bool:
        """Whether that integer is in the set."""
        return _divides(self.modulus, value - self.residue)

    def issubset(self, other: Congruence) -> bool:
        """Whether every integer of this set is in the other one."""
        return _divides(other.modulus, self.modulus) and other.admits(self.residue)

    def meet(self, other: Congruence) -> Congruence | None:
        """The integers in both sets, or None where there are none.

        The Chinese remainder theorem: residues that agree modulo the gcd of the moduli have
        one common residue modulo their lcm.
        """
        if self.modulus == 0:
            return self if other.admits(self.residue) else None
        if other.modulus == 0:
            return other if self.admits(other.residue) else None
        shared = math.gcd(self.modulus, other.modulus)
        steps, rest = divmod(other.residue - self.residue, shared)
        if rest:
            return None
        coprime = other.modulus // shared
        inverse = pow(self.modulus // shared, -1, coprime)
        lcm = self.modulus * coprime
        return Congruence.of(lcm, self.residue + self.modulus * (steps * inverse % coprime))

    def join(self, other: Congruence) -> Congruence:
        """The smallest congruence that includes both sets."""
        distance = self.residue - other.residue
        return Congruence.of(math.gcd(self.modulus, other.modulus, distance), self.residue)


ANYTHING: Final = Congruence(1, 0)

Value = Congruence | bool | None
"""A congruence for an integer; True, False or None (open) for a bool; None for a float."""

_EXPANDED: Final = 16
"""Powers up to this exponent use the binomial formula."""
_POWER_BITS: Final = 4096
_LARGE: Final = 1 << WORD

_MODULAR_BITS: Final = 1 << 17
"""Bits of the exponent times bits of the modulus of a power that is computed."""
"""Powers with more bits are not computed."""


class _Symbol(Protocol):
    @property
    def kind(self) -> str: ...


class _Operator(Protocol):
    @property
    def result_kind(self) -> str: ...


def _divides(divisor: int, value: int) -> bool:
    return value % divisor == 0 if divisor else value == 0


def _integer(value: Value) -> Congruence:
    """An operand of an integer operator: a bool counts as 0 or 1, what is open as anything."""
    if isinstance(value, Congruence):
        return value
    return ANYTHING if value is None else Congruence(0, int(value))


# ---- leaves ----


def constant(value: int | bool | float | IntInfinity) -> Value:
    """The set of one integer, a known bool, or None for a float; anything for `int_oo`."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return Congruence.constant(value)
    return ANYTHING if isinstance(value, IntInfinity) else None


def symbol(sym: _Symbol) -> Value:
    """Nothing is known of a symbol."""
    return ANYTHING if sym.kind == "int" else None


def unknown(op: _Operator, args: object = ()) -> Value:
    """Nothing is known of the result."""
    return ANYTHING if op.result_kind == "int" else None


def where(cond: Value, a: Value, b: Value) -> Value:
    """The arm that is taken, or the join of both.

    Raises `RangeError` for a condition that is an integer.
    """
    if isinstance(cond, Congruence):
        raise RangeError(f"a condition is needed here, not the integer {cond}")
    if cond is not None:
        return a if cond else b
    if isinstance(a, Congruence) and isinstance(b, Congruence):
        return a.join(b)
    return a if a is b else None


# ---- sums and products: polynomials in the operands ----


def linear(const: int, coefficients: Sequence[int], values: Sequence[Value]) -> Congruence:
    """`const + sum(c * v)`: each v moves it by multiples of c times its modulus."""
    modulus, residue = 0, const
    for c, value in zip(coefficients, values):
        m, r = _integer(value)
        modulus = math.gcd(modulus, c * m)
        residue += c * r
    return Congruence.of(modulus, residue)


def add(a: Value, b: Value) -> Congruence:
    """`a + b`."""
    return linear(0, (1, 1), (a, b))


def sub(a: Value, b: Value) -> Congruence:
    """`a - b`."""
    return linear(0, (1, -1), (a, b))


def neg(a: Value) -> Congruence:
    """`-a`."""
    return linear(0, (-1,), (a,))


def mul(a: Value, b: Value) -> Congruence:
    """`a * b`: (m*i + r) * (n*j + s) = m*n*i*j + m*s*i + n*r*j + r*s."""
    (m, r), (n, s) = _integer(a), _integer(b)
    if max(m, n, r, s, -r, -s) >= _LARGE:
        bits = max(m, r, -r).bit_length() + max(n, s, -s).bit_length()
        spend(weight(bits))
        if bits > LARGEST_BITS:
            return ANYTHING
    return Congruence.of(math.gcd(m * n, m * s, n * r), r * s)


def power(a: Value, b: Value) -> Congruence:
    """`a ** b` for b >= 0.

    The exponents are s + t*k with k >= 0, so a**b = a**s * (a**t)**k; and every power of a
    number that is r modulo m is 1 modulo gcd(m, r-1).
    """
    base, (t, s) = _integer(a), _integer(b)
    if t == 0:
        return _power(base, s) if s >= 0 else ANYTHING
    if t > _EXPANDED:
        s, t = 0, 1
    m, r = _power(base, t)
    return mul(_power(base, s), Congruence.of(math.gcd(m, r - 1), 1))


def _power(a: Congruence, exponent: int) -> Congruence:
    """(m*k + r)**e is r**e modulo every term C(e, j) * m**j * r**(e-j), j > 0."""
    m, r = a
    if exponent == 0:
        return Congruence(0, 1)
    if m == 0:
        if abs(r) > 1 and exponent > 1 and r.bit_length() * exponent > _POWER_BITS:
            return ANYTHING
        # a large exponent of -1, 0 or 1 counts through its parity alone
        return Congruence(0, int(r ** (exponent if abs(r) > 1 else 2 - exponent % 2)))
    if exponent > _EXPANDED or (m.bit_length() + r.bit_length()) * exponent > 4 * _POWER_BITS:
        if exponent.bit_length() * m.bit_length() > _MODULAR_BITS:
            return ANYTHING
        return Congruence.of(m, pow(r, exponent, m))
    e = exponent
    modulus = math.gcd(*(math.comb(e, j) * m**j * r ** (e - j) for j in range(1, e + 1)))
    return Congruence.of(modulus, r**e)


# ---- quotients and remainders ----


def floordiv(a: Value, b: Value) -> Congruence:
    """`a // b` by a constant that divides the modulus: (m*k + r) // c = (m/c)*k + r // c."""
    (m, r), (n, c) = _integer(a), _integer(b)
    if n or c == 0 or m % c:
        return ANYTHING
    return Congruence.of(m // c, r // c)


def ceildiv(a: Value, b: Value) -> Congruence:
    """`-((-a) // b)`."""
    return neg(floordiv(neg(a), b))


def truncdiv(a: Value, b: Value) -> Congruence:
    """a / b rounded to zero: known where the constant b divides every value of a."""
    (m, r), (n, c) = _integer(a), _integer(b)
    if n or c == 0 or m % c:
        return ANYTHING
    if m == 0:
        quotient = abs(r) // abs(c)
        return Congruence(0, quotient if (r < 0) == (c < 0) else -quotient)
    return ANYTHING if r % c else Congruence.of(m // c, r // c)


def cleandiv(a: Value, b: Value) -> Congruence:
    """`a // b` where the constant b divides a: of a's values just its multiples count."""
    dividend, (n, c) = _integer(a), _integer(b)
    if n or c == 0:
        return ANYTHING
    multiples = dividend.meet(Congruence.of(c, 0))
    if multiples is None:
        return ANYTHING
    return Congruence.of(multiples.modulus // c, multiples.residue // c)


def mod(a: Value, b: Value) -> Congruence:
    """`a % b`: a less a multiple of b, and one number if b divides the modulus of a."""
    (m, r), (n, c) = _integer(a), _integer(b)
    if n == 0 and c == 0:
        return ANYTHING
    if n == 0 and m % c == 0:
        return Congruence(0, r % c)
    return Congruence.of(math.gcd(m, n, c), r)


def truncmod(a: Value, b: Value) -> Congruence:
    """`a - b * truncdiv(a, b)`: a less a multiple of b, with the sign of a."""
    (m, r), (n, c) = _integer(a), _integer(b)
    if n == 0 and c == 0:
        return ANYTHING
    if n == 0 and m == 0:
        rest = abs(r) % abs(c)
        return Congruence(0, -rest if r < 0 else rest)
    if n == 0 and m % c == 0 and r % c == 0:
        return Congruence(0, 0)
    return Congruence.of(math.gcd(m, n, c), r)


# ---- absolute value, smallest, largest: one of a few values ----


def absolute(a: Value) -> Congruence:
    """`abs(a)`: a or -a."""
    value = _integer(a)
    if value.modulus == 0:
        return Congruence(0, abs(value.residue))
    return value.join(neg(value))


def gcd(a: Value, b: Value) -> Congruence:
    """A multiple of what divides every value of both."""
    a, b = _integer(a), _integer(b)
    divisor = math.gcd(a.modulus, a.residue, b.modulus, b.residue)
    return Congruence.of(divisor if a.modulus or b.modulus else 0, divisor)


def minimum(*args: Value) -> Congruence:
    """One of the arguments."""
    return _chosen(min, args)


def maximum(*args: Value) -> Congruence:
    """One of the arguments."""
    return _chosen(max, args)


def _chosen(choose: Callable[[list[int]], int], args: Sequence[Value]) -> Congruence:
    """The choice among constants, else the join of what can be chosen."""
    values = [_integer(arg) for arg in args]
    if all(value.modulus == 0 for value in values):
        return Congruence(0, choose([value.residue for value in values]))
    return reduce(Congruence.join, values)


# ---- bit operations: as far as the lowest bits are known ----


def _complement(a: Congruence) -> Congruence:
    """`~a`, which is -1 - a."""
    return Congruence.of(a.modulus, -1 - a.residue)


def bitand(*args: Value) -> Congruence:
    """`a & b & ...`, folded from the left."""
    return reduce(_and, [_integer(arg) for arg in args])


def bitor(*args: Value) -> Congruence:
    """`a | b | ...`: by De Morgan the complement of the complements' `&`."""
    return _complement(reduce(_and, [_complement(_integer(arg)) for arg in args]))


def bitxor(*args: Value) -> Congruence:
    """`a ^ b ^ ...`, folded from the left."""
    return reduce(_xor, [_integer(arg) for arg in args])


def _known_bits(a: Congruence) -> int | None:
    """How many of the lowest bits are known: 2 to that power divides m. None: all of them."""
    return None if a.modulus == 0 else (a.modulus & -a.modulus).bit_length() - 1


def _and(a: Congruence, b: Congruence) -> Congruence:
    """A bit is known if it is known of both, or a known 0 of one."""
    if a.modulus == 0:
        a, b = b, a
    if a.modulus == 0:
        return Congruence(0, a.residue & b.residue)
    if b.modulus == 0 and b.residue < 0 and _is_power_of_two(-b.residue):
        # x & -2**k == 2**k * (x // 2**k)
        cleared = mul(floordiv(a, Congruence(0, -b.residue)), b)
        return _complement(linear(-1, (1,), (cleared,)))
    known_a, known_b = _known_bits(a), _known_bits(b)
    assert known_a is not None
    if known_b is None:
        known_b = b.residue.bit_length() + known_a + 1  # further bits repeat the sign
    bit = 0
    while _bit_is_known(bit, a.residue, known_a, b.residue, known_b):
        bit += 1
        if b.modulus == 0 and b.residue >> bit == 0:
            return Congruence(0, a.residue & b.residue & ((1 << bit) - 1))
    return Congruence.of(1 << bit, a.residue & b.residue)


def _bit_is_known(bit: int, a: int, known_a: int, b: int, known_b: int) -> bool:
    zero_a = bit < known_a and not a >> bit & 1
    zero_b = bit < known_b and not b >> bit & 1
    return zero_a or zero_b or (bit < known_a and bit < known_b)


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _xor(a: Congruence, b: Congruence) -> Congruence:
    """A bit is known if it is known of both; x ^ -1 is -1 - x."""
    if a.modulus == 0:
        a, b = b, a
    if b == (0, -1):
        return _complement(a)
    if b == (0, 0):
        return a
    bits = [known for known in (_known_bits(a), _known_bits(b)) if known is not None]
    if not bits:
        return Congruence(0, a.residue ^ b.residue)
    return Congruence.of(1 << min(bits), a.residue ^ b.residue)


# ---- relations and connectives ----


def le(a: Value, b: Value) -> bool | None:
    """`a <= b`, decided for constants."""
    known = _constants(a, b)
    return None if known is None else known[0] <= known[1]


def lt(a: Value, b: Value) -> bool | None:
    """`a < b`, decided for constants."""
    known = _constants(a, b)
    return None if known is None else known[0] < known[1]


def eq(a: Value, b: Value) -> bool | None:
    """`a == b`: false for sets without a common integer, true for equal constants."""
    if not isinstance(a, Congruence) or not isinstance(b, Congruence):
        return None
    if a.meet(b) is None:
        return False
    return True if a.modulus == 0 == b.modulus else None


def ne(a: Value, b: Value) -> bool | None:
    """`a != b`."""
    return not_(eq(a, b))


def le_zero(a: Value) -> bool | None:
    """`a <= 0`, decided for constants."""
    return le(a, Congruence(0, 0))


def eq_zero(a: Value) -> bool | None:
    """`a == 0`: false if the set does not admit 0."""
    return eq(a, Congruence(0, 0))


def ne_zero(a: Value) -> bool | None:
    """`a != 0`."""
    return not_(eq_zero(a))


def _constants(a: Value, b: Value) -> tuple[int, int] | None:
    """Both integers if both are known; a float beside an integer is not."""
    if isinstance(a, Congruence) and isinstance(b, Congruence) and a.modulus == 0 == b.modulus:
        return a.residue, b.residue
    return None


def and_(*args: Value) -> bool | None:
    """False if one is false, True if all are true."""
    if any(arg is False for arg in args):
        return False
    return True if all(arg is True for arg in args) else None


def or_(*args: Value) -> bool | None:
    """True if one is true, False if all are false."""
    if any(arg is True for arg in args):
        return True
    return False if all(arg is False for arg in args) else None


def not_(a: Value) -> bool | None:
    """The other truth value."""
    return not a if isinstance(a, bool) else None


def iff(a: Value, b: Value) -> bool | None:
    """Whether both are true or both are false."""
    return a is b if isinstance(a, bool) and isinstance(b, bool) else None


class CongruenceAnalysis:
    """The analysis whose abstract values are `Value`s; it has no state."""

    constant = staticmethod(constant)
    symbol = staticmethod(symbol)
    unknown = staticmethod(unknown)
    where = staticmethod(where)

    linear = staticmethod(linear)
    add = staticmethod(add)
    sub = staticmethod(sub)
    neg = staticmethod(neg)
    mul = staticmethod(mul)
    floordiv = staticmethod(floordiv)
    ceildiv = staticmethod(ceildiv)
    truncdiv = staticmethod(truncdiv)
    cleandiv = staticmethod(cleandiv)
    mod = staticmethod(mod)
    truncmod = staticmethod(truncmod)
    pow = staticmethod(power)
    abs = staticmethod(absolute)
    gcd = staticmethod(gcd)
    min = staticmethod(minimum)
    max = staticmethod(maximum)
    bitand = staticmethod(bitand)
    bitor = staticmethod(bitor)
    bitxor = staticmethod(bitxor)

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
