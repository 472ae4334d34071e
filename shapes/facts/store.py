"""What is known: facts with their provenance, as an immutable value.

A fact about a linear combination is kept under its primitive *direction* (see
`linear.direction`): an interval and a congruence, each end with the facts that it rests on.
So a bound on ``2*x`` answers for ``4*x + 1``, and ``x - y <= 3`` for ``y - x``. An equality
with a unit coefficient is solved for its youngest symbol (inputs are older than what is read
at run time, so they stay) and substituted everywhere. What a relation says about its
atoms' ranges is propagated at once (see `propagation`), within a budget of steps.

`Facts.given` answers with new facts; the old ones stay as they were, share their structure
with the new, and asking never changes either. Everything learned from `a` is remembered
with `a` among its reasons, so proofs can name what they used, and a contradiction names a
minimal set of culprits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias, overload

from shapes.base.budget import spend
from shapes.base.infinity import Bound, int_oo
from shapes.base.persistent import (
    WAITING,
    FirstValues,
    PersistentLists,
    PersistentMap,
    linked,
    oldest_first,
)
from shapes.domains import ValueRanges
from shapes.expr.linear import direction
from shapes.expr.nodes import BoolExpr, Expr, IntExpr, Sum
from shapes.facts.abstract_value import Fact, Origin, Reasons, contradiction, smallest
from shapes.facts.cache import Part
from shapes.facts.justification import NO_REASONS
from shapes.facts.knowledge import NOTHING, Knowledge, scaled
from shapes.facts.propagation import (
    PROPAGATION_STEPS,
    UNBACKED,
    Learner,
    NoValueError,
    youth,
)
from shapes.facts.solved import Solved
from shapes.traversal.interpret import free_symbols, symbols_of
from shapes.traversal.substitute import rebuilt

__all__ = [
    "Declaration",
    "Fact",
    "Facts",
    "Knowledge",
    "Origin",
    "Reasons",
    "contradiction",
    "scaled",
    "together",
]

Statement: TypeAlias = tuple[Fact, Any, bool]
"""A fact, the statement before it, and whether it just bounds one symbol."""

Lists: TypeAlias = PersistentMap[Expr, Any]
"""Linked lists ``(newest, older)`` of facts, each with its place among all, by symbol."""

Declaration: TypeAlias = tuple[Expr, bool, int, Sequence[Fact]]
"""A symbol, whether it is an input, its place among all, the ends of its range."""

_NONE: Final = NO_REASONS
_ANY_DOUBLE: Final = ValueRanges.unknown_float()


class Facts:
    """An immutable set of facts, indexed for questions."""

    __slots__ = (
        "__weakref__", "_about", "_claims", "_count", "_declared", "_doubles", "_index",
        "_known", "_solved", "_stated", "cache", "has_disequalities", "has_operators",
        "has_relations", "has_residues", "has_solved",
    )  # fmt: skip

    def __init__(self) -> None:
        # The newest statement.
        self._stated: Statement | None = None
        self._count = 0
        # The place of a symbol in the order in which equations are solved (see `youth`).
        self._declared: PersistentMap[Expr, int] = PersistentMap()
        self._claims: FirstValues[Expr, Reasons] = FirstValues()
        self._doubles: PersistentMap[Expr, tuple[ValueRanges, Reasons]] = PersistentMap()
        self._known: PersistentMap[IntExpr, Knowledge] = PersistentMap()
        self._solved: Solved = PersistentMap()
        # Relations by their atoms, and other conditions by their symbols.
        self._about: PersistentLists[Expr, Expr] = PersistentLists()
        # Statements by their symbols, and those that bound one symbol by themselves; they are
        # entered on demand, up to that one.
        self._index: tuple[Lists, Lists, int] = (PersistentMap(), PersistentMap(), 0)
        self.has_solved = False  # whether any equality was solved
        self.has_operators = False  # whether anything is known of an atom that isn't a symbol
        self.has_residues = False  # whether a congruence of any direction is known
        self.has_relations = False  # whether anything is known of a sum
        self.has_disequalities = False  # whether a sum was stated not to be some value
        self.cache: dict[Part[Any, Any], dict[Any, Any]] = {}  # answers, by kind

    def __iter__(self) -> Iterator[Fact]:
        return iter(oldest_first(self._stated))

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<Facts: {'; '.join(fact.spelled for fact in self) or 'none'}>"

    def __copy__(self) -> Facts:
        return self

    def __deepcopy__(self, memo: object) -> Facts:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        places = [(sym, divmod(age, UNBACKED)) for sym, age in self._declared.items()]
        places.sort(key=lambda item: item[1][1])
        declared = [(sym, (unbacked > 0, place)) for sym, (unbacked, place) in places]
        return _learned_again, (tuple(declared), tuple(self))

    # ------------------------------------------------------------------ asking

    def knowledge(self, d: IntExpr) -> Knowledge:
        """What was learned about a direction as such (not what follows from its parts)."""
        return self._known.get(d) or NOTHING

    def known(self, d: IntExpr) -> Knowledge | None:
        """The same, or None where nothing was learned."""
        return self._known.get(d)

    def range_of(self, e: IntExpr) -> tuple[Bound, Bound]:
        """The interval that is kept for a combination under its direction."""
        f, d = direction(e)
        known = self._known.get(d)
        if known is None:
            return -int_oo, int_oo
        ends = scaled(known.lower, f, e.constant), scaled(known.upper, f, e.constant)
        return ends if f > 0 else (ends[1], ends[0])

    def holds(self, claim: Expr) -> Reasons | None:
        """The reasons of a claim that was stated in just this form."""
        return self._claims.get(claim)

    @overload
    def normalized(self, expr: IntExpr) -> tuple[IntExpr, Reasons]: ...
    @overload
    def normalized(self, expr: BoolExpr) -> tuple[BoolExpr, Reasons]: ...
    @overload
    def normalized(self, expr: Expr) -> tuple[Expr, Reasons]: ...
    def normalized(self, expr: Expr) -> tuple[Expr, Reasons]:
        """The expression with solved symbols replaced, and the equalities that this used."""
        if not self.has_solved:
            return expr, _NONE
        solved = self._solved
        reasons: Reasons = _NONE
        while True:
            replaced: dict[Expr, Expr] = {}
            for sym in symbols_of(expr):
                found = solved.get(sym)
                if found is not None:
                    replaced[sym], why = found
                    reasons |= why
            if not replaced:
                return expr, reasons
            expr = rebuilt(expr, replaced)

    def double_range(self, sym: Expr) -> tuple[ValueRanges, Reasons]:
        """The range of a float symbol, with its reasons."""
        return self._doubles.get(sym) or (_ANY_DOUBLE, _NONE)

    def relations_about(self, atom: IntExpr) -> list[IntExpr]:
        """The directions of two and more atoms, one of them this one, about which something
        is known; newest first."""
        found = [item for item in self._about.items_of(atom) if type(item) is Sum]
        return [d for d in dict.fromkeys(found) if atom in d.terms()]

    def related(self, atom: Expr) -> Any:
        """The linked list ``(newest, older)`` of the relations with an atom and of the other
        conditions with a symbol, as they were when they were stated."""
        return self._about.get(atom)

    def by_symbol(self) -> Lists:
        """The statements in which a symbol occurs, but for bounds on the symbol alone."""
        if self._index[2] != self._count:
            self._enter()
        return self._index[0]

    def _bounding(self) -> Lists:
        """Those that just bound a symbol."""
        if self._index[2] != self._count:
            self._enter()
        return self._index[1]

    def _enter(self) -> None:
        """Enter the statements that are not in the index yet. (The lists of the others stay
        as they are: facts share them, and another thread may read them now.)"""
        several, alone, place = self._index
        new: list[Statement] = []
        cell: Any = self._stated
        for _ in range(self._count - place):
            new.append(cell)
            cell = cell[1]
        fresh: dict[Expr, Any] = {}
        bounding: dict[Expr, Any] = {}
        for fact, _, is_bound in reversed(new):
            place += 1
            entered = (fact, place)
            lists, before = (bounding, alone) if is_bound else (fresh, several)
            for sym in symbols_of(fact.claim):
                older = lists.get(sym)
                lists[sym] = (entered, before.get(sym) if older is None else older)
        if fresh:
            several = several.with_all(fresh)
        if bounding:
            alone = alone.with_all(bounding)
        self._index = (several, alone, self._count)

    def about(self, sym: Expr) -> Iterator[Fact]:
        """The facts in which a symbol occurs, newest first, but for bounds on the symbol
        alone: all that these say is in its range."""
        for entered in linked(self.by_symbol().get(sym)):
            yield entered[0]

    def stated_about(self, sym: Expr) -> Iterator[Fact]:
        """The facts in which a symbol occurs, bounds on the symbol alone among them."""
        yield from self.about(sym)
        for entered in linked(self._bounding().get(sym)):
            yield entered[0]

    def stands_alone(self, sym: Expr) -> bool:
        """Whether all that is stated about a symbol are ends of its range."""
        return self.by_symbol().get(sym) is None

    def may_be_zero(self, sym: IntExpr) -> bool:
        """Whether all that is known of a symbol is a range with 0 in it, or nothing."""
        known = self._known.get(sym)
        if known is not None and not (
            known.lower <= 0 <= known.upper
            and known.congruence.modulus == 1
            and not known.excluded
        ):
            return False
        return self.by_symbol().get(sym) is None and self._solved.get(sym) is None

    def is_new(self, sym: Expr) -> bool:
        """Whether a symbol occurs in just one fact, beside bounds."""
        cell = self.by_symbol().get(sym)
        return cell is not None and cell[1] is None

    def connected(self, expr: Expr, limit: int | None = None) -> list[Fact]:
        """The facts that share a symbol with the expression, directly or through others, in
        the order in which they were stated; no more are looked for once there are `limit`."""
        seen: set[Expr] = set()
        found: dict[Fact, int] = {}
        pending = free_symbols(expr)
        while pending:
            sym = pending.pop()
            if sym in seen:
                continue
            seen.add(sym)
            for fact, place in linked(self.by_symbol().get(sym)):
                if limit is not None and len(found) >= limit:
                    break
                if fact not in found:
                    found[fact] = place
                    pending.extend(symbols_of(fact.claim))
            left = None if limit is None else max(0, limit - len(found))
            found.update(islice(linked(self._bounding().get(sym)), left))
            if limit is not None and len(found) >= limit:
                break
        spend(len(found))
        return sorted(found, key=found.__getitem__)

    def are_crowded(self, expr: Expr, limit: int) -> bool:
        """Whether more facts than that are connected with the expression; no more are looked
        at."""
        if self._count <= limit:
            return False
        seen: set[Expr] = set()
        found: set[Fact] = set()
        pending = list(symbols_of(expr))
        while pending:
            sym = pending.pop()
            if sym in seen:
                continue
            seen.add(sym)
            for fact in self.stated_about(sym):
                if fact not in found:
                    found.add(fact)
                    if len(found) > limit:
                        return True
                    pending.extend(symbols_of(fact.claim))
        return False

    def in_order(self, some: Iterable[Fact]) -> tuple[Fact, ...]:
        """Some of the facts in the order in which they were stated, without a look at those
        that share no symbol with them."""
        found = list(some)
        if len(found) < 2:
            return tuple(found)
        places: dict[Fact, int] = {}
        for fact in found:
            if fact in places:
                continue
            places[fact] = 0
            symbols = symbols_of(fact.claim)
            if not symbols:
                continue
            cell = self.by_symbol().get(symbols[0])
            while cell is not None:
                other, place = cell[0]
                places[other] = place
                cell = cell[1]
            if len(symbols) == 1:
                places.update(linked(self._bounding().get(symbols[0])))
        found.sort(key=places.__getitem__)
        return tuple(found)

    # ------------------------------------------------------------------ learning

    def copied(self) -> Facts:
        """The same as a new value, for a `Learner` to write on."""
        if self._count - self._index[2] > WAITING:
            self._enter()  # once, for all that come of it
        new: Facts = Facts.__new__(Facts)
        new._stated = self._stated
        new._count = self._count
        new._declared = self._declared
        new._claims = self._claims
        new._doubles = self._doubles
        new._known = self._known
        new._solved = self._solved
        new._about = self._about
        new._index = self._index
        new.has_solved = self.has_solved
        new.has_operators = self.has_operators
        new.has_residues = self.has_residues
        new.has_relations = self.has_relations
        new.has_disequalities = self.has_disequalities
        new.cache = {}
        return new

    def declaring(
        self, sym: Expr, backed: bool, place: int, ends: Sequence[Fact] = ()
    ) -> Facts:
        """The same facts, which also know whether a symbol is an input and in which place it
        was declared, and the ends of its range. An equation is solved for what is read at run
        time, and among equals for the last declared; nodes are shared with others, whose
        order must not matter."""
        return self.with_each(((sym, backed, place, ends),))

    def with_each(self, items: Sequence[Declaration | Fact]) -> Facts:
        """The facts with several declarations and statements, one after the other: facts that
        are only on the way to others are not made. Raises `ContradictionError`."""
        try:
            return Learner(self, PROPAGATION_STEPS).learn_each(items)
        except NoValueError:
            pass  # named below, with the culprits
        known = self
        for item in items:
            if isinstance(item, Fact):
                known = known.given(item)
                continue
            sym, backed, place, ends = item
            known = known.copied()
            known._declared = known._declared.assoc(sym, youth(backed, place))
            known = known.given(*ends)
        return known

    def _open(self) -> None:
        """Let a `Learner` add to what is its own in place, until `_close`."""
        self._declared = self._declared.opened()
        self._claims = self._claims.opened()
        self._known = self._known.opened()
        self._solved = self._solved.opened()
        self._about = self._about.opened()

    def _close(self) -> None:
        self._declared = self._declared.closed()
        self._claims = self._claims.closed()
        self._known = self._known.closed()
        self._solved = self._solved.closed()
        self._about = self._about.closed()

    def given(self, *facts: Fact | BoolExpr) -> Facts:
        """These facts and more. Raises `ContradictionError` with a minimal set of culprits
        if they cannot hold together as far as ranges, congruences and equalities show."""
        result = self
        for fact in facts:
            stated = fact if isinstance(fact, Fact) else Fact(fact, "given")
            learned = result.extended(stated)
            if not isinstance(learned, Facts):
                known = [*(f for f in result if f in learned), stated]
                raise contradiction(smallest(known, _contradict))
            result = learned
        return result

    def extended(self, fact: Fact, steps: int = PROPAGATION_STEPS) -> Facts | Reasons:
        """These facts and one more; or, if ranges, congruences and equalities show that it
        cannot hold with them, those that it contradicts (some may not be needed). `steps`
        limits how far what the fact says about ranges is propagated."""
        try:
            return Learner(self, steps).learn(fact)
        except NoValueError as found:
            return found.reasons


def _learned_again(declared: tuple[Any, ...], stated: tuple[Fact, ...]) -> Facts:
    """Facts that were pickled, by earlier versions too."""
    known = Facts()
    for sym, (unbacked, place) in declared:
        known = known.declaring(sym, not unbacked, place)
    return known.given(*stated)


def together(stated: Iterable[Fact]) -> Facts | None:
    """These facts alone; None if learning sees that they contradict each other."""
    known = Facts()
    for fact in stated:
        learned = known.extended(fact)
        if not isinstance(learned, Facts):
            return None
        known = learned
    return known


def _contradict(stated: list[Fact]) -> bool:
    return together(stated) is None
