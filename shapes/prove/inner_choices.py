"""Choices that are divided as a whole (for `choice_forms`).

In the normal form of choices quotients go into the operands. Where the same minimum is divided
by several numbers, ``Min(x, y) // 16 % 4 // 3``, the parts of its remainders go apart then.
Here it is the other way around: a common quotient of all operands goes outside, and what is
divided becomes a symbol.

Guarantees: what holds for every value of a symbol holds for the choice whose place it takes.
"""

from __future__ import annotations

from typing import Any, Final

from shapes.expr.integers import floor_division, maximum, minimum
from shapes.expr.nodes import (
    OPERATORS,
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    combine,
    constant,
    int_operands,
    symbol,
)
from shapes.prove.extrema import EXTREMA, choices_in
from shapes.prove.quotient_forms import number_of
from shapes.prove.settled import Added
from shapes.prove.tactics import CHOICES
from shapes.traversal.interpret import interpret, walk
from shapes.traversal.substitute import substitute

__all__ = ["of_divided_choices"]

_QUOTIENT: Final = OPERATORS["FloorDiv"]
_MIN: Final = OPERATORS["Min"]


def of_divided_choices(claim: BoolExpr) -> BoolExpr | None:
    """A condition that implies this one, in which symbols take the place of the extrema that
    are divided; None if there are none."""
    made = interpret(_Outside(), {}, claim)
    divided: dict[Expr, Expr] = {}
    for node in walk(made):
        if node.op is not _QUOTIENT:
            continue
        for choice, _ in choices_in(int_operands(node)[0]):
            if choice not in divided and not any(map(_chooses, choice.args)):
                divided[choice] = symbol(f"choice {len(divided)}")
    taken = set(divided.values())
    if any(node in taken for node in walk(made)):
        return None
    found = substitute(made, divided)
    assert isinstance(found, BoolExpr)
    return None if found is claim else found


def _chooses(e: Expr) -> bool:
    return any(node.op in CHOICES for node in walk(e))


class _Outside(Added):
    """The analysis that divides choices among quotients as a whole."""

    def refine(self, node: Expr, value: Any) -> Any:
        if value.op not in EXTREMA:
            return value
        operands = int_operands(value)
        for k in dict.fromkeys(number_of(t) for t in operands[0].terms() if t.op is _QUOTIENT):
            undivided = [_undivided(x, k) for x in operands]
            dividends = [x for x in undivided if x is not None]
            if k > 1 and len(dividends) == len(operands):
                chosen = minimum(*dividends) if value.op is _MIN else maximum(*dividends)
                return floor_division(chosen, constant(k))
        return value


def _undivided(x: IntExpr, k: int) -> IntExpr | None:
    """The dividend of which this is the quotient by k, if that is a term of it once."""
    if type(x) is IntConstant:
        return constant(k * x.constant)
    for t, c in x.terms().items():
        if c == 1 and t.op is _QUOTIENT and number_of(t) == k:
            return combine(k, combine(1, x, -1, t), 1, int_operands(t)[0])
    return None
