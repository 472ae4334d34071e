"""A small graph with the protocol of `torch.fx`, so that a pass runs on both.

A graph is a doubly linked list of nodes in the order in which they run; a node uses the
results of earlier ones. `graph_module.py` gives it nested modules and runs it,
`graph_lint.py` checks it, `graph_print.py` shows it, `graph_json.py` saves it,
`graph_equal.py` compares two.

Guarantees: building is linear in the number of nodes; inserting, moving and erasing a node
cost amortised O(log n) at most, and comparing the positions of two nodes (`a < b`) O(1);
no operation recurses along the graph. Does not: know what a function means. A node with an
effect says so by itself (see `Node.is_impure`).

The positions follow Bender, Cole, Demaine, Farach-Colton and Zito, "Two Simplified
Algorithms for Maintaining Order in a List" (2002): every node has an integer tag between
its neighbours' tags, and where no integer is left, the smallest sparse enough range of tags
around it is spread evenly again.
"""

from __future__ import annotations

import builtins
import itertools
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final

from asserts.errors import GraphError
from asserts.graph.node import (
    IMPURE,
    OPS,
    Argument,
    ImmutableDict,
    ImmutableList,
    Node,
    Target,
    map_aggregate,
    map_arg,
)
from shapes.base import shown_as_text

if TYPE_CHECKING:
    from asserts.graph.module import Module

__all__ = [
    "OPS",
    "Argument",
    "Graph",
    "ImmutableDict",
    "ImmutableList",
    "InsertPoint",
    "Node",
    "NodeList",
    "Target",
    "map_aggregate",
    "map_arg",
]

_TAG_GAP: Final = 1 << 32
_NO_DEFAULT: Final = object()


class _Names:
    """The names that a graph has used, and the next free one like a wanted one."""

    _reserved: Final = frozenset([*keyword.kwlist, *dir(builtins), "self"])

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._last_suffix: dict[str, int] = {}

    def take(self, name: str) -> None:
        """Note that a name is used."""
        self._used.add(name)

    def create(self, wanted: str) -> str:
        """`wanted` as an identifier, with a number behind it if it is taken."""
        name = _as_identifier(wanted)
        if name not in self._used and name not in self._reserved:
            self._used.add(name)
            return name
        stem = re.sub(r"_\d+$", "", name) or name
        for suffix in itertools.count(self._last_suffix.get(stem, 0) + 1):
            name = f"{stem}_{suffix}"
            if name not in self._used:
                self._used.add(name)
                self._last_suffix[stem] = suffix
                return name
        raise AssertionError("unreachable: the numbers don't end")


def _as_identifier(text: str) -> str:
    if text.isidentifier():
        return text
    name = re.sub(r"[^0-9a-zA-Z_]+", "_", text)
    return name if name.isidentifier() else f"_{name}"


def _wanted_name(op: str, target: Target) -> str:
    """What a node is called by default: after its target."""
    if op == "output":
        return "output"
    if isinstance(target, str):
        return target.replace(".", "_")
    name = getattr(target, "__name__", None) or type(target).__name__
    if name.startswith("__") and name.endswith("__") and len(name) > 4:
        return str(name[2:-2])
    return str(name)


class InsertPoint:
    """Where a graph puts new nodes; set when made, put back at the end of `with`."""

    def __init__(self, graph: Graph, anchor: Node, before: bool) -> None:
        self._graph = graph
        self._previous = graph._insert_at
        graph._insert_at = (anchor, before)

    def __enter__(self) -> InsertPoint:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._graph._insert_at = self._previous


