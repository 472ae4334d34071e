"""The ends of an unbounded integer range: `int_oo` and `-int_oo`.

They are ordered above (below) every integer and know just the arithmetic that has one
meaning. They are not floats: comparing them with a float is a type error, because an
integer bound that passes through a float is wrong above 2**53.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Bound", "IntInfinity", "int_oo"]


class IntInfinity:
    """One of the two integer infinities; use `int_oo` and `-int_oo`.

    The types of comparisons admit floats because ends of ranges, which may be floats, are
    compared with each other; a comparison with a float raises `TypeError`.
    """

    __slots__ = ("_sign",)
    _sign: int
    _both: Final[dict[int, IntInfinity]] = {}

    def __new__(cls, sign: int = 1) -> IntInfinity:
        """The infinity of that sign (a positive or a negative integer)."""
        known = cls._both.get(1 if sign > 0 else -1)
        if known is not None:
            return known
        made = super().__new__(cls)
        made._sign = 1 if sign > 0 else -1
        cls._both[made._sign] = made
        return made

    @property
    def sign(self) -> int:
        """1 for `int_oo`, -1 for `-int_oo`."""
        return self._sign

    def __reduce__(self) -> tuple[type[IntInfinity], tuple[int]]:
        return IntInfinity, (self._sign,)

    def __repr__(self) -> str:
        return "int_oo" if self._sign > 0 else "-int_oo"

    def __hash__(self) -> int:
        return hash((IntInfinity, self._sign))

    def __eq__(self, other: object) -> bool:
        return self is other

    def __neg__(self) -> IntInfinity:
        return IntInfinity(-self._sign)

    def __pos__(self) -> IntInfinity:
        return self

    def __abs__(self) -> IntInfinity:
        return int_oo

    def __lt__(self, other: float | IntInfinity) -> bool:
        if isinstance(other, IntInfinity):
            return self._sign < other._sign
        return self._sign < 0 if isinstance(other, int) else NotImplemented

    def __le__(self, other: float | IntInfinity) -> bool:
        if isinstance(other, IntInfinity):
            return self._sign <= other._sign
        return self._sign < 0 if isinstance(other, int) else NotImplemented

    def __gt__(self, other: float | IntInfinity) -> bool:
        if isinstance(other, IntInfinity):
            return self._sign > other._sign
        return self._sign > 0 if isinstance(other, int) else NotImplemented

    def __ge__(self, other: float | IntInfinity) -> bool:
        if isinstance(other, IntInfinity):
            return self._sign >= other._sign
        return self._sign > 0 if isinstance(other, int) else NotImplemented

    def __add__(self, other: int | IntInfinity) -> IntInfinity:
        if isinstance(other, IntInfinity) and other is not self:
            raise ArithmeticError("int_oo - int_oo has no value")
        if isinstance(other, (int, IntInfinity)):
            return self
        return NotImplemented

    __radd__ = __add__

    def __sub__(self, other: int | IntInfinity) -> IntInfinity:
        if isinstance(other, (int, IntInfinity)):
            return self + (-other)
        return NotImplemented

    def __rsub__(self, other: int) -> IntInfinity:
        return -self + other if isinstance(other, int) else NotImplemented

    def __mul__(self, other: int | IntInfinity) -> IntInfinity:
        if isinstance(other, IntInfinity):
            return IntInfinity(self._sign * other._sign)
        if not isinstance(other, int):
            return NotImplemented
        if other == 0:
            raise ArithmeticError("0 * int_oo has no value")
        return self if other > 0 else -self

    __rmul__ = __mul__


int_oo: Final = IntInfinity(1)

Bound = int | IntInfinity
"""The type of one end of an integer range."""
