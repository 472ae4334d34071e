"""Floats: constants are folded, nothing is re-arranged.

Addition of doubles is not associative and NaN is not equal to itself, so the only rewriting
is to compute operators of constants, with the same Python operation that runs later.
"""

from __future__ import annotations

from typing import Literal, overload

from shapes.errors import ExpressionTypeError
from shapes.expr.nodes import (
    FALSE,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    FloatConstant,
    FloatExpr,
    Infinity,
    IntConstant,
    IntExpr,
    Kind,
    as_expr,
    constant,
    make_atom,
)

__all__ = ["float_operation", "float_relation", "fold", "to_float", "to_integer"]


def to_float(e: Expr) -> FloatExpr:
    """A float as it is; an integer as the nearest double (see the operator `ToFloat`)."""
    if isinstance(e, FloatExpr):
        return e
    if type(e) is Infinity:
        raise ExpressionTypeError("int_oo is not a float")
    if not isinstance(e, IntExpr):
        raise ExpressionTypeError(f"`{e}` is a condition where a number is needed")
    return fold("ToFloat", (e,), "float")


def float_operation(name: str, *operands: Expr) -> FloatExpr:
    """An operator on doubles; integers among the operands become doubles."""
    return fold(name, tuple(to_float(e) for e in operands), "float")


def to_integer(name: str, e: Expr) -> IntExpr:
    """A rounding to an integer; an integer stays as it is."""
    if isinstance(e, IntExpr):
        return e
    return fold(name, (to_float(e),), "int")


def float_relation(name: str, a: Expr, b: Expr) -> BoolExpr:
    """A comparison with a double; an integer operand stays one, the comparison is exact."""
    for e in (a, b):
        if type(e) is Infinity:
            raise ExpressionTypeError(f"{e} cannot be compared with a float")
    return fold(name, (a, b), "bool")


@overload
def fold(name: str, args: tuple[Expr, ...], kind: Literal["int"]) -> IntExpr: ...
@overload
def fold(name: str, args: tuple[Expr, ...], kind: Literal["bool"]) -> BoolExpr: ...
@overload
def fold(name: str, args: tuple[Expr, ...], kind: Literal["float"]) -> FloatExpr: ...
def fold(name: str, args: tuple[Expr, ...], kind: Kind) -> Expr:
    """The operator on these operands: its value if all are constants and it has one."""
    op = OPERATORS[name]
    if all(isinstance(a, (FloatConstant, IntConstant)) for a in args):
        assert op.python is not None
        try:
            value = op.python(*[a.value for a in args])
        except (ArithmeticError, ValueError):
            pass  # without a value: kept as it stands; evaluating it raises
        else:
            if kind == "bool":
                return TRUE if value else FALSE
            return constant(value) if kind == "int" else as_expr(value)
    return make_atom(op, args, kind)
