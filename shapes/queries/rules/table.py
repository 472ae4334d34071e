"""What a row of a rule table is.

A row says ``before -> after`` if ``when`` is known. All three are text over pattern
variables (see `pattern`); a function stands for `after` where text cannot say it (any
number of operands, greatest common divisors), and finds its own conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from shapes.base.infinity import Bound
from shapes.domains import Congruence
from shapes.expr.nodes import TRUE, BoolExpr, Expr, IntExpr
from shapes.queries.rules.pattern import instantiated, matches, pattern

__all__ = ["Ask", "Example", "Function", "Rule"]


class Ask(Protocol):
    """What a rule may ask; every answer rests on the facts and costs a step."""

    def known(self, claim: Expr) -> bool:
        """Whether the condition is known to hold."""
        ...

    def bounds(self, e: IntExpr) -> tuple[Bound, Bound]:
        """The ends of an integer's range."""
        ...

    def congruence(self, e: IntExpr) -> Congruence:
        """What an integer leaves modulo something."""
        ...

    def total(self, e: Expr) -> bool:
        """Whether the expression is known to have a value."""
        ...

    def under(self, condition: BoolExpr, e: Expr) -> Expr | None:
        """The expression, simplified where the condition holds (which has a value
        everywhere); None if the condition cannot hold."""
        ...


Function = Callable[[Ask, Expr], "Iterator[Expr]"]


@dataclass(frozen=True)
class Example:
    """What a row does: an expression, facts (text), and what it becomes."""

    before: str
    given: str
    after: str


@dataclass(frozen=True)
class Rule:
    """One row. `grows` marks a row that is worth trying although what it writes is no
    smaller at first: it is kept if what follows makes it so. `careful` marks a function
    that sees to definedness itself."""

    name: str
    before: str
    after: str | Function
    when: str = ""
    example: Example = Example("", "", "")
    grows: bool = False
    careful: bool = False

    @property
    def root(self) -> str:
        """The name of the operator at the root of `before`."""
        return pattern(self.before).op.name

    def candidates(self, ask: Ask, node: Expr) -> Iterator[Expr]:
        """What the node can be written as, according to this row."""
        if not isinstance(self.after, str):
            yield from self.after(ask, node)
            return
        when = pattern(self.when) if self.when else TRUE
        for bindings, put_back in matches(pattern(self.before), node):
            if when is TRUE or ask.known(instantiated(when, bindings)):
                yield put_back(instantiated(pattern(self.after), bindings))
