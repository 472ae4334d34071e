"""Whose memory the results of torch's operations share, and what they write to.

The schema of an operator says both: ``Tensor(a) -> Tensor(a)`` shares, ``Tensor(a!)`` is
written to. Which views are certain and which only happen for some layouts is a table; where a
schema says too little (an operator that torch itself calls "maybe aliasing", `_unsafe_view`)
the table says more. A higher-order operator may share and write what the graphs it is given
do. Functions without a schema may return any of their arguments.

Where in a block of memory a tensor lies is known twice: by the slices that lead to it, and by
the interval of bytes between its first and its last element, from sizes, strides and offset,
symbolic ones included.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import fx
from torch.utils import _pytree as pytree

from asserts.dialects.interfaces import Alias, Slices
from asserts.dialects.torch.answers.noops import TorchNoOps
from asserts.graph.module import attribute_at
from shapes.expr import (
    IntConstant,
    IntExpr,
    as_expr,
    combine,
    constant,
    less,
    make,
    maximum,
    multiply,
    shift,
    where,
)

if TYPE_CHECKING:
    from asserts.dialects.torch.answers.signatures import TorchSignature
    from asserts.dialects.torch.symbols.shape_env import TorchEnv

__all__ = ["TorchMemory", "nodes_in"]

_ATEN: Final = torch.ops.aten
_MAYBE: Final = torch.Tag.maybe_aliasing_or_mutating
_LARGEST: Final = (1 << 63) - 1

_VIEWS: Final = frozenset(
    ["view", "slice", "select", "transpose", "t", "permute", "expand", "expand_as",
     "unsqueeze", "squeeze", "as_strided", "alias", "detach", "narrow", "unbind", "split",
     "chunk", "split_with_sizes", "tensor_split", "hsplit", "vsplit", "dsplit", "diagonal",
     "unfold", "view_as", "_unsafe_view", "_reshape_alias", "swapaxes", "swapdims", "movedim",
     "moveaxis", "mT", "mH", "numpy_T", "matrix_H", "adjoint", "real", "imag", "view_as_real",
     "view_as_complex", "unsafe_split", "lift_fresh"]
)  # fmt: skip
"""Operations whose result always is a view of their first argument."""

_UNDECLARED: Final = frozenset(["_unsafe_view", "type_as", "unsafe_split", "unsafe_chunk",
                                "unsafe_split_with_sizes"])  # fmt: skip
"""Operations that share memory though their schemas do not say so."""

_SEPARATE: Final = frozenset(
    ["cond", "while_loop", "map_impl", "scan", "associative_scan", "flex_attention",
     "auto_functionalized", "auto_functionalized_v2", "triton_kernel_wrapper_functional"]
)  # fmt: skip
"""Higher-order operators whose results are new memory, which torch makes sure of."""


def nodes_in(argument: object) -> Iterator[Any]:
    """The nodes in an argument, each once."""
    found: dict[Any, None] = {}
    fx.map_arg(argument, lambda node: found.setdefault(node))
    return iter(found)


class TorchMemory(TorchNoOps):
    """What the passes over memory ask of torch's graphs."""

    def __init__(self, symbols: TorchEnv, key: str, signature: TorchSignature) -> None:
        super().__init__(symbols, key)
        self._signature = signature

    @property
    def names_outputs(self) -> bool:
        """Two places of a signature must not name the same node."""
        return self._signature.program is not None

    def holds_memory(self, node: fx.Node) -> bool:
        if node.op == "output":
            return False
        if self._key not in node.meta:
            target = node.target
            is_op = isinstance(target, torch._ops.OpOverload)
            return not (is_op and not target._schema.returns)
        value = node.meta[self._key]
        return any(self.can_change(leaf) for leaf in pytree.tree_leaves(value))

    def can_change(self, value: object) -> bool:
        """(A graph module, a number or a structure of a result cannot be written to.)"""
        return isinstance(value, torch.Tensor)

    def identity_of(self, graph_module: fx.GraphModule, node: fx.Node) -> Hashable | None:
        """Parameters may be tied: what counts is the storage."""
        value = None
        if node.op == "get_attr":
            value = attribute_at(graph_module, node.target)
        elif node.op == "placeholder":
            value = self._signature.brought_along(node.name)
        if not isinstance(value, torch.Tensor) or value.layout is not torch.strided:
            return None
        return "storage", value.untyped_storage()._cdata

    # ------------------------------------------------------------------ aliases

    def aliases_of(self, node: fx.Node) -> Sequence[Alias]:
        target = node.target
        if target is operator.getitem:
            return _of_item(node)
        if target is torch.ops.higher_order._export_tracepoint:
            return [
                Alias(source, item=i) for i, value in enumerate(node.args)
                for source in nodes_in(value)
            ]  # fmt: skip
        if isinstance(target, torch._ops.OpOverload):
            return self._of_operator(node, target)
        if isinstance(target, torch._ops.HigherOrderOperator):
            if target.name() in _SEPARATE:
                return []
            return self._uncertain(node)
        if node.op == "call_method" and str(target).endswith("_") and target[:2] != "__":
            return [Alias(source) for source in nodes_in(node.args[:1])]
        if not self.holds_memory(node):
            return []
        return self._of_name(node)

    def _uncertain(self, node: fx.Node) -> list[Alias]:
        sources = [source for source in node.all_input_nodes if self.holds_memory(source)]
        return [Alias(source, certain=False) for source in sources]

    def _of_operator(self, node: fx.Node, target: Any) -> Sequence[Alias]:
        name = target._schema.name.partition("::")[2]
        if name in _UNDECLARED:
            certain = name in _VIEWS
            return [Alias(source, certain) for source in nodes_in(node.args[:1])]
        if _MAYBE in target.tags:
            return self._uncertain(node)
        returns = target._schema.returns
        found = []
        for parameter, given in _arguments(node, target):
            info = parameter.alias_info
            if info is None:
                continue
            certain = info.is_write or (name in _VIEWS and target.namespace == "aten")
            for i, result in enumerate(returns):
                shares = result.alias_info is not None and _meets(info, result.alias_info)
                item = i if len(returns) > 1 else None
                if shares:
                    found += [Alias(s, certain, item=item) for s in nodes_in(given)]
        return found

    def _of_name(self, node: fx.Node) -> Sequence[Alias]:
        """A function or method of torch's: what its operator of that name may do."""
        name = getattr(node.target, "__name__", str(node.target))
        packet = getattr(_ATEN, name, None)
        is_method = node.op == "call_method"
        if packet is None or not (is_method or getattr(torch, name, None) is node.target):
            return self._uncertain(node)
        overloads = [getattr(packet, each) for each in packet.overloads()]
        declared = any(
            result.alias_info is not None and not _is_written(op)
            for op in overloads for result in op._schema.returns
        )  # fmt: skip
        vague = name in _UNDECLARED or any(_MAYBE in op.tags for op in overloads)
        return self._uncertain(node) if declared or vague else []

    def mutated_by(self, node: fx.Node) -> Sequence[Any]:
        target = node.target
        if target is _ATEN.detach_.default:
            return []  # what is written is that no gradient is recorded
        if isinstance(target, torch._ops.OpOverload):
            written = [
                source for parameter, given in _arguments(node, target)
                if parameter.alias_info is not None and parameter.alias_info.is_write
                for source in nodes_in(given)
            ]  # fmt: skip
            return written or _statistics(node, target)
        if isinstance(target, torch._ops.HigherOrderOperator):
            return self._mutated_inside(node)
        if node.op == "call_method" and str(target).endswith("_") and target[:2] != "__":
            return list(nodes_in(node.args[:1]))
        if target is operator.setitem:
            return list(nodes_in(node.args[:1]))
        name = getattr(target, "__name__", "")
        in_place = name.startswith("i") and getattr(operator, name, None) is target
        in_place = in_place and name[1:] in dir(operator)
        if in_place or node.kwargs.get("inplace") is True or _ends_in_place(target):
            return list(nodes_in(node.args[:1]))
        return list(nodes_in(node.kwargs.get("out")))

    def _mutated_inside(self, node: fx.Node) -> Sequence[Any]:
        """All that a higher-order operator is given, if a graph of its writes to anything
        that was there before."""
        name = node.target.name()
        if "mutation" in name or name == "with_effects":
            return [s for s in node.all_input_nodes if self.holds_memory(s)]
        owner = node.graph.owning_module
        for source in node.all_input_nodes:
            graph_module = source.op == "get_attr" and getattr(owner, str(source.target), None)
            if not isinstance(graph_module, fx.GraphModule):
                continue
            if any(self.mutated_by(inner) for inner in graph_module.graph.nodes
                   if inner.op in ("call_function", "call_method")):  # fmt: skip
                return [s for s in node.all_input_nodes if self.holds_memory(s)]
        return []

    # ------------------------------------------------------------------ regions

    def slices_of(self, node: fx.Node) -> Slices | None:
        if node.target not in _SLICES or not node.args or node.kwargs:
            return None
        source, *rest = node.args
        value = source.meta.get(self._key) if isinstance(source, fx.Node) else None
        if not isinstance(value, torch.Tensor) or value.dim() == 0:
            return None
        dim = (rest[0] if rest else 0) % value.dim()
        size = self._size(value, dim)
        first = self._number(rest[1]) if len(rest) > 1 and rest[1] is not None else constant(0)
        last = self._number(rest[2]) if len(rest) > 2 and rest[2] is not None else None
        step = rest[3] if len(rest) > 3 else 1
        bound = self._bound(node.target, size, first, last, step)
        bounds = (*([None] * dim), bound)
        return Slices(source, bounds, node.target is not _ATEN.select.int)

    def _size(self, value: torch.Tensor, dim: int) -> IntExpr | None:
        from asserts.dialects.torch.answers.graph import is_exact_size

        size = self._number(value.size(dim))
        return size if size is not None and is_exact_size(size) else None

    def _bound(
        self, target: Any, size: IntExpr | None, first: IntExpr | None, last: IntExpr | None,
        step: object,
    ) -> tuple[IntExpr, IntExpr, IntExpr] | None:  # fmt: skip
        """What is selected lies between these; more may (an end beyond the axis)."""
        start = _from_front(first, size)
        if start is None or type(step) is not int or step < 1:
            return None
        if target is _ATEN.select.int:
            return start, shift(start, 1), constant(1)
        start = maximum(start, constant(0))
        if target is _ATEN.narrow.default:
            if last is None:
                return None
            return start, combine(1, start, 1, maximum(last, constant(0))), constant(1)
        stop = _from_front(last, size)
        stop = constant(_LARGEST) if stop is None else maximum(stop, constant(0))
        return start, stop, constant(step)

    def _number(self, argument: object) -> IntExpr | None:
        value = argument.meta.get(self._key) if isinstance(argument, fx.Node) else argument
        found = self._symbols.value_of(value)
        return found if isinstance(found, IntExpr) else None

    def span_of(self, node: fx.Node) -> tuple[IntExpr, IntExpr] | None:
        """The bytes of a block from the first element of a tensor to behind its last."""
        from asserts.dialects.torch.answers.graph import is_exact_size

        value = node.meta.get(self._key)
        if not isinstance(value, torch.Tensor) or value.layout is not torch.strided:
            return None
        if type(node.target) is not torch._ops.OpOverload:
            return None
        first = self._number(value.storage_offset())
        extent: Any = constant(1)
        for size, stride in zip(value.size(), value.stride()):
            length, step = self._number(size), self._number(stride)
            if length is None or step is None or not is_exact_size(length):
                return None
            if not is_exact_size(step):
                return None
            extent = make("Add", extent, multiply(step, shift(length, -1)))
        if first is None or not is_exact_size(first):
            return None
        width = as_expr(value.element_size())
        start, end = make("Mul", width, first), make("Mul", width, make("Add", first, extent))
        assert isinstance(start, IntExpr)
        assert isinstance(end, IntExpr)
        return start, end


