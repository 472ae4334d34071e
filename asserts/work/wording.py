"""Conditions in plain words, for people who read contracts and not Python.

The text of a condition is read as Python's grammar (it is never evaluated); what has no words
of its own stays as it is.
"""

from __future__ import annotations

import ast
from typing import Any, Final

__all__ = ["in_words"]

LONGEST: Final = 400
"""Characters of a condition that is put into words; a longer one would not be plainer."""

_RELATIONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "equals", ast.NotEq: "differs from", ast.LtE: "is at most", ast.Lt: "is less than",
    ast.GtE: "is at least", ast.Gt: "is more than",
}  # fmt: skip
_TURNED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.LtE: ast.GtE, ast.Lt: ast.Gt, ast.GtE: ast.LtE, ast.Gt: ast.Lt,
    ast.Eq: ast.Eq, ast.NotEq: ast.NotEq,
}  # fmt: skip


def in_words(condition: str) -> str:
    """The condition as a sentence's part: ``n % 8 == 0`` is "n is a multiple of 8"."""
    if len(condition) > LONGEST:
        return condition
    try:
        return _said(ast.parse(condition, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return condition


def _said(node: ast.expr, inner: bool = False) -> str:
    if isinstance(node, ast.BoolOp):
        word = " and " if isinstance(node.op, ast.And) else ", or "
        text = word.join(_said(part, True) for part in node.values)
        return f"({text})" if inner else text
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return f"it must not be that {_said(node.operand, True)}"
    if isinstance(node, ast.Compare):
        return _compared(node)
    return _term(node)


def _compared(node: ast.Compare) -> str:
    terms = [node.left, *node.comparators]
    if len(node.ops) == 2 and all(isinstance(op, (ast.LtE, ast.Lt)) for op in node.ops):
        low, high = (_RELATIONS[_turned(node.ops[0])], _RELATIONS[type(node.ops[1])])
        return f"{_term(terms[1])} {low} {_term(terms[0])} and {high} {_term(terms[2])}"
    pairs = zip(terms, node.ops, terms[1:])
    return " and ".join(_relation(left, op, right) for left, op, right in pairs)


def _relation(left: ast.expr, op: ast.cmpop, right: ast.expr) -> str:
    if isinstance(left, ast.Constant) and type(op) in _TURNED:
        left, op, right = right, _turned(op)(), left
    if type(op) not in _RELATIONS:
        return ast.unparse(ast.Compare(left, [op], [right]))
    zero = isinstance(right, ast.Constant) and right.value == 0
    if zero and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mod):
        word = {ast.Eq: "is a multiple of", ast.NotEq: "is not a multiple of"}.get(type(op))
        if word is not None:
            return f"{_term(left.left)} {word} {_term(left.right)}"
    return f"{_term(left)} {_RELATIONS[type(op)]} {_term(right)}"


def _turned(op: ast.cmpop) -> Any:
    return _TURNED[type(op)]


def _term(node: ast.expr) -> str:
    """A number in words; a size by its axis."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
        axis, of = node.slice, node.value
        if of.attr == "shape" and isinstance(axis, ast.Constant):
            return f"axis {ast.unparse(axis)} of {ast.unparse(of.value)}"
    return ast.unparse(node).replace(" // ", "//").replace("**", "^").replace(" * ", "·")
