"""The points of a program: where a value is known, and where an assert may stand.

A point is the place behind a node, by the node's index. It is the one definition for all that
asks whether something holds *before* something else: insertion (where a check is put),
discharge (which checks stand before it), minimisation and reports (where an assert stands).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from asserts.conditions.known import has_value
from asserts.dialects.base import Conduct, Dialect
from asserts.graph.graph import Node
from asserts.graph.raising import domain_of
from shapes.errors import ExpressionTypeError
from shapes.expr import TRUE, BoolExpr, Expr, as_expr
from shapes.facts import Fact, Facts
from shapes.traversal import free_symbols

__all__ = ["Points", "can_stop", "domain_at", "guarded_numbers", "is_scalar"]

NOTHING: Final = Facts()


class Points:
    """The points of one graph.

    A check belongs behind the first node at which all its symbols are known, or at the
    *latest* place from which nothing in between needs it. Inputs together are the index 0,
    with the sizes that are computed from them and bound before anything else happens; behind
    these `entry` nodes the checks at entry stand.

    A number whose computation can raise ends a place, for a check before it may guard it.
    What insertion has written is made to have a value; in a graph that is to keep what it
    computes with fewer checks, only what has a value by itself passes, and what is `guarded`
    by checks that stay (None: insertion writes this graph).
    """

    def __init__(
        self, nodes: Sequence[Node], dialect: Dialect, guarded: Collection[Node] | None = None
    ) -> None:
        self._dialect = dialect
        self._nodes = nodes
        self._guarded = guarded
        self.entry = self._find_entry(nodes)
        self._latest = self._find_latest(nodes)
        self.binders = self._find_binders(nodes)
        self._stretches = self._find_stretches(nodes)
        self.of_asserts = self._find_asserts(nodes)

    def of_claim(self, claim: BoolExpr) -> int | None:
        """The point of a condition; None if a symbol of it is not defined in the graph."""
        point = 0
        for symbol in free_symbols(claim):
            index = self.binders.get(symbol)
            if index is None:
                return None
            point = max(point, index)
        return self._latest[point]

    def behind(self, point: int, after_asserts: bool = False) -> int:
        """The index of the node before which the checks of a point are written: plain reads
        that follow the point come first, and the asserts that stand there if they are to."""
        index = max(self.entry, point + 1 if point else self.entry)
        while index < len(self._nodes):
            node = self._nodes[index]
            there = after_asserts and (self._dialect.is_assert(node) or self._is_passed(node))
            if not there and self._dialect.read_of(node) is None:
                break
            index += 1
        return index

    def name(self, point: int) -> str:
        """The node of a point, as reports name it; nothing for the entry."""
        return self._nodes[point].name if point else ""

    def beside(self, point: int) -> Node:
        """The node whose line and metadata the checks of a point take over."""
        computed = (node for node in self._nodes if node.op != "placeholder")
        return self._nodes[point] if point else next(computed)

    def _find_entry(self, nodes: Sequence[Node]) -> int:
        entry = 0
        for index, node in enumerate(nodes):
            if node.op == "placeholder":
                entry = index + 1
            elif not is_scalar(node, self._dialect):
                break
            elif self._dialect.bindings(node):
                entry = index + 1
        return entry

    def stretch_of(self, point: int) -> int:
        """The number of the stretch of points, with no effect in between, that a point is
        in."""
        return self._stretches[point]

    def _find_stretches(self, nodes: Sequence[Node]) -> list[int]:
        """A point behind nodes which have no effect, raise nothing, and whose own checks are
        on inputs only, is in the stretch of the points before; the entry is one of its own."""
        fixed: set[Node] = set()  # what no run-time value takes part in
        conduct = self._dialect.conduct_of(nodes)
        stretches: list[int] = []
        for index, node in enumerate(nodes):
            if node.op == "placeholder" or index < self.entry:
                fixed.add(node)
                stretches.append(0)
                continue
            does = conduct.get(node, Conduct.EFFECT)
            if not fixed.issuperset(node.all_input_nodes):
                does = Conduct.EFFECT
            if does is not Conduct.EFFECT and not self._dialect.bindings(node):
                fixed.add(node)
            passed = does is Conduct.PURE
            passed = passed or self._dialect.is_assert(node) or self._is_passed(node)
            before = stretches[-1] if stretches else 0
            stretches.append(before if passed and before else index)
        return stretches

    def _find_binders(self, nodes: Sequence[Node]) -> dict[Expr, int]:
        """For every symbol the index of the node that defines it."""
        binders: dict[Expr, int] = {}
        for index, node in enumerate(nodes):
            for symbol in self._dialect.bindings(node):
                binders.setdefault(symbol, 0 if index < self.entry else index)
        return binders

    def _find_latest(self, nodes: Sequence[Node]) -> list[int]:
        latest = list(range(len(nodes)))
        run: int | None = None
        for index in range(len(nodes) - 1, -1, -1):
            node = nodes[index]
            if node.op == "placeholder":
                continue
            if run is not None:
                latest[index] = run
            if self._dialect.passes_over(node):
                run = index if run is None else run
            elif not self._dialect.is_assert(node):
                run = None
        if run is not None:
            latest[0] = run
        return latest

    def _find_asserts(self, nodes: Sequence[Node]) -> dict[Node, int]:
        """For every assert the last node before it that does more than read or compute
        sizes, and from there the latest point."""
        found: dict[Node, int] = {}
        point = 0
        for index, node in enumerate(nodes):
            if self._dialect.is_assert(node):
                found[node] = self._latest[point]
            elif node.op != "placeholder" and not self._is_passed(node):
                point = index
        return found

    def _is_passed(self, node: Node) -> bool:
        """Whether nothing happens at a node but that a number is read or computed, or a
        constant read."""
        if node.op == "get_attr":
            return True
        if not is_scalar(node, self._dialect):
            return False
        if self._guarded is None:
            sure = "runtime_assert" in node.meta
        else:
            sure = node in self._guarded
        return sure or not can_stop(node, self._dialect)


def guarded_numbers(
    nodes: Sequence[Node], dialect: Dialect, asserted: Mapping[Node, BoolExpr]
) -> set[Node]:
    """The numbers that have a value in a graph whose asserts stay: what insertion has written,
    and those of which the asserts before them say so. `asserted` has the lifted claims."""
    found: set[Node] = set()
    known = Facts()
    for node in nodes:
        if node in asserted:
            further = known.extended(Fact(asserted[node], "check"))
            known = further if isinstance(further, Facts) else known
        elif is_scalar(node, dialect):
            written = "runtime_assert" in node.meta
            if written or (can_stop(node, dialect) and not can_stop(node, dialect, known)):
                found.add(node)
    return found


def can_stop(node: Node, dialect: Dialect, facts: Facts = NOTHING) -> bool:
    """Whether computing a number may raise for some values of its operands of which no more
    is known than these facts, or take as much memory as one of them says."""
    domain = domain_at(node, dialect)
    return domain is None or not has_value(facts, domain)


def domain_at(node: Node, dialect: Dialect) -> BoolExpr | None:
    """Where the number that a node computes has a value; None if that cannot be said."""
    computation = dialect.computation_of(node)
    if computation is None:
        return TRUE
    build, arguments = computation
    try:
        operands = [
            dialect.value_of(a) if dialect.is_node(a) else as_expr(a) for a in arguments
        ]
    except ExpressionTypeError:  # an argument that is not a number
        return None
    return domain_of(build, operands)


def is_scalar(node: Node, dialect: Dialect) -> bool:
    """Whether a node reads or computes a number."""
    return dialect.read_of(node) is not None or dialect.computation_of(node) is not None
