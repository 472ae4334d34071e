"""Tensors made of constants only: their values are known while a program is traced.

Guarantees: a value is given only if no input, size, parameter or buffer, no random number and
no uninitialised memory takes part, and nothing writes to a tensor on the way, nor to a view.
"""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any, Final

import torch
from torch import fx
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes

__all__ = ["constant_value", "is_computed_from", "is_written"]

MOST: Final = 4096
"""Elements of a tensor that is computed."""

MOST_NODES: Final = 64
"""Operations behind one value."""


def constant_value(node: fx.Node, key: str = "val") -> int | bool | None:
    """The integer or truth that a node reads from a tensor of constants; `key` is where nodes
    keep their values."""
    source = node.args[0]
    order = _behind(source, key) if isinstance(source, fx.Node) else None
    if order is None:
        return None
    values: dict[fx.Node, Any] = {}
    try:
        # (No tensor here asks for gradients; to turn them off would be recorded.)
        with _disable_current_modes(), torch._C.DisableTorchFunction():
            for one in order:
                args, kwargs = fx.map_arg((one.args, dict(one.kwargs)), values.__getitem__)
                values[one] = one.target(*args, **kwargs)
            found = values[source].item()
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
        return None
    return found if isinstance(found, int) else None


def is_computed_from(node: fx.Node, known: Collection[fx.Node]) -> bool:
    """Whether a value comes of some tensors and constants only, by operations that always give
    the same, and nothing writes to a tensor on the way."""
    pending, seen = [node], {node}
    while pending:
        one = pending.pop()
        if len(seen) > MOST_NODES or (not _is_number(one) and is_written(one)):
            return False
        if one in known or one.op == "get_attr":
            continue
        if one.op != "call_function" or not _is_the_same_each_time(one.target):
            return False
        new = set(one.all_input_nodes) - seen
        seen |= new
        pending += new
    return True


def _is_the_same_each_time(target: object) -> bool:
    if not isinstance(target, torch._ops.OpOverload):
        return target is operator.getitem
    if torch.Tag.nondeterministic_seeded in target.tags or target._schema.is_mutable:
        return False
    plain = "empty" not in target._opname and "rand" not in target._opname
    return target.namespace == "aten" and plain


def _behind(source: fx.Node, key: str) -> list[fx.Node] | None:
    """What has to be computed for a node, in order; None if that is not constant."""
    found: dict[fx.Node, None] = {}
    pending = [source]
    while pending:
        node = pending.pop()
        if node in found:
            continue
        if len(found) >= MOST_NODES or not _is_constant(node, key) or is_written(node):
            return None
        found[node] = None
        pending += node.all_input_nodes
    return sorted(found)


def _is_constant(node: fx.Node, key: str) -> bool:
    """Whether the operation gives the same for the same operands, and quickly."""
    target, value = node.target, node.meta.get(key)
    if not _is_the_same_each_time(target):
        return False
    if target is operator.getitem:
        return True  # (an item of a list of results)
    values = value if isinstance(value, (list, tuple)) else [value]
    return all(_is_small(one) for one in values)


def _is_small(value: object) -> bool:
    """Whether this is a tensor of the host, of a few elements, with sizes that are numbers."""
    if not isinstance(value, torch.Tensor) or value.device.type != "cpu":
        return False
    return all(type(size) is int for size in value.shape) and value.numel() <= MOST


def _is_number(node: fx.Node) -> bool:
    return isinstance(node.meta.get("val"), (int, float, torch.SymInt, torch.SymFloat))


def is_written(node: fx.Node) -> bool:
    """Whether something writes to a result, or to a view of it; also in the parts of a program
    that are graphs of their own."""
    pending, seen = [node], {node}
    callers: dict[fx.Graph, list[fx.Node]] = {}
    while pending:
        one = pending.pop()
        for user in one.users:
            names = _other_names(one, user, callers)
            if names is None:
                return True
            new = [name for name in names if name not in seen]
            seen.update(new)
            pending += new
    return False


def _other_names(
    node: fx.Node, user: fx.Node, callers: dict[fx.Graph, list[fx.Node]]
) -> list[fx.Node] | None:
    """What may be a value, or a view of it, because of a user; None if that writes to it, or
    nobody knows. `callers` are the nodes that run the graphs that were entered."""
    if user.target is operator.getitem:
        return [user]
    if user.op == "output":
        return callers.get(user.graph)
    if isinstance(user.target, torch._ops.HigherOrderOperator):
        return _names_within(node, user, callers)
    if not isinstance(user.target, torch._ops.OpOverload) or user.target._schema.is_mutable:
        return None
    shares = any(result.alias_info is not None for result in user.target._schema.returns)
    return [user] if shares else []


_RUNNING: Final = frozenset((
    "wrap_with_autocast", "wrap_with_set_grad_enabled", "cond", "while_loop",
))  # fmt: skip
"""Operations that run graphs, all with the arguments that follow the graphs."""


def _names_within(
    node: fx.Node, user: fx.Node, callers: dict[fx.Graph, list[fx.Node]]
) -> list[fx.Node] | None:
    graphs = [_graph(one) for one in user.args]
    last = max((k for k, one in enumerate(graphs) if one is not None), default=None)
    if user.target.name() not in _RUNNING or last is None or user.kwargs:
        return None
    given = pytree.tree_leaves(user.args[last + 1 :])
    found: list[fx.Node] = []
    for graph in filter(None, graphs):
        inputs = list(graph.find_nodes(op="placeholder"))
        if len(inputs) != len(given):
            return None
        running = callers.setdefault(graph, [])
        if user not in running:
            if running:  # (its results were followed already, to others who run it)
                found.append(user)
            running.append(user)
        found += [name for name, one in zip(inputs, given) if one is node]
    return found


def _graph(value: Any) -> fx.Graph | None:
    """The graph that an argument stands for."""
    if not isinstance(value, fx.Node) or value.op != "get_attr":
        return None
    found: Any = value.graph.owning_module
    for part in str(value.target).split("."):
        found = getattr(found, part, None)
    return found.graph if isinstance(found, fx.GraphModule) else None
