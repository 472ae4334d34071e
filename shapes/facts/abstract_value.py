"""A fact with its provenance, and what facts say about one direction.

`Knowledge` is an interval and a congruence, each end with the facts that it rests on, and
the values that are excluded; `agreed` moves the ends inwards until all of that agrees. Facts
that cannot hold together are reported in one way (`contradiction`), with as few of them as
deleting finds necessary (`smallest`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from shapes.base.budget import ExhaustedError
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.base.location import Location
from shapes.base.pretty import shown_as_text
from shapes.base.records import record, replace
from shapes.domains import Congruence
from shapes.errors import ContradictionError
from shapes.expr.nodes import BoolExpr
from shapes.facts.justification import NO_REASONS, Reasons
from shapes.traversal.printing import brief

__all__ = [
    "EVERY_SIZE",
    "NOTHING",
    "STATED_BY",
    "Fact",
    "Knowledge",
    "Origin",
    "Reasons",
    "agreed",
    "contradiction",
    "replaced",
    "scaled",
    "smallest",
]

Origin = Literal["declared", "contract", "assumed", "guard", "operation", "check", "given"]
"""Who says so: a declared range, the input contract, an assumption of the user, a guard that
the caller checks, an operation's own guarantee, a check in the program, a question."""


STATED_BY: Final[dict[Origin, str]] = {
    "declared": "declared range",
    "contract": "input contract",
    "assumed": "assumed",
    "guard": "guard on the inputs",
    "given": "given with the question",
}
"""In words; operations and checks are named."""

EVERY_SIZE: Final = "every size"
"""The `operation` of what sizes are by nature, which nothing needs to check."""


@record(frozen=True, eq=False, slots=True)
class Fact:
    """A claim that holds, with who stated it and where.

    `text` is the user's own spelling, `operation` the operation that guarantees it, `node`
    the name of the graph node behind which it holds (None: from the start).
    """

    claim: BoolExpr
    origin: Origin = "assumed"
    text: str | None = None
    message: str | None = None
    operation: str | None = None
    node: str | None = None
    location: Location | None = None

    def __copy__(self) -> Fact:
        return self

    def __deepcopy__(self, memo: object) -> Fact:
        return self  # proofs and checks mean the very fact

    @property
    def spelled(self) -> str:
        """The claim as it was written, or else its normal form."""
        return self.text if self.text is not None else brief(self.claim)

    @property
    def provenance(self) -> str:
        """Where it comes from, in a few words."""
        words = self.stated_by
        return f"{words} ({self.location})" if self.location is not None else words

    @property
    def stated_by(self) -> str:
        """Who states it, in a few words, without the place."""
        if self.origin == "operation":
            return f"guaranteed by {self.operation or 'the operation'}"
        if self.origin == "check":
            return f"checked by {self.operation}" if self.operation else "checked"
        return STATED_BY[self.origin]

    @property
    def is_declared(self) -> bool:
        """Whether it is part of what was declared of a symbol."""
        return self.origin == "declared" or self.operation == EVERY_SIZE

    @property
    def enforced_by(self) -> str | None:
        """What enforces it when a program runs; None if nothing does."""
        if self.origin == "operation":
            return self.operation or "the operation"
        return {
            "declared": "an assert at entry",
            "contract": "an assert at entry",
            "assumed": "an assert, where its values are known",
            "guard": "the check of the guards at entry",
            "check": "an assert before",
        }.get(self.origin)

    def __str__(self) -> str:
        return f"{self.spelled}  [{self.provenance}]"

    _repr_pretty_ = shown_as_text

    def __repr__(self) -> str:
        return f"<Fact {self}>"

    def _repr_html_(self) -> str:
        from html import escape

        from shapes.traversal.mathematics import mathematical_html

        return f"{mathematical_html(self.claim)} <small>{escape(self.provenance)}</small>"

    def _repr_latex_(self) -> str:
        from shapes.traversal.mathematics import latex

        return f"${latex(self.claim)}$"


_NONE: Final = NO_REASONS
_ANY: Final = Congruence.anything()


@record(frozen=True, slots=True)
class Knowledge:
    """Interval, congruence and excluded values of one direction, each with its reasons."""

    lower: Bound = -int_oo
    upper: Bound = int_oo
    congruence: Congruence = _ANY
    why_lower: Reasons = _NONE
    why_upper: Reasons = _NONE
    why_congruence: Reasons = _NONE
    excluded: tuple[tuple[int, Reasons], ...] = ()


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
            known = _rounded(replace(known, lower=known.lower + 1, why_lower=why))
        elif (why := excluded.get(known.upper)) is not None:
            why |= known.why_upper
            known = _rounded(replace(known, upper=known.upper - 1, why_upper=why))
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
    result = known
    if lower != known.lower:
        why = known.why_lower | known.why_congruence
        result = replace(result, lower=lower, why_lower=why)
    if upper != known.upper:
        why = known.why_upper | known.why_congruence
        result = replace(result, upper=upper, why_upper=why)
    return result


def scaled(end: Bound, f: int, k: int) -> Bound:
    """An end of d as an end of ``f*d + k``."""
    if isinstance(end, IntInfinity):
        return end if f > 0 else -end
    return f * end + k


def contradiction(culprits: Sequence[Fact]) -> ContradictionError:
    """The error that names facts which cannot hold together; of very many it shows some."""
    lines = [f"    {fact}" for fact in culprits]
    if len(lines) > SHOWN:
        left = len(lines) - SHOWN
        lines[SHOWN // 2 : -(SHOWN // 2)] = [f"    ... and {left} more ..."]
    head = "this can never hold" if len(culprits) == 1 else "these facts contradict each other"
    return ContradictionError("\n".join([f"{head}:", *lines]), culprits)


SHOWN: Final = 20
"""Culprits that a message shows."""

MINIMISING_STEPS: Final = 20_000
"""Facts that are read again, all tries together, to find a smallest set."""


def smallest(
    stated: Sequence[Fact],
    suffice: Callable[[list[Fact]], bool],
    steps: int = MINIMISING_STEPS,
) -> list[Fact]:
    """A subset that suffices, in the same order, of which no fact can be left out: larger
    blocks are left out first, then single facts. Where the budget of steps runs out (for
    more than a hundred facts), or that of the question which asks (see `budget`), some may
    be left that are not needed: what was shown of all of them is not lost."""
    kept = list(stated)
    size = len(kept) // 2 if len(kept) > 8 else 1
    while size:
        place = 0
        while place < len(kept):
            fewer = kept[:place] + kept[place + size :]
            steps -= len(kept)
            if steps < 0:
                return kept
            try:
                suffices = bool(fewer) and suffice(fewer)
            except ExhaustedError:
                return kept
            if suffices:
                kept = fewer
            else:
                place += size
        size //= 2
    return kept
