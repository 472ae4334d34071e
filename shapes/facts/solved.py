"""What solved symbols stand for.

Symbols that are equal but for a sign and a constant make a set, and two sets become one
(Galler & Fischer 1964): each symbol but the eldest has a value with an elder one in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from shapes.base.persistent import PersistentMap
from shapes.expr.nodes import SYMBOL, Expr, IntExpr, IntSymbol, Sum

if TYPE_CHECKING:
    from shapes.facts.justification import Reasons

__all__ = ["Solved", "as_unit", "represented"]

Solved: TypeAlias = "PersistentMap[Expr, tuple[Expr, Reasons]]"
"""The value of each solved symbol, and why it has it."""


def as_unit(value: Expr) -> tuple[IntExpr, int, int] | None:
    """``(x, sign, k)`` for a value ``sign*x + k`` of a symbol x, sign being 1 or -1."""
    if type(value) is not Sum:
        return (value, 1, 0) if isinstance(value, IntExpr) and value.op is SYMBOL else None
    terms = value.terms()
    if len(terms) != 1:
        return None
    ((x, c),) = terms.items()
    return (x, c, value.constant) if c * c == 1 and x.op is SYMBOL else None


def represented(
    solved: Solved, x: IntExpr, c: int, k: int, why: Reasons
) -> tuple[IntExpr, int, int, Reasons]:
    """``c*x + k`` by the symbol that x stands for, in the end, with all that it rests on; a
    coefficient of 0 where x stands for anything else."""
    while c and (found := solved.get(x)) is not None:
        value = found[0]
        if type(value) is IntSymbol:
            x, why = value, why | found[1]
            continue
        unit = as_unit(value)
        if unit is None:
            c = 0
        else:
            x, sign, shift = unit
            c, k, why = c * sign, k + c * shift, why | found[1]
    return x, c, k, why
