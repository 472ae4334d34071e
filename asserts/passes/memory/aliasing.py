"""Which memory inputs, outputs and constants share; and a guard around any pass.

Every value is followed back to the memory that it lies in: an input's, a constant's, or new
memory that a node makes. A view lies in the memory of its source, in the part (the *region*)
that its slices select; whether the regions of two slices with symbolic bounds overlap is a
question for the engine. From that comes a summary of what a caller can observe: which
outputs share memory with which inputs, constants and other outputs (they always lie in the
same block, or only for some layouts), and which inputs and constants are written to.

A pass may keep or lose sharing, but not introduce it: a program that returned a copy must
not return its input. `Guarded` runs a pass between two summaries and names the pass and the
node otherwise. A late pass may be allowed to write to temporaries; then nothing may read what
they held before.

Guarantees: memory that may be shared is never called separate. Limits: two different inputs
are taken to be separate memory, as every tracer does; a region is followed through slices of
slices, and is the whole of the source behind a reshape or an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import gcd
from typing import Any, Literal

from asserts.conditions.lift import lift
from asserts.dialects.base import Dialect, require
from asserts.dialects.interfaces import Alias, having
from asserts.dialects.numpy import NUMPY
from asserts.errors import GraphError
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule, attribute_at
from asserts.passes.base import Invariant, Pass, PassResult, check_invariant
from shapes.env import ShapeEnv
from shapes.errors import ContradictionError
from shapes.expr import (
    BoolExpr,
    IntConstant,
    IntExpr,
    combine,
    constant,
    less_equal,
    modulo,
    multiply,
    not_equal,
)
from shapes.facts import Fact, Facts
from shapes.prove import entails

__all__ = [
    "AliasSummary",
    "Aliasing",
    "Guarded",
    "Invariant",
    "Memory",
    "Place",
    "Sharing",
    "alias_summary",
    "check_aliasing",
]  # fmt: skip

Axis = tuple[IntExpr, IntExpr, IntExpr] | None
"""Start, stop and step of what a slice selects of an axis; None for all of it."""

Level = Literal["sometimes", "always"]


# --------------------------------------------------------------------------- where values lie


@dataclass(frozen=True)
class Root:
    """One block of memory: an input's, a constant's (by its identity), or one that a node
    makes (`item`: of a sequence of results)."""

    kind: Literal["input", "constant", "new"]
    label: str
    owner: Any
    item: Any = None
    identity: Any = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Root) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return *self.block, self.item

    @property
    def block(self) -> tuple[str, int]:
        """The whole, if this is an item. (What is brought along is one block, whether it
        comes in as an input or as a constant.)"""
        if self.identity is not None:
            return "brought along", hash(self.identity)
        return self.kind, id(self.owner)

    def meets(self, other: Root) -> bool:
        """Whether the blocks are the same, or one is an item of the other."""
        if self.block != other.block:
            return False
        return self.item == other.item or self.item is None or other.item is None


@dataclass(frozen=True)
class Place:
    """Where in a block a value lies. `axes` bounds it for the leading axes of the block;
    `direct` says that axis i of the value is still axis i of the block. `version` counts the
    writes to the block before the value was made. `span` is an interval of bytes of the block
    in which the value lies, too."""

    certain: bool = True
    axes: tuple[Axis, ...] = ()
    direct: bool = True
    version: int = 0
    span: tuple[IntExpr, IntExpr] | None = None


Places = Mapping[Root, Place]


@dataclass(frozen=True)
class _Write:
    """A node that writes to a block, and where."""

    node: Node
    place: Place


class Memory:
    """The memory of one graph's values; nested graphs are looked into once."""

    def __init__(
        self,
        module: GraphModule,
        dialect: Dialect = NUMPY,
        nested: dict[int, Memory] | None = None,
    ) -> None:
        self._module = module
        self._dialect = dialect
        self._memory = having(dialect.memory)
        self._nested = {} if nested is None else nested
        env = dialect.environment(module)
        self._facts = env.facts if isinstance(env, ShapeEnv) else Facts()
        self._has_lifted = False
        self._places: dict[Node, dict[Any, dict[Root, Place]]] = {}
        self.writes: dict[Root, list[_Write]] = {}
        self._written: dict[tuple[str, int], list[tuple[Root, _Write]]] = {}
        self.stale_reads: list[tuple[Node, Node, Node]] = []
        """(reader, value that it reads, node that has overwritten it)"""
        self.outputs: list[tuple[str, Node, Places]] = []
        for node in module.graph.nodes:
            self._visit(node)

    def places(self, node: Node) -> Places:
        """Where the node's value lies: all blocks that it may share."""
        merged: dict[Root, Place] = {}
        for part in self._places.get(node, {}).values():
            merged = _joined(merged, part)
        return merged

    # ------------------------------------------------------------------ one node

    def _visit(self, node: Node) -> None:
        if node.op == "output":
            leaves = _leaves(self._dialect, node.args[0], "output")
            self.outputs = [(path, leaf, self.places(leaf)) for path, leaf in leaves]
            self._note_stale_reads(node)
            return
        self._note_stale_reads(node)
        if node.op == "placeholder":
            root = Root("input", str(node.target), node, None, self._identity(node))
            self._places[node] = {None: self._own(node, root)}
        elif node.op == "get_attr":
            value = attribute_at(self._module, node.target)
            root = Root("constant", str(node.target), value, None, self._identity(node))
            can_change = self._memory.can_change(value)
            self._places[node] = {None: self._own(node, root)} if can_change else {}
        elif node.op == "call_module":
            self._call(node)
        else:
            for written in self._memory.mutated_by(node):
                for root, place in self.places(written).items():
                    self._write(root, _Write(node, place))
            self._places[node] = self._with_span(node, self._of_call(node))

    def _identity(self, node: Node) -> Any:
        return self._memory.identity_of(self._module, node)

    def _with_span(
        self, node: Node, places: dict[Any, dict[Root, Place]]
    ) -> dict[Any, dict[Root, Place]]:
        """The places of a result, with where the metadata say that it lies."""
        span = self._memory.span_of(node) if places else None
        if span is None:
            return places
        return {
            item: {root: replace(place, span=span) for root, place in part.items()}
            for item, part in places.items()
        }

    def _own(self, node: Node, root: Root) -> dict[Root, Place]:
        if not self._memory.holds_memory(node):
            return {}
        return {root: Place(version=self._version(root))}

    def _version(self, root: Root) -> int:
        return len(self._written.get(root.block, ()))

    def _write(self, root: Root, write: _Write) -> None:
        self.writes.setdefault(root, []).append(write)
        self._written.setdefault(root.block, []).append((root, write))

    def _of_call(self, node: Node) -> dict[Any, dict[Root, Place]]:
        if not self._memory.holds_memory(node):
            return {}
        aliases = self._memory.aliases_of(node)
        if not aliases:
            return {None: self._own(node, Root("new", node.name, node))}
        found: dict[Any, dict[Root, Place]] = {}
        for alias in aliases:
            part = found.get(alias.item, {})
            for root, place in self._seen_through(node, alias):
                part = _joined(part, {root: place})
            found[alias.item] = part
        if not any(alias.certain for alias in aliases):
            found.setdefault(None, {}).update(self._own(node, Root("new", node.name, node)))
        return found

    def _seen_through(self, node: Node, alias: Alias) -> Iterator[tuple[Root, Place]]:
        slices = self._memory.slices_of(node)
        written = self._memory.mutated_by(node)
        source = self._places.get(alias.source, {})
        for item, part in source.items():
            if alias.part is not None and item is not None and item != alias.part:
                continue
            for root, place in part.items():
                certain = place.certain and alias.certain
                owned = root.kind == "new" and root.owner is alias.source and item is None
                if alias.part is not None and owned:
                    root = replace(root, item=alias.part)
                version = place.version
                if alias.source in written:
                    version = self._version(root)  # the result is what was written
                if slices is None:
                    itself = alias.part is not None or alias.source in written
                    direct = place.direct and itself
                    yield root, Place(certain, place.axes, direct, version)
                else:
                    axes = _composed(place, slices.bounds)
                    direct = place.direct and slices.keeps_axes
                    yield root, Place(certain, axes, direct, version)

    # ------------------------------------------------------------------ nested graphs

    def _call(self, node: Node) -> None:
        """A call of a nested graph: its results lie where its outputs do."""
        inner = self._inside(node)
        if inner is None:
            sources = node.all_input_nodes
            aliases = [Alias(source, certain=False) for source in sources]
            own = self._own(node, Root("new", node.name, node))
            for alias in aliases:
                own = _joined(own, dict(self._seen_through(node, alias)))
            self._places[node] = {None: own}
            return
        given = _bound_arguments(inner._module, node)
        for root, writes in inner.writes.items():
            for outer in self._outside(root, given) if writes else {}:
                self._write(outer, _Write(node, Place()))
        found: dict[Any, dict[Root, Place]] = {}
        output = next(n for n in reversed(inner._module.graph.nodes) if n.op == "output")
        result = output.args[0]
        items: Iterable[tuple[Any, Any]] = [(None, result)]
        if isinstance(result, (tuple, list)):
            items = enumerate(result)
        elif isinstance(result, dict):
            items = result.items()
        for key, value in items:
            part: dict[Root, Place] = {}
            for _, leaf in _leaves(self._dialect, value, ""):
                part = _joined(part, self._place_outside(inner, leaf, given, node, key))
            found[key] = part
        self._places[node] = found

    def _place_outside(
        self, inner: Memory, leaf: Node, given: Mapping[Node, object], node: Node, key: object
    ) -> dict[Root, Place]:
        found: dict[Root, Place] = {}
        for root, place in inner.places(leaf).items():
            if root.kind == "new":
                own = Root("new", node.name, node, key)
                found[own] = Place(version=self._version(own))
            for outer, there in self._outside(root, given).items():
                certain = place.certain and there.certain
                found[outer] = Place(certain, (), False, self._version(outer))
        return found

    def _outside(self, root: Root, given: Mapping[Node, object]) -> Places:
        """What a block inside is outside."""
        if root.kind == "constant":
            return {root: Place()}
        found: Places = {}
        for value in [given.get(root.owner)] if root.kind == "input" else []:
            for _, leaf in _leaves(self._dialect, value, ""):
                found = _joined(found, self.places(leaf))
        return found

    def _inside(self, node: Node) -> Memory | None:
        module = attribute_at(self._module, node.target)
        if not self._dialect.accepts(module):
            return None
        known = self._nested.get(id(module))
        if known is None:
            known = Memory(module, self._dialect, self._nested)
            self._nested[id(module)] = known
        return known

    # ------------------------------------------------------------------ overlap

    def _note_stale_reads(self, node: Node) -> None:
        """Reads of a value that has been overwritten since it was made."""
        for source in node.all_input_nodes:
            for root, place in self.places(source).items():
                for other, write in self._written.get(root.block, [])[place.version :]:
                    if root.meets(other) and not self.separate(place, write.place):
                        self.stale_reads.append((node, source, write.node))

    def separate(self, a: Place, b: Place) -> bool:
        """Whether two places in one block certainly have no element in common."""
        if a.span is not None and b.span is not None:
            for first, second in ((a.span, b.span), (b.span, a.span)):
                if self._holds(less_equal(first[1], second[0])):
                    return True
        return any(self._separate_axes(x, y) for x, y in zip(a.axes, b.axes))

    def _separate_axes(self, x: Axis, y: Axis) -> bool:
        if x is None or y is None:
            return False
        for first, second in ((x, y), (y, x)):
            if self._holds(less_equal(first[1], second[0])):
                return True
            if self._holds(less_equal(first[1], first[0])):
                return True  # nothing is selected
        steps = (x[2], y[2])
        if not all(isinstance(step, IntConstant) for step in steps):
            return False
        common = gcd(*(step.constant for step in steps))
        distance = combine(1, x[0], -1, y[0])
        return common > 1 and self._holds(
            not_equal(modulo(distance, constant(common)), constant(0))
        )

    def _holds(self, claim: BoolExpr) -> bool:
        """Whether a condition holds whenever the program returns: its asserts hold then."""
        if entails(self._facts, claim, "quick", prepare=True) is not None:
            return True
        if not self._has_lifted:
            self._has_lifted = True
            for lifted in lift(self._module.graph, self._dialect):
                with suppress(ContradictionError):
                    if lifted.claim is not None:
                        self._facts = self._facts.given(Fact(lifted.claim, "check"))
        try:
            return entails(self._facts, claim, "quick", prepare=True) is not None
        except ContradictionError:
            return False


