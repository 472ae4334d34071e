"""Remove runtime asserts, in nested graphs too, and what they alone needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from asserts.conditions.report import Report, Row
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.discharge import Policy
from asserts.passes.minimise import MinimiseRuntimeAsserts
from shapes.prove import Effort

__all__ = ["RemoveRuntimeAsserts"]


@dataclass(frozen=True)
class RemoveRuntimeAsserts(Pass):
    """Erase every assert whose result is not used, or those ``only="proved"`` (what stays
    implies them, see `discharge` for `policy`; the report has the proofs).

    `sweep` erases the code that is dead then (comparisons, sizes), which leaves no trace of
    an insertion.
    """

    name: ClassVar[str] = "remove runtime asserts"
    in_source_names: ClassVar[bool] = True
    sweep: bool = True
    only: Literal["all", "proved"] = "all"
    policy: Policy = "preserve-user"
    effort: str | Effort = "default"

    def run(self, graph_module: GraphModule) -> PassResult:
        if self.only == "proved":
            return self._run_proved(graph_module)
        rows: list[Row] = []
        for module in self.dialect.modules(graph_module):
            nodes = [node for node in module.graph.nodes if self.selects(node)]
            rows += [self._settled(node) for node in nodes]
        modified = any(row.outcome == "removed" for row in rows)
        if self.sweep:
            # Inner graphs first: a call of one without effects can be dead itself.
            for module in reversed(list(self.dialect.modules(graph_module))):
                modified = self.dialect.sweep(module.graph) or modified
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def selects(self, node: Node) -> bool:
        """Whether it is a node that is to be removed."""
        return self.dialect.is_assert(node)

    def _settled(self, node: Node) -> Row:
        info = self.dialect.info_of(node)
        used = self.dialect.is_used(node)
        if not used:
            self.dialect.erase_assert(node)
        return Row(
            condition=info.condition,
            stated_by="assert in the graph",
            outcome="kept" if used else "removed",
            message=info.message,
            location=info.location,
            note="its result is used" if used else "",
        )

    def _run_proved(self, graph_module: GraphModule) -> PassResult:
        minimise = MinimiseRuntimeAsserts(
            dialect=self.dialect, policy=self.policy, effort=self.effort, sweep=self.sweep
        )
        result = minimise.run(graph_module)
        return replace(result, report=replace(result.report, title=self.name))
