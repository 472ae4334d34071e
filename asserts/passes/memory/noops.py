"""Remove what does nothing, without a caller being able to tell.

``np.transpose(np.transpose(x))``, ``x[:]`` and a reshape to the own shape are their source
itself. ``x * 1`` or ``np.copy(x)`` equals its source, but is a copy: it may go only if nothing
could see that both are now the same memory. So a copy stays if it is returned while its
source is an input, a constant, a view, or returned too, and if either is written to.

Guarantees: values are the same to the bit (``x + 0`` is not a no-op for floats: it changes
-0.0), shapes and dtypes too, and so is what `alias_summary` says. Limits:
which functions do nothing is a table of the dialect; array scalars are left alone, for numpy
makes numbers and arrays of them by rules of its own; without a copy the strides are those of
its source, and with them the order in which a later sum is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from asserts.conditions.report import Outcome, Report, Row
from asserts.dialects.base import Dialect
from asserts.dialects.interfaces import NoOp, having
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.memory.aliasing import Memory, Root

__all__ = ["RemoveNoOps"]


@dataclass(frozen=True)
class RemoveNoOps(Pass):
    """Remove the nodes of the dialect's table of no-ops, in nested graphs too."""

    name: ClassVar[str] = "remove no-ops"
    needs = ("memory",)

    def run(self, graph_module: GraphModule) -> PassResult:
        rows: list[Row] = []
        for module in self.dialect.modules(graph_module):
            rows += _Removal(self.dialect, module).run()
        modified = any(row.outcome == "removed" for row in rows)
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))


class _Removal:
    """The work on one graph."""

    def __init__(self, dialect: Dialect, module: GraphModule) -> None:
        self._answers = having(dialect.memory)
        self._module = module
        self._memory = Memory(module, dialect)
        self._stands_for: dict[Root, Root] = {}
        self._leaves: dict[Root, set[int]] = {}
        for i, (_, _, places) in enumerate(self._memory.outputs):
            for root in places:
                self._leaves.setdefault(root, set()).add(i)
        self._returned = self._nodes_that_are_returned()

    def _nodes_that_are_returned(self) -> set[Node]:
        """The nodes whose memory is returned as theirs, or as that of a view of them."""
        found = {leaf for _, leaf, _ in self._memory.outputs}
        for node in reversed(list(self._module.graph.nodes)):
            if node in found and node.op in ("call_function", "call_method", "call_module"):
                found |= {alias.source for alias in self._answers.aliases_of(node)}
        return found

    def run(self) -> list[Row]:
        rows = []
        for node in list(self._module.graph.nodes):
            if not node.users:
                continue
            no_op = self._answers.no_op_of(node)
            if no_op is None:
                continue
            name = node.name
            reason = self._reason_to_keep(node, no_op)
            if reason is None:
                self._replace(node, no_op)
            outcome: Outcome = "removed" if reason is None else "kept"
            note = no_op.why if reason is None else f"{no_op.why}, but {reason}"
            rows.append(Row(f"{name} is {no_op.source.name}", "no-op", outcome, note=note))
        return rows

    # ------------------------------------------------------------------ may it go?

    def _reason_to_keep(self, node: Node, no_op: NoOp) -> str | None:
        if self._answers.names_outputs and {node, no_op.source} <= self._leaf_nodes():
            return "it is returned, and its source is returned too"
        if no_op.guards and node in self._returned:
            return "what is returned must not be written to"
        if not no_op.copies and not no_op.guards:
            return None
        if self._is_written(node) or self._is_written(no_op.source):
            return "the memory is written to"
        own = self._roots(node)
        leaves = set().union(*(self._leaves.get(root, set()) for root in own))
        if no_op.guards or not leaves:
            return None
        sources = self._roots(no_op.source)
        is_fresh = len(sources) == 1 and all(
            root.kind == "new" and root.owner is no_op.source for root in sources
        )
        if not is_fresh:
            return "it is returned, and its source is other memory"
        if any(self._leaves.get(root) for root in sources):
            return "it is returned, and its source is returned too"
        return None

    def _leaf_nodes(self) -> set[Node]:
        """The nodes that are returned now."""
        output = next(n for n in reversed(list(self._module.graph.nodes)) if n.op == "output")
        return set(output.all_input_nodes)

    def _roots(self, node: Node) -> set[Root]:
        return {self._root(root) for root in self._memory.places(node)}

    def _root(self, root: Root) -> Root:
        while root in self._stands_for:
            root = self._stands_for[root]
        return root

    def _is_written(self, node: Node) -> bool:
        roots = self._memory.places(node)
        return any(root.meets(written) for root in roots for written in self._memory.writes)

    # ------------------------------------------------------------------ it goes

    def _replace(self, node: Node, no_op: NoOp) -> None:
        source = no_op.source
        if no_op.copies:
            sources = self._roots(source)
            for root in self._roots(node):
                leaves = self._leaves.pop(root, set())
                for other in sources:
                    self._leaves.setdefault(other, set()).update(leaves)
                    self._stands_for[root] = other
        if node in self._returned:
            self._returned.add(source)
        node.replace_all_uses_with(source)
        self._erase(node)

    def _erase(self, node: Node) -> None:
        """Take the node out, and what it was made of if that is a no-op's other half."""
        worklist = [node]
        while worklist:
            dead = worklist.pop()
            if dead.users or (dead is not node and not self._answers.aliases_of(dead)):
                continue
            if dead.op != "call_function":
                continue
            sources = dead.all_input_nodes
            self._module.graph.erase_node(dead)
            worklist += [s for s in sources if s.op == "call_function" and not s.users]
