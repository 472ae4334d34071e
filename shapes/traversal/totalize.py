"""Expressions that can be computed without looking: partial operators made total.

``b == 0 or a // b > 1`` is true for ``b == 0``, but a graph computes all of it, ``a // b``
too. Where an operand is not known to be in an operator's domain, it is replaced by one that
is wherever it matters not (the column `totalised`): the divisor by ``Where(b == 0, 1, b)``,
the exponent by ``Max(n, 0)``. Wherever the original has a value, the result has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shapes.expr.nodes import TRUE, BoolExpr, Expr, Op
from shapes.traversal.interpret import interpret, walk
from shapes.traversal.substitute import Builder

__all__ = ["made_total"]

Known = Callable[[BoolExpr], "bool | None"]

class _Totals(Builder):
    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def unknown(self, op: Op, values: Sequence[Expr]) -> Expr:
        if op.defined is not None:
            values = self._safe(op, list(values))
        return super().unknown(op, values)

    def _safe(self, op: Op, values: list[Expr]) -> list[Expr]:
        assert op.defined is not None
        condition = op.defined(*values)
        assert isinstance(condition, BoolExpr)
        if condition is TRUE or self._known(condition) is True:
            return values
        assert op.totalised is not None
        values[-1] = op.totalised(values[-1], condition)
        return values


def made_total(expr: Expr, known: Known) -> Expr:
    """The expression with partial operators made total, where `known` does not show that
    they are defined."""
    if all(node.op.defined is None for node in walk(expr)):
        return expr
    return interpret(_Totals(known), {}, expr)
