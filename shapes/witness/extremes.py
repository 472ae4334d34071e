"""Large and small values of an expression under facts: coordinate ascent from corners.

The ends of the symbols' ranges, numbers near them and numbers that the expression mentions
are tried for one symbol after the other, from the corners of the box and from values that are
known to satisfy the facts; two symbols of an equation move together. All of that is within a
budget of evaluations, and ends where both ends that were known before are reached: most often
at the corners.

Guarantees: a value that is found is reached, by evaluation of the expression and of every fact
that is connected with it. Limits: moves of one symbol or two; facts that hold together
in few places are met only where known values are near.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from shapes.base.infinity import IntInfinity
from shapes.expr.nodes import (
    CONSTANT,
    EQ_ZERO,
    OPERATORS,
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    Sum,
    Value,
)
from shapes.facts.knowledge import Knowledge
from shapes.facts.store import Facts
from shapes.traversal.evaluate import Undefined
from shapes.traversal.interpret import free_symbols, walk
from shapes.traversal.tape import Tape
from shapes.witness.enumeration import values_left
from shapes.witness.local_search import nearby

__all__ = ["BEYOND", "Extremes"]

BEYOND: Final = 1 << 40
"""A value that stands for all that are beyond it, where a range has no end."""

EVALUATIONS: Final = 160
"""Points that are evaluated for one end."""

PLACES: Final = (0, 64, -64)
"""Where values that satisfy the facts are looked for."""

CORNERS: Final = 16
"""Corners of the box that are tried."""

CONSTANTS: Final = 8
"""Numbers in the expression and in the facts that are tried as values, the smallest first."""

EQUATIONS: Final = 4
PAIRS: Final = 3
"""Equations along which values move, and the pairs of symbols of each."""

FAR_ALONG: Final = 1 << 41

_QUOTIENT: Final = OPERATORS["FloorDiv"]

Point: TypeAlias = tuple[Value, ...]


class Extremes:
    """Values that an expression reaches under facts: `most` and `least`, None where no values
    were found that satisfy the facts. All of them leave the same remainder modulo `common`
    (0: only one was found)."""

    def __init__(
        self,
        facts: Facts,
        e: IntExpr,
        stated: Sequence[BoolExpr],
    ) -> None:
        self.most: int | None = None
        self.least: int | None = None
        self.common = 0
        self._facts = facts
        self._stated = stated
        self._e = e
        conditions: Sequence[Expr] = stated
        if facts.has_solved:
            reduced = [facts.normalized(c)[0] for c in stated]
            conditions = [c for c in reduced if c.op is not CONSTANT or not c.value]
        self._symbols = free_symbols(e, *conditions)
        self._ways = list(_ways_along(conditions, self._symbols))
        self._tape = Tape(self._symbols, [*conditions, e])
        self._choices: list[list[Value]] = []
        self._domains: list[Sequence[Value]] = []
        self._known: tuple[int | None, int | None] = None, None
        self._too_large = False

    def search(self, lower: int | None = None, upper: int | None = None) -> None:
        """Look for values on both sides, from the corners of the box and from known values.
        With `lower` and `upper`, no farther than there."""
        if any(s.kind == "float" for s in self._symbols):
            return
        self._known = lower, upper
        found: dict[Point, int] = {}
        for corner in self._corners():
            value = self._value(corner)
            if value is not None:
                found[corner] = value
                if self._is_reached(True) and self._is_reached(False):
                    return
        constants = _constants([self._e, *self._stated])
        self._choices = [_choices(self._facts, s, constants) for s in self._symbols]
        first = self._near_the_facts()
        value = None if first is None else self._value(first)
        starts = dict(found)
        if first is not None and value is not None:
            starts = {first: value, **found}
        # (The way to an end that is reached passes values that may help the other one.)
        for up in sorted((True, False), key=self._is_reached):
            # (Of several alike the last one, which is far from the first.)
            best = (max if up else min)(
                reversed(starts), key=starts.__getitem__, default=None
            )
            for start in dict.fromkeys((*itertools.islice(starts, 1), best)):
                if self._is_reached(True) and self._is_reached(False):
                    return
                if start is not None:
                    self._climb(start, up)

    def _is_reached(self, up: bool) -> bool:
        """Whether an end that was known before is a value that was found."""
        lower, upper = self._known
        if up:
            return upper is not None and self.most is not None and self.most >= upper
        return lower is not None and self.least is not None and self.least <= lower

    def combinations(self, limit: int) -> int | None:
        """How many combinations of values there are; None for more than the limit."""
        domains: list[Sequence[Value]] = []
        size = 1
        for sym in self._symbols:
            left = values_left(self._facts, sym, limit)
            if left is None or size * len(left[0]) > limit:
                return None
            size *= len(left[0])
            domains.append(left[0])
        self._domains = domains
        return size

    def take_all(self) -> bool:
        """Look at every combination of the symbols' values that `combinations` counted;
        whether all of them could be evaluated (else there may be other values)."""
        self._too_large = False
        for point in itertools.product(*self._domains):
            self._value(point)
        return not self._too_large

    def take(self, values: Iterable[int]) -> bool:
        """Look at values of the only symbol there is; whether all of them are reached."""
        return len(self._symbols) == 1 and all(
            self._value((value,)) is not None for value in values
        )

    def _moves(self) -> Iterator[Callable[[Point], Iterator[Point]]]:
        """The kinds of moves: of one symbol each, and along each equation."""
        for place in range(len(self._symbols)):
            yield partial(self._with_other, place)
        for way in self._ways:
            yield partial(_along, way)

    def _with_other(self, place: int, point: Point) -> Iterator[Point]:
        """The point with other values of one symbol."""
        here = point[place]
        for other in (*self._beside(place, here), *self._choices[place]):
            if other != here:
                yield (*point[:place], other, *point[place + 1 :])

    def _beside(self, place: int, value: Value) -> Iterator[Value]:
        """The next values of a symbol, within its range."""
        sym = self._symbols[place]
        if not isinstance(sym, IntExpr):
            return
        known = self._facts.knowledge(sym)
        step = max(1, known.congruence.modulus)
        assert isinstance(value, int)
        for other in (value + step, value - step):
            if known.lower <= other <= known.upper:
                yield other

    def _corners(self) -> Iterator[Point]:
        ends = [_ends(self._facts, s) for s in self._symbols]
        return itertools.islice(itertools.product(*ends), CORNERS)

    def _near_the_facts(self) -> Point | None:
        """Values that satisfy the facts, if they are near. They are found from the facts
        alone: the range is not to depend on what was asked before."""
        integers = [s for s in self._symbols if isinstance(s, IntExpr)]
        for number in PLACES:
            known: Mapping[Expr, Value] | None = dict.fromkeys(integers, number)
            for claim in self._stated:
                known = None if known is None else nearby(self._facts, known, claim)
            if known is not None and all(s in known for s in self._symbols):
                return tuple(known[s] for s in self._symbols)
        return None

    def _value(self, point: Point) -> int | None:
        """The expression's value at a point where the facts hold; it is taken note of."""
        _, value = self._tape.last_of_true(point)
        if type(value) is not int:
            if type(value) is Undefined and value.too_large:
                self._too_large = True
            return None
        if self.most is None or self.least is None:
            self.most = self.least = value
            return value
        if self.common != 1:
            self.common = math.gcd(self.common, value - self.least)
        if value > self.most:
            self.most = value
        elif value < self.least:
            self.least = value
        return value

    def _climb(self, start: Point, up: bool) -> None:
        """Move one symbol after the other as long as that makes the value larger (smaller)."""
        left = EVALUATIONS
        point, best = start, self._value(start)
        assert best is not None
        moved = True
        while moved:
            moved = False
            for change in self._moves():
                for tried in change(point):
                    left -= 1
                    if left <= 0:
                        return
                    value = self._value(tried)
                    if value is not None and (value > best if up else value < best):
                        point, best, moved = tried, value, True
                        if self._is_reached(True) and self._is_reached(False):
                            return


