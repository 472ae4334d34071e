"""Keep what the nodes' metadata states true after a change, recomputing little.

A node's value (`meta["val"]`) follows from its function and from the values of its inputs.
After a change, the nodes that were changed are put into a queue in the order of the graph;
each is recomputed once, and only if its value is another than before, its users follow. So
the work is that of what changed and of what depends on it, and ends where values do not
change any more.

    before = snapshot(program)
    ...                                       # any change of nodes, arguments, targets
    RefreshMetadata(since=before)(program)    # without `since` every node is looked at

Guarantees: what is stated and still true stays as it is spelled (``b + 1`` where ``1 + b`` or
an equal size was found); a node whose stated value no longer holds is reported, with both
values; one whose operation certainly fails is reported, too (or refused, if `strict`).
Limits: a node that cannot be recomputed keeps what it states, and so do placeholders, which
are the specification of the program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any, ClassVar, Literal

from asserts.conditions.report import Outcome, Report, Row
from asserts.dialects.base import Dialect, require
from asserts.dialects.hosts import adapter_of
from asserts.dialects.interfaces import Inference, Values, having
from asserts.dialects.numpy import NUMPY
from asserts.errors import GraphError
from asserts.graph.graph import Node, map_arg
from asserts.graph.module import GraphModule, attribute_at
from asserts.passes.base import Pass, PassResult
from shapes.errors import ShapeproofError

__all__ = ["Change", "RefreshMetadata", "Snapshot", "refresh", "snapshot"]


# --------------------------------------------------------------------------- what changed


class _Name:
    """A node among arguments, by its name."""

    def __init__(self, node: Node) -> None:
        self._name = node.name

    def __repr__(self) -> str:
        return f"%{self._name}"


@dataclass(frozen=True)
class Snapshot:
    """What every node computed, by the position of its graph and by its name. Copies of a
    program have the same names, so a snapshot is good for them, too."""

    graphs: tuple[dict[str, tuple[Any, ...]], ...]

    def changed(self, position: int, module: GraphModule) -> list[Node]:
        """The nodes of a graph that are new or compute something else."""
        known = self.graphs[position] if position < len(self.graphs) else {}
        return [
            node
            for node in module.graph.nodes
            if not _same_computation(known.get(node.name), _computation(module, node))
        ]


def snapshot(program: Any, dialect: Dialect = NUMPY) -> Snapshot:
    """What every node of the program computes now."""
    adapter = None if dialect.accepts(program) else adapter_of(program, copy=False)
    graph_module = program if adapter is None else adapter.graph_module
    dialect = dialect if adapter is None else adapter.dialect
    return Snapshot(
        tuple(
            {node.name: _computation(module, node) for node in module.graph.nodes}
            for module in dialect.modules(graph_module)
        )
    )


def _computation(module: GraphModule, node: Node) -> tuple[Any, ...]:
    text = repr(map_arg((node.args, dict(node.kwargs)), _Name))
    return node.op, node.target, text, _constant(module, node)


def _constant(module: GraphModule, node: Node) -> Any:
    """The constant that a node reads; nested graphs are looked at by themselves."""
    if node.op != "get_attr":
        return None
    found = attribute_at(module, node.target)
    return None if hasattr(found, "graph") else found


def _same_computation(a: tuple[object, ...] | None, b: tuple[object, ...]) -> bool:
    return a is not None and a[:3] == b[:3] and a[3] is b[3]


# --------------------------------------------------------------------------- the worklist


@dataclass(frozen=True)
class Change:
    """What became of one node: its value was `stated` for the first time, `changed`, could
    not be `computed` (it keeps the old one), or its operation `fails`."""

    node: Node
    kind: Literal["stated", "changed", "not computed", "fails"]
    before: Any = None
    after: Any = None
    why: str = ""


@dataclass
class Refreshed:
    """The nodes that were recomputed, in order, and what became of them."""

    visited: list[Node] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def refresh(
    module: GraphModule, changed: Iterable[Node], dialect: Dialect = NUMPY
) -> Refreshed:
    """Recompute the values of these nodes of one graph, and of what depends on them as far as
    values change; no node is visited twice."""
    done = Refreshed()
    queued = set(changed)
    if not queued:
        return done
    require(dialect, ("values",), "`refresh`")
    values = having(dialect.values)
    inference = values.inference(module)
    order = {node: position for position, node in enumerate(module.graph.nodes)}
    by_position = list(module.graph.nodes)
    queue = [order[node] for node in queued]
    heapify(queue)
    while queue:
        node = by_position[heappop(queue)]
        done.visited.append(node)
        change = _recomputed(node, inference, values)
        if change is None:
            continue
        done.changes.append(change)
        if change.kind not in ("stated", "changed"):
            continue
        # Users come later in the graph, so none of them was visited before.
        for user in node.users:
            if user not in queued:
                queued.add(user)
                heappush(queue, order[user])
    return done


def _recomputed(node: Node, inference: Inference, values: Values) -> Change | None:
    stated = values.stated_value(node)
    try:
        found = inference.infer(node)
    except ShapeproofError as error:
        return Change(node, "fails", stated, None, str(error))
    if found is NotImplemented:
        specified = node.op in ("placeholder", "get_attr")
        specified = specified or (node.op == "output" and stated is None)
        return None if specified else Change(node, "not computed", stated, None, inference.why)
    if stated is None and found is not None:
        values.state_value(node, found)
        return Change(node, "stated", None, found)
    if inference.same(stated, found):
        return None
    values.state_value(node, found)
    return Change(node, "changed", stated, found)


# --------------------------------------------------------------------------- the pass

_OUTCOMES: dict[str, Outcome] = {
    "stated": "inserted",
    "changed": "changed",
    "not computed": "kept",
    "fails": "kept",
}


@dataclass(frozen=True)
class RefreshMetadata(Pass):
    """Recompute the values of what changed since a snapshot (None: of every node) and of what
    depends on it. If `strict`, a value that no longer holds, or an operation that certainly
    fails, raises `GraphError` with the node's name."""

    name: ClassVar[str] = "refresh metadata"
    needs = ("values",)
    since: Snapshot | None = None
    strict: bool = False

    def run(self, graph_module: GraphModule) -> PassResult:
        rows: list[Row] = []
        modified = False
        modules = list(self.dialect.modules(graph_module))
        outputs_changed: list[GraphModule] = []
        # Inner graphs first: what they return decides what their calls stand for.
        for position, module in reversed(list(enumerate(modules))):
            changed = self._changed(position, module)
            changed |= _calls(module, outputs_changed)
            done = refresh(module, changed, self.dialect)
            for change in done.changes:
                self._refuse(change)
                modified = modified or change.kind in ("stated", "changed")
                if change.node.op == "output" and change.kind in ("stated", "changed"):
                    outputs_changed.append(module)
                rows.append(self._row(change))
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def _changed(self, position: int, module: GraphModule) -> set[Node]:
        if self.since is None:
            return set(module.graph.nodes)
        return set(self.since.changed(position, module))

    def _refuse(self, change: Change) -> None:
        if self.strict and change.kind in ("changed", "fails"):
            raise GraphError(f"node '{change.node.name}': {self._text(change)}")

    def _text(self, change: Change) -> str:
        show = having(self.dialect.values).describe_value
        if change.kind == "changed":
            return f"stated {show(change.before)}, but is {show(change.after)}"
        if change.kind == "stated":
            return f"is {show(change.after)}"
        if change.kind == "fails":
            return f"stated {show(change.before)}, but fails: {change.why}"
        text = f"stated {show(change.before)}, which cannot be recomputed"
        return f"{text}: {change.why}" if change.why else text

    def _row(self, change: Change) -> Row:
        text = f"{change.node.name}: {self._text(change)}"
        outcome = _OUTCOMES[change.kind]
        return Row(text, "metadata", outcome, change.node.name, note=change.kind)


def _calls(module: GraphModule, callees: list[GraphModule]) -> set[Node]:
    """The nodes of a graph that call one of these."""
    return {
        node
        for node in (module.graph.nodes if callees else ())
        if node.op == "call_module"
        and any(attribute_at(module, node.target) is callee for callee in callees)
    }
