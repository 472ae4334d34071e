"""A map that is a value: `assoc` makes a new one and leaves the old one as it was.

It is a stack of dictionaries, newest first. The top is copied with every key until it is
full; then it is merged into the one below, if that is less than `WIDTH` times as large, and
so on down. Adding n keys copies every key O(WIDTH) times a layer, all in the interpreter's
own dictionary code, and a look-up tries O(log n / log WIDTH) dictionaries. A scope that
forgets what was learned in it just drops a reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

__all__ = ["PersistentMap"]

WIDTH: Final = 16
"""How much larger a layer is than the one above it."""

K = TypeVar("K")
V = TypeVar("V")


class PersistentMap(Generic[K, V]):
    """An immutable mapping with cheap extension."""

    __slots__ = ("_layers",)

    def __init__(self, layers: tuple[dict[K, V], ...] = ()) -> None:
        self._layers = layers

    def get(self, key: K) -> V | None:
        """The value, or None for a key that is not there."""
        for layer in self._layers:
            if key in layer:
                return layer[key]
        return None

    def __contains__(self, key: K) -> bool:
        return any(key in layer for layer in self._layers)

    def assoc(self, key: K, value: V) -> PersistentMap[K, V]:
        """This map with one more (or one replaced) key."""
        layers = self._layers
        if not layers:
            return PersistentMap(({key: value},))
        top = layers[0]
        if len(top) < WIDTH:
            return PersistentMap(({**top, key: value}, *layers[1:]))
        taken = 1
        while taken < len(layers) and len(layers[taken]) < WIDTH * len(top):
            top = {**layers[taken], **top}
            taken += 1
        return PersistentMap(({key: value}, top, *layers[taken:]))

    def items(self) -> Iterator[tuple[K, V]]:
        """Every key once with its newest value, oldest layer first."""
        merged: dict[K, V] = {}
        for layer in reversed(self._layers):
            merged.update(layer)
        return iter(merged.items())
