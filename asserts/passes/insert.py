"""Insert deferred runtime asserts.

Before::

    def program(tokens, lengths):             # tokens: i64[b, 128], lengths: i64[n]
        widest = item(max(lengths))           # u0
        ...

After::

    def program(tokens, lengths):
        ... assert lengths.shape[0] == tokens.shape[0]     (the input contract, at entry)
        widest = item(max(lengths))
        ... assert widest <= 128                           (behind the value that it reads)

Every obligation goes right behind the first point at which all its symbols are known, in a
stable order, ranges first; what is implied there is proved instead of checked
(see `discharge`). Conditions are built from values that the graph already has. Nested graph
modules get the obligations of their own environments, or those of an environment they share
whose symbols they bind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from asserts.dialects.base import AssertInfo, Dialect
from asserts.dialects.numpy import NUMPY
from asserts.emit import Emitter
from asserts.errors import GraphError
from asserts.graph import Node
from asserts.graph_module import GraphModule
from asserts.lift import lift
from asserts.passes.base import Pass, PassResult
from asserts.passes.discharge import (
    Decision,
    Obligation,
    Policy,
    discharge,
    obligations_of,
)
from asserts.report import Outcome, Report, Row
from shapes.env import ShapeEnv
from shapes.expr import BoolExpr, Expr
from shapes.interpret import free_symbols

__all__ = ["InsertRuntimeAsserts"]


@dataclass(frozen=True)
class InsertRuntimeAsserts(Pass):
    """Put every check that could not be proved into the graph.

    `policy` and `effort` decide what may be proved instead (see `discharge`). Raises
    `GraphError` for a program without an environment, or with a check on a value that no
    node of it defines.
    """

    name: ClassVar[str] = "insert runtime asserts"
    dialect: Dialect = NUMPY
    policy: Policy = "preserve-user"
    effort: str = "default"

    def run(self, graph_module: GraphModule) -> PassResult:
        shared: dict[int, tuple[ShapeEnv, list[GraphModule]]] = {}
        self._collect(graph_module, shared)
        rows: list[Row] = []
        modified = False
        for env, modules in shared.values():
            open_obligations = obligations_of(env)
            for module in modules:
                work = _Insertion(self, module, env)
                open_obligations = work.take(open_obligations)
                rows += work.insert()
                modified = modified or work.modified
            self._refuse(open_obligations)
        if modified:
            graph_module.recompile()
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def _collect(
        self, graph_module: GraphModule, shared: dict[int, tuple[ShapeEnv, list[GraphModule]]]
    ) -> None:
        """The modules of every environment, outer ones first; a module without one of its own
        belongs to the environment of the program."""
        outer = self.dialect.environment(graph_module)
        if not isinstance(outer, ShapeEnv):
            raise GraphError("the program has no `shape_env`: trace it, or set one")
        for module in graph_module.modules():
            own = self.dialect.environment(module)
            env = own if isinstance(own, ShapeEnv) else outer
            shared.setdefault(id(env), (env, []))[1].append(module)

    def _refuse(self, left: list[Obligation]) -> None:
        """A check on a value that the graph does not have must not be lost silently; an axiom
        about one is of no use to any proof here."""
        for obligation in left:
            if obligation.kind != "contract":
                names = ", ".join(s.name for s in free_symbols(obligation.claim))
                raise GraphError(
                    f"the check `{obligation.text}` needs {names}, not all of which are "
                    "defined by a node of the graph"
                )


class _Insertion:
    """The work on one graph."""

    def __init__(
        self, options: InsertRuntimeAsserts, module: GraphModule, env: ShapeEnv
    ) -> None:
        self._options = options
        self._dialect = options.dialect
        self._graph = module.graph
        self._env = env
        self._nodes = list(module.graph.nodes)
        self._binders = self._find_binders()
        self._placed: list[tuple[int, Obligation]] = []
        self.modified = False

    # ------------------------------------------------------------------ placing

    def _find_binders(self) -> dict[Expr, int]:
        """For every symbol the index of the node that defines it; inputs together are 0."""
        binders: dict[Expr, int] = {}
        for index, node in enumerate(self._nodes):
            for symbol in self._dialect.bindings(node):
                binders.setdefault(symbol, 0 if node.op == "placeholder" else index)
        return binders

    def _point_of(self, claim: BoolExpr) -> int | None:
        point = 0
        for symbol in free_symbols(claim):
            index = self._binders.get(symbol)
            if index is None:
                return None
            point = max(point, index)
        return point

    def take(self, obligations: list[Obligation]) -> list[Obligation]:
        """Place what can be placed in this graph; the rest is for another."""
        rest = []
        for obligation in obligations:
            point = self._point_of(obligation.claim)
            if point is None:
                rest.append(obligation)
            else:
                self._placed.append((point, obligation))
        return rest

    def _existing(self) -> dict[BoolExpr, int]:
        """The checks that the graph makes already, with the points where they stand: the index
        of the last node before them that does more than read or compute sizes."""
        points: dict[Node, int] = {}
        point = 0
        for index, node in enumerate(self._nodes):
            if node.op != "placeholder" and not self._is_scalar(node):
                point = index
            points[node] = point
        found: dict[BoolExpr, int] = {}
        for lifted in lift(self._graph, self._dialect):
            if lifted.claim is not None:
                found.setdefault(lifted.claim, points[lifted.node])
        return found

    def _is_scalar(self, node: Node) -> bool:
        d = self._dialect
        reads = d.read_of(node) is not None
        return reads or d.is_assert(node) or d.operator_of(node) is not None

    # ------------------------------------------------------------------ writing

    def insert(self) -> list[Row]:
        """Write what has to be checked; the report's rows, in program order."""
        decisions = discharge(
            self._env,
            self._placed,
            self._point_of,
            self._existing(),
            self._options.policy,
            self._options.effort,
        )
        by_point: dict[int, list[Decision]] = {}
        for decision in decisions:
            by_point.setdefault(decision.point, []).append(decision)
        emitter = Emitter(self._graph, self._dialect)
        rows: list[Row] = []
        entry = sum(1 for node in self._nodes if node.op == "placeholder")
        position = 0
        for point in sorted(by_point):
            target = max(entry, point + 1 if point else entry)
            position = self._advance(emitter, position, target)
            anchor = self._nodes[position] if position < len(self._nodes) else None
            with self._graph.inserting_before(anchor):
                rows += [self._write(emitter, decision, point) for decision in by_point[point]]
        return rows

    def _advance(self, emitter: Emitter, position: int, target: int) -> int:
        """Pass the nodes before `target`, and the plain reads that follow them."""
        while position < len(self._nodes):
            node = self._nodes[position]
            if position >= target and self._dialect.read_of(node) is None:
                break
            emitter.arrive(node)
            position += 1
        return position

    def _write(self, emitter: Emitter, decision: Decision, point: int) -> Row:
        obligation = decision.obligation
        outcome: Outcome = "discharged" if decision.proof is not None else "inserted"
        if decision.present:
            outcome = "present"
        count = 0
        if outcome == "inserted":
            emitter.meta = _metadata(obligation)
            before = len(emitter.created)
            condition = emitter.emit(decision.condition)
            symbols = free_symbols(decision.condition)
            values = {symbol.name: emitter.emit(symbol) for symbol in symbols}
            info = AssertInfo(
                obligation.text,
                obligation.message,
                self._sources(symbols),
                obligation.location,
            )
            node = self._dialect.create_assert(self._graph, condition, info, values)
            node.meta.update(emitter.meta)
            count = len(emitter.created) - before + 1
            self.modified = True
        return Row(
            condition=obligation.text,
            stated_by=obligation.stated_by,
            outcome=outcome,
            place=self._nodes[point].name if point else "",
            proof=decision.proof,
            message=obligation.message,
            location=obligation.location,
            nodes=count,
        )

    def _sources(self, symbols: list[Expr]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for symbol in symbols:
            info = self._env.symbols.get(symbol.name)
            if info is not None and info.source not in (None, symbol.name):
                found[symbol.name] = str(info.source)
        return found


def _metadata(obligation: Obligation) -> dict[str, Any]:
    meta: dict[str, Any] = {"runtime_assert": obligation.text}
    if obligation.location is not None:
        meta["stack_trace"] = obligation.location
    return meta
