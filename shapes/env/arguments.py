"""What callers hand to an environment: claims, quantities, names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shapes.base.digits import written
from shapes.base.foreign import is_numeric
from shapes.base.infinity import Bound, IntInfinity
from shapes.base.location import Location
from shapes.env.symints import Symbolic, SymBool
from shapes.errors import ExpressionTypeError
from shapes.expr.linear import le_zero
from shapes.expr.nodes import BoolExpr, Expr, IntExpr, combine
from shapes.facts.abstract_value import EVERY_SIZE, Fact

__all__ = [
    "Claim",
    "Quantity",
    "claims_of",
    "declared_range",
    "require_origin",
    "require_text",
    "text_or_none",
]

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


def require_origin(origin: object, location: object) -> None:
    """Refuse what does not say where a check comes from."""
    if not isinstance(origin, str):
        raise ExpressionTypeError(f"an origin is text, not {type(origin).__name__}")
    if location is not None and not isinstance(location, Location):
        raise ExpressionTypeError(f"a location is a Location, not {type(location).__name__}")


def declared_range(
    sym: IntExpr, lower: Bound, upper: Bound, size_like: bool, place: Location | None
) -> list[Fact]:
    """The ends of an integer's range as facts; `place` is where they were declared, if it was
    not in code."""
    facts = []
    name = sym.name
    if size_like:
        # What every size is needs no check at entry, unlike what was declared.
        natural = le_zero(combine(-1, sym, 0, sym))
        facts.append(Fact(natural, "operation", f"{name} >= 0", operation=EVERY_SIZE))
    if not isinstance(lower, IntInfinity) and not (size_like and lower <= 0):
        least = le_zero(combine(-1, sym, 0, sym, lower))
        text = f"{name} >= {written(lower)}"
        facts.append(Fact(least, "declared", text, location=place))
    if not isinstance(upper, IntInfinity):
        most = le_zero(combine(1, sym, 0, sym, -upper))
        text = f"{name} <= {written(upper)}"
        facts.append(Fact(most, "declared", text, location=place))
    return facts


def text_or_none(claim: object) -> str | None:
    """The text of a claim that was written as text."""
    return claim if isinstance(claim, str) else None
