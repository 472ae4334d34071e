"""Substitution: an expression with symbols (or whole atoms) replaced by expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, overload

from shapes.expr.linear import eq_zero, le_zero, multiply, ne_zero
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    SUM,
    SYMBOL,
    BoolExpr,
    Expr,
    ExprLike,
    Infinity,
    IntExpr,
    Op,
    Value,
    as_expr,
    combine,
    from_terms,
)
from shapes.traversal.interpret import interpret

__all__ = ["Builder", "rebuilt", "substitute"]

_REMAINDERS: Final = {
    OPERATORS["Mod"]: OPERATORS["FloorDiv"],
    OPERATORS["TruncMod"]: OPERATORS["TruncDiv"],
}
_DIVISIONS: Final = tuple(_REMAINDERS.values())


class Builder:
    """The analysis whose values are expressions: it builds what it is given.

    With nothing replaced it is the identity, on sympy's expressions it is the conversion.
    """

    def __init__(
        self,
        replaced: Callable[[Expr], Expr | None] | None = None,
        quotients: bool = False,
    ) -> None:
        self._replaced = replaced
        self._quotients = quotients

    def constant(self, value: Value) -> Expr:
        return as_expr(value)

    def symbol(self, sym: Expr) -> Expr:
        return sym

    def linear(self, k: int, coefficients: Sequence[int], values: list[Any]) -> Expr:
        result: Expr = from_terms({}, k)
        for coefficient, value in zip(coefficients, values):
            result = result + coefficient * value
        return result

    le_zero = staticmethod(le_zero)
    eq_zero = staticmethod(eq_zero)
    ne_zero = staticmethod(ne_zero)

    def unknown(self, op: Op, values: Sequence[Any]) -> Expr:
        """Every operator is built by its record in the table. (A remainder is a sum in which
        there is a quotient, which may be replaced.)"""
        assert op.build is not None, op
        if self._quotients and op in _REMAINDERS and self._replaced is not None:
            divide = _REMAINDERS[op].build
            assert divide is not None
            found = self._replaced(divide(*values))
            if isinstance(found, IntExpr):
                return combine(1, values[0], -1, multiply(values[1], found))
        return op.build(*values)

    def refine(self, node: Expr, value: Expr) -> Expr:
        """A replaced atom, after its operands have been."""
        if self._replaced is None:
            return value
        found = self._replaced(value)
        return value if found is None else found


@overload
def substitute(expr: IntExpr, replacements: Mapping[Expr, ExprLike]) -> IntExpr: ...
@overload
def substitute(expr: BoolExpr, replacements: Mapping[Expr, ExprLike]) -> BoolExpr: ...
@overload
def substitute(expr: Expr, replacements: Mapping[Expr, ExprLike]) -> Expr: ...
def substitute(expr: Expr, replacements: Mapping[Expr, ExprLike]) -> Expr:
    """The expression with symbols and atoms replaced (by expressions or numbers), all at once,
    in normal form again."""
    return rebuilt(expr, {atom: as_expr(value) for atom, value in replacements.items()})


@overload
def rebuilt(expr: IntExpr, replacements: Mapping[Expr, Expr]) -> IntExpr: ...
@overload
def rebuilt(expr: BoolExpr, replacements: Mapping[Expr, Expr]) -> BoolExpr: ...
@overload
def rebuilt(expr: Expr, replacements: Mapping[Expr, Expr]) -> Expr: ...
def rebuilt(expr: Expr, replacements: Mapping[Expr, Expr]) -> Expr:
    """`substitute` for replacements that are expressions already."""
    if not replacements:
        return expr
    if expr.op in _RELATIONS or expr.op is SUM:
        quick = _in_linear(expr, replacements)
        if quick is not None:
            return quick
    memo: dict[Any, Any] = {}
    builder = Builder(replacements.get, any(x.op in _DIVISIONS for x in replacements))
    result = interpret(builder, {}, expr, memo)
    assert isinstance(result, Expr)
    return result


_RELATIONS: Final = {LE_ZERO: le_zero, EQ_ZERO: eq_zero, NE_ZERO: ne_zero}


def _in_linear(expr: Expr, replacements: Mapping[Expr, Expr]) -> Expr | None:
    """The same for a sum of symbols, or a relation over one, without looking inside of atoms;
    None for anything else."""
    e = expr if expr.op is SUM else expr.args[0]
    if not isinstance(e, IntExpr):
        return None
    terms: dict[IntExpr, int] = {}
    k = e.constant
    for atom, coefficient in e.terms().items():
        if atom.op is not SYMBOL:
            return None
        found = replacements.get(atom)
        if type(found) is Infinity:
            return _in_infinite(expr, e, replacements)
        if isinstance(found, IntExpr):
            k += coefficient * found.constant
            for x, c in found.terms().items():
                terms[x] = terms.get(x, 0) + coefficient * c
        else:
            terms[atom] = terms.get(atom, 0) + coefficient
    result = from_terms(terms, k)
    return result if expr is e else _RELATIONS[expr.op](result)


def _in_infinite(expr: Expr, e: IntExpr, replacements: Mapping[Expr, Expr]) -> Expr:
    """The same where `int_oo` is put in, which has no terms: term by term.

    Raises `ExpressionTypeError` where that has no sum (``int_oo - int_oo``).
    """
    result = e
    for atom, coefficient in e.terms().items():
        found = replacements.get(atom)
        if isinstance(found, IntExpr):
            result = combine(1, result, -coefficient, atom)
            result = combine(1, result, coefficient, found)
    return result if expr is e else _RELATIONS[expr.op](result)
