"""Numbers that satisfy every condition stated so far, kept by local search while conditions
come (WalkSAT; how a relation is made to hold is `local_search`'s, here no facts are needed,
only conditions).

Most checks of a program are not implied by the others, and one example with a number changed
shows it: values that satisfy all other conditions and break this one. Then no prover need
be asked. Conditions are found by their symbols, so stating one and asking about one cost
what the conditions on its own symbols cost, not what all of them do.

A new condition that does not hold is repaired by changing one of its symbols by as little as
it takes, then the conditions that this breaks, and so on for a few steps. Where that fails,
the symbols that hang together with it have no example, and nothing is said of them.

Guarantee: `breaks` answers True only if it found values which satisfy all other conditions
that hang together with this one (by evaluation) and make this one false. A False says
nothing. Limits: integers only; an example is a search by small steps, not a solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from shapes.errors import ShapeproofError
from shapes.expr.nodes import EQ_ZERO, LE_ZERO, RELATIONS, SYMBOL, BoolExpr, Expr, side_of
from shapes.traversal.evaluate import evaluate
from shapes.witness.local_search import satisfied, step_to

__all__ = ["Condition", "Example"]

REPAIRS: Final = 12
"""Numbers that may be changed to make room for a change."""

TRIED: Final = 6
"""Changes that are tried to break one condition."""

CROWDED: Final = 64
"""A symbol with more conditions than that is changed only as often as statements pay for it:
to look at all of them costs much."""

PAID: Final = 4
"""Conditions that may be looked at for crowded symbols, for each symbol of one that is
stated."""

CHOICES: Final = 4
"""Changes that are compared, by what else they break."""

Values = dict[Expr, int]
Change = tuple[Expr, int]


class Condition:
    """A condition as an example reads it; one object for each time that it is stated.

    An integer relation over symbols is kept as its terms (``sum(c*s) + constant`` compared
    with zero); anything else is evaluated as it stands.
    """

    __slots__ = ("claim", "constant", "direction", "symbols", "terms")

    def __init__(self, claim: BoolExpr, symbols: tuple[Expr, ...]) -> None:
        self.claim = claim
        self.symbols = symbols
        self.terms: tuple[tuple[Expr, int], ...] | None = None
        self.constant = 0
        self.direction: object = claim
        if claim.op in RELATIONS:
            side = side_of(claim)
            terms = tuple(side.terms().items())
            if len(terms) == len(symbols) and all(t.op is SYMBOL for t, _ in terms):
                self.terms, self.constant = terms, side.constant
                if claim.op is LE_ZERO:
                    self.direction = terms[0] if len(terms) == 1 else frozenset(terms)

    def holds(self, values: Values) -> bool:
        """Whether it has a value, which is true."""
        if self.terms is None:
            return _truth(self.claim, values) is True
        return satisfied(self.claim.op, self._total(values))

    def fails(self, values: Values) -> bool:
        """Whether it has a value, which is false."""
        if self.terms is None:
            return _truth(self.claim, values) is False
        return not self.holds(values)

    def _total(self, values: Values) -> int:
        assert self.terms is not None
        total = self.constant
        for symbol, coefficient in self.terms:
            total += coefficient * values[symbol]
        return total

    def changes(self, values: Values, wanted: bool) -> Iterator[Change]:
        """Symbols with new values that make it true (false): the nearest ones for a relation
        over symbols, guesses for anything else."""
        if self.terms is None:
            for symbol in self.symbols:
                old = values[symbol]
                guesses = dict.fromkeys((old + 1, old - 1, 0, 1, 2 * old, old // 2))
                yield from ((symbol, new) for new in guesses if new != old)
            return
        total = self._total(values)
        for symbol, c in self.terms:
            for step in self._steps(total, c, wanted):
                if step is not None:
                    yield symbol, values[symbol] + step

    def _steps(self, total: int, c: int, wanted: bool) -> tuple[int | None, ...]:
        """By how much a symbol with coefficient `c` must change."""
        op = self.claim.op
        if op is LE_ZERO:  # (its negation is ``1 - total <= 0``)
            return (step_to(op, total, c) if wanted else step_to(op, 1 - total, -c),)
        return (step_to(op, total, c),) if (op is EQ_ZERO) is wanted else (1, -1)


def _truth(claim: BoolExpr, values: Values) -> object:
    try:
        return evaluate(claim, values)
    except ShapeproofError:  # no value, or one that Python cannot compute
        return None


class Example:
    """Values for all symbols of the conditions stated so far.

    `start` gives a symbol's first value. `looked_at` counts evaluations of conditions.
    """

    def __init__(self, start: Callable[[Expr], int]) -> None:
        self._start = start
        self._values: Values = {}
        self._about: dict[Expr, dict[object, list[Condition]]] = {}
        self._parent: dict[Expr, Expr] = {}
        self._lost: set[Expr] = set()
        self._credit = 0
        self.looked_at = 0

    def state(self, condition: Condition) -> None:
        """Take in a condition, which stays."""
        if not condition.symbols:
            return
        for symbol in condition.symbols:
            if symbol not in self._values:
                self._values[symbol] = self._start(symbol)
                self._about[symbol] = {}
                self._parent[symbol] = symbol
        self._credit += PAID * len(condition.symbols)
        root = self._joined(condition.symbols)
        for symbol in condition.symbols:
            self._enter(self._about[symbol], condition)
        if root not in self._lost and not self._made_true(condition):
            self._lost.add(root)

    def breaks(self, condition: Condition) -> bool:
        """Whether values were found that satisfy all other conditions, and break this one,
        which was stated before."""
        symbols = condition.symbols
        if not symbols or self._root(symbols[0]) in self._lost:
            return False
        changes = self._by_crowd(condition.changes(self._values, wanted=False))
        if len(changes) > TRIED:  # mostly free symbols, and one that is in many conditions
            changes[TRIED - 1 :] = changes[-1:]
        for change in changes:
            old = self._changed(change, condition)
            if old is None:
                continue
            broken = condition.fails(self._values)
            self._values.update(old)
            if broken:
                return True
        return False

    # ------------------------------------------------------------------ what hangs together

    def _root(self, symbol: Expr) -> Expr:
        parent = self._parent
        while parent[symbol] is not symbol:
            parent[symbol] = parent[parent[symbol]]
            symbol = parent[symbol]
        return symbol

    def _joined(self, symbols: Iterable[Expr]) -> Expr:
        roots = list({self._root(symbol): None for symbol in symbols})
        first = roots[0]
        for other in roots[1:]:
            self._parent[other] = first
            if other in self._lost:
                self._lost.add(first)
        return first

    @staticmethod
    def _enter(about: dict[object, list[Condition]], condition: Condition) -> None:
        """Of bounds on the same terms only the two tightest matter (the tightest, and the one
        that is left when that is asked about), and of one condition stated often only two."""
        same = about.setdefault(condition.direction, [])
        same.append(condition)
        if len(same) > 2:
            same.sort(key=_tightness, reverse=True)
            same.pop()

    # ------------------------------------------------------------------ changing values

    def _made_true(self, condition: Condition) -> bool:
        """Whether the condition holds, maybe after a few changes."""
        if any(symbol.kind != "int" for symbol in condition.symbols):
            return False
        self.looked_at += 1
        if condition.holds(self._values):
            return True
        for change in self._repairs(condition, {}):
            for one in (self._generous(change), change):
                if one is not None and self._changed(one, None) is not None:
                    return True
        return False

    def _generous(self, change: Change) -> Change | None:
        """A crowded symbol makes room for further conditions like this one at once."""
        symbol, value = change
        crowd = len(self._about[symbol])
        if crowd <= CROWDED:
            return None
        return symbol, value + crowd * (value - self._values[symbol])

    def _by_crowd(self, changes: Iterable[Change]) -> list[Change]:
        """Changes of symbols with few conditions first: they break the least."""
        return sorted(changes, key=lambda change: len(self._about[change[0]]))

    def _changed(self, change: Change, but: Condition | None) -> Values | None:
        """Change a symbol, and others until all stated conditions hold again
        (`but` one): the old values of what was changed, or None, with everything as before."""
        symbol, value = change
        if not self._affords(symbol):
            return None
        values = self._values
        old = {symbol: values[symbol]}
        values[symbol] = value
        pending = self._violated(symbol, but)
        while pending:
            condition = pending.pop()
            if condition.holds(values):
                continue
            repair = self._best(islice(self._repairs(condition, old), CHOICES))
            if repair is None or len(old) > REPAIRS:
                values.update(old)
                return None
            symbol, value = repair
            old[symbol] = values[symbol]
            values[symbol] = value
            pending += self._violated(symbol, but)
        return old

    def _affords(self, symbol: Expr) -> bool:
        """Whether the conditions on a symbol may be looked at; then they will be."""
        crowd = len(self._about[symbol])
        if crowd > CROWDED:
            if self._credit < crowd:
                return False
            self._credit -= crowd
        return True

    def _best(self, changes: Iterable[Change]) -> Change | None:
        """The change which breaks the fewest conditions; the first of equals."""
        best, fewest = None, -1
        for symbol, value in changes:
            before, self._values[symbol] = self._values[symbol], value
            broken = len(self._violated(symbol, None))
            self._values[symbol] = before
            if best is None or broken < fewest:
                best, fewest = (symbol, value), broken
            if not broken:
                break
        return best

    def _violated(self, symbol: Expr, but: Condition | None) -> list[Condition]:
        found = []
        for same in self._about[symbol].values():
            for condition in same:
                self.looked_at += 1
                if condition is not but and not condition.holds(self._values):
                    found.append(condition)
        return found

    def _repairs(self, condition: Condition, changed: Values) -> Iterator[Change]:
        """Changes of symbols not changed yet that make a condition true."""
        values = self._values
        for symbol, value in self._by_crowd(condition.changes(values, wanted=True)):
            if symbol in changed or not self._affords(symbol):
                continue
            if condition.terms is None:
                before, values[symbol] = values[symbol], value
                self.looked_at += 1
                holds = condition.holds(values)
                values[symbol] = before
                if not holds:
                    continue
            yield symbol, value


def _tightness(condition: Condition) -> int:
    return condition.constant
