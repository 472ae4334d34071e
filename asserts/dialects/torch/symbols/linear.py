"""torch's linear relations, read and written as text without sympy's machinery.

Nearly all that torch checks about sizes is linear: ``2*u1 <= u0 + 1000``. For those, the
terms are read off sympy's own tree; the general way takes ten times as long. Text is what
sympy's printer would write (a test compares the two), because torch's messages have it.
Whatever else comes is left to the general way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import sympy

from shapes.expr import BoolExpr, Expr, IntExpr, eq_zero, from_terms, le_zero, ne_zero

__all__ = ["Linear", "linear_sum", "text_of"]

_Terms = dict[Any, int]

_INTEGERS: Final = (sympy.Integer, sympy.core.numbers.Zero, sympy.core.numbers.One,
                    sympy.core.numbers.NegativeOne)  # fmt: skip

_SIGNS: Final[Mapping[type, str]] = {
    sympy.GreaterThan: ">=",
    sympy.LessThan: "<=",
    sympy.StrictGreaterThan: ">",
    sympy.StrictLessThan: "<",
}
_NAMES: Final[Mapping[type, str]] = {sympy.Equality: "Eq", sympy.Unequality: "Ne"}


class Linear:
    """A relation between two linear combinations of integer symbols."""

    __slots__ = ("_head", "_left", "_right")

    def __init__(self, head: type, left: _Terms, right: _Terms) -> None:
        self._head = head
        self._left = left
        self._right = right

    @staticmethod
    def of(expr: Any) -> Linear | None:
        """The relation, if the expression is one."""
        head = type(expr)
        if head not in _SIGNS and head not in _NAMES:
            return None
        left = _terms(expr.args[0])
        right = None if left is None else _terms(expr.args[1])
        return None if left is None or right is None else Linear(head, left, right)

    def condition(self, symbol_of: Callable[[Any], Expr]) -> BoolExpr | None:
        """The relation as a condition; `symbol_of` gives our symbol for one of sympy's. None
        if one of them isn't an integer."""
        head = self._head
        if head is sympy.GreaterThan or head is sympy.StrictGreaterThan:
            more, less = self._right, self._left
        else:
            more, less = self._left, self._right
        terms: dict[IntExpr, int] = {}
        constant = 1 if head is sympy.StrictLessThan or head is sympy.StrictGreaterThan else 0
        for side, sign in ((more, 1), (less, -1)):
            for symbol, coefficient in side.items():
                if symbol is None:
                    constant += sign * coefficient
                    continue
                ours = symbol_of(symbol)
                if not isinstance(ours, IntExpr):
                    return None
                terms[ours] = terms.get(ours, 0) + sign * coefficient
        e = from_terms(terms, constant)
        if head is sympy.Equality:
            return eq_zero(e)
        return ne_zero(e) if head is sympy.Unequality else le_zero(e)

    def __str__(self) -> str:
        left, right = _written(self._left), _written(self._right)
        sign = _SIGNS.get(self._head)
        if sign is not None:
            return f"{left} {sign} {right}"
        return f"{_NAMES[self._head]}({left}, {right})"


def linear_sum(expr: object, symbol_of: Callable[[Any], Expr]) -> IntExpr | None:
    """The expression, if it is a linear combination of integer symbols."""
    terms = _terms(expr)
    if terms is None:
        return None
    ours: dict[IntExpr, int] = {}
    constant = terms.pop(None, 0)
    for symbol, coefficient in terms.items():
        found = symbol_of(symbol)
        if not isinstance(found, IntExpr):
            return None
        ours[found] = ours.get(found, 0) + coefficient
    return from_terms(ours, constant)


def text_of(expr: object) -> str:
    """What ``str(expr)`` is."""
    linear = Linear.of(expr)
    return str(expr if linear is None else linear)


def _terms(expr: Any) -> _Terms | None:
    """The coefficients by symbol (the constant under None) of a linear combination."""
    terms: _Terms = {}
    for part in expr.args if type(expr) is sympy.Add else (expr,):
        head = type(part)
        if head is sympy.Symbol:
            key, value = part, 1
        elif head is sympy.Mul:
            factors = part.args
            if len(factors) != 2 or type(factors[1]) is not sympy.Symbol:
                return None
            if type(factors[0]) not in _INTEGERS:
                return None
            key, value = factors[1], factors[0].p
        elif head in _INTEGERS:
            key, value = None, part.p
        else:
            return None
        if key in terms:
            return None
        terms[key] = value
    return terms


def _written(terms: _Terms) -> str:
    """Symbols by name, the constant last; but a positive constant stands before the only
    term, if that is negative (and no plain symbol is)."""
    constant = terms.get(None)
    ordered = sorted(((s.name, c) for s, c in terms.items() if s is not None))
    parts = [_signed(c, name) for name, c in ordered]
    if constant is not None:
        first = constant > 0 and len(parts) == 1 and parts[0][0] == "-"
        parts.insert(0 if first else len(parts), _signed(constant, ""))
    text = " ".join(f"{sign} {body}" for sign, body in parts)
    return text[2:] if parts[0][0] == "+" else "-" + text[2:]


def _signed(coefficient: int, name: str) -> tuple[str, str]:
    """A term as its sign and the rest."""
    sign, size = ("-", -coefficient) if coefficient < 0 else ("+", coefficient)
    if not name:
        return sign, str(size)
    return sign, name if size == 1 else f"{size}*{name}"
