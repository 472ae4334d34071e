"""Named dimensions: what a person says of an input's size."""

from __future__ import annotations

from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.base.records import record
from shapes.errors import HintError, RangeError

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
        check_range(self.name, self.min, self.max)
        if self.min < 0:
            raise RangeError(f"the dimension `{self.name}` cannot be as small as {self.min}")
        check_hint(self.name, self.hint, self.min, self.max)


def check_range(name: str, lower: Bound, upper: Bound) -> None:
    """Refuse a range whose ends are not integers or in the wrong order."""
    for end in (lower, upper):
        if isinstance(end, bool) or not isinstance(end, (int, IntInfinity)):
            raise RangeError(f"an end of the range of `{name}` is {end!r}, not an integer")
    if lower is int_oo or upper is -int_oo:
        raise RangeError(f"the range of `{name}` is empty: [{lower}, {upper}]")
    if lower > upper:
        raise RangeError(f"the range of `{name}` is empty: {lower} is above {upper}")


def check_example(name: str, hint: object, kind: type) -> None:
    """Refuse an example of another kind (an integer may stand for a float)."""
    right = (bool,) if kind is bool else (float, int)
    if hint is not None and (not isinstance(hint, right) or type(hint) is bool is not kind):
        raise HintError(f"the hint of `{name}` is {hint!r}, not a {kind.__name__}")


def check_hint(name: str, hint: object, lower: Bound, upper: Bound) -> None:
    """Refuse an example that is no integer of the range."""
    if hint is None:
        return
    if isinstance(hint, bool) or not isinstance(hint, int):
        raise HintError(f"the hint of `{name}` is {hint!r}, not an integer")
    if not lower <= hint <= upper:
        raise HintError(f"the hint {hint} of `{name}` is outside of [{lower}, {upper}]")
