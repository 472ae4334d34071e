"""The terms of a contract: the systems of its entry and its exit, for every variant of a call.

A variant leaves out the arrays that may be None. `fixed` are the systems that hold for all
ranks, from which guards are compiled; with the ranks of one call, every axis is a place, and
explanations and tests use these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations
from typing import Final

from asserts.annotations import Annotated, Leaf
from asserts.contracts.places import Place, fixed_places, places_for
from asserts.contracts.system import System, Where, names_of, system_of
from asserts.errors import AnnotationError

__all__ = ["OPTIONAL", "Sizes", "Terms", "terms_of"]

OPTIONAL: Final = 4
"""How many arrays may be None (every choice of them is a variant of its own)."""

CACHED: Final = 256
"""Combinations of ranks whose systems are kept."""

Ranks = tuple[tuple[str, int], ...]
"""How many axes every array that is there has, by its name."""


@dataclass(frozen=True)
class Sizes:
    """The systems of entry and exit; `counts` says how many axes each variadic name has (of
    systems for all ranks: none)."""

    entry: System
    exit: System | None
    counts: Mapping[str, int]


class Terms:
    """What a function's annotations and conditions require."""

    def __init__(self, notes: Annotated, wheres: Sequence[Where]) -> None:
        self.notes = notes
        self.wheres = tuple(wheres)
        spoken = names_of(fixed_places([*notes.leaves, *notes.results]))
        spoken |= {name for one in self.wheres for name in one.names}
        self.integers = tuple(name for name in notes.integers if name in spoken)
        """The integer parameters that are names of sizes or of conditions."""
        self.optional = tuple(leaf.name for leaf in notes.leaves if leaf.note.optional)
        self.fixed = {absent: self._fixed(absent) for absent in self._variants()}
        self.at_ranks = lru_cache(CACHED)(self._at_ranks)

    def _variants(self) -> Iterable[frozenset[str]]:
        if len(self.optional) > OPTIONAL:
            raise AnnotationError(
                f"{len(self.optional)} arrays may be None; a contract takes {OPTIONAL} at most"
            )
        sizes = range(len(self.optional) + 1)
        subsets = chain.from_iterable(combinations(self.optional, n) for n in sizes)
        return map(frozenset, subsets)

    def leaves(self, absent: Iterable[str] = ()) -> list[Leaf]:
        """The arrays among the arguments, without those that are None."""
        left_out = frozenset(absent)
        return [leaf for leaf in self.notes.leaves if leaf.name not in left_out]

    def _fixed(self, absent: frozenset[str]) -> Sizes:
        entry = fixed_places(self.leaves(absent))
        result = fixed_places(self.notes.results)
        return self._systems(entry, result, {}, {}, strict=True, whole=not absent)

    def _at_ranks(self, ranks: Ranks, results: Ranks | None) -> Sizes:
        """The systems of a call; raises `RankMismatch`."""
        given = dict(ranks)
        there = [leaf for leaf in self.notes.leaves if leaf.name in given]
        entry, counts = places_for(there, given, {})
        if results is None:
            return self._systems(entry, None, counts, {}, strict=False)
        after, more = places_for(self.notes.results, dict(results), counts)
        return self._systems(entry, after, counts, more, strict=False)

    def _systems(
        self,
        entry: Sequence[Place],
        result: Sequence[Place] | None,
        counts: Mapping[str, int],
        more: Mapping[str, int],
        strict: bool,
        whole: bool = False,
    ) -> Sizes:
        known = dict.fromkeys(self.integers, False)
        first = [one for one in self.wheres if one.names <= names_of(entry) | known.keys()]
        at_entry = system_of(entry, known, first, strict)
        if result is None:
            return Sizes(at_entry, None, counts)
        after = {**dict.fromkeys(sorted(names_of(entry)), True), **known}
        last = [
            one
            for one in self.wheres
            if one not in first and one.names <= names_of(result) | after.keys()
        ]
        if whole:
            self._require_known([*first, *last], names_of(result) | after.keys())
        return Sizes(at_entry, system_of(result, after, last, strict), {**counts, **more})

    def _require_known(self, placed: Sequence[Where], names: Iterable[str]) -> None:
        for one in self.wheres:
            if one not in placed:
                unknown = sorted(one.names - set(names))
                known = ", ".join(f"`{n}`" for n in sorted(names) if n.isidentifier())
                raise AnnotationError(
                    f"where={one.text!r}: `{unknown[0]}` is neither a size nor an integer "
                    f"parameter (known: {known or 'none'})"
                )


def terms_of(notes: Annotated, wheres: Sequence[Where]) -> Terms:
    """The terms of a function. Raises `AnnotationError`, which names it."""
    try:
        return Terms(notes, wheres)
    except AnnotationError as error:
        raise AnnotationError(f"{notes.name}: {error}") from None
