"""Let elementwise functions write into memory that nothing needs any more.

Before, and after::

    a = np.exp(x)                    a = np.exp(x)
    b = np.sin(a)                    b = np.sin(a, out=a)
    return b + 1                     return np.add(b, 1, out=b)

A temporary is dead behind the last use of it and of all its views. From there on its memory
is free for the result of an elementwise function with the same shape, expression by
expression, and dtype; also for the function that uses it last: numpy computes as if operands
and result were separate memory, and in torch's graphs the operand has to lie in memory just
as the result will.

This introduces mutation, so it comes last in a pipeline: every other pass may then rely on
a graph without any. Inputs, constants and what is returned beside the result are never
written to. It also takes the stated shapes at their word, so it comes behind the insertion of
the asserts which enforce them. Limits: strides of a result may differ from before (they are
those of the reused memory), and with them the order in which a later sum is rounded. What is
made of a torch program is for inference: torch records no gradient for what is written into
a given tensor, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from asserts.conditions.report import Report, Row
from asserts.dialects.base import Dialect
from asserts.dialects.interfaces import having
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.memory.aliasing import Memory, Root

__all__ = ["ReuseBuffers"]


@dataclass(frozen=True)
class ReuseBuffers(Pass):
    """Write results into dead temporaries of the same shape and dtype."""

    name: ClassVar[str] = "reuse buffers"
    functional: ClassVar[bool] = False
    needs = ("memory",)

    def run(self, graph_module: GraphModule) -> PassResult:
        rows: list[Row] = []
        for module in self.dialect.modules(graph_module):
            rows += _Reuse(self.dialect, module).run()
        return PassResult(graph_module, bool(rows), Report(self.name, tuple(rows)))


class _Reuse:
    """The work on one graph."""

    def __init__(self, dialect: Dialect, module: GraphModule) -> None:
        self._answers = having(dialect.memory)
        self._nodes = list(module.graph.nodes)
        self._memory = memory = Memory(module, dialect)
        position = {node: i for i, node in enumerate(self._nodes)}
        self._last_use: dict[Root, int] = {}
        self._escaping = {root for _, _, places in memory.outputs for root in places}
        for node in self._nodes:
            last = max([position[user] for user in node.users], default=position[node])
            for root in memory.places(node):
                self._last_use[root] = max(self._last_use.get(root, 0), last)
        # Memory that is written to already is left alone.
        self._taken = set(memory.writes)
        # Memory of temporaries, by the nodes that hold it now; and that which dies at a node.
        self._free: dict[tuple[Any, ...], list[Node]] = {}
        self._dying: dict[int, list[tuple[tuple[Any, ...], Node]]] = {}

    def run(self) -> list[Row]:
        rows = []
        for index, node in enumerate(self._nodes):
            for form, buffer in self._dying.pop(index, []):
                self._free.setdefault(form, []).append(buffer)
            key = self._answers.buffer_of(node)
            if key is None:
                continue
            root = Root("new", node.name, node)
            if root in self._taken:
                continue
            reused = None
            if self._answers.can_write_into(node):
                reused = self._chosen(node, self._free.get(key, []))
            if reused is not None:
                self._answers.write_into(node, reused)
                text = f"{node.name} into {reused.name}"
                rows.append(Row(text, "reuse", "inserted", place=node.name))
            self._live(key, node, root)
        return rows

    def _chosen(self, node: Node, free: list[Node]) -> Node | None:
        """An operand rather than another buffer: it is in the cache."""
        operands = set(node.all_input_nodes)
        order = sorted(range(len(free)), key=lambda i: (free[i] not in operands, -i))
        for i in order:
            if self._may_write(node, free[i]):
                return free.pop(i)
        return None

    def _may_write(self, node: Node, buffer: Node) -> bool:
        """Whether the operands that lie in the buffer may be read while it is written to."""
        roots = self._memory.places(buffer)
        for operand in node.all_input_nodes:
            places = self._memory.places(operand)
            shares = any(root.meets(other) for root in roots for other in places)
            if shares and not self._answers.may_overwrite(operand, buffer):
                return False
        return True

    def _live(self, key: tuple[object, ...], node: Node, root: Root) -> None:
        """The node's memory is free from its last use on, unless it is returned."""
        if root in self._escaping:
            return
        last = self._last_use.get(root, 0)
        if self._nodes[last] is node:
            return  # nothing uses it
        self._dying.setdefault(last, []).append((key, node))
