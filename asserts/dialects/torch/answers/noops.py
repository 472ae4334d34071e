"""Operations of torch's that do nothing, and elementwise ones that can write elsewhere.

An operation does nothing where its result certainly is its argument: same values to the bit,
same sizes, strides, dtype and device. What torch only believes of sizes (at least 2) plays no
part: the tables have operations that keep the sizes whatever they are.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import fx

from asserts.dialects.interfaces import NoOp
from shapes.expr import IntExpr

if TYPE_CHECKING:
    from asserts.dialects.torch.symbols.shape_env import TorchEnv

__all__ = ["TorchNoOps"]

_ATEN: Final = torch.ops.aten
_POINTWISE: Final = torch.Tag.pointwise
_Rule = Callable[[Any, torch.Tensor, torch.Tensor], "NoOp | None"]


class TorchNoOps:
    """What may go, and buffers: a part of what the passes over memory ask."""

    def __init__(self, symbols: TorchEnv, key: str) -> None:
        self._symbols = symbols
        self._key = key

    def no_op_of(self, node: fx.Node) -> NoOp | None:
        rule = _RULES.get(node.target) if node.op == "call_function" else None
        value = node.meta.get(self._key)
        source = node.args[0] if node.args else None
        if rule is None or not isinstance(source, fx.Node):
            return None
        if node.meta.get("unbacked_bindings"):
            return None
        given = source.meta.get(self._key)
        if not isinstance(value, torch.Tensor) or not isinstance(given, torch.Tensor):
            return None
        found = rule(node, value, given)
        if found is None:
            return None
        own = found.source.meta.get(self._key)
        if not isinstance(own, torch.Tensor) or not _alike(value, own):
            return None
        # A caller's tensor may lie in memory in another way than the example did. Without
        # the copy, what depends on that would see it.
        if found.copies and not _is_new(found.source) and _layout_matters(node):
            return None
        return found

    # ------------------------------------------------------------------ buffers

    def buffer_of(self, node: fx.Node) -> tuple[Any, ...] | None:
        target, value = node.target, node.meta.get(self._key)
        if not isinstance(target, torch._ops.OpOverload) or not _makes_new(target):
            return None
        if not isinstance(value, torch.Tensor) or value.layout is not torch.strided:
            return None
        form = [self._exact(n) for n in (*value.size(), *value.stride())]
        if any(part is None for part in form) or value.storage_offset() != 0:
            return None
        return (*form, value.dtype, value.device)

    def _exact(self, number: object) -> IntExpr | None:
        from asserts.dialects.torch.answers.graph import is_exact_size

        found = self._symbols.value_of(number)
        return found if isinstance(found, IntExpr) and is_exact_size(found) else None

    def can_write_into(self, node: fx.Node) -> bool:
        if self.buffer_of(node) is None or _layout_matters(node):
            return False
        return _writing(node) is not None

    def may_overwrite(self, operand: Any, buffer: Any) -> bool:
        """Element by element, so only where each element is read where it is written."""
        at = operand
        while at is not buffer:
            if at.target not in _PLAIN_VIEWS or not isinstance(at.args[0], fx.Node):
                return False
            at = at.args[0]
        a, b = operand.meta.get(self._key), buffer.meta.get(self._key)
        tensors = isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)
        return tensors and _alike(a, b) and _text(a.storage_offset()) == 0

    def write_into(self, node: fx.Node, buffer: object) -> None:
        target = _writing(node)
        assert target is not None
        node.target = target
        node.kwargs = {**node.kwargs, target._schema.arguments[-1].name: buffer}


def _is_new(node: fx.Node) -> bool:
    """Whether a result is new memory, which an operation makes without gaps."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return False
    vague = torch.Tag.maybe_aliasing_or_mutating in target.tags
    shares = any(result.alias_info is not None for result in target._schema.returns)
    return not shares and not vague and target is not _ATEN._unsafe_view.default


