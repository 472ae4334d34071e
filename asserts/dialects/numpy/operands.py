"""numpy's functions by name, and what a node is given: arrays, keys, traced values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from asserts.graph.graph import Node, map_arg
from asserts.graph.values import ArrayValue
from shapes.expr import IntExpr, constant

__all__ = [
    "is_array_node",
    "is_index",
    "items_per_axis",
    "nodes_in",
    "numpy_functions",
    "takes_all",
    "traced_value",
]


def numpy_functions(*names: str) -> frozenset[Any]:
    """numpy's functions of these dotted names, as far as this numpy has them."""
    found = set()
    for name in names:
        value: Any = np
        for part in name.split("."):
            value = getattr(value, part, None)
        if value is not None:
            found.add(value)
    return frozenset(found)


def nodes_in(*arguments: object) -> Iterator[Node]:
    """The nodes in arguments, each once."""
    found: dict[Node, None] = {}
    map_arg(arguments, lambda node: found.setdefault(node))
    return iter(found)


def traced_value(node: object) -> Any:
    return node.meta.get("val") if isinstance(node, Node) else node


def is_array_node(argument: object) -> bool:
    """Whether an argument is certainly an array with an axis (no number, no array scalar)."""
    value = traced_value(argument)
    return isinstance(value, ArrayValue) and value.ndim > 0


def items_per_axis(items: Sequence[object]) -> list[Any]:
    """The items that select from an axis, up to an ellipsis."""
    dots = items.index(Ellipsis) if Ellipsis in items else len(items)
    return [item for item in items[:dots] if item is not None]


def takes_all(item: object, size: IntExpr) -> bool:
    """Whether a slice takes a whole axis."""
    if not isinstance(item, slice) or item.step not in (None, 1):
        return False
    stop = traced_value(item.stop)
    stop = constant(stop) if type(stop) is int else stop
    return item.start in (None, 0) and (stop is None or stop is size)


def is_index(item: object) -> bool:
    value = traced_value(item)
    return isinstance(value, IntExpr) or type(value) is int
