"""Remove runtime asserts, in nested graphs too, and what they alone needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from asserts.graph_module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.report import Report, Row

__all__ = ["RemoveRuntimeAsserts"]


@dataclass(frozen=True)
class RemoveRuntimeAsserts(Pass):
    """Erase every assert whose result nobody uses; `sweep` erases the code that is dead
    then (comparisons, sizes), which leaves no trace of an insertion."""

    name: ClassVar[str] = "remove runtime asserts"
    sweep: bool = True

    def run(self, graph_module: GraphModule) -> PassResult:
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
