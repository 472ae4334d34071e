"""Whether code for an expression stays within machine integers.

Integers here are mathematical; a graph computes with 64 (or 32) bits. The analysis
`_Collector` goes through an expression by the one traversal, so it meets the very
operations that are emitted as nodes (sums in the order of `fold_linear`, remainders as
operations of their own, relations on two sides, both arms of a choice), and notes every
result that might leave the range. Ranges are computed along the way; only what they leave
open goes to the prover, one intermediate at a time.

Guarantees: `ALWAYS` is proved for every intermediate; a counterexample was evaluated again
and names the intermediate that overflows. Symbols are machine integers themselves: their
values are assumed to fit.
Limits: an operation of the target that computes something else on the way (a power by
repeated squaring) is judged by its result. Python code for guards computes with Python's
integers and cannot overflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shapes.base.budget import LARGEST_BITS, ExhaustedError, limited
from shapes.base.digits import excerpt, short
from shapes.base.foreign import as_integer
from shapes.base.infinity import Bound, IntInfinity
from shapes.domains import RangeAnalysis, ValueRanges
from shapes.errors import ContradictionError, ShapeproofError, TooLargeError, UndefinedError
from shapes.expr.booleans import conjunction, disjunction
from shapes.expr.nodes import Expr, IntExpr, Op, Value, as_expr
from shapes.facts.bounds import bounds
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Counterexample, Status, Verdict
from shapes.prove.effort import Effort, effort_named
from shapes.prove.ladder import prove
from shapes.traversal.definedness import Spelled, defined
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import apply, free_symbols, interpret
from shapes.traversal.substitute import Builder
from shapes.witness.search import Values, search

__all__ = ["Fit", "fits_int64", "intermediates"]

@dataclass(frozen=True)
class Fit:
    """Whether every intermediate result of an expression fits into `bits` bits.

    `status` is `ALWAYS`, `DEPENDS` (for `counterexample`, `intermediate` has the value
    `value`, which does not fit), `NEVER` (`intermediate` does not fit, whatever the values)
    or `UNKNOWN` (what could not be decided is in `undecided`).
    """

    status: Status
    expr: Expr
    bits: int
    intermediate: Expr | None = None
    value: int | None = None
    counterexample: Counterexample | None = None
    undecided: tuple[Expr, ...] = ()

    def __bool__(self) -> bool:
        return self.status is Status.ALWAYS

    def explain(self) -> str:
        """The answer in a few sentences."""
        what = f"`{self.expr}` in {self.bits} bits"
        if self.status is Status.ALWAYS:
            return f"{what}: every intermediate result fits"
        if self.status is Status.UNKNOWN:
            shown = ", ".join(f"`{e}`" for e in self.undecided[:4])
            return f"{what}: could not be decided for {shown}"
        assert self.intermediate is not None
        plain = self.value is None or self.intermediate.is_constant
        found = "" if plain else f" = {short(self.value)}"
        if self.counterexample is None:
            return f"{what}: `{self.intermediate}`{found} never fits"
        given = f" for {self.counterexample}" if self.counterexample else ""
        return f"{what}: `{self.intermediate}`{found} does not fit{given}"

    __str__ = explain

    def __repr__(self) -> str:
        return f"<{self.status.name}: {self.explain()}>"


class _Result(NamedTuple):
    """An intermediate result and a range that holds for it."""

    expr: Expr
    range: ValueRanges | None


class _Collector:
    """The analysis that notes every result that may be outside of ``[lower, upper]``.

    There are no one-sided relations and no sums of its own, so that it gets what code gets.
    """

    def __init__(self, facts: Facts, lower: int, upper: int) -> None:
        self._facts = facts
        self._lower = lower
        self._upper = upper
        self._builder = Builder()
        self._ranges = RangeAnalysis()
        self.open: dict[Expr, None] = {}

    def constant(self, value: Value) -> _Result:
        expr = as_expr(value)
        if isinstance(value, IntInfinity):
            return _Result(expr, None)
        return self._noted(expr, self._ranges.constant(value), False)

    def symbol(self, sym: Expr) -> _Result:
        return self._noted(sym, bounds(self._facts, sym), False)

    def unknown(self, op: Op, operands: Sequence[_Result]) -> _Result:
        """Every operation: the expression, a range for it, and whether it may leave."""
        expr = self._builder.unknown(op, [operand.expr for operand in operands])
        ranges = [operand.range for operand in operands]
        found = None
        if None not in ranges:
            found = apply(self._ranges, op.handler, ranges)
        return self._noted(expr, found, op.closed)

    def _noted(self, expr: Expr, found: ValueRanges | None, closed: bool) -> _Result:
        if not isinstance(expr, IntExpr):
            return _Result(expr, found)
        if found is None or not self._within(found):
            # What is known about the expression as a whole may say more than its parts.
            known = bounds(self._facts, expr)
            found = known if found is None else found & known
            if not closed and not self._within(found):
                self.open[expr] = None
        return _Result(expr, found)

    def _within(self, found: ValueRanges) -> bool:
        low, high = found.int_bounds()
        return low >= self._lower and high <= self._upper


def intermediates(facts: Facts, expr: Expr, bits: int = 64) -> list[Expr]:
    """The results on the way to the expression that ranges do not show to fit, in the order
    in which code computes them."""
    lower, upper = _limits(bits)
    collector = _Collector(facts, lower, upper)
    interpret(collector, {}, expr)
    return list(collector.open)


def fits_int64(
    facts: Facts, expr: Expr, bits: int = 64, effort: str | Effort = "default"
) -> Fit:
    """Whether everything that code for the expression computes fits into signed integers of
    `bits` bits, under the facts and for symbols that fit themselves.

    Raises `ValueError` for fewer than 2 bits or an effort that there is not.
    """
    bits = _width(bits)
    try:
        with limited(effort_named(effort).steps):
            return _fit(facts, expr, bits, effort)
    except (ExhaustedError, TooLargeError):
        return Fit(Status.UNKNOWN, expr, bits, undecided=(expr,))


def _fit(facts: Facts, expr: Expr, bits: int, effort: str | Effort) -> Fit:
    lower, upper = _limits(bits)
    for sym in free_symbols(expr):
        if not isinstance(sym, IntExpr):
            continue
        try:
            facts = _fitting(facts, sym, lower, upper)
        except ContradictionError:
            return _overflowing(facts, expr, bits, sym, None)
    undecided = []
    for e in intermediates(facts, expr, bits):
        assert isinstance(e, IntExpr)
        verdict = _asked(facts, e, lower, upper, effort)
        if verdict is None or verdict.status is Status.ALWAYS:
            continue
        if verdict.status is Status.UNKNOWN and verdict.counterexample is None:
            undecided.append(e)
            continue
        return _overflowing(facts, expr, bits, e, verdict)
    if undecided:
        return Fit(Status.UNKNOWN, expr, bits, undecided=tuple(undecided))
    return Fit(Status.ALWAYS, expr, bits)


def _width(bits: object) -> int:
    width = as_integer(bits)
    if width is None or width < 2:
        raise ValueError(f"a signed integer has at least 2 bits, not {excerpt(bits)}")
    if width > LARGEST_BITS:
        raise TooLargeError(f"integers have at most {LARGEST_BITS} bits, not {excerpt(bits)}")
    return width


def _limits(bits: int) -> tuple[int, int]:
    return -(1 << bits - 1), (1 << bits - 1) - 1


def _fitting(facts: Facts, sym: IntExpr, lower: int, upper: int) -> Facts:
    """The facts, and that the symbol's value fits."""
    known: tuple[Bound, Bound] = bounds(facts, sym).int_bounds()
    claims = []
    if known[0] < lower:
        claims.append(sym >= lower)
    if known[1] > upper:
        claims.append(sym <= upper)
    return facts.given(*[Fact(claim, "given") for claim in claims])


