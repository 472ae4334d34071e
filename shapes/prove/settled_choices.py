"""Choices that the facts settle: a minimum or maximum without operands that never count, a
selection whose condition is known to hold or not to.

What is below what is read off ranges, and off the relations between a quotient and its
dividend, an extremum and its operands: for x >= 0, ``Max(x, x//3)`` is x, and
``Where(x + x//3 >= 0, x, y)`` is x, too.

Guarantees: what is written has the value of the expression wherever the facts hold and the
expression has a value; the facts that were needed are named.
Limits: no order is looked for between operands of large choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from shapes.errors import ContradictionError
from shapes.expr.booleans import negation
from shapes.expr.integers import maximum, minimum
from shapes.expr.linear import le_zero, scale
from shapes.expr.nodes import (
    LE_ZERO,
    OPERATORS,
    BoolExpr,
    Expr,
    Infinity,
    combine,
    constant,
    side_of,
)
from shapes.facts.justification import NO_REASONS
from shapes.facts.relational_bounds import implied_bounds
from shapes.facts.store import Facts, Reasons
from shapes.prove.quick import CHEAP, decide, proved
from shapes.traversal.interpret import interpret
from shapes.traversal.substitute import Builder

__all__ = ["Added", "settled"]

OPERANDS: Final = 6
"""Operands of one choice between which an order is looked for."""

_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]
_ABS: Final = OPERATORS["Abs"]
_WHERE: Final = OPERATORS["Where"]


def settled(facts: Facts, claim: BoolExpr) -> tuple[BoolExpr, Reasons]:
    """A condition in which solved symbols are replaced without what is never chosen, and the
    facts that settle it."""
    analysis = _Settled(facts)
    try:
        made = interpret(analysis, {}, claim)
    except ContradictionError:
        return claim, NO_REASONS  # of facts that leave no value nothing is read here
    assert isinstance(made, BoolExpr)
    return made, analysis.used


class Added(Builder):
    """The analysis that builds what it is given; sums are of integers."""

    def linear(self, k: int, coefficients: Sequence[int], values: list[Any]) -> Any:
        total: Any = constant(k)
        for c, value in zip(coefficients, values):
            total = combine(1, total, c, value)
        return total


class _Settled(Added):
    """The analysis that writes what is left of each choice."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self._facts = facts
        self.used = NO_REASONS

    def refine(self, node: Expr, value: Any) -> Any:
        op = value.op
        if op is _WHERE:
            return self._selected(value)
        if op is _MIN or op is _MAX:
            return self._extremum(value)
        return self._magnitude(value) if op is _ABS else value

    def _selected(self, value: Any) -> Any:
        p, a, b = value.args
        truth = self._truth(p)
        return value if truth is None else a if truth else b

    def _extremum(self, value: Any) -> Any:
        """The operands but for those than which another one is always less (greater)."""
        least = value.op is _MIN
        operands = value.args
        if len(operands) > OPERANDS or any(isinstance(x, Infinity) for x in operands):
            return value
        left = list(operands)
        for x in operands:
            for other in left:
                below, above = (other, x) if least else (x, other)
                if other is not x and self._truth(le_zero(combine(1, below, -1, above))):
                    left.remove(x)
                    break
        if len(left) == len(operands):
            return value
        return minimum(*left) if least else maximum(*left)

    def _magnitude(self, value: Any) -> Any:
        (x,) = value.args
        truth = self._truth(le_zero(x))
        return value if truth is None else scale(-1, x) if truth else x

    def _truth(self, claim: BoolExpr) -> bool | None:
        """Whether a condition is seen to hold, or not to; the facts that show it are kept."""
        truth = decide(self._facts, claim)
        if truth is not None:
            proof = proved(self._facts, claim if truth else negation(claim), CHEAP)
            if proof is None:
                return None
            self.used |= Reasons(proof.facts)
        elif claim.op is LE_ZERO:
            lower, upper = implied_bounds(self._facts, side_of(claim))
            if upper.value <= 0:
                self.used |= upper.reasons
                return True
            if lower.value > 0:
                self.used |= lower.reasons
                return False
        return truth
