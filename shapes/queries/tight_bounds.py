"""Ranges as tight as the prover shows, within a budget that people at a keyboard do not feel.

The cheap range (intervals, residues, relations between sums, polynomials over boxes) is the
outside. Values that are reached are the inside: coordinate ascent finds most of them
(`extremes`). Where both meet, nothing is asked. Otherwise the prover is asked whether the
largest value that was found is the largest there is: it shows that, or finds a larger one.
Where it does neither, ends just below the outside are tried, and what a proof's own rows tell
(`implied_end`). What is left open when the steps run out stays as it was: the range holds in
any case.

Limits: the solver is not asked, and claims that are connected with very many facts are left to
the cheap range (`exact_bounds` asks for more).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from math import gcd
from typing import Final, TypeVar

from shapes.arith.implied_end import implied_end
from shapes.base.budget import ExhaustedError, limited, remaining
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.base.records import record
from shapes.domains import ValueRanges
from shapes.errors import ContradictionError, TooLargeError, UnboundSymbolError, UndefinedError
from shapes.expr.booleans import less_equal, negation
from shapes.expr.linear import eq_zero, scale, shift
from shapes.expr.nodes import (
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    IntSymbol,
    Product,
    Sum,
    Value,
    combine,
    constant,
)
from shapes.facts.bounds import bounds, bounds_with_reasons
from shapes.facts.cache import Part
from shapes.facts.exactness import reaches_its_ends
from shapes.facts.intervals import CACHE_LIMIT
from shapes.facts.justification import NO_REASONS
from shapes.facts.polynomial_bounds import (
    factored_bounds,
    polynomial_bounds,
    why_factored_bounds,
    why_polynomial_bounds,
)
from shapes.facts.relational_bounds import implied_bounds, least, most, reach
from shapes.facts.store import Fact, Facts, Reasons
from shapes.prove.effort import Effort
from shapes.prove.ladder import one_sided
from shapes.prove.tactics import METHODS
from shapes.queries.periodic import windows
from shapes.queries.sharpening import Ends, Sharpened
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import free_symbols, walk
from shapes.witness.enumeration import values_left
from shapes.witness.extremes import BEYOND, Extremes

__all__ = ["TightBounds", "having", "tight_bounds"]

CONNECTED: Final = 32
"""Facts that an expression may be connected with."""

_ASKING: Final = tuple(name for name in METHODS if name != "choice form")
"""Methods for ends: many are asked of one expression, whose form is the same for all."""

EFFORT: Final = Effort(_ASKING, search=60, rlimit=0, steps=40_000)
"""What one end that is guessed is worth."""

STEPS: Final = 80_000
"""Steps for both ends of one expression."""

ASKED: Final = 24
"""Ends that are guessed on one side."""

NEAR: Final = 16
"""So far below an end the next ones are tried in growing steps, before halves."""

FEW: Final = 128
"""So few combinations of values are all looked at before anything is asked."""

MANY: Final = 2_048
"""So many are looked at where asking has left something open."""

HASTE: Final = 2_500
"""Steps of asking for each end, where all values can be looked at instead."""

DEPTH: Final = 3
"""Operands of operands whose own ends are sought."""

FIRST: Final = 2
"""The part of the steps that is for asking before anything is known of operands."""

PARTS: Final = 6
"""The part of the steps that are left which one operand may use."""

TERMS: Final = 12
"""A sum of so many terms is taken apart."""

CASES: Final = 8
"""Values of a symbol, of which each is looked at by itself."""

_NOT_LINEAR: Final = tuple(OPERATORS[name] for name in ("Pow", "FloorDiv", "TruncDiv"))

FAR: Final = BEYOND >> 8
"""What reaches beyond this, and has no end that is known, has none."""


Found = TypeVar("Found")


@record(frozen=True, slots=True)
class TightBounds:
    """A range; the facts behind an end that was shown by the prover (None: the cheap range's
    own), and whether each end is known to be reached."""

    range: ValueRanges
    lower_reasons: Reasons | None = None
    upper_reasons: Reasons | None = None
    lower_exact: bool = False
    upper_exact: bool = False


_TIGHT: Final[Part[tuple[Expr, Expr], TightBounds]] = Part("tight bounds", CACHE_LIMIT)


def tight_bounds(
    facts: Facts,
    e: IntExpr,
    defined: BoolExpr = TRUE,
) -> TightBounds:
    """The range of an integer expression where it is defined. It depends on the facts alone,
    not on what was asked before.

    Raises `ContradictionError` if the facts are found to leave no value.
    """
    if defined is TRUE and reaches_its_ends(facts, e):
        return TightBounds(bounds(facts, e), None, None, True, True)
    kept = _TIGHT.of(facts)
    found = kept.get((e, defined))
    if found is None:
        found = kept[e, defined] = having(facts, defined, lambda known: _found(known, e))
    return found


def having(facts: Facts, defined: BoolExpr, ask: Callable[[Facts], Found]) -> Found:
    """The answer under the facts and that an expression has a value; under the facts alone if
    it has none, which contradicts nothing that was stated."""
    if defined is not TRUE:
        known = facts.extended(Fact(defined, "given"))
        if isinstance(known, Facts):
            with suppress(ContradictionError):
                return ask(known)
    return ask(facts)


def _found(facts: Facts, e: IntExpr, depth: int = DEPTH) -> TightBounds:
    normal = facts.normalized(e)[0]
    lower, upper = reach(facts, normal).int_bounds()
    if lower == upper or reaches_its_ends(facts, normal):
        return TightBounds(ValueRanges(lower, upper), None, None, True, True)
    parts = _apart(facts, normal)
    if len(parts) > 1:
        return _together(facts, parts, depth)
    search = _Search(facts, normal, lower, upper, depth)
    if normal is not e:
        search.meet(bounds(facts, e).int_bounds(), lambda: bounds_with_reasons(facts, e)[1])
    with suppress(ExhaustedError, TooLargeError), limited(STEPS):
        search.settle()
    if remaining() <= 0:
        raise ExhaustedError
    return search.answer()


def _apart(facts: Facts, e: IntExpr) -> list[IntExpr]:
    """The sums that an expression consists of which share no symbol, nor a fact between those
    of one and of another: they take their values independently of each other."""
    if type(e) is not Sum or len(e.terms()) > TERMS:
        return [e]
    groups: list[tuple[set[Expr], IntExpr]] = []
    for term, c in e.terms().items():
        symbols = set(free_symbols(term))
        for fact in facts.connected(term, CONNECTED + 1):
            symbols.update(free_symbols(fact.claim))
        part = scale(c, term)
        for group in [group for group in groups if group[0] & symbols]:
            groups.remove(group)
            symbols |= group[0]
            part = combine(1, group[1], 1, part)
        groups.append((symbols, part))
    groups[0] = groups[0][0], shift(groups[0][1], e.constant)
    return [part for _, part in groups]


def _together(facts: Facts, parts: Sequence[IntExpr], depth: int) -> TightBounds:
    """The ends of a sum of parts that are independent of each other: the sums of theirs."""
    lower: Bound = 0
    upper: Bound = 0
    below, above = NO_REASONS, NO_REASONS
    exact = [True, True]
    for part in parts:
        found = _found(facts, part, depth)
        low, high = found.range.int_bounds()
        lower, upper = lower + low, upper + high
        exact = [exact[0] and found.lower_exact, exact[1] and found.upper_exact]
        cheap, own = bounds_with_reasons(facts, part)
        why_low, why_high = found.lower_reasons, found.upper_reasons
        if why_low is None:  # (the end is of intervals, or of relations as well: see `reach`)
            why_low = own if low == cheap.lower else least(facts, part).reasons
        if why_high is None:
            why_high = own if high == cheap.upper else most(facts, part).reasons
        below |= why_low
        above |= why_high
    return TightBounds(ValueRanges(lower, upper), below, above, *exact)


class _Search:
    """The search for both ends of an expression in which solved symbols are replaced."""

    def __init__(
        self, facts: Facts, e: IntExpr, lower: Bound, upper: Bound, depth: int
    ) -> None:
        self._facts = facts
        self._e = e
        self._depth = depth
        self._high = _End(facts, e, upper)
        self._low = _End(facts, scale(-1, e), -lower)

    def answer(self) -> TightBounds:
        """What is known so far."""
        high, low = self._high, self._low
        if -low.upper > high.upper:
            raise ContradictionError(f"the facts leave no value for `{self._e}`")
        found = ValueRanges(-low.upper, high.upper)
        return TightBounds(found, low.reasons, high.reasons, low.exact, high.exact)

    def settle(self) -> None:
        """One way after the other, until both ends are reached."""
        facts, e = self._facts, self._e
        connected = facts.connected(e, CONNECTED + 1)
        if len(connected) > CONNECTED:
            return
        sought = Extremes(facts, e, [fact.claim for fact in connected])
        number = sought.combinations(MANY)
        if number is not None and number <= FEW and self._take_all(sought, connected):
            return
        self._at_ends_of_parts()
        self._by_periods(sought)
        if not (self._high.exact and self._low.exact):
            sought.search(-self._low.sought, self._high.sought)
            self._reach(sought)
        if not (self._high.exact and self._low.exact):
            self._value_by_value(connected)
        self._ask(number, FIRST)
        if not (self._high.exact and self._low.exact) and self._by_operands(connected):
            self._ask(number, 1)
        if number is not None and not (self._high.exact and self._low.exact):
            self._take_all(sought, connected)

    def _by_periods(self, sought: Extremes) -> None:
        """The ends of an expression in one symbol that repeats itself."""
        symbols = free_symbols(self._e)
        sym = symbols[0] if len(symbols) == 1 else None
        if not isinstance(sym, IntExpr) or not self._facts.stands_alone(sym):
            return
        ends = bounds(self._facts, sym).int_bounds()
        found = windows(self._e, *ends)
        if found is None or not all(sought.take(places) for places in found[0]):
            return
        slope = found[1]
        self._reach(sought)
        for end, rising in ((self._high, slope), (self._low, -slope)):
            open_end = ends[1] if rising > 0 else ends[0]
            if rising and isinstance(open_end, IntInfinity):
                end.reach(FAR)
            elif end.reached is not None and end.lower_to(end.reached):
                end.reasons = bounds_with_reasons(self._facts, sym)[1]

    def _at_ends_of_parts(self) -> None:
        facts, e = self._facts, self._e
        self._meet_forms(facts, e, lambda reasons: reasons)
        lower, upper = implied_bounds(facts, e)
        self.meet((lower.value, int_oo), lambda: lower.reasons)
        self.meet((-int_oo, upper.value), lambda: upper.reasons)

    def _meet_forms(
        self, facts: Facts, e: IntExpr, stated: Callable[[Reasons], Reasons]
    ) -> None:
        """Take in what polynomials and common factors show; `stated` says what their reasons
        rest on."""
        self.meet(polynomial_bounds(facts, e), lambda: stated(why_polynomial_bounds(facts, e)))
        self.meet(factored_bounds(facts, e), lambda: stated(why_factored_bounds(facts, e)))

    def meet(self, ends: tuple[Bound, Bound], why: Callable[[], Reasons]) -> None:
        """Take in ends that hold, and what they rest on."""
        for end, found in ((self._high, ends[1]), (self._low, -ends[0])):
            if end.lower_to(found):
                end.reasons = why()

    def _ask(self, number: int | None, share: int) -> None:
        """Ask about both ends, with a share of the steps; less where all of so many values
        can be looked at."""
        for end, part in ((self._high, 2), (self._low, 1)):
            steps = remaining() // (part * share) if number is None else HASTE
            with suppress(ExhaustedError), limited(steps):
                end.settle()

    def _by_operands(self, connected: Sequence[Fact]) -> bool:
        """The ends that intervals find once choices in the facts are decided and the ends of
        the operands are known; whether anything was learned from that."""
        known = Sharpened(self._facts)
        known.decide_choices(connected)
        if self._depth:
            with suppress(ExhaustedError, ContradictionError):
                known.bound_operands(self._e, lambda x: self._ends_of(x, connected))
        if not known.has_news:
            return False
        facts = known.facts
        e, why = facts.normalized(self._e)
        lower, upper = least(facts, e), most(facts, e)
        self.meet((lower.value, int_oo), lambda: known.stated(lower.reasons | why))
        self.meet((-int_oo, upper.value), lambda: known.stated(upper.reasons | why))
        self._meet_forms(facts, e, lambda reasons: known.stated(reasons | why))
        for end in (self._high, self._low):
            end.know(known)
        return True

    def _ends_of(self, operand: IntExpr, connected: Sequence[Fact]) -> Ends:
        with limited(remaining() // PARTS):
            found = _found(self._facts, operand, self._depth - 1)
        lower, upper = found.range.int_bounds()
        whole = Reasons(connected)
        return (lower, found.lower_reasons or whole), (upper, found.upper_reasons or whole)

    def _value_by_value(self, connected: Sequence[Fact]) -> None:
        """The ends that intervals find for each value of a symbol that has few: products,
        powers and quotients with it become linear then."""
        found = _factor_of_few(self._facts, [self._e, *(fact.claim for fact in connected)])
        if found is None:
            return
        sym, values, why = found
        lower: Bound = int_oo
        upper: Bound = -int_oo
        for value in values:
            assert isinstance(value, int)
            fact = Fact(eq_zero(combine(1, sym, 0, sym, -value)), "given")
            try:
                facts = self._facts.given(fact)
                e = facts.normalized(self._e)[0]
                low, high = reach(facts, e).int_bounds()
            except ContradictionError:
                continue
            lower, upper = min(lower, low), max(upper, high)
        if lower <= upper:
            self.meet((lower, upper), lambda: why | Reasons(connected))

    def _reach(self, sought: Extremes) -> None:
        self._high.reach(sought.most)
        self._low.reach(None if sought.least is None else -sought.least)

    def _take_all(self, sought: Extremes, connected: Sequence[Fact]) -> bool:
        """The ends among all values, if none is too large to be computed. (Where there is no
        value at all, that is for the prover to report.)"""
        every = sought.take_all()
        self._reach(sought)
        if not every:
            return False
        for end in (self._high, self._low):
            if end.reached is not None and end.lower_to(end.reached):
                end.reasons = Reasons(connected)
        return True


def _factor_of_few(
    facts: Facts, exprs: Sequence[Expr]
) -> tuple[IntSymbol, Sequence[Value], Reasons] | None:
    """A symbol of few values that is a factor, in an exponent or in a divisor; its values, and
    why it has no others."""
    for node in itertools.chain.from_iterable(map(walk, exprs)):
        inside: Sequence[Expr] = ()
        if type(node) is Product:
            inside = node.args
        elif node.op in _NOT_LINEAR:
            inside = free_symbols(node.args[1])
        for sym in inside:
            if type(sym) is IntSymbol:
                left = values_left(facts, sym, CASES)
                if left is not None and 1 < len(left[0]) <= CASES:
                    return sym, *left
    return None


class _End:
    """The search for the greatest value of an expression: `upper` is what it is known not to
    exceed, `reached` a value that it has somewhere, `_open` the greatest end of which it is
    not known whether it holds."""

    def __init__(self, facts: Facts, e: IntExpr, upper: Bound) -> None:
        self.upper = upper
        self.reasons: Reasons | None = None
        self._facts = facts
        self._known: Sharpened | None = None
        self._e = e
        self._why = NO_REASONS  # what put it into its form
        self.reached: int | None = None
        self._open: int | None = None
        self._implied: int | None = None
        self._step = 1
        self._down = 0

    def lower_to(self, value: Bound) -> bool:
        """Take in an end that holds; whether it is new. Of a sum, numbers that its
        coefficients do not leave are passed over."""
        if value >= self.upper:
            return False
        if not isinstance(value, IntInfinity):
            value -= (value - self._e.constant) % (gcd(*self._e.terms().values()) or 1)
        self.upper = value
        return True

    def know(self, known: Sharpened) -> None:
        """Ask with what follows from the facts, too."""
        e, self._why = known.facts.normalized(self._e)
        self._known, self._facts, self._e = known, known.facts, e
        self._open, self._implied, self._step, self._down = None, None, 1, 0

    def reach(self, value: int | None) -> None:
        """Take note of a value that the expression has somewhere."""
        if value is not None and (self.reached is None or value > self.reached):
            self.reached = value

    @property
    def sought(self) -> int:
        """The value whose like shows that the end is reached: of an infinite one, `FAR`."""
        return FAR if isinstance(self.upper, IntInfinity) else self.upper

    @property
    def exact(self) -> bool:
        """Whether the end is reached; of an infinite one, whether values beyond `FAR` are."""
        return self.reached is not None and self.reached >= self.sought

    def settle(self) -> None:
        """Ask until the end is exact, or what is left cannot be decided."""
        for _ in range(ASKED):
            at = None if self.exact else self._guess()
            if at is None:
                return
            try:
                self._ask(at)
            except (ExhaustedError, TooLargeError):
                return

    def _guess(self) -> int | None:
        """The next end to ask about; None where there is none."""
        floor = self._open
        implied, self._implied = self._implied, None
        if implied is not None and implied < self.upper and (floor is None or floor < implied):
            return implied if self.reached is None else max(implied, self.reached)
        if self.reached is not None and (floor is None or self.reached > floor):
            if self._step <= 2:
                return self.reached
            floor = self.reached
        if isinstance(self.upper, IntInfinity):
            if self._open is not None and self._open >= FAR:
                return None
            return FAR  # if no end as far out is shown, none is
        if self.upper == FAR and floor is not None:
            self._step *= 16
            return min(floor + self._step // 16, (floor + FAR) // 2)
        if floor is None:
            self._step *= 2
            return self.upper - self._step // 2
        if floor >= self.upper - 1:
            return None
        if 0 < self._down <= NEAR:  # first just below, which shows whether any end is shown
            self._down *= 2
            return max(self.upper - self._down // 2, floor + 1)
        return (floor + self.upper) // 2

    def _ask(self, at: int) -> None:
        """Whether the expression is at most that, as far as the prover tells."""
        claim = less_equal(self._e, constant(at))
        verdict = one_sided(self._facts, claim, EFFORT)
        if verdict is not None and verdict.proof is not None:
            self.lower_to(at)
            slope = Fraction(1, gcd(*self._e.terms().values()) or 1)
            certificate = verdict.proof.certificate
            self._implied = implied_end(certificate, negation(claim), at, slope)
            used = Reasons(verdict.proof.facts) | self._why
            self.reasons = used if self._known is None else self._known.stated(used)
            return
        values = None if verdict is None else verdict.counterexample
        if values is not None:
            try:
                value = int(evaluated(self._e, values))
            except (UndefinedError, UnboundSymbolError):  # what has cancelled has no value
                value = at
            if value > at:
                self.reach(value)
                self._step *= 2
                return
        self._down = 1 if self._open is None else 0
        self._open = at if self._open is None else max(at, self._open)
