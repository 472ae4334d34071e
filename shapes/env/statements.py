"""Statements as an environment takes them in.

Nearly every statement is a relation of symbols which the values that the environment keeps
satisfy already (see `consistency`). Then it cannot contradict what was stated before, and what
it teaches can wait: it is put with those that wait, and learned with them, in one go, when
facts are next asked for. Every other one is learned at once, and refused if it is refuted.
What people see of a statement, a `Fact` and a `Check`, is made when it is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shapes.base.location import Location, user_location
from shapes.base.logs import DEBUG, Log
from shapes.base.persistent import oldest_first
from shapes.env.arguments import declared_range
from shapes.env.records import Check
from shapes.env.symints import SymBool
from shapes.expr.nodes import TRUE, BoolExpr, IntExpr
from shapes.facts.abstract_value import Fact, Origin

if TYPE_CHECKING:
    from shapes.env.shape_env import ShapeEnv
    from shapes.facts.store import Declaration

__all__ = ["Statement", "in_order", "take"]

FACTS: Final = Log("facts")


class Statement:
    """One statement: the fields of its fact, and of its check if it is one (`expr` and
    `author`)."""

    __slots__ = (
        "_check", "_fact", "author", "claim", "expr", "location", "message", "node",
        "operation", "origin", "text",
    )  # fmt: skip

    def __init__(
        self,
        claim: BoolExpr,
        expr: BoolExpr,
        origin: Origin,
        text: str | None,
        message: str | None,
        operation: str | None,
        node: str | None,
        location: Location | None,
        author: str,
    ) -> None:
        self.claim = claim
        self.expr = expr
        self.origin: Origin = origin
        self.text = text
        self.message = message
        self.operation = operation
        self.node = node
        self.location = location
        self.author = author
        self._fact: Fact | None = None
        self._check: Check | None = None

    @property
    def fact(self) -> Fact:
        """What is stated, as one object: proofs and checks mean the very fact. (It is first
        asked for by who holds the environment's lock; copies share it when it is made.)"""
        if self._fact is None:
            self._fact = Fact(
                self.claim,
                self.origin,
                self.text,
                self.message,
                self.operation,
                self.node,
                self.location,
            )
        return self._fact

    @property
    def check(self) -> Check:
        """The check that states it."""
        if self._check is None:
            self._check = Check(
                self.claim,
                self.text,
                self.message,
                self.author,
                self.operation,
                self.location,
                self.fact,
                self.expr,
            )
        return self._check


def take(
    env: ShapeEnv,
    claim: Any,
    origin: Origin,
    text: str | None = None,
    message: str | None = None,
    operation: str | None = None,
    node: str | None = None,
    location: Location | None = None,
    author: str = "user",
) -> None:
    """State a claim, which is its own text where there is none; raises `ContradictionError` if
    it is refuted."""
    if type(claim) is SymBool and claim.env is env and claim.defined is TRUE:
        whole = claim.expr
        assert isinstance(whole, BoolExpr)
        expr = whole
    else:
        whole, expr = env._whole(claim)
        if text is None and isinstance(claim, str):
            text = claim
    if location is None:
        location = user_location()
    stated = Statement(whole, expr, origin, text, message, operation, node, location, author)
    with env._stating:
        facts, waiting = env._known
        if env._covered and env._model.admits(env.symbols, facts, whole):
            env._known = facts, (stated, waiting)
        else:
            env._require_own(whole)
            env._take(stated)
        if origin == "check":
            env._checks.append(stated)
        told = stated.fact if FACTS.listens(DEBUG) else None
    if told is not None:
        FACTS.say(DEBUG, "%s", told)


def in_order(waiting: Any) -> tuple[list[Declaration | Fact], list[Fact]]:
    """What was declared and stated, from the list of what waits (see `declarations`), in
    order; and what of it needs no check."""
    items: list[Declaration | Fact] = []
    axioms: list[Fact] = []
    for entry in oldest_first(waiting):
        if isinstance(entry, Statement):
            fact = entry.fact
            items.append(fact)
            if entry.origin != "check":
                axioms.append(fact)
            continue
        info, place, lower, upper, where = entry
        sym = info.symbol
        ends: list[Fact] = []
        if isinstance(sym, IntExpr):
            ends = declared_range(sym, lower, upper, info.size_like, where)
            axioms += ends
        items.append((sym, info.backed, place, ends))
    return items, axioms
