"""Runs the part of a graph that reads values, and nothing else of it.

Every node that a run-time value depends on is executed; where one fails, what needs it is
left out, and the rest goes on. So it can be said what a graph would check of inputs which it
rejects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from asserts.dialects.base import Path
from asserts.verify.subject import Number, Values
from shapes.expr import Expr

__all__ = ["Probe"]

_MISSING = object()


class Probe:
    """The nodes of a graph that its run-time symbols depend on, in order.

    `bindings` says what a node binds, `execute` runs one node on the values of others.
    """

    def __init__(
        self,
        graph: Any,
        bindings: Callable[[Any], Mapping[Expr, Path]],
        execute: Callable[[Any, Callable[[Any], Any]], Any],
    ) -> None:
        self._execute = execute
        nodes = list(graph.nodes)
        self._bound = {
            node: found
            for node in nodes
            if node.op != "placeholder" and (found := dict(bindings(node)))
        }
        needed: set[Any] = set()
        for node in reversed(nodes):
            if node in self._bound or node in needed:
                needed.update(node.all_input_nodes)
                needed.add(node)
        self._nodes = [n for n in nodes if n in needed and n.op != "placeholder"]

    @property
    def symbols(self) -> tuple[Expr, ...]:
        """The symbols, in the order in which they are read."""
        found = [s for node in self._nodes for s in self._bound.get(node, {})]
        return tuple(dict.fromkeys(s for s in found if s.is_symbol))

    def values(self, inputs: Mapping[Any, object]) -> Values:
        """The values of the symbols for values of the placeholders, as far as they can be
        read."""
        known: dict[Any, Any] = dict(inputs)
        found: Values = {}
        for node in self._nodes:
            result = self._result(node, known)
            known[node] = result
            if result is _MISSING:
                continue
            for symbol, path in self._bound.get(node, {}).items():
                value = _read(result, path)
                if symbol.is_symbol and value is not None:
                    found.setdefault(symbol, value)
        return found

    def _result(self, node: Any, known: Mapping[Any, Any]) -> Any:
        if any(known.get(source, _MISSING) is _MISSING for source in node.all_input_nodes):
            return _MISSING
        try:
            return self._execute(node, known.__getitem__)
        except Exception:  # whatever the operation does not like about its arguments
            return _MISSING


def _read(result: object, path: Path) -> Number | None:
    """The number at a path from a node's result."""
    try:
        for step in path:
            result = _step(result, step)
    except Exception:
        return None
    if hasattr(result, "item"):
        result = result.item()
    return result if isinstance(result, (bool, int, float)) else None


def _step(result: Any, step: tuple[Any, ...]) -> Any:
    kind = step[0]
    if kind == "size":
        return result.shape[step[1]]
    if kind == "stride":
        return result.stride(step[1])
    if kind == "offset":
        return result.storage_offset()
    if kind == "item":
        return result[step[1]]
    if kind == "int":
        return int(result)
    if kind == "attr":
        return getattr(result, step[1])
    if kind == "method":
        return getattr(result, step[1])()
    if kind == "divide" and isinstance(step[1], int):
        return result // step[1]
    raise ValueError(f"unknown step {step!r}")
