"""Bounds propagation: what a statement says directly, and what follows for ranges.

A claim is normalised by the solved equalities and kept; it is split into its conjuncts, a
relation bounds its direction, an equality is solved for a symbol or fixes its direction,
``a % m == r`` is a congruence, ``!=`` excludes a value. Then a worklist propagates new ends
between relations and atoms (see `directions`) to a fixed point, or until the budget of steps
is used up.

Most statements bound one symbol, order two of them or make them equal. These are read straight
from their terms (`bound`, `_ordered`, `_equated`), and teach what the long way teaches.

Guarantees: every bound rests on the facts that are its reasons. Limits: an atom whose ends
creep (``x < y`` and ``y < x`` between far ends) is followed for a few moves only; what is
missed is for the methods of proof to find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from shapes.base.budget import attempted, spend
from shapes.base.infinity import Bound, IntInfinity
from shapes.base.persistent import linked
from shapes.errors import TooLargeError
from shapes.expr.linear import direction, eq_zero, le_zero, scale
from shapes.expr.nodes import (
    CONSTANT,
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    SYMBOL,
    TRUE,
    BoolExpr,
    Expr,
    IntAtom,
    IntExpr,
    IntSymbol,
    Sum,
    combine,
    constant,
    existing_relation,
    side_of,
)
from shapes.facts.abstract_value import Fact, Reasons
from shapes.facts.alternatives import Lesson, is_watched, lessons
from shapes.facts.directions import Directions
from shapes.facts.float_comparisons import compared, excluded, reversed_order
from shapes.facts.justification import NO_REASONS, rests_on
from shapes.facts.knowledge import NOTHING, Knowledge, replaced
from shapes.facts.narrowing import (
    ABOVE,
    HOLDS,
    TERMS,
    UNEQUAL,
    NoValueError,
    narrowed,
    relates_operands,
)
from shapes.facts.solved import as_unit, represented
from shapes.traversal.interpret import symbols_of

if TYPE_CHECKING:
    from shapes.facts.store import Declaration, Facts

__all__ = ["PROPAGATION_STEPS", "Learner", "NoValueError"]

PROPAGATION_STEPS: Final = 400
"""Relations visited to spread what one statement says about ranges."""

STATED: Final = 8
"""Steps (see `budget`) of taking in one claim, beside what is done with its terms."""

LEARNING_STEPS: Final = 300_000
"""Steps of what one statement teaches; more is not learned of it."""

CASE_STEPS: Final = 8
"""What reading one case of a disjunction costs of these."""

OPERANDS: Final = 4
"""So many operands of an atom cost one more of these steps."""

WATCHED: Final = 2
"""What a look costs whether a disjunction is to be read again."""

_NONE: Final = NO_REASONS


class Learner(Directions):
    """One statement's way into new facts."""

    def learn(self, fact: Fact) -> Facts:
        """The facts and one more; raises `NoValueError`."""
        new = self._new
        claim = fact.claim
        if claim.op is EQ_ZERO:
            why = self._stating(fact)
            if not self._equated(claim, why, alone=True):
                self._within_budget(self._state, claim, why)
        else:
            symbols = symbols_of(claim)
            if len(symbols) == 1 and _is_bound(claim) and new._solved.get(symbols[0]) is None:
                # What bounds a solved symbol is said of its value instead.
                return self.bound(symbols, (fact,))
            why = self._stating(fact)
            if len(symbols) != 2 or not self._ordered(claim, symbols, why):
                self._within_budget(self._state, claim, why)
        if self._improved:
            self._within_budget(self._spread)
        return new

    def _stating(self, fact: Fact) -> Reasons:
        """Take note of a fact, which is a reason from here on."""
        new = self._new
        new._count += 1
        new._stated = (fact, new._stated, False)
        return rests_on(fact)

    def bound(self, symbols: Sequence[Expr], facts: Iterable[Fact]) -> Facts:
        """The facts and bounds on one symbol, which is not solved; raises `NoValueError`. All
        that they say is the ends of its range, so these move once."""
        new = self._new
        sym = symbols[0]
        assert isinstance(sym, IntExpr)
        known = new._known.get(sym) or NOTHING
        lower, upper = known.lower, known.upper
        why_lower, why_upper = known.why_lower, known.why_upper
        for fact in facts:
            new._count += 1
            new._stated = (fact, new._stated, True)
            why = rests_on(fact)
            new._claims = new._claims.adding(fact.claim, why)
            e = side_of(fact.claim)
            if e.terms()[sym] < 0:
                if e.constant > lower:
                    lower, why_lower = e.constant, why
            elif -e.constant < upper:
                upper, why_upper = -e.constant, why
        if lower != known.lower or upper != known.upper:
            self._keep(sym, replaced(known, lower, upper, why_lower, why_upper))
            if not self._is_apart(sym):
                self._within_budget(self._spread)
        return new

    def learn_each(self, items: Iterable[Declaration | Fact]) -> Facts:
        """The facts with declarations and statements, each with steps of its own; raises
        `NoValueError`."""
        new, steps = self._new, self._steps
        new._open()
        for item in items:
            if isinstance(item, tuple):
                self._declare(item)
            else:
                self.learn(item)
            self._steps = steps
            self._derives = False
            self._moves.clear()
            self._improved.clear()
            if new.cache:
                new.cache = {}  # (answers from fewer facts)
        new._close()
        return new

    def _declare(self, declared: Declaration) -> None:
        sym, backed, place, ends = declared
        new = self._new
        new._declared = new._declared.assoc(sym, youth(backed, place))
        if not ends:
            return
        if new._solved.get(sym) is None:
            self.bound((sym,), ends)
        else:
            for fact in ends:
                self.learn(fact)

    def _within_budget(self, learn: Callable[..., None], *arguments: object) -> None:
        """Learn something, as far as the steps for one statement suffice: what is missed is
        found by the methods of proof, which read the statement itself."""
        try:  # noqa: SIM105 (`suppress` takes longer than most statements do here)
            attempted(LEARNING_STEPS, learn, *arguments)
        except TooLargeError:
            pass

    def _is_apart(self, sym: Expr) -> bool:
        """Whether the range of a symbol says nothing of anything else, nor what it is."""
        if self._new._about.get(sym) is not None:
            return False
        known = self._new._known.get(sym)
        return known is None or type(known.lower) is not int or known.lower != known.upper

    def _ordered(self, claim: BoolExpr, symbols: Sequence[Expr], why: Reasons) -> bool:
        """An order of two symbols, as what most statements are; False where this is not all
        that there is to do. It is what `_state` and `_spread` would do about a direction of
        which nothing is known: keep its end, enter it under the symbols, and tell each of
        them of the other's ends."""
        e = claim.args[0]
        if claim.op is not LE_ZERO or type(e) is not Sum:
            return False
        terms = e.terms()
        x, y = symbols
        if len(terms) != 2 or x not in terms or y not in terms:
            return False
        assert isinstance(x, IntExpr)
        new = self._new
        known = new._known
        # A relation's side is primitive, so this one is its own direction:
        f, d = (1, e) if e.constant == 0 and terms[x] > 0 else direction(e)
        if known.get(d) is not None:
            return False
        solved = new._solved
        if solved and (solved.get(x) is not None or solved.get(y) is not None):
            return False
        if f > 0:
            learned = Knowledge(upper=-e.constant, why_upper=why)
        else:
            learned = Knowledge(lower=e.constant, why_lower=why)
        new._claims = new._claims.adding(claim, why)
        new._known = known.assoc(d, learned)
        new._about = new._about.adding(symbols, d)
        new.has_relations = True
        self._moves[d] = 1
        self._steps -= 1
        if known.get(x) is not None or known.get(y) is not None:
            self._narrow_two(d, learned)
        return True

    def _state(self, claim: Expr, why: Reasons) -> None:
        """Take in a claim and everything it directly says."""
        pending = [(claim, why)]
        while pending:
            spend(STATED)
            claim, why = pending.pop()
            if claim.op is EQ_ZERO and self._equated(claim, why):
                continue
            claim, used = self._new.normalized(claim)
            why = why | used
            if claim is TRUE:
                continue
            if claim is FALSE:
                raise NoValueError(why)
            # Opposite inequalities meet in the range of their direction.
            if claim.op is not LE_ZERO:
                complement = _complement(claim)
                opposite = None if complement is None else self._new.holds(complement)
                if opposite is not None:
                    raise NoValueError(why | opposite)
            self._new._claims = self._new._claims.adding(claim, why)
            if claim.op is LE_ZERO or claim.op is EQ_ZERO or claim.op is NE_ZERO:
                self._relation(claim, why)
            elif claim.op is OPERATORS["And"]:
                pending.extend((part, why) for part in claim.args)
            else:
                self._index(claim, claim)
                if claim.op is OPERATORS["Or"]:
                    self._read_cases(claim)
                self._fix_condition(claim, why)
                self._compare_double(claim, why)

    def _fix_condition(self, claim: Expr, why: Reasons) -> None:
        """A condition's symbol that is stated (denied) is true (false) from now on."""
        denied = claim.op is OPERATORS["Not"]
        p = claim.args[0] if denied else claim
        if p.op is SYMBOL:
            self._solve(p, FALSE if denied else TRUE, why)

    def _compare_double(self, claim: Expr, why: Reasons) -> None:
        """A comparison of doubles, which holds for no NaN; a denied one, where there is none,
        is the opposite order."""
        if claim.op is OPERATORS["Not"]:
            opposite = reversed_order(claim.args[0])
            numbers = None if opposite is None else self._numbers(claim.args[0].args)
            if opposite is not None and numbers is not None:
                self._state(opposite, why | numbers)
            return
        for sym, found in compared(claim):
            known, reasons = self._new.double_range(sym)
            met = known.meet(found)
            if met is None:
                raise NoValueError(reasons | why)
            if met != known:
                self._new._doubles = self._new._doubles.assoc(sym, (met, reasons | why))
        for other in excluded(claim):
            held = why if other is claim else self._new.holds(other)
            if held is not None:
                raise NoValueError(why | held)

    def _numbers(self, operands: Sequence[Expr]) -> Reasons | None:
        """Why none of these is NaN, if that is known."""
        reasons = _NONE
        for e in operands:
            if e.is_symbol and e.kind == "float":
                known, why = self._new.double_range(e)
                if known.nan:
                    return None
                reasons = reasons | why
            elif e.kind == "float" and (e.op is not CONSTANT or e.value != e.value):
                return None
        return reasons

    def _relation(self, claim: Expr, why: Reasons) -> None:
        e = side_of(claim)
        f, d = direction(e)
        if claim.op is LE_ZERO:
            # f*d + k <= 0, and f is 1 or -1 because relations are primitive
            if f > 0:
                self._at_most(d, -e.constant, why)
            else:
                self._at_least(d, e.constant, why)
            self._index_direction(d)
        elif claim.op is EQ_ZERO:
            if not self._solved_for(e, why):
                k = -e.constant * f
                self._fix(d, k, why)
                self._index_direction(d)
                self._remainder(e, why)
        else:
            if type(d) is Sum:
                self._new.has_disequalities = True
            self._index(claim, claim)
            self._exclude(d, -e.constant * f, why)

    def _equated(self, claim: Expr, why: Reasons, alone: bool = False) -> bool:
        """An equality of two symbols and a constant, by what it says of the symbols that
        stand for theirs (as a union of two sets, whose eldest symbols these are); False where
        this is not all that there is to do, or if `alone` where anything would be said again.
        The normal form that `_solved_for` would solve is not made."""
        e = claim.args[0]
        if type(e) is not Sum or self._new.has_disequalities:
            return False
        terms = e.terms()
        if len(terms) != 2:
            return False
        x: IntExpr = e
        y: IntExpr = e
        c = d = 0
        for atom, factor in terms.items():
            if type(atom) is not IntSymbol or (factor != 1 and factor != -1):
                return False
            x, c, y, d = y, d, atom, factor
        # c*x + d*y + k == 0, with c and d 1 or -1 throughout
        k = e.constant
        solved = self._new._solved
        if solved:
            x, c, k, why = represented(solved, x, c, k, why)
            y, d, k, why = represented(solved, y, d, k, why)
            if not c or not d:
                return False
        if x is y:
            if c == d:
                return False
            if k:
                raise NoValueError(why)
            return True
        if self._is_younger(x, y):
            x, c, y, d = y, d, x, c
        new = self._new
        value = combine(-c * d, x, 0, x, -d * k) if k or c == d else x
        if not alone:
            self._solve(y, value, why)
        elif new._about.get(y) is None and new._known.get(y) is None:
            new._solved = solved.assoc(y, (value, why))
            new.has_solved = True
        else:
            return False
        return True

    def _solved_for(self, e: IntExpr, why: Reasons) -> bool:
        """Solve ``e == 0`` for its youngest symbol with a unit coefficient (one that is read
        at run time counts as younger than inputs), if it does not occur inside the rest."""
        terms = e.terms()
        candidates = [t for t, c in terms.items() if (c == 1 or c == -1) and t.op is SYMBOL]
        if len(candidates) > 1:
            candidates.sort(key=self._youth, reverse=True)
        for sym in candidates:
            c = terms[sym]
            rest = combine(1, e, -c, sym)
            # Where all terms are symbols, none has this one inside.
            if len(candidates) == len(terms) or sym not in symbols_of(rest):
                self._solve(sym, scale(-c, rest), why)
                return True
        return False

    def _is_younger(self, x: IntExpr, y: IntExpr) -> bool:
        return self._youth(x) > self._youth(y)

    def _youth(self, sym: IntExpr) -> int:
        found = self._new._declared.get(sym)
        return sym.birth if found is None else found

    def _solve(self, sym: Expr, value: Expr, why: Reasons) -> None:
        """Replace a symbol for good: what was known of it is stated again of its value."""
        new = self._new
        new._solved = new._solved.assoc(sym, (value, why))
        new.has_solved = True
        about = new._about.get(sym)
        if about is not None:
            for item in list(linked(about)):
                self._restate(item, why)
        if isinstance(sym, IntExpr) and new.known(sym) is not None:
            self._restate(sym, why)

    def _restate(self, item: Expr, why: Reasons) -> None:
        if isinstance(item, BoolExpr):
            stated = self._new.holds(item)
            if stated is not None:
                self._state(item, stated | why)
            return
        assert isinstance(item, IntExpr)
        known = self._new.knowledge(item)
        if known.congruence.modulus == 1 and self._passed_on(item, known, why):
            return
        if not isinstance(known.upper, IntInfinity):
            high = le_zero(combine(1, item, 0, item, -known.upper))
            self._state(high, known.why_upper | why)
        if not isinstance(known.lower, IntInfinity):
            low = le_zero(combine(-1, item, 0, item, known.lower))
            self._state(low, known.why_lower | why)
        if known.congruence.modulus != 1:
            m, r = known.congruence
            build = OPERATORS["Mod"].build
            assert build is not None
            remainder = build(item, constant(m)) if m else item
            assert isinstance(remainder, IntExpr)
            left = combine(1, remainder, 0, remainder, -r)
            self._state(eq_zero(left), known.why_congruence | why)

    def _passed_on(self, item: IntExpr, known: Knowledge, why: Reasons) -> bool:
        """The range of a symbol that stands for another one and a constant, as ends of the
        other's; False where it stands for anything else."""
        solved = self._new._solved
        found = solved.get(item)
        unit = None if found is None else as_unit(found[0])
        if unit is None or solved.get(unit[0]) is not None:
            return False
        x, sign, shift = unit
        # item == sign*x + shift, and sign is 1 or -1
        if not isinstance(known.upper, IntInfinity):
            keep = self._at_most if sign > 0 else self._at_least
            keep(x, sign * (known.upper - shift), known.why_upper, why)
        if not isinstance(known.lower, IntInfinity):
            keep = self._at_least if sign > 0 else self._at_most
            keep(x, sign * (known.lower - shift), known.why_lower, why)
        return True

    # ------------------------------------------------------------------ propagation

    def _spread(self) -> None:
        """Tell the atoms of relations what the relations and the other atoms say."""
        self._derives = True
        while self._improved and self._steps > 0:
            d = self._improved.pop()
            if type(d) is Sum:
                self._narrow_atoms(d)
            else:
                if d.op is not SYMBOL:
                    self._narrow_operands(d)
                for item in linked(self._new._about.get(d)):
                    if self._steps <= 0:
                        break
                    if type(item) is Sum:
                        self._narrow_atoms(item)
                    if type(item) is not Sum or self._new.has_operators:
                        self._tell(item, d)
            self._close(d)
        self._improved.clear()

    def _tell(self, item: Expr, d: IntExpr) -> None:
        """Read again what depends on the range of an atom that moved: a disjunction, an
        operator on it, a relation between such."""
        if item.op is OPERATORS["Or"]:
            self._steps -= WATCHED
            if is_watched(self._new.knowledge(d), item, d):
                self._read_cases(item)
        elif isinstance(item, IntExpr) and len(item.terms()) <= TERMS:
            for t in item.terms():
                if t is d or t.op is SYMBOL or not relates_operands(t):
                    continue
                if self._new.known(t) is not None and (d in t.args or d in symbols_of(t)):
                    self._narrow_operands(t)

    def _narrow_operands(self, t: IntExpr) -> None:
        """What the ends of an atom that isn't a symbol say about its operands."""
        self._steps -= 1 + len(t.args) // OPERANDS
        for e, what, number, why in narrowed(self._new, t, self._new.knowledge(t)):
            if what is HOLDS:
                self._state(e, why)
            elif what is not UNEQUAL:
                self._bound_operand(e, number, why, 1 if what is ABOVE else -1)
            elif isinstance(e, IntAtom):
                self._exclude(e, number, why)

    def _read_cases(self, claim: Expr) -> None:
        """What the cases of a disjunction have in common, or the last one that is left."""
        why = self._new.holds(claim)
        if why is None:
            return
        self._steps -= CASE_STEPS * len(claim.args)
        found, case, why = lessons(self._new, claim, why)
        if case is not None:
            self._state(case, why)
        for lesson in found:
            self._learn_lesson(lesson, why)

    def _learn_lesson(self, lesson: Lesson, why: Reasons) -> None:
        d = lesson.of
        new = self._new.known(d) is None
        if lesson.congruence.modulus > 1:
            self._congruent(d, lesson.congruence, why)
        lower, upper = lesson.ends
        if not isinstance(lower, IntInfinity):
            self._at_least(d, lower, why)
        if not isinstance(upper, IntInfinity):
            self._at_most(d, upper, why)
        for value in lesson.gaps():
            self._exclude(d, value, why)
        if new:
            self._index_direction(d)

    def _close(self, d: IntExpr) -> None:
        """A range of one value is an equality: it is solved as if it had been stated."""
        known = self._new.knowledge(d)
        value, upper = known.lower, known.upper
        if not isinstance(value, int) or not isinstance(upper, int) or value != upper:
            return
        if type(d) is Sum:
            if not any(c * c == 1 and t.op is SYMBOL for t, c in d.terms().items()):
                return
        elif d.op is not SYMBOL or self._new._solved.get(d) is not None:
            return
        claim = eq_zero(combine(1, d, 0, d, -value))
        if self._new.holds(claim) is None:
            self._state(claim, known.why_lower | known.why_upper)

    def _bound_operand(self, e: Expr, end: Bound, why: Reasons, sign: int) -> None:
        """Bound an operand from below (sign 1) or above (sign -1)."""
        if isinstance(end, IntInfinity) or not isinstance(e, IntExpr) or not e.terms():
            return
        claim = le_zero(combine(-sign, e, 0, e, sign * end))
        if claim is FALSE:
            raise NoValueError(why)
        if claim is TRUE:
            return
        bounded = side_of(claim)
        f, d = direction(bounded)
        if f > 0:
            self._at_most(d, -bounded.constant, why)
        else:
            self._at_least(d, bounded.constant, why)


UNBACKED: Final = 1 << 60
"""Added to the places of what is read at run time: more than any place or age is."""


def youth(backed: bool, place: int) -> int:
    """What orders symbols: inputs come before what is read at run time."""
    return place if backed else place + UNBACKED


def _is_bound(claim: Expr) -> bool:
    """Whether a condition of one symbol just bounds it."""
    if claim.op is not LE_ZERO:
        return False
    e = claim.args[0]
    if type(e) is not Sum:
        return e.op is SYMBOL
    terms = e.terms()
    return len(terms) == 1 and next(iter(terms)).op is SYMBOL


def _complement(claim: Expr) -> Expr | None:
    """The condition that says the opposite; None where it cannot have been stated."""
    if claim.op is EQ_ZERO or claim.op is NE_ZERO:
        e = side_of(claim)
        return existing_relation(NE_ZERO if claim.op is EQ_ZERO else EQ_ZERO, e)
    if claim.op is OPERATORS["And"] or claim.op is OPERATORS["Or"]:
        return None  # not worth building: connectives are decided by their parts
    build = OPERATORS["Not"].build
    assert build is not None
    return build(claim)