def _from_front(index: IntExpr | None, size: IntExpr | None) -> IntExpr | None:
    """An index counted from the front."""
    if index is None or (isinstance(index, IntConstant) and index.constant >= 0):
        return index
    if size is None:
        return None
    counted = where(less(index, constant(0)), combine(1, index, 1, size), index)
    assert isinstance(counted, IntExpr)
    return counted


_SLICES: Final = (_ATEN.slice.Tensor, _ATEN.narrow.default, _ATEN.select.int)


# --------------------------------------------------------------------------- schemas


def _arguments(node: fx.Node, target: Any) -> Iterator[tuple[Any, Any]]:
    """The parameters of an operator that are given, with what they are given."""
    for i, parameter in enumerate(target._schema.arguments):
        if i < len(node.args):
            yield parameter, node.args[i]
        elif parameter.name in node.kwargs:
            yield parameter, node.kwargs[parameter.name]


def _meets(info: Any, other: Any) -> bool:
    """Whether two annotations name the same memory (``(a -> *)`` and a list of ``(a)``)."""
    names = (info.before_set | info.after_set, other.before_set | other.after_set)
    return bool(names[0] & names[1]) or "*" in names[0] or not names[1]


def _is_written(op: Any) -> bool:
    return bool(op._schema.is_mutable)


def _ends_in_place(target: object) -> bool:
    name = str(getattr(target, "__name__", ""))
    return name.endswith("_") and name[:1] != "_" and getattr(torch, name, None) is target


def _statistics(node: fx.Node, target: Any) -> list[Any]:
    """The running statistics that a normalisation in training mode writes to."""
    given = {parameter.name: value for parameter, value in _arguments(node, target)}
    named = "running_mean" in given and _MAYBE in target.tags
    if not named or not (given.get("training") or given.get("use_input_stats")):
        return []
    return [*nodes_in(given["running_mean"]), *nodes_in(given.get("running_var"))]


def _of_item(node: fx.Node) -> Sequence[Alias]:
    source, item = node.args
    if not isinstance(source, fx.Node):
        return [Alias(s, certain=False) for s in node.all_input_nodes]
    values = [source.meta.get(key) for key in ("val", "example_value")]
    if any(isinstance(value, torch.Tensor) for value in values):
        return [Alias(source, certain=False)]
    return [Alias(source, part=item if isinstance(item, (int, str)) else None)]
