"""From asserts in a graph back to conditions over symbols: the inverse of `emit`.

The condition is read from the nodes that compute it, not from what their metadata states:
sizes and values at the place where a symbol is bound become that symbol, operators are
built again. Where that ends at a node which computes something else, its stated value is
taken if it has one; otherwise the assert cannot be lifted, and says which node is to blame.

A graph computes every node on the way, also what cancels in the normal form: ``q - q >= 0``
with ``q = n // d`` raises for ``d == 0``. So the condition under which all of these nodes
have a value is read beside the claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asserts.dialects.base import Dialect, Path
from asserts.graph.graph import Graph, Node
from asserts.graph.raising import own_condition_of
from shapes.errors import ShapeproofError
from shapes.expr import TRUE, BoolExpr, Expr, as_condition, as_expr, conjunction

__all__ = ["LiftedAssert", "Lifter", "lift"]


@dataclass(frozen=True)
class LiftedAssert:
    """An assert node with its condition, or the reason why there is none.

    `defined` is the condition under which every node that computes the claim has a value: the
    program stops there otherwise.
    """

    node: Node
    claim: BoolExpr | None
    reason: str = ""
    defined: BoolExpr = TRUE

    @property
    def whole(self) -> BoolExpr:
        """What holds behind the assert: that the claim was computed, and the claim."""
        return TRUE if self.claim is None else conjunction(self.defined, self.claim)


class Lifter:
    """Reads scalar expressions off the nodes of one graph."""

    def __init__(self, graph: Graph, dialect: Dialect) -> None:
        self._dialect = dialect
        self._exprs: dict[Node, Expr] = {}
        self._defined: dict[Node, BoolExpr] = {}  # (only of nodes that may have no value)
        self._places: dict[tuple[Node, Path], Expr] = {}
        for node in graph.nodes:
            for symbol, path in dialect.bindings(node).items():
                self._places.setdefault((node, path), symbol)

    def expr_of(self, argument: Any) -> Expr | None:
        """The expression of an argument: a number, or a node whose value can be read off."""
        if not self._dialect.is_node(argument):
            return as_expr(argument) if isinstance(argument, (bool, int, float)) else None
        stack: list[Node] = [argument]
        while stack:
            node = stack[-1]
            if node in self._exprs:
                stack.pop()
                continue
            inputs = [a for a in self._scalar_inputs(node) if a not in self._exprs]
            if inputs:
                stack.extend(inputs)
                continue
            expr = self._read(node)
            if expr is None:
                return None
            self._exprs[node] = expr
            stack.pop()
        return self._exprs[argument]

    def _scalar_inputs(self, node: Node) -> list[Node]:
        if self._place(node) is not None:
            return []
        computation = self._dialect.computation_of(node)
        arguments = () if computation is None else computation[1]
        return [a for a in arguments if self._dialect.is_node(a)]

    def _place(self, node: Node) -> Expr | None:
        """The symbol that is bound at the place which this node reads."""
        path: Path = ()
        at: Node = node
        while True:
            found = self._places.get((at, path))
            if found is not None:
                return found
            read = self._dialect.read_of(at)
            if read is None:
                return None
            at, path = read[0], (read[1], *path)

    def _read(self, node: Node) -> Expr | None:
        place = self._place(node)
        if place is not None:
            return place
        computation = self._dialect.computation_of(node)
        if computation is None:
            return self._dialect.value_of(node)
        build, arguments = computation
        operands = [
            self._exprs[a] if self._dialect.is_node(a) else as_expr(a) for a in arguments
        ]
        try:
            expr = build(*operands)
            own = own_condition_of(build, operands, expr)
        except (ShapeproofError, TypeError):
            return None
        whole = self._all_defined([*arguments], own)
        if whole is not TRUE:
            self._defined[node] = whole
        return expr

    def _all_defined(self, arguments: Sequence[object], own: BoolExpr = TRUE) -> BoolExpr:
        """That all arguments were computed. (None is skipped when it runs, whatever another
        one is.)"""
        nodes = [a for a in arguments if self._dialect.is_node(a)]
        parts = [self._defined[a] for a in nodes if a in self._defined]
        return conjunction(*parts, own) if parts else own

    def condition_of(self, argument: object) -> BoolExpr | None:
        """That a condition was computed, and that it holds."""
        claim = self.expr_of(argument)
        if claim is None:
            return None
        return conjunction(self._all_defined([argument]), as_condition(claim))

    def lift(self, node: Node) -> LiftedAssert:
        """The condition of an assert node."""
        asked: list[Any] = []

        def expr_of(argument: object) -> Expr | None:
            asked.append(argument)
            return self.expr_of(argument)

        claim = self._dialect.claim_of(node, expr_of)
        if claim.expr is None:
            return LiftedAssert(node, None, claim.reason)
        defined = self._all_defined(asked)
        return LiftedAssert(node, as_condition(claim.expr), claim.reason, defined)


def lift(graph: Graph, dialect: Dialect) -> Sequence[LiftedAssert]:
    """All asserts of a graph, in its order, as conditions."""
    lifter = Lifter(graph, dialect)
    return [lifter.lift(node) for node in graph.nodes if dialect.is_assert(node)]
