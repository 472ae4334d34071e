"""Expressions as sympy prints them (``floor(h/2 - 1/2) + 1``), evaluated with fractions."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

FUNCTIONS = {
    "floor": math.floor,
    "ceiling": math.ceil,
    "Max": max,
    "Min": min,
    "Mod": lambda a, b: a % b,
}


def value_of(text: str, sizes: Mapping[str, int]) -> Any:
    """The value; None for text that is not understood, or has a name without a value."""
    try:
        return _value(ast.parse(text, mode="eval").body, sizes)
    except (SyntaxError, KeyError, ZeroDivisionError, TypeError):
        return None


def _value(node: ast.AST, sizes: Mapping[str, int]) -> Any:
    if isinstance(node, ast.Constant):
        return Fraction(str(node.value))
    if isinstance(node, ast.Name):
        return Fraction(sizes[node.id])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, sizes)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return Fraction(FUNCTIONS[node.func.id](*(_value(a, sizes) for a in node.args)))
    if isinstance(node, ast.BinOp):
        a, b = _value(node.left, sizes), _value(node.right, sizes)
        return _OPERATIONS[type(node.op)](a, b)
    raise KeyError(ast.dump(node))


_OPERATIONS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a**b,
}
