"""What callers hand to an environment: claims, quantities, names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shapes.base.foreign import is_numeric
from shapes.base.location import said
from shapes.env.symints import Symbolic, SymBool
from shapes.errors import ExpressionTypeError
from shapes.expr.nodes import BoolExpr, Expr
from shapes.facts.abstract_value import Fact

__all__ = ["Claim", "Quantity", "claims_of", "declared", "require_text", "text_or_none"]

Claim = SymBool | BoolExpr | str | bool
Quantity = Symbolic | Expr | str | int | float


def claims_of(given: Any) -> Iterable[Claim]:
    """The claims in an argument that is one claim or several."""
    if type(given) is tuple or type(given) is list:
        return given
    one = isinstance(given, (str, bool, SymBool, BoolExpr))
    one = one or not hasattr(given, "__iter__") or is_numeric(given)
    return [given] if one else given


def require_text(said: object, what: str) -> None:
    """Refuse what is neither text nor None."""
    if said is not None and not isinstance(said, str):
        raise ExpressionTypeError(f"{what} is text, not {type(said).__name__}")


def declared(claim: BoolExpr, text: str) -> Fact:
    """A range that a caller gives with a symbol, as a fact."""
    return Fact(claim, "declared", text, location=said())


def text_or_none(claim: object) -> str | None:
    """The text of a claim that was written as text."""
    return claim if isinstance(claim, str) else None
