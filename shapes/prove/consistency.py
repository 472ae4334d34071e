"""Consistency of facts, checked at every statement: local search first (WalkSAT: Selman,
Kautz & Cohen 1994), refutation within a credit of steps second.

A `Model` holds values that satisfy what was stated so far. Most statements hold for them, or
do so when a symbol or two are moved (in the manner of Selman and Kautz's local search, and
for differences in that of Cotton and Maler's potentials); that costs a few evaluations, and
nothing is left to ask. A statement that the values cannot be mended for is suspected, and
refutations are tried: ranges, then linear reasoning and a few cases over what is connected
with it. These cost as much as there are connected facts, so they are paid for out of a
credit to which every statement adds: stating n facts stays linear in n.

Guarantees: only what is refuted is refused, and its culprits are as few as leaving out finds
(`smallest`). The values are never part of a proof.
Limits: refutation within budgets misses contradictions; those are found, within larger
budgets, when a question meets them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from shapes.base.budget import ExhaustedError, limited
from shapes.base.infinity import IntInfinity
from shapes.errors import ContradictionError, TooLargeError, UndefinedError
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    SYMBOL,
    BoolExpr,
    Expr,
    IntExpr,
    Sum,
    Value,
)
from shapes.facts.abstract_value import Knowledge, smallest
from shapes.facts.bounds import bounds_with_reasons
from shapes.facts.store import Fact, Facts, Reasons, contradiction, together
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import free_symbols, symbols_of

__all__ = ["Model", "ModelState", "blamed", "moved", "nearby", "refuse", "refuted"]

MENDING: Final = 60
"""Facts that are evaluated to mend the values for one statement."""
MOVES_EACH: Final = 2
"""How often one symbol is moved for one statement."""
WAYS: Final = 8
"""Moves that are tried for one condition that does not hold."""

OPEN: Final = 8
"""Conditions for which mending failed that are tried again with later ones."""

STATEMENT_STEPS: Final = 300_000
"""Steps (see `budget`) of looking whether one statement can hold with the others."""

CREDIT: Final = 12
"""What one statement adds to the credit for refutations: a fact that may be read again."""
CREDIT_AT_FIRST: Final = 400
CREDIT_LIMIT: Final = 100_000
ATTEMPT: Final = 40
"""What an attempt costs, besides the facts that are connected."""

CASES: Final = 12
"""Cases of a refutation at a statement."""
WORK: Final = 600
"""Combinations of rows of a refutation at a statement."""


# --------------------------------------------------------------------------- refutations


def refuted(facts: Facts, focus: BoolExpr, newest: Fact | None = None) -> Reasons | None:
    """Facts connected with a condition that are shown not to hold together (some may not be
    needed); None if that is not seen. `newest` is the one that is suspected."""
    from shapes.prove.case_split import contradicted  # only where facts are suspected

    return contradicted(facts, focus, newest, CASES, WORK)


def _refused(before: Facts, learned: Facts, newest: Fact) -> Reasons | None:
    """The same for a statement, `newest`, that `before` became `learned` with."""
    from shapes.arith.system import circle

    found = circle(before, newest.claim)
    if found is None:
        found = refuted(learned, newest.claim, newest)
    return None if found is None else found | {newest}


def refuse(facts: Facts, culprits: Reasons) -> ContradictionError:
    """The error for facts that were refuted, with as few of them as leaving out finds."""
    stated = [fact for fact in facts if fact in culprits]
    return contradiction(smallest(stated, _impossible))


def blamed(facts: Facts, focus: BoolExpr) -> ContradictionError | None:
    """The error with culprits, for facts connected with a condition of which it is known that
    they leave it no value; None if no such facts are found."""
    connected = facts.connected(focus)
    if not connected or not _impossible(connected):
        return None
    return contradiction(smallest(connected, _impossible))


def _not_learned(facts: Facts, fact: Fact) -> ContradictionError:
    """The error for a fact that learning refuses, with the culprits that other methods cannot
    do without either."""
    try:
        facts.given(fact)
    except ContradictionError as error:
        if len(error.culprits) == 1:
            return error
        return contradiction(smallest(error.culprits, _impossible))
    raise AssertionError("what was refused is learned")  # the same steps give the same answer


def _impossible(stated: list[Fact]) -> bool:
    newest = stated[-1]
    before = together(stated[:-1])
    known = None if before is None else before.extended(newest)
    if before is None or not isinstance(known, Facts):
        return True
    if _denied(before, newest.claim) is not None:
        return True
    return _refused(before, known, newest) is not None


def _denied(facts: Facts, claim: BoolExpr) -> Reasons | None:
    """The facts under which the range of a claim is {false}."""
    try:
        value, used = bounds_with_reasons(facts, claim)
    except ContradictionError:
        return None  # they leave no value at all, but it is not known which
    return used if value.is_singleton and not value.lower else None


# --------------------------------------------------------------------------- values


class ModelState:
    """What a `Model` knows, to be kept: values, the credit for refutations, conditions that
    the values do not satisfy, and the symbols around them."""

    def __init__(
        self,
        values: dict[Expr, Value],
        credit: int,
        open: list[Expr],
        unsure: list[Expr],
    ) -> None:
        self.values = values
        self.credit = credit
        self.open = open
        self.unsure = unsure


class Model:
    """Values for all symbols that satisfy what was stated, as far as mending finds them.

    It outlives a scope: values that satisfy more satisfy less.
    """

    def __init__(self) -> None:
        self._values: dict[Expr, Value] = {}
        self._credit = CREDIT_AT_FIRST
        # What the values do not satisfy, because mending failed, and the symbols around it.
        self._open: list[Expr] = []
        self._unsure: set[Expr] = set()
        self._moved: dict[Expr, Value] = {}  # by the last mending, with their values before
        self._wanted: BoolExpr | None = None  # a condition besides the facts

    @property
    def values(self) -> Mapping[Expr, Value]:
        """The values, as they are now."""
        return self._values

    def copied(self) -> Model:
        """The same, to go on by itself."""
        new = Model()
        new.go_on(self.state_of(self._values))
        return new

    def state_of(self, symbols: Iterable[Expr]) -> ModelState:
        """What is known of these symbols."""
        known = {sym: self._values[sym] for sym in symbols if sym in self._values}
        claims = [claim for claim in self._open if all(s in known for s in symbols_of(claim))]
        unsure = [sym for sym in known if sym in self._unsure]
        return ModelState(known, self._credit, claims, unsure)

    def go_on(self, state: ModelState) -> None:
        """Begin where another has been."""
        self._values = dict(state.values)
        self._credit = min(state.credit, CREDIT_LIMIT)
        self._open = list(state.open)
        self._unsure = set(state.unsure)

    def forget(self, symbols: Iterable[Expr]) -> None:
        """There are no such symbols any more, nor facts about them."""
        gone = set(symbols)
        for sym in gone:
            self._values.pop(sym, None)
        self._unsure -= gone
        self._open = [c for c in self._open if gone.isdisjoint(symbols_of(c))]

    def suggest(self, sym: Expr, value: Value) -> None:
        """An example's value, to start with."""
        self._values[sym] = value

    def learned(self, facts: Facts, fact: Fact) -> Facts:
        """The facts and one more. Raises `ContradictionError` if that is refuted."""
        learned = facts.extended(fact)
        if not isinstance(learned, Facts):
            raise _not_learned(facts, fact)
        try:
            with limited(STATEMENT_STEPS):
                self.state(facts, learned, fact)
        except (ExhaustedError, TooLargeError):
            # Like a statement for which mending failed.
            self._open = [*self._open, fact.claim][-OPEN:]
            self._unsure.update(symbols_of(fact.claim))
        return learned

    def state(self, before: Facts, learned: Facts, fact: Fact) -> None:
        """Take note of a statement. Raises `ContradictionError` if it is refuted."""
        self._credit = min(self._credit + CREDIT, CREDIT_LIMIT)
        claim = fact.claim
        if not self._unsure and self._admits(learned, claim):
            return
        symbols = symbols_of(claim)
        old = [(sym, self._values[sym]) for sym in symbols if sym in self._values]
        moved = [sym for sym in symbols if self._enter(learned, sym)]
        sure = not self._unsure or self._unsure.isdisjoint(symbols)
        if sure and not moved and (self._holds(claim) or self._settled(learned, claim)):
            return
        suspected: list[Expr] = [claim] if sure else [*self._open, claim]
        # More than can be looked at are as good as all.
        most = max(MENDING, self._credit // 2) + 1
        suspected += [f.claim for sym in moved for f in islice(learned.about(sym), most)]
        mended = self._mended(learned, suspected, MENDING)
        reasons = None if mended else _denied(before, claim)
        if not mended and reasons is None:
            steps = self._credit // 2
            mended = steps > 2 * MENDING and self._mended(learned, suspected, steps, paid=True)
            reasons = None if mended else self._attempt(before, learned, fact)
        if reasons is not None:
            self._values.update(old)  # what was stated before holds for these
            raise refuse(learned, reasons | {fact})
        if not mended:
            self._open = list(dict.fromkeys([*self._open, *suspected]))[-OPEN:]
        elif not sure:
            self._open, self._unsure = [], set()

    def _attempt(self, before: Facts, learned: Facts, fact: Fact) -> Reasons | None:
        """A dear refutation, if it can be paid for."""
        limit = self._credit - ATTEMPT
        connected = learned.connected(fact.claim, max(limit, 1))
        self._credit = max(0, limit - len(connected))
        found = None if len(connected) >= limit else _refused(before, learned, fact)
        if found is None:
            self._unsure.update(free_symbols(*(f.claim for f in connected)))
        return found

    # ------------------------------------------------------------------ values

    def _admits(self, facts: Facts, claim: Expr) -> bool:
        """Whether the values satisfy a relation of symbols and lie within their ranges: what
        is usual, in one pass. A symbol without a value gets one."""
        op = claim.op
        if op is not LE_ZERO and op is not EQ_ZERO and op is not NE_ZERO:
            return False
        e = claim.args[0]
        assert isinstance(e, IntExpr)
        values = self._values
        total = e.constant
        for x, c in e.terms().items():
            if x.op is not SYMBOL:
                return False
            value = values.get(x)
            known = facts.known(x)
            if value is None:
                value = values[x] = 0 if known is None else _within(known, 0)
            assert isinstance(value, int)
            if known is not None and _within(known, value) != value:
                return False
            total += c * value
        if op is LE_ZERO:
            return total <= 0
        return (total == 0) is (op is EQ_ZERO)

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

    def _holds(self, claim: Expr) -> bool:
        total = _total(claim, self._values)
        if total is not None:
            if claim.op is LE_ZERO:
                return total <= 0
            return (total == 0) is (claim.op is EQ_ZERO)
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
        for x, c in claim.args[0].terms().items():  # type: ignore[attr-defined]
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

    def _mended(
        self, facts: Facts, suspected: Sequence[Expr], steps: int, paid: bool = False
    ) -> bool:
        """Move symbols until these hold, and all that was stated about those symbols."""
        values = self._values
        saved = self._moved = dict[Expr, Value]()
        moved = Counter[Expr]()
        waiting = list(suspected)
        left = steps
        try:
            while waiting and left > 0:
                broken = waiting.pop()
                left -= 1
                if self._holds(broken):
                    continue
                move, used = self._best_move(facts, broken, moved, left)
                left -= used
                if move is None:
                    waiting.append(broken)
                    break
                sym, value, others = move
                saved.setdefault(sym, values[sym])
                moved[sym] += 1
                values[sym] = value
                waiting += [broken, *others]
        except ExhaustedError:
            values.update(saved)
            raise
        if paid:
            self._credit -= steps - max(left, 0)
        if waiting or not all(map(self._holds, suspected)):
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
            for other in free_symbols(fact.claim):
                if other not in self._values:
                    self._enter(facts, other)
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
    model = Model()
    model._values = dict(values)
    for sym in free_symbols(condition):
        model._enter(facts, sym)
    return model._values if model._mended(facts, [condition], MENDING) else None


def moved(
    facts: Facts,
    values: Mapping[Expr, Value],
    condition: BoolExpr,
    steps: int | None = None,
) -> dict[Expr, Value] | None:
    """What has to change in values that satisfy the facts so that a condition holds too;
    None if that is not found within so many steps. To be evaluated before use."""
    model = Model()
    model._values = dict(values)
    model._wanted = condition
    if not model._mended(facts, [condition], MENDING if steps is None else steps):
        return None
    return {sym: model._values[sym] for sym in model._moved}


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
    e = claim.args[0]
    assert isinstance(e, IntExpr)
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
    return float(known.lower) if known.lower in known else float(known.upper)  # type: ignore[arg-type]


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
    old = _integer(values[x])
    if claim.op is EQ_ZERO:
        return None if total % c else old - total // c
    # c*x may be at most c*old - total
    new = old - -(-total // c) if c > 0 else old + -(-total // -c)
    m, r = facts.knowledge(x).congruence
    if m > 1:
        new += (r - new) % m if c < 0 else -((new - r) % m)
    return new


def _near(facts: Facts, sym: IntExpr, value: int) -> Iterator[int]:
    """A few other values within the known range."""
    known = facts.knowledge(sym)
    ends = [end for end in (known.lower, known.upper) if not isinstance(end, IntInfinity)]
    for other in dict.fromkeys((value + 1, value - 1, *ends, 1, 2, 0)):
        if other != value and known.lower <= other <= known.upper:
            yield other
