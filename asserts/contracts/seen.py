"""The types and dtypes of arrays that guards let through without a further look."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asserts.annotations import Dtypes, Leaf

__all__ = ["Seen"]


@dataclass(frozen=True)
class Seen:
    """The types and dtypes that are known to be accepted, by what was required of them. A
    guard looks them up; what is accepted for the first time is entered."""

    types: dict[tuple[type, ...], set[type]]
    dtypes: dict[Dtypes, set[Any]]

    @staticmethod
    def of(leaves: Sequence[Leaf]) -> Seen:
        """Of these arrays the types themselves, and their frameworks' dtypes."""
        notes = [leaf.note for leaf in leaves]
        return Seen(
            {note.types: set(_plain(note.types)) for note in notes},
            {note.dtypes: set(_dtypes(note.dtypes, note.types)) for note in notes},
        )


def _plain(types: Sequence[type]) -> Iterator[type]:
    """Types of which arrays are: what subclasses do is seen with the first of them."""
    for one in types:
        if one is np.ndarray or _of_torch(one):
            yield one


def _of_torch(one: type) -> bool:
    return one.__module__.partition(".")[0] == "torch"


def _dtypes(dtypes: Dtypes, types: Sequence[type]) -> Iterator[Any]:
    yield from dtypes.of_numpy()
    if any(map(_of_torch, types)):
        torch = sys.modules["torch"]
        for one in vars(torch).values():
            if isinstance(one, torch.dtype) and dtypes.accepts(one):
                yield one