def _asked(
    facts: Facts, e: IntExpr, lower: int, upper: int, effort: str | Effort
) -> Verdict | None:
    """The verdict on ``lower <= e <= upper``; None if e never has a value."""
    claim = conjunction(e >= lower, e <= upper)
    try:
        return prove(facts, Spelled(claim, defined(e)), effort=effort)
    except UndefinedError:
        return None


def _overflowing(
    facts: Facts, expr: Expr, bits: int, e: IntExpr, verdict: Verdict | None
) -> Fit:
    """The answer for an intermediate that does not always fit (without a verdict: never),
    evaluated once more."""
    never = verdict is None or verdict.status is Status.NEVER
    status = Status.NEVER if never else Status.DEPENDS
    example = None if verdict is None else verdict.counterexample
    lower, upper = _limits(bits)
    if example is None:
        example = _example(facts, e, lower, upper)
    value = None if example is None else _value(e, example)
    if value is not None and not lower <= value <= upper:
        return Fit(status, expr, bits, e, value, example)
    if never:
        return Fit(status, expr, bits, e)
    return Fit(Status.UNKNOWN, expr, bits, undecided=(e,))


def _example(facts: Facts, e: IntExpr, lower: int, upper: int) -> Counterexample | None:
    """Values that satisfy the facts, with which the expression does not fit."""
    outside = disjunction(e < lower, e > upper)
    found: Values | None = search(facts, [defined(e), outside], {}, 300)
    return None if found is None else Counterexample(found)


def _value(e: IntExpr, example: Any) -> int | None:
    try:
        found = evaluated(e, example)
    except ShapeproofError:
        return None
    return int(found)
