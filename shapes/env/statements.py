"""Statements as an environment takes them in.

Nearly every statement is a relation of symbols which the values that the environment keeps
satisfy already (see `consistency`). Then it cannot contradict what was stated before, and what
it teaches can wait: it is put with those that wait, and learned with them, in one go, when
facts are next asked for. Every other one is learned at once, and refused if it is refuted. The
`Check` of a statement that says no more than its fact is made when it is looked at.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from shapes.base.budget import uncounted
from shapes.base.infinity import Bound, int_oo
from shapes.base.location import Location, user_location
from shapes.base.logs import DEBUG, Log
from shapes.domains import ValueRanges
from shapes.env.arguments import declared_range
from shapes.env.records import Check
from shapes.env.symints import SymBool, SymInt
from shapes.expr.nodes import TRUE, BoolExpr, Expr, IntExpr, Sum
from shapes.facts.abstract_value import Fact, Origin
from shapes.facts.exactness import at_a_glance
from shapes.facts.store import Facts
from shapes.prove.consistency import Model

if TYPE_CHECKING:
    from shapes.env.shape_env import ShapeEnv
    from shapes.facts.store import Declaration

__all__ = ["Ledger"]

FACTS: Final = Log("facts")

# (Names of other modules, which compiled code would look up each time.)
_LOWEST: Final = -int_oo
_HIGHEST: Final = int_oo
_place: Final = user_location
_fact: Final = Fact


class Ranged:
    """A symbol as it was declared, with a range whose ends become facts when it is read."""

    __slots__ = ("backed", "lower", "place", "size_like", "sym", "upper", "where")

    def __init__(
        self,
        sym: Expr,
        backed: bool,
        place: int,
        lower: Bound,
        upper: Bound,
        size_like: bool,
        where: Location | None,
    ) -> None:
        self.sym = sym
        self.backed = backed
        self.place = place
        self.lower = lower
        self.upper = upper
        self.size_like = size_like
        self.where = where

    def ends(self) -> list[Fact]:
        """The ends of its range as facts."""
        sym = self.sym
        assert isinstance(sym, IntExpr)
        return declared_range(sym, self.lower, self.upper, self.size_like, self.where)


class Ledger:
    """What an environment was told, and what it knows by it. (A class by itself, because the
    compiled build reads and writes its fields at once; environments stay open to everyone.)"""

    __slots__ = ("axioms", "checks", "covered", "known", "lock", "model")

    def __init__(self) -> None:
        self.known: tuple[Facts, list[Any]] = (Facts(), [])
        """The facts, and what was declared and stated since (see `read`)."""
        self.axioms: list[Fact] = []
        """What is known without any check, as far as it is read."""
        self.checks: list[Check | Fact] = []
        """A fact is a check that a person stated, of which there is no more to say."""
        self.model = Model()
        self.covered = True
        """Whether the values of the model satisfy all that is known: facts that are set from
        outside were not compared with them."""
        self.lock = threading.RLock()
        """Held while something is declared or stated, and while that becomes facts: threads
        that share the environment do so one after the other, and none of it is lost."""

    def copied(self) -> Ledger:
        """The same, to go on by itself: what waits is read once, for both."""
        new = Ledger()
        with self.lock:
            new.known = (self.read(), [])
            new.axioms = self.axioms.copy()
            new.checks = list(self.every_check())
            new.model = self.model.copied()
            new.covered = self.covered
        return new

    def facts(self) -> Facts:
        """All that is known, as an immutable value."""
        facts, waiting = self.known
        return self.read() if waiting else facts

    def range_at_a_glance(self, env: ShapeEnv, e: object) -> ValueRanges | None:
        """The range of a sum that `at_a_glance` sees; None for anything else."""
        if type(e) is not SymInt or e.env is not env or e.defined is not TRUE:
            return None
        expr = e.expr
        return at_a_glance(self.facts(), expr) if type(expr) is Sum else None

    def know(self, facts: Facts) -> None:
        """Put facts in the place of all that is known."""
        with self.lock:
            self._put(facts, [])

    def _put(self, facts: Facts, waiting: list[Any]) -> tuple[Facts, list[Any]]:
        """Replace what is known; what was. (Compiled code lets go of a field's value before it
        sets the new one, and others read without the lock: the old one stays meanwhile.)"""
        before = self.known
        self.known = (facts, waiting)
        return before

    def declare(
        self,
        sym: Expr,
        backed: bool,
        place: int,
        lower: Bound,
        upper: Bound,
        size_like: bool,
        where: Location | None,
    ) -> None:
        """Take in a new symbol, and the ends of its range."""
        if size_like or lower is not _LOWEST or upper is not _HIGHEST:
            declared = Ranged(sym, backed, place, lower, upper, size_like, where)
            self.known[1].append(declared)
        else:
            self.known[1].append((sym, backed, place, ()))

    def take(
        self,
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
        """State a claim, which is its own text where there is none; raises
        `ContradictionError` if it is refuted."""
        if type(claim) is SymBool and claim.env is env and claim.defined is TRUE:
            whole = claim.expr
            assert isinstance(whole, BoolExpr)
            expr = whole
        else:
            whole, expr = env._whole(claim)
            if text is None and isinstance(claim, str):
                text = claim
        if location is None:
            location = _place()
        fact = _fact(whole, origin, text, message, operation, node, location)
        with self.lock:
            if self.covered and self.model.admits(env.symbols, self.known[0], whole):
                self.known[1].append(fact)  # (a signal's handler may have read it meanwhile)
            else:
                env._require_own(whole)
                env._take(fact)
            if origin == "check":
                if author == "user" and expr is whole:
                    self.checks.append(fact)
                else:
                    self.checks.append(_check(fact, author, expr))
        FACTS.say(DEBUG, "%s", fact)

    def every_check(self) -> tuple[Check, ...]:
        """The checks so far, in order."""
        with self.lock:
            checks = self.checks
            for place, stated in enumerate(checks):
                if isinstance(stated, Fact):
                    checks[place] = _check(stated, "user", stated.claim)
            return tuple(checks)  # type: ignore[arg-type]

    def read(self) -> Facts:
        """The facts with all that was declared and stated since they were last asked for: what
        is known of many symbols is made in one go, and a declaration itself takes no longer
        than what makes a symbol. (Nothing of it can fail: a new symbol's range has a value,
        and a statement that waits is satisfied by the values of the model.)"""
        with self.lock, uncounted():
            facts, waiting = self.known
            if not waiting:  # another thread was here
                return facts
            taken = waiting.copy()
            items, axioms = _in_order(taken)
            facts = facts.with_each(items)
            # (A signal's handler may have stated more meanwhile, and read it with these.)
            if self.known[1] is waiting:
                self._put(facts, waiting[len(taken) :])
                self.axioms += axioms
        return self.facts()


def _check(fact: Fact, author: str, expr: BoolExpr) -> Check:
    """The check that states a fact."""
    return Check(
        fact.claim, fact.text, fact.message, author, fact.operation, fact.location, fact, expr
    )


def _in_order(waiting: list[Any]) -> tuple[list[Declaration | Fact], list[Fact]]:
    """What was declared and stated, from what waits; and what of it needs no check."""
    items: list[Declaration | Fact] = []
    axioms: list[Fact] = []
    for entry in waiting:
        if isinstance(entry, Ranged):
            ends = entry.ends()
            axioms += ends
            items.append((entry.sym, entry.backed, entry.place, ends))
            continue
        items.append(entry)
        if not isinstance(entry, tuple) and entry.origin != "check":
            axioms.append(entry)
    return items, axioms
