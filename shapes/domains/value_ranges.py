"""`ValueRanges`: a closed interval of integers, of truth values or of floats.

The idea: an interval is the smallest description of a set of values that sums and
comparisons can use quickly. Integer ends are exact integers or `-int_oo` / `int_oo`, never
floats; a float interval says besides whether NaN is possible, because NaN lies in no
interval.

Guarantees: a `ValueRanges` is immutable, never empty, of one kind, and equal ranges have
equal hashes and texts (a float end -0.0 is kept as 0.0). An infinite integer end is a limit
and no value: `int_oo` is in no range.

Does not: represent the empty set. A set operation with nothing left raises `RangeError`
(`&`) or returns None (`meet`).
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Final, Literal, NoReturn

from shapes.base.digits import excerpt, written
from shapes.base.foreign import number
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.errors import RangeError

__all__ = ["End", "Kind", "ValueRanges", "float_range", "int_ends", "int_range"]

End = int | float | IntInfinity
"""One end of a range: an integer, `int_oo`, a truth value, or a float."""

Kind = Literal["int", "bool", "float"]


class ValueRanges:
    """The values from `lower` to `upper`, both included.

    `kind` is inferred from the ends: "int" for integers and `int_oo`, "bool" for truth
    values (False < True), "float" for floats. `nan` says that NaN is possible besides.

    Raises `RangeError` for ends of different kinds, a NaN end, `lower > upper`, an infinite
    integer end on the wrong side, or `nan` on a range that is not of floats.

    >>> ValueRanges(1, 64) & ValueRanges(8, int_oo)
    ValueRanges(lower=8, upper=64)
    """

    __slots__ = ("kind", "lower", "nan", "upper")
    kind: Kind
    lower: End
    nan: bool
    upper: End

    def __new__(cls, lower: End, upper: End, nan: bool = False) -> ValueRanges:
        lower, upper = _own(lower), _own(upper)
        kind = _common_kind(lower, upper)
        _check_ends(lower, upper)
        if isinstance(lower, float) and isinstance(upper, float):
            return float_range(lower, upper, bool(nan))
        if nan:
            shown = f"[{written(lower)}, {written(upper)}]"
            raise RangeError(f"NaN is not a value of the {kind} range {shown}")
        if kind == "bool":
            return _BOOLS[lower, upper]
        assert not isinstance(lower, float)
        assert not isinstance(upper, float)
        return int_range(lower, upper)

    @classmethod
    def unknown_int(cls) -> ValueRanges:
        """Every integer."""
        return _UNKNOWN_INT

    @classmethod
    def unknown_bool(cls) -> ValueRanges:
        """False and True."""
        return _UNKNOWN_BOOL

    @classmethod
    def unknown_float(cls) -> ValueRanges:
        """Every float, the infinities and NaN included."""
        return _UNKNOWN_FLOAT

    @classmethod
    def unknown(cls, kind: str) -> ValueRanges:
        """Every value of that kind; raises `RangeError` for a kind that does not exist."""
        if kind not in _UNKNOWN:
            raise RangeError(f"there are no ranges of the kind {kind!r}")
        return _UNKNOWN[kind]

    @classmethod
    def singleton(cls, value: End) -> ValueRanges:
        """That one value. Raises `RangeError` for NaN and for `int_oo`."""
        return cls(value, value)

    @property
    def is_singleton(self) -> bool:
        """Whether one value, and not NaN, is left."""
        return self.lower == self.upper and not self.nan

    def int_bounds(self) -> tuple[Bound, Bound]:
        """Both ends as integers (False is 0, True is 1).

        Raises `RangeError` for a float range.
        """
        return int_ends(self)

    def meet(self, other: ValueRanges) -> ValueRanges | None:
        """The values in both, or None where there are none.

        Two disjoint float ranges which both admit NaN have just NaN in common; as that has
        no interval, `self` is returned, which includes it.
        """
        kind = _same_kind(self, other)
        lower = other.lower if self.lower < other.lower else self.lower
        upper = self.upper if self.upper < other.upper else other.upper
        nan = self.nan and other.nan
        if lower > upper:
            return self if nan else None
        return _make(kind, lower, upper, nan)

    def issubset(self, other: ValueRanges) -> bool:
        """Whether every value of this range is one of the other's."""
        return (
            self.kind == other.kind
            and self.lower >= other.lower
            and self.upper <= other.upper
            and (other.nan or not self.nan)
        )

    def __and__(self, other: ValueRanges) -> ValueRanges:
        """The values in both; raises `RangeError` where there are none."""
        both = self.meet(other)
        if both is None:
            raise RangeError(f"no value is in both {self!r} and {other!r}")
        return both

    def __or__(self, other: ValueRanges) -> ValueRanges:
        """The smallest range that includes both."""
        kind = _same_kind(self, other)
        lower = self.lower if self.lower < other.lower else other.lower
        upper = other.upper if self.upper < other.upper else self.upper
        return _make(kind, lower, upper, self.nan or other.nan)

    def __contains__(self, value: object) -> bool:
        """Whether the range includes that value; `int_oo` is not a value.

        As elsewhere in Python a truth value counts as an integer, and an integer as a float.
        """
        value = number(value)
        if self.kind == "bool":
            return isinstance(value, bool) and self.lower <= value <= self.upper
        if isinstance(value, float):
            if value != value:
                return self.nan
            return self.kind == "float" and self.lower <= value <= self.upper
        return isinstance(value, int) and self.lower <= value <= self.upper

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, ValueRanges):
            return NotImplemented
        return (
            self.lower == other.lower
            and self.upper == other.upper
            and self.kind == other.kind
            and self.nan == other.nan
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.lower, self.upper, self.nan))

    def __repr__(self) -> str:
        nan = ", nan=True" if self.nan else ""
        return f"ValueRanges(lower={written(self.lower)}, upper={written(self.upper)}{nan})"

    def _repr_html_(self) -> str:
        return f"{self._spelled('∞')}{' or nan' if self.nan else ''}"

    def _repr_latex_(self) -> str:
        return f"${self._spelled(chr(92) + 'infty')}$"

    def _spelled(self, infinity: str) -> str:
        text = f"[{written(self.lower)}, {written(self.upper)}]"
        return text.replace("int_oo", "inf").replace("inf", infinity)

    def __reduce__(self) -> tuple[type[ValueRanges], tuple[End, End, bool]]:
        return ValueRanges, (self.lower, self.upper, self.nan)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a range cannot be changed: {name} of {self!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a range cannot be changed: {name} of {self!r}")


class _IntRange(ValueRanges):
    """An integer range: what is the same of all of them is kept once."""

    __slots__ = ()
    kind: Kind = "int"
    nan: bool = False
    lower: Bound
    upper: Bound

    def int_bounds(self) -> tuple[Bound, Bound]:
        """Both ends."""
        return self.lower, self.upper


# The slots' own setters get past `__setattr__`, at half the cost of object.__setattr__.
_allocate = object.__new__
_set_kind = ValueRanges.__dict__["kind"].__set__
_set_lower = ValueRanges.__dict__["lower"].__set__
_set_upper = ValueRanges.__dict__["upper"].__set__
_set_nan = ValueRanges.__dict__["nan"].__set__


def _make(kind: Kind, lower: End, upper: End, nan: bool) -> ValueRanges:
    """A range of ends that are known to be right."""
    if kind == "int":
        return int_range(lower, upper)  # type: ignore[arg-type]
    made = _allocate(ValueRanges)
    _set_kind(made, kind)
    _set_lower(made, lower)
    _set_upper(made, upper)
    _set_nan(made, nan)
    return made


def int_range(lower: Bound, upper: Bound) -> ValueRanges:
    """An integer range, unchecked: for ends that a transfer function has computed."""
    made = _allocate(_IntRange)
    _set_lower(made, lower)
    _set_upper(made, upper)
    return made


with suppress(ImportError):  # (it is part of the compiled build)
    from shapes._native import filler

    int_range = filler(_IntRange, ("lower", "upper"))


def float_range(lower: float, upper: float, nan: bool = False) -> ValueRanges:
    """A float range, unchecked except that an end -0.0 becomes 0.0."""
    return _make("float", lower + 0.0, upper + 0.0, nan)


def int_ends(value: ValueRanges) -> tuple[Bound, Bound]:
    """The ends of an integer range; those of a bool range are 0 and 1.

    Raises `RangeError` for a float range.
    """
    if isinstance(value, _IntRange):
        return value.lower, value.upper
    if value.kind == "bool":
        return int(value.lower is True), int(value.upper is True)
    raise RangeError(f"an integer range is needed here, not {value!r}")


def _own(end: End) -> End:
    """An end as Python's own number (an enumeration's member, or numpy's)."""
    found = number(end)
    return end if found is None else found


def _kind_of(end: object) -> Kind:
    if isinstance(end, bool):
        return "bool"
    if isinstance(end, (int, IntInfinity)):
        return "int"
    if isinstance(end, float):
        return "float"
    raise RangeError(f"{excerpt(end)} ({type(end).__name__}) cannot be the end of a range")


def _common_kind(lower: End, upper: End) -> Kind:
    """Raises `RangeError` for ends of different kinds."""
    kind, other = _kind_of(lower), _kind_of(upper)
    if kind == other:
        return kind
    raise RangeError(
        f"the ends of a range must be of one kind: {written(lower)} is of the kind {kind}, "
        f"{written(upper)} of the kind {other} (integer ranges end in int_oo, not in math.inf)"
    )


def _same_kind(one: ValueRanges, other: ValueRanges) -> Kind:
    """Raises `RangeError` for ranges of different kinds."""
    if one.kind == other.kind:
        return one.kind
    raise RangeError(
        f"{one!r} is of the kind {one.kind}, {other!r} of the kind {other.kind}: "
        f"they cannot be put together"
    )


def _check_ends(lower: End, upper: End) -> None:
    """Raises `RangeError` for ends of one kind between which there is no value."""
    if lower != lower or upper != upper:
        raise RangeError("NaN cannot be the end of a range; say nan=True instead")
    if lower is int_oo:
        raise RangeError("the lower end is int_oo, above every integer: no integer is left")
    if upper is -int_oo:
        raise RangeError("the upper end is -int_oo, below every integer: no integer is left")
    if lower > upper:
        raise RangeError(
            f"the lower end {written(lower)} is above the upper end {written(upper)}"
        )


_BOOLS: Final[dict[tuple[End, End], ValueRanges]] = {
    (low, high): _make("bool", low, high, False)
    for low, high in ((False, False), (False, True), (True, True))
}
_UNKNOWN_INT: Final = int_range(-int_oo, int_oo)
_UNKNOWN_BOOL: Final = _BOOLS[False, True]
_UNKNOWN_FLOAT: Final = float_range(-math.inf, math.inf, True)
_UNKNOWN: Final[dict[str, ValueRanges]] = {
    "int": _UNKNOWN_INT,
    "bool": _UNKNOWN_BOOL,
    "float": _UNKNOWN_FLOAT,
}
