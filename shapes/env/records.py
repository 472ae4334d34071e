"""What an environment records beside its facts: each symbol, and each deferred check."""

from __future__ import annotations

from shapes.base.location import Location
from shapes.base.records import record
from shapes.expr.nodes import BoolExpr, Expr, Kind, Value
from shapes.facts.store import Fact
from shapes.traversal.printing import brief

__all__ = ["Check", "SymbolInfo"]


@record(frozen=True, eq=False, slots=True)
class SymbolInfo:
    """What is known of a symbol besides facts: `backed` symbols are inputs, with an example
    (`hint`) or without; the others are known only when the program runs."""

    symbol: Expr
    backed: bool
    source: str | None = None
    hint: Value | None = None
    size_like: bool = False

    @property
    def name(self) -> str:
        return self.symbol.name

    @property
    def kind(self) -> Kind:
        return self.symbol.kind


@record(frozen=True, eq=False, slots=True)
class Check:
    """A deferred runtime assert: `claim` includes the condition of being defined.

    `written` is the condition in the words in which it was stated, if it was text, `expr` the
    condition without that of being defined. `origin` tells whether a person wrote it or an
    operation implies it.
    """

    claim: BoolExpr
    written: str | None
    message: str | None = None
    origin: str = "user"
    operation: str | None = None
    location: Location | None = None
    fact: Fact | None = None
    expr: BoolExpr | None = None

    @property
    def text(self) -> str:
        """The condition as it is shown."""
        if self.written is not None:
            return self.written
        return brief(self.claim if self.expr is None else self.expr)
