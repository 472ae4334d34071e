"""Ranges with the facts behind each end; the exact ends, by search with the prover.

The known range is the outside, values that are reached (from counterexamples to a guessed
end) are the inside; the gap is halved until both meet. Where the prover does not know, the
outside stays: the answer is a range that holds in any case, and says whether it is exact.
"""

from __future__ import annotations

from typing import Final

from shapes.base.digits import interval
from shapes.base.infinity import Bound, IntInfinity
from shapes.base.records import record, replace
from shapes.domains import ValueRanges
from shapes.errors import ContradictionError, ExpressionTypeError, UndefinedError
from shapes.expr.booleans import less_equal
from shapes.expr.linear import scale
from shapes.expr.nodes import Expr, IntExpr, constant
from shapes.facts.abstract_value import smallest
from shapes.facts.bounds import bounds_with_reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.relational_bounds import least, most
from shapes.facts.store import Fact, Facts, Reasons, together
from shapes.facts.verdict import Counterexample, Status
from shapes.prove.ladder import EFFORTS, Effort, prove
from shapes.traversal.evaluate import evaluated

__all__ = ["ExplainedBounds", "exact_bounds", "explained_bounds"]

FEW: Final = 24
"""Facts behind an end of which each is tried to be left out."""

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

    @property
    def exact(self) -> bool:
        """Whether both ends are reached."""
        return self.lower_exact and self.upper_exact


def explained_bounds(facts: Facts, e: Expr, effort: str = "default") -> ExplainedBounds:
    """The range of an expression with the reasons of its ends; effort ``exact`` settles the
    ends of an integer expression by search.

    Raises `ValueError` for an effort that there is not.
    """
    if effort == "exact":
        return exact_bounds(facts, e)
    if effort not in EFFORTS:
        raise ValueError(f"no effort {effort!r}; there are {', '.join(EFFORTS)}, exact")
    found = _known_bounds(facts, e)
    return replace(
        found,
        lower_reasons=_needed(facts, e, found.lower_reasons, found.range, upper=False),
        upper_reasons=_needed(facts, e, found.upper_reasons, found.range, upper=True),
    )


def _needed(
    facts: Facts, e: Expr, reasons: Reasons, known: ValueRanges, upper: bool
) -> Reasons:
    """The facts that one end of a range needs, if they are few enough to try without each."""
    stated = list(facts.in_order(reasons))

    def suffice(some: list[Fact]) -> bool:
        alone = together(some)
        try:
            found = None if alone is None else _known_bounds(alone, e).range
        except ContradictionError:
            return False
        if found is None:
            return False
        return found.upper <= known.upper if upper else found.lower >= known.lower  # type: ignore[operator]

    if len(stated) > FEW or not suffice(stated):
        return reasons
    return NO_REASONS if suffice([]) else Reasons(smallest(stated, suffice))


def _known_bounds(facts: Facts, e: Expr) -> ExplainedBounds:
    """The range as ranges of parts and relations between sums show it."""
    normal, why = facts.normalized(e)
    if not isinstance(normal, IntExpr):
        known, reasons = bounds_with_reasons(facts, normal)
        return ExplainedBounds(known, reasons | why, reasons | why, False, False)
    upper, lower = most(facts, normal), least(facts, normal)
    if lower.value > upper.value:
        raise ContradictionError(f"the facts leave no value for `{e}`")
    settled = lower.value == upper.value
    return ExplainedBounds(
        ValueRanges(lower.value, upper.value),
        lower.reasons | why,
        upper.reasons | why,
        settled,
        settled,
    )


def exact_bounds(facts: Facts, e: Expr, effort: str | Effort = "default") -> ExplainedBounds:
    """The range of an integer expression, settled by the prover as far as it knows.

    Raises `ExpressionTypeError` for an expression that is not an integer.
    """
    if not isinstance(e, IntExpr):
        raise ExpressionTypeError(f"`{e}` is not an integer expression")
    known = explained_bounds(facts, e)
    lower, upper = known.range.int_bounds()
    high, why_high, reached_high = _settled(facts, e, upper, known.upper_reasons, effort)
    negated = scale(-1, e)
    low, why_low, reached_low = _settled(facts, negated, -lower, known.lower_reasons, effort)
    found = ValueRanges(-low, high)
    return ExplainedBounds(found, why_low, why_high, reached_low, reached_high)


def _settled(
    facts: Facts, e: IntExpr, upper: Bound, reasons: Reasons, effort: str | Effort
) -> tuple[Bound, Reasons, bool]:
    """The greatest value of e, the facts that it rests on, and whether it is reached."""
    reached: int | None = None
    why = reasons
    if isinstance(upper, IntInfinity):
        for guess in GALLOP:
            at = guess if reached is None else max(guess, reached + guess)
            verdict = prove(facts, less_equal(e, constant(at)), effort=effort)
            if verdict.status is Status.ALWAYS:
                upper = at
                why = Reasons(verdict.proof.facts) if verdict.proof is not None else why
                break
            reached = _value(e, verdict.counterexample, reached)
            if verdict.status is Status.UNKNOWN:
                return upper, why, False
        else:
            return upper, why, True
    assert isinstance(upper, int)
    while reached is None or reached < upper:
        middle = upper - 1 if reached is None else (reached + upper) // 2
        verdict = prove(facts, less_equal(e, constant(middle)), effort=effort)
        if verdict.status is Status.ALWAYS:
            upper = middle
            why = Reasons(verdict.proof.facts) if verdict.proof is not None else why
        elif verdict.counterexample is not None:
            found = _value(e, verdict.counterexample, reached)
            if found is None or (reached is not None and found <= reached):
                return upper, why, False
            reached = found
        else:
            return upper, why, False
    return upper, why, True


def _value(e: IntExpr, values: Counterexample | None, reached: int | None) -> int | None:
    """The value of e there, if it is greater than what is known to be reached."""
    if values is None:
        return reached
    try:
        found = int(evaluated(e, values))
    except UndefinedError:
        return reached
    return found if reached is None else max(found, reached)