def _joined(a: Places, b: Places) -> dict[Root, Place]:
    """What lies in the places of both."""
    found = dict(a)
    for root, place in b.items():
        known = found.get(root)
        if known is not None and known != place:
            same = known.axes == place.axes
            place = Place(
                known.certain or place.certain,
                place.axes if same else (),
                known.direct and place.direct and same,
                min(known.version, place.version),
                place.span if known.span == place.span else None,
            )
        found[root] = place
    return found


def _composed(place: Place, bounds: Sequence[Axis]) -> tuple[Axis, ...]:
    """The part of the block that a slice of a place selects."""
    if not place.direct:
        return place.axes
    axes: list[Axis] = list(place.axes)
    axes += [None] * (len(bounds) - len(axes))
    for i, selected in enumerate(bounds):
        outer = axes[i]
        if selected is None or outer is None:
            axes[i] = selected or outer
            continue
        start, stop, step = selected
        first, _, by = outer
        axes[i] = (
            combine(1, first, 1, multiply(by, start)),
            combine(1, first, 1, multiply(by, stop)),
            multiply(by, step),
        )
    while axes and axes[-1] is None:
        axes.pop()
    return tuple(axes)


def _bound_arguments(module: GraphModule, node: Node) -> dict[Node, Any]:
    """What the placeholders of a called graph get."""
    placeholders = [n for n in module.graph.nodes if n.op == "placeholder"]
    found = dict(zip(placeholders, node.args))
    names = {str(n.target): n for n in placeholders} | {n.name: n for n in placeholders}
    found.update({names[k]: value for k, value in node.kwargs.items() if k in names})
    return found


