"""Named dimensions: what a person says of an input's size."""

from __future__ import annotations

import math
from typing import Any, Literal

from shapes.base.digits import excerpt, written
from shapes.base.foreign import as_double, as_integer, number, of_kind
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.base.records import record
from shapes.errors import ExpressionTypeError, HintError, RangeError

__all__ = ["Dim"]


@record(frozen=True)
class Dim:
    """A dimension by name: at least `min` (0 or more), at most `max`, for example `hint`.

    Raises `RangeError` for a range that is empty or below 0, `HintError` for an example
    outside of it.
    """

    name: str
    min: int = 0
    max: Bound = int_oo
    hint: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ExpressionTypeError(f"the name of a dimension is text, not {self.name!r}")
        lower, upper = exact_range(self.name, self.min, self.max)
        if lower < 0:
            raise RangeError(
                f"the dimension `{self.name}` cannot be as small as {written(lower)}"
            )
        hint = exact_hint(self.name, self.hint, lower, upper)
        for field, value in (("min", lower), ("max", upper), ("hint", hint)):
            object.__setattr__(self, field, value)


def exact_range(name: str, lower: object, upper: object) -> tuple[Bound, Bound]:
    """The ends of an integer range as Python's numbers.

    Raises `RangeError` for ends that are not integers, or in the wrong order.
    """
    low, high = _end(name, lower), _end(name, upper)
    if low is int_oo or high is -int_oo:
        raise RangeError(f"the range of `{name}` is empty: [{written(low)}, {written(high)}]")
    if low > high:
        raise RangeError(
            f"the range of `{name}` is empty: {written(low)} is above {written(high)}"
        )
    return low, high


def _end(name: str, end: object) -> Bound:
    found = end if isinstance(end, IntInfinity) else as_integer(end)
    if found is None:
        infinite = as_double(end) in (math.inf, -math.inf)
        advice = " (an integer range ends in int_oo)" if infinite else ""
        raise RangeError(
            f"an end of the range of `{name}` is {excerpt(end)}, not an integer{advice}"
        )
    return found


def exact_example(name: str, hint: object, kind: Literal["bool", "float"]) -> Any:
    """An example of a truth value or a double (an integer may stand for one) as Python's.

    Raises `HintError` for one of another kind.
    """
    truth = type(number(hint)) is bool
    found = None if truth is not (kind == "bool") else of_kind(hint, kind)
    if hint is not None and found is None:
        rounded = kind == "float" and as_integer(hint) is not None
        wanted = "exactly a float" if rounded else f"a {kind}"
        raise HintError(f"the hint of `{name}` is {excerpt(hint)}, not {wanted}")
    return found


def exact_hint(name: str, hint: object, lower: Bound, upper: Bound) -> int | None:
    """An example of an integer as Python's own.

    Raises `HintError` for one that is not an integer of the range.
    """
    if hint is None:
        return None
    found = as_integer(hint)
    if found is None:
        raise HintError(f"the hint of `{name}` is {excerpt(hint)}, not an integer")
    if not lower <= found <= upper:
        raise HintError(
            f"the hint {written(found)} of `{name}` is outside of "
            f"[{written(lower)}, {written(upper)}]"
        )
    return found
