"""Values of sizes that satisfy conditions: corners first, then others, all of them small.

A search over small values in the order of the symbols finds most of them; the engine says
where to begin (range and congruence of every symbol), and finds what the search does not
reach: any solution at all, and the greatest value of a symbol. Everything that is returned
satisfies all conditions by evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Final

from asserts.errors import InputError
from shapes.base import IntInfinity
from shapes.env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.expr import (
    BoolExpr,
    Expr,
    IntExpr,
    conjunction,
    constant,
    equal,
    less_equal,
    negation,
)
from shapes.traversal import evaluate, free_symbols

__all__ = ["Pool"]

Values = dict[Expr, int]

FEW: Final = 6
"""Solutions that are asked of the engine where the search finds fewer."""

SMALL: Final = 6
"""Values of each symbol that the search tries."""

STEPS: Final = 20_000
"""Values that the search looks at."""

MOST: Final = 200
"""How many solutions are kept."""

LARGEST: Final = 1 << 12
"""The largest end of a range that counts as a corner."""


class Pool:
    """Values of `symbols` with which the conditions hold, under what `env` knows of them."""

    def __init__(
        self, env: ShapeEnv, symbols: Sequence[IntExpr], conditions: Sequence[BoolExpr]
    ) -> None:
        self.symbols = tuple(symbols)
        self.conditions = tuple(conditions)
        self._env = env

    def holds(self, values: Mapping[Expr, int]) -> bool:
        """Whether all conditions have a value, and are true."""
        return all(_is_true(condition, values) for condition in self.conditions)

    @cached_property
    def solutions(self) -> list[Values]:
        """Corners first (every symbol at its least, greatest, next value), then others.

        Raises `InputError` if none are found.
        """
        found = list(islice(self._searched(), MOST))
        first = found[0] if found else self._with([], {})
        if first is None:
            shown = ", ".join(map(str, self.conditions)) or "no conditions"
            raise InputError(f"no sizes were found that satisfy all conditions: {shown}")
        further = self._further(first) if len(found) < FEW else []
        corners = [first, *self._corners(found), *self._greatest(first), *found, *further]
        distinct = {tuple(values[s] for s in self.symbols): values for values in corners}
        return list(distinct.values())

    def steps(self, symbol: IntExpr) -> tuple[int, int, int | None]:
        """The least value of a symbol (0 if there is none), the distance of its values, and
        the greatest one (None if there is none)."""
        return self._steps[symbol]

    @cached_property
    def _bare(self) -> ShapeEnv:
        """The symbols of which nothing else is known, to ask for values."""
        env = ShapeEnv()
        for one in self.symbols:
            info = self._env.symbols[one.name]
            (env.size if info.size_like else env.integer)(one.name)
        return env

    @cached_property
    def _steps(self) -> dict[IntExpr, tuple[int, int, int | None]]:
        return {one: self._steps_of(one) for one in self.symbols}

    def _steps_of(self, symbol: IntExpr) -> tuple[int, int, int | None]:
        lower, upper = self._env.bounds(symbol).int_bounds()
        modulus, residue = self._env.congruence(symbol)
        least = 0 if isinstance(lower, IntInfinity) else lower
        if modulus > 1:
            least += (residue - least) % modulus
        greatest = None if isinstance(upper, IntInfinity) else upper
        return least, max(modulus, 1), greatest

    # ---------------------------------------------------------------- candidates

    def _corners(self, found: Sequence[Values]) -> Iterator[Values]:
        """Of some solutions, for every symbol one with each of its two least values and one
        with its greatest."""
        for symbol in self.symbols:
            values = sorted({one[symbol] for one in found})
            for value in dict.fromkeys([*values[:2], *values[-1:]]):
                yield next(one for one in found if one[symbol] == value)

    def _greatest(self, base: Values) -> Iterator[Values]:
        """For every symbol a solution with the greatest value of its range."""
        for symbol in self.symbols:
            least, step, greatest = self.steps(symbol)
            if greatest is None or greatest > LARGEST or greatest < least:
                continue
            value = greatest - (greatest - least) % step
            changed = {**base, symbol: value}
            if self.holds(changed):
                yield changed
                continue
            values = self._with([equal(symbol, constant(value))], base)
            if values is not None:
                yield values

    def _further(self, first: Values) -> Iterator[Values]:
        """Solutions other than the first, and than each other."""
        excluded: list[BoolExpr] = []
        values: Values | None = first
        while values is not None and len(excluded) < FEW:
            same = [equal(one, constant(value)) for one, value in values.items()]
            excluded.append(negation(conjunction(*same)))
            values = self._with(excluded, first)
            if values is not None:
                yield values

    def _with(self, claims: Sequence[BoolExpr], base: Values) -> Values | None:
        """A solution with which claims hold, found by the engine; what nothing connects with
        the claims is as in `base`."""
        if not self.symbols:
            return {}
        small = [less_equal(s, constant(self.steps(s)[0] + 64)) for s in self.symbols]
        least = {one: self.steps(one)[0] for one in self.symbols}
        for more in (small, []):
            with suppress(ShapeproofError):
                claim = conjunction(*claims, *more, *self.conditions)
                witness = self._bare.prove(claim).witness
                found = {} if witness is None else dict(witness)
                values: Values = {**base}
                for s in self.symbols:
                    value = found.get(s.name)
                    values[s] = value if isinstance(value, int) else base.get(s, least[s])
                if self.holds(values):
                    return values
        return None

    def _searched(self) -> Iterator[Values]:
        """Small values in the order of the symbols; a condition is asked as soon as all of its
        symbols have values."""
        order = {one: index for index, one in enumerate(self.symbols)}
        due: list[list[BoolExpr]] = [[] for _ in self.symbols]
        for condition in self.conditions:
            own = [order[one] for one in free_symbols(condition) if one in order]
            if own:
                due[max(own)].append(condition)
        budget = [STEPS]
        yield from self._deeper(0, {}, due, budget)

    def _deeper(
        self, depth: int, values: Values, due: Sequence[Sequence[BoolExpr]], budget: list[int]
    ) -> Iterator[Values]:
        if depth == len(self.symbols):
            yield dict(values)
            return
        symbol = self.symbols[depth]
        least, step, greatest = self.steps(symbol)
        for value in range(least, least + SMALL * step, step):
            if greatest is not None and value > greatest:
                return
            budget[0] -= 1
            if budget[0] < 0:
                return
            values[symbol] = value
            if all(_is_true(condition, values) for condition in due[depth]):
                yield from self._deeper(depth + 1, values, due, budget)
        values.pop(symbol, None)


def _is_true(condition: BoolExpr, values: Mapping[Expr, int]) -> bool:
    try:
        return evaluate(condition, values) is True
    except ShapeproofError:
        return False
