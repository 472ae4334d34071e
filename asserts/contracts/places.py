"""The axes of the arrays of a call, each with a symbol of its own.

Without ranks, only the axes around a variadic one are places (those behind it are counted from
the end). With the ranks of a call, every axis is one: the axes of ``*batch`` are then
``batch[0]``, ``batch[1]``, ..., aligned at the right where they are broadcast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from asserts.annotations import Axis, Leaf
from shapes.expr import IntExpr, symbol

__all__ = ["Place", "RankMismatchError", "fixed_places", "places_for", "variadic_of"]


@dataclass(frozen=True)
class Place:
    """An axis of an array: its index (negative: from the end) and the symbol of its size."""

    leaf: Leaf
    axis: int
    what: Axis
    own: IntExpr

    @property
    def text(self) -> str:
        """The place in a caller's words."""
        return f"{self.leaf.name}.shape[{self.axis}]"


@dataclass(eq=False)
class RankMismatchError(Exception):
    """An array with another number of axes than its annotation, or than the axes that other
    arrays have for the same variadic name (`others`: how many)."""

    leaf: Leaf
    rank: int
    others: int | None = None


def variadic_of(leaf: Leaf) -> tuple[int, Axis] | None:
    """The variadic axis of an array, and its index."""
    found = ((i, axis) for i, axis in enumerate(leaf.note.axes) if axis.variadic)
    return next(found, None)


def own_name(leaf: Leaf, axis: int) -> str:
    """The name of the symbol of an axis: that of its path, where it has one."""
    head = "return" if leaf.parameter is None else leaf.parameter
    key = head + "".join(f"[{index}]" for index in leaf.path)
    return f"{key}.shape[{axis}]" if axis >= 0 else f"{key}.shape_from_end[{-axis}]"


def _place(leaf: Leaf, axis: int, what: Axis) -> Place:
    own = symbol(own_name(leaf, axis), "int")
    return Place(leaf, axis, what, own)


def fixed_places(leaves: Sequence[Leaf]) -> list[Place]:
    """The axes that are there whatever the ranks are."""
    places = []
    for leaf in leaves:
        axes = leaf.note.axes
        variadic = variadic_of(leaf)
        end = len(axes) if variadic is None else variadic[0]
        places += [_place(leaf, i, axes[i]) for i in range(end)]
        places += [_place(leaf, i - len(axes), axes[i]) for i in range(end + 1, len(axes))]
    return places


def places_for(
    leaves: Sequence[Leaf], ranks: Mapping[str, int], known: Mapping[str, int]
) -> tuple[list[Place], dict[str, int]]:
    """All axes of arrays of these ranks (by the name of the array), and how many axes every
    variadic name has; `known` are those of names known before.

    Raises `RankMismatchError`.
    """
    counts = dict(known)
    for leaf in leaves:
        _require_rank(leaf, ranks[leaf.name])
    _count(leaves, ranks, counts)
    return [
        place for leaf in leaves for place in _all_places(leaf, ranks[leaf.name], counts)
    ], counts


def _require_rank(leaf: Leaf, rank: int) -> None:
    wanted = len(leaf.note.axes)
    if rank != wanted if variadic_of(leaf) is None else rank < wanted - 1:
        raise RankMismatchError(leaf, rank)


def _count(leaves: Sequence[Leaf], ranks: Mapping[str, int], counts: dict[str, int]) -> None:
    """How many axes the variadic names have: what an array without ``#`` says, else the most
    of all that are broadcast."""
    named = [
        (leaf, found[1].size, found[1].broadcast, ranks[leaf.name] - len(leaf.note.axes) + 1)
        for leaf in leaves
        if (found := variadic_of(leaf)) is not None and found[1].size is not None
    ]
    for leaf, name, broadcast, rank in named:
        if not broadcast and counts.setdefault(name, rank) != rank:
            raise RankMismatchError(leaf, ranks[leaf.name], counts[name])
    most: dict[str, int] = {}
    for _, name, broadcast, rank in named:
        if broadcast:
            most[name] = max(most.get(name, 0), rank)
    for name, rank in most.items():
        counts.setdefault(name, rank)
    for leaf, name, _, rank in named:
        if rank > counts[name]:
            raise RankMismatchError(leaf, ranks[leaf.name], counts[name])


def _all_places(leaf: Leaf, rank: int, counts: Mapping[str, int]) -> list[Place]:
    axes = leaf.note.axes
    variadic = variadic_of(leaf)
    if variadic is None:
        return [_place(leaf, i, axis) for i, axis in enumerate(axes)]
    at, what = variadic
    count = rank - len(axes) + 1
    first = 0 if what.size is None else counts[what.size] - count
    inner = [
        replace(what, size=None if what.size is None else f"{what.size}[{first + i}]")
        for i in range(count)
    ]
    every = [*axes[:at], *inner, *axes[at + 1 :]]
    return [_place(leaf, i, axis) for i, axis in enumerate(every)]
