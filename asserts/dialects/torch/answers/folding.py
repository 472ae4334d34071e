"""Which of torch's calls can be computed ahead of time, and how constants are kept.

In a graph module a constant is a tensor that the graph reads as an attribute; in an exported
program it is an input of the graph which comes with the program. Parameters and buffers are
state, which training and loading change: they are constants only if the caller says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import fx

from asserts.dialects.torch.answers.values import _PLAIN_MODULES, _SYMBOLIC
from asserts.errors import GraphError

if TYPE_CHECKING:
    from asserts.dialects.torch.answers.memory import TorchMemory
    from asserts.dialects.torch.answers.signatures import TorchSignature

__all__ = ["TorchFolding"]

_ATEN: Final = torch.ops.aten
_RANDOM: Final = (torch.Tag.nondeterministic_seeded, torch.Tag.maybe_aliasing_or_mutating)
_UNFIT: Final = ("empty", "new_empty", "_efficientzerotensor", "_make_dep_token", "resize",
                 "_functional_", "record_")  # fmt: skip
"""How the names begin of operators whose results are not determined, or stand for more than
their value."""

_OWN: Final = "folded_constants"
"""The metadata of a module that lists the attributes which folding has made."""


class TorchFolding:
    """What `constant_folding` asks of torch's graphs."""

    def __init__(self, key: str, signature: TorchSignature, memory: TorchMemory) -> None:
        self._key = key
        self._signature = signature
        self._memory = memory

    # ------------------------------------------------------------------ what is known

    def constant_value(self, module: object, node: fx.Node, state: bool) -> Any:
        if node.op == "get_attr":
            return self._attribute(module, str(node.target), state)
        if node.op != "placeholder" or not self._signature.names_inputs_of(node.graph):
            return NotImplemented
        if self._memory.identity_of(module, node) in self._signature.written_back():
            return NotImplemented  # (memory that it shares with something that is)
        found = self._signature.constant_value(node.name)
        if found is None and state:
            found = self._signature.state_value(node.name)
        return found if isinstance(found, torch.Tensor) else NotImplemented

    def _attribute(self, module: Any, path: str, state: bool) -> Any:
        owner, found = None, module
        for part in path.split("."):
            owner, found = found, getattr(found, part, None)
        if not isinstance(found, torch.Tensor):
            return NotImplemented
        own = path in module.meta.get(_OWN, ())
        buffers = getattr(owner, "_buffers", {})
        is_state = isinstance(found, torch.nn.Parameter) or path.rpartition(".")[2] in buffers
        return found if state or own or not is_state else NotImplemented

    # ------------------------------------------------------------------ evaluating

    def is_foldable(self, node: fx.Node) -> bool:
        if node.op != "call_function" or node.meta.get("unbacked_bindings"):
            return False
        target = node.target
        if isinstance(target, torch._ops.OpOverload):
            name = target._schema.name.partition("::")[2]
            if target.namespace not in ("aten", "prims") or name.startswith(_UNFIT):
                return False
            writes = target._schema.is_mutable and target is not _ATEN.detach_.default
            pure = bool(target._schema.returns) and not writes
            return pure and not any(tag in target.tags for tag in _RANDOM)
        name = getattr(target, "__name__", "")
        if any(getattr(module, name, None) is target for module in _PLAIN_MODULES):
            return not name.startswith("set")
        return name.startswith("sym_") and getattr(torch, name, None) is target

    def evaluate(self, node: fx.Node, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        with torch.no_grad():
            return node.target(*args, **kwargs)

    def largest_size(self, node: fx.Node, value: object, inputs: Sequence[Any]) -> int | None:
        if isinstance(value, (tuple, list)):
            parts = [self.largest_size(node, part, inputs) for part in value]
            known = [part for part in parts if part is not None]
            return sum(known) if len(known) == len(parts) else None
        if isinstance(value, (bool, int, float, complex, *_SYMBOLIC)):
            return 16
        if not isinstance(value, torch.Tensor):
            return None
        if not all(isinstance(size, int) for size in value.shape):
            return None
        size: int = math.prod(value.shape, start=value.element_size())
        return size

    # ------------------------------------------------------------------ keeping

    def is_literal(self, value: object) -> bool:
        return value is None or type(value) in (bool, int, float, str)

    def is_storable(self, value: Any) -> bool:
        plain = isinstance(value, torch.Tensor) and value.layout is torch.strided
        return plain and value.device.type != "meta"

    def store(self, module: Any, name: str, value: Any) -> str:
        assert isinstance(value, torch.Tensor)
        kept = value.detach().clone()
        path, number = name, 0
        while self._is_taken(module, path):
            number += 1
            path = f"{name}_{number}"
        if self._signature.names_inputs_of(module.graph):
            self._signature.added[path] = kept
        else:
            module.register_buffer(path, kept, persistent=False)
            module.meta[_OWN] = [*module.meta.get(_OWN, ()), path]
        return path

    def _is_taken(self, module: Any, path: str) -> bool:
        if not self._signature.names_inputs_of(module.graph):
            return hasattr(module, path)
        nodes = {node.name for node in module.graph.nodes}
        return path in self._signature.values() or f"c_{path}" in nodes or path in nodes

    def create_constant(self, module: Any, path: str, before: Any) -> Any:
        graph = module.graph
        if not self._signature.names_inputs_of(graph):
            with graph.inserting_before(before):
                return graph.get_attr(path)
        # Inputs that come with the program stand before those of its users.
        users = self._signature.user_inputs()
        inputs = graph.find_nodes(op="placeholder")
        first = next((n for n in inputs if n.name in users), before)
        with graph.inserting_before(first):
            node = graph.placeholder(f"c_{path}")
        self._signature.constants[node.name] = path
        return node

    def unstore(self, module: Any, path: str) -> None:
        if self._signature.names_inputs_of(module.graph):
            return  # the program's host drops what no input names
        owner = module
        if isinstance(getattr(owner, path, None), torch.Tensor):
            delattr(owner, path)
            own = [each for each in module.meta.get(_OWN, ()) if each != path]
            module.meta[_OWN] = own

    def create_copy(self, graph: fx.Graph, node: fx.Node) -> Any:
        if not isinstance(node, fx.Node) or node.op not in ("get_attr", "placeholder"):
            raise GraphError(f"node '{node.name}' is not a constant that can be copied")
        copy = graph.call_function(_ATEN.clone.default, (node,))
        copy.meta[self._key] = node.meta.get(self._key)
        copy.meta["torch_fn"] = ("clone_0", "OpOverload.clone.default")
        return copy
