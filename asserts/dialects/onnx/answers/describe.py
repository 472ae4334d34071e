"""The set of sizes that satisfy conditions on one symbol, written as a person would.

The truth of the conditions is computed for small sizes and read as an eventually periodic set:
bounds, a residue or a range of residues, and a range of exceptions before. What was read is a
guess; it counts only if the prover shows that it is equivalent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shapes.env import ShapeEnv
from shapes.errors import ContradictionError, ShapeproofError
from shapes.expr import (
    FALSE,
    TRUE,
    BoolExpr,
    IntExpr,
    conjunction,
    constant,
    disjunction,
    equal,
    less_equal,
    modulo,
    shift,
)
from shapes.facts import Status
from shapes.traversal import evaluate

__all__ = ["described", "is_met", "truths"]

TRIED = 768
"""Sizes below this are tried."""
LONGEST_PERIOD = 192


def truths(symbol: IntExpr, conditions: Sequence[BoolExpr], count: int = TRIED) -> list[bool]:
    """Whether all conditions hold, for each size below `count`."""
    return [all(is_met(c, {symbol: n}) for c in conditions) for n in range(count)]


def is_met(condition: BoolExpr, given: Mapping[Any, int]) -> bool:
    """Whether a condition holds; it does not where it has no value (as for a division by
    zero: the operation has no such sizes)."""
    try:
        return bool(evaluate(condition, given))
    except ShapeproofError:
        return False


def described(
    env: ShapeEnv, symbol: IntExpr, conditions: Sequence[BoolExpr]
) -> list[BoolExpr] | None:
    """Simpler conditions that together are equivalent to these; None if none were found."""
    few, many = truths(symbol, conditions), None
    guesses = list(_guesses(symbol, few))
    if not guesses or not any(few):
        many = truths(symbol, conditions, 4 * TRIED)
        guesses = list(_guesses(symbol, many))
    for guess in guesses:
        if all(_implied(env, c, guess) for c in conditions) and all(
            _implied(env, c, conditions) for c in guess
        ):
            return guess
    return None


def _implied(env: ShapeEnv, claim: BoolExpr, given: Sequence[BoolExpr]) -> bool:
    try:
        return env.prove(claim, given=list(given)).status is Status.ALWAYS
    except ContradictionError:
        return True  # (nothing satisfies what is given)
    except ShapeproofError:
        return False


def _guesses(n: IntExpr, holds: list[bool]) -> Iterator[list[BoolExpr]]:
    """Conditions that agree with what was computed, the simplest first."""
    if not any(holds):
        yield [FALSE]
        return
    period = _period(holds)
    if period is None:
        return
    start = _start(holds, period)
    tail = _residues(n, holds, start, period)
    if tail is None:
        return
    least = next((i for i in range(start, len(holds)) if holds[i]), None)
    before = _ranges(holds[:start])
    if least is not None and not before:
        yield [*([] if tail is TRUE else [tail]), *_at_least(n, least)]
        return
    if least is None:
        yield [disjunction(*(_within(n, a, b) for a, b in before))]
        return
    if len(before) == 1:
        [(first, last)] = before
        small = less_equal(n, constant(last))
        yield [*_at_least(n, first), disjunction(small, tail)]
    if len(before) <= 3:
        rest = conjunction(*_at_least(n, least), tail)
        yield [disjunction(*(_within(n, a, b) for a, b in before), rest)]


def _at_least(n: IntExpr, least: int) -> list[BoolExpr]:
    return [less_equal(constant(least), n)] if least > 0 else []


def _within(n: IntExpr, a: int, b: int) -> BoolExpr:
    if a == b:
        return equal(n, constant(a))
    return conjunction(less_equal(constant(a), n), less_equal(n, constant(b)))


def _period(holds: list[bool]) -> int | None:
    """The shortest period of the second half."""
    half = len(holds) // 2
    for period in range(1, LONGEST_PERIOD + 1):
        if holds[half:-period] == holds[half + period :]:
            return period
    return None


def _start(holds: list[bool], period: int) -> int:
    """From where on the truths are periodic."""
    start = len(holds) - period
    while start > 0 and holds[start - 1] == holds[start - 1 + period]:
        start -= 1
    return start


def _residues(n: IntExpr, holds: list[bool], start: int, period: int) -> BoolExpr | None:
    """The periodic part as a condition; None if its residues are not one range."""
    wanted = sorted({i % period for i in range(start, start + period) if holds[i]})
    if len(wanted) in (0, period):
        return TRUE if wanted else FALSE
    first = next((r for r in wanted if (r - 1) % period not in wanted), 0)
    count = len(wanted)
    if any((first + i) % period not in wanted for i in range(count)):
        return None
    residue = modulo(
        shift(n, -first if first <= period // 2 else period - first), constant(period)
    )
    if count == 1:
        return equal(modulo(n, constant(period)), constant(first))
    return less_equal(residue, constant(count - 1))


def _ranges(holds: list[bool]) -> list[tuple[int, int]]:
    """The runs of truths."""
    found: list[tuple[int, int]] = []
    for i, one in enumerate(holds):
        if one and found and found[-1][1] == i - 1:
            found[-1] = (found[-1][0], i)
        elif one:
            found.append((i, i))
    return found
