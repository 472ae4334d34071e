"""Drop the asserts of a graph that others imply, for graphs that come with their asserts.

Every assert is lifted to a condition over symbols. In program order, one goes if what the
graph ensures before it, and the asserts that stay, imply it (see `discharge`); between two
asserts with nothing but reads in between, either may stand for the other. Those that stay
stand where they stood. An assert whose condition cannot be lifted stays too, and the report
says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from asserts.conditions.lift import LiftedAssert, lift
from asserts.conditions.points import Points, is_scalar
from asserts.conditions.report import Report, Row
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.discharge import Decision, Obligation, Policy, discharge
from shapes.env import ShapeEnv
from shapes.expr import TRUE, conjunction, conjuncts
from shapes.prove import Effort
from shapes.traversal import defined

__all__ = ["MinimiseRuntimeAsserts"]


@dataclass(frozen=True)
class MinimiseRuntimeAsserts(Pass):
    """Erase every assert that is implied without it; see `discharge` for `policy`."""

    name: ClassVar[str] = "minimise runtime asserts"
    policy: Policy = "preserve-user"
    effort: str | Effort = "default"
    sweep: bool = True
    """Whether what only computed a condition goes with its assert."""

    def run(self, graph_module: GraphModule) -> PassResult:
        rows: list[Row] = []
        modified = False
        for module in self.dialect.modules(graph_module):
            env = self.dialect.environment(module)
            found = self._minimise(module, env if isinstance(env, ShapeEnv) else ShapeEnv())
            modified = modified or any(row.outcome == "discharged" for row in found)
            rows += found
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def _minimise(self, module: GraphModule, env: ShapeEnv) -> list[Row]:
        points = Points(list(module.graph.nodes), self.dialect, as_it_stands=True)
        lifted = lift(module.graph, self.dialect)
        placed: list[tuple[int, Obligation]] = []
        owner: dict[Obligation, LiftedAssert] = {}
        for one in lifted:
            for obligation in self._obligations(one):
                placed.append((points.of_asserts[one.node], obligation))
                owner[obligation] = one
        decisions = discharge(
            env,
            placed,
            points.of_claim,
            None,
            self.policy,
            self.effort,
            stretch_of=points.stretch_of,
        )
        by_node: dict[Node, list[Decision]] = {}
        for decision in decisions:
            by_node.setdefault(owner[decision.obligation].node, []).append(decision)
        rows = [self._settle(one, by_node.get(one.node, [])) for one in lifted]
        if self.sweep and any(row.outcome == "discharged" for row in rows):
            self.dialect.sweep(module.graph)
        return rows

    def _obligations(self, one: LiftedAssert) -> list[Obligation]:
        """The parts of an assert, and that it has a value: it would have stopped otherwise."""
        always = one.claim is TRUE and bool(one.reason)  # as the dialect says
        if one.claim is None or always or self.dialect.is_used(one.node):
            return []
        info = self.dialect.info_of(one.node)
        kind, who = ("user", "the program") if info.by_user else ("operation", "the graph")
        said = set(conjuncts(one.claim))
        whole = conjunction(defined(one.claim), one.whole)
        return [
            Obligation(
                part,
                info.condition,
                kind,  # type: ignore[arg-type]
                who,
                info.message,
                implicit=part not in said,
            )
            for part in conjuncts(whole)
        ]

    def _erase(self, node: Node) -> None:
        """Erase an assert, and what only computes its condition. (That all of it has a value
        is proved, too, so no run can tell.)"""
        left = node.all_input_nodes if self.sweep else []
        self.dialect.erase_assert(node)
        while left:
            dead = left.pop()
            if not dead.users and self._is_scalar(dead):
                left += dead.all_input_nodes
                dead.graph.erase_node(dead)

    def _is_scalar(self, node: Node) -> bool:
        computes = node.op != "placeholder" and is_scalar(node, self.dialect)
        return computes and not self.dialect.bindings(node)

    def _settle(self, one: LiftedAssert, decisions: list[Decision]) -> Row:
        info = self.dialect.info_of(one.node)
        used = self.dialect.is_used(one.node)
        proofs = [d.proof for d in decisions if d.proof is not None]
        gone = bool(decisions) and len(proofs) == len(decisions)
        trivial = one.claim is not None and not decisions and not used
        if gone or trivial:
            self._erase(one.node)
        note = "its result is used" if used else one.reason
        return Row(
            condition=info.condition,
            stated_by="the program" if info.by_user else "the graph",
            outcome="discharged" if gone or trivial else "kept",
            proof=proofs[0] if gone else None,
            message=info.message,
            location=info.location,
            note=note or ("always true" if trivial else ""),
        )
