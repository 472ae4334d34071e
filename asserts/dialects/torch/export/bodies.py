"""A part of the user's code, traced as a graph of its own.

The code runs as it is, with the values that it finds; what it computes goes into a graph
whose inputs are the tensors and numbers of the trace around it. (torch's tracer knows a tensor
by its identity, so the code need not be told what its inputs are.)

A tensor from outside that the code writes to is copied first and is an output: the program
around writes it back. So the graph changes nothing, as torch wants it of the bodies of
`torch.cond` and `while_loop`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import torch
from torch import fx
from torch._higher_order_ops.utils import reenter_make_fx
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx.experimental.proxy_tensor import (
    _temp_remove_metadata_torch_function_mode,
    _temp_remove_pre_dispatch_torch_function_mode,
    disable_proxy_modes_tracing,
)
from torch.utils import _pytree as pytree

__all__ = [
    "Body", "InfeasibleError", "Key", "Operands", "is_written", "storage_of", "writes_after",
]  # fmt: skip

_ATEN: Final = torch.ops.aten

Key = Any
"""What names an input of a body."""

_REFUSED: Final = frozenset((
    "set_", "resize_", "resize_as_", "as_strided", "as_strided_", "set_data", "resize",
))  # fmt: skip
"""Operations that see how a tensor lies in memory, or change that."""


class InfeasibleError(Exception):
    """Code that cannot be a graph of its own; the text says why."""


class Operands:
    """Everything that the graph of a tracer has so far, as inputs of a graph within."""

    def __init__(self, tracer: Any) -> None:
        self.values: list[Any] = []
        self._places: dict[int, int] = {}
        for tensor in list(tracer.tensor_tracker.keys()):
            self._add(tensor)
        known = set()
        for node in list(tracer.symnode_tracker.sym_node_dict):
            if node._expr.is_symbol and node._expr not in known:
                known.add(node._expr)
                kind = {int: torch.SymInt, float: torch.SymFloat}.get(node.pytype)
                if kind is not None:
                    self._add(kind(node))

    def _add(self, value: Any) -> None:
        self._places.setdefault(id(value), len(self.values))
        self.values.append(value)

    def place_of(self, value: Any) -> int | None:
        """The number of an operand; None for another value."""
        return self._places.get(id(value))


def storage_of(value: Any) -> int | None:
    """What tensors have in common that are views of each other."""
    if not isinstance(value, torch.Tensor):
        return None
    try:
        return int(value.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # (sparse tensors, say)
        return None


def is_written(node: fx.Node) -> Iterator[Any]:
    """The arguments that a node writes to."""
    schema = getattr(node.target, "_schema", None)
    if node.op != "call_function" or schema is None or not schema.is_mutable:
        return
    named = {**dict(zip((one.name for one in schema.arguments), node.args)), **node.kwargs}
    for formal in schema.arguments:
        if formal.alias_info is not None and formal.alias_info.is_write:
            yield from (n for n in pytree.tree_leaves(named.get(formal.name)) if n is not None)


def writes_after(graph: fx.Graph, last: Any, storages: set[int]) -> bool:
    """Whether a node behind `last` (None: any) writes to one of the storages."""
    node = graph._root.next if last is None else last.next
    while node.op != "root":
        for one in is_written(node):
            found = storage_of(one.meta.get("val")) if isinstance(one, fx.Node) else None
            if found in storages:
                return True
        node = node.next
    return False


class Body:
    """The graph of a function without arguments, its results (`result`, a tree), and what it
    writes to (`written`, as keys).

    The keys of inputs are the numbers of operands; constants of the body have keys of their
    own, with the tensors in `constants`.
    """

    def __init__(self, function: Callable[[], Any], operands: Operands) -> None:
        self.operands = operands
        self.result: Any = None
        leaves: list[Any] = []

        def traced(*_: Any) -> Any:
            self.result = function()
            leaves.extend(pytree.tree_leaves(self.result))
            return tuple(one for one in leaves if isinstance(one, torch.Tensor))

        with (
            disable_proxy_modes_tracing(),
            _temp_remove_pre_dispatch_torch_function_mode(),
            _temp_remove_metadata_torch_function_mode(),
        ):
            self.module: fx.GraphModule = reenter_make_fx(traced)(*operands.values)
        self.graph = self.module.graph
        inputs = self.graph.find_nodes(op="placeholder")
        self._inputs: dict[Key, fx.Node] = dict(enumerate(inputs))
        self.constants: dict[Key, Any] = {}
        self._lift_constants()
        self._output = self.graph.output_node()
        tensors = [one for one in leaves if isinstance(one, torch.Tensor)]
        self._of_leaf = dict(zip(map(id, tensors), self._output.args[0]))
        self._require_plain()
        self.written = self._find_written()

    def _lift_constants(self) -> None:
        """Tensors that the body has of its own become inputs."""
        start = self._start()
        for node in list(self.graph.find_nodes(op="get_attr")):
            value: Any = self.module
            for part in str(node.target).split("."):
                value = getattr(value, part)
            if not isinstance(value, torch.Tensor):
                continue
            if isinstance(value, FakeTensor):
                raise InfeasibleError("it uses a tensor that the trace around does not know")
            with self.graph.inserting_before(start):
                made = self.graph.placeholder(f"constant_{len(self.constants)}")
            made.meta = {**node.meta, "val": node.meta.get("val", value)}
            if start is node:
                start = node.next
            node.replace_all_uses_with(made)
            self.graph.erase_node(node)
            key = (id(self), len(self.constants))
            self.constants[key], self._inputs[key] = value, made

    def _start(self) -> fx.Node:
        return next(n for n in self.graph.nodes if n.op != "placeholder")

    def _require_plain(self) -> None:
        for node in self.graph.nodes:
            if not isinstance(node.target, torch._ops.OpOverload):
                continue
            name = node.target._schema.name.split("::")[-1]
            views = torch.Tag.inplace_view in node.target.tags
            if name in _REFUSED or (views and name != "detach_"):
                raise InfeasibleError(f"it uses `{name}`")

    def _value(self, key: Key) -> Any:
        return self.operands.values[key] if isinstance(key, int) else self.constants[key]

    def _find_written(self) -> list[Key]:
        """The operands that nodes write to; each has to be all that is used of its memory."""
        storages = dict.fromkeys(
            storage_of(one.meta.get("val"))
            for node in self.graph.nodes for one in is_written(node)
            if isinstance(one, fx.Node)
        )  # fmt: skip
        written: list[Key] = []
        for storage in storages:
            if storage is None:
                raise InfeasibleError("it writes to a tensor of which nothing is known")
            keys = [key for key in self.used if storage_of(self._value(key)) == storage]
            if any(key in self.constants for key in keys):
                raise InfeasibleError("it writes to a constant")
            if len(keys) > 1:
                raise InfeasibleError("it writes to a tensor of which it uses another view")
            written += keys
        return written

    @property
    def used(self) -> list[Key]:
        """The inputs that the graph needs."""
        return [key for key, node in self._inputs.items() if node.users]

    def is_outer(self, value: Any) -> bool:
        """Whether a tensor is not the body's own, but one from outside or a view of one."""
        storage = storage_of(value)
        outer = (*self.operands.values, *self.constants.values())
        return storage is None or any(storage_of(one) == storage for one in outer)

    def finish(
        self, inputs: Sequence[Key], results: Sequence[Any], written: Sequence[Key]
    ) -> list[bool]:
        """Give the graph its `inputs` in order, and its outputs: `results`, and what is then
        in the inputs that are `written`. Says of each result whether it is a copy of something
        that is elsewhere, too."""
        start = self._start()
        new: dict[fx.Node, fx.Node] = {}
        with self.graph.inserting_before(start):
            made = [self.graph.placeholder(f"operand_{k}") for k in range(len(inputs))]
            for key, node in zip(inputs, made):
                old = self._inputs.get(key)
                if old is not None:
                    node.meta = dict(old.meta)
                    new[old] = node
            copies = [_copy(self.graph, made[inputs.index(key)]) for key in written]
        for old, node in new.items():
            old.replace_all_uses_with(node)
        for key, copy in zip(written, copies):
            node = made[inputs.index(key)]
            node.replace_all_uses_with(copy, delete_user_cb=lambda user, c=copy: user is not c)
            new[self._inputs[key]] = copy
        outputs, copied = self._outputs(results, new)
        self._output.args = ((*outputs, *copies),)
        for node in self._inputs.values():
            self.graph.erase_node(node)
        self.module.recompile()
        return copied

    def _outputs(
        self, results: Sequence[Any], new: dict[fx.Node, fx.Node]
    ) -> tuple[list[fx.Node], list[bool]]:
        storages = [storage_of(value) for value in results]
        outputs, copied = [], []
        for value, storage in zip(results, storages):
            node = self._of_leaf[id(value)]
            node = new.get(node, node)
            shared = self.is_outer(value) or storages.count(storage) > 1
            with self.graph.inserting_before(self._output):
                outputs.append(_copy(self.graph, node) if shared else node)
            copied.append(shared)
        return outputs, copied


def _copy(graph: fx.Graph, node: fx.Node) -> fx.Node:
    made = graph.call_function(_ATEN.clone.default, (node,))
    made.meta = {k: v for k, v in node.meta.items() if k in ("val", "tensor_meta")}
    return made
