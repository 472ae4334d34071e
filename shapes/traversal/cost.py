"""How large an expression is, and how expensive its evaluation: what "simpler" means.

Expressions are compared by the number of operators and operands of the text that a person
would write for them (remainders as ``%``, ``y - x`` as one operation), and where that is
equal by the work of their operations (the columns `written` and `work` of the table; the way
from integers to doubles and back counts as three operators, since what stays among integers
can be reasoned about). Both are sums over the written-out tree, so a smaller
part always makes a smaller whole; shared parts are visited once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from shapes.expr.nodes import Expr, Op, Value
from shapes.traversal.interpret import interpret

__all__ = ["Cost", "cost"]


class Cost(NamedTuple):
    """Operators and operands as they are written, then the work of the operators."""

    nodes: int
    work: int


_NUMBER: Final = Cost(1, 0)
_SYMBOL: Final = Cost(1, 1)
"""A value has to be read, a number is there."""


class _Costs:
    """The analysis whose values are costs."""

    def constant(self, value: Value) -> Cost:
        return _NUMBER

    def symbol(self, sym: Expr) -> Cost:
        return _SYMBOL

    def unknown(self, op: Op, values: Sequence[Cost]) -> Cost:
        times = max(1, len(values) - 1)
        nodes = op.written * times + sum(value.nodes for value in values)
        return Cost(nodes, op.work * times + sum(value.work for value in values))


_COSTS: Final = _Costs()


def cost(expr: Expr, memo: dict[Any, Any] | None = None) -> Cost:
    """The cost of an expression; `memo` may be kept for as long as the caller likes."""
    found = interpret(_COSTS, {}, expr, memo)
    assert isinstance(found, Cost)
    return found
