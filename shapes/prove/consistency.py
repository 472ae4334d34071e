"""Consistency of facts, checked at every statement: local search first, refutation within a
credit of steps second.

A `Model` holds values that satisfy what was stated so far. Most statements hold for them, or
do so when a symbol or two are moved (see `local_search`); that costs a few evaluations, and
nothing is left to ask. A statement that the values cannot be mended for is suspected, and
refutations are tried: ranges, then linear reasoning and a few cases over what is connected
with it. These cost as much as there are connected facts, so they are paid for out of a
credit to which every statement adds: stating n facts stays linear in n.

Guarantees: only what is refuted is refused, and its culprits are as few as leaving out finds
(`smallest`). The values are never part of a proof. What `admits` admits has a model together
with all that was stated before.
Limits: refutation within budgets misses contradictions; those are found, within larger
budgets, when a question meets them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from shapes.base.budget import ExhaustedError, limited
from shapes.errors import ContradictionError, TooLargeError
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    BoolExpr,
    Expr,
    IntSymbol,
    Value,
    side_of,
)
from shapes.facts.abstract_value import smallest
from shapes.facts.bounds import bounds_with_reasons
from shapes.facts.store import Fact, Facts, Reasons, contradiction, together
from shapes.traversal.interpret import free_symbols, symbols_of
from shapes.witness.local_search import MENDING, LocalSearch, satisfied

__all__ = ["Model", "ModelState", "blamed", "refuse", "refuted"]

OPEN: Final = 8
"""Conditions for which mending failed that are tried again with later ones."""

STATEMENT_STEPS: Final = 300_000
"""Steps (see `budget`) of looking whether one statement can hold with the others."""

REFUSAL_STEPS: Final = 1_000_000
"""Steps of finding as few culprits as can be."""

SMALL: Final = 4
"""Terms of a relation that the values are tried on before anything is learned of it."""

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
    from shapes.arith.residues import unsolvable_modulo
    from shapes.arith.system import negative_cycle

    if unsolvable_modulo(newest.claim) is not None:
        return Reasons((newest,))
    found = negative_cycle(before, newest.claim)
    if found is None:
        found = refuted(learned, newest.claim, newest)
    return None if found is None else found | {newest}


def refuse(facts: Facts, culprits: Reasons) -> ContradictionError:
    """The error for facts that were refuted, with as few of them as leaving out finds."""
    stated = [fact for fact in facts if fact in culprits]
    try:
        with limited(REFUSAL_STEPS):
            return contradiction(smallest(stated, _impossible))
    except (ExhaustedError, TooLargeError):
        return contradiction(stated)


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


class Model(LocalSearch):
    """Values for all symbols that satisfy what was stated, as far as mending finds them.

    It outlives a scope: values that satisfy more satisfy less.
    """

    def __init__(self) -> None:
        super().__init__({})
        self._credit = CREDIT_AT_FIRST
        # What the values do not satisfy, because mending failed, and the symbols around it.
        self._open: list[Expr] = []
        self._unsure: set[Expr] = set()
        # Whether something that the values may not satisfy is not among these: there was more.
        self._lost = False
        # New symbols whose ranges are known to leave out 0.
        self._apart: set[Expr] = set()

    @property
    def values(self) -> Mapping[Expr, Value]:
        """The values, as they are now."""
        return self._values

    def copied(self) -> Model:
        """The same, to go on by itself."""
        new = Model()
        new.go_on(self.state_of(self._values))
        new._lost = self._lost
        new._apart = self._apart.copy()
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
        self._apart -= gone
        self._open = [c for c in self._open if gone.isdisjoint(symbols_of(c))]

    def suggest(self, sym: Expr, value: Value) -> None:
        """An example's value, to start with."""
        self._values[sym] = value

    def start_apart(self, sym: Expr) -> None:
        """Take note that 0 is no value of a symbol that is new."""
        self._apart.add(sym)

    def admits(self, symbols: dict[str, Any], facts: Facts, claim: BoolExpr) -> bool:
        """Whether the values, which satisfy all that was stated so far, satisfy a relation of
        a few symbols, too: then it contradicts nothing, and is noted as stated. False says
        nothing. `facts` know at least of all symbols that have no value yet, but for those
        that are new in `symbols`. A symbol without a value gets 0."""
        op = claim.op
        if self._unsure or self._open or self._lost:
            return False
        if op is not LE_ZERO and op is not EQ_ZERO and op is not NE_ZERO:
            return False
        e = side_of(claim)
        terms = e.terms()
        if len(terms) > SMALL:
            return False
        values = self._values
        total = e.constant
        first: Expr | None = None
        more: list[Expr] | None = None
        for x, c in terms.items():
            value = values.get(x)
            if value is not None:
                assert isinstance(value, int)
                total += c * value
                continue
            if type(x) is not IntSymbol or not facts.may_be_zero(x):
                return False
            if self._apart and x in self._apart:
                return False
            info = symbols.get(x.name)
            if info is None or info.symbol is not x:
                return False
            if first is None:
                first = x
            elif more is None:
                more = [x]
            else:
                more.append(x)
        if not satisfied(op, total):
            return False
        if first is not None:
            values[first] = 0
        if more is not None:
            for sym in more:
                values[sym] = 0
        self._credit = min(self._credit + CREDIT, CREDIT_LIMIT)
        return True

    def learned(self, facts: Facts, fact: Fact) -> Facts:
        """The facts and one more. Raises `ContradictionError` if that is refuted."""
        learned = facts.extended(fact)
        if not isinstance(learned, Facts):
            raise _not_learned(facts, fact)
        self._credit = min(self._credit + CREDIT, CREDIT_LIMIT)
        if not self._unsure:
            admitted = self._admits(learned, fact.claim)
            if admitted or (admitted is False and self._settled(learned, fact.claim)):
                return learned
        try:
            with limited(STATEMENT_STEPS):
                culprits = self.state(facts, learned, fact)
        except (ExhaustedError, TooLargeError):
            # Like a statement for which mending failed, of symbols that may have been moved.
            self._keep_open([fact.claim])
            self._lost = True
            self._unsure.update(symbols_of(fact.claim))
            return learned
        if culprits is not None:
            raise refuse(learned, culprits)
        return learned

    def state(self, before: Facts, learned: Facts, fact: Fact) -> Reasons | None:
        """Take note of a statement that the values do not just admit. The facts that it
        contradicts, and itself, if it is refuted."""
        claim = fact.claim
        symbols = symbols_of(claim)
        old = [(sym, self._values[sym]) for sym in symbols if sym in self._values]
        moved = [sym for sym in symbols if self._enter(learned, sym)]
        sure = not self._unsure or self._unsure.isdisjoint(symbols)
        if sure and not moved and (self._holds(claim) or self._settled(learned, claim)):
            return None
        suspected: list[Expr] = [claim] if sure else [*self._open, claim]
        # More than can be looked at are as good as all.
        most = max(MENDING, self._credit // 2) + 1
        suspected += [f.claim for sym in moved for f in islice(learned.about(sym), most)]
        mended = self._mended(learned, suspected, MENDING)
        reasons = None if mended else _denied(before, claim)
        if not mended and reasons is None:
            steps = self._credit // 2
            if steps > 2 * MENDING:
                mended = self._mended(learned, suspected, steps)
                self._credit -= self._used
            reasons = None if mended else self._attempt(before, learned, fact)
        if reasons is not None:
            self._values.update(old)  # what was stated before holds for these
            return reasons | {fact}
        if not mended:
            self._keep_open(suspected)
        elif not sure:
            self._open, self._unsure = [], set()
        return None

    def _keep_open(self, claims: Sequence[Expr]) -> None:
        """Take note of conditions that the values may not satisfy; of many, of the last."""
        found = list(dict.fromkeys([*self._open, *claims]))
        self._lost = self._lost or len(found) > OPEN
        self._open = found[-OPEN:]

    def _attempt(self, before: Facts, learned: Facts, fact: Fact) -> Reasons | None:
        """A costly refutation, if it can be paid for."""
        limit = self._credit - ATTEMPT
        connected = learned.connected(fact.claim, max(limit, 1))
        self._credit = max(0, limit - len(connected))
        found = None if len(connected) >= limit else _refused(before, learned, fact)
        if found is None:
            self._unsure.update(free_symbols(*(f.claim for f in connected)))
        return found