def _leaves(dialect: Dialect, value: Any, path: str) -> Iterator[tuple[str, Node]]:
    """The nodes in a result, with their places in it."""
    if dialect.is_node(value):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(dialect, inner, f"{path}[{key!r}]")
    elif isinstance(value, (tuple, list)):
        for i, inner in enumerate(value):
            yield from _leaves(dialect, inner, f"{path}[{i}]")


# --------------------------------------------------------------------------- the summary


@dataclass(frozen=True)
class Sharing:
    """How sure it is, and the node that is returned."""

    level: Level
    node: str


@dataclass(frozen=True)
class AliasSummary:
    """What a caller can observe: `shared` has pairs of an output's place and what it shares
    memory with; `mutated` the inputs and constants that are written to, `writers` all nodes
    that write to anything, `stale` the reads of what was overwritten. Values are names of
    nodes."""

    shared: Mapping[tuple[str, str], Sharing] = field(default_factory=dict)
    mutated: Mapping[str, str] = field(default_factory=dict)
    writers: frozenset[str] = frozenset()
    stale: tuple[tuple[str, str, str], ...] = ()


def alias_summary(
    graph_module: GraphModule, dialect: Dialect = NUMPY
) -> AliasSummary:
    """The summary of a program (nested graphs included)."""
    require(dialect, ("memory",), "the alias summary")
    memory = Memory(graph_module, dialect)
    shared: dict[tuple[str, str], Sharing] = {}
    for i, (path, leaf, places) in enumerate(memory.outputs):
        for root, place in places.items():
            if root.kind != "new":
                _note(shared, (path, f"{root.kind} '{root.label}'"), place.certain, leaf)
        for other, _, others in memory.outputs[:i]:
            level = _common(memory, places, others)
            if level is not None:
                _note(shared, (path, other), level == "always", leaf)
    mutated = {
        f"{root.kind} '{root.label}'": writes[0].node.name
        for root, writes in memory.writes.items()
        if root.kind != "new"
    }
    writers = frozenset(w.node.name for writes in memory.writes.values() for w in writes)
    stale = tuple((r.name, v.name, w.name) for r, v, w in memory.stale_reads)
    return AliasSummary(shared, mutated, writers, stale)


