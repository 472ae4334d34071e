"""What facts say about one direction.

`Knowledge` is an interval and a congruence, each end with the facts that it rests on, and
the values that are excluded; `agreed` moves the ends inwards until all of that agrees.
"""

from __future__ import annotations

from typing import Final

from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains import Congruence
from shapes.facts.justification import NO_REASONS, Reasons

__all__ = ["NOTHING", "Knowledge", "agreed", "replaced", "scaled"]

_NONE: Final = NO_REASONS
_ANY: Final = Congruence.anything()


class Knowledge:
    """Interval, congruence and excluded values of one direction, each with its reasons. (Never
    changed. No record: the compiled build reads its fields at once.)"""

    __slots__ = (
        "congruence", "excluded", "lower", "upper", "why_congruence", "why_lower", "why_upper",
    )  # fmt: skip

    def __init__(
        self,
        lower: Bound = -int_oo,
        upper: Bound = int_oo,
        congruence: Congruence = _ANY,
        why_lower: Reasons = _NONE,
        why_upper: Reasons = _NONE,
        why_congruence: Reasons = _NONE,
        excluded: tuple[tuple[int, Reasons], ...] = (),
    ) -> None:
        self.lower: Bound = lower
        self.upper: Bound = upper
        self.congruence = congruence
        self.why_lower = why_lower
        self.why_upper = why_upper
        self.why_congruence = why_congruence
        self.excluded = excluded

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Knowledge) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"Knowledge{self._values()!r}"

    def _values(self) -> tuple[object, ...]:
        return (
            self.lower,
            self.upper,
            self.congruence,
            self.why_lower,
            self.why_upper,
            self.why_congruence,
            self.excluded,
        )

    def within_ends(
        self, congruence: Congruence, why: Reasons, excluded: tuple[tuple[int, Reasons], ...]
    ) -> Knowledge:
        """The same ends with other values between them (see `replaced` for other ends)."""
        return Knowledge(
            self.lower, self.upper, congruence, self.why_lower, self.why_upper, why, excluded
        )


NOTHING: Final = Knowledge()


def replaced(
    known: Knowledge, lower: Bound, upper: Bound, why_lower: Reasons, why_upper: Reasons
) -> Knowledge:
    """The same with other ends."""
    return Knowledge(
        lower,
        upper,
        known.congruence,
        why_lower,
        why_upper,
        known.why_congruence,
        known.excluded,
    )


def agreed(known: Knowledge) -> Knowledge:
    """The ends moved inwards to values that the congruence admits and nothing excludes; they
    cross where no value is left."""
    if known.congruence.modulus != 1:
        known = _rounded(known)
    if not known.excluded:
        return known
    excluded: dict[Bound, Reasons] = dict(known.excluded)
    while known.lower <= known.upper:
        # Infinite ends are never among the excluded values.
        if (why := excluded.get(known.lower)) is not None:
            why |= known.why_lower
            known = _rounded(
                replaced(known, known.lower + 1, known.upper, why, known.why_upper)
            )
        elif (why := excluded.get(known.upper)) is not None:
            why |= known.why_upper
            known = _rounded(
                replaced(known, known.lower, known.upper - 1, known.why_lower, why)
            )
        else:
            break
    return known


def _rounded(known: Knowledge) -> Knowledge:
    """The ends moved inwards to the next value that the congruence admits."""
    m, r = known.congruence
    if m == 1:
        return known
    lower, upper = known.lower, known.upper
    if m == 0:
        lower = max(lower, r)
        upper = min(upper, r)
    else:
        if not isinstance(lower, IntInfinity):
            lower = lower + (r - lower) % m
        if not isinstance(upper, IntInfinity):
            upper = upper - (upper - r) % m
    if lower == known.lower and upper == known.upper:
        return known
    why_lower, why_upper = known.why_lower, known.why_upper
    if lower != known.lower:
        why_lower |= known.why_congruence
    if upper != known.upper:
        why_upper |= known.why_congruence
    return replaced(known, lower, upper, why_lower, why_upper)


def scaled(end: Bound, f: int, k: int) -> Bound:
    """An end of d as an end of ``f*d + k``."""
    if isinstance(end, IntInfinity):
        return end if f > 0 else -end
    return f * end + k
