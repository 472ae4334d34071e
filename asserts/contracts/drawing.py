"""Arguments for tests: shapes that satisfy a contract, and shapes that break one clause of it.

Sizes are drawn by name (see `asserts.testing.Pool`): the names and integers that satisfy every
`where` and give every axis a size of 0 or more. What breaks a clause is made of these by a
change of one size, and kept if all other clauses still hold.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from asserts.annotations import Leaf
from asserts.contracts.checking import Shapes, broken_clauses, first_broken, sizes_of
from asserts.contracts.places import Place, variadic_of
from asserts.contracts.system import Clause, Where, meaning_of
from asserts.contracts.terms import Sizes, Terms
from asserts.errors import InputError
from asserts.testing import Pool
from shapes.env import ShapeEnv
from shapes.errors import ContradictionError
from shapes.expr import (
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    conjunction,
    constant,
    less_equal,
    negation,
    symbol,
)
from shapes.traversal import evaluate, free_symbols, substitute

__all__ = ["Drawer", "Drawn", "Layout"]

AXES: Final = 2
"""The most axes that are drawn for one that stands for any number of them."""

BASES: Final = 12
"""Solutions that are changed to break a clause."""

EACH: Final = 6
"""Ways to break one clause that are kept."""


@dataclass(frozen=True)
class Layout:
    """Which arrays are None, and how many axes every variadic one has (by the name, or for
    ``...`` by the array)."""

    absent: frozenset[str]
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Drawn:
    """The shapes and integers of a call."""

    shapes: Shapes
    integers: Mapping[str, int]


class Drawer:
    """Makes the sizes of calls of one function."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.pool_of = lru_cache(64)(self._pool_of)
        self.breaking = lru_cache(64)(self._breaking)

    def layouts(self) -> list[Layout]:
        """Every choice of arrays that are None and of numbers of axes, the fullest first."""
        found = []
        for absent in self.terms.fixed:
            keys = _variadic_keys(self.terms.leaves(absent))
            choices = itertools.product((1, 0, *range(2, AXES + 1)), repeat=len(keys))
            found += [Layout(absent, tuple(zip(keys, counts))) for counts in choices]
        return found

    def sizes(self, layout: Layout) -> Sizes:
        """The systems of a layout."""
        counts = dict(layout.counts)
        ranks = []
        for leaf in self.terms.leaves(layout.absent):
            rank = len(leaf.note.axes)
            if variadic_of(leaf) is not None:
                rank += counts[_key(leaf)] - 1
            ranks.append((leaf.name, rank))
        return self.terms.at_ranks(tuple(ranks), None)

    # ---------------------------------------------------------------- that satisfy it

    def _pool_of(self, layout: Layout) -> Pool:
        return self._pool(self.sizes(layout), None)

    def _pool(self, sizes: Sizes, broken: Where | None) -> Pool:
        """Values of names with which all hold (but one `where`, which does not)."""
        places = sizes.entry.places
        meanings: dict[Expr, IntExpr] = {place.own: _meant(place) for place in places}
        conditions: list[BoolExpr] = []
        for place in places:
            meant, defined = meaning_of(place) if place.what.size else (place.own, TRUE)
            conditions += [defined, less_equal(constant(0), meant)]
        here = {one.text for one in sizes.entry.clauses if one.kind == "where"}
        for where in self.terms.wheres:
            if where.text in here:
                whole = conjunction(where.defined, where.claim)
                claim = negation(whole) if where is broken else whole
                conditions.append(substitute(claim, meanings))
        integers: dict[Expr, str] = {symbol(name): name for name in self.terms.integers}
        symbols = list(dict.fromkeys(free_symbols(*meanings.values(), *conditions)))
        symbols += [one for one in integers if one not in symbols]
        return _pool_under(symbols, integers, [c for c in conditions if c is not TRUE])

    def drawn(
        self, sizes: Sizes, values: Mapping[Expr, int], ones: Iterable[bool]
    ) -> Drawn:
        """The call with these values of names; `ones` says for every axis behind ``#`` whether
        it is 1 instead, as far as that satisfies the contract."""
        flags = iter(ones)
        plain = _plain(sizes, values)
        spread = {
            p.own: 1 if p.what.broadcast and next(flags, False) else plain[p.own]
            for p in sizes.entry.places
        }
        for chosen in (spread, plain):
            drawn = Drawn(_shapes(sizes, chosen), self._integers(values))
            known = sizes_of(sizes.entry, drawn.shapes, drawn.integers)
            if first_broken(sizes.entry, known) is None:
                return drawn
        raise AssertionError("names that satisfy a contract give sizes that do not")

    def _integers(self, values: Mapping[Expr, int]) -> dict[str, int]:
        return {name: values[symbol(name, "int")] for name in self.terms.integers}

    # ---------------------------------------------------------------- that break it

    def _breaking(self, layout: Layout) -> list[tuple[Clause, Drawn]]:
        """Calls that break one clause about sizes, and which; several for each."""
        sizes = self.sizes(layout)
        found: dict[Clause, list[Drawn]] = {}
        for clause, drawn in self._broken(sizes, layout):
            kept = found.setdefault(clause, [])
            if len(kept) < EACH and drawn not in kept:
                kept.append(drawn)
        return [(clause, drawn) for clause, kept in found.items() for drawn in kept]

    def _broken(self, sizes: Sizes, layout: Layout) -> Iterator[tuple[Clause, Drawn]]:
        for values in self.pool_of(layout).solutions[:BASES]:
            base = self.drawn(sizes, values, ())
            for changed in _changes(base):
                clause = self._only_broken(sizes, changed)
                if clause is not None:
                    yield clause, changed
        for where in self.terms.wheres:
            for values in self._against(sizes, where):
                drawn = Drawn(_shapes(sizes, _plain(sizes, values)), self._integers(values))
                clause = self._only_broken(sizes, drawn)
                if clause is not None:
                    yield clause, drawn

    def _against(self, sizes: Sizes, where: Where) -> list[dict[Expr, int]]:
        """Values of names with which everything holds but that condition."""
        if all(one.text != where.text for one in sizes.entry.clauses):
            return []
        try:
            return self._pool(sizes, where).solutions[:EACH]
        except (ContradictionError, InputError):  # (the others imply it)
            return []

    def _only_broken(self, sizes: Sizes, drawn: Drawn) -> Clause | None:
        values = sizes_of(sizes.entry, drawn.shapes, drawn.integers)
        broken = broken_clauses(sizes.entry, values)
        return broken[0] if broken is not None and len(broken) == 1 else None