def _note(
    shared: dict[tuple[str, str], Sharing], pair: tuple[str, str], certain: bool, leaf: Node
) -> None:
    known = shared.get(pair)
    if known is None or (certain and known.level == "sometimes"):
        shared[pair] = Sharing("always" if certain else "sometimes", leaf.name)


def _common(memory: Memory, a: Places, b: Places) -> Level | None:
    """Whether two outputs share memory."""
    level: Level | None = None
    for root, place in a.items():
        for other, there in b.items():
            if not root.meets(other) or memory.separate(place, there):
                continue
            if place.certain and there.certain:
                return "always"
            level = "sometimes"
    return level


def check_aliasing(
    before: AliasSummary,
    after: AliasSummary,
    writes: Literal["none", "temporaries"] = "none",
) -> None:
    """Raise `GraphError`, naming the node, for sharing or writing that was not there before.

    With `writes="temporaries"` new nodes may write to memory that no caller sees, if nothing
    reads afterwards what it held before.
    """
    for (place, other), sharing in after.shared.items():
        known = before.shared.get((place, other))
        if known is None or (known.level == "sometimes" and sharing.level == "always"):
            more = "always shares" if known is not None else "may share"
            raise GraphError(
                f"node '{sharing.node}' ({place}) {more} memory with {other}, which was not "
                "so before"
            )
    for label, node in after.mutated.items():
        if label not in before.mutated:
            raise GraphError(f"node '{node}' writes to {label}, which was not so before")
    new = after.writers - before.writers
    if new and writes == "none":
        raise GraphError(f"node '{min(new)}' writes in place, which was not so before")
    for reader, value, writer in after.stale:
        if writer in new:
            raise GraphError(
                f"node '{reader}' reads '{value}' after node '{writer}' has overwritten it"
            )


