"""torch's markers of submodule calls, and what exported programs keep of them.

While torch exports, hooks bracket the calls of submodules whose signatures are to be
preserved with `_export_tracepoint`. An exported program with markers gets the records in its
module call graph.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import torch
from torch import fx
from torch.export import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import (
    ConstantArgument,
    SymBoolArgument,
    SymFloatArgument,
    SymIntArgument,
    TensorArgument,
)
from torch.utils import _pytree as pytree

from asserts.dialects.interfaces import Tracepoint
from asserts.errors import GraphError

__all__ = ["CALLS", "TorchTracepoints"]

_KINDS: Final[dict[Any, Literal["inputs", "outputs"]]] = {
    "module_call_inputs": "inputs",
    "module_call_outputs": "outputs",
}
CALLS: Final = "module_calls"
_SYMBOLIC: Final = (torch.SymInt, torch.SymFloat, torch.SymBool)


class TorchTracepoints:
    """What `tracepoints` asks of torch's graphs, and what exported programs keep of it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def tracepoint_of(self, node: fx.Node) -> Tracepoint | None:
        if node.op != "call_function":
            return None
        if node.target is not torch.ops.higher_order._export_tracepoint:
            return None
        kind, path = node.kwargs.get("kind"), node.kwargs.get("path")
        if kind not in _KINDS or not isinstance(path, str):
            raise GraphError(
                f"the tracepoint '{node.name}' has the kind {kind!r} and the path {path!r}; "
                f"the kind is one of {', '.join(map(repr, _KINDS))}, the path is text"
            )
        return Tracepoint(_KINDS[kind], path, tuple(node.args))

    def argument_kind(self, node: fx.Node) -> Literal["array", "symbol", "other"]:
        value = node.meta.get(self._key)
        if isinstance(value, torch.Tensor):
            return "array"
        return "symbol" if isinstance(value, (*_SYMBOLIC, int, float)) else "other"

    def recorded_calls(self, calls: list[Any], graph_module: fx.GraphModule) -> list[Any]:
        """The module call graph of an exported program with what was recorded in the graph;
        the record moves there."""
        records = graph_module.meta.pop(CALLS, None)
        if not records:
            return calls
        nodes = {node.name: node for node in graph_module.graph.nodes}
        known = {entry.fqn: entry for entry in calls}
        found = list(calls)
        for name, record in records.items():
            entry = known.get(name)
            like = known.get(name.partition("@")[0])
            signature = self._signature(record, nodes, like and like.signature)
            if entry is None:
                found.append(ModuleCallEntry(fqn=name, signature=signature))
            else:
                entry.signature = signature
        return found

    def _signature(self, record: Any, nodes: Any, like: Any) -> ModuleCallSignature:
        given, returned = self.named(record, nodes)
        in_spec, out_spec = _structures(record)
        return ModuleCallSignature(
            inputs=given,
            outputs=returned,
            in_spec=in_spec if like is None else like.in_spec,
            out_spec=out_spec if like is None else like.out_spec,
            forward_arg_names=None,
        )

    def named(self, record: Any, nodes: Any) -> tuple[list[Any], list[Any]]:
        """The recorded inputs and outputs as torch's arguments, flat."""
        inputs = [_argument(leaf, nodes, self._key) for leaf in _leaves(record["inputs"])]
        outputs = [_argument(leaf, nodes, self._key) for leaf in _leaves(record["outputs"])]
        return inputs, outputs


def _is_leaf(data: object) -> bool:
    return isinstance(data, dict) and "dict" not in data


def _leaves(data: Any) -> list[Any]:
    """The single nodes and constants of what a record says (see `passes/tracepoints.py`)."""
    if _is_leaf(data):
        return [data]
    inner = data["dict"].values() if isinstance(data, dict) else data
    return [leaf for part in inner for leaf in _leaves(part)]


def _plain(data: Any) -> Any:
    """The structure of it, with 0 for every leaf."""
    if _is_leaf(data):
        return 0
    if isinstance(data, dict):
        return {key: _plain(inner) for key, inner in data["dict"].items()}
    return type(data)(map(_plain, data))


def _structures(record: Any) -> tuple[Any, Any]:
    """The structures of arguments and of the result, where no hook has noted them."""
    outputs = _plain(record["outputs"])
    result = outputs[0] if len(outputs) == 1 else outputs
    return (
        pytree.tree_structure((_plain(record["inputs"]), {})),
        pytree.tree_structure(result),
    )


def _argument(leaf: Any, nodes: Any, key: str) -> Any:
    ((kind, content),) = leaf.items()
    if kind == "constant":
        return ConstantArgument(name="", value=content)
    node = nodes.get(content)
    value = None if node is None else node.meta.get(key)
    for value_type, argument in (
        (torch.Tensor, TensorArgument),
        (torch.SymInt, SymIntArgument),
        (torch.SymFloat, SymFloatArgument),
        (torch.SymBool, SymBoolArgument),
    ):
        if isinstance(value, value_type):
            return argument(name=content)
    if isinstance(value, (int, float, bool, str)):
        return ConstantArgument(name=content, value=value)
    raise GraphError(
        f"node '{content}' is an argument of a submodule, but neither a tensor nor a number"
    )
