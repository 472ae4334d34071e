"""A fact with its provenance.

Facts that cannot hold together are reported in one way (`contradiction`), with as few of them
as deleting finds necessary (`smallest`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

from shapes.base.budget import ExhaustedError
from shapes.base.location import Location
from shapes.base.pretty import shown_as_text
from shapes.base.records import record
from shapes.errors import ContradictionError
from shapes.expr.nodes import BoolExpr
from shapes.facts.justification import Reasons
from shapes.traversal.printing import brief

__all__ = [
    "EVERY_SIZE",
    "STATED_BY",
    "Fact",
    "Origin",
    "Reasons",
    "contradiction",
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
