"""Expressions recorded once and evaluated many times.

A search evaluates the same few conditions at hundreds of points. `Tape` walks them once,
with the interpreter, and keeps for every node one step: a function of the values so far.
Evaluating at a point is then a loop over steps, without look-ups by node. Meaning and
definedness are those of `evaluate`; a test compares the two on every operator.

Expressions are evaluated in order and only as far as they are asked for, so a condition
that fails saves the steps of all that come after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from shapes.base.budget import spend
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    MANY,
    NE_ZERO,
    OPERATORS,
    SYMBOL,
    Expr,
    Op,
    Value,
    side_of,
)
from shapes.traversal.evaluate import SMALL, Evaluation, Undefined, sized
from shapes.traversal.interpret import OFTEN, interpret

__all__ = ["Tape"]

Step = Callable[[list[Any]], Any]

_MEANING: Final = Evaluation()


class Tape:
    """The steps of some expressions over some symbols."""

    def __init__(self, symbols: Sequence[Expr], exprs: Sequence[Expr]) -> None:
        recorder = _Recorder(len(symbols))
        memo: dict[Any, Any] = {sym: place for place, sym in enumerate(symbols)}
        self._sections: list[tuple[list[Step], int]] = []
        for expr in exprs:
            step = None if expr in memo else _between_symbols(expr, memo)
            if step is not None:
                memo[expr] = recorder.recorded(step)
            place = interpret(recorder, {}, expr, memo)
            self._sections.append((recorder.taken(), place))

    def values(self, point: Sequence[Value]) -> Iterator[Any]:
        """The expressions' values at a point, one after the other: `point` gives the
        symbols' values in their order. An `Undefined` stands where there is no value."""
        slots: list[Any] = list(point)
        pending = 0  # steps that are not counted yet
        for steps, place in self._sections:
            pending += len(steps)
            if pending > OFTEN:
                spend(pending)
                pending = 0
            for step in steps:
                slots.append(step(slots))
            yield slots[place]

    def last_of_true(self, point: Sequence[Value]) -> tuple[int, Any]:
        """How many expressions were evaluated at a point, and the last one's value if all
        before it are true (None if not, or that one's `Undefined` if it is too large to be
        computed); no more are evaluated behind one that is not."""
        slots: list[Any] = list(point)
        pending = 0
        left = len(self._sections)
        for steps, place in self._sections:
            pending += len(steps)
            if pending > OFTEN:
                spend(pending)
                pending = 0
            for step in steps:
                slots.append(step(slots))
            left -= 1
            if left and slots[place] is not True:
                held = slots[place]
                unknown = type(held) is Undefined and held.too_large
                return len(self._sections) - left, held if unknown else None
        return len(self._sections), slots[place]


def _between_symbols(condition: Expr, places: Mapping[Expr, int]) -> Step | None:
    """A relation of a few symbols, which is what most conditions are, as one step; None for
    anything else."""
    if condition.op not in _COMPARED:
        return None
    e = side_of(condition)
    terms: list[tuple[int, int]] = []
    for x, c in e.terms().items():
        if x.op is not SYMBOL or len(terms) == MANY:
            return None
        terms.append((c, places[x]))
    return _COMPARED[condition.op](e.constant, terms)


def _at_most_zero(k: int, terms: Sequence[tuple[int, int]]) -> Step:
    def step(slots: list[Any]) -> Any:
        total = k
        for c, place in terms:
            total += c * slots[place]
        return total <= 0 if -SMALL < total < SMALL else _MEANING.le_zero(sized(total))

    return step


def _equal_to_zero(k: int, terms: Sequence[tuple[int, int]]) -> Step:
    def step(slots: list[Any]) -> Any:
        total = k
        for c, place in terms:
            total += c * slots[place]
        return total == 0 if -SMALL < total < SMALL else _MEANING.eq_zero(sized(total))

    return step


def _unlike_zero(k: int, terms: Sequence[tuple[int, int]]) -> Step:
    def step(slots: list[Any]) -> Any:
        total = k
        for c, place in terms:
            total += c * slots[place]
        return total != 0 if -SMALL < total < SMALL else _MEANING.ne_zero(sized(total))

    return step


def _division(op: Op, i: int, j: int) -> Step:
    """A quotient or remainder that is rounded down, which most expressions have: between
    small integers at once, else by the operator's meaning."""
    meaning = op.python
    assert meaning is not None

    def step(slots: list[Any]) -> Any:
        a = slots[i]
        b = slots[j]
        ints = type(a) is int and type(b) is int
        if ints and b and -SMALL < a < SMALL and -SMALL < b < SMALL:
            return meaning(a, b)
        return _MEANING.unknown(op, [a, b])

    return step


def _extremum(op: Op, places: Sequence[int]) -> Step:
    """A minimum or maximum: of small integers at once, else by the operator's meaning."""
    choose = min if op is OPERATORS["Min"] else max

    def step(slots: list[Any]) -> Any:
        values = [slots[place] for place in places]
        for value in values:
            if type(value) is not int:
                return _MEANING.unknown(op, values)
        return choose(values)

    return step


_EXTREMA: Final = (OPERATORS["Min"], OPERATORS["Max"])

_DIVISIONS: Final = (OPERATORS["FloorDiv"], OPERATORS["Mod"])

_COMPARED: Final = {LE_ZERO: _at_most_zero, EQ_ZERO: _equal_to_zero, NE_ZERO: _unlike_zero}


class _Recorder:
    """The analysis whose values are places on the tape."""

    def __init__(self, used: int) -> None:
        self._used = used
        self._steps: list[Step] = []

    def taken(self) -> list[Step]:
        """The steps since the last time."""
        steps, self._steps = self._steps, []
        return steps

    def recorded(self, step: Step) -> int:
        """The place of a new step's value."""
        self._steps.append(step)
        self._used += 1
        return self._used - 1

    def constant(self, value: Value) -> int:
        return self.recorded(lambda slots: value)

    def linear(self, k: int, coefficients: Sequence[int], places: Sequence[int]) -> int:
        terms = tuple(zip(coefficients, places))

        def step(slots: list[Any]) -> Any:
            total = k
            for coefficient, place in terms:
                value = slots[place]
                if type(value) is Undefined:
                    return value
                total += coefficient * value
            return total if -SMALL < total < SMALL else sized(total)

        return self.recorded(step)

    def le_zero(self, a: int) -> int:
        return self.recorded(lambda slots: _MEANING.le_zero(slots[a]))

    def eq_zero(self, a: int) -> int:
        return self.recorded(lambda slots: _MEANING.eq_zero(slots[a]))

    def ne_zero(self, a: int) -> int:
        return self.recorded(lambda slots: _MEANING.ne_zero(slots[a]))

    def mul(self, a: int, b: int) -> int:
        return self.recorded(lambda slots: _MEANING.mul(slots[a], slots[b]))

    def where(self, condition: int, a: int, b: int) -> int:
        return self.recorded(lambda s: _MEANING.where(s[condition], s[a], s[b]))

    def and_(self, *places: int) -> int:
        return self.recorded(lambda slots: _MEANING.and_(*[slots[p] for p in places]))

    def or_(self, *places: int) -> int:
        return self.recorded(lambda slots: _MEANING.or_(*[slots[p] for p in places]))

    def unknown(self, op: Op, places: Sequence[int]) -> int:
        chosen = tuple(places)
        if op in _DIVISIONS:
            return self.recorded(_division(op, *chosen))
        if op in _EXTREMA:
            return self.recorded(_extremum(op, chosen))
        return self.recorded(lambda slots: _MEANING.unknown(op, [slots[p] for p in chosen]))
