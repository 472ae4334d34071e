"""The invariants of a graph, each one checked by name.

Every check raises GraphError and names the node that breaks it. The links are checked
first, so that the other checks can walk over the list without running into a cycle.
"""

from __future__ import annotations

import keyword

from asserts.errors import GraphError
from asserts.graph.graph import Graph
from asserts.graph.node import OPS, Node, map_arg

__all__ = ["lint"]


def lint(graph: Graph) -> None:
    """Check a whole graph. Raises GraphError for the first broken invariant."""
    nodes = _linked_nodes(graph)
    _check_names(nodes)
    for node in nodes:
        _check_kind(node)
    _check_layout(nodes)
    _check_order_of_use(graph, nodes)
    _check_users(nodes)
    for node in nodes:
        _check_attribute(node)


def _linked_nodes(graph: Graph) -> list[Node]:
    """The nodes, after checking that both directions of the list agree."""
    nodes: list[Node] = []
    previous, node = graph._root, graph._root.next
    while node is not graph._root:
        if node.prev is not previous or len(nodes) >= len(graph.nodes):
            raise GraphError(f"node '{node.name}': the links of the list are out of step")
        if node.graph is not graph or node._erased:
            raise GraphError(f"node '{node.name}' is linked in but not of this graph")
        if nodes and not nodes[-1] < node:
            raise GraphError(f"node '{node.name}': its position is out of step")
        nodes.append(node)
        previous, node = node, node.next
    if graph._root.prev is not previous or len(nodes) != len(graph.nodes):
        raise GraphError(f"node '{previous.name}': the links of the list are out of step")
    return nodes


def _check_names(nodes: list[Node]) -> None:
    seen: set[str] = set()
    for node in nodes:
        name = node.name
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise GraphError(f"node {name!r}: the name is not a valid identifier")
        if name in seen:
            raise GraphError(f"node '{name}': another node has the same name")
        seen.add(name)


def _check_kind(node: Node) -> None:
    """The op is known, and target and arguments are what it takes."""
    if node.op not in OPS:
        raise GraphError(f"node '{node.name}': unknown op {node.op!r}")
    if node.op == "call_function":
        if not callable(node.target):
            raise GraphError(
                f"node '{node.name}': call_function needs a function as its target, "
                f"not {node.target!r}"
            )
    elif not isinstance(node.target, str) or not node.target:
        raise GraphError(
            f"node '{node.name}': {node.op} needs a name as its target, not {node.target!r}"
        )
    for key in node.kwargs:
        if not isinstance(key, str):
            raise GraphError(f"node '{node.name}': keyword {key!r} is not a string")
    _check_number_of_arguments(node)


def _check_number_of_arguments(node: Node) -> None:
    number = len(node.args)
    if node.op == "output" and (number != 1 or node.kwargs):
        raise GraphError(f"node '{node.name}': an output has one argument, not {number}")
    if node.op == "placeholder" and (number > 1 or node.kwargs or node.all_input_nodes):
        raise GraphError(
            f"node '{node.name}': a placeholder has a constant default as its only argument"
        )
    if node.op == "get_attr" and (number or node.kwargs):
        raise GraphError(f"node '{node.name}': get_attr has no arguments")
    if node.op == "call_method" and not number:
        raise GraphError(f"node '{node.name}': call_method needs the object to call")


def _check_layout(nodes: list[Node]) -> None:
    """Placeholders, then the rest, then one output that has no users."""
    output: Node | None = None
    other: Node | None = None
    for node in nodes:
        if output is not None:
            what = "a second output" if node.op == "output" else "behind the output"
            raise GraphError(f"node '{node.name}' is {what} ('{output.name}')")
        if node.op == "output":
            output = node
        elif node.op != "placeholder":
            other = other or node
        elif other is not None:
            raise GraphError(
                f"node '{node.name}': the placeholder comes after '{other.name}', which is "
                f"a {other.op}"
            )
    if output is None:
        last = f"; its last node is '{nodes[-1].name}'" if nodes else ""
        raise GraphError(f"the graph has no output{last}")
    if output.users:
        user = next(iter(output.users))
        raise GraphError(f"node '{output.name}': the output is used by '{user.name}'")


def _check_order_of_use(graph: Graph, nodes: list[Node]) -> None:
    seen: set[Node] = set()
    for node in nodes:
        for source in node.all_input_nodes:
            if source in seen:
                continue
            raise GraphError(_why_not_usable(graph, node, source))
        seen.add(node)


def _why_not_usable(graph: Graph, node: Node, source: Node) -> str:
    if source is node:
        return f"node '{node.name}' uses itself"
    if source.graph is not graph:
        return f"node '{node.name}' uses '{source.name}', which belongs to another graph"
    if source not in graph.nodes:
        return f"node '{node.name}' uses '{source.name}', which was erased"
    return (
        f"node '{node.name}' uses '{source.name}' before its definition; in the order of "
        f"the graph that is a cycle"
    )


def _check_users(nodes: list[Node]) -> None:
    """`users` is what the arguments say, in both directions."""
    expected: dict[Node, set[Node]] = {node: set() for node in nodes}
    for node in nodes:
        found = _nodes_inside(node)
        if found != node.all_input_nodes:
            raise GraphError(f"node '{node.name}': its inputs are not those of its arguments")
        for source in found:
            expected[source].add(node)
    for node in nodes:
        wrong = set(node.users) ^ expected[node]
        if wrong:
            names = ", ".join(sorted(f"'{user.name}'" for user in wrong))
            raise GraphError(f"node '{node.name}': its users are out of step for {names}")


def _nodes_inside(node: Node) -> list[Node]:
    """The input nodes, found anew in the arguments."""
    found: dict[Node, None] = {}

    def note(leaf: Node) -> Node:
        found[leaf] = None
        return leaf

    map_arg((node.args, dict(node.kwargs)), note)
    return list(found)


def _check_attribute(node: Node) -> None:
    """What get_attr and call_module name exists in the owning module."""
    module = node.graph.owning_module
    if module is None or node.op not in ("get_attr", "call_module"):
        return
    missing = object()
    found = module.find_attr(str(node.target), missing)
    if found is missing:
        raise GraphError(
            f"node '{node.name}': the module has no attribute '{node.target}'"
        )
    if node.op == "call_module" and not callable(found):
        raise GraphError(
            f"node '{node.name}': '{node.target}' is a {type(found).__name__}, not a module"
        )
