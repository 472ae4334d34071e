"""Expressions as Python source, for guards and for search.

The text is only ever made from our own nodes: names are given by the caller, constants are
printed by us, operators come from the table. Functions that Python lacks are reached through
the module `shapes.expr.semantics` under the name ``_m``.

What is longer than a line gets a name of its own, so that depth does not nest parentheses
(Python's parser stops at 200) and what is shared is written and computed once. The price is
laziness: inside a long connective an operand is computed that may not matter, and may raise
`ArithmeticError` or `ValueError` where `evaluate` has a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shapes.base.digits import digits
from shapes.base.infinity import IntInfinity
from shapes.expr import semantics
from shapes.expr.nodes import CONSTANT, Expr, Op, Value
from shapes.traversal.interpret import interpret

__all__ = ["Source", "compile_conditions", "compile_value", "compiled", "compiled_text"]

_MODULES: Final = {"builtins": "", "math": "_math.", semantics.__name__: "_m."}
"""How code calls the modules that meanings are in."""
_NAMESPACE: dict[str, Any] = {"_m": semantics, "_math": math}

_LONG: Final = 60
"""Text with more characters gets a name."""
_MANY: Final = 40
"""Sums of more terms are written as a call (Python's compiler nests additions)."""


class Source:
    """The analysis whose values are source text that holds together; long text goes into
    `lines`, and its name stands for it."""

    def __init__(self, names: Mapping[Expr, str]) -> None:
        self._names = names
        self.lines: list[str] = []
        self._sums: dict[str, tuple[int, Sequence[int], Sequence[str]]] = {}

    def constant(self, value: Value) -> str:
        if isinstance(value, IntInfinity):
            raise ValueError("int_oo is not a value of Python")
        if isinstance(value, float) and not math.isfinite(value):
            return "_math.nan" if math.isnan(value) else f"({'-' * (value < 0)}_math.inf)"
        if isinstance(value, int) and value.bit_length() > 10_000:
            return f"({value:#x})"
        text = repr(value)
        return f"({text})" if text[0] == "-" else text

    def symbol(self, sym: Expr) -> str:
        return self._names[sym]

    def linear(self, k: int, coefficients: Sequence[int], values: Sequence[str]) -> str:
        terms = [v if c == 1 else f"{digits(c)} * {v}" for c, v in zip(coefficients, values)]
        if k:
            terms.append(self.constant(k))
        if len(terms) > _MANY:
            return f"sum(({', '.join(terms)}))"
        text = f"({' + '.join(terms)})"
        self._sums[text] = k, coefficients, values
        return text

    def le_zero(self, text: str) -> str:
        return self._compared(text, "<=")

    def eq_zero(self, text: str) -> str:
        return self._compared(text, "==")

    def ne_zero(self, text: str) -> str:
        return self._compared(text, "!=")

    def _compared(self, text: str, sign: str) -> str:
        """A sum compared with 0, written with what it adds on the left and what it subtracts
        on the right; the constant goes to the side where it is positive, but alone right."""
        if text not in self._sums:
            return f"({text} {sign} 0)"
        k, coefficients, values = self._sums[text]
        left, right = [], []
        for c, value in zip(coefficients, values):
            if c > 0:
                left.append(value if c == 1 else f"{digits(c)} * {value}")
            else:
                right.append(value if c == -1 else f"{digits(-c)} * {value}")
        if sign == "<=" and k == 1 and left and right:
            sign = "<"
        elif k > 0 and right:
            left.append(self.constant(k))
        elif k:
            right.append(self.constant(-k))
        return f"({' + '.join(left) or '0'} {sign} {' + '.join(right) or '0'})"

    def mul(self, a: str, b: str) -> str:
        return self._short(f"({a} * {b})")

    def where(self, condition: str, a: str, b: str) -> str:
        return f"({a} if {condition} else {b})"

    def not_(self, a: str) -> str:
        return f"(not {a})"

    def fneg(self, a: str) -> str:
        return f"(-{a})"

    def iff(self, p: str, q: str) -> str:
        return f"({p} == {q})"

    def unknown(self, op: Op, operands: Sequence[str]) -> str:
        if op.infix is not None and op.code is None:
            return f"({f' {op.infix} '.join(operands)})"
        return f"{op.code or function_of(op)}({', '.join(operands)})"

    def refine(self, node: Expr, text: str) -> str:
        return text if len(text) <= _LONG or node.op is CONSTANT else self._short(text)

    def _short(self, text: str) -> str:
        if len(text) <= _LONG:
            return text
        name = f"_{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name


def function_of(op: Op) -> str:
    """How code names the function that is an operator's meaning."""
    python = op.python
    assert python is not None
    return _MODULES[python.__module__] + python.__name__


def compile_value(
    name: str, expr: Expr, names: Mapping[Expr, str]
) -> tuple[Callable[..., Any], str]:
    """A function of `names` (in their order) with the expression's value, and its source.

    Raises `KeyError` for a symbol without a name.
    """
    source = Source(names)
    value = interpret(source, {}, expr)
    return compiled(name, names, [*source.lines, f"return {value}"])


def compile_conditions(
    name: str, conditions: Sequence[Expr], names: Mapping[Expr, str]
) -> tuple[Callable[..., Any], str]:
    """A function of `names` that tells whether all conditions hold, and its source; what
    comes behind a condition is not computed if that one fails."""
    source = Source(names)
    lines = source.lines
    memo: dict[Any, Any] = {}
    pending: list[str] = []
    for condition in conditions:
        before = len(lines)
        held = interpret(source, {}, condition, memo)
        if pending and len(lines) > before:
            # What got a name for this condition comes behind the conditions before it.
            lines[before:before] = [f"if not ({_all(pending)}):", "    return False"]
            pending = []
        pending.append(held)
    return compiled(name, names, [*lines, f"return ({_all(pending)})"])


def _all(conditions: Sequence[str]) -> str:
    """One connective for all conditions: Python compiles that faster than a test of each."""
    return "\n        and ".join(conditions) or "True"


def compiled(
    name: str,
    names: Mapping[Expr, str],
    lines: Sequence[str],
    more: Mapping[str, object] | None = None,
) -> tuple[Callable[..., Any], str]:
    """The function of `names` with these lines as its body, and its source; `more` is what
    they may use besides Python's own and ours."""
    return compiled_text(
        name, ", ".join(names.values()), lines, more or {}, f"<shapeproof {name}>"
    )


def compiled_text(
    name: str, parameters: str, lines: Sequence[str], more: Mapping[str, object], file: str
) -> tuple[Callable[..., Any], str]:
    """The function with these parameters (as they stand in a definition) and lines, and its
    source; `file` is where it is said to be. All text must be of our own making."""
    body = "".join(f"    {line}\n" for line in lines)
    source = f"def {name}({parameters}):\n{body}"
    namespace = {**_NAMESPACE, **more}
    exec(compile(source, file, "exec"), namespace)
    return namespace[name], source
