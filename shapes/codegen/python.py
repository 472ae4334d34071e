"""Expressions as Python source, for guards and for search.

The text is only ever made from our own nodes: names are given by the caller, constants are
printed by us, operators come from the table. Functions that Python lacks are reached through
the module `shapes.meaning` under the name ``_m``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any

from shapes import meaning
from shapes.expr import Expr, Op, Value
from shapes.infinity import IntInfinity
from shapes.interpret import fold_linear, interpret
from shapes.show import Pieces, join

__all__ = ["compile_function", "python_source"]

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%", "fadd": "+",
    "fsub": "-", "fmul": "*", "truediv": "/", "inttruediv": "/", "ffloordiv": "//",
    "fmod": "%", "le": "<=", "lt": "<", "eq": "==", "ne": "!=", "iff": "==",
    "bitand": "&", "bitor": "|", "bitxor": "^", "and_": "and", "or_": "or",
}  # fmt: skip
_CALLS = {
    "abs": "abs", "fabs": "abs", "min": "min", "max": "max", "fmin": "min", "fmax": "max",
    "tofloat": "float", "round_to_int": "round", "floor_to_int": "_math.floor",
    "ceil_to_int": "_math.ceil", "trunc_to_int": "_math.trunc",
    "truncdiv": "_m.truncating_division", "truncmod": "_m.truncating_modulo",
    "pow": "_m.power", "fpow": "_m.float_power", "round_decimal": "_m.round_decimal",
}  # fmt: skip
_NAMESPACE: dict[str, Any] = {"_m": meaning, "_math": math}


class _Source:
    """The analysis whose values are source text, each in its own parentheses."""

    def __init__(self, names: Mapping[Expr, str]) -> None:
        self._names = names

    def constant(self, value: Value) -> Pieces:
        if isinstance(value, IntInfinity):
            raise ValueError("int_oo is not a value of Python")
        if isinstance(value, float) and not math.isfinite(value):
            return f"_math.{'nan' if math.isnan(value) else 'inf'}" if not value < 0 else (
                "(-_math.inf)"
            )
        if isinstance(value, int) and value.bit_length() > 10_000:
            return f"({value:#x})"
        return f"({value!r})"

    def symbol(self, sym: Expr) -> Pieces:
        return self._names[sym]

    def linear(self, k: int, coefficients: Sequence[int], values: Sequence[Pieces]) -> Pieces:
        return fold_linear(_Terms(self), k, coefficients, values)  # type: ignore[no-any-return]

    def where(self, condition: Pieces, a: Pieces, b: Pieces) -> Pieces:
        return ("(", a, " if ", condition, " else ", b, ")")

    def not_(self, a: Pieces) -> Pieces:
        return ("(not ", a, ")")

    def fneg(self, a: Pieces) -> Pieces:
        return ("(-", a, ")")

    def unknown(self, op: Op, operands: Sequence[Pieces]) -> Pieces:
        infix = _INFIX.get(op.handler)
        if infix is not None:
            pieces: list[Pieces] = []
            for operand in operands:
                pieces += [f" {infix} ", operand]
            return ("(", *pieces[1:], ")")
        called: list[Pieces] = []
        for operand in operands:
            called += [", ", operand]
        return (_CALLS.get(op.handler, f"_m.{op.handler}"), "(", *called[1:], ")")


class _Terms:
    """The operations that a sum is written with."""

    def __init__(self, source: _Source) -> None:
        self.constant = source.constant

    def add(self, a: Pieces, b: Pieces) -> Pieces:
        return ("(", a, " + ", b, ")")

    def sub(self, a: Pieces, b: Pieces) -> Pieces:
        return ("(", a, " - ", b, ")")

    def mul(self, a: Pieces, b: Pieces) -> Pieces:
        return ("(", a, " * ", b, ")")

    def neg(self, a: Pieces) -> Pieces:
        return ("(-", a, ")")


def python_source(expr: Expr, names: Mapping[Expr, str]) -> str:
    """Python source whose value is the expression's; `names` names the symbols.

    Raises `KeyError` for a symbol without a name.
    """
    return join(interpret(_Source(names), {}, expr))


def compile_function(
    name: str, parameters: Sequence[str], body: str
) -> tuple[Callable[..., Any], str]:
    """A function with one returned expression, and its source."""
    source = f"def {name}({', '.join(parameters)}):\n    return {body}\n"
    code: CodeType = compile(source, f"<shapeproof {name}>", "exec")
    namespace = dict(_NAMESPACE)
    exec(code, namespace)
    return namespace[name], source
