"""Suggestions: the weakest simple checks that would make a claim hold.

Candidates are bounds on one symbol, the order of two (with an offset), equalities,
divisibility, "not this value", the alternatives of a disjunction, and the claim itself. For
a direction e (a symbol, or the difference of two) "``e <= K`` implies the claim" can only
turn from true to false as K grows, so the greatest K is found by bisection. Values that
satisfy all facts and break the claim are collected on the way, and refuse most candidates
without a proof.

Guarantees: under the facts every suggestion implies the claim (the prover says so), and
values satisfy it together with the facts; a suggestion is not listed behind one that is
weaker and not more expensive. Budgets are steps, so the same question gets the same list.
Limits: conjunctions of several new checks are not tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from shapes.base.budget import ExhaustedError, limited
from shapes.base.digits import excerpt
from shapes.base.foreign import as_integer
from shapes.base.infinity import IntInfinity
from shapes.base.pretty import shown_as_text
from shapes.errors import (
    ContradictionError,
    ExpressionTypeError,
    ShapeproofError,
    TooLargeError,
)
from shapes.expr.booleans import conjunction, equal, negation, not_equal
from shapes.expr.integers import modulo
from shapes.expr.linear import le_zero
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    combine,
    constant,
)
from shapes.facts.bounds import bounds
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Status
from shapes.prove.effort import Effort, effort_named
from shapes.prove.ladder import CHEAP, decide, prove
from shapes.queries.simplify import simplify
from shapes.traversal.cost import Cost, cost
from shapes.traversal.definedness import Spelled
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import free_symbols, walk
from shapes.traversal.printing import show
from shapes.witness.search import search

__all__ = ["Suggestion", "suggest"]

STEPS: Final = 240
"""Questions to the prover for one list of suggestions."""

SUGGESTING_STEPS: Final = 350_000
"""The steps of all of them together (see `shapes.base.budget`)."""

MOST_SYMBOLS: Final = 5
"""Claims with more symbols: only the first ones get checks of their own."""

MOST_MODULI: Final = 12
FURTHER_STARTS: Final = 6

PLAIN: Final = 7
"""A claim of no more nodes needs no help from checks that leave a symbol one value."""

Point = Mapping[Any, Any]
"""Values of symbols, by symbol or by name."""


@dataclass(frozen=True)
class Suggestion:
    """A check that makes the claim hold: `text` in the grammar, `line` to be pasted."""

    claim: BoolExpr
    text: str
    line: str

    def __str__(self) -> str:
        return self.line

    _repr_pretty_ = shown_as_text


class _Environment(Protocol):
    """What an environment has to offer here."""

    facts: Facts

    def spelled(self, value: object) -> Spelled:
        """Expression and definedness of what was written."""
        ...


def suggest(
    known: Facts | _Environment,
    claim: BoolExpr | Spelled | str | object,
    limit: int = 5,
    effort: str | Effort = "quick",
    steps: int = STEPS,
) -> list[Suggestion]:
    """The weakest simple checks that make the claim hold (and have a value), weakest first.

    `known` are facts or an environment; text is understood with an environment only. The
    list is empty for a claim that always holds, and for one that never does. Raises
    `ExpressionTypeError` for what is not a condition, `ValueError` for an effort
    that there is not or a negative limit.
    """
    most = as_integer(limit)
    if most is None or most < 0:
        raise ValueError(f"a limit is an integer of at least 0, not {excerpt(limit)}")
    facts = known if isinstance(known, Facts) else known.facts
    goal = _goal(known, claim)
    finder = _Finder(facts, goal, effort_named(effort), steps)
    found: list[BoolExpr] = []
    try:
        with limited(SUGGESTING_STEPS):
            if most == 0 or not finder.is_open():
                return []
            for candidate in finder.candidates():
                found.append(candidate)  # noqa: PERF402 (kept where this ends early)
    except (ExhaustedError, TooLargeError):
        pass  # what was found until then
    written = (_suggestion(c) for c in _ranked(finder, found))
    suggestions = (s for s in written if s is not None)
    # (`islice` takes no number of 2**63 and beyond.)
    return [s for _, s in zip(range(most), suggestions)]


def _ranked(finder: _Finder, found: list[BoolExpr]) -> list[BoolExpr]:
    """What was found, the weakest first, as far as the steps last."""
    try:
        with limited(SUGGESTING_STEPS // 4):
            return finder.ranked(found)
    except (ExhaustedError, TooLargeError):
        return found


def _goal(known: Facts | _Environment, claim: object) -> BoolExpr:
    if isinstance(claim, Spelled):
        spelled = claim
    elif isinstance(claim, Expr):
        spelled = Spelled(claim)
    elif isinstance(known, Facts):
        raise ExpressionTypeError(f"{claim!r} needs an environment to be understood in")
    else:
        spelled = known.spelled(claim)
    if not isinstance(spelled.expr, BoolExpr):
        raise ExpressionTypeError(f"`{spelled.expr}` is not a condition")
    return conjunction(spelled.defined, spelled.expr)


def _suggestion(claim: BoolExpr) -> Suggestion | None:
    """The suggestion with its text; None where that is too long to be written."""
    try:
        text = show(claim)
    except TooLargeError:
        return None
    return Suggestion(claim, text, f"asserts.check({text})")


def _holds(claim: Expr, point: Point) -> bool:
    try:
        return bool(evaluated(claim, point))
    except ShapeproofError:
        return False


class _Finder:
    """One claim on its way to suggestions; `broken` and `satisfied` are points at which all
    facts hold and the claim does not (does)."""

    def __init__(self, facts: Facts, goal: BoolExpr, effort: Effort, steps: int) -> None:
        self._facts = facts
        self._goal = goal
        self._effort = effort
        self._left = steps
        self._costly = not set(effort.methods) <= set(CHEAP)
        self._broken: list[Point] = []
        self._satisfied: list[Point] = []
        symbols = free_symbols(goal)
        self._ints = [s for s in symbols if isinstance(s, IntExpr)][:MOST_SYMBOLS]
        self._bools = [s for s in symbols if isinstance(s, BoolExpr)][:MOST_SYMBOLS]

    def is_open(self) -> bool:
        """Whether the claim neither always nor never holds."""
        verdict = prove(self._facts, self._goal, effort=self._effort)
        if verdict.counterexample is not None:
            self._broken.append(verdict.counterexample)
        if verdict.witness is not None:
            self._satisfied.append(verdict.witness)
        return verdict.status in (Status.DEPENDS, Status.UNKNOWN)

    # ------------------------------------------------------------------ judging

    def _follows(self, given: BoolExpr, goal: BoolExpr, points: list[Point]) -> bool:
        """Whether the facts and `given` imply `goal`; points that show the contrary are
        kept in `points`."""
        if given is goal:
            return True
        if any(_holds(given, p) and not _holds(goal, p) for p in points):
            return False
        if self._left <= 0:
            return False
        self._left -= 1
        try:
            facts = self._facts.given(Fact(given, "given"))
            known = decide(facts, goal)
            if known is not None:
                return known
            if self._effort.search:
                found = search(facts, [negation(goal)], {}, self._effort.search)
                if found is not None:
                    points.append(found)
                    return False
            if not self._costly:
                return False
            verdict = prove(facts, goal, effort=replace(self._effort, search=0))
        except ContradictionError:
            return False
        if verdict.counterexample is not None:
            points.append(verdict.counterexample)
        return verdict.proved

    def _accepted(self, candidate: BoolExpr) -> bool:
        """Whether the candidate implies the claim, and can be satisfied."""
        if candidate is TRUE or candidate is FALSE:
            return False
        return self._follows(candidate, self._goal, self._broken) and self._possible(candidate)

    def _possible(self, candidate: BoolExpr) -> bool:
        if any(_holds(candidate, point) for point in self._satisfied):
            return True
        budget = max(self._effort.search, 60)
        try:
            found: Point | None = search(self._facts, [candidate, self._goal], {}, budget)
            if found is None and self._costly and self._left > 0:
                self._left -= 1
                found = prove(self._facts, candidate, effort=self._effort).witness
        except ContradictionError:
            return False
        if found is None:
            return False
        self._satisfied.append(found)
        return True

    # ------------------------------------------------------------------ candidates

    def candidates(self) -> Iterator[BoolExpr]:
        """Checks that imply the claim, the claim (as simple as it gets) among them."""
        plain = simplify(self._facts, self._goal)
        assert isinstance(plain, BoolExpr)
        yield plain if self._accepted(plain) else self._goal
        proposed = itertools.chain(
            self._alternatives(plain),
            self._on_conditions(),
            self._bounds(self._ints),
            self._remainders(),
            self._bounds(self._differences()),
            self._values(),
            self._divisions(),
        )
        seen: set[BoolExpr] = {plain, self._goal}
        pinning = []
        helpful = False
        for candidate in itertools.chain(proposed, self._single_values()):
            if candidate in seen:
                continue
            seen.add(candidate)
            if not self._accepted(candidate):
                continue
            if self._leaves_one_value(candidate):
                pinning.append(candidate)
            else:
                helpful = True
                yield candidate
        if not helpful and cost(plain).nodes > PLAIN:
            yield from pinning

    def _alternatives(self, claim: BoolExpr) -> Iterator[BoolExpr]:
        """What a disjunction offers."""
        if claim.op is OPERATORS["Or"]:
            yield from (p for p in claim.args if isinstance(p, BoolExpr))

    def _on_conditions(self) -> Iterator[BoolExpr]:
        for p in self._bools:
            yield p
            yield negation(p)

    def _differences(self) -> list[IntExpr]:
        pairs = itertools.combinations(self._ints, 2)
        return [combine(1, a, -1, b) for a, b in pairs]

    def _bounds(self, directions: Sequence[IntExpr]) -> Iterator[BoolExpr]:
        """The weakest upper and lower bound of each direction that implies the claim."""
        for e in directions:
            for sign in (1, -1):
                found = self._weakest(combine(sign, e, 0, e))
                if found is not None:
                    yield found

    def _weakest(self, e: IntExpr) -> BoolExpr | None:
        """``e <= K`` for the greatest K with which it implies the claim."""
        good = next((k for k in self._starts(e) if self._accepted(_at_most(e, k))), None)
        if good is None:
            return None
        bad = self._least_broken(e)
        if bad is None:
            return _at_most(e, good)
        while bad - good > 1 and self._left > 0:
            middle = (good + bad) // 2
            if self._accepted(_at_most(e, middle)):
                good = middle
            else:
                bad = min(middle, self._least_broken(e) or middle)
        return _at_most(e, good)

    def _least_broken(self, e: IntExpr) -> int | None:
        values = [v for v in (_value(e, point) for point in self._broken) if v is not None]
        return min(values, default=None)

    def _starts(self, e: IntExpr) -> Iterator[int]:
        """Values from which a bound may start: the least of the range, or what is known to
        satisfy the claim."""
        lower, _ = bounds(self._facts, e).int_bounds()
        limit = self._least_broken(e)
        if not isinstance(lower, IntInfinity):
            if limit is None or lower < limit:
                yield lower
            return
        starts = [v for p in self._satisfied[:3] if (v := _value(e, p)) is not None]
        for k in dict.fromkeys([*starts, 0, -1]):
            if limit is None or k < limit:
                yield k
        for _ in range(FURTHER_STARTS):
            # Every start that failed has left a point behind, or nothing more is known.
            limit, before = self._least_broken(e), limit
            if limit is None or limit == before:
                return
            yield limit - 1

    def _remainders(self) -> Iterator[BoolExpr]:
        """Divisibility by what the claim divides by or multiplies with; other remainders as
        far as values that satisfy the claim have them."""
        for sym in self._ints:
            for m in self._moduli():
                seen = [_value(sym, point) for point in self._satisfied[:3]]
                for r in dict.fromkeys([0, *(v % m for v in seen if v is not None)]):
                    candidate = equal(modulo(sym, constant(m)), constant(r))
                    if self._accepted(candidate):
                        yield candidate
                        break
                else:
                    continue
                break  # a multiple of this modulus says more than is needed

    def _moduli(self) -> list[int]:
        found: set[int] = set()
        for node in walk(self._goal):
            if type(node) is IntConstant:
                found.add(abs(node.constant))
            elif isinstance(node, IntExpr) and not node.is_constant:
                found.update(abs(c) for c in node.terms().values())
        divisors = {
            d for m in found if 1 < m <= 1 << 16 for d in (*range(2, 9), 16, 32, 64, m)
            if m % d == 0
        }  # fmt: skip
        return sorted(divisors)[:MOST_MODULI]

    def _divisions(self) -> Iterator[BoolExpr]:
        """One symbol divisible by another, where the claim divides by that."""
        divisors: dict[Expr, None] = {}
        for node in walk(self._goal):
            if node.op.name in ("FloorDiv", "TruncDiv"):
                divisors.update(dict.fromkeys(free_symbols(node.args[1])))
        for b in divisors:
            if not isinstance(b, IntExpr):
                continue
            if decide(self._facts, not_equal(b, constant(0))) is not True:
                continue
            for a in self._ints:
                if a is not b:
                    yield equal(modulo(a, b), constant(0))

    def _values(self) -> Iterator[BoolExpr]:
        """Equalities, and "not this value"."""
        for a, b in itertools.combinations(self._ints, 2):
            yield equal(a, b)
            yield not_equal(a, b)
        for sym in self._ints:
            against = [_value(sym, point) for point in self._broken[:3]]
            for v in dict.fromkeys([0, 1, *(v for v in against if v is not None)]):
                yield not_equal(sym, constant(v))

    def _single_values(self) -> Iterator[BoolExpr]:
        """One symbol equal to a value that satisfies the claim."""
        for sym in self._ints:
            for point in self._satisfied[:3]:
                found = _value(sym, point)
                if found is not None:
                    yield equal(sym, constant(found))

    def _leaves_one_value(self, candidate: BoolExpr) -> bool:
        e = candidate.args[0] if candidate.args else None
        if not isinstance(e, IntExpr) or candidate.op not in (LE_ZERO, EQ_ZERO):
            return False
        alone = len(e.terms()) == 1 and next(iter(e.terms())).is_symbol
        if candidate.op is EQ_ZERO and not alone:
            return False
        lower, upper = bounds(self._facts.given(candidate), e).int_bounds()
        return lower == upper

    # ------------------------------------------------------------------ ranking

    def ranked(self, candidates: Sequence[BoolExpr]) -> list[BoolExpr]:
        """Weakest first; without those that say more than a listed one that costs no more."""
        points = [*self._satisfied, *self._broken]
        self._left = max(self._left, len(candidates) ** 2)
        implied: dict[BoolExpr, set[BoolExpr]] = {}
        for c in candidates:
            others = [d for d in candidates if d is not c]
            implied[c] = {d for d in others if self._follows(c, d, points)}
        costs = {c: cost(c) for c in candidates}
        order = {c: index for index, c in enumerate(candidates)}

        def better(d: BoolExpr, c: BoolExpr) -> bool:
            """d makes c superfluous: weaker at no higher cost, or the same and preferable."""
            if d not in implied[c]:
                return False
            if c in implied[d]:
                return (costs[d], order[d]) < (costs[c], order[c])
            return costs[d] <= costs[c]

        kept = [c for c in candidates if not any(better(d, c) for d in candidates)]

        def place(c: BoolExpr) -> tuple[int, Cost, int]:
            weakness = sum(c in implied[d] for d in kept)
            return -weakness, costs[c], order[c]

        return sorted(kept, key=place)


def _at_most(e: IntExpr, k: int) -> BoolExpr:
    return le_zero(combine(1, e, 0, e, -k))


def _value(e: IntExpr, point: Point) -> int | None:
    try:
        found = evaluated(e, point)
    except ShapeproofError:
        return None
    return found if isinstance(found, int) else None
