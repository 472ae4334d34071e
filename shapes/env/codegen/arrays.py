"""Conditions over arrays of values: one numpy expression for each, for many inputs at once.

numpy's integers have 64 bits and its division by zero has a value, ours are mathematical and
it has none. So a condition is computed by numpy only for a box of values on which nothing can
go wrong: ranges of every intermediate result (partial sums included) fit into 64 bits, and no
operator may be undefined. The box is looked at once; further calls within it cost nothing but
the comparison of ends. A condition that does not pass, or has an operator without a
column `numpy` in the table, is left to the caller, who evaluates it row by row.

Guarantees: what is computed is what `evaluate` says for every row. Limits: integer and
boolean symbols only; numpy is imported at first use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shapes.base.infinity import Bound
from shapes.domains import RangeAnalysis, ValueRanges
from shapes.env.codegen.python import Source, compiled
from shapes.expr.nodes import (
    CONSTANT,
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    PRODUCT,
    SUM,
    SYMBOL,
    TRUE,
    Expr,
    IntExpr,
    Op,
    Value,
)
from shapes.traversal.interpret import interpret, walk

__all__ = ["INT64", "Box", "compile_over_arrays", "computable"]

Box = Mapping[Expr, ValueRanges]
"""A range for every symbol."""

INT64: Final = ValueRanges(-(1 << 63), (1 << 63) - 1)

_NODES: Final = frozenset((CONSTANT, SYMBOL, SUM, PRODUCT, LE_ZERO, EQ_ZERO, NE_ZERO))
"""What numpy computes besides the operators that have a column `numpy`."""


class _NotComputableError(Exception):
    """An intermediate result that may not fit, or a division without a value."""


class _Checked(RangeAnalysis):
    """Ranges that stop where numpy's integers would not follow."""

    # Code compares two sides, so those are what has to fit.
    le_zero = eq_zero = ne_zero = None  # type: ignore[assignment]

    @staticmethod
    def linear(
        k: int, coefficients: Sequence[int], values: Sequence[ValueRanges]
    ) -> ValueRanges:
        reach: Bound = abs(k)
        for c, value in zip(coefficients, values):
            lower, upper = value.int_bounds()
            reach = reach + abs(c) * (-lower if -lower > upper else upper)
        if reach >= 1 << 63:
            raise _NotComputableError  # some order of adding might not fit
        return RangeAnalysis.linear(k, coefficients, values)

    def refine(self, node: Expr, value: ValueRanges) -> ValueRanges:
        if isinstance(node, IntExpr) and not value.issubset(INT64):
            raise _NotComputableError
        return value


def computable(condition: Expr, box: Box) -> bool:
    """Whether numpy computes the condition right for all values in the box."""
    if condition.op is CONSTANT:
        return False
    ranges, known = _Checked(), dict[Any, Any]()
    try:
        for node in walk(condition):
            op = node.op
            if (op.numpy is None and op not in _NODES) or node.kind == "float":
                return False
            domain = TRUE if op.defined is None else op.defined(*node.args)
            if interpret(ranges, box, domain, known) != ranges.constant(True):
                return False
        interpret(ranges, box, condition, known)
    except _NotComputableError:
        return False
    return True


class _ArraySource(Source):
    """Source text over arrays; truth values are combined bit by bit."""

    # Two sides, as `_Checked` has looked at them.
    le_zero = eq_zero = ne_zero = None  # type: ignore[assignment]

    def constant(self, value: Value) -> str:
        if isinstance(value, bool):
            return f"_np.{'True_' if value else 'False_'}"
        return super().constant(value)

    def pow(self, a: str, b: str) -> str:
        return f"({a} ** {b})"

    def where(self, condition: str, a: str, b: str) -> str:
        return f"_np.where({condition}, {a}, {b})"

    def and_(self, *operands: str) -> str:
        return f"({' & '.join(operands)})"

    def or_(self, *operands: str) -> str:
        return f"({' | '.join(operands)})"

    def not_(self, a: str) -> str:
        return f"(~{a})"

    def unknown(self, op: Op, operands: Sequence[str]) -> str:
        text = operands[0]
        for operand in operands[1:]:
            infix = op.infix is not None and op.code is None
            sign = f"({text} {op.infix} {operand})"
            text = sign if infix else f"_np.{op.numpy}({text}, {operand})"
        return text if operands[1:] else f"_np.{op.numpy}({text})"

    def linear(self, k: int, coefficients: Sequence[int], values: Sequence[str]) -> str:
        """As in Python, except that a negative term is subtracted (an array less to make)."""
        text = ""
        for c, value in sorted(zip(coefficients, values), key=lambda term: term[0] < 0):
            term = value if abs(c) == 1 else f"{abs(c)} * {value}"
            sign = ("-" if c < 0 else "") if not text else (" - " if c < 0 else " + ")
            text += sign + term
        if k:
            text += f" {'-' if k < 0 else '+'} {abs(k)}"
        return f"({text})"


def compile_over_arrays(
    name: str, conditions: Sequence[Expr], names: Mapping[Expr, str]
) -> tuple[Callable[..., Any], str]:
    """A function of `names` (arrays of one length) that tells for every place whether all
    conditions hold there, and its source."""
    import numpy as np

    source = _ArraySource(names)
    memo: dict[Any, Any] = {}
    for place, condition in enumerate(conditions):
        held = interpret(source, {}, condition, memo)
        # The first is copied: it may be an argument itself.
        source.lines.append(f"held &= {held}" if place else f"held = _np.array({held})")
    lines = [*source.lines, "return held"]
    return compiled(name, names, lines, {"_np": np})
