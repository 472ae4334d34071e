"""Sizes that are certain of results whose stated values are not to be believed (see `loaded`).

They are followed from what is bound through the operations that keep, broadcast or drop sizes,
by what these do and not by what torch states of their results. Of any other operation nothing
is said.

Guarantees: whatever the sizes of the operands are, a result that the operation computes has
the size that is given here. Limits: one pass through the graph; only plain tensors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import fx

from asserts.dialects.base import Path
from shapes.expr import PRODUCT, SYMBOL, Expr, IntExpr, as_expr
from shapes.traversal import walk

if TYPE_CHECKING:
    from asserts.dialects.torch.answers.graph import TorchDialect

__all__ = ["certain_sizes", "is_exact_size"]

_ATEN: Final = torch.ops.aten

Sizes = list[Expr | None]
Found = dict[fx.Node, Sizes]

_UNCHANGED: Final = frozenset((
    "alias", "alias_copy", "clone", "contiguous", "cumsum", "cumprod", "detach", "dropout",
    "flip", "lift_fresh", "lift_fresh_copy", "log_softmax", "softmax", "sort", "to", "type_as",
    "_log_softmax", "_softmax", "_to_copy",
))  # fmt: skip
"""Operations whose result is as large as their first operand, besides pointwise ones."""


def certain_sizes(graph: fx.Graph, dialect: TorchDialect, unsure: set[fx.Node]) -> Found:
    """The sizes of the unsure tensors of a graph, as far as they are certain."""
    reader = _Sizes(dialect, unsure)
    for node in graph.nodes:
        if node in unsure and isinstance(node.meta.get(dialect.key), torch.Tensor):
            reader.found[node] = reader.of_unsure(node)
    return reader.found


class _Sizes:
    """One pass through a graph."""

    def __init__(self, dialect: TorchDialect, unsure: set[fx.Node]) -> None:
        self._dialect = dialect
        self._unsure = unsure
        self.found: Found = {}

    def of(self, node: fx.Node) -> Sizes | None:
        """The sizes of a tensor that was passed already; None for anything else."""
        if not isinstance(node, fx.Node):
            return None
        if node in self._unsure:
            return self.found.get(node)
        value = node.meta.get(self._dialect.key)
        if not isinstance(value, torch.Tensor):
            return None
        return [self._dialect.symbols.value_of(size) for size in value.shape]

    def of_unsure(self, node: fx.Node) -> Sizes:
        """Bound sizes first, then what the operation says."""
        rank = node.meta[self._dialect.key].dim()
        bound: Sizes = [self._bound(node, dim) for dim in range(rank)]
        if None not in bound:
            return bound
        rule = _rule_of(node.target)
        computed = None if rule is None or node.kwargs.get("out") else rule(self, node)
        if computed is None or len(computed) != rank:
            return bound
        return [own if own is not None else other for own, other in zip(bound, computed)]

    def _bound(self, node: fx.Node, dim: int) -> Expr | None:
        at = node
        path: Path = (("size", dim),)
        while True:
            for symbol, place in self._dialect.bindings(at).items():
                if place == path:
                    return symbol
            if at.target is not operator.getitem or not isinstance(at.args[0], fx.Node):
                return None
            at, path = at.args[0], (("item", at.args[1]), *path)


Rule = Callable[[_Sizes, Any], Sizes | None]


def _rule_of(target: object) -> Rule | None:
    if target is operator.getitem:
        return _item
    if not isinstance(target, torch._ops.OpOverload) or target.namespace != "aten":
        return None
    if target._opname in _UNCHANGED:
        return lambda sizes, node: sizes.of(node.args[0])
    if torch.Tag.pointwise in target.tags:
        return _broadcast
    return _RULES.get(target)


def _item(sizes: _Sizes, node: fx.Node) -> Sizes | None:
    """An item of what `where` gives: for every dimension as many indices as for the first."""
    source = node.args[0]
    if getattr(source, "target", None) is not _ATEN.where.default:
        return None
    counts: Sizes = [*sizes._dialect.bindings(source)]
    return counts[:1]


def _broadcast(sizes: _Sizes, node: fx.Node) -> Sizes | None:
    """Of all operands that are tensors: where only ones and one other size meet, that."""
    tensors = [a for a in node.all_input_nodes if _is_tensor(a, sizes._dialect.key)]
    operands = [sizes.of(a) for a in tensors]
    known = [operand for operand in operands if operand is not None]
    if len(known) != len(operands) or not known:
        return None
    rank = max(map(len, known))
    aligned: list[Sizes] = [[*[as_expr(1)] * (rank - len(one)), *one] for one in known]
    return [_joined(column) for column in zip(*aligned)]


def _joined(column: Sequence[Expr | None]) -> Expr | None:
    others = dict.fromkeys(size for size in column if size is not as_expr(1))
    if len(others) > 1:
        return None
    return next(iter(others), as_expr(1))


def _index(sizes: _Sizes, node: fx.Node) -> Sizes | None:
    """A mask or a list of indices in front: behind what it chooses the rest of the source."""
    source, indices = sizes.of(node.args[0]), node.args[1]
    if source is None or len(indices) != 1:
        return None
    value = indices[0].meta.get(sizes._dialect.key)
    if not isinstance(value, torch.Tensor):
        return None
    if value.dtype in (torch.bool, torch.uint8):
        return [None, *source[value.dim() :]]
    chosen = sizes.of(indices[0])
    return None if chosen is None else [*chosen, *source[1:]]


def _nonzero(sizes: _Sizes, node: fx.Node) -> Sizes | None:
    value = node.args[0].meta.get(sizes._dialect.key)
    return [None, as_expr(value.dim())] if isinstance(value, torch.Tensor) else None


def _slice(sizes: _Sizes, node: fx.Node) -> Sizes | None:
    """The other dimensions; of this one, what a slice from the front to an end has that is
    certainly not behind the last."""
    source = sizes.of(node.args[0])
    if source is None or node.kwargs:
        return None
    given = tuple(node.args)
    _, dim, start, end, step = given + _SLICE[len(given) :]
    found = list(source)
    size, found[dim] = found[dim], None
    front = start in (None, 0) and step == 1 and isinstance(end, int) and end >= 0
    if front and isinstance(size, IntExpr) and size.is_constant:
        found[dim] = as_expr(min(end, size.constant))
    return found


_SLICE: Final[tuple[Any, ...]] = (None, 0, None, None, 1)
"""The arguments of a slice that may be left out (and the tensor)."""


def _squeeze(sizes: _Sizes, node: fx.Node) -> Sizes | None:
    """Without dimensions that are certainly 1; nothing if one of them may be larger."""
    source = sizes.of(node.args[0])
    if source is None:
        return None
    dims = node.args[1] if isinstance(node.args[1], (list, tuple)) else [node.args[1]]
    dropped = {dim % len(source) for dim in dims}
    if any(source[dim] is not as_expr(1) for dim in dropped):
        return None
    return [size for dim, size in enumerate(source) if dim not in dropped]


def _unsqueeze(sizes: _Sizes, node: fx.Node) -> Sizes | None:
    source = sizes.of(node.args[0])
    if source is None:
        return None
    dim = node.args[1] % (len(source) + 1)
    return [*source[:dim], as_expr(1), *source[dim:]]


def _select(sizes: _Sizes, node: fx.Node) -> Sizes | None:
    source = sizes.of(node.args[0])
    if source is None:
        return None
    dim = node.args[1] % len(source)
    return [*source[:dim], *source[dim + 1 :]]


_RULES: Final[dict[Any, Rule]] = {
    _ATEN.index.Tensor: _index,
    _ATEN.nonzero.default: _nonzero,
    _ATEN.select.int: _select,
    _ATEN.slice.Tensor: _slice,
    _ATEN.squeeze.dim: _squeeze,
    _ATEN.squeeze.dims: _squeeze,
    _ATEN.unsqueeze.default: _unsqueeze,
}


def _is_tensor(node: fx.Node, key: str) -> bool:
    return isinstance(node.meta.get(key), torch.Tensor)


def is_exact_size(value: Expr) -> bool:
    """Whether a size that torch has derived is sure for inputs of size 0 and 1 too: torch
    thinks of at least 2, and subtracts or rounds accordingly."""
    if not isinstance(value, IntExpr):
        return False
    terms = value.terms()
    plain = all(part.op in (SYMBOL, PRODUCT) for term in terms for part in walk(term))
    return plain and value.constant >= 0 and min(terms.values(), default=1) > 0