def _ways_along(
    conditions: Sequence[Expr], symbols: Sequence[Expr]
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """How two symbols of an equation can move together so that it stays true: places and
    changes."""
    places = {sym: place for place, sym in enumerate(symbols)}
    for condition in conditions[:EQUATIONS]:
        side = condition.args[0] if condition.op is EQ_ZERO else None
        if not isinstance(side, IntExpr) or any(not x.is_symbol for x in side.terms()):
            continue
        for (x, c), (y, d) in itertools.islice(
            itertools.combinations(side.terms().items(), 2), PAIRS
        ):
            g = math.gcd(c, d)
            yield (places[x], d // g), (places[y], -c // g)


def _along(way: tuple[tuple[int, int], tuple[int, int]], point: Point) -> Iterator[Point]:
    """The points that an equation leads to, near and far."""
    for times in (1, -1, FAR_ALONG, -FAR_ALONG):
        moved = list(point)
        for place, change in way:
            moved[place] = point[place] + times * change
        yield tuple(moved)


def _choices(facts: Facts, sym: Expr, constants: Sequence[int]) -> list[Value]:
    """Values of a symbol, both ends first."""
    if not isinstance(sym, IntExpr):
        return [False, True]
    known = facts.knowledge(sym)
    first, last = _first_and_last(known)
    near = [first, last, first + 1, last - 1, first + 2, last - 2, 0, 1, -1]
    near += [n for c in constants for n in (c, c - 1, c + 1, -c)]
    return _admitted(known, near)


def _ends(facts: Facts, sym: Expr) -> Sequence[Value]:
    """Two values of a symbol, far apart."""
    if not isinstance(sym, IntExpr):
        return [False, True]
    known = facts.knowledge(sym)
    return _admitted(known, _first_and_last(known))


def _first_and_last(known: Knowledge) -> tuple[int, int]:
    lower, upper = known.lower, known.upper
    first = min(-BEYOND, upper - 1) if isinstance(lower, IntInfinity) else lower
    last = max(BEYOND, lower + 1) if isinstance(upper, IntInfinity) else upper
    assert isinstance(first, int)
    assert isinstance(last, int)
    return first, last


def _admitted(known: Knowledge, values: Sequence[int]) -> list[Value]:
    """The values, moved to the known residue, that are within the known range."""
    m, r = known.congruence
    if m > 1:
        values = [n + (r - n) % m for n in values]
    return list(dict.fromkeys(n for n in values if known.lower <= n <= known.upper))


def _constants(exprs: Sequence[Expr]) -> list[int]:
    """Numbers in expressions, and where a quotient passes them: of ``x//16 <= 4``, 64 and
    80."""
    found: set[int] = set()
    for node in itertools.chain.from_iterable(map(walk, exprs)):
        if not isinstance(node, IntExpr) or node.is_symbol:
            continue
        if type(node) is not Sum:
            found.update(abs(a.constant) for a in node.args if isinstance(a, IntExpr))
            continue
        k = abs(node.constant)
        found.add(k)
        for term in node.terms() if k else ():
            divisor = term.args[1] if term.op is _QUOTIENT else None
            if type(divisor) is IntConstant:
                found.update((k * abs(divisor.constant), (k + 1) * abs(divisor.constant)))
    return sorted(found - {0, 1})[:CONSTANTS]