class NodeList:
    """The nodes of a graph in order; stays usable while nodes come and go.

    Walking over it tolerates that the current node is erased or moved, and sees nodes that
    are inserted ahead of it.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __len__(self) -> int:
        return self._graph._len

    def __contains__(self, node: object) -> bool:
        if not isinstance(node, Node) or node is self._graph._root:
            return False
        return node.graph is self._graph and not node._erased

    def __iter__(self) -> Iterator[Node]:
        root = self._graph._root
        node = root._next
        while node is not root:
            # An erased node keeps its links, so the walk finds back into the list.
            if not node._erased:
                yield node
            node = node._next

    def __reversed__(self) -> Iterator[Node]:
        root = self._graph._root
        node = root._prev
        while node is not root:
            if not node._erased:
                yield node
            node = node._prev

    def __repr__(self) -> str:
        return f"[{', '.join(node.name for node in self)}]"


class Graph:
    """A program as a list of nodes; see the head of this module.

    `owning_module` is the GraphModule whose attributes `get_attr` and `call_module` name,
    if it has one.
    """

    def __init__(self) -> None:
        self.owning_module: Module | None = None
        self._names = _Names()
        self._len = 0
        self._version = 0
        self._insert_at: tuple[Node, bool] | None = None
        self._root: Node = Node(self, "root", "root", "")

    @property
    def nodes(self) -> NodeList:
        """The nodes in order: `for node in graph.nodes`, `reversed(graph.nodes)`, `len`."""
        return NodeList(self)

    def __deepcopy__(self, memo: dict[int, object]) -> Graph:
        copied = self.copy()
        memo[id(self)] = copied
        return copied

    def copy(self) -> Graph:
        """An independent graph with the same names, without an owner."""
        made = Graph()
        new_of: dict[Node, Node] = {}
        for node in self.nodes:
            new_of[node] = made.node_copy(node, new_of.__getitem__)
            new_of[node].name = node.name
        return made

    def __str__(self) -> str:
        from asserts.graph.printing import format_graph

        return format_graph(self)

    # -- positions ------------------------------------------------------------------------

    _repr_pretty_ = shown_as_text

    def inserting_before(self, node: Node | None = None) -> InsertPoint:
        """New nodes go right before `node`, in the order of their creation.

        Without a node: at the beginning of the graph, each new one before the last.
        """
        if node is None:
            return self.inserting_after(self._root)
        self._require_own(node)
        return InsertPoint(self, node, before=True)

    def inserting_after(self, node: Node | None = None) -> InsertPoint:
        """New nodes go right behind `node`, so that the last one created comes first.

        That is fx's meaning; for several nodes in order use `inserting_before(node.next)`.
        Without a node: at the end of the graph.
        """
        if node is None:
            return self.inserting_before(self._root)
        self._require_own(node)
        return InsertPoint(self, node, before=False)

    def _require_own(self, node: Node) -> None:
        if node.graph is not self:
            raise GraphError(f"node '{node.name}' belongs to another graph")
        if node._erased:
            raise GraphError(f"node '{node.name}' was erased from this graph")

    def _changed(self) -> None:
        """Called by every change of nodes, links or arguments; drops execution plans."""
        self._version += 1

    def _insert(self, node: Node) -> None:
        """Link a new node in at the current insertion point."""
        anchor, before = self._insert_at or (self._root, True)
        if anchor._erased:
            raise GraphError(
                f"cannot insert '{node.name}': the insertion point is at node "
                f"'{anchor.name}', which was erased"
            )
        if before:
            self._link(node, anchor._prev, anchor)
        else:
            self._link(node, anchor, anchor._next)

    def _link(self, node: Node, left: Node, right: Node) -> None:
        node._tag = self._tag_between(left, right)
        node._prev, node._next = left, right
        left._next = right._prev = node
        self._len += 1
        self._changed()

    def _unlink(self, node: Node) -> None:
        # The node keeps its own links, for walks that stand on it.
        node._prev._next, node._next._prev = node._next, node._prev
        self._len -= 1
        self._changed()

    def _move(self, node: Node, left: Node, right: Node) -> None:
        """Put a linked node between two neighbours (itself among them: no change)."""
        self._require_own(node)
        self._require_own(left)
        self._require_own(right)
        if node is self._root:
            raise GraphError("the root marker of a graph cannot be moved")
        if node is left or node is right:
            return
        self._unlink(node)
        self._link(node, left, right)

    def _tag_between(self, left: Node, right: Node) -> int:
        if right is self._root:
            return 0 if left is self._root else left._tag + _TAG_GAP
        if left is self._root:
            return right._tag - _TAG_GAP
        if right._tag - left._tag < 2:
            self._spread_tags(left)
        return (left._tag + right._tag) // 2

    def _spread_tags(self, node: Node) -> None:
        """Space the tags around a node so that its right neighbour is 2 away or more.

        Takes the smallest aligned range of 2**w tags, w >= 2, that holds at most (4/3)**w
        nodes; they get a distance of at least (3/2)**w >= 2 each, also to the next range.
        """
        first = last = node
        count = 1
        for width in itertools.count(2):
            low = node._tag >> width << width
            high = low + (1 << width)
            while first._prev is not self._root and first._prev._tag >= low:
                first, count = first._prev, count + 1
            while last._next is not self._root and last._next._tag < high:
                last, count = last._next, count + 1
            if count * 3**width <= 4**width:
                break
        current = first
        for position in range(count):
            current._tag = low + position * ((1 << width) // count)
            current = current._next

    # -- making nodes ---------------------------------------------------------------------

    def create_node(
        self,
        op: str,
        target: Target,
        args: Iterable[Argument] | None = None,
        kwargs: Mapping[str, Argument] | None = None,
        name: str | None = None,
    ) -> Node:
        """A new node at the insertion point; `name` is a wish, made unique.

        Raises GraphError for an unknown op, or for an argument from another graph.
        """
        if op not in OPS:
            raise GraphError(f"unknown op {op!r}; it is one of {', '.join(sorted(OPS))}")
        unique = self._names.create(name or _wanted_name(op, target))
        node = Node(self, unique, op, target, () if args is None else args, kwargs)
        try:
            self._insert(node)
        except GraphError:
            node.args, node.kwargs = (), {}
            raise
        return node

    def placeholder(self, name: str, default_value: Argument = _NO_DEFAULT) -> Node:
        """A parameter; a default makes it optional. Placeholders come first in a graph."""
        args = () if default_value is _NO_DEFAULT else (default_value,)
        return self.create_node("placeholder", name, args, name=name)

    def get_attr(self, qualified_name: str) -> Node:
        """Read an attribute (a constant or a nested module) of the owning module."""
        return self.create_node("get_attr", qualified_name)

    def call_function(
        self,
        the_function: Callable[..., object],
        args: Iterable[Argument] | None = None,
        kwargs: Mapping[str, Argument] | None = None,
        name: str | None = None,
    ) -> Node:
        """Call a Python function."""
        return self.create_node("call_function", the_function, args, kwargs, name)

    def call_method(
        self,
        method_name: str,
        args: Iterable[Argument] | None = None,
        kwargs: Mapping[str, Argument] | None = None,
    ) -> Node:
        """Call a method of the first argument's value."""
        return self.create_node("call_method", method_name, args, kwargs)

    def call_module(
        self,
        module_name: str,
        args: Iterable[Argument] | None = None,
        kwargs: Mapping[str, Argument] | None = None,
    ) -> Node:
        """Call a nested module of the owning module."""
        return self.create_node("call_module", module_name, args, kwargs)

    def output(self, result: Argument) -> Node:
        """What the graph returns; the last node of a graph, and only once."""
        return self.create_node("output", "output", (result,))

    def node_copy(
        self, node: Node, arg_transform: Callable[[Node], Argument] = lambda node: node
    ) -> Node:
        """A copy of a node (of any graph) with its input nodes mapped; meta is copied."""
        args = map_arg(node.args, arg_transform)
        kwargs = map_arg(node.kwargs, arg_transform)
        made = self.create_node(node.op, node.target, args, kwargs, node.name)
        made.meta = dict(node.meta)
        return made

    def graph_copy(self, graph: Graph, val_map: dict[Node, Node]) -> Argument:
        """Copy another graph's nodes in here; returns what its output stands for.

        Nodes in `val_map` are not copied but taken from it, so filling in the placeholders
        inlines the graph. The rest of the map is filled in. None without an output.
        """
        for node in graph.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                return map_arg(node.args[0], val_map.__getitem__)
            val_map[node] = self.node_copy(node, val_map.__getitem__)
        return None

    # -- questions ------------------------------------------------------------------------

    def find_nodes(self, *, op: str, target: Target | None = None) -> list[Node]:
        """The nodes with that op, and that target if given, in order."""
        return [
            node
            for node in self.nodes
            if node.op == op and (target is None or node.target == target)
        ]

    def output_node(self) -> Node:
        """The output. Raises GraphError if there is none."""
        for node in reversed(self.nodes):
            if node.op == "output":
                return node
        raise GraphError("the graph has no output")

    def order(self) -> dict[Node, int]:
        """The position of every node, counted from 0; two nodes compare with `<` too."""
        return {node: position for position, node in enumerate(self.nodes)}

    def lint(self) -> None:
        """Raises GraphError, naming the node, for the first broken invariant."""
        from asserts.graph.verifier import lint

        lint(self)

    def _purity(self) -> _Purity:
        return _Purity()

    # -- taking nodes away ----------------------------------------------------------------

    def erase_node(self, to_erase: Node) -> None:
        """Take a node out. Raises GraphError, naming the users, if it still has any."""
        self._require_own(to_erase)
        if to_erase is self._root:
            raise GraphError("the root marker of a graph cannot be erased")
        if to_erase.users:
            users = ", ".join(f"'{user.name}'" for user in to_erase.users)
            raise GraphError(
                f"node '{to_erase.name}' cannot be erased: it is still used by {users}"
            )
        to_erase._set_arguments((), {})
        self._unlink(to_erase)
        to_erase._erased = True

    def eliminate_dead_code(
        self, is_impure_node: Callable[[Node], bool] | None = None
    ) -> bool:
        """Erase what is unused, users before what they use; whether anything went.

        Placeholders, outputs, impure nodes (see `Node.is_impure`) and those that can raise
        (see `raising`) stay; `is_impure_node` replaces the question which nodes stay.
        """
        is_impure = is_impure_node or _stays()
        changed = False
        for node in reversed(self.nodes):
            if node.users or node.op in ("placeholder", "output") or is_impure(node):
                continue
            self.erase_node(node)
            changed = True
        return changed


