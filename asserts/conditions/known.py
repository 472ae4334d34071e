"""What is known at a place of a program, and the questions that it answers.

Values that are read at run time by the hundred have little to say of each other, though all
may be compared with one size of an input. So a question is not asked of everything that is
known, but of its neighbourhood: the statements that run-time values connect with it, the
nearest first, and the statements on inputs that these lead to. That makes the cost of a
question independent of the size of the program.

Guarantees: a proof rests on nothing but statements.
Limits: what only many statements together imply, more than a neighbourhood holds, is not
found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from shapes.errors import ContradictionError, UndefinedError
from shapes.expr import TRUE, BoolExpr, Expr
from shapes.facts import Fact, Facts, Proof
from shapes.prove import CHEAP, METHODS, Effort, decide, effort_named, entails
from shapes.traversal import defined, free_symbols

__all__ = ["PLAIN", "Known", "Statement", "asked", "extended", "has_value", "taken"]

LOCAL_FACTS: Final = 80
"""Statements on run-time values in a neighbourhood."""

INPUT_FACTS: Final = 200
"""Statements on inputs in a neighbourhood."""

NEAREST: Final = 12
"""Statements of each kind that cheap methods try first, if there are many more."""

KEPT_FACTS: Final = 500
"""Facts that are kept for further questions about the same place."""


PLAIN: Final = Effort(tuple(METHODS), search=0, rlimit=0)
"""Every method of proof, without values and without a solver."""


class Statement:
    """A condition that holds, with its symbols; `for_user` says whether it may discharge a
    check that a person wrote."""

    __slots__ = ("_domain", "_fact", "claim", "for_user", "symbols")

    def __init__(self, claim: BoolExpr, for_user: bool, fact: Fact | None = None) -> None:
        self.claim = claim
        self.for_user = for_user
        self.symbols = tuple(free_symbols(claim))
        self._fact = fact
        self._domain: BoolExpr | None = None

    @property
    def domain(self) -> BoolExpr:
        """Where the condition has a value."""
        if self._domain is None:
            self._domain = defined(self.claim)
        return self._domain

    @property
    def fact(self) -> Fact:
        """The statement as a fact. (Few are ever used in a question.)"""
        if self._fact is None:
            self._fact = self._made_fact()
        return self._fact

    def _made_fact(self) -> Fact:
        return Fact(self.claim, "check")


def extended(facts: Facts, statement: Statement) -> Facts:
    """The facts and a statement; without it, if they contradict it, or do not show that it
    has a value: where it has none, it is computed as something else, which says nothing."""
    if not has_value(facts, statement.domain):
        return facts
    found = facts.extended(statement.fact)
    return found if isinstance(found, Facts) else facts


def taken(
    facts: Facts,
    waiting: tuple[Statement, ...],
    statement: Statement,
    extend: Callable[[Facts, Statement], Facts] = extended,
) -> tuple[Facts, tuple[Statement, ...]]:
    """The facts and a statement, and those of the ones that were `waiting` which it shows to
    have a value; with those that wait then. The order in which statements arrive is not that
    in which they imply each other."""
    arrived = [statement]
    while arrived:
        one = arrived.pop()
        found = extend(facts, one)
        if found is facts:
            if one.domain is not TRUE and one not in waiting:
                waiting = (*waiting, one)
            continue
        facts = found
        waiting = tuple(other for other in waiting if other is not one)
        arrived += [w for w in waiting if not set(w.symbols).isdisjoint(one.symbols)]
    return facts, waiting


def has_value(facts: Facts, domain: BoolExpr) -> bool:
    """Whether facts imply the condition under which something has a value."""
    if domain is TRUE:
        return True
    with suppress(ContradictionError):  # (facts that nobody saw to contradict each other)
        return decide(facts, domain) is True or asked(facts, domain, PLAIN) is not None
    return False


def asked(facts: Facts, claim: BoolExpr, effort: Effort) -> Proof | None:
    """The proof that facts imply a claim; none from facts that contradict each other."""
    with suppress(ContradictionError, UndefinedError):
        return entails(facts, claim, effort)
    return None


_Index = dict[Expr, dict[Statement, None]]


class Known:
    """Statements, found again by their symbols."""

    def __init__(self, is_run_time: Callable[[Expr], bool], effort: str | Effort) -> None:
        self._asks_run_time = is_run_time
        self._effort = effort_named(effort)
        self._run_time: dict[Expr, bool] = {}
        self._of_values: _Index = {}
        self._of_inputs: _Index = {}
        self._nothing = Facts()
        self._made: dict[tuple[Facts, Statement], Facts] = {}

    def is_run_time(self, symbol: Expr) -> bool:
        """Whether the symbol is known only when the program runs."""
        found = self._run_time.get(symbol)
        if found is None:
            found = self._run_time[symbol] = self._asks_run_time(symbol)
        return found

    def run_time(self, statement: Statement) -> list[Expr]:
        """The run-time values in a statement."""
        return [s for s in statement.symbols if self.is_run_time(s)]

    def add(self, statement: Statement) -> None:
        """Take in a statement."""
        values = self.run_time(statement)
        index = self._of_values if values else self._of_inputs
        for symbol in values or statement.symbols:
            index.setdefault(symbol, {})[statement] = None

    def remove(self, statement: Statement) -> None:
        """Forget a statement."""
        values = self.run_time(statement)
        index = self._of_values if values else self._of_inputs
        for symbol in values or statement.symbols:
            index[symbol].pop(statement, None)

    def forget_answers(self) -> None:
        """Free what was kept because the same statements are asked several questions."""
        self._made.clear()

    # ------------------------------------------------------------------ questions

    def implies(
        self,
        claim: BoolExpr,
        symbols: Iterable[Expr],
        for_user: bool,
        without: Collection[Statement],
    ) -> Proof | None:
        """The proof of a claim from its neighbourhood, if there is one.

        `for_user` and `without` restrict what may be used. A contradiction among statements
        proves nothing: what contradicts the others is passed over.
        """

        def usable(statement: Statement) -> bool:
            return (statement.for_user or not for_user) and statement not in without

        symbols = list(symbols)
        near = self._near(symbols, usable, NEAREST, NEAREST)
        if NEAREST in (len(near.inputs), len(near.values)):
            cheap = tuple(m for m in self._effort.methods if m in CHEAP)
            found = self._ask(claim, near, Effort(cheap, search=0, rlimit=0))
            if found is not None:
                return found
            near = self._near(symbols, usable, LOCAL_FACTS, INPUT_FACTS)
        return self._ask(claim, near, self._effort)

    def facts_near(
        self,
        symbols: Iterable[Expr],
        without: Collection[Statement] = (),
        for_user: bool = False,
    ) -> Facts:
        """All that is known around some symbols; `for_user` and `without` restrict it."""

        def usable(statement: Statement) -> bool:
            return (statement.for_user or not for_user) and statement not in without

        near = self._near(list(symbols), usable, LOCAL_FACTS, INPUT_FACTS)
        return self._facts(near)

    def _ask(self, claim: BoolExpr, near: _Near, effort: Effort) -> Proof | None:
        return asked(self._facts(near), claim, effort)

    def _facts(self, near: _Near) -> Facts:
        """Statements as facts. Questions about one place begin with the same statements, so
        what was made of a beginning is kept."""
        facts = self._nothing
        waiting: tuple[Statement, ...] = ()
        if len(self._made) > KEPT_FACTS:
            self._made.clear()
        for statement in (*near.inputs, *near.values):
            facts, waiting = taken(facts, waiting, statement, self._extended)
        return facts

    def _extended(self, facts: Facts, statement: Statement) -> Facts:
        key = (facts, statement)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = extended(facts, statement)
        return made

    # ------------------------------------------------------------------ neighbourhoods

    def _near(
        self,
        symbols: list[Expr],
        usable: Callable[[Statement], bool],
        limit: int,
        input_limit: int,
    ) -> _Near:
        values = [s for s in symbols if self.is_run_time(s)]
        found = self._spread(values, self._of_values, usable, limit)
        everything = [*symbols, *(s for one in found for s in one.symbols)]
        inputs = [s for s in dict.fromkeys(everything) if not self.is_run_time(s)]
        return _Near(self._spread(inputs, self._of_inputs, usable, input_limit), found)

    def _spread(
        self,
        start: list[Expr],
        index: _Index,
        usable: Callable[[Statement], bool],
        limit: int,
    ) -> list[Statement]:
        """The statements around some symbols in an index, the nearest first."""
        pending = list(start)
        seen = set(pending)
        found: dict[Statement, None] = {}
        for symbol in pending:  # grows while it is read
            for statement in index.get(symbol, ()):
                if statement in found or not usable(statement):
                    continue
                found[statement] = None
                if len(found) == limit:
                    return list(found)
                for other in statement.symbols:
                    if other not in seen:
                        seen.add(other)
                        pending.append(other)
        return list(found)


class _Near(NamedTuple):
    """A neighbourhood: statements on inputs alone, and those on run-time values."""

    inputs: list[Statement]
    values: list[Statement]
