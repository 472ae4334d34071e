"""Operators by simpler ones: what is written where a framework has no function for one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, TypeVar

from shapes.expr.nodes import Expr, Kind, Op, symbol
from shapes.traversal.analysis import Analysis
from shapes.traversal.interpret import interpret
from shapes.traversal.parsing import parse

__all__ = ["composed"]

V = TypeVar("V")

_KINDS: Final[dict[str, Kind]] = {"b": "bool", "f": "float"}


def composed(analysis: Analysis[V], op: Op, values: Sequence[V]) -> V:
    """What an analysis makes of the column `simpler`, which the operator must have, for values
    of the operands (two at a time, if there may be more). It may have a value where the
    operator is undefined."""
    operands, expr = _composition(op)
    if not op.variadic:
        return interpret(analysis, dict(zip(operands, values)), expr)
    result = values[0]
    for value in values[1:]:
        result = interpret(analysis, dict(zip(operands, (result, value))), expr)
    return result


@cache
def _composition(op: Op) -> tuple[list[Expr], Expr]:
    assert op.simpler is not None, op
    # No name of a user begins like this: what is kept here must not be older than a symbol of
    # theirs, for texts are in the order of age.
    operands = {n: symbol(f"?{n}", _KINDS.get(k, "int")) for n, k in zip("abc", op.operands)}
    return list(operands.values()), parse(op.simpler, operands)
