"""Maps that are values: what is added makes a new one and leaves the old one as it was.

A `PersistentMap` is a stack of dictionaries, newest first. The top is copied with every key
until it is full; then it is merged into the one below, if that is less than `WIDTH` times as
large, and so on down. Adding n keys copies every key O(WIDTH) times a layer, all in the
interpreter's own dictionary code, and a look-up tries O(log n / log WIDTH) dictionaries. A
scope that forgets what was learned in it just drops a reference.

`FirstValues` and `PersistentLists` are maps that are written much more often than read. What
is added waits in a linked list, which costs one cell, and goes into the dictionaries in one
piece on demand, or when `WAITING` additions have come together. That happens behind
the value and does not change it; the settled form replaces the other in one assignment, so a
thread that reads meanwhile sees one or the other.

Who adds many keys at once opens a map (a transient, in Clojure's word): the copy is its own,
adding to it changes it and answers with itself, until it is closed and is a value again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, Generic, TypeVar

__all__ = ["FirstValues", "PersistentLists", "PersistentMap", "linked", "oldest_first"]

WIDTH: Final = 16
"""How much larger a layer is than the one above it."""

WAITING: Final = 32
"""How many additions wait at most: a value that is extended again and again without being
asked settles that many each time."""

FEW: Final = 4
"""The newest items of a list, among which an item is not entered again."""

K = TypeVar("K")
V = TypeVar("V")


def linked(cell: Any) -> Iterator[Any]:
    """The items of a linked list ``(newest, older)``."""
    while cell is not None:
        yield cell[0]
        cell = cell[1]


class PersistentMap(Generic[K, V]):
    """An immutable mapping with cheap extension, whose values are not None."""

    __slots__ = ("_layers", "_own")
    _layers: tuple[dict[K, V], ...]
    _own: dict[K, V] | None
    """The newest layer of a map that is open."""

    def __init__(
        self, layers: tuple[dict[K, V], ...] = (), own: dict[K, V] | None = None
    ) -> None:
        self._layers = layers
        self._own = own

    def opened(self) -> PersistentMap[K, V]:
        """The same map to add to in place; who opens it closes it before others see it."""
        own: dict[K, V] = {}
        return PersistentMap((own, *self._layers), own)

    def closed(self) -> PersistentMap[K, V]:
        """The value of a map that was open, and is not used any more."""
        own = self._own
        assert own is not None
        before = PersistentMap(self._layers[1:])
        return before.with_all(own) if own else before

    def get(self, key: object) -> V | None:
        """The value, or None for a key that is not there."""
        for layer in self._layers:
            value: V | None = layer.get(key)  # type: ignore[arg-type]
            if value is not None:
                return value
        return None

    def __contains__(self, key: K) -> bool:
        return any(key in layer for layer in self._layers)

    def __bool__(self) -> bool:
        return bool(self._layers)

    def assoc(self, key: K, value: V) -> PersistentMap[K, V]:
        """This map with one more (or one replaced) key."""
        if self._own is not None:
            self._own[key] = value
            return self
        layers = self._layers
        if not layers:
            return PersistentMap(({key: value},))
        top = layers[0]
        if len(top) < WIDTH:
            return PersistentMap(({**top, key: value}, *layers[1:]))
        return self._merged({key: value})

    def with_all(self, fresh: dict[K, V]) -> PersistentMap[K, V]:
        """This map with more (or replaced) keys, which become its own."""
        layers = self._layers
        if not layers:
            return PersistentMap((fresh,))
        top = layers[0]
        if len(top) < WIDTH:
            return PersistentMap(({**top, **fresh}, *layers[1:]))
        return self._merged(fresh)

    def _merged(self, fresh: dict[K, V]) -> PersistentMap[K, V]:
        """A new top, and the old one merged into the layers that are not much larger."""
        layers = self._layers
        top = layers[0]
        taken = 1
        while taken < len(layers) and len(layers[taken]) < WIDTH * len(top):
            top = {**layers[taken], **top}
            taken += 1
        return PersistentMap((fresh, top, *layers[taken:]))

    def items(self) -> Iterator[tuple[K, V]]:
        """Every key once with its newest value, oldest layer first."""
        merged: dict[K, V] = {}
        for layer in reversed(self._layers):
            merged.update(layer)
        return iter(merged.items())


def oldest_first(cell: Any) -> list[Any]:
    """The items of a linked list, oldest first."""
    found: list[Any] = []
    while cell is not None:
        found.append(cell[0])
        cell = cell[1]
    found.reverse()
    return found


class FirstValues(Generic[K, V]):
    """An immutable mapping in which a key keeps the first value that it got."""

    __slots__ = ("_own", "_state")
    _state: tuple[PersistentMap[K, V], Any, int]
    """What is settled; what waits, ``(((key, value), older))``; how many wait."""
    _own: bool
    """Whether it is open."""

    def __init__(
        self, state: tuple[PersistentMap[K, V], object, int] | None = None, own: bool = False
    ) -> None:
        self._state = (PersistentMap(), None, 0) if state is None else state
        self._own = own

    def opened(self) -> FirstValues[K, V]:
        """The same to add to in place (see `PersistentMap.opened`)."""
        return FirstValues(self._state, True)

    def closed(self) -> FirstValues[K, V]:
        """The value of what was open."""
        return FirstValues(self._state)

    def get(self, key: object) -> V | None:
        """The value, or None for a key that is not there."""
        state = self._state
        settled = state[0] if state[1] is None else self._settled()
        return settled.get(key)

    def adding(self, key: K, value: V) -> FirstValues[K, V]:
        """This map with one more key, unless it is there already."""
        settled, log, pending = self._state
        if self._own:
            self._state = (settled, ((key, value), log), pending + 1)
            return self
        if pending >= WAITING:
            settled, log, pending = self._settled(), None, 0
        return FirstValues((settled, ((key, value), log), pending + 1))

    def _settled(self) -> PersistentMap[K, V]:
        settled, log, _ = self._state
        fresh: dict[K, V] = {}
        for key, value in oldest_first(log):
            if key not in fresh and settled.get(key) is None:
                fresh[key] = value
        if fresh:
            settled = settled.with_all(fresh)
        self._state = (settled, None, 0)
        return settled


class PersistentLists(Generic[K, V]):
    """An immutable mapping from keys to linked lists ``(newest, older)``."""

    __slots__ = ("_own", "_state")
    _state: tuple[PersistentMap[K, Any], Any, int]
    """What is settled; what waits, ``((keys, item), older)``; how many wait."""
    _own: bool
    """Whether it is open."""

    def __init__(
        self, state: tuple[PersistentMap[K, Any], object, int] | None = None, own: bool = False
    ) -> None:
        self._state = (PersistentMap(), None, 0) if state is None else state
        self._own = own

    def opened(self) -> PersistentLists[K, V]:
        """The same to add to in place (see `PersistentMap.opened`)."""
        return PersistentLists(self._state, True)

    def closed(self) -> PersistentLists[K, V]:
        """The value of what was open."""
        return PersistentLists(self._state)

    def get(self, key: K) -> Any:
        """The list of a key, None if it is empty."""
        state = self._state
        settled = state[0] if state[1] is None else self._settled()
        return settled.get(key)

    def items_of(self, key: K) -> Iterator[V]:
        """The items of a key, newest first."""
        return linked(self.get(key))

    def adding(self, keys: Collection[K], item: V) -> PersistentLists[K, V]:
        """These lists, with an item in front of those of some keys (where it is not among the
        newest few already). The keys are read on demand, and are not to be changed."""
        settled, log, pending = self._state
        if self._own:
            self._state = (settled, ((keys, item), log), pending + 1)
            return self
        if pending >= WAITING:
            settled, log, pending = self._settled(), None, 0
        return PersistentLists((settled, ((keys, item), log), pending + 1))

    def _settled(self) -> PersistentMap[K, Any]:
        settled, log, _ = self._state
        fresh: dict[K, Any] = {}
        for keys, item in oldest_first(log):
            for key in keys:
                cell = fresh.get(key)
                if cell is None:
                    cell = settled.get(key)
                if cell is None or not _is_among_newest(item, cell):
                    fresh[key] = (item, cell)
        if fresh:
            settled = settled.with_all(fresh)
        self._state = (settled, None, 0)
        return settled


def _is_among_newest(item: object, cell: Any) -> bool:
    left = FEW
    while cell is not None and left:
        if cell[0] is item:
            return True
        cell = cell[1]
        left -= 1
    return False
