"""Operators by simpler ones: what is written where a framework has no function for one.

The column `simpler` of the table says how; an operator that is gone once built (``CeilDiv``)
is what its normal form says. Definedness is that of the operator: what is composed may have a
value where it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from shapes.expr.nodes import CONSTANT, SYMBOL, Expr, Kind, Op, Value, symbol
from shapes.traversal.interpret import interpret
from shapes.traversal.parsing import parse

__all__ = ["composed", "composition"]

_KINDS: Final[dict[str, Kind]] = {"b": "bool", "f": "float"}


@cache
def composition(op: Op) -> tuple[tuple[Expr, ...], Expr] | None:
    """Symbols for the operands, and the operator on them without itself; None where there is
    no such expression."""
    operands = tuple(
        symbol(name, _KINDS.get(letter, "int")) for name, letter in zip("abc", op.operands)
    )
    if op.simpler is not None:
        return operands, parse(op.simpler, {sym.name: sym for sym in operands})
    assert op.build is not None
    built = op.build(*operands)
    used = _Used()
    interpret(used, {}, built)
    return None if op.handler in used.handlers else (operands, built)


class _Used:
    """The analysis that collects the operators of an expression, as others meet them."""

    def __init__(self) -> None:
        self.handlers: set[str] = set()

    def constant(self, value: Value) -> Op:
        return CONSTANT

    def symbol(self, sym: Expr) -> Op:
        return SYMBOL

    def unknown(self, op: Op, values: Sequence[Op]) -> Op:
        self.handlers.add(op.handler)
        return op


def composed(analysis: Any, op: Op, values: Sequence[Any]) -> Any:
    """What an analysis makes of the composition, for values of the operands (two at a time,
    if there may be more). The operator must have one."""
    found = composition(op)
    assert found is not None, op
    operands, expr = found
    if not op.variadic:
        return interpret(analysis, dict(zip(operands, values)), expr)
    result = values[0]
    for value in values[1:]:
        result = interpret(analysis, dict(zip(operands, (result, value))), expr)
    return result
