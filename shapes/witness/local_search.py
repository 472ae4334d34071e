"""Local search: values that satisfy facts, mended by moving one symbol at a time (WalkSAT:
Selman, Kautz & Cohen 1994; for differences like the potentials of Cotton & Maler, SAT 2006).

A condition that does not hold is made true by the move that breaks the fewest others, of a
symbol that was moved least; then those that it breaks are mended. Where a relation is broken,
each of its symbols is moved to where it just holds.

Guarantees: facts are not changed; budgets count evaluations.
Limits: None says nothing. What `nearby` and `moved` find is to be evaluated before use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from shapes.base.budget import ExhaustedError
from shapes.base.infinity import IntInfinity
from shapes.domains.float_ranges import float_ends
from shapes.errors import UndefinedError
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    SYMBOL,
    BoolExpr,
    Expr,
    IntExpr,
    Op,
    Sum,
    Value,
    side_of,
)
from shapes.facts.knowledge import Knowledge
from shapes.facts.store import Facts
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import free_symbols, symbols_of

__all__ = ["MENDING", "LocalSearch", "moved", "nearby", "satisfied", "step_to"]

MENDING: Final = 60
"""Facts that are evaluated to mend the values for one statement."""
MOVES_EACH: Final = 2
"""How often one symbol is moved for one statement."""
WAYS: Final = 8
"""Moves that are tried for one condition that does not hold."""


class LocalSearch:
    """Values of symbols, and how to mend them where they do not satisfy a condition."""

    def __init__(self, values: Mapping[Expr, Value], wanted: BoolExpr | None = None) -> None:
        self._values: dict[Expr, Value] = dict(values)
        self._moved: dict[Expr, Value] = {}  # by the last mending, with their values before
        self._wanted = wanted  # a condition besides the facts
        self._used = 0  # evaluations of the last mending

    def _admits(self, facts: Facts, claim: Expr) -> bool | None:
        """Whether the values satisfy a relation of symbols, in one pass: what is usual. None
        for any other condition, and where a value is outside of its symbol's range. A symbol
        without a value gets one."""
        op = claim.op
        if op is not LE_ZERO and op is not EQ_ZERO and op is not NE_ZERO:
            return None
        e = side_of(claim)
        values = self._values
        total = e.constant
        for x, c in e.terms().items():
            if x.op is not SYMBOL:
                return None
            value = values.get(x)
            known = facts.known(x)
            if value is None:
                value = values[x] = 0 if known is None else _within(known, 0)
            assert isinstance(value, int)
            if known is not None and _within(known, value) != value:
                return None
            total += c * value
        return satisfied(op, total)

    def _enter(self, facts: Facts, sym: Expr) -> bool:
        """A value within the range that is known: the one that it has, or the nearest to 0.
        Whether this moves one that facts were compared with."""
        value = self._values.get(sym)
        if isinstance(sym, IntExpr):
            old = 0 if value is None else _integer(value)
            known = facts.known(sym)
            nearest = old if known is None else _within(known, old)
            if nearest != old or value is None:
                self._values[sym] = nearest
                return value is not None
            return False
        if sym.kind == "bool":
            self._values.setdefault(sym, False)
            return False
        if value is not None and value in facts.double_range(sym)[0]:
            return False
        self._values[sym] = _double(facts, sym)
        return value is not None and self._values[sym] != value

    def _enter_missing(self, facts: Facts, claim: Expr) -> None:
        """Values for symbols of a condition that have none."""
        for sym in free_symbols(claim):
            if sym not in self._values:
                self._enter(facts, sym)

    def _holds(self, claim: Expr) -> bool:
        total = _total(claim, self._values)
        if total is not None:
            return satisfied(claim.op, total)
        if claim.op is OPERATORS["And"]:
            return all(map(self._holds, claim.args))
        if claim.op is OPERATORS["Or"]:
            totals = [_total(part, self._values) for part in claim.args]
            if None not in totals:  # all of them have a value
                return any(map(self._holds, claim.args))
        return _value(claim, self._values) is True

    def _settled(self, facts: Facts, claim: Expr) -> bool:
        """Move a symbol about which nothing else is said; the usual case, made quick."""
        if claim.op is not LE_ZERO and claim.op is not EQ_ZERO:
            return False
        values = self._values
        total = _value(claim.args[0], values)
        if total is None:
            return False
        for x, c in side_of(claim).terms().items():
            if x.op is not SYMBOL or not facts.is_new(x):
                continue
            value = _moved(facts, claim, x, c, _integer(total), values)
            known = facts.knowledge(x)
            if value is not None and known.lower <= value <= known.upper:
                old, values[x] = values[x], value
                if self._holds(claim):  # unless the symbol is inside of other terms too
                    return True
                values[x] = old
        return False

    def _mended(self, facts: Facts, suspected: Sequence[Expr], steps: int) -> bool:
        """Move symbols until these hold, and all that was stated about those symbols."""
        values = self._values
        saved = self._moved = dict[Expr, Value]()
        moved = Counter[Expr]()
        pending = list(suspected)
        for claim in pending:  # facts may have been added without a look at the values
            self._enter_missing(facts, claim)
        left = steps
        try:
            while pending and left > 0:
                broken = pending.pop()
                left -= 1
                if self._holds(broken):
                    continue
                move, used = self._best_move(facts, broken, moved, left)
                left -= used
                if move is None:
                    pending.append(broken)
                    break
                sym, value, others = move
                saved.setdefault(sym, values[sym])
                moved[sym] += 1
                values[sym] = value
                pending += [broken, *others]
        except ExhaustedError:
            values.update(saved)
            raise
        self._used = steps - max(left, 0)
        if pending or not all(map(self._holds, suspected)):
            values.update(saved)
            return False
        return True

    def _best_move(
        self, facts: Facts, broken: Expr, moved: Counter[Expr], steps: int
    ) -> tuple[tuple[Expr, Value, list[Expr]] | None, int]:
        """The move that makes a condition hold and breaks the fewest others, of a symbol that
        was moved least; and how many conditions were looked at."""
        values = self._values
        best: tuple[Expr, Value, list[Expr]] | None = None
        used = 0
        for sym, value in islice(_ways(facts, broken, values), WAYS):
            if moved[sym] >= MOVES_EACH:
                continue
            old = values[sym]
            values[sym] = value
            others: list[Expr] | None = None
            used += 1
            try:
                if self._holds(broken):
                    others, looked = self._breaks(facts, sym, steps - used)
                    used += looked
            finally:
                values[sym] = old
            if others is None:
                continue
            rank = len(others), moved[sym]
            if best is None or rank < (len(best[2]), moved[best[0]]):
                best = sym, value, others
            if not others:
                break
        return best, used

    def _breaks(self, facts: Facts, sym: Expr, limit: int) -> tuple[list[Expr] | None, int]:
        """The facts about a symbol that do not hold now, None if there are too many to see;
        and how many were looked at."""
        found: list[Expr] = []
        looked = 0
        for fact in facts.about(sym):
            if looked >= limit:
                return None, looked
            looked += 1
            self._enter_missing(facts, fact.claim)
            if not self._holds(fact.claim):
                found.append(fact.claim)
        wanted = self._wanted
        if wanted is not None and sym in symbols_of(wanted) and not self._holds(wanted):
            found.append(wanted)
        return found, looked


def nearby(
    facts: Facts, values: Mapping[Expr, Value], condition: BoolExpr
) -> Mapping[Expr, Value] | None:
    """Values that satisfy a condition besides the facts, found by moving a few of those that
    satisfied the facts; None if that does not work out. To be evaluated before use."""
    search = LocalSearch(values)
    for sym in free_symbols(condition):
        search._enter(facts, sym)
    return search._values if search._mended(facts, [condition], MENDING) else None


def moved(
    facts: Facts,
    values: Mapping[Expr, Value],
    condition: BoolExpr,
    steps: int | None = None,
) -> dict[Expr, Value] | None:
    """What has to change in values that satisfy the facts so that a condition holds too;
    None if that is not found within so many steps. To be evaluated before use."""
    search = LocalSearch(values, condition)
    if not search._mended(facts, [condition], MENDING if steps is None else steps):
        return None
    return {sym: search._values[sym] for sym in search._moved}


def satisfied(op: Op, total: int) -> bool:
    """Whether a relation holds whose side has that value."""
    return total <= 0 if op is LE_ZERO else (total == 0) is (op is EQ_ZERO)


def step_to(op: Op, total: int, c: int) -> int | None:
    """By how much a symbol with coefficient `c` must change so that a relation just holds
    whose side is `total`; None if no step does that. For ``!= 0``: how it fails to hold."""
    if op is LE_ZERO:  # c*step may be at most -total
        size = -(-total // abs(c))
        return -size if c > 0 else size
    return None if total % c else -total // c


def _value(expr: Expr, values: Mapping[Expr, Value]) -> Value | None:
    """The value of an expression, if it has one."""
    if isinstance(expr, Sum):
        total = expr.constant
        for x, c in expr.terms().items():
            part = values.get(x) if x.op is SYMBOL else _value(x, values)
            if not isinstance(part, int):
                return None
            total += c * part
        return total
    try:
        return evaluated(expr, values)  # type: ignore[no-any-return]
    except UndefinedError:
        return None


def _total(claim: Expr, values: Mapping[Expr, Value]) -> int | None:
    """The value of the side of a relation between symbols."""
    op = claim.op
    if op is not LE_ZERO and op is not EQ_ZERO and op is not NE_ZERO:
        return None
    e = side_of(claim)
    total = e.constant
    for x, c in e.terms().items():
        if x.op is not SYMBOL:
            return None
        value = values[x]
        assert isinstance(value, int)
        total += c * value
    return total


def _integer(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _within(known: Knowledge, value: int) -> int:
    """The nearest value that the range and the congruence of a symbol admit."""
    m, r = known.congruence
    if m == 0:
        value = r
    elif isinstance(known.upper, int) and value > known.upper:
        value = known.upper - (known.upper - r) % m
    else:
        if isinstance(known.lower, int) and value < known.lower:
            value = known.lower
        value += (r - value) % m
    return value


def _double(facts: Facts, sym: Expr) -> float:
    known = facts.double_range(sym)[0]
    if 0.0 in known or known.lower is None:
        return 0.0
    lower, upper = float_ends(known)
    return lower if lower in known else upper


# --------------------------------------------------------------------------- moves


def _ways(
    facts: Facts, claim: Expr, values: Mapping[Expr, Value]
) -> Iterator[tuple[Expr, Value]]:
    """Moves of one symbol that may make a condition hold."""
    if claim.op is OPERATORS["And"] or claim.op is OPERATORS["Or"]:
        for part in claim.args:
            if _value(part, values) is not True:
                yield from islice(_ways(facts, part, values), WAYS // 2)
        return
    if claim.op in (LE_ZERO, EQ_ZERO, NE_ZERO):
        yield from _ways_of_relation(facts, claim, values)
        if claim.op is LE_ZERO and _total(claim, values) is not None:
            return
    for sym in free_symbols(claim):
        if sym.kind == "bool":
            yield sym, not values[sym]
        elif isinstance(sym, IntExpr):
            for value in _near(facts, sym, _integer(values[sym])):
                yield sym, value


def _ways_of_relation(
    facts: Facts, claim: Expr, values: Mapping[Expr, Value]
) -> Iterator[tuple[Expr, Value]]:
    """Each symbol moved to where the relation just holds, the others staying."""
    e = claim.args[0]
    total = _value(e, values)
    if not isinstance(total, int):
        return
    assert isinstance(e, IntExpr)
    for x, c in e.terms().items():
        if x.op is SYMBOL and claim.op is not NE_ZERO:
            value = _moved(facts, claim, x, c, total, values)
            known = facts.knowledge(x)
            if value is not None and known.lower <= value <= known.upper:
                yield x, value


def _moved(
    facts: Facts,
    claim: Expr,
    x: IntExpr,
    c: int,
    total: int,
    values: Mapping[Expr, Value],
) -> int | None:
    """Where a relation just holds, if ``c*x`` is a term of its side, which is `total` now."""
    step = step_to(claim.op, total, c)
    if step is None:
        return None
    new = _integer(values[x]) + step
    m, r = facts.knowledge(x).congruence
    if m > 1 and claim.op is LE_ZERO:
        new += (r - new) % m if c < 0 else -((new - r) % m)
    return new


def _near(facts: Facts, sym: IntExpr, value: int) -> Iterator[int]:
    """A few other values within the known range."""
    known = facts.knowledge(sym)
    ends = [end for end in (known.lower, known.upper) if not isinstance(end, IntInfinity)]
    for other in dict.fromkeys((value + 1, value - 1, *ends, 1, 2, 0)):
        if other != value and known.lower <= other <= known.upper:
            yield other
