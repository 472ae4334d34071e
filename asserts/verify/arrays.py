"""Arrays for values of symbols: the sizes as they are wanted, and contents that lead to them.

Sizes are easy. A run-time value that is read from one element is found by running what reads
it on numbered elements; one that is counted, summed up or compared by trying contents of a
few typical forms. What an array leads to is measured by the program itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from asserts.verify.subject import Input, Number, Sized, Subject, Values
from shapes.errors import ShapeproofError
from shapes.expr import Expr
from shapes.traversal import evaluate

__all__ = ["Maker", "same"]

LARGEST: Final = 1 << 20
"""Elements of an input that is made."""

NUMBERED: Final = 1 << 14
"""Elements of an input that are numbered to find out which of them is read."""

MEASURED: Final = 1 << 22
"""Elements of a run up to which what reads values is run more than once."""

MEASUREMENTS: Final = 40
"""Runs of what reads values that may be spent on one trial."""


class Maker:
    """Makes arrays for values of symbols."""

    def __init__(self, subject: Subject, draw: random.Random) -> None:
        self._subject = subject
        self._draw = draw
        self._rng = np.random.default_rng(draw.getrandbits(32))
        self._read_at: dict[Any, dict[Expr, tuple[int, int]]] = {}
        self._left = 0
        self.measured: Mapping[Expr, Number] = {}

    def make(self, values: Values, anew: bool = False) -> list[Any] | None:
        """Inputs with those sizes, and contents that lead to those values as far as that
        succeeds; None for sizes that cannot be made. With `anew`, contents are drawn, some of
        them from more than the elements of the example."""
        arrays: list[Any] = []
        for given in self._subject.inputs:
            made = self._plain(given, values, anew)
            if made is None:
                return None
            arrays.append(made[0])
        self._left = MEASUREMENTS if self.work(arrays) <= MEASURED else 1
        self.measured = self._measure(arrays)
        wanted = [s for s in self._subject.run_time if s in values]
        if self._left <= 0 or all(same(self.measured.get(s), values[s]) for s in wanted):
            return arrays
        arrays = self._with_elements(arrays, wanted, values)
        for symbol in wanted:
            if not same(self.measured.get(symbol), values[symbol]):
                arrays = self._with_contents(arrays, symbol, wanted, values)
        return arrays

    def work(self, arrays: Sequence[Any]) -> int:
        """About how many elements a run makes."""
        made = self._subject.work(arrays) if isinstance(self._subject, Sized) else 0
        return max(made, sum(np.size(array) for array in arrays))

    def _plain(self, given: Input, values: Values, anew: bool) -> tuple[Any] | None:
        """An input of the right size, as in the example or drawn from its elements."""
        if given.value is not None:
            try:
                return (evaluate(given.value, values),)
            except ShapeproofError:
                return None
        if given.shape is None:
            return (given.example,)
        try:
            sizes = [int(evaluate(size, values)) for size in given.shape]
        except ShapeproofError:
            return None
        if min(sizes, default=0) < 0 or np.prod(sizes, dtype=object) > LARGEST:
            return None
        example = given.example
        if anew and self._draw.random() < 0.5:
            return (self._anything(tuple(sizes), np.dtype(given.dtype)),)
        alike = isinstance(example, np.ndarray) and example.shape == tuple(sizes)
        if alike and not (anew and self._draw.random() < 0.5):
            return (example.copy(),)
        return (np.asarray(self._contents(tuple(sizes), np.dtype(given.dtype), example)),)

    def _anything(self, sizes: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """Numbers of any sign, small ones and some larger ones."""
        largest = self._draw.choice((2, 12, 120))
        drawn: Any = self._rng.integers(-largest // 2, largest, size=sizes)
        if dtype.kind in "fc":
            drawn = drawn * self._draw.choice((0.25, 1.0))
        elif dtype.kind == "u":
            drawn = abs(drawn)
        elif dtype.kind == "b":
            drawn = drawn > 0
        return np.asarray(drawn).astype(dtype)

    def _contents(self, sizes: tuple[int, ...], dtype: np.dtype[Any], example: object) -> Any:
        rng = self._rng
        if isinstance(example, np.ndarray) and example.size and dtype.kind in "iub":
            return rng.choice(example.ravel(), size=sizes).astype(dtype)
        if dtype.kind == "b":
            return rng.random(sizes) < 0.5
        if dtype.kind in "iu":
            return rng.integers(0, 3, size=sizes).astype(dtype)
        drawn = rng.standard_normal(sizes)
        if dtype.kind == "c":
            drawn = drawn + 1j * rng.standard_normal(sizes)
        return np.asarray(drawn).astype(dtype)

    def _measure(self, arrays: Sequence[object]) -> Mapping[Expr, Number]:
        self._left -= 1
        return self._subject.measure(arrays) if self._subject.run_time else {}

    # ------------------------------------------------------------------ single elements

    def _with_elements(
        self, arrays: list[Any], wanted: Sequence[Expr], values: Values
    ) -> list[Any]:
        """Write the values that are read from single elements where they are read."""
        made = [a.copy() if isinstance(a, np.ndarray) else a for a in arrays]
        for symbol, (index, place) in self._places(arrays).items():
            value = values.get(symbol)
            if symbol in wanted and _fits(value, made[index].dtype):
                with np.errstate(over="ignore"):  # too large a double is an infinity here
                    made[index].flat[place] = value
        measured = self._measure(made)
        right = sum(same(measured.get(s), values[s]) for s in wanted)
        if right >= sum(same(self.measured.get(s), values[s]) for s in wanted):
            self.measured = measured
            return made
        return arrays

    def _places(self, arrays: Sequence[Any]) -> dict[Expr, tuple[int, int]]:
        """The element that each symbol is read from, if it is one: with numbered elements the
        program reads the number."""
        shapes = tuple(np.shape(a) for a in arrays)
        found = self._read_at.get(shapes)
        if found is not None:
            return found
        found = self._read_at[shapes] = {}
        for index, array in enumerate(arrays):
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
                continue
            if not 0 < array.size <= NUMBERED or not _fits(2 * array.size, array.dtype):
                continue
            numbers = np.arange(array.size).reshape(array.shape).astype(array.dtype)
            low = self._measure([*arrays[:index], numbers, *arrays[index + 1 :]])
            numbers = np.asarray(numbers + array.dtype.type(array.size))
            high = self._measure([*arrays[:index], numbers, *arrays[index + 1 :]])
            for symbol, value in low.items():
                other = high.get(symbol)
                if other is None or symbol in found or other - value != array.size:
                    continue
                if 0 <= value < array.size and value == int(value):
                    found[symbol] = (index, int(value))
        return found

    # ------------------------------------------------------------------ whole contents

    def _with_contents(
        self, arrays: list[Any], symbol: Expr, wanted: Sequence[Expr], values: Values
    ) -> list[Any]:
        """Fill one input so that a counted or summed value is the wanted one, without harm to
        those that are right already."""
        value = values[symbol]
        if isinstance(value, bool):
            return arrays
        right = [s for s in wanted if same(self.measured.get(s), values[s])]
        for index, array in enumerate(arrays):
            if not isinstance(array, np.ndarray) or array.size > NUMBERED or not array.size:
                continue
            example = self._subject.inputs[index].example
            forms = (
                _forms(array, value, example, self._rng)
                if isinstance(value, int)
                else _float_forms(array, value)
            )
            for filled in chain(forms, self._solved(arrays, index, symbol, value)):
                if self._left <= 0:
                    return arrays
                made = [*arrays[:index], filled, *arrays[index + 1 :]]
                measured = self._measure(made)
                # (What fails before a value is read does no harm to it.)
                kept = all(s not in measured or same(measured[s], values[s]) for s in right)
                if kept and same(measured.get(symbol), value):
                    self.measured = measured
                    return made
        return arrays

    def _solved(
        self, arrays: Sequence[Any], index: int, symbol: Expr, value: Number
    ) -> Iterator[np.ndarray[Any, Any]]:
        """An input full of the number that leads to the value, if what leads from the one to
        the other is affine, as two runs show it."""
        array = arrays[index]
        if array.dtype.kind not in "if" or not isinstance(value, int):
            return
        seen = []
        for number in (0, 1):
            made = np.full(array.shape, number, array.dtype)
            found = self._measure([*arrays[:index], made, *arrays[index + 1 :]]).get(symbol)
            if not isinstance(found, int):
                return
            seen.append(found)
        step = seen[1] - seen[0]
        if step and (value - seen[0]) % step == 0:
            wanted = (value - seen[0]) // step
            if _fits(wanted, array.dtype):
                yield np.full(array.shape, wanted, array.dtype)


def same(measured: object, wanted: object) -> bool:
    return measured is not None and (measured == wanted or measured != measured != wanted)


def _fits(value: object, dtype: np.dtype[Any]) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    if dtype.kind in "iu":
        ends = np.iinfo(dtype)
        return isinstance(value, int) and ends.min <= value <= ends.max
    if dtype.kind == "f":
        return isinstance(value, float) or abs(value) < 1 << 53
    return False


def _forms(
    array: np.ndarray[Any, Any], value: int, example: object, rng: np.random.Generator
) -> Iterator[np.ndarray[Any, Any]]:
    """Contents from which usual reductions compute `value`: so many elements are true, are
    positive, are distinct or equal a number that occurs; they sum up to it; it is the
    largest."""
    size, shape, kind = array.size, array.shape, array.dtype.kind
    order = np.arange(size)
    mixed = rng.permutation(size)

    def made(flat: object) -> np.ndarray[Any, Any]:
        filled: np.ndarray[Any, Any] = np.asarray(flat).reshape(shape).astype(array.dtype)
        return filled

    if kind == "b":
        if 0 <= value <= size:
            yield from (made(order < value), made(mixed < value))
        return
    if kind not in "iuf" or not _fits(value, array.dtype):
        return
    yield made(np.where(order == 0, value, 0))
    share, rest = divmod(value, size)
    yield made(share + (order < rest))
    yield made(np.full(size, value))
    if 0 <= value <= size:
        yield made(np.where(order < value, 1, -1 if kind != "u" else 0))
        yield made(np.where(mixed < value, 1, 0))
        if value:
            yield made(order % value)
        yield from map(made, _columns(array.shape, value))
        numbers: list[Any] = []
        if isinstance(example, np.ndarray):
            numbers = list(np.unique(example)[:4])
        for number in numbers:
            others = [n for n in numbers if n != number] or [number + 1]
            yield made(np.where(mixed < value, number, others[0]))


def _float_forms(array: np.ndarray[Any, Any], value: float) -> Iterator[np.ndarray[Any, Any]]:
    """Contents whose sum, largest or only value, or mean, is `value`."""
    if array.dtype.kind not in "fc" or not array.size:
        return
    try:
        value = float(value)
    except OverflowError:  # an integer beyond all doubles: no content leads to it
        return
    first = np.zeros(array.shape, array.dtype)
    with np.errstate(over="ignore"):  # (infinite in the array's dtype then)
        first.flat[0] = value
        forms = [np.full(array.shape, v, array.dtype) for v in (value, value / array.size)]
    yield first
    yield from forms


def _columns(shape: tuple[int, ...], value: int) -> Iterator[np.ndarray[Any, Any]]:
    """So many rows are largest in one column, for each of the first columns: routing."""
    if len(shape) < 2 or shape[-1] < 2:
        return
    rows = np.arange(int(np.prod(shape[:-1])))
    for column in range(min(shape[-1], 8)):
        where = np.where(rows < value, column, (column + 1) % shape[-1])
        yield np.eye(shape[-1])[where]
