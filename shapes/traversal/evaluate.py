"""Evaluation with Python's values: the judge of counterexamples.

Connectives and `Where` do not look at what does not matter: ``b == 0 or a // b > 1`` is
true for ``b == 0``. Everything else is undefined when an operand is, and an undefined
result raises at the end, naming the operation that had no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapes.errors import UndefinedError
from shapes.expr.nodes import Expr, Op, Value
from shapes.traversal.interpret import interpret

__all__ = ["Evaluation", "Undefined", "evaluate"]


class Undefined:
    """The value of an operation that has none."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Evaluation:
    """The analysis whose values are Python's (or `Undefined`)."""

    def constant(self, value: Value) -> Any:
        return value

    def linear(self, k: int, coefficients: list[int], values: list[Any]) -> Any:
        total = k
        for coefficient, value in zip(coefficients, values):
            if isinstance(value, Undefined):
                return value
            total += coefficient * value
        return total

    def mul(self, a: Any, b: Any) -> Any:
        return a if isinstance(a, Undefined) else b if isinstance(b, Undefined) else a * b

    def le_zero(self, a: Any) -> Any:
        return a if isinstance(a, Undefined) else a <= 0

    def eq_zero(self, a: Any) -> Any:
        return a if isinstance(a, Undefined) else a == 0

    def ne_zero(self, a: Any) -> Any:
        return a if isinstance(a, Undefined) else a != 0

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, Undefined):
            return condition
        return a if condition else b

    def and_(self, *operands: Any) -> Any:
        return self._decided(operands, False)

    def or_(self, *operands: Any) -> Any:
        return self._decided(operands, True)

    def _decided(self, operands: tuple[Any, ...], by: bool) -> Any:
        undefined = None
        for operand in operands:
            if isinstance(operand, Undefined):
                undefined = operand
            elif bool(operand) is by:
                return by
        return undefined if undefined is not None else not by

    def unknown(self, op: Op, values: list[Any]) -> Any:
        """Every other operator means what its record in the table says."""
        for value in values:
            if isinstance(value, Undefined):
                return value
        assert op.python is not None
        try:
            return op.python(*values)
        except (ArithmeticError, ValueError) as error:
            shown = ", ".join(map(repr, values))
            return Undefined(f"{op.name}({shown}) has no value: {error}")


_EVALUATION = Evaluation()


def evaluate(expr: Expr, values: Mapping[Any, Any]) -> Any:
    """The value of an expression for values of its symbols (by symbol or by name).

    Raises `UndefinedError` where it has none, `UnboundSymbolError` for a missing symbol.
    """
    result = interpret(_EVALUATION, values, expr)
    if isinstance(result, Undefined):
        raise UndefinedError(result.reason)
    return result
