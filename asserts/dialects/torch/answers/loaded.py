"""Which stated values of a graph may be wrong, because a binding was lost when it was saved.

torch saves values as they are after what it has learned from checks: where a program checks
that the number which it reads equals ``x.shape[0]``, the saved number *is* ``x.shape[0]``,
and nothing says any more that it was read at run time. Who believes that finds the check to
be true. An input's size becomes an expression of other sizes in the same way. So the result
of an operation that depends on data is not believed where the graph does not bind its
symbols, nor an input with such a size, nor anything that is computed from them.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import fx

__all__ = ["lost_place", "unsure_nodes"]

_ATEN: Final = torch.ops.aten
_NUMBERS: Final = frozenset((_ATEN.item.default, _ATEN._local_scalar_dense.default))
_ROWS: Final = frozenset((_ATEN.nonzero.default, _ATEN.masked_select.default))
"""Operations that choose, as many as the first size of their result."""

_TAGS: Final = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
_UNTAGGED: Final = (
    "nonzero_numpy", "one_hot", "repeat_interleave", "tensor_split", "_pack_padded_sequence",
    "_pad_packed_sequence", "_padded_dense_to_jagged_forward",
)  # fmt: skip
"""Operations whose result has a shape that depends on data, though no tag says so."""


def lost_place(node: Any, key: str) -> tuple[tuple[Any, ...], ...] | None:
    """Where the result of a node that binds nothing has the number that depends on data: it
    is an integer itself, or one of its sizes; None where that is not known."""
    if node.op != "call_function":
        return None
    if node.target in _NUMBERS:
        value = node.meta.get(key)
        integer = isinstance(value, (int, torch.SymInt)) and not isinstance(value, bool)
        return () if integer else None
    if node.target in _ROWS:
        return (("size", 0),)
    if node.target is _ATEN.index.Tensor and _selects(node, key):
        indices = node.args[1]
        return (("size", 0),) if len(indices) == 1 else None
    return None


def unsure_nodes(graph: Any, key: str, loaded: bool) -> set[fx.Node]:
    """The nodes whose stated values are not to be believed.

    `loaded` says that the graph may come from a file; then custom and higher-order
    operations are not believed either, of which nothing is known.
    """
    found: set[fx.Node] = set()
    for node in graph.nodes:
        if node.op == "placeholder":
            lost = _has_derived_size(node, key)
        else:
            lost = node.op == "call_function" and _may_have_lost(node, key, loaded)
        if lost or any(source in found for source in node.all_input_nodes):
            found.add(node)
    return found


def _has_derived_size(node: Any, key: str) -> bool:
    """Whether an input's size is written as an expression of others: that is what an assert
    said when the program was saved, and torch does not look at it at entry where the others
    are sizes of inputs themselves."""
    value = node.meta.get(key)
    if not isinstance(value, torch.Tensor) or value.layout is not torch.strided:
        return False
    exprs = [size.node._expr for size in value.size() if isinstance(size, torch.SymInt)]
    return any(not expr.is_Symbol and not expr.is_number for expr in exprs)


def _may_have_lost(node: Any, key: str, loaded: bool) -> bool:
    if node.meta.get("unbacked_bindings"):
        return False
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        return loaded and isinstance(target, torch._ops.HigherOrderOperator)
    if target.namespace not in ("aten", "prims"):
        return loaded
    if target in (_ATEN.index.Tensor,):
        return _selects(node, key)
    return target._opname in _UNTAGGED or any(tag in target.tags for tag in _TAGS)


def _selects(node: Any, key: str) -> bool:
    """Whether one of the indices is a mask."""
    values = [a.meta.get(key) for a in node.args[1] if isinstance(a, fx.Node)]
    return any(
        not isinstance(v, torch.Tensor) or v.dtype in (torch.bool, torch.uint8) for v in values
    )
