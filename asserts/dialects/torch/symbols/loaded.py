"""Which values that a graph states must not be believed, because a check may have made them.

What torch learns from a check it puts into the values of nodes, also of those before the
check. Where a program checks that it has chosen 12 rows, their number *is* 12 from then on, in
every value that torch computes later (for a node of its insertion pass, when a program is
traced again) and in all values once the program is saved; where it checks that a number which
it reads equals ``x.shape[0]``, that number is ``x.shape[0]``. Nothing says any more that it
was read at run time. Who believes that finds the check to be true.

So a condition is read from the nodes that compute it down to what is bound: sizes of inputs,
and what an operation chooses at run time. Where torch has dropped a binding it is found again,
by its symbol (in memory) or by its operation (in a file). What is computed from a value for
which torch has put another one is not believed at all; `sizes` says what is certain of it
nevertheless.

Guarantees: a stated value that is believed is computed, by torch, from values that are bound
or constant, none of which has been replaced. In a file that rests on the list of operations
whose results have a shape that depends on data (a test compares it with what they do).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import sympy
import torch
from torch import fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.utils._sympy.symbol import SymT, symbol_is_type

__all__ = ["Doubts", "is_unbacked", "lost_place"]

_ATEN: Final = torch.ops.aten
_NUMBERS: Final = frozenset((_ATEN.item.default, _ATEN._local_scalar_dense.default))
_ROWS: Final = frozenset(
    (_ATEN.nonzero.default, _ATEN.masked_select.default, _ATEN.argwhere.default)
)
"""Operations that choose, as many as the first size of their result."""

_SLICES: Final = frozenset((_ATEN.slice.Tensor, _ATEN.slice_copy.Tensor))
"""Operations that choose along the dimension that they are given, by numbers."""

_SYMBOLIC: Final = (torch.SymInt, torch.SymFloat, torch.SymBool)
_TAGS: Final = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)
_UNTAGGED: Final = frozenset((
    "argwhere", "combinations", "nonzero_numpy", "one_hot", "repeat_interleave",
    "tensor_split", "where", "_pack_padded_sequence", "_pad_packed_sequence",
    "_padded_dense_to_jagged_forward", "to_sparse", "_to_sparse", "coalesce", "_coalesce",
    "_indices", "_values", "indices", "values", "_nnz",
))  # fmt: skip
"""Operations whose result has a shape that depends on data, though no tag says so."""

Path = tuple[tuple[Any, ...], ...]


def lost_place(node: fx.Node, key: str) -> Path | None:
    """Where the result of a node that binds nothing has the number that depends on data: it
    is a number itself, or one of its sizes; None where that is not known."""
    if node.op != "call_function":
        return None
    if node.target in _NUMBERS:
        return _place_of_number(node, key)
    if node.target in _ROWS:
        return (("size", 0),)
    if node.target is _ATEN.where.default:
        return (("item", 0), ("size", 0))
    if node.target is _ATEN.index.Tensor and _selects(node, key):
        indices = node.args[1]
        return (("size", 0),) if len(indices) == 1 else None
    if node.target in _SLICES and _slices_at_run_time(node, key):
        return (("size", _sliced(node, key)),)
    return None


def _place_of_number(node: fx.Node, key: str) -> Path | None:
    """A number as it is, a condition as 0 or 1."""
    value = node.meta.get(key)
    if isinstance(value, (bool, torch.SymBool)):
        return (("int",),)
    return () if isinstance(value, (int, float, torch.SymInt, torch.SymFloat)) else None


class Doubts:
    """What is not to be believed of one program, whose graph modules are given, outer ones
    first.

    `unsure` are the nodes whose stated values are not to be believed; `implied` the symbols
    that a node certainly binds though it does not say so, with their places. `loaded` says
    that the program may come from a file: then it is unknown what torch has replaced, and
    custom and higher-order operations are not believed either, of which nothing is known.
    """

    def __init__(self, modules: list[Any], key: str, source: TorchShapeEnv | None) -> None:
        self._key = key
        self.loaded = source is None or not source.var_to_sources
        self._replaced = _Replaced(None if self.loaded else source)
        self.unsure: set[fx.Node] = set()
        self.implied: dict[fx.Node, dict[sympy.Symbol, Path]] = {}
        graphs = [module.graph for module in modules]
        self._inner = set(graphs[1:])
        if not self.loaded:
            for graph in graphs:
                self._find_implied(graph)
        origins = {graph: self._origins(graph) for graph in graphs}
        inner = any(origins[graph] for graph in graphs[1:])
        for index, graph in enumerate(graphs):
            # What goes into a nested graph, and what comes out, is only followed as a whole.
            outer = bool(index and self.unsure)
            self._spread(graph, origins[graph], inner, outer)

    def is_inner_input(self, node: fx.Node) -> bool:
        """Whether a node is an input of a nested graph of which it is not known whether it
        still has its own sizes."""
        if node.graph not in self._inner or node not in self.unsure:
            return False
        numbers = [number for number, _ in _numbers(node.meta.get(self._key))]
        return self.loaded or any(self._replaced.is_image(number) for number in numbers)

    # ------------------------------------------------------------------ bindings

    def _find_implied(self, graph: fx.Graph) -> None:
        """A symbol that stands somewhere for the first time, and that torch puts nowhere for
        something else, is bound there."""
        named = self._replaced.named
        seen: set[Any] = set()
        for node in graph.nodes:
            stated = node.meta.get("unbacked_bindings") or {}
            seen.update(map(named, stated))
            numbers = list(_numbers(node.meta.get(self._key)))
            if node.op == "call_function" and not stated and not _is_call(node):
                for number, path in numbers:
                    symbol, place = _unbacked_at(number, path)
                    known = symbol is None or named(symbol) in seen
                    if not known and named(symbol) not in self._replaced.images:
                        self.implied.setdefault(node, {}).setdefault(symbol, place)
            for number, _ in numbers:
                seen.update(map(named, number.node._expr.free_symbols))

    # ------------------------------------------------------------------ doubts

    def _origins(self, graph: fx.Graph) -> set[fx.Node]:
        """The nodes with a value that may have been replaced."""
        return {node for node in graph.nodes if self._is_origin(node)}

    def _is_origin(self, node: fx.Node) -> bool:
        value = node.meta.get(self._key)
        if any(self._replaced.touches(number) for number, _ in _numbers(value)):
            return True
        if node.op == "placeholder":
            return self.loaded and _has_derived_size(value)
        return node.op == "call_function" and self._may_have_lost(node)

    def _spread(
        self, graph: fx.Graph, origins: set[fx.Node], inner: bool, outer: bool
    ) -> None:
        for node in graph.nodes:
            doubtful = (
                node in origins
                or (outer and node.op == "placeholder")
                or (inner and _is_call(node))
                or any(source in self.unsure for source in node.all_input_nodes)
            )
            if doubtful:
                self.unsure.add(node)

    def _may_have_lost(self, node: fx.Node) -> bool:
        """Whether the result depends on data, and no binding says where."""
        if node.meta.get("unbacked_bindings") or node in self.implied:
            return False
        target = node.target
        if not isinstance(target, torch._ops.OpOverload):
            return self.loaded and isinstance(target, torch._ops.HigherOrderOperator)
        if target.namespace not in ("aten", "prims"):
            return self.loaded
        if target is _ATEN.index.Tensor:
            return _selects(node, self._key)
        if target in _SLICES:
            return self.loaded and _slices_at_run_time(node, self._key)
        if target._opname == "where":
            return target is _ATEN.where.default
        return target._opname in _UNTAGGED or any(tag in target.tags for tag in _TAGS)


class _Replaced:
    """What torch has put in place of symbols."""

    def __init__(self, source: TorchShapeEnv | None) -> None:
        self._renamed: Mapping[Any, Any] = {} if source is None else source.unbacked_renamings
        self._values: dict[Any, Any] = {}
        if source is not None:
            for symbol, value in source.replacements.items():
                if symbol not in self._renamed and not _both_sizes(symbol, value):
                    self._values[symbol] = value
        self.images: set[Any] = set()
        for value in self._values.values():
            self.images |= value.free_symbols

    def named(self, symbol: object) -> Any:
        """The symbol by the name that it was given first."""
        return self._renamed.get(symbol, symbol)

    def touches(self, number: Any) -> bool:
        """Whether torch has another value for a part of this one."""
        return any(self.named(s) in self._values for s in number.node._expr.free_symbols)

    def is_image(self, number: Any) -> bool:
        """Whether the number may stand for another one."""
        return any(self.named(s) in self.images for s in number.node._expr.free_symbols)


def _both_sizes(symbol: Any, value: Any) -> bool:
    """Two sizes of inputs that are equal: callers are held to that."""
    return value.is_Symbol and not is_unbacked(symbol) and not is_unbacked(value)


def is_unbacked(symbol: object) -> bool:
    """Whether the symbol is known only when the program runs."""
    return bool(symbol_is_type(symbol, (SymT.UNBACKED_INT, SymT.UNBACKED_FLOAT)))


def _numbers(value: object, path: Path = ()) -> Iterator[tuple[Any, Path]]:
    """The symbolic numbers in a value: itself, or sizes; with their places."""
    if isinstance(value, _SYMBOLIC):
        yield value, path
    elif isinstance(value, torch.Tensor) and value.layout is torch.strided:
        for dim, size in enumerate(value.size()):
            if isinstance(size, torch.SymInt):
                yield size, (*path, ("size", dim))
    elif isinstance(value, (tuple, list)):
        for index, one in enumerate(value):
            yield from _numbers(one, (*path, ("item", index)))


def _unbacked_at(number: Any, path: Path) -> tuple[Any, Path]:
    """The symbol that a number is, or whose being 1 it is; None for anything else."""
    written = number.node._expr
    if isinstance(number, torch.SymBool) and isinstance(written, sympy.Eq):
        symbol, one = written.args
        if symbol.is_Symbol and one == 1 and is_unbacked(symbol):
            return symbol, (*path, ("int",))
    if written.is_Symbol and is_unbacked(written):
        return written, path
    return None, path


def _is_call(node: fx.Node) -> bool:
    """Whether a node calls a nested graph."""
    return isinstance(node.target, torch._ops.HigherOrderOperator)


def _has_derived_size(value: object) -> bool:
    """Whether an input's size is written as an expression of others: that is what an assert
    said when the program was saved, and torch does not look at it at entry where the others
    are sizes of inputs themselves."""
    exprs = [number.node._expr for number, _ in _numbers(value)]
    return any(not expr.is_Symbol and not expr.is_number for expr in exprs)


def _selects(node: fx.Node, key: str) -> bool:
    """Whether one of the indices is a mask."""
    values = [a.meta.get(key) for a in node.args[1] if isinstance(a, fx.Node)]
    return any(
        not isinstance(v, torch.Tensor) or v.dtype in (torch.bool, torch.uint8) for v in values
    )


def _sliced(node: fx.Node, key: str) -> int:
    dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
    value = node.args[0].meta.get(key)
    rank = value.dim() if isinstance(value, torch.Tensor) else 0
    return int(dim) % rank if rank else int(dim)


def _slices_at_run_time(node: fx.Node, key: str) -> bool:
    """Whether torch may have had to make a symbol for how much is left: the ends are numbers
    that the graph computes, or what is cut is itself of a size that is only known then."""
    if any(isinstance(a, fx.Node) for a in (*node.args[1:], *node.kwargs.values())):
        return True
    value = node.args[0].meta.get(key)
    if not isinstance(value, torch.Tensor):
        return True
    size = value.shape[_sliced(node, key)] if value.dim() else 0
    symbols = size.node._expr.free_symbols if isinstance(size, torch.SymInt) else ()
    return any(map(is_unbacked, symbols))
