"""Remove runtime asserts, in nested graphs too, and what they alone needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from asserts.conditions.report import Report, Row
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.discharge import Policy
from asserts.passes.minimise import MinimiseRuntimeAsserts
from shapes.prove import Effort

__all__ = ["RemoveRuntimeAsserts"]


@dataclass(frozen=True)
class RemoveRuntimeAsserts(Pass):
    """Erase every assert whose result nobody uses, or those ``only="proved"`` (what stays
    implies them, see `discharge` for `policy`; the report has the proofs).

    `sweep` erases the code that is dead then (comparisons, sizes), which leaves no trace of
    an insertion.
    """

    name: ClassVar[str] = "remove runtime asserts"
    sweep: bool = True
    only: Literal["all", "proved"] = "all"
    policy: Policy = "preserve-user"
    effort: str | Effort = "default"

    def run(self, graph_module: GraphModule) -> PassResult:
        if self.only == "proved":
            return self._run_proved(graph_module)
        rows: list[Row] = []
        modified = False
        for module in self.dialect.modules(graph_module):
            for node in list(module.graph.nodes):
                if not self.dialect.is_assert(node):
                    continue
                info = self.dialect.info_of(node)
                used = bool(node.users)
                if not used:
                    module.graph.erase_node(node)
                    modified = True
                rows.append(
                    Row(
                        condition=info.condition,
                        stated_by="assert in the graph",
                        outcome="kept" if used else "removed",
                        message=info.message,
                        location=info.location,
                        note="its result is used" if used else "",
                    )
                )
        if self.sweep:
            # Inner graphs first: a call of one without effects can be dead itself.
            for module in reversed(list(self.dialect.modules(graph_module))):
                modified = self.dialect.sweep(module.graph) or modified
        if modified:
            graph_module.recompile()
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def _run_proved(self, graph_module: GraphModule) -> PassResult:
        minimise = MinimiseRuntimeAsserts(
            dialect=self.dialect, policy=self.policy, effort=self.effort
        )
        result = minimise.run(graph_module)
        report = Report(self.name, result.report.rows)
        return PassResult(graph_module, result.modified, report)
