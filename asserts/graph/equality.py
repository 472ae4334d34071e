"""Whether two graphs are the same program, written the same way.

Two graphs are equal when their nodes, in order, agree in op, target and the structure of
their arguments, inputs standing for each other; what `get_attr` and `call_module` name is
compared too, nested graphs node by node. Constants agree in type and value: 1, 1.0 and True
differ, as do 0.0 and -0.0, while nan agrees with nan. Names, metadata, environments and
attributes that no node names don't count (names do if asked).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule, Module
from asserts.graph.printing import format_argument

__all__ = ["explain_difference", "graphs_equal"]

_MISSING: Final = object()


def graphs_equal(
    a: Graph | GraphModule, b: Graph | GraphModule, *, names: bool = False
) -> bool:
    """Whether there is no difference; see `explain_difference`."""
    return explain_difference(a, b, names=names) is None


def explain_difference(
    a: Graph | GraphModule, b: Graph | GraphModule, *, names: bool = False
) -> str | None:
    """The first difference in a sentence, or None for equal graphs.

    With `names` the nodes' names must agree as well.
    """
    return _Comparison(names).difference(_graph_of(a), _graph_of(b))


def _graph_of(a: Graph | GraphModule) -> Graph:
    return a.graph if isinstance(a, GraphModule) else a


class _Comparison:
    """One comparison: the pairs of graphs met, and those still to be compared."""

    def __init__(self, names: bool) -> None:
        self._names = names
        self._left: dict[Graph, Graph] = {}
        self._right: dict[Graph, Graph] = {}
        self._waiting: list[tuple[str, Graph, Graph]] = []
        self._partner: dict[Node, Node] = {}

    def difference(self, a: Graph, b: Graph) -> str | None:
        """The first difference between two graphs and what they contain."""
        self._meet("", a, b)
        while self._waiting:
            path, left, right = self._waiting.pop()
            found = self._between(left, right)
            if found:
                return f"in '{path}': {found}" if path else found
        return None

    def _meet(self, path: str, a: Graph, b: Graph) -> str | None:
        """Put two graphs down as each other's partners; shared stays shared."""
        known = (self._left.get(a), self._right.get(b))
        if known == (b, a):
            return None
        if known != (None, None):
            return "nested graphs are shared by different places"
        self._left[a], self._right[b] = b, a
        self._waiting.append((path, a, b))
        return None

    def _between(self, a: Graph, b: Graph) -> str | None:
        for position, (x, y) in enumerate(zip(a.nodes, b.nodes)):
            found = self._between_nodes(x, y)
            if found:
                return f"node {position} ('{x.name}' and '{y.name}'): {found}"
            self._partner[x] = y
        if len(a.nodes) != len(b.nodes):
            return f"{len(a.nodes)} nodes and {len(b.nodes)} nodes"
        return None

    def _between_nodes(self, x: Node, y: Node) -> str | None:
        if x.op != y.op:
            return f"op {x.op} and {y.op}"
        if self._names and x.name != y.name:
            return f"name '{x.name}' and '{y.name}'"
        if x.target is not y.target and x.target != y.target:
            return f"target {x.target} and {y.target}"
        if x.op in ("get_attr", "call_module"):
            found = self._between_attributes(x, y)
            if found:
                return found
        return self._between_arguments(x.args, y.args, "args") or self._between_arguments(
            dict(x.kwargs), dict(y.kwargs), "kwargs"
        )

    def _between_attributes(self, x: Node, y: Node) -> str | None:
        """What two nodes with the same target name in their modules."""
        left, right = _named_by(x), _named_by(y)
        if left is _MISSING or right is _MISSING:
            return None if left is right else f"only one module has '{x.target}'"
        if isinstance(left, GraphModule) and isinstance(right, GraphModule):
            return self._meet(str(x.target), left.graph, right.graph)
        if isinstance(left, Module) or isinstance(right, Module):
            return None if type(left) is type(right) else f"'{x.target}' is of two kinds"
        return None if _same_constant(left, right) else f"'{x.target}' has two values"

    def _between_arguments(self, a: object, b: object, place: str) -> str | None:
        if isinstance(a, Node) or isinstance(b, Node):
            partner = self._partner.get(a) if isinstance(a, Node) else None
            return None if partner is not None and partner is b else _unlike(a, b, place)
        if isinstance(a, (tuple, list)) and type(a) is type(b):
            assert isinstance(b, (tuple, list))
            if len(a) != len(b):
                return f"{place} has {len(a)} and {len(b)} items"
            pairs = ((f"{place}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b)))
            return self._first(pairs)
        if isinstance(a, dict) and isinstance(b, dict):
            if list(a) != list(b):
                return f"{place} has keys {list(a)} and {list(b)}"
            return self._first((f"{place}[{k!r}]", a[k], b[k]) for k in a)
        if isinstance(a, slice) and isinstance(b, slice):
            ends = ("start", "stop", "step")
            return self._first((f"{place}.{e}", getattr(a, e), getattr(b, e)) for e in ends)
        return None if _same_constant(a, b) else _unlike(a, b, place)

    def _first(self, pairs: Iterable[tuple[str, object, object]]) -> str | None:
        for place, x, y in pairs:
            found = self._between_arguments(x, y, place)
            if found:
                return found
        return None


def _named_by(node: Node) -> object:
    module = node.graph.owning_module
    return _MISSING if module is None else module.find_attr(str(node.target), _MISSING)


def _unlike(a: object, b: object, place: str) -> str:
    return f"{place} is {format_argument(a)} and {format_argument(b)}"


def _same_constant(a: object, b: object) -> bool:
    """Same type and value; containers item by item, arrays element by element."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and isinstance(b, float):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return a == b and math.copysign(1.0, a) == math.copysign(1.0, b)
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(_same_constant, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_same_constant(a[k], b[k]) for k in a)
    if isinstance(a, slice) and isinstance(b, slice):
        return _same_constant((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    return _same_object(a, b)


def _same_object(a: Any, b: Any) -> bool:
    """`==` for any object; arrays element by element, nan agreeing with nan."""
    shapes = getattr(a, "shape", None), getattr(b, "shape", None)
    dtypes = getattr(a, "dtype", None), getattr(b, "dtype", None)
    try:
        if shapes[0] != shapes[1] or dtypes[0] != dtypes[1]:
            return False
        if shapes[0] is None:
            return bool(a == b)
        return bool(((a == b) | ((a != a) & (b != b))).all())
    except Exception:
        return False  # what cannot be compared is not known to be equal
