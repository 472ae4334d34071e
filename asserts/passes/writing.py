"""Obligations as nodes: the condition, the values shown when it fails, and the assert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asserts.conditions.emit import Emitter
from asserts.conditions.points import Points
from asserts.dialects.base import AssertInfo, Dialect
from asserts.errors import GraphError
from asserts.graph.graph import Graph
from asserts.passes.discharge import Obligation
from shapes.env import ShapeEnv
from shapes.expr import BoolExpr, Expr
from shapes.traversal import free_symbols

__all__ = ["Writer"]


class Writer:
    """Writes asserts into one graph, from its front to its back: before the asserts that stand
    at their points, or behind them if the conditions are computed with what these ensure."""

    def __init__(
        self,
        graph: Graph,
        dialect: Dialect,
        points: Points,
        env: ShapeEnv | None,
        names: Mapping[str, str] | None = None,
        after_asserts: bool = False,
    ) -> None:
        self._graph = graph
        self._dialect = dialect
        self._points = points
        self._nodes = list(graph.nodes)
        self._known = {} if env is None else env.symbols
        self._names = names or {}
        self._after_asserts = after_asserts
        self._emitter = Emitter(graph, dialect)
        self._position = 0

    def write(
        self, point: int, obligation: Obligation, condition: BoolExpr, text: str
    ) -> int:
        """Write an assert behind a point, which is not before that of an earlier one; the
        number of new nodes.

        Raises `GraphError`, naming the check and its line, if the framework cannot compute
        the condition.
        """
        emitter = self._emitter
        taken = self._dialect.metadata_beside(self._points.beside(point), obligation.where)
        emitter.meta = {"runtime_assert": text, **taken}
        before = len(emitter.created)
        with self._graph.inserting_before(self._anchor(point)):
            computed = self._computed(obligation, condition)
            by_user = obligation.kind == "user"
            # A condition in the user's words is shown with all values that it names.
            symbols = free_symbols(obligation.claim if by_user else condition)
            values = {self._name(s): emitter.emit(s) for s in symbols}
            info = AssertInfo(
                text, obligation.message, self._sources(symbols), obligation.location, by_user
            )
            node = self._dialect.create_assert(self._graph, computed, info, values)
        node.meta.update(emitter.meta)
        return len(emitter.created) - before + 1

    def _anchor(self, point: int) -> Any:
        """The node before which the checks of a point stand; what is before it is there."""
        behind = self._points.behind(point, self._after_asserts)
        behind = max(self._position, behind)
        for node in self._nodes[self._position : behind]:
            self._emitter.arrive(node)
        self._position = behind
        return self._nodes[behind] if behind < len(self._nodes) else None

    def _computed(self, obligation: Obligation, condition: BoolExpr) -> Any:
        try:
            return self._emitter.emit(condition)
        except GraphError as error:
            where = f" ({obligation.location})" if obligation.location else ""
            raise GraphError(f"the check `{obligation.text}`{where}: {error}") from error

    def _name(self, symbol: Expr) -> str:
        return self._names.get(symbol.name, symbol.name)

    def _sources(self, symbols: Sequence[Expr]) -> Mapping[str, str]:
        known = {s: self._known[s.name].source for s in symbols if s.name in self._known}
        return {self._name(s): str(at) for s, at in known.items() if at not in (None, s.name)}
