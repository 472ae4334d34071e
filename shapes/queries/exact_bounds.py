"""Ranges with the facts behind each end; the exact ends, by search with the prover.

The known range is the outside, values that are reached (from counterexamples to a guessed
end) are the inside; the gap is halved until both meet. Where the prover does not know, or the
steps run out, the outside stays: the answer is a range that holds in any case, and says
whether it is exact.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from shapes.base.budget import ExhaustedError, limited, remaining
from shapes.base.digits import interval
from shapes.base.infinity import Bound, IntInfinity
from shapes.base.pretty import shown_as_text
from shapes.base.records import record, replace
from shapes.domains import ValueRanges
from shapes.errors import (
    ContradictionError,
    ExpressionTypeError,
    TooLargeError,
    UndefinedError,
)
from shapes.expr.booleans import less_equal
from shapes.expr.linear import scale
from shapes.expr.nodes import TRUE, BoolExpr, Expr, IntExpr, constant
from shapes.facts.abstract_value import smallest
from shapes.facts.bounds import bounds_with_reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.relational_bounds import least, most
from shapes.facts.store import Fact, Facts, Reasons, together
from shapes.facts.verdict import Counterexample, Status
from shapes.prove.effort import EFFORTS, Effort, effort_named
from shapes.prove.ladder import prove
from shapes.queries.tight_bounds import tight_bounds
from shapes.traversal.evaluate import evaluated

__all__ = ["ExplainedBounds", "exact_bounds", "explained_bounds"]

FEW: Final = 24
"""Facts behind an end of which each is tried to be left out."""

EXACT_STEPS: Final = 3_000_000
"""Steps for both ends of one expression (see `budget`)."""

EXPLAINING_STEPS: Final = 400_000
"""Steps for the range that is known without asking the prover."""

REASONS_STEPS: Final = 100_000
"""Steps for leaving out facts that one end does not need."""

GALLOP: Final = (8, 64, 1 << 10, 1 << 16, 1 << 32, 1 << 64, 1 << 128)
"""Guesses for an end that is not bounded by the domains."""


@record(frozen=True)
class ExplainedBounds:
    """A range with the facts behind each end, and whether each end is known to be reached (an
    infinite one: whether values beyond every guess of `GALLOP` are)."""

    range: ValueRanges
    lower_reasons: Reasons
    upper_reasons: Reasons
    lower_exact: bool
    upper_exact: bool

    def __str__(self) -> str:
        lines = [interval(self.range.lower, self.range.upper)]
        for end, reasons in (("lower", self.lower_reasons), ("upper", self.upper_reasons)):
            lines += sorted(f"    {end} end: {fact}" for fact in reasons)
        return "\n".join(lines)

    _repr_pretty_ = shown_as_text

    @property
    def exact(self) -> bool:
        """Whether both ends are reached."""
        return self.lower_exact and self.upper_exact


def explained_bounds(
    facts: Facts,
    e: Expr,
    effort: str = "default",
    defined: BoolExpr = TRUE,
) -> ExplainedBounds:
    """The range of an expression, where it is defined, with the reasons of its ends; effort
    ``exact`` settles the ends of an integer expression by search.

    Raises `ValueError` for an effort that there is not.
    """
    if effort == "exact":
        return exact_bounds(facts, e, "default", defined)
    if effort not in EFFORTS:
        raise ValueError(f"no effort {effort!r}; there are {', '.join(EFFORTS)}, exact")
    found = _known_bounds(facts, e, defined)
    return replace(
        found,
        lower_reasons=_needed(facts, e, defined, found, upper=False),
        upper_reasons=_needed(facts, e, defined, found, upper=True),
    )


def _needed(
    facts: Facts,
    e: Expr,
    defined: BoolExpr,
    bounds: ExplainedBounds,
    upper: bool,
) -> Reasons:
    """The facts that one end of a range needs, if they are few enough to try without each."""
    known, reasons = bounds.range, bounds.upper_reasons if upper else bounds.lower_reasons
    stated = list(facts.in_order(reasons))

    def suffice(some: list[Fact]) -> bool:
        alone = together(some)
        try:
            found = None if alone is None else _known_bounds(alone, e, defined).range
        except ContradictionError:
            return False
        if found is None:
            return False
        return found.upper <= known.upper if upper else found.lower >= known.lower

    try:
        with limited(REASONS_STEPS):
            if not stated or len(stated) > FEW or not suffice(stated):
                return reasons
            return NO_REASONS if suffice([]) else Reasons(smallest(stated, suffice))
    except ExhaustedError:
        return reasons


def _known_bounds(facts: Facts, e: Expr, defined: BoolExpr) -> ExplainedBounds:
    """The range that `tight_bounds` finds."""
    try:
        with limited(EXPLAINING_STEPS):
            return _explained(facts, e, defined)
    except ExhaustedError:
        anything = ValueRanges.unknown(e.kind)
        return ExplainedBounds(anything, NO_REASONS, NO_REASONS, False, False)


def _explained(facts: Facts, e: Expr, defined: BoolExpr) -> ExplainedBounds:
    normal, why = facts.normalized(e)
    if not isinstance(normal, IntExpr):
        known, reasons = bounds_with_reasons(facts, normal)
        return ExplainedBounds(known, reasons | why, reasons | why, False, False)
    tight = tight_bounds(facts, normal, defined)
    lower, upper = tight.range.int_bounds()
    below, above = tight.lower_reasons, tight.upper_reasons
    if below is None:
        below = least(facts, normal).reasons
    if above is None:
        above = most(facts, normal).reasons
    exact = lower == upper
    return ExplainedBounds(
        tight.range,
        below | why,
        above | why,
        exact or (tight.lower_exact and not isinstance(lower, IntInfinity)),
        exact or (tight.upper_exact and not isinstance(upper, IntInfinity)),
    )


def exact_bounds(
    facts: Facts,
    e: Expr,
    effort: str | Effort = "default",
    defined: BoolExpr = TRUE,
) -> ExplainedBounds:
    """The range of an integer expression, settled by the prover as far as it knows and as
    `EXACT_STEPS` last; the range holds in any case, and tells which ends are exact.

    Raises `ExpressionTypeError` for an expression that is not an integer, `ContradictionError`
    if the facts are found to leave no value.
    """
    if not isinstance(e, IntExpr):
        raise ExpressionTypeError(f"`{e}` is not an integer expression")
    known = explained_bounds(facts, e, "default", defined)
    if _nowhere(facts, defined):
        return known  # (no end is ever reached, and any claim may be shown)
    lower, upper = known.range.int_bounds()
    high = _End(facts, e, upper, known.upper_reasons, effort)
    low = _End(facts, scale(-1, e), -lower, known.lower_reasons, effort)
    high.exact, low.exact = known.upper_exact, known.lower_exact
    for end in (high, low):
        with suppress(ExhaustedError, TooLargeError), limited(EXACT_STEPS // 2):
            end.settle()
    if -low.upper > high.upper:
        raise ContradictionError(f"the facts leave no value for `{e}`")
    found = ValueRanges(-low.upper, high.upper)
    return ExplainedBounds(found, low.reasons, high.reasons, low.exact, high.exact)


def _nowhere(facts: Facts, defined: BoolExpr) -> bool:
    """Whether a quick look shows that an expression has a value nowhere."""
    if defined is TRUE:
        return False
    return prove(facts, defined, effort="quick").status is Status.NEVER


class _End:
    """The search for the greatest value of an expression.

    `upper` is what it is known not to exceed, for `reasons`; `_reached` a value that it has
    somewhere, `_open` the greatest end of which it is not known whether it holds.
    """

    def __init__(
        self,
        facts: Facts,
        e: IntExpr,
        upper: Bound,
        reasons: Reasons,
        effort: str | Effort,
    ) -> None:
        self.upper = upper
        self.reasons = reasons
        self.exact = False
        self._facts = facts
        self._e = e
        self._efforts = [effort_named("quick"), effort_named(effort)]
        self._reached: int | None = None
        self._open: int | None = None

    def settle(self) -> None:
        """Ask until the end is exact, or what is left cannot be decided by asking."""
        if self.exact:
            return
        if isinstance(self.upper, IntInfinity):
            self._find_upper()
        if isinstance(self.upper, IntInfinity):
            return
        self._find_reached()
        while remaining() > 0:
            known = [v for v in (self._reached, self._open) if v is not None]
            floor = max(known, default=self.upper)
            if floor >= self.upper:
                break
            self._ask((floor + self.upper) // 2)
        self.exact = self._reached is not None and self._reached >= self.upper

    def _find_upper(self) -> None:
        """Guess an end where the domains know none."""
        for guess in GALLOP:
            at = guess if self._reached is None else max(guess, self._reached + guess)
            if self._ask(at) is not False:
                return
        self.exact = True

    def _find_reached(self) -> None:
        """Step down from the known end, in steps that double, until a value is reached or
        the prover does not know."""
        assert isinstance(self.upper, int)
        step = 1
        while self._reached is None and self._open is None and remaining() > 0:
            self._ask(self.upper - step)
            step *= 2

    def _ask(self, at: int) -> bool | None:
        """Whether the expression is at most that, as far as the prover tells; what it says
        is taken in."""
        claim = less_equal(self._e, constant(at))
        verdict = prove(self._facts, claim, effort=self._efforts[0], prepare=True)
        if verdict.counterexample is None and verdict.status is Status.UNKNOWN:
            # What is open for a quick look is worth one long one.
            verdict = prove(self._facts, claim, effort=self._efforts[-1], prepare=True)
            del self._efforts[1:]
        if verdict.status is Status.ALWAYS:
            self.upper = at
            if verdict.proof is not None:
                self.reasons = Reasons(verdict.proof.facts)
            return True
        reached = _value(self._e, verdict.counterexample, self._reached)
        if reached is not None and reached > at:
            self._reached = reached
            return False
        self._open = at if self._open is None else max(at, self._open)
        return None


def _value(e: IntExpr, values: Counterexample | None, reached: int | None) -> int | None:
    """The value of e there, if it is greater than what is known to be reached."""
    if values is None:
        return reached
    try:
        found = int(evaluated(e, values))
    except UndefinedError:
        return reached
    return found if reached is None else max(found, reached)
