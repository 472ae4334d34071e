"""Large and small values of an expression under facts: coordinate ascent from corners.

The ends of the symbols' ranges, numbers near them and numbers that the expression mentions
are tried for one symbol after the other, from the corners of the box and from values that are
known to satisfy the facts, within a budget of evaluations.

Guarantees: a value that is found is reached, by evaluation of the expression and of every fact
that is connected with it. Limits: moves of one symbol; facts that hold together in few places
(equations) are met only where known values are near.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shapes.base.infinity import IntInfinity
from shapes.expr.nodes import CONSTANT, BoolExpr, Expr, IntExpr, Value
from shapes.facts.store import Facts
from shapes.traversal.interpret import free_symbols, walk
from shapes.traversal.tape import Tape
from shapes.witness.search import models_of

__all__ = ["BEYOND", "Extremes"]

BEYOND: Final = 1 << 40
"""A value that stands for all that are beyond it, where a range has no end."""

EVALUATIONS: Final = 160
"""Points that are evaluated for one end."""

CORNERS: Final = 16
"""Corners of the box that are tried."""

CONSTANTS: Final = 6
"""Numbers in the expression and in the facts that are tried as values, the smallest first."""

STARTS: Final = 4
"""Known values from which moves start."""


class Extremes:
    """Values that an expression reaches under facts: `most` and `least`, None where no values
    were found that satisfy the facts. All of them leave the same remainder modulo `common`
    (0: only one was found)."""

    def __init__(
        self,
        facts: Facts,
        e: IntExpr,
        stated: Sequence[BoolExpr],
        model: Mapping[Expr, Value],
    ) -> None:
        self._model = model
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
        self._tape = Tape(self._symbols, [*conditions, e])
        self._choices: list[list[Value]] = []

    def search(self) -> None:
        """Look for values on both sides, from the corners of the box and from known values."""
        if any(s.kind == "float" for s in self._symbols):
            return
        constants = _constants([self._e, *self._stated])
        self._choices = [_choices(self._facts, s, constants) for s in self._symbols]
        starts = [p for p in self._starts() if self._value(p) is not None]
        for up in (True, False):
            ranked = sorted(starts, key=self._value, reverse=up)  # type: ignore[arg-type]
            for start in ranked[:1]:
                self._climb(start, up)

    def all_values(self, limit: int) -> bool:
        """Look at every combination of the symbols' values, if there are no more than that."""
        domains: list[Sequence[Value]] = []
        size = 1
        for sym in self._symbols:
            values = _every_value(self._facts, sym, limit)
            if values is None or size * len(values) > limit:
                return False
            size *= len(values)
            domains.append(values)
        for point in itertools.product(*domains):
            self._value(point)
        return True

    def _starts(self) -> Iterator[tuple[Value, ...]]:
        ends = [choices[:2] for choices in self._choices]
        yield from itertools.islice(itertools.product(*ends), CORNERS)
        if len(ends) > 4:
            yield tuple(choices[-1] for choices in ends)
        known = tuple(models_of(self._facts))
        for values in (self._model, *itertools.islice(known, STARTS)):
            if all(s in values for s in self._symbols):
                yield tuple(values[s] for s in self._symbols)

    def _value(self, point: tuple[Value, ...]) -> int | None:
        """The expression's value at a point where the facts hold; it is taken note of."""
        _, value = self._tape.last_of_true(point)
        if type(value) is not int:
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

    def _climb(self, start: tuple[Value, ...], up: bool) -> None:
        """Move one symbol after the other as long as that makes the value larger (smaller)."""
        left = EVALUATIONS
        point, best = start, self._value(start)
        assert best is not None
        moved = True
        while moved:
            moved = False
            for place, choices in enumerate(self._choices):
                for other in choices:
                    if other == point[place]:
                        continue
                    left -= 1
                    if left <= 0:
                        return
                    tried = (*point[:place], other, *point[place + 1 :])
                    value = self._value(tried)
                    if value is not None and (value > best if up else value < best):
                        point, best, moved = tried, value, True


def _choices(facts: Facts, sym: Expr, constants: Sequence[int]) -> list[Value]:
    """Values of a symbol, both ends first."""
    if not isinstance(sym, IntExpr):
        return [False, True]
    known = facts.knowledge(sym)
    lower, upper = known.lower, known.upper
    first = known.lower if not isinstance(lower, IntInfinity) else min(-BEYOND, upper - 1)
    last = known.upper if not isinstance(upper, IntInfinity) else max(BEYOND, lower + 1)
    assert isinstance(first, int)
    assert isinstance(last, int)
    near = [first, last, first + 1, last - 1, first + 2, last - 2, 0, 1, -1]
    near += [n for c in constants for n in (c, c - 1, c + 1, -c)]
    m, r = known.congruence
    if m > 1:
        near = [n + (r - n) % m for n in near]
    return list(dict.fromkeys(n for n in near if lower <= n <= upper))


def _every_value(facts: Facts, sym: Expr, limit: int) -> Sequence[Value] | None:
    """The values that a symbol can have, if there are no more than that."""
    if sym.kind == "bool":
        return (False, True)
    if not isinstance(sym, IntExpr):
        return None
    known = facts.knowledge(sym)
    if isinstance(known.lower, IntInfinity) or isinstance(known.upper, IntInfinity):
        return None
    m, r = known.congruence
    first = known.lower + (r - known.lower) % m if m else r
    if known.upper - first >= limit * max(m, 1):
        return None
    return range(first, known.upper + 1, m or 1)


def _constants(exprs: Sequence[Expr]) -> list[int]:
    found: set[int] = set()
    for node in itertools.chain.from_iterable(map(walk, exprs)):
        if isinstance(node, IntExpr) and node.args and not node.is_symbol:
            found.update(abs(a.constant) for a in node.args if isinstance(a, IntExpr))
        elif isinstance(node, IntExpr) and node.terms():
            found.add(abs(node.constant))
    return sorted(found - {0, 1})[:CONSTANTS]
