"""Guided generate-and-test search for counterexamples and witnesses with small values.

Candidates for every symbol are taken from the ends of its range, from small numbers and
from the constants in the conditions; combinations are tried with small ones first, within
a budget of evaluations. Whatever is returned was evaluated with Python's own numbers.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from shapes.base.infinity import Bound, IntInfinity
from shapes.errors import ShapeproofError, UndefinedError
from shapes.expr.booleans import conjunction, equal, negation
from shapes.expr.nodes import (
    CONSTANT,
    LE_ZERO,
    RELATIONS,
    SYMBOL,
    BoolExpr,
    Expr,
    IntExpr,
    Value,
    as_expr,
    side_of,
)
from shapes.facts.bounds import bounds
from shapes.facts.cache import Part
from shapes.facts.store import Fact, Facts
from shapes.traversal.evaluate import evaluated
from shapes.traversal.interpret import free_symbols, walk
from shapes.traversal.tape import Tape

__all__ = [
    "Search",
    "Values",
    "completed",
    "models_of",
    "remembered",
    "satisfies",
    "search",
]

Values = dict[Expr, Value]


_FLOATS: Final = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1e-300, 1e300, float("inf"), float("nan"))


def satisfies(values: Mapping[Expr, Value], conditions: Iterable[Expr]) -> bool:
    """Whether all conditions are defined and true."""
    try:
        return all(evaluated(condition, values) for condition in conditions)
    except UndefinedError:
        return False


MODELS: Final = 32
"""Models that are kept with a set of facts."""

_MODELS: Final[Part[None, deque[Values]]] = Part("models", 1)


def models_of(facts: Facts) -> deque[Values]:
    """The last values that were found to satisfy these facts: many claims break at the same
    ones."""
    return _MODELS.of(facts).setdefault(None, deque(maxlen=MODELS))


def remembered(facts: Facts, condition: BoolExpr) -> Values | None:
    """Of such values some that satisfy a condition, and (evaluated again) the facts that are
    connected with it."""
    own = free_symbols(condition)
    stated: list[BoolExpr] = []
    for values in tuple(models_of(facts)):  # another thread may find more
        if not all(sym in values for sym in own) or not satisfies(values, [condition]):
            continue
        if not stated:
            stated = [fact.claim for fact in facts.connected(condition)]
            own = free_symbols(condition, *stated)
        if all(sym in values for sym in own) and satisfies(values, stated):
            return {sym: values[sym] for sym in own}
    return None


BRANCHES: Final = 3
"""Values that are tried for one symbol before the search turns back."""

STEPS_EACH: Final = 40
"""Conditions that may be evaluated, on average, for one combination of values."""


def search(
    facts: Facts,
    conditions: Sequence[BoolExpr],
    hints: Mapping[Expr, Value],
    budget: int,
) -> Values | None:
    """Values for all symbols of the conditions and of the facts connected with them, which
    satisfy everything; None if none were found within `budget` combinations."""
    sought = Search(facts, conjunction(*conditions), hints)
    sought.run(budget, broken=False)
    return sought.satisfied


CONSTANTS: Final = 24
"""Constants of the conditions that are tried as values, the smallest first."""


class Search:
    """A search for values that satisfy the facts and break (or satisfy) a claim.

    It goes on where it stopped: a second `run` tries the next combinations.
    """

    def __init__(
        self,
        facts: Facts,
        claim: BoolExpr,
        hints: Mapping[Expr, Value],
        model: Mapping[Expr, Value] | None = None,
    ) -> None:
        self.broken: Values | None = None
        self.satisfied: Values | None = None
        self._facts = facts
        self._claim = claim
        self._stated = [fact.claim for fact in facts.connected(claim)]
        self._symbols = self._free = free_symbols(claim, *self._stated)
        # Where to look is within the ranges of all symbols: bounds are evaluated at the end.
        self._bounds = [c for c in self._stated if _is_bound(c)]
        self._conditions: Sequence[Expr] = [c for c in self._stated if not _is_bound(c)]
        self._goal: Expr = claim
        if facts.has_solved:
            self._bounds = []
            reduced = [facts.normalized(c)[0] for c in self._stated]
            self._conditions = [c for c in reduced if c.op is not CONSTANT or not c.value]
            self._goal = facts.normalized(claim)[0]
            self._free = free_symbols(self._goal, *self._conditions)
        self._points = self._all_points(hints, model or {})
        self._tape = Tape(self._free, [*self._conditions, self._goal])

    @property
    def size(self) -> int:
        """How many conditions are connected with the claim."""
        return len(self._conditions) + len(self._bounds)

    def _all_points(
        self, hints: Mapping[Expr, Value], model: Mapping[Expr, Value]
    ) -> Iterator[tuple[Value, ...]]:
        """Where to look: at the model first (values that satisfied the facts before), then
        where one symbol is moved so that the claim turns, then at combinations of
        candidates."""
        start: Values = {}
        for sym in self._free:
            value = model.get(sym)
            if value is None:  # nothing was stated about it but its range
                value = next(_candidates(self._facts, sym, (), hints), None)
            if value is not None:
                start[sym] = value
        if len(start) == len(self._free):
            yield tuple(start.values())
            yield from _turned(self._facts, self._goal, start)
        constants = _Constants([self._goal, *self._conditions])
        candidates = [_candidates(self._facts, s, constants, hints) for s in self._free]
        points = _combinations([Lazy(values) for values in candidates])
        first = list(itertools.islice(points, 1))
        if first != [tuple(start.values())]:  # (often the model is where everything begins)
            yield from first
        yield from itertools.islice(points, len(self._free))
        yield from _corners(self._facts, self._free)
        yield from points

    def run(self, budget: int, broken: bool = True, satisfied: bool = True) -> None:
        """Try that many more combinations, or fewer if their evaluation is long; `broken` and
        `satisfied` say which values are wanted."""
        steps = max(budget * STEPS_EACH, len(self._conditions) + 1)
        for choice in itertools.islice(self._points, budget):
            wanted = broken and self.broken is None
            if not wanted and not (satisfied and self.satisfied is None):
                return
            evaluated, truth = self._tape.last_of_true(choice)
            steps -= evaluated
            if steps < 0:
                return
            if truth is True and self.satisfied is None:
                self.satisfied = self._checked(choice, self._claim)
            elif truth is False and self.broken is None and broken:
                self.broken = self._checked(choice, negation(self._claim))

    def follow(self, nodes: int) -> None:
        """Look for what is still missing by fixing one symbol after the other and letting the
        facts narrow the others; `nodes` is how many values may be fixed in all. It finds the
        tight corners that combinations miss: sums and chains of several symbols."""
        if self.broken is None:
            self.broken = self._followed(negation(self._claim), nodes)
        if self.satisfied is None:
            self.satisfied = self._followed(self._claim, nodes)

    def _followed(self, goal: BoolExpr, nodes: int) -> Values | None:
        stack = [self._facts.extended(Fact(goal, "given"))]
        while stack and nodes > 0:
            facts = stack.pop()
            if not isinstance(facts, Facts):
                continue  # this value contradicts the facts
            left = [s for s in self._symbols if not facts.normalized(s)[0].is_constant]
            if not left:
                values = {s: facts.normalized(s)[0].value for s in self._symbols}
                if satisfies(values, [goal, *self._stated]):
                    return values
                continue
            among = free_symbols(facts.normalized(left[0])[0])
            if not among:
                continue  # defined by something without a value, as `3 // 0`
            sym = among[0]
            narrowed = []
            for value in _branches(facts, sym):
                nodes -= 1
                fixed = Fact(equal(sym, as_expr(value)), "given")
                narrowed.append(facts.extended(fixed))
            stack.extend(reversed(narrowed))
        return None

    def kept(self, values: Mapping[Expr, Value], goal: BoolExpr) -> Values | None:
        """The values of the symbols that matter, if they satisfy the goal and what was stated
        in its own words."""
        if any(sym not in values for sym in self._symbols):
            return None
        found: Values = {sym: values[sym] for sym in self._symbols}
        return found if satisfies(found, [goal, *self._stated]) else None

    def _checked(self, choice: Sequence[Value], goal: BoolExpr) -> Values | None:
        """Values for all symbols, if they satisfy what was stated in its own words."""
        values: Values = dict(zip(self._free, choice))
        if len(values) == len(self._symbols) and not self._facts.has_solved:
            # What was evaluated, and the bounds, are what was stated.
            return values if all(_is_within(c, values) for c in self._bounds) else None
        complete = completed(self._facts, values, self._symbols)
        if complete is None or not satisfies(complete, [goal, *self._stated]):
            return None
        return complete


CORNERS: Final = 3
"""Symbols whose box has few enough corners to try them."""


def _is_bound(claim: Expr) -> bool:
    """Whether a condition just bounds a symbol."""
    if claim.op is not LE_ZERO:
        return False
    terms = side_of(claim).terms()
    return len(terms) == 1 and next(iter(terms)).op is SYMBOL


def _is_within(bound: Expr, values: Values) -> bool:
    """Whether a symbol's value satisfies a bound on it."""
    e = bound.args[0]
    assert isinstance(e, IntExpr)
    ((x, c),) = e.terms().items()
    return c * values[x] + e.constant <= 0


