"""Expressions recorded once and evaluated many times.

A search evaluates the same few conditions at hundreds of points. `Tape` walks them once,
with the interpreter, and keeps for every node one step: a function of the values so far.
Evaluating at a point is then a loop over steps, without look-ups by node. Meaning and
definedness are those of `evaluate`; a test compares the two on every operator.

Expressions are evaluated in order and only as far as they are asked for, so a condition
that fails saves the steps of all that come after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from shapes.base.budget import spend
from shapes.expr.nodes import Expr, Op, Value
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
            place = interpret(recorder, {}, expr, memo)
            self._sections.append((recorder.taken(), place))

    def values(self, point: Sequence[Value]) -> Iterator[Any]:
        """The expressions' values at a point, one after the other: `point` gives the
        symbols' values in their order. An `Undefined` stands where there is no value."""
        slots: list[Any] = list(point)
        waiting = 0  # steps that are not counted yet
        for steps, place in self._sections:
            waiting += len(steps)
            if waiting > OFTEN:
                spend(waiting)
                waiting = 0
            for step in steps:
                slots.append(step(slots))
            yield slots[place]


class _Recorder:
    """The analysis whose values are places on the tape."""

    def __init__(self, used: int) -> None:
        self._used = used
        self._steps: list[Step] = []

    def taken(self) -> list[Step]:
        """The steps since the last time."""
        steps, self._steps = self._steps, []
        return steps

    def _record(self, step: Step) -> int:
        self._steps.append(step)
        self._used += 1
        return self._used - 1

    def constant(self, value: Value) -> int:
        return self._record(lambda slots: value)

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

        return self._record(step)

    def le_zero(self, a: int) -> int:
        return self._record(lambda slots: _MEANING.le_zero(slots[a]))

    def eq_zero(self, a: int) -> int:
        return self._record(lambda slots: _MEANING.eq_zero(slots[a]))

    def ne_zero(self, a: int) -> int:
        return self._record(lambda slots: _MEANING.ne_zero(slots[a]))

    def mul(self, a: int, b: int) -> int:
        return self._record(lambda slots: _MEANING.mul(slots[a], slots[b]))

    def where(self, condition: int, a: int, b: int) -> int:
        return self._record(lambda s: _MEANING.where(s[condition], s[a], s[b]))

    def and_(self, *places: int) -> int:
        return self._record(lambda slots: _MEANING.and_(*[slots[p] for p in places]))

    def or_(self, *places: int) -> int:
        return self._record(lambda slots: _MEANING.or_(*[slots[p] for p in places]))

    def unknown(self, op: Op, places: Sequence[int]) -> int:
        chosen = tuple(places)
        return self._record(lambda slots: _MEANING.unknown(op, [slots[p] for p in chosen]))
