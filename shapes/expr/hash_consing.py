"""Hash consing (Ershov 1958; Filliâtre & Conchon 2006): weak intern tables of nodes by key,
and the random points of atoms.

Keys of integers are values of polynomials at a random point (Schwartz 1980, Zippel 1979; see
`combinations`). A look-up costs one dictionary access; a node without references is gone at
once. What becomes of its entry depends on the key. In `BY_VALUE`, `BY_SIDE` and `BY_OPERANDS`,
where keys are made of numbers (of a symbol, of texts), the empty entry stays until the table
is swept, which happens whenever it has doubled since the last time: that is cheaper than a
callback for each node, and leaves less to the garbage collector. So a table has at most twice
as many entries as were in use at the last sweep (or `LEAST`); what many nodes leave behind
when they go stays until then. A key of `BY_STRUCTURE` holds the
operands, which must not outlive the node, so there the entry goes with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from os import urandom  # (by its own name: tracers replace the attribute of `os`)
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from shapes.expr.nodes import BoolExpr, Expr, IntExpr

__all__ = [
    "BIRTHS",
    "BY_OPERANDS",
    "BY_SIDE",
    "BY_STRUCTURE",
    "BY_VALUE",
    "KEPT",
    "POINTS",
    "completed",
    "enter_operands",
    "enter_relation",
    "enter_structure",
    "enter_value",
    "table_sizes",
]


N = TypeVar("N", bound="Expr")
K = TypeVar("K")

LEAST: Final = 4096
"""A table is not swept before it has this many entries."""


BY_VALUE: Final[dict[int, ref[IntExpr]]] = {}
"""Integer expressions by their keys (see `expr`)."""
BY_OPERANDS: Final[dict[tuple[Any, ...], ref[Expr]]] = {}
"""Operators on integers, by operator and the operands' keys; symbols by name and kind."""
BY_SIDE: Final[tuple[dict[int, ref[BoolExpr]], ...]] = ({}, {}, {})
"""Relations of an integer with 0 (``<=``, ``==`` and ``!=``), each by the integer's key."""
BY_STRUCTURE: Final[dict[tuple[Any, ...], ref[Expr]]] = {}
"""Everything else, by operator and operands."""
BIRTHS: Final = count()
KEPT: Final[list[IntExpr]] = []
"""Nodes that stay once they are made: small constants, which come and go all the time."""
_sweep_at: Final = [LEAST, LEAST, LEAST, LEAST, LEAST]
"""The sizes at which the tables of values, of operands and of relations are swept next."""
_change: Final = threading.RLock()
"""Held where an empty entry is removed or replaced; entering and finding need no lock. It is
taken again by the same thread when the collector runs in between."""


def _made_by() -> Callable[[N], ref[N]]:
    """What makes entries: weak references, in the compiled build such that the collector
    follows neither them nor the tuples and dictionaries that a node is made of."""
    try:
        from shapes._native import entry
    except ImportError:
        return ref
    return entry


_reference: Final = _made_by()


def enter_value(node: IntExpr) -> IntExpr:
    """Enter a new node under its key; the node that won if another thread was first."""
    entry: ref[IntExpr] = _reference(node)
    if BY_VALUE.setdefault(node.key, entry) is not entry:
        return _entered(BY_VALUE, node.key, entry, node)
    if len(BY_VALUE) > _sweep_at[0]:
        _sweep_at[0] = _swept(BY_VALUE)
    return node


def enter_operands(key: tuple[object, ...], node: N) -> N:
    """Enter a new node under its operands' keys; the node that won if another was first."""
    entry: ref[Expr] = _reference(node)
    if BY_OPERANDS.setdefault(key, entry) is not entry:
        return _entered(BY_OPERANDS, key, entry, node)
    if len(BY_OPERANDS) > _sweep_at[1]:
        _sweep_at[1] = _swept(BY_OPERANDS)
    return node


def enter_relation(which: int, key: int, node: BoolExpr) -> BoolExpr:
    """Enter a new relation under its side's key; the node that won if another was first."""
    entry: ref[BoolExpr] = _reference(node)
    table = BY_SIDE[which]
    if table.setdefault(key, entry) is not entry:
        return _entered(table, key, entry, node)
    if len(table) > _sweep_at[2 + which]:
        _sweep_at[2 + which] = _swept(table)
    return node


def _swept(table: dict[K, ref[N]]) -> int:
    """Remove the empty entries; the size at which to do so again."""
    empty = [item for item in table.copy().items() if item[1]() is None]
    for key, entry in empty:
        with _change:
            if table.get(key) is entry:
                del table[key]
    return max(LEAST, 2 * len(table))


def _forget_structure(key: tuple[object, ...], entry: ref[Expr]) -> None:
    with _change:
        if BY_STRUCTURE.get(key) is entry:
            del BY_STRUCTURE[key]


def enter_structure(key: tuple[object, ...], node: N) -> N:
    """Enter a new node under its structure; the node that won if another was first."""
    entry: ref[Expr] = ref(node, partial(_forget_structure, key))
    if BY_STRUCTURE.setdefault(key, entry) is entry:
        return node
    return _entered(BY_STRUCTURE, key, entry, node)


def _entered(table: dict[K, Any], key: K, entry: ref[Any], node: N) -> N:
    """Enter a node where the table has an entry already, which may be empty."""
    while True:
        held: ref[N] = table.setdefault(key, entry)
        if held is entry:
            return node
        winner = held()
        if winner is not None:
            return winner
        with _change:
            if table.get(key) is held:
                table[key] = entry
                return node


def completed(*instances: Any, acyclic: bool = False) -> None:
    """Give the classes of these instances what mypyc leaves out, in the compiled build: weak
    references (with a field `_weakrefs`, which is never read), the hash of identity where
    comparisons are defined without one, and ``__index__``. Instances of `acyclic` classes are
    never part of a cycle, so the collector does not follow them.

    Once a class is complete, as Python's own are, nothing is done.
    """
    for one in instances:
        kind = type(one)
        if hasattr(kind, "__weakref__"):
            continue
        from shapes._native import adopt

        if kind.__hash__ is None:
            kind.__hash__ = object.__hash__
        if hasattr(kind, "__index__"):
            kind.__index__ = kind.__index__
        adopt(one, "_weakrefs", acyclic)
    for kind in {base for one in instances for base in type(one).__mro__}:
        if "_weakrefs" in vars(kind):
            del kind._weakrefs  # never set


def table_sizes() -> tuple[int, int]:
    """How many integer nodes (beside those that stay) and other entries are alive now, for
    tests of leaks."""
    _sweep_at[:] = [_swept(BY_VALUE), _swept(BY_OPERANDS), *map(_swept, BY_SIDE)]
    relations = sum([len(table) for table in BY_SIDE])
    others = len(BY_OPERANDS) + len(BY_STRUCTURE) + relations
    return len(BY_VALUE) - len(KEPT), others


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
            block = urandom(4096)
            fresh = [int.from_bytes(block[i : i + 16], "little") for i in range(0, 4096, 16)]
            point = fresh.pop()
            self._left = fresh
            return point


POINTS: Final = _Points()