def _stays() -> Callable[[Node], bool]:
    """Whether dropping an unused node could be noticed."""
    from asserts.graph.raising import Raising

    purity, raising = _Purity(), Raising()
    return lambda node: purity.is_impure(node) or raising.can_raise(node)


class _Purity:
    """Which nodes have an effect; each nested graph is looked into once."""

    def __init__(self) -> None:
        self._known: dict[Graph, bool] = {}

    def is_impure(self, node: Node) -> bool:
        """What `Node.is_impure` says; an unknown callee counts as impure."""
        if node.op in ("placeholder", "output") or _has_own_effect(node):
            return True
        return any(self._graph_is_impure(callee) for callee in _callees(node))

    def _graph_is_impure(self, graph: Graph | None) -> bool:
        if graph is None:
            return True
        if graph not in self._known:
            self._known[graph] = self._search(graph)
        return self._known[graph]

    def _search(self, start: Graph) -> bool:
        """Whether an effect can be reached from a graph, through every nested one."""
        seen, pending = {start}, [start]
        while pending:
            for node in pending.pop().nodes:
                if _has_own_effect(node):
                    return True
                for callee in _callees(node):
                    if callee is None or self._known.get(callee, False):
                        return True
                    if callee not in seen and callee not in self._known:
                        seen.add(callee)
                        pending.append(callee)
        return False


