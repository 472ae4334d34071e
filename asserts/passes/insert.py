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

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from asserts.conditions.lift import lift
from asserts.conditions.points import Points, guarded_numbers
from asserts.conditions.report import Outcome, Report, Row
from asserts.dialects.hosts import Adapter
from asserts.errors import GraphError
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.discharge import (
    Decision,
    Obligation,
    Policy,
    discharge,
    obligations_of,
)
from asserts.passes.writing import Writer
from shapes.env import ShapeEnv
from shapes.expr import BoolExpr, conjuncts
from shapes.prove import Effort
from shapes.traversal import free_symbols

__all__ = ["InsertRuntimeAsserts"]


@dataclass(frozen=True)
class InsertRuntimeAsserts(Pass):
    """Put every check that could not be proved into the graph.

    `policy` and `effort` decide what may be proved instead (see `discharge`). With `entry`
    turned off, checks on inputs alone are left to the graph that calls this one. A check on a
    value that no node of the graph defines is refused, or only reported; unless that is said,
    it is reported for programs whose environment also has checks of other graphs (torch's
    exported programs). Raises `GraphError` for what is refused, and for a program without an
    environment.
    """

    name: ClassVar[str] = "insert runtime asserts"
    in_source_names: ClassVar[bool] = True
    policy: Policy = "preserve-user"
    effort: str | Effort = "default"
    entry: bool = True
    unplaced: Literal["refuse", "report"] | None = None

    def prepared(self, adapter: Adapter) -> InsertRuntimeAsserts:
        has_others = adapter.state_checks()
        unplaced = self.unplaced or ("report" if has_others else "refuse")
        return replace(self, dialect=adapter.dialect, unplaced=unplaced)

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
            rows += self._unplaced(open_obligations)
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def _collect(
        self, graph_module: GraphModule, shared: dict[int, tuple[ShapeEnv, list[GraphModule]]]
    ) -> None:
        """The modules of every environment, outer ones first; a module without one of its own
        belongs to the environment of the program."""
        outer = self.dialect.environment(graph_module)
        if not isinstance(outer, ShapeEnv):
            raise GraphError("the program has no `shape_env`: trace it, or set one")
        for module in self.dialect.modules(graph_module):
            own = self.dialect.environment(module)
            env = own if isinstance(own, ShapeEnv) else outer
            shared.setdefault(id(env), (env, []))[1].append(module)

    def _unplaced(self, left: list[Obligation]) -> list[Row]:
        """A check on a value that the graph does not have must not be lost silently; an axiom
        about one is of no use to any proof here."""
        rows = []
        for obligation in left:
            if obligation.kind == "contract":
                continue
            names = ", ".join(s.name for s in free_symbols(obligation.claim))
            note = f"needs {names}, not all of which are defined by a node of the graph"
            if self.unplaced != "report":
                raise GraphError(f"the check `{obligation.text}` {note}")
            row = Row(obligation.text, obligation.stated_by, "unplaced", note=note)
            rows.append(replace(row, by_user=obligation.kind == "user"))
        return rows


class _Insertion:
    """The work on one graph."""

    def __init__(
        self, options: InsertRuntimeAsserts, module: GraphModule, env: ShapeEnv
    ) -> None:
        self._options = options
        self._dialect = options.dialect
        self._graph = module.graph
        self._env = env
        self._asserted = {
            one.node: one.claim
            for one in lift(self._graph, self._dialect)
            if one.claim is not None
        }
        nodes = list(module.graph.nodes)
        guarded = guarded_numbers(nodes, self._dialect, self._asserted)
        self._points = Points(nodes, self._dialect, guarded)
        self._placed: list[tuple[int, Obligation]] = []
        self.modified = False

    # ------------------------------------------------------------------ placing

    def take(self, obligations: list[Obligation]) -> list[Obligation]:
        """Place what can be placed in this graph; the rest is for another."""
        rest = []
        for obligation in obligations:
            point = self._points.of_claim(obligation.claim)
            if point is None or not (self._options.entry or self._reads_here(obligation)):
                rest.append(obligation)
            else:
                self._placed.append((point, obligation))
        return rest

    def _reads_here(self, obligation: Obligation) -> bool:
        """Whether a value that this graph itself defines is in the claim."""
        return any(self._points.binders[symbol] for symbol in free_symbols(obligation.claim))

    def _existing(self) -> dict[BoolExpr, int]:
        """The checks that the graph makes already, with the points where they stand."""
        found: dict[BoolExpr, int] = {}
        for node, claim in self._asserted.items():
            for part in conjuncts(claim):
                found.setdefault(part, self._points.of_asserts[node])
        return found

    # ------------------------------------------------------------------ writing

    def insert(self) -> list[Row]:
        """Write what has to be checked; the report's rows, in program order."""
        decisions = discharge(
            self._env,
            self._placed,
            self._points.of_claim,
            self._existing(),
            self._options.policy,
            self._options.effort,
            self._dialect.as_written,
            self._points.stretch_of,
        )
        by_point: dict[int, list[Decision]] = {}
        for decision in decisions:
            by_point.setdefault(decision.point, []).append(decision)
        self._writer = Writer(
            self._graph, self._dialect, self._points, self._env, self._env.names
        )
        return [
            self._write(decision, point)
            for point in sorted(by_point)
            for decision in by_point[point]
        ]

    def _write(self, decision: Decision, point: int) -> Row:
        obligation = decision.obligation
        outcome: Outcome = "discharged" if decision.proof is not None else "inserted"
        if decision.present:
            outcome = "present"
        count = 0
        if outcome == "inserted":
            text = decision.text
            count = self._writer.write(point, obligation, decision.condition, text)
            self.modified = True
        return Row(
            condition=decision.text,
            stated_by=obligation.stated_by,
            outcome=outcome,
            place=self._points.name(point),
            proof=decision.proof,
            message=obligation.message,
            location=obligation.location,
            nodes=count,
        )
