"""Drop the asserts of a graph that others imply, for graphs that come with their asserts.

Every assert is lifted to a condition over symbols. In program order, one goes if what the
graph ensures before it, and the asserts that stay, imply it (see `discharge`); between two
asserts with nothing but reads in between, either may stand for the other. Those that stay
stand where they stood. An assert whose condition cannot be lifted stays too, and the report
says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from asserts.conditions.known import PLAIN, asked
from asserts.conditions.lift import LiftedAssert, lift
from asserts.conditions.points import Points, can_stop, domain_at, is_scalar
from asserts.conditions.report import Report, Row
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.discharge import Decision, Obligation, Policy, discharge
from shapes.env import ShapeEnv
from shapes.expr import TRUE, BoolExpr, conjunction, conjuncts
from shapes.facts import Fact, Facts
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
            found = self._to_the_end(module, env if isinstance(env, ShapeEnv) else ShapeEnv())
            modified = modified or any(row.outcome == "discharged" for row in found)
            rows += found
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def _to_the_end(self, module: GraphModule, env: ShapeEnv) -> list[Row]:
        """The rows after as many rounds as it takes.

        An assert that guards a division stays as long as the division is there, though it may
        be there for another assert only; and what stands on both sides of a division is only
        decided together as long as what guards it is not to be decided.
        """
        rows: list[Row] | None = None
        guards: Mapping[Node, list[Node]] = {}
        while True:
            had_stopping = self._has_stopping(module)
            found = self._minimise(module, env, guards)
            before = len(found)
            after = _left(found)
            if rows is None:
                rows = found
            else:
                again = iter(found)
                rows = [row if row.outcome == "discharged" else next(again) for row in rows]
            if not had_stopping or (after == before and guards):
                return rows
            guards = self._guards(module) if after == before else {}
            if after == before and not guards:
                return rows

    def _has_stopping(self, module: GraphModule) -> bool:
        """Whether numbers are computed that may have no value."""
        return any(can_stop(node, self.dialect) for node in module.graph.nodes)

    def _minimise(
        self, module: GraphModule, env: ShapeEnv, guards: Mapping[Node, list[Node]]
    ) -> list[Row]:
        """One round, in which the asserts that guard a number stay (see `_guards`)."""
        lifted = lift(module.graph, self.dialect)
        points = Points(list(module.graph.nodes), self.dialect, guarded=guards.keys())
        guarding = {node for nodes in guards.values() for node in nodes}
        placed: list[tuple[int, Obligation]] = []
        owner: dict[Obligation, LiftedAssert] = {}
        for one in lifted:
            for obligation in self._obligations(one, one.node in guarding):
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

    def _guards(self, module: GraphModule) -> dict[Node, list[Node]]:
        """The numbers between asserts that might have no value, but for the asserts before
        them that say so or imply it, with these. (What else happens before the next assert
        separates the asserts anyway, so a number beside it needs no assert to stay.)"""
        lifted = lift(module.graph, self.dialect)
        claims = {one.node: one.claim for one in lifted if one.claim is not None}
        asserted = _Asserted()
        found: dict[Node, list[Node]] = {}
        pending: dict[Node, list[Node]] = {}
        for node in module.graph.nodes:
            if node in claims:
                found |= pending
                pending = {}
                asserted.enter(node, claims[node])
            elif can_stop(node, self.dialect):
                guards = asserted.implying(domain_at(node, self.dialect))
                if guards:
                    pending[node] = guards
            elif not self._is_passed(node):
                pending = {}
        return found

    def _is_passed(self, node: Node) -> bool:
        """Whether nothing happens at a node that could separate two asserts."""
        reads = node.op in ("placeholder", "get_attr")
        return reads or is_scalar(node, self.dialect) or self.dialect.is_assert(node)

    def _obligations(self, one: LiftedAssert, stays: bool = False) -> list[Obligation]:
        """The parts of an assert, and that it has a value: it would have stopped otherwise."""
        always = one.claim is TRUE and bool(one.reason)  # as the dialect says
        if one.claim is None or always or self.dialect.is_used(one.node):
            return []
        info = self.dialect.info_of(one.node)
        said = set(conjuncts(one.claim))
        whole = conjunction(defined(one.claim), one.whole)
        return [
            Obligation(
                part,
                info.condition,
                "user" if info.by_user else "operation",
                info.stated_by,
                info.message,
                implicit=part not in said,
                stays=stays,
            )
            for part in conjuncts(whole)
        ]

    def _erase(self, node: Node) -> None:
        """Erase an assert, and what only computes its condition. (That all of it has a value
        is proved, too, so no run can tell.)"""
        left = node.all_input_nodes if self.sweep else []
        self.dialect.erase_assert(node)
        gone: set[Node] = set()
        while left:
            dead = left.pop()
            if dead not in gone and not dead.users and self._is_scalar(dead):
                left += dead.all_input_nodes
                dead.graph.erase_node(dead)
                gone.add(dead)

    def _is_scalar(self, node: Node) -> bool:
        computes = node.op != "placeholder" and is_scalar(node, self.dialect)
        return computes and not self.dialect.bindings(node)

    def _settle(self, one: LiftedAssert, decisions: list[Decision]) -> Row:
        info = self.dialect.info_of(one.node)
        used = self.dialect.is_used(one.node)
        # The reason of what the assert says comes before that of its having a value.
        said = sorted(decisions, key=lambda decision: decision.obligation.implicit)
        proofs = [d.proof for d in said if d.proof is not None]
        gone = bool(decisions) and len(proofs) == len(decisions)
        trivial = one.claim is not None and not decisions and not used
        if gone or trivial:
            self._erase(one.node)
        note = "its result is used" if used else one.reason
        return Row(
            condition=info.condition,
            stated_by=info.stated_by,
            outcome="discharged" if gone or trivial else "kept",
            proof=proofs[0] if gone else None,
            message=info.message,
            location=info.location,
            note=note or ("always true" if trivial else ""),
        )


class _Asserted:
    """What the asserts up to a node say."""

    def __init__(self) -> None:
        self._said: dict[BoolExpr, Node] = {}
        self._by: dict[Fact, Node] = {}
        self._facts = Facts()

    def enter(self, node: Node, claim: BoolExpr) -> None:
        """Take in an assert."""
        for part in conjuncts(claim):
            self._said.setdefault(part, node)
        fact = Fact(claim, "check")
        self._by.setdefault(fact, node)
        further = self._facts.extended(fact)
        self._facts = further if isinstance(further, Facts) else self._facts

    def implying(self, claim: BoolExpr | None) -> list[Node]:
        """Asserts that say a condition, or imply it; none if there are none."""
        if claim is None:
            return []
        parts = conjuncts(claim)
        if all(part in self._said for part in parts):
            return [self._said[part] for part in parts]
        proof = asked(self._facts, claim, PLAIN)
        return [] if proof is None else [self._by[fact] for fact in proof.facts]


def _left(rows: list[Row]) -> int:
    """How many asserts are still there."""
    return sum(row.outcome != "discharged" for row in rows)
