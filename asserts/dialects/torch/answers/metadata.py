"""Which asserts of dtype, device and layout are redundant, by plain dataflow.

A value's *aspect* (its dtype, device or layout) is certain if it cannot differ from what the
metadata state, whatever the program is called with: a parameter's, because it comes with the
program; that of a result whose operation states it, or is a function of inputs' aspects that
are certain; and what an assert has checked. Users' inputs are not certain: nothing checks
their dtypes at entry. Unknown operations (custom ones) make nothing certain.
"""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any, Final, Literal

import torch
from torch import fx

from asserts.dialects.torch.answers.calls import METADATA

__all__ = ["Certain", "certain_aspects", "redundant_metadata_asserts"]

Aspect = Literal["dtype", "device", "layout"]
Certain = frozenset[Aspect]

ASPECTS: Final[tuple[Aspect, ...]] = ("dtype", "device", "layout")
NOTHING: Final[Certain] = frozenset()
EVERYTHING: Final[Certain] = frozenset(ASPECTS)

_OWN_DTYPE: Final = frozenset(
    ["nonzero", "argmax", "argmin", "argsort", "eq", "ne", "lt", "le", "gt", "ge", "isnan",
     "isinf", "isfinite", "logical_and", "logical_or", "logical_not", "logical_xor", "any",
     "all", "isin"]
)  # fmt: skip
"""Operations whose result has one dtype, whatever they are given."""

_LIKE_FIRST: Final = frozenset(
    ["embedding", "index", "index_select", "gather", "select", "slice", "narrow",
     "masked_fill", "masked_select", "index_add", "index_put", "scatter",
     "take_along_dim", "expand", "view", "reshape", "clone", "repeat_interleave"]
)  # fmt: skip
"""Operations whose result has the dtype and the layout of their first tensor."""


def redundant_metadata_asserts(
    graph: fx.Graph, own: Collection[str] = ()
) -> list[tuple[fx.Node, str]]:
    """The asserts that check nothing that is not certain, each with the reason.

    `own` names the placeholders that stand for parameters, buffers and constants.
    """
    certain: dict[Any, Certain] = {}
    found: list[tuple[Any, str]] = []
    for node in graph.nodes:
        if node.op == "call_function" and node.target is METADATA:
            reason = _reason(node, certain)
            if reason is not None:
                found.append((node, reason))
            else:
                _learn(node, certain)
        else:
            certain[node] = certain_aspects(node, certain, own)
    return found


def _wanted(node: fx.Node) -> dict[Aspect, Any] | None:
    """The aspects that an assert checks; None if it also checks sizes or strides."""
    if len(node.args) > 1 and any(a is not None for a in node.args[1:3]):
        return None
    if node.kwargs.get("size") is not None or node.kwargs.get("stride") is not None:
        return None
    return {a: node.kwargs[a] for a in ASPECTS if node.kwargs.get(a) is not None}


def _reason(node: fx.Node, certain: dict[Any, Certain]) -> str | None:
    source = node.args[0]
    wanted = _wanted(node)
    value = source.meta.get("val")
    if wanted is None or node.users or not isinstance(value, torch.Tensor):
        return None
    if any(getattr(value, aspect) != wanted[aspect] for aspect in wanted):
        return None
    if not certain.get(source, NOTHING).issuperset(wanted):
        return None
    return f"{' and '.join(wanted)} of `{source.name}` are certain from what produces it"


def _learn(node: fx.Node, certain: dict[Any, Certain]) -> None:
    """What an assert has checked is certain behind it."""
    source = node.args[0]
    value = source.meta.get("val")
    wanted = _wanted(node)
    if wanted is None or not isinstance(value, torch.Tensor):
        return
    checked = (a for a in wanted if getattr(value, a) == wanted[a])
    certain[source] = certain.get(source, NOTHING) | frozenset(checked)


def certain_aspects(
    node: fx.Node, certain: dict[Any, Certain], own: Collection[str] = ()
) -> Certain:
    """The certain aspects of a node's result, from those of its inputs."""
    if node.op == "placeholder":
        return EVERYTHING if node.name in own else NOTHING
    if node.op == "get_attr":
        return EVERYTHING
    if node.op != "call_function":
        return NOTHING
    if node.target is operator.getitem:
        return certain.get(node.args[0], NOTHING)
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return NOTHING
    tensors = [n for n in node.all_input_nodes if _is_tensor(n)]
    found = set(_of_inputs(node, tensors, certain))
    found.update(_stated(node, target))
    return frozenset(found)


def _of_inputs(node: fx.Node, tensors: list[Any], certain: dict[Any, Certain]) -> set[Aspect]:
    name = node.target._schema.name.removeprefix("aten::")
    if not tensors:
        return _of_factory(node, name)
    of_each = [certain.get(n, NOTHING) for n in tensors]
    if name.endswith("_") and node.args and tensors[0] is node.args[0]:
        return set(of_each[0])  # what is changed in place keeps its aspects
    found: set[Aspect] = set(frozenset.intersection(*of_each))
    if name in _OWN_DTYPE:
        found.add("dtype")
    if name in _LIKE_FIRST:
        found |= of_each[0] & {"dtype", "layout"}
    # Tensors with dimensions must all be on one device.
    if any("device" in c and _rank(n) > 0 for n, c in zip(tensors, of_each)):
        found.add("device")
    return found


def _of_factory(node: fx.Node, name: str) -> set[Aspect]:
    """Tensors are strided unless another layout is asked for; what counts in integers is of
    integers. (Other dtypes, and the device, may depend on defaults of the process.)"""
    found: set[Aspect] = set() if "layout" in node.kwargs else {"layout"}
    numbers = [getattr(a, "meta", {}).get("val", a) for a in node.args]
    if name == "arange" and all(isinstance(n, (int, torch.SymInt)) for n in numbers):
        found.add("dtype")
    return found


def _stated(node: fx.Node, target: Any) -> set[Aspect]:
    """The aspects that the call itself states, and the metadata confirm."""
    value = node.meta.get("val")
    if not isinstance(value, torch.Tensor):
        return set()
    given = dict(node.kwargs)
    given.update((a.name, v) for a, v in zip(target._schema.arguments, node.args))
    return {
        aspect
        for aspect in ASPECTS
        if given.get(aspect) is not None and given[aspect] == getattr(value, aspect)
    }


def _is_tensor(node: fx.Node) -> bool:
    value = node.meta.get("val")
    return not isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool, int, float))


def _rank(node: fx.Node) -> int:
    value = node.meta.get("val")
    return value.dim() if isinstance(value, torch.Tensor) else 0
