"""The nodes of a graph in the order of their dependencies."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from onnx import AttributeProto, GraphProto, NodeProto

from asserts.errors import GraphError

__all__ = ["captured", "in_order"]


def in_order(
    nodes: Sequence[NodeProto], given: Container[str], path: str = "", strict: bool = True
) -> Iterable[NodeProto]:
    """The nodes, each behind those whose results it uses.

    Raises `GraphError` for a cycle, for a name that two nodes make, and (if `strict`) for one
    that nothing makes; an omitted optional input of a function is such a name.
    """
    _refuse_two_makers(nodes, path)
    made: set[str] = set()
    for place, node in enumerate(nodes):
        if any(name not in made and name not in given for name in used(node)):
            return _sorted(nodes, given, path, strict, place)
        made.update(node.output)
    return nodes


def _refuse_two_makers(nodes: Sequence[NodeProto], path: str) -> None:
    makers: dict[str, NodeProto] = {}
    for node in nodes:
        for name in node.output:
            other = makers.setdefault(name, node)
            if name and other is not node:
                pair = f"{path}{_shown(other)} and {path}{_shown(node)}"
                raise GraphError(f"`{name}` is made twice: by {pair}")


def used(node: NodeProto) -> Iterable[str]:
    """The names that a node uses, those that its subgraphs capture included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield from captured(attribute.g)


def captured(graph: GraphProto) -> set[str]:
    """The names that a subgraph takes from around it."""
    own = {value.name for value in graph.input} | {t.name for t in graph.initializer}
    own |= {t.values.name for t in graph.sparse_initializer}
    own |= {name for node in graph.node for name in node.output}
    wanted = {name for node in graph.node for name in used(node)}
    wanted |= {value.name for value in graph.output if value.name}
    return wanted - own


def _sorted(
    nodes: Sequence[NodeProto], given: Container[str], path: str, strict: bool, place: int
) -> list[NodeProto]:
    maker = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    wanted: list[set[int]] = []
    for node in nodes:
        names = [name for name in used(node) if name not in given]
        missing = next((name for name in names if name not in maker), None)
        if missing is not None and strict:
            raise GraphError(f"{path}{_shown(node)} uses `{missing}`, which nothing makes")
        wanted.append({maker[name] for name in names if name in maker})
    users: list[list[int]] = [[] for _ in nodes]
    for i, needs in enumerate(wanted):
        for j in needs:
            users[j].append(i)
    left = [len(needs) for needs in wanted]
    ready = [i for i, n in enumerate(left) if not n]
    order: list[int] = []
    while ready:
        i = ready.pop(0)
        order.append(i)
        for user in users[i]:
            left[user] -= 1
            if not left[user]:
                ready.append(user)
    if len(order) < len(nodes):
        raise GraphError(_cycle_text(nodes, wanted, set(order), path))
    return [nodes[i] for i in order]


def _cycle_text(
    nodes: Sequence[NodeProto], wanted: Sequence[set[int]], done: set[int], path: str
) -> str:
    """The nodes of one cycle, in order."""
    i = next(i for i in range(len(nodes)) if i not in done)
    seen: list[int] = []
    while i not in seen:
        seen.append(i)
        i = next(j for j in wanted[i] if j not in done)
    cycle = seen[seen.index(i) :]
    shown = " <- ".join(_shown(nodes[j]) for j in [*cycle, i][:8])
    return f"{path or 'the graph'} has a cycle: {shown}"


def _shown(node: NodeProto) -> str:
    return node.name or f"{node.op_type}({next(iter(node.output), '')})"
