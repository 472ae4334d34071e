"""What torch's operations ensure of the sizes and numbers that they give at run time.

Stated as facts that hold from the operation on: a number that is computed from sizes is what
its nodes compute (see `computed`), `narrow` gives the length it was asked for,
a slice is no longer than what it is taken from, a mask selects no more than it has elements,
and what is read from a clamped tensor is between its ends (`elements`). Sizes are used only
where they are sure (see `is_exact_size`), and scalars as the graph computes them, not as torch
has simplified them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import fx

from asserts.dialects.base import Path
from asserts.dialects.torch.answers.calls import CHOOSING
from asserts.dialects.torch.answers.elements import claims_of_read
from asserts.dialects.torch.symbols.computed import COMPUTED, NumberReader
from asserts.dialects.torch.symbols.enforced import CLAMPED, ENTRY
from shapes.expr import BoolExpr, Expr, as_condition, as_expr, make
from shapes.facts import EVERY_SIZE

if TYPE_CHECKING:
    from asserts.conditions.lift import Lifter
    from asserts.dialects.torch.answers.graph import TorchDialect

__all__ = ["guarantees"]

_ATEN: Final = torch.ops.aten

_NARROWING: Final = (_ATEN.narrow.default, _ATEN.narrow_copy.default)
_INDEXING: Final = (_ATEN.index.Tensor, _ATEN.index.Tensor_hacked_twin)


def guarantees(
    graph: fx.Graph, dialect: TorchDialect, bound: set[Expr] | None = None, entry: bool = True
) -> Iterator[tuple[BoolExpr, str]]:
    """What the nodes of a graph ensure of the symbols that they define, each with the name of
    what enforces it (see `enforced`).

    Of symbols that are `bound` before nothing is said, for what a later node ensures does not
    hold from the first one on; but all inputs of the program (`entry`) are there at once.
    """
    reader = _Reader(graph, dialect)
    numbers = NumberReader(dialect.symbols, dialect.value_of, dialect.key)
    bound = set() if bound is None else bound
    for node in graph.nodes:
        at_entry = entry and node.op == "placeholder"
        for symbol, path in dialect.bindings(node).items():
            if path in ((), (("int",),)) and symbol not in bound:
                computed = numbers.claim(node, symbol, path == ())
                if computed is not None:
                    yield computed, COMPUTED
            if not path and symbol not in bound:
                for claim in claims_of_read(node, symbol, dialect.key):
                    yield as_condition(claim), CLAMPED
            if path and (at_entry or symbol not in bound):
                for claim, who in reader.claims(node, symbol, path):
                    yield as_condition(claim), who
            bound.add(symbol)


class _Reader:
    """What the operations of one graph ensure."""

    def __init__(self, graph: fx.Graph, dialect: TorchDialect) -> None:
        self._graph = graph
        self._dialect = dialect
        self._lifter: Lifter | None = None

    def claims(self, node: fx.Node, symbol: Expr, path: Path) -> Iterator[tuple[Expr, str]]:
        """About a symbol that is read from the node's result."""
        kind, *where = path[-1]
        if kind in ("size", "offset"):
            at_entry = node.op == "placeholder"
            yield make("Ge", symbol, 0), ENTRY if at_entry else EVERY_SIZE
        if kind == "int":
            yield make("Ge", symbol, 0), "a conversion of a condition"
            yield make("Le", symbol, 1), "a conversion of a condition"
        if kind == "size" and node.op == "call_function":
            for claim in self._of_size(node, where[0], symbol):
                yield claim, str(node.target)

    def _of_size(self, node: fx.Node, dim: int, size: Expr) -> Iterator[Expr]:
        """About the size of a node's result in a dimension."""
        if node.target in _NARROWING:
            length = self._computed(node.args[3])
            if length is not None and dim == self._dim(node.args[1], node.args[0]):
                yield make("Eq", size, length)
        elif node.target is _ATEN.slice.Tensor:
            yield from self._of_slice(node, dim, size)
        else:
            most = _most(node, dim, self._dialect)
            if most is not None:
                yield make("Le", size, most)

    def _of_slice(self, node: fx.Node, dim: int, size: Expr) -> Iterator[Expr]:
        """No longer than the whole; as long as its ends say where they are ends in order,
        counted from the front."""
        if node.kwargs:
            return
        given = tuple(node.args)
        source, along, start, end, step = given + _SLICE[len(given) :]
        whole = self._dialect.size_of(source, dim)
        if whole is None or dim != self._dim(along, source):
            return
        yield make("Le", size, whole)
        first = self._computed(0 if start is None else start)
        last = whole if end is None else self._computed(end)
        if first is None or last is None or step != 1:
            return
        outside = [make("Lt", first, 0), make("Lt", last, first), make("Lt", whole, last)]
        yield make("Or", *outside, make("Eq", size, make("Sub", last, first)))

    def _computed(self, argument: object) -> Expr | None:
        """A scalar that is not a size of a result (which torch may have simplified)."""
        if not _is_computed(argument, self._dialect):
            return None
        if self._lifter is None:
            from asserts.conditions.lift import Lifter

            self._lifter = Lifter(self._graph, self._dialect)
        return self._lifter.expr_of(argument)

    def _dim(self, dim: int, source: Any) -> int:
        value = source.meta.get(self._dialect.key)
        return dim % value.dim() if isinstance(value, torch.Tensor) and value.dim() else dim