# --------------------------------------------------------------------------- helpers


def _variadic_keys(leaves: Sequence[Leaf]) -> list[str]:
    """What the numbers of variadic axes are chosen for."""
    return list(dict.fromkeys(_key(leaf) for leaf in leaves if variadic_of(leaf) is not None))


def _key(leaf: Leaf) -> str:
    found = variadic_of(leaf)
    assert found is not None
    return f"...{leaf.name}" if found[1].size is None else found[1].size


def _meant(place: Place) -> IntExpr:
    """What the size of a place is in names (any size: its own symbol)."""
    return place.own if place.what.size is None else meaning_of(place)[0]


def _plain(sizes: Sizes, values: Mapping[Expr, int]) -> dict[IntExpr, int]:
    """The size of every place for these values of names."""
    return {p.own: int(evaluate(_meant(p), values)) for p in sizes.entry.places}


def _shapes(sizes: Sizes, own: Mapping[IntExpr, int]) -> Shapes:
    """The shapes of the arrays that have axes."""
    shapes: dict[str, tuple[int, ...]] = {}
    for place in sizes.entry.places:
        shapes[place.leaf.name] = (*shapes.get(place.leaf.name, ()), own[place.own])
    return shapes


def _pool_under(
    symbols: Sequence[Expr], integers: Mapping[Expr, str], conditions: Sequence[BoolExpr]
) -> Pool:
    """The pool of these names, of which conditions are known to hold."""
    env = ShapeEnv()
    for one in symbols:
        (env.integer if one in integers else env.size)(one.name)
    for condition in conditions:
        env.assume(condition)
    return Pool(env, [s for s in symbols if isinstance(s, IntExpr)], conditions)


def _changes(base: Drawn) -> Iterator[Drawn]:
    """Calls in which one size, or one integer, is another."""
    for name, shape in base.shapes.items():
        for axis, size in enumerate(shape):
            for new in _others(size, least=0):
                changed = (*shape[:axis], new, *shape[axis + 1 :])
                yield Drawn({**base.shapes, name: changed}, base.integers)
    for name, value in base.integers.items():
        for new in _others(value, least=None):
            yield Drawn(base.shapes, {**base.integers, name: new})


def _others(value: int, least: int | None) -> list[int]:
    found = dict.fromkeys([value + 1, value - 1, value + 2, 0, 1, 2 * value, value + 7])
    return [one for one in found if one != value and (least is None or one >= least)]
