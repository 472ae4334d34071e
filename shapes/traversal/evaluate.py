"""Evaluation with Python's values: the judge of counterexamples.

Connectives and `Where` do not look at what does not matter: ``b == 0 or a // b > 1`` is
true for ``b == 0``. Everything else is undefined when an operand is, and an undefined
result raises at the end, naming the operation that had no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shapes.base.budget import LARGEST_BITS, WORD, spend, weight
from shapes.base.digits import excerpt, short
from shapes.base.foreign import number, of_kind, refused
from shapes.errors import EvaluationError, TooLargeError, UndefinedError
from shapes.expr.nodes import Expr, Op, Value
from shapes.traversal.interpret import free_symbols, interpret

__all__ = [
    "SMALL", "TOO_LARGE", "Evaluation", "Undefined", "evaluate", "evaluated", "sized",
    "value_of",
]  # fmt: skip


class Undefined:
    """The value of an operation that has none, or (`too_large`) whose value is not known,
    because it has too many bits to be computed."""

    __slots__ = ("reason", "too_large")

    def __init__(self, reason: str, too_large: bool = False) -> None:
        self.reason = reason
        self.too_large = too_large


TOO_LARGE: Final = Undefined(
    f"a number of more than {LARGEST_BITS} bits is not computed", too_large=True
)

SMALL: Final = 1 << WORD
"""Below this there is nothing to count, and no need to call `sized`."""


def sized(value: int) -> int | Undefined:
    """An integer, unless it is too large; the work on a large one is counted."""
    bits = value.bit_length()
    spend(weight(bits))
    return TOO_LARGE if bits > LARGEST_BITS else value


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
        return total if -SMALL < total < SMALL else sized(total)

    def mul(self, a: Any, b: Any) -> Any:
        if isinstance(a, Undefined):
            return a
        if isinstance(b, Undefined):
            return b
        product = a * b
        return product if -SMALL < product < SMALL else sized(product)

    def le_zero(self, a: Any) -> Any:
        return a if isinstance(a, Undefined) else a <= 0

    def eq_zero(self, a: object) -> Any:
        return a if isinstance(a, Undefined) else a == 0

    def ne_zero(self, a: object) -> Any:
        return a if isinstance(a, Undefined) else a != 0

    def where(self, condition: object, a: object, b: object) -> Any:
        if isinstance(condition, Undefined):
            return condition
        return a if condition else b

    def and_(self, *operands: object) -> Any:
        return self._decided(operands, False)

    def or_(self, *operands: object) -> Any:
        return self._decided(operands, True)

    def _decided(self, operands: tuple[object, ...], by: bool) -> Any:
        undefined = None
        for operand in operands:
            if isinstance(operand, Undefined):
                # What is not known may decide; what has no value does not.
                if undefined is None or operand.too_large:
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
            value = op.python(*values)
            small = type(value) is not int or -SMALL < value < SMALL
            return value if small else sized(value)
        except TooLargeError as error:
            return Undefined(str(error), too_large=True)
        except (ArithmeticError, ValueError) as error:
            shown = ", ".join(map(short, values))
            return Undefined(f"{op.name}({shown}) has no value: {error}")


_EVALUATION = Evaluation()


def evaluate(expr: Expr, values: Mapping[Any, object]) -> Any:
    """The value of an expression for values of its symbols (by symbol or by name); foreign
    numbers among them become Python's.

    Raises `UndefinedError` where it has none (`TooLargeError` where it has too many bits to
    be computed), `UnboundSymbolError` for a missing symbol, `EvaluationError` for what is not
    a value of a symbol's kind.
    """
    if type(values) is not dict and not isinstance(values, Mapping):
        raise EvaluationError(f"the values of symbols are a mapping, not {excerpt(values)}")
    if isinstance(expr, Expr):
        found: dict[Any, Any] = {}
        for sym in free_symbols(expr):
            key = sym if sym in values else sym.name
            if key in values:
                found[sym] = value_of(sym, values[key])
        values = found
    else:
        values = {key: _any_number(value) for key, value in values.items()}
    return evaluated(expr, values)


def _any_number(value: object) -> object:
    """Python's number, for the symbol of another library."""
    found = number(value)
    return value if found is None else found


def value_of(sym: Expr, value: object) -> Value:
    """The exact value of a symbol that was given as any number.

    Raises `EvaluationError` for what is not a number of its kind.
    """
    found = of_kind(value, sym.kind)
    if found is None:
        raise EvaluationError(
            f"the value of {sym.name} is {refused(value)}, not {_MEANT[sym.kind]}"
        )
    return found


_MEANT: Final = {"int": "an integer", "bool": "a truth value", "float": "an exact double"}


def evaluated(expr: Expr, values: Mapping[Any, object]) -> Any:
    """The same for values that are known to be Python's own, and of the right kinds."""
    result = interpret(_EVALUATION, values, expr)
    if isinstance(result, Undefined):
        raise (TooLargeError if result.too_large else UndefinedError)(result.reason)
    return result