_SLICE: Final[tuple[Any, ...]] = (None, 0, None, None, 1)
"""The arguments of a slice that may be left out (and the tensor)."""


def _is_computed(argument: object, dialect: TorchDialect) -> bool:
    """Whether a scalar is computed from numbers that are read, and from sizes of inputs."""
    worklist = [argument]
    while worklist:
        node = worklist.pop()
        if not isinstance(node, torch.fx.Node) or node.op == "placeholder":
            continue
        if dialect.bindings(node):
            continue
        if isinstance(node.meta.get(dialect.key), torch.Tensor):
            return False
        worklist += node.all_input_nodes
    return True


def _most(node: fx.Node, dim: int, dialect: TorchDialect) -> Expr | None:
    """An upper bound of a size, if the operation has one."""
    if node.target in CHOOSING:
        return _elements(node.args[0], dialect) if dim == 0 else None
    if node.target in _INDEXING:
        used = [(i, index) for i, index in enumerate(node.args[1]) if index is not None]
        if len(used) != 1 or used[0][0] != dim:
            return None
        return _elements(used[0][1], dialect, torch.bool)
    if node.target is _ATEN.masked_select.default and dim == 0:
        source, mask = node.args
        if _same_shape(source, mask, dialect):
            return _elements(mask, dialect, torch.bool)
    return None


def _elements(chosen: Any, dialect: TorchDialect, dtype: Any = None) -> Expr | None:
    """How many elements a tensor (of that dtype) has, so that no more are chosen of it."""
    value = chosen.meta.get(dialect.key)
    if not isinstance(value, torch.Tensor) or (dtype and value.dtype is not dtype):
        return None
    total: Expr = as_expr(1)
    for dim in range(value.dim()):
        size = dialect.size_of(chosen, dim)
        if size is None:
            return None
        total = make("Mul", total, size)
    return total


def _same_shape(a: Any, b: Any, dialect: TorchDialect) -> bool:
    """Whether two tensors certainly have the same sizes."""
    left, right = a.meta.get(dialect.key), b.meta.get(dialect.key)
    if not isinstance(left, torch.Tensor) or not isinstance(right, torch.Tensor):
        return False
    if left.dim() != right.dim():
        return False
    sizes = [(dialect.size_of(a, dim), dialect.size_of(b, dim)) for dim in range(left.dim())]
    return all(one is not None and one is other for one, other in sizes)