def _has_own_effect(node: Node) -> bool:
    if node.meta.get("impure") or node.kwargs.get("out") is not None:
        return True
    return node.op == "call_function" and bool(
        getattr(node.target, IMPURE, False)
    )


def _callees(node: Node) -> list[Graph | None]:
    """The graphs that a node may run; None for something that cannot be looked into.

    A function runs the modules that it gets as arguments (branches, loop bodies).
    """
    if node.op == "call_module":
        found = _attribute(node)
        nested = getattr(found, "graph", None)
        if isinstance(nested, Graph):
            return [nested]
        return [] if getattr(found, IMPURE, None) is False else [None]
    if node.op not in ("call_function", "call_method"):
        return []
    callees: list[Graph | None] = []
    for source in node._inputs:
        if source.op != "get_attr":
            continue
        found = _attribute(source)
        nested = getattr(found, "graph", None)
        if isinstance(nested, Graph):
            callees.append(nested)
        elif found is _MISSING:
            callees.append(None)
    return callees


_MISSING: Final = object()


def _attribute(node: Node) -> object:
    """What a node's target names in the owning module, or _MISSING."""
    module = node.graph.owning_module
    if module is None or not isinstance(node.target, str):
        return _MISSING
    return module.find_attr(node.target, _MISSING)
