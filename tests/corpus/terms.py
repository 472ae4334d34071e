"""The corpus's own reading of an expression: Python's syntax tree, brought to few node kinds.

It shares nothing with the engine's parser, so that a mistake there cannot hide here. The two
judges (`grid` by enumeration, `solver` with z3) give every operator a meaning of their own.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import NamedTuple

__all__ = ["CONNECTIVES", "Term", "integer", "read_term"]


class Term(NamedTuple):
    """An operator by name with its operands; ``Constant`` and ``Symbol`` hold a value."""

    op: str
    args: tuple[Term, ...] = ()
    value: object = None


CONNECTIVES = frozenset(("And", "Or", "Implies"))
"""Evaluated from the left, as far as needed."""

_BINARY = {
    ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.FloorDiv: "FloorDiv",
    ast.Mod: "Mod", ast.Div: "TrueDiv", ast.Pow: "Pow", ast.LShift: "LShift",
    ast.RShift: "RShift", ast.BitAnd: "BitAnd", ast.BitOr: "BitOr", ast.BitXor: "BitXor",
}  # fmt: skip
_COMPARE = {
    ast.Lt: "Lt", ast.LtE: "Le", ast.Gt: "Gt", ast.GtE: "Ge", ast.Eq: "Eq", ast.NotEq: "Ne",
}  # fmt: skip
_UNARY = {ast.USub: "Neg", ast.Not: "Not", ast.Invert: "BitNot"}
_SPELLINGS = {"abs": "Abs", "ceildiv": "CeilDiv"}


@cache
def read_term(text: str) -> Term:
    """The term that the text spells; raises `SyntaxError` or `ValueError`."""
    return _term(ast.parse(text.strip(), mode="eval").body)


def _term(node: ast.expr) -> Term:
    if isinstance(node, ast.Constant):
        return Term("Constant", (), node.value)
    if isinstance(node, ast.Name):
        return Term("Symbol", (), node.id)
    if isinstance(node, ast.BinOp):
        return Term(_BINARY[type(node.op)], (_term(node.left), _term(node.right)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
        return _term(node.operand)
    if isinstance(node, ast.UnaryOp):
        return Term(_UNARY[type(node.op)], (_term(node.operand),))
    if isinstance(node, ast.BoolOp):
        name = "And" if isinstance(node.op, ast.And) else "Or"
        return Term(name, tuple(map(_term, node.values)))
    if isinstance(node, ast.Compare):
        sides = [_term(side) for side in (node.left, *node.comparators)]
        links = [
            Term(_COMPARE[type(op)], (sides[i], sides[i + 1])) for i, op in enumerate(node.ops)
        ]
        return links[0] if len(links) == 1 else Term("And", tuple(links))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = node.func.id
        return Term(_SPELLINGS.get(name, name), tuple(map(_term, node.args)))
    raise ValueError(f"{ast.dump(node)} is not part of the format")


def integer(text: str) -> int:
    """The value of constant text such as ``2**63 - 1``."""
    return _constant(read_term(text))


def _constant(term: Term) -> int:
    if term.op == "Constant" and isinstance(term.value, int):
        return term.value
    values = [_constant(arg) for arg in term.args]
    if term.op == "Neg":
        return -values[0]
    if term.op in ("Add", "Sub", "Mul", "Pow"):
        a, b = values
        return {"Add": a + b, "Sub": a - b, "Mul": a * b, "Pow": a**b if b < 1 << 12 else 0}[
            term.op
        ]
    raise ValueError(f"{term} is no constant")
