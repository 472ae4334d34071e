"""The intern tables: weak references to nodes by key, and the random points of atoms.

A look-up costs one dictionary access; a node that nobody holds leaves its table by itself.
"""

from __future__ import annotations

import os
import threading
import weakref
from itertools import count
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shapes.expr import Expr, IntExpr

__all__ = [
    "BIRTHS",
    "BY_STRUCTURE",
    "BY_VALUE",
    "KEPT",
    "POINTS",
    "enter_structure",
    "enter_value",
    "table_sizes",
]


class _Entry(weakref.ref["Expr"]):
    """A weak reference that knows its place in the table."""

    __slots__ = ("key",)
    key: Any


BY_VALUE: dict[int, _Entry] = {}
BY_STRUCTURE: dict[tuple[Any, ...], _Entry] = {}
BIRTHS: Final = count()
KEPT: Final[list[IntExpr]] = []
"""Nodes that stay once they are made: small constants, which come and go all the time."""
_change = threading.RLock()
"""Held where a dead entry is removed or replaced; entering and finding need no lock. It is
taken again by the same thread when the collector runs in between."""


def _forget_value(entry: Any) -> None:
    key = entry.key
    with _change:
        if BY_VALUE.get(key) is entry:
            del BY_VALUE[key]


def _forget_structure(entry: Any) -> None:
    key = entry.key
    with _change:
        if BY_STRUCTURE.get(key) is entry:
            del BY_STRUCTURE[key]


def enter_value(node: IntExpr) -> IntExpr:
    """Enter a new node under its key; the node that won if another thread was first."""
    entry = _Entry(node, _forget_value)
    key = entry.key = node.key
    if BY_VALUE.setdefault(key, entry) is entry:
        return node
    return _entered(BY_VALUE, entry, node)  # type: ignore[return-value]


def enter_structure(key: tuple[Any, ...], node: Expr) -> Expr:
    """Enter a new node under its structure; the node that won if another was first."""
    entry = _Entry(node, _forget_structure)
    entry.key = key
    if BY_STRUCTURE.setdefault(key, entry) is entry:
        return node
    return _entered(BY_STRUCTURE, entry, node)


def _entered(table: dict[Any, _Entry], entry: _Entry, node: Expr) -> Expr:
    while True:
        held = table.setdefault(entry.key, entry)
        if held is entry:
            return node
        winner = held()
        if winner is not None:
            return winner
        with _change:
            if table.get(entry.key) is held:
                table[entry.key] = entry
                return node


def table_sizes() -> tuple[int, int]:
    """How many integer nodes (beside those that stay) and other entries are alive now, for
    tests of leaks."""
    return len(BY_VALUE) - len(KEPT), len(BY_STRUCTURE)


class _Points:
    """Random 128-bit integers, drawn from the system in blocks to save system calls.

    No two threads may draw the same one: `list.pop` is one step for all of them.
    """

    def __init__(self) -> None:
        self._left: list[int] = []

    def draw(self) -> int:
        try:
            return self._left.pop()
        except IndexError:
            block = os.urandom(4096)
            fresh = [int.from_bytes(block[i : i + 16], "little") for i in range(0, 4096, 16)]
            point = fresh.pop()
            self._left = fresh
            return point


POINTS: Final = _Points()
