"""Expressions that can be computed without looking: partial operators made total.

``b == 0 or a // b > 1`` is true for ``b == 0``, but a graph computes all of it, ``a // b``
too. Where an operand is not known to be in an operator's domain, it is replaced by one that
is wherever it matters not: the divisor by ``Where(b == 0, 1, b)``, the exponent by
``Max(n, 0)``. Wherever the original has a value, the result has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shapes.expr.booleans import equal, where
from shapes.expr.nodes import TRUE, BoolExpr, Expr, Op, as_expr, constant, make
from shapes.traversal.interpret import interpret, walk
from shapes.traversal.substitute import Builder

__all__ = ["made_total"]

Known = Callable[[BoolExpr], "bool | None"]

_DIVISIONS = frozenset(
    ("floordiv", "mod", "truncdiv", "truncmod", "inttruediv", "truediv", "ffloordiv", "fmod")
)


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
        last = values[-1]
        if op.handler in _DIVISIONS:
            one = as_expr(1.0) if last.kind == "float" else constant(1)
            values[-1] = where(equal(last, constant(0)), one, last)
        elif op.handler == "pow":
            values[-1] = make("Max", last, 0)
        elif op.result == "int":
            values[-1] = where(condition, last, as_expr(0.0))  # a rounding of NaN or infinity
        elif op.handler == "tofloat":
            values[-1] = where(condition, last, constant(0))
        return values


def made_total(expr: Expr, known: Known) -> Expr:
    """The expression with partial operators made total, where `known` does not show that
    they are defined."""
    if all(node.op.defined is None for node in walk(expr)):
        return expr
    result = interpret(_Totals(known), {}, expr)
    assert isinstance(result, Expr)
    return result
