"""Tensors made of constants only: their values are known while a program is traced.

Guarantees: a value is given only if no input, size, parameter or buffer, no random number and
no uninitialised memory takes part, and nothing writes to a tensor on the way, nor to a view.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import fx
from torch.utils._python_dispatch import _disable_current_modes

__all__ = ["constant_value", "evaluated"]

MOST: Final = 4096
"""Elements of a tensor that is computed."""

MOST_NODES: Final = 64
"""Operations behind one value."""


def constant_value(node: fx.Node, key: str = "val") -> int | bool | None:
    """The integer or truth that a node reads from a tensor of constants; `key` is where nodes
    keep their values."""
    found = evaluated(node, key, {}, [])
    return found if isinstance(found, int) else None


def evaluated(
    node: fx.Node, key: str, held: Mapping[fx.Node, torch.Tensor], used: list[fx.Node]
) -> int | bool | float | None:
    """The number or truth that a node reads, where tensors are `held` for some nodes; those
    of them that take part are added to what is `used`."""
    source = node.args[0]
    order = _behind(source, key, held) if isinstance(source, fx.Node) else None
    if order is None:
        return None
    values: dict[fx.Node, Any] = {}
    try:
        # (No tensor here asks for gradients; to turn them off would be recorded.)
        with _disable_current_modes(), torch._C.DisableTorchFunction():
            for one in order:
                if one in held:
                    used.append(one)
                    values[one] = held[one].detach()
                    continue
                args, kwargs = fx.map_arg((one.args, dict(one.kwargs)), values.__getitem__)
                values[one] = one.target(*args, **kwargs)
            found = values[source].item()
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
        return None
    return found if isinstance(found, (int, float)) else None


def _behind(
    source: fx.Node, key: str, held: Mapping[fx.Node, torch.Tensor]
) -> list[fx.Node] | None:
    """What has to be computed for a node, in order; None if that is not constant."""
    found: dict[fx.Node, None] = {}
    waiting = [source]
    while waiting:
        node = waiting.pop()
        if node in found:
            continue
        known = _is_small(node.meta.get(key)) if node in held else _is_constant(node, key)
        if len(found) >= MOST_NODES or not known or _is_written(node):
            return None
        found[node] = None
        waiting += () if node in held else node.all_input_nodes
    return sorted(found)


def _is_constant(node: fx.Node, key: str) -> bool:
    """Whether the operation gives the same for the same operands, and quickly."""
    target, value = node.target, node.meta.get(key)
    if target is operator.getitem:
        return True  # (an item of a list of results)
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return False
    if torch.Tag.nondeterministic_seeded in target.tags or target._schema.is_mutable:
        return False
    if "empty" in target._opname or "rand" in target._opname:
        return False
    values = value if isinstance(value, (list, tuple)) else [value]
    return all(_is_small(one) for one in values)


def _is_small(value: Any) -> bool:
    """Whether this is a tensor of the host, of a few elements, with sizes that are numbers."""
    if not isinstance(value, torch.Tensor) or value.device.type != "cpu":
        return False
    return all(type(size) is int for size in value.shape) and value.numel() <= MOST


def _is_written(node: fx.Node) -> bool:
    """Whether something writes to a result, or to a view of it."""
    waiting, seen = [node], {node}
    while waiting:
        for user in waiting.pop().users:
            if user in seen:
                continue
            seen.add(user)
            if user.target is operator.getitem:
                waiting.append(user)
                continue
            if not isinstance(user.target, torch._ops.OpOverload):
                return True  # (who knows what that does)
            schema = user.target._schema
            if schema.is_mutable:
                return True
            if any(result.alias_info is not None for result in schema.returns):
                waiting.append(user)
    return False
