"""How large an expression is, and how dear its evaluation: what "simpler" means.

Expressions are compared by the number of operators and operands of the text that a person
would write for them (remainders as ``%``, ``y - x`` as one operation), and where that is
equal by the work of their operations. Both are sums over the written-out tree, so a smaller
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


_WORK: Final = {
    "mul": 2, "abs": 2, "min": 3, "max": 3, "where": 3, "iff": 2, "bitand": 2, "bitor": 2,
    "bitxor": 2, "floordiv": 8, "mod": 8, "ceildiv": 9, "cleandiv": 8, "truncdiv": 12,
    "truncmod": 12, "pow": 10, "tofloat": 3, "inttruediv": 12, "truediv": 12,
}  # fmt: skip
"""Work by handler; a plain operation (sum, comparison, connective) is 1."""

_FUNCTION: Final = 20
"""The work of the float functions and of rounding."""

_DETOUR: Final = frozenset(
    ("tofloat", "inttruediv", "floor_to_int", "ceil_to_int", "trunc_to_int", "round_to_int")
)
"""The way from integers to doubles and back counts as three operators: what stays among
integers can be reasoned about."""

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
        own = _WORK.get(op.handler, _FUNCTION if op.operands == "f" else 1)
        times = max(1, len(values) - 1)
        written = 3 if op.handler in _DETOUR else times
        nodes = written + sum(value.nodes for value in values)
        return Cost(nodes, own * times + sum(value.work for value in values))


_COSTS: Final = _Costs()


def cost(expr: Expr, memo: dict[Any, Any] | None = None) -> Cost:
    """The cost of an expression; `memo` may be kept for as long as the caller likes."""
    found = interpret(_COSTS, {}, expr, memo)
    assert isinstance(found, Cost)
    return found