# --------------------------------------------------------------------------- the guard


@dataclass(frozen=True)
class Aliasing:
    """No new sharing, and no new writing (see `check_aliasing`)."""

    dialect: Dialect = NUMPY
    writes: Literal["none", "temporaries"] = "none"
    name: str = "aliasing"

    def bound(self, dialect: Dialect) -> Aliasing:
        """The same invariant, for programs of that dialect."""
        return replace(self, dialect=dialect)

    def observe(self, graph_module: GraphModule) -> AliasSummary:
        return alias_summary(graph_module, self.dialect)

    def check(self, observed: AliasSummary, graph_module: GraphModule) -> None:
        check_aliasing(observed, alias_summary(graph_module, self.dialect), self.writes)


@dataclass(frozen=True)
class Guarded(Pass):
    """A pass with invariants around it; it can stand wherever the pass can.

    Raises `GraphError`, naming the pass, the invariant and the node, if one is broken.
    """

    inner: Pass
    invariants: Sequence[Invariant] = (Aliasing(),)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.inner.name)
        for name in ("functional", "needs", "dialect"):
            object.__setattr__(self, name, getattr(self.inner, name))

    def bound(self, dialect: Dialect) -> Guarded:
        """The same guard, for programs of that dialect."""
        invariants = [one.bound(dialect) for one in self.invariants]
        return Guarded(self.inner.bound(dialect), invariants)

    def requires(self, graph_module: GraphModule) -> None:
        self.inner.requires(graph_module)

    def ensures(self, graph_module: GraphModule) -> None:
        self.inner.ensures(graph_module)

    def run(self, graph_module: GraphModule) -> PassResult:
        observed = [invariant.observe(graph_module) for invariant in self.invariants]
        result = self.inner.run(graph_module)
        self.inner.ensures(result.graph_module)
        for invariant, before in zip(self.invariants, observed):
            check_invariant(invariant, before, result.graph_module, self.inner.name)
        return result
