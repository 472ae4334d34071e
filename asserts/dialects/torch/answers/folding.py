"""Which of torch's calls can be computed ahead of time, and how constants are kept.

In a graph module a constant is a tensor that the graph reads as an attribute; in an exported
program it is an input of the graph which comes with the program. Parameters and buffers are
state, which training and loading change: they are constants only if the pass is told so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import fx
from torch.export.graph_signature import InputKind, OutputKind

from asserts.dialects.torch.answers.values import _PLAIN_MODULES, _SYMBOLIC
from asserts.errors import GraphError

if TYPE_CHECKING:
    from torch.export import ExportedProgram

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
    """The part of the dialect that is about constants."""

    key: str
    program: ExportedProgram | None
    added_constants: dict[str, Any]
    _constants: dict[str, str]

    # ------------------------------------------------------------------ what is known

    def constant_value(self, module: Any, node: Any, state: bool) -> Any:
        if node.op == "get_attr":
            return self._attribute(module, str(node.target), state)
        if node.op != "placeholder" or self.program is None:
            return NotImplemented
        if node.graph is not getattr(self, "root_graph", node.graph):
            return NotImplemented
        if self.identity_of(module, node) in self._written_back():  # type: ignore[attr-defined]
            return NotImplemented  # (memory that it shares with something that is)
        name = self._constants.get(node.name)
        if name is not None:
            found = self.added_constants.get(name, self.program.constants.get(name))
            return found if isinstance(found, torch.Tensor) else NotImplemented
        return self._state(node.name) if state else NotImplemented

    def _written_back(self) -> set[Any]:
        """The storages of what the program overwrites when it returns."""
        assert self.program is not None
        program, found = self.program, set()
        known = {**program.constants, **program.state_dict}
        for spec in program.graph_signature.output_specs:
            value = known.get(spec.target) if spec.kind is not OutputKind.USER_OUTPUT else None
            if isinstance(value, torch.Tensor) and value.layout is torch.strided:
                found.add(("storage", value.untyped_storage()._cdata))
        return found

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

    def _state(self, name: str) -> Any:
        """The value of a parameter, or of a buffer that the program does not write to."""
        assert self.program is not None
        signature = self.program.graph_signature
        written = {spec.target for spec in signature.output_specs
                   if spec.kind is not OutputKind.USER_OUTPUT}  # fmt: skip
        for spec in signature.input_specs:
            if spec.arg.name != name or spec.target is None or spec.target in written:
                continue
            known = {**self.program.constants, **self.program.state_dict}
            if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
                return known.get(spec.target, NotImplemented)
        return NotImplemented

    # ------------------------------------------------------------------ evaluating

    def is_foldable(self, node: Any) -> bool:
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

    def evaluate(self, node: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        with torch.no_grad():
            return node.target(*args, **kwargs)

    def largest_size(self, node: Any, value: Any, inputs: Sequence[Any]) -> int | None:
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

    def is_literal(self, value: Any) -> bool:
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
        if self._is_lifted(module):
            self.added_constants[path] = kept
        else:
            module.register_buffer(path, kept, persistent=False)
            module.meta[_OWN] = [*module.meta.get(_OWN, ()), path]
        return path

    def _is_lifted(self, module: Any) -> bool:
        """Whether the constants of a graph are inputs that come with an exported program."""
        return self.program is not None and module.graph is getattr(self, "root_graph", None)

    def _is_taken(self, module: Any, path: str) -> bool:
        if not self._is_lifted(module):
            return hasattr(module, path)
        assert self.program is not None
        taken = {**self.program.constants, **self.program.state_dict, **self.added_constants}
        nodes = {node.name for node in module.graph.nodes}
        return path in taken or f"c_{path}" in nodes or path in nodes

    def create_constant(self, module: Any, path: str, before: Any) -> Any:
        graph = module.graph
        if not self._is_lifted(module):
            with graph.inserting_before(before):
                return graph.get_attr(path)
        # Inputs that come with the program stand before those of its users.
        assert self.program is not None
        users = set(self.program.graph_signature.user_inputs)
        inputs = graph.find_nodes(op="placeholder")
        first = next((n for n in inputs if n.name in users), before)
        with graph.inserting_before(first):
            node = graph.placeholder(f"c_{path}")
        self._constants[node.name] = path
        return node

    def unstore(self, module: Any, path: str) -> None:
        if self._is_lifted(module):
            return  # the program's host drops what no input names
        owner = module
        if isinstance(getattr(owner, path, None), torch.Tensor):
            delattr(owner, path)
            own = [each for each in module.meta.get(_OWN, ()) if each != path]
            module.meta[_OWN] = own

    def create_copy(self, graph: Any, node: Any) -> Any:
        if not isinstance(node, fx.Node) or node.op not in ("get_attr", "placeholder"):
            raise GraphError(f"node '{node.name}' is no constant to copy")
        copy = graph.call_function(_ATEN.clone.default, (node,))
        copy.meta[self.key] = node.meta.get(self.key)
        copy.meta["torch_fn"] = ("clone_0", "OpOverload.clone.default")
        return copy
