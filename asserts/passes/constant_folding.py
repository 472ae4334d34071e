"""Compute what depends on constants alone, once, and keep the results as attributes.

Before, and after::

    table = get_attr("table")            folded = get_attr("folded_argsort")
    order = np.argsort(table)            return np.take(x, folded)
    return np.take(x, order)

Every node whose inputs are all known is evaluated; of these, the ones that something unknown
uses are replaced: by an attribute, or by the number itself among the arguments of its users.
What they were made of goes, attributes that nothing names any more too.

Guarantees: nodes with an effect, nodes whose results differ from run to run, and nodes that
fail are left alone, and nothing larger than `max_bytes` is computed; a symbol that a folded
node defines is defined by what stands for it; what a caller can see of aliasing stays: an
attribute is never returned, but a copy of it (and if several results share the memory,
nothing is folded there). Limits: nested calls are not looked through, though nested graphs
are folded by themselves; folding away an operation drops its floating-point warnings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from asserts.conditions.report import Report, Row
from asserts.dialects.interfaces import Inference, having
from asserts.errors import GraphError
from asserts.graph.graph import Node, map_arg
from asserts.graph.module import KEPT_META, GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.memory.aliasing import Memory
from shapes.errors import ShapeproofError

__all__ = ["FoldConstants"]


@dataclass(frozen=True)
class FoldConstants(Pass):
    """Replace constant parts of the program by their values.

    `max_bytes` limits every single result; with `constructors`, calls without any input node
    (``np.zeros(3)``) are folded too; with `state`, parameters and buffers count as constants
    (what is folded then does not follow them when they are trained or loaded).
    """

    name: ClassVar[str] = "fold constants"
    needs = ("folding", "memory", "values")
    max_bytes: int = 1 << 20
    constructors: bool = False
    state: bool = False

    def __post_init__(self) -> None:
        if type(self.max_bytes) is not int or self.max_bytes < 0:
            raise GraphError(f"max_bytes is a number of bytes, not {self.max_bytes!r}")

    def run(self, graph_module: GraphModule) -> PassResult:
        rows: list[Row] = []
        modified = False
        for module in self.dialect.modules(graph_module):
            while True:
                work = _Folding(self, module)
                found = work.run()
                if not work.modified:
                    rows += found
                    break
                # What was in the way of folding may be gone now.
                rows += [row for row in found if row.outcome == "removed"]
                module.recompile()
                modified = True
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))


class _Folding:
    """The work on one graph."""

    def __init__(self, options: FoldConstants, module: GraphModule) -> None:
        self._options = options
        self._dialect = options.dialect
        self._folding = having(options.dialect.folding)
        self._memory_of = having(options.dialect.memory)
        self._stated = having(options.dialect.values)
        self._module = module
        self._graph = module.graph
        self._values: dict[Node, Any] = {}
        self._constants: set[Node] = set()
        self._memory = Memory(module, self._dialect)
        self._inference: Inference | None = None
        self._rows: list[Row] = []
        self.modified = False

    def run(self) -> list[Row]:
        for node in self._graph.nodes:
            self._learn(node)
        folded = self._chosen()
        if folded:
            self._replace_all(folded)
            self.modified = True
        return self._rows

    # ------------------------------------------------------------------ evaluating

    def _learn(self, node: Node) -> None:
        """Compute the node if all its inputs are known."""
        value = self._folding.constant_value(self._module, node, self._options.state)
        if value is not NotImplemented:
            # What is written to has another value before than behind.
            if not self._is_written(node) and self._folding.is_storable(value):
                self._values[node] = value
                self._constants.add(node)
            return
        inputs = node.all_input_nodes
        if not inputs and not self._options.constructors:
            return
        if not all(source in self._values for source in inputs):
            return
        if not self._folding.is_foldable(node):
            return
        size = self._size(node)
        if size is None or size > self._options.max_bytes:
            shown = "of unknown size" if size is None else f"{size} bytes"
            self._keep(node, f"its result is {shown}")
            return
        args, kwargs = map_arg((node.args, dict(node.kwargs)), self._values.__getitem__)
        try:
            self._values[node] = self._folding.evaluate(node, args, kwargs)
        except Exception as error:
            # It fails when the program runs as well, and that is where it should.
            self._keep(node, f"it raises {type(error).__name__}")

    def _is_written(self, node: Node) -> bool:
        memory = self._memory
        roots = memory.places(node)
        return any(root.meets(written) for root in roots for written in memory.writes)

    def _size(self, node: Node) -> int | None:
        value = self._stated.stated_value(node)
        if value is None:
            if self._inference is None:
                self._inference = self._stated.inference(self._module)
            try:
                value = self._inference.infer(node)
            except ShapeproofError:
                return None
        inputs = [self._values[source] for source in node.all_input_nodes]
        return self._folding.largest_size(node, value, inputs)

    def _keep(self, node: Node, why: str) -> None:
        self._rows.append(Row(node.name, "constant", "kept", place=node.name, note=why))

    # ------------------------------------------------------------------ choosing

    def _chosen(self) -> dict[Node, bool]:
        """The nodes to be folded; true for those whose value is returned and must be copied.

        From back to front, so that a node that has to stay makes its inputs wanted.
        """
        memory = self._memory
        folded: dict[Node, bool] = {}
        for node in reversed(list(self._graph.nodes)):
            if node not in self._values or node in self._constants:
                continue
            is_wanted = any(user not in folded for user in node.users)
            if not is_wanted and not self._dialect.bindings(node):
                # Nothing uses it, or only what is folded does.
                if node.users:
                    folded[node] = False
                continue
            why = self._reason_to_stay(memory, node)
            if why is not None:
                if why:
                    self._keep(node, why)
                continue
            can_change = self._memory_of.can_change(self._values[node])
            folded[node] = can_change and self._is_returned(memory, node)
        return folded

    def _reason_to_stay(self, memory: Memory, node: Node) -> str | None:
        """Why a wanted node cannot be replaced (empty: nothing would be won)."""
        value = self._values[node]
        if not self._folding.is_literal(value) and not self._folding.is_storable(value):
            return "its result is not a single array or number"
        if not self._memory_of.can_change(value):
            return None
        if self._is_written(node):
            return "its memory is written to"
        if not self._is_returned(memory, node):
            return None
        no_op = self._memory_of.no_op_of(node)
        if no_op is not None and no_op.copies and no_op.source in self._constants:
            return ""
        roots = set(memory.places(node))
        if any(root.kind != "new" for root in roots):
            return "it is returned, and a view of a constant"
        sharing = [
            path
            for path, _, places in memory.outputs
            if any(root.meets(other) for root in roots for other in places)
        ]
        return "several results share its memory" if len(sharing) > 1 else None

    def _is_returned(self, memory: Memory, node: Node) -> bool:
        roots = set(memory.places(node))
        return any(
            root.meets(other) for root in roots for _, _, places in memory.outputs
            for other in places
        )  # fmt: skip

    # ------------------------------------------------------------------ replacing

    def _replace_all(self, folded: dict[Node, bool]) -> None:
        constants = [n for n in self._graph.nodes if n in self._constants]
        for node, copied in reversed(list(folded.items())):
            wanted = [user for user in node.users if user not in folded]
            if wanted or self._dialect.bindings(node):
                self._replace(node, copied, wanted)
        count = 0
        for node in folded:  # users before what they use
            if not node.users:
                self._graph.erase_node(node)
                count += 1
        for node in constants:
            if not node.users:
                self._forget(node)

    def _replace(self, node: Node, copied: bool, wanted: list[Node]) -> None:
        value = self._values[node]
        name = node.name
        if self._folding.is_literal(value) and not self._dialect.bindings(node):
            for user in wanted:
                args, kwargs = map_arg(
                    (user.args, dict(user.kwargs)),
                    lambda leaf: value if leaf is node else leaf,
                )
                user.args, user.kwargs = args, kwargs
            shown = repr(value)
        else:
            path = self._folding.store(self._module, f"folded_{name}", value)
            shown = path
            constant = self._folding.create_constant(self._module, path, node)
            constant.meta = dict(node.meta)
            stands = constant
            if copied:
                with self._graph.inserting_before(node):
                    stands = self._folding.create_copy(self._graph, constant)
            if copied:
                stands.meta.update({k: v for k, v in node.meta.items() if k in KEPT_META})
            node.replace_all_uses_with(stands, lambda user: user in set(wanted))
        text = f"{name} is {shown}"
        self._rows.append(Row(text, "constant", "removed", place=name, nodes=1))

    def _forget(self, node: Node) -> None:
        """Take a constant away that only folded nodes used."""
        path = str(node.target)
        is_state = self._folding.constant_value(self._module, node, False) is NotImplemented
        if is_state:
            return  # the program keeps it, used or not
        self._graph.erase_node(node)
        same = (n for n in self._graph.nodes if n.op in ("get_attr", "call_module"))
        # What lies in another namespace may be named by that one's own graph.
        if "." not in path and not any(str(n.target).split(".")[0] == path for n in same):
            self._folding.unstore(self._module, path)
