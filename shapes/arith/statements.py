"""What lemma schemas are made of: statements, and the few conditions that they speak in."""

from __future__ import annotations

from typing import NamedTuple

from shapes.errors import ShapeproofError
from shapes.expr.linear import eq_zero, le_zero
from shapes.expr.nodes import (
    BoolExpr,
    Expr,
    IntAtom,
    IntConstant,
    IntExpr,
    combine,
    int_operands,
)

__all__ = [
    "SchemaError", "Statement", "at_least", "at_most", "eq", "foreign", "le", "need", "number",
    "operand_of",
]  # fmt: skip


class Statement(NamedTuple):
    """If all premises hold, so does the conclusion (an integer relation)."""

    premises: tuple[BoolExpr, ...]
    conclusion: BoolExpr


class SchemaError(ShapeproofError):
    """Operands for which a schema says nothing."""


def le(a: IntExpr, b: IntExpr, k: int = 0) -> BoolExpr:
    """``a + k <= b``."""
    return le_zero(combine(1, a, -1, b, k))


def eq(a: IntExpr, b: IntExpr) -> BoolExpr:
    """``a == b``."""
    return eq_zero(combine(1, a, -1, b))


def at_least(e: IntExpr, k: int) -> BoolExpr:
    """``e >= k``."""
    return le_zero(combine(-1, e, 0, e, k))


def at_most(e: IntExpr, k: int) -> BoolExpr:
    """``e <= k``."""
    return le_zero(combine(1, e, 0, e, -k))


def foreign() -> SchemaError:
    """The error for operands that a schema does not take."""
    return SchemaError("the operands are not those of the schema")


def need(condition: bool) -> None:
    """Refuse operands of which a condition does not hold."""
    if not condition:
        raise foreign()


def number(e: Expr) -> int:
    """The value of a constant operand."""
    if type(e) is not IntConstant:
        raise foreign()
    return e.constant


def operand_of(atom: IntExpr, name: str, e: IntExpr) -> list[IntExpr]:
    """The other operands of an atom of that operator, of which `e` is one."""
    need(atom.op.name == name and isinstance(atom, IntAtom) and e in atom.args)
    return [f for f in int_operands(atom) if f is not e]