def _turned(facts: Facts, goal: Expr, start: Values) -> Iterator[tuple[Value, ...]]:
    """Values that differ in one symbol, by just so much that a relation of symbols holds where
    it did not, or the other way round; within the symbol's range."""
    side = goal.args[0] if goal.op in RELATIONS else None
    if not isinstance(side, IntExpr) or any(x.op is not SYMBOL for x in side.terms()):
        return
    terms = side.terms()
    total: Any = side.constant + sum(c * start[x] for x, c in terms.items())
    for x, c in terms.items():
        old = start[x]
        change = _change(goal, total, c)
        if change is None or not isinstance(old, int):
            continue
        known = facts.knowledge(x)
        m, r = known.congruence
        new = old + change
        if m > 1:
            new += (r - new) % m if change > 0 else -((new - r) % m)
        if known.lower <= new <= known.upper:
            yield tuple({**start, x: new}.values())


def _change(goal: Expr, total: int, c: int) -> int | None:
    """How much a symbol of coefficient c changes for a relation to turn whose side is
    `total`; None if it cannot."""
    if goal.op is not LE_ZERO:
        if total == 0:
            return 1
        return None if total % c else -total // c
    wanted = 1 - total if total <= 0 else -total  # that much is added at least, or at most
    if (wanted > 0) is (c > 0):
        return -(-wanted // c)
    return wanted // c


def _corners(facts: Facts, symbols: Sequence[Expr]) -> Iterator[tuple[Value, ...]]:
    """The corners of the box in which a few symbols lie, but for that of all lower ends, at
    which everything begins: what is monotone in each of them turns at a corner if it does."""
    ends: list[tuple[int, ...]] = []
    for sym in symbols:
        if not isinstance(sym, IntExpr) or len(symbols) > CORNERS:
            return
        known = facts.knowledge(sym)
        lower, upper = known.lower, known.upper
        if isinstance(lower, IntInfinity) or isinstance(upper, IntInfinity):
            return
        ends.append((lower, upper) if lower < upper else (lower,))
    yield from itertools.islice(itertools.product(*ends), 1, None)


def _branches(facts: Facts, sym: Expr) -> list[Value]:
    """A few values of a symbol: the smallest, the end of its range, and the next."""
    near = list(itertools.islice(_candidates(facts, sym, (), {}), BRANCHES - 1))
    if isinstance(sym, IntExpr) and near:
        upper = bounds(facts, sym).int_bounds()[1]
        if not isinstance(upper, IntInfinity) and upper not in near:
            near.insert(1, upper)
    return near


class Lazy:
    """A sequence whose items are made when they are asked for; `made` holds those so far."""

    __slots__ = ("_rest", "made")

    def __init__(self, items: Iterator[Value]) -> None:
        self.made: list[Value] = []
        self._rest = items

    def has(self, index: int) -> bool:
        """Whether there are that many items and one more."""
        made = self.made
        while len(made) <= index:
            for item in self._rest:
                made.append(item)
                break
            else:
                return False
        return True


def completed(facts: Facts, values: Values, symbols: Sequence[Expr]) -> Values | None:
    """Values for solved symbols and for those that no condition constrains."""
    complete: Values = dict(values)
    try:
        for sym in symbols:
            definition = facts.normalized(sym)[0]
            for free in free_symbols(definition):
                if free not in complete:
                    complete[free] = next(iter(_candidates(facts, free, (), {})))
        for sym in symbols:
            if sym not in complete:
                complete[sym] = evaluated(facts.normalized(sym)[0], complete)
    except ShapeproofError:
        return None
    return complete


def _candidates(
    facts: Facts, sym: Expr, constants: Iterable[int], hints: Mapping[Expr, Value]
) -> Iterator[Value]:
    if sym.kind == "bool":
        yield from (True, False)
        return
    if sym.kind == "float":
        yield from _doubles(facts, sym)
        return
    assert isinstance(sym, IntExpr)
    known = facts.knowledge(sym)  # (no solved symbol is asked for: this is all of its range)
    lower, upper = known.lower, known.upper
    low, high = isinstance(lower, IntInfinity), isinstance(upper, IntInfinity)  # (no ends)
    m, r = known.congruence
    seen: set[int] = set()
    for value in _interesting(lower, upper, sym, constants, hints):
        if m > 1:
            value += (r - value) % m
        if (low or value >= lower) and (high or value <= upper) and value not in seen:
            seen.add(value)
            yield value


def _doubles(facts: Facts, sym: Expr) -> Iterator[float]:
    """Usual and unusual doubles, and those at and around the ends of the known range and the
    constants that it is compared with."""
    known = facts.double_range(sym)[0]
    constants: list[object] = [known.lower, known.upper]
    for claim in (fact.claim for fact in facts.connected(sym)):
        constants += [node.value for node in walk(claim) if node.is_constant]
    ends = [end for end in constants if isinstance(end, float) and math.isfinite(end)]
    seen: list[float] = []
    for value in (*_FLOATS[:6], *_around(ends), *_FLOATS[6:]):
        if (value in known or (math.isnan(value) and known.nan)) and value not in seen:
            seen.append(value)
            yield value


def _around(ends: Iterable[float]) -> Iterator[float]:
    for end in ends:
        yield from (end, end + 0.5, end - 0.5, end + 1.0, end - 1.0)
        yield from (math.nextafter(end, math.inf), math.nextafter(end, -math.inf))


def _interesting(
    lower: Bound,
    upper: Bound,
    sym: Expr,
    constants: Iterable[int],
    hints: Mapping[Expr, Value],
) -> Iterator[int]:
    """Small numbers near the range's ends first, then those that the conditions mention."""
    base: Bound = 0
    if not lower <= 0 <= upper:
        base = lower if not isinstance(lower, IntInfinity) and lower > 0 else upper
    assert isinstance(base, int)
    step = 1 if base <= upper - 1 else -1
    yield from range(base, base + 4 * step, step)
    hint = hints.get(sym)
    if isinstance(hint, int):
        yield int(hint)
    for end, inwards in ((lower, 1), (upper, -1)):
        if not isinstance(end, IntInfinity):
            yield from (end, end + inwards)
    yield from (-1, -2)
    for c in constants:
        yield from (c, c - 1, c + 1, -c, 2 * c)
    yield from (5, 6, 7, 8, 12, 16, 17, -3, -7, 100, 1 << 31, 1 << 63, -(1 << 63))


class _Constants:
    """The smallest constants in some conditions, collected when they are first needed: most
    searches end before."""

    def __init__(self, conditions: Sequence[Expr]) -> None:
        self._conditions = conditions
        self._found: list[int] | None = None

    def __iter__(self) -> Iterator[int]:
        if self._found is None:
            everything = {abs(c) for e in self._conditions for c in _constants(e)}
            self._found = sorted(everything | {0, 1})[:CONSTANTS]
        return iter(self._found)


def _constants(condition: Expr) -> Iterator[int]:
    for node in _nodes_with_constants(condition):
        if isinstance(node, IntExpr) and not node.is_constant:
            yield node.constant
            yield from node.terms().values()
        elif node.is_constant and isinstance(node.value, int):
            yield int(node.value)


def _nodes_with_constants(condition: Expr) -> Iterable[Expr]:
    """The nodes of a condition; without its symbols, where it is a relation between such."""
    side = condition.args[0] if len(condition.args) == 1 else condition
    if not isinstance(side, IntExpr) or side.is_constant:
        return walk(condition)
    return (side,) if all(x.op is SYMBOL for x in side.terms()) else walk(condition)


def _combinations(candidates: Sequence[Lazy]) -> Iterator[tuple[Value, ...]]:
    """Combinations with early candidates first; many symbols: single changes, then samples
    drawn with a fixed seed."""
    if not all(options.has(0) for options in candidates):
        return
    if len(candidates) <= 3:
        for total in itertools.count():
            any_left = False
            for places in _splits(total, len(candidates)):
                point = []
                for options, place in zip(candidates, places):
                    made = options.made
                    if place >= len(made) and not options.has(place):
                        break
                    point.append(made[place])
                else:
                    any_left = True
                    yield tuple(point)
            if not any_left:
                return
    start = tuple(options.made[0] for options in candidates)
    yield start
    for index, options in enumerate(candidates):
        for place in itertools.takewhile(options.has, range(1, 12)):
            yield (*start[:index], options.made[place], *start[index + 1 :])
    import random  # only needed here, and not quick to import

    draw = random.Random(0)
    while True:
        yield tuple(_drawn(options, int(draw.expovariate(0.4))) for options in candidates)


def _drawn(options: Lazy, index: int) -> Value:
    while not options.has(index):
        index -= 1
    return options.made[index]


@lru_cache(maxsize=256)
def _splits(total: int, parts: int) -> tuple[tuple[int, ...], ...]:
    """The ways to write `total` as a sum of that many naturals."""
    if parts == 0:
        return () if total else ((),)
    if parts == 1:
        return ((total,),)
    return tuple(
        (first, *rest)
        for first in range(total + 1)
        for rest in _splits(total - first, parts - 1)
    )