def _layout_matters(node: fx.Node) -> bool:
    """Whether something that is made of a node works only for some layouts in memory, or
    depends on it."""
    worklist, seen = list(node.users), set()
    while worklist:
        user = worklist.pop()
        if user in seen or user.op == "output":
            continue
        seen.add(user)
        target = user.target
        if not isinstance(target, torch._ops.OpOverload):
            return True
        if target in _BY_LAYOUT and not _keeps_sizes(user):
            return True
        if any(result.alias_info is not None for result in target._schema.returns):
            worklist += user.users
    return False


def _keeps_sizes(node: fx.Node) -> bool:
    """Whether a view to given sizes has those already, which any layout allows."""
    if node.target not in (_ATEN.view.default, _ATEN._unsafe_view.default):
        return False
    value, given = node.meta.get("val"), node.args[0].meta.get("val")
    tensors = isinstance(value, torch.Tensor) and isinstance(given, torch.Tensor)
    return tensors and _reshaped(node, value, given) is not None


_BY_LAYOUT: Final = frozenset(
    [_ATEN.view.default, _ATEN.view.dtype, _ATEN._unsafe_view.default,
     _ATEN.as_strided.default, _ATEN.sym_stride.int, _ATEN.sym_storage_offset.default,
     _ATEN.view_as_complex.default,
     _ATEN.view_as_real.default]
)  # fmt: skip
_PLAIN_VIEWS: Final = frozenset(
    [_ATEN.view.default, _ATEN.slice.Tensor, _ATEN.transpose.int, _ATEN.permute.default,
     _ATEN.t.default, _ATEN.alias.default]
)  # fmt: skip


def _makes_new(target: Any) -> bool:
    """Whether an elementwise operator always returns new memory."""
    schema = target._schema
    shares = any(result.alias_info is not None for result in schema.returns)
    vague = torch.Tag.maybe_aliasing_or_mutating in target.tags
    plain = target.namespace == "aten" and len(schema.returns) == 1
    return plain and _POINTWISE in target.tags and not (shares or vague or schema.is_mutable)


def _writing(node: fx.Node) -> Any:
    """The variant of an operator that writes into a given tensor."""
    target = node.target
    packet = getattr(_ATEN, target._schema.name.partition("::")[2], None)
    if packet is None or torch.Tag.nondeterministic_seeded in target.tags:
        return None
    wanted = [(a.name, str(a.type)) for a in target._schema.arguments]
    for name in packet.overloads():
        variant = getattr(packet, name)
        *own, last = variant._schema.arguments or [None]
        is_out = last is not None and last.is_out and variant._schema.is_mutable
        if is_out and [(a.name, str(a.type)) for a in own] == wanted:
            return variant
    return None


# --------------------------------------------------------------------------- the rules


