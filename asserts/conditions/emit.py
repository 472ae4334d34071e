"""The analysis that writes nodes: a condition becomes part of a graph.

Every sub-expression is written once and found again; values that the graph already has are
used before new ones are made; a symbol is read from where it is bound, first of all from an
input. The emitter moves through a graph from the front to the back (`arrive`), so what it
has seen is always behind what it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from asserts.dialects.base import Dialect, Path
from asserts.errors import GraphError
from asserts.graph.graph import Graph, Node
from shapes.expr import (
    BY_HANDLER,
    OPERATORS,
    RELATIONS,
    Expr,
    IntExpr,
    Op,
    Value,
    as_expr,
    combine,
    scale,
    sides,
)
from shapes.traversal import interpret

__all__ = ["Emitter"]


_ADD: Final = OPERATORS["Add"]
_SUB: Final = OPERATORS["Sub"]
_MUL: Final = OPERATORS["Mul"]
_NEG: Final = OPERATORS["Neg"]


class _Emitted(NamedTuple):
    """An argument for nodes, and the expression that it computes."""

    argument: Any
    expr: Expr


class Emitter:
    """Writes expressions as nodes at the graph's insertion point."""

    def __init__(self, graph: Graph, dialect: Dialect) -> None:
        self.graph = graph
        self._dialect = dialect
        self._bound: dict[Expr, tuple[Node, Path]] = {}
        self._available: dict[Any, _Emitted] = {}
        self._reads: dict[tuple[Node, Path], Node] = {}
        self.created: list[Node] = []
        self.meta: dict[str, Any] = {}
        """Metadata that every new node gets besides its value (a stack trace, say)."""

    def bind(self, symbol: Expr, node: Node, path: Path) -> None:
        """Say where a symbol is read; the first place stays."""
        self._bound.setdefault(symbol, (node, path))

    def arrive(self, node: Node) -> None:
        """Pass a node of the graph: what it binds and computes can be used from here on."""
        for symbol, path in self._dialect.bindings(node).items():
            self.bind(symbol, node, path)
        value = self._dialect.value_of(node)
        read = self._dialect.read_of(node)
        if read is not None:
            place = self._place(read)
            if place is not None:
                self._reads.setdefault(place, node)
        if value is None or value.is_constant:
            return
        if value.is_symbol and not self._reads_own(value, node):
            return  # a size of an intermediate result: the symbol's own place is better
        self._available.setdefault(value, _Emitted(node, value))

    def _place(self, read: tuple[Node, tuple[object, ...]]) -> tuple[Node, Path] | None:
        """A reading node as a place: the first node, and all steps from there."""
        path: tuple[tuple[Any, ...], ...] = (read[1],)
        source = read[0]
        while not self._dialect.bindings(source):
            deeper = self._dialect.read_of(source)
            if deeper is None:
                break
            source, path = deeper[0], (deeper[1], *path)
        return source, path

    def _reads_own(self, symbol: Expr, node: Node) -> bool:
        bound = self._bound.get(symbol)
        if bound is None:
            return True
        return bound == (node, ()) or self._reads.get(bound) is node

    def emit(self, expr: Expr) -> Any:
        """The node (or the constant) that computes the expression.

        Raises `GraphError` for a symbol that cannot be read here.
        """
        if expr.is_constant:
            return expr.value
        return self._emitted(expr).argument

    def _emitted(self, expr: Expr) -> _Emitted:
        found = self._available.get(expr)
        if found is None and expr.op in RELATIONS:
            # Most conditions are one relation: what it is made of needs no further look.
            handler, left, right = sides(expr)
            operands = [self._emitted(left), self._emitted(right)]
            found = self._node(BY_HANDLER[handler], operands, expr)
        if found is None:
            found = interpret(self, {}, expr, self._available)
        assert isinstance(found, _Emitted)
        return found

    # ------------------------------------------------------------------ handlers

    def constant(self, value: Value) -> _Emitted:
        return _Emitted(value, as_expr(value))

    def symbol(self, sym: Expr) -> _Emitted:
        bound = self._bound.get(sym)
        if bound is None:
            raise GraphError(f"the symbol `{sym.name}` is not known at this place")
        node, path = bound
        for length in range(1, len(path) + 1):
            place = (bound[0], path[:length])
            read = self._reads.get(place)
            if read is None:
                read = self._dialect.create_read(self.graph, node, path[length - 1])
                self._reads[place] = read
                self._complete(read, sym if length == len(path) else None)
            node = read
        return _Emitted(node, sym)

    def unknown(self, op: Op, values: Sequence[_Emitted]) -> _Emitted:
        """Every operator: one node, unless one computes the same already."""
        assert op.build is not None
        expr = op.build(*[value.expr for value in values])
        if expr.is_constant:
            return _Emitted(expr.value, expr)
        if op.variadic and len(values) > 2 and expr not in self._available:
            return self._folded(op, values)
        return self._node(op, values, expr)

    def linear(
        self, k: int, coefficients: Sequence[int], values: Sequence[_Emitted]
    ) -> _Emitted:
        """A sum, two operands at a time: what is added first, then what is subtracted."""
        total: _Emitted | None = None
        terms = list(zip(coefficients, values))
        for c, value in terms:
            if c > 0:
                term = self._times(c, value)
                total = term if total is None else self._sum(total, term, 1)
        if total is None and k > 0:
            total, k = self.constant(k), 0
        for c, value in terms:
            if c < 0 and total is None:
                term = self._times(-c, value)
                total = self._node(_NEG, [term], scale(-1, _integer(term)))
            elif c < 0 and total is not None:
                total = self._sum(total, self._times(-c, value), -1)
        assert total is not None
        return self._sum(total, self.constant(abs(k)), 1 if k > 0 else -1) if k else total

    def _times(self, c: int, value: _Emitted) -> _Emitted:
        if c == 1:
            return value
        return self._node(_MUL, [self.constant(c), value], scale(c, _integer(value)))

    def _sum(self, a: _Emitted, b: _Emitted, sign: int) -> _Emitted:
        expr = combine(1, _integer(a), sign, _integer(b))
        if expr.is_constant:
            return self.constant(expr.value)
        return self._node(_ADD if sign > 0 else _SUB, [a, b], expr)

    def _node(self, op: Op, values: Sequence[_Emitted], expr: Expr) -> _Emitted:
        """The node that computes an expression as an operator, maybe one that is there."""
        found = self._available.get(expr)
        if found is not None:
            return found
        node = self._dialect.create_operator(self._call, op, [v.argument for v in values])
        self._dialect.set_value(node, expr)
        emitted = _Emitted(node, expr)
        self._available[expr] = emitted
        return emitted

    def _folded(self, op: Op, values: Sequence[_Emitted]) -> _Emitted:
        """An operator of many operands as a chain of two-operand nodes."""
        result = values[0]
        for value in values[1:]:
            result = self.unknown(op, (result, value))
        return result

    def _call(self, target: Callable[..., object], *arguments: object) -> Node:
        node = self._dialect.create_call(self.graph, target, arguments)
        self._complete(node, None)
        return node

    def _complete(self, node: Node, value: Expr | None) -> None:
        node.meta.update(self.meta)
        self._dialect.set_value(node, value)
        self.created.append(node)


def _integer(value: _Emitted) -> IntExpr:
    assert isinstance(value.expr, IntExpr)
    return value.expr
