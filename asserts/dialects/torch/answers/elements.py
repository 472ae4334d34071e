"""Between which numbers the elements of a tensor are, because of what computes them.

``t.clamp(min=1).ceil()[0].item()`` is at least 1, or no number (NaN), which a clamp lets pass.

Guarantees: an end holds of every element whenever the nodes run; it is exact in the dtype of
the tensor, and nothing writes to a tensor on the way. Limits: ends that are numbers in the
graph, of floats and of 64-bit integers.
"""

from __future__ import annotations

import math
import operator
import struct
import sys
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import torch
from torch import fx

from asserts.dialects.torch.symbols.constant import MOST_NODES, is_written
from shapes.expr import Expr, make

__all__ = ["claims_of_read"]

_ATEN: Final = torch.ops.aten

_READS: Final = (_ATEN.item.default, _ATEN._local_scalar_dense.default)

_SELECTING: Final = frozenset((
    _ATEN.select.int, _ATEN.slice.Tensor, _ATEN.view.default, _ATEN.reshape.default,
    _ATEN.unsqueeze.default, _ATEN.squeeze.default, _ATEN.squeeze.dim, _ATEN.squeeze.dims,
    _ATEN.permute.default, _ATEN.transpose.int, _ATEN.t.default, _ATEN.expand.default,
    _ATEN.alias.default, _ATEN.detach.default, _ATEN.clone.default, _ATEN.contiguous.default,
    _ATEN.unbind.int, _ATEN.index.Tensor, _ATEN.flatten.using_ints, operator.getitem,
))  # fmt: skip
"""Operations whose elements are some of those of their first operand."""

_ROUNDING: Final = frozenset((
    _ATEN.ceil.default, _ATEN.floor.default, _ATEN.round.default, _ATEN.trunc.default,
))  # fmt: skip
"""Operations that keep the order, and leave integers as they are."""

_LARGEST: Final = sys.float_info.max
_SMALL: Final = 8
"""Integers up to this one are numbers of every dtype of floats."""


class _Ends(NamedTuple):
    lower: float | None = None
    upper: float | None = None


def claims_of_read(node: fx.Node, symbol: Expr, key: str) -> Iterator[Expr]:
    """What holds of the number that a node reads from a tensor."""
    if node.target not in _READS or symbol.kind not in ("int", "float"):
        return
    found = _ends(node.args[0], key, MOST_NODES)
    if symbol.kind == "int":
        if found.lower is not None:
            yield make("Ge", symbol, int(found.lower))
        if found.upper is not None:
            yield make("Le", symbol, int(found.upper))
        return
    # (Of NaN, no order holds.)
    if found.lower is not None:
        no_number = make("Not", make("Le", symbol, _LARGEST))
        yield make("Or", make("Ge", symbol, found.lower), no_number)
    if found.upper is not None:
        no_number = make("Not", make("Ge", symbol, -_LARGEST))
        yield make("Or", make("Le", symbol, found.upper), no_number)


def _ends(node: Any, key: str, most: int) -> _Ends:
    """The ends of the elements of a tensor (or of those of a list)."""
    if not isinstance(node, fx.Node) or node.op != "call_function" or not most:
        return _Ends()
    dtype = _dtype(node.meta.get(key))
    if dtype is None or not (dtype.is_floating_point or dtype is torch.int64):
        return _Ends()
    if is_written(node):
        return _Ends()
    if node.target in _SELECTING:
        return _ends(node.args[0], key, most - 1)
    if node.target in _ROUNDING:
        inner = _ends(node.args[0], key, most - 1)
        return _Ends(*(one if one is not None and one == int(one) else None for one in inner))
    lower, upper = _clamped(node)
    if not all(one is None or _is_exact(one, dtype) for one in (lower, upper)):
        return _Ends()  # (of two, the upper end counts where they are not in order)
    in_order = lower is None or upper is None or lower <= upper
    return _Ends(lower, upper) if in_order else _Ends()


def _dtype(value: Any) -> torch.dtype | None:
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    kinds = {one.dtype if isinstance(one, torch.Tensor) else None for one in values}
    return kinds.pop() if len(kinds) == 1 else None


def _clamped(node: fx.Node) -> tuple[Any, Any]:
    """The ends that an operation gives its result."""
    given = [*node.args[1:], None, None]
    if node.target is _ATEN.clamp.default:
        return node.kwargs.get("min", given[0]), node.kwargs.get("max", given[1])
    if node.target is _ATEN.clamp_min.default:
        return node.kwargs.get("min", given[0]), None
    if node.target is _ATEN.clamp_max.default:
        return None, node.kwargs.get("max", given[0])
    return (0, None) if node.target is _ATEN.relu.default else (None, None)


def _is_exact(end: Any, dtype: torch.dtype) -> bool:
    """Whether an end is a number that the dtype has."""
    if isinstance(end, bool) or not isinstance(end, (int, float)) or not math.isfinite(end):
        return False
    if not dtype.is_floating_point:
        return bool(end == int(end) and abs(end) < 1 << 62)
    if abs(end) > torch.finfo(dtype).max:
        return False
    if dtype is torch.float64:
        return float(end) == end
    if dtype is torch.float32:
        return bool(struct.unpack("f", struct.pack("f", end))[0] == end)
    return bool(end == int(end) and abs(end) <= _SMALL)