def _alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Same dtype, device, sizes, strides, offset, as they are written."""
    if a.dtype != b.dtype or a.device != b.device or a.layout != b.layout:
        return False
    if a.layout is not torch.strided or a.dim() != b.dim():
        return False
    pairs = [*zip(a.size(), b.size()), *zip(a.stride(), b.stride())]
    return all(_text(x) == _text(y) for x, y in pairs)


def _text(number: object) -> Any:
    return number.node._expr if isinstance(number, torch.SymInt) else number


def _argument(node: fx.Node, index: int, name: str, default: object = None) -> Any:
    if len(node.args) > index:
        return node.args[index]
    return node.kwargs.get(name, default)


def _kept_format(node: fx.Node) -> bool:
    return node.kwargs.get("memory_format") in (None, torch.preserve_format)


def _copy(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
    return NoOp(node.args[0], "a copy", copies=True) if _kept_format(node) else None


def _cast(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
    copied = node.kwargs.get("copy") or any(a is True for a in node.args[1:])
    if copied or not _kept_format(node):
        return None
    return NoOp(node.args[0], "dtype and device stay")


def _itself(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
    return NoOp(node.args[0], "the tensor itself")


def _contiguous(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
    """Contiguous by what made it: nothing checks how a caller's tensor lies in
    memory."""
    source = node.args[0]
    if node.kwargs or source.target is not node.target or source.kwargs:
        return None
    return NoOp(source, "contiguous already")


def _reshaped(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
    """Only with sizes that are written out: -1 fails where nothing is left to divide."""
    sizes = node.args[1] if len(node.args) > 1 else None
    if not isinstance(sizes, (list, tuple)) or len(sizes) != given.dim():
        return None
    for size, own in zip(sizes, given.size()):
        stated = size.meta.get("val") if isinstance(size, fx.Node) else size
        if (isinstance(stated, int) and stated < 0) or _text(stated) != _text(own):
            return None
    return NoOp(node.args[0], "the shape stays")


def _sliced(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
    start, end = _argument(node, 2, "start"), _argument(node, 3, "end")
    everything = end is None or (isinstance(end, int) and end >= sys.maxsize)
    if start not in (None, 0) or not everything or _argument(node, 4, "step", 1) != 1:
        return None
    return NoOp(node.args[0], "the slice takes everything")


def _dropped(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
    return NoOp(node.args[0], "nothing is dropped") if node.args[2] is False else None


def _turned(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
    """Transpositions that end where they began."""
    at, axes = node, list(range(value.dim()))
    while isinstance(at, fx.Node) and at.target in _TURNS:
        order = _order(at, len(axes))
        axes = [order[axis] for axis in axes]
        at = at.args[0]
        if axes == sorted(axes):
            return NoOp(at, "the axes end up where they were")
    return None


_TURNS: Final = (_ATEN.transpose.int, _ATEN.permute.default, _ATEN.t.default)


def _order(node: fx.Node, rank: int) -> list[int]:
    """The axes of the argument that the result has, in order."""
    axes = list(range(rank))
    if node.target is _ATEN.permute.default:
        return [axis % rank for axis in node.args[1]]
    first, second = node.args[1:3] if node.target is _ATEN.transpose.int else (0, -1)
    if rank > 1:
        axes[first], axes[second] = axes[second], axes[first]
    return axes


def _neutral(right: Callable[[Any, torch.dtype], bool], why: str) -> _Rule:
    def rule(node: fx.Node, value: torch.Tensor, given: torch.Tensor) -> NoOp | None:
        if len(node.args) != 2 or node.kwargs or type(node.args[1]) not in (int, float):
            return None
        if not right(node.args[1], given.dtype):
            return None
        return NoOp(node.args[0], why, copies=True)

    return rule


def _is_zero(e: object, dtype: torch.dtype) -> bool:
    # Adding 0 makes +0.0 of -0.0, so for floats it is not neutral; -0.0 is.
    if dtype.is_floating_point:
        return type(e) is float and e == 0 and math.copysign(1, e) < 0
    return type(e) is int and e == 0 and dtype is not torch.bool


def _is_positive_zero(e: object, dtype: torch.dtype) -> bool:
    plain = dtype is not torch.bool and not dtype.is_complex
    return bool(plain and e == 0 and math.copysign(1, e) > 0)


def _is_one(e: object, dtype: torch.dtype) -> bool:
    return e == 1 and dtype is not torch.bool and not dtype.is_complex


_RULES: Final[dict[Any, _Rule]] = {
    _ATEN.clone.default: _copy,
    _ATEN.lift_fresh_copy.default: _copy,
    _ATEN._to_copy.default: _copy,
    _ATEN.to.dtype: _cast,
    _ATEN.to.device: _cast,
    _ATEN.to.dtype_layout: _cast,
    _ATEN.contiguous.default: _contiguous,
    _ATEN.alias.default: _itself,
    _ATEN.view.default: _reshaped,
    _ATEN.reshape.default: _reshaped,
    _ATEN._unsafe_view.default: _reshaped,
    _ATEN.expand.default: _reshaped,
    _ATEN.slice.Tensor: _sliced,
    _ATEN.dropout.default: _dropped,
    _ATEN.transpose.int: _turned,
    _ATEN.permute.default: _turned,
    _ATEN.t.default: _turned,
    _ATEN.add.Tensor: _neutral(_is_zero, "adds nothing"),
    _ATEN.sub.Tensor: _neutral(_is_positive_zero, "subtracts nothing"),
    _ATEN.mul.Tensor: _neutral(_is_one, "times one"),
    _ATEN.div.Tensor: _neutral(_is_one, "divided by one"),
}
