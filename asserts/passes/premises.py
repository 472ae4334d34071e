"""What is enforced so far, as facts that are made ready once and asked many questions.

Statements belong together where run-time values connect them. Each such place has its facts,
which begin with those on inputs and only ever grow, so many questions share what the prover
makes of them; and a question is asked of all of them, however many: the prover's methods
choose what is connected with it. What a question may not use (a check that may be dropped)
is simply not entered yet.

Guarantees: a proof rests on nothing but entered statements; the facts of a place are made
when the first question is asked there, and every statement is read a bounded number of
times. A statement that contradicts those before it is passed over, for nothing is proved
from a contradiction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from asserts.conditions.known import Statement, taken
from shapes.expr import Expr
from shapes.facts import Facts

__all__ = ["Premises", "Stated"]

READINGS: Final = 200
"""How often facts may be read anew for questions, for each statement that is entered."""

FEW: Final = 250
"""So few facts may be read for any question."""


class Stated(NamedTuple):
    """Statements as facts: those that may discharge a check which a person wrote, and all;
    with those of both that are not shown to have a value yet."""

    user: Facts
    all: Facts
    user_waiting: tuple[Statement, ...] = ()
    all_waiting: tuple[Statement, ...] = ()

    def given(self, statement: Statement) -> Stated:
        """These and one more."""
        user, user_waiting = self.user, self.user_waiting
        if statement.for_user:
            user, user_waiting = taken(user, user_waiting, statement)
            if self.all is self.user and self.all_waiting == self.user_waiting:
                return Stated(user, user, user_waiting, user_waiting)
        every, all_waiting = taken(self.all, self.all_waiting, statement)
        return Stated(user, every, user_waiting, all_waiting)


_NO_FACTS: Final = Facts()
NOTHING: Final = Stated(_NO_FACTS, _NO_FACTS)


class _Place:
    """The statements that run-time values connect, of which the first are made facts."""

    __slots__ = ("credit", "made", "stated", "statements")

    def __init__(self) -> None:
        self.statements: list[Statement] = []
        self.stated: Stated | None = None
        self.made = 0
        self.credit = 0

    def enter(self, statements: Iterable[Statement]) -> None:
        before = len(self.statements)
        self.statements += statements
        self.credit += READINGS * (len(self.statements) - before)

    def facts(self, begin: Stated) -> Stated:
        stated = begin if self.stated is None else self.stated
        for statement in self.statements[self.made :]:
            stated = stated.given(statement)
        self.stated, self.made = stated, len(self.statements)
        return stated


class Premises:
    """Statements that are enforced, by what connects them."""

    def __init__(self, run_time: Callable[[Statement], list[Expr]]) -> None:
        self._run_time = run_time
        self._inputs = _Place()
        self._places: dict[Expr, _Place] = {}
        self._parent: dict[Expr, Expr] = {}

    def enter(self, statements: Iterable[Statement]) -> None:
        """Take in statements, which stay."""
        for statement in statements:
            self._place([statement]).enter([statement])

    def facts(self, group: Iterable[Statement]) -> Stated:
        """The facts around statements that hang together, which need not be entered."""
        inputs = self._inputs.facts(NOTHING)
        place = self._place(group)
        return inputs if place is self._inputs else place.facts(inputs)

    def affords(self, group: Iterable[Statement], readings: int) -> bool:
        """Whether these facts may be read so often; then they will be."""
        place = self._place(group)
        size = len(place.statements)
        if place is not self._inputs:
            size += len(self._inputs.statements)
        if size > FEW:
            if place.credit < size * readings:
                return False
            place.credit -= size * readings
        return True

    # ------------------------------------------------------------------ what is connected

    def _place(self, group: Iterable[Statement]) -> _Place:
        roots = {self._root(s): None for statement in group for s in self._run_time(statement)}
        if not roots:
            return self._inputs
        places = {root: self._places.pop(root) for root in roots if root in self._places}
        largest = max(places.values(), key=lambda p: len(p.statements), default=_Place())
        first = next(iter(roots))
        for root in roots:
            self._parent[root] = first
        for place in places.values():
            if place is not largest:
                largest.enter(place.statements)
        self._places[first] = largest
        return largest

    def _root(self, symbol: Expr) -> Expr:
        parent = self._parent
        parent.setdefault(symbol, symbol)
        while parent[symbol] is not symbol:
            parent[symbol] = parent[parent[symbol]]
            symbol = parent[symbol]
        return symbol
