"""Numbers that are read from a model's parameters and buffers: a choice among what to trace.

``if self.ready`` and ``range(int(self.steps))`` depend on data, but on data that the model
brings along. Nothing implies what they are when the program runs; so what is asked is answered
by what they are while it is traced, and that answer is checked in the graph.

Guarantees: the nodes from the buffer to the number are evaluated as `constant` does it; only
the condition that was asked is checked, not the value behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import torch
from torch import fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.dialects.torch.symbols.constant import evaluated
from shapes.expr import BoolExpr, Expr, IntExpr, as_condition, conjunction, make, negation
from shapes.traversal import defined, evaluate, free_symbols

if TYPE_CHECKING:
    from asserts.dialects.torch.symbols.growing import GrowingEnv

__all__ = ["answer_by_buffers", "remembering_buffers"]

Fakes = Mapping[int, tuple[str, "ReferenceType[torch.Tensor]"]]

_BUFFERS: WeakKeyDictionary[TorchShapeEnv, Fakes] = WeakKeyDictionary()
"""Names and tensors, by the storage of the tensor without data that stands for each."""


def remembering_buffers(original: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """torch's `_fakify_params_buffers`, with a memory of what stands for what."""

    def fakify(fake_mode: Any, module: Any) -> Any:
        fakes = original(fake_mode, module)
        tensors = {**dict(module.named_parameters(remove_duplicate=False)),
                   **dict(module.named_buffers(remove_duplicate=False))}  # fmt: skip
        if fake_mode.shape_env is not None:
            _BUFFERS[fake_mode.shape_env] = {
                _storage(fakes[name]): (name, ref(tensor))
                for name, tensor in tensors.items()
                if name in fakes
            }
        return fakes

    return fakify


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def answer_by_buffers(symbols: GrowingEnv, asked: Expr) -> tuple[Any, BoolExpr, str] | None:
    """The answer that the model's own tensors give to what is asked, the check that it needs,
    and their names; None if other data have a say, or it has no value."""
    if symbols.source is None or not isinstance(asked, (BoolExpr, IntExpr)):
        return None
    values: dict[Expr, Any] = {}
    names: dict[str, None] = {}
    for symbol in free_symbols(asked):
        node = symbols.read_by.get(symbol)
        found = None if node is None else _value_of(node, _BUFFERS.get(symbols.source, {}))
        if found is None:
            return None
        values[symbol] = int(found[0]) if symbol.kind == "int" else found[0]
        names.update(dict.fromkeys(found[1]))
    domain = defined(asked)
    if not names or evaluate(domain, values) is not True:
        return None
    answer = evaluate(asked, values)
    if isinstance(asked, IntExpr):
        claim = as_condition(make("Eq", asked, answer))
    else:
        claim = asked if answer else negation(asked)
    return answer, conjunction(domain, claim), ", ".join(names)


def _value_of(node: fx.Node, known: Fakes) -> tuple[Any, list[str]] | None:
    """What a node reads, if that is computed from the model's tensors, and which."""
    held: dict[fx.Node, torch.Tensor] = {}
    names: list[str] = []
    for source, name, tensor in _own_tensors(node.graph, known):
        held[source] = tensor
        names.append(name)
    used: list[fx.Node] = []
    found = evaluated(node, "val", held, used)
    return None if found is None else (found, [n for s, n in zip(held, names) if s in used])


def _own_tensors(graph: fx.Graph, known: Fakes) -> Iterator[tuple[fx.Node, str, torch.Tensor]]:
    for node in graph.nodes:
        if node.op != "placeholder":
            break  # (these come first)
        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor) or value.layout is not torch.strided:
            continue
        name, tensor_of = known.get(_storage(value), ("", None))
        tensor = None if tensor_of is None else tensor_of()
        if tensor is not None and tensor.shape == value.shape:
            yield node, name, tensor
