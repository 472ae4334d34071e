"""What torch's operations ensure of the sizes and numbers that they give at run time.

Stated as facts that hold from the operation on: a number that is computed from sizes is what
its nodes compute (see `computed`), `narrow` gives the length it was asked for,
a slice is no longer than what it is taken from, and a mask selects no more than it has
elements. Sizes are used only where they are sure (see `is_exact_size`), and scalars as the
graph computes them, not as torch has simplified them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import torch

from asserts.dialects.torch.symbols.computed import COMPUTED, NumberReader
from shapes.expr import BoolExpr, Expr, as_condition, as_expr, make

if TYPE_CHECKING:
    from asserts.conditions.lift import Lifter
    from asserts.dialects.torch.answers.graph import TorchDialect

__all__ = ["guarantees"]

_ATEN: Final = torch.ops.aten

_NARROWING: Final = (_ATEN.narrow.default, _ATEN.narrow_copy.default)
_INDEXING: Final = (_ATEN.index.Tensor, _ATEN.index.Tensor_hacked_twin)


def guarantees(graph: Any, dialect: TorchDialect) -> Iterator[tuple[BoolExpr, str]]:
    """Conditions that operations of the graph ensure, each with the name of its operation."""
    reader = _Reader(graph, dialect)
    numbers = NumberReader(dialect.symbols, dialect.value_of, dialect.key)
    for node in graph.nodes:
        if node.op != "call_function":
            continue
        for symbol, path in dialect.bindings(node).items():
            if path in ((), (("int",),)):
                computed = numbers.claim(node, symbol, path == ())
                if computed is not None:
                    yield computed, COMPUTED
            if len(path) != 1 or path[0][0] != "size":
                continue
            for claim in reader.claims(node, path[0][1], symbol):
                yield as_condition(claim), str(node.target)


class _Reader:
    """What the operations of one graph ensure."""

    def __init__(self, graph: Any, dialect: TorchDialect) -> None:
        self._graph = graph
        self._dialect = dialect
        self._lifter: Lifter | None = None

    def claims(self, node: Any, dim: int, size: Expr) -> Iterator[Expr]:
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

    def _of_slice(self, node: Any, dim: int, size: Expr) -> Iterator[Expr]:
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

    def _computed(self, argument: Any) -> Expr | None:
        """A scalar that is no size of a result (which torch may have simplified)."""
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


def _is_computed(argument: Any, dialect: TorchDialect) -> bool:
    """Whether a scalar is computed from numbers that are read, and from sizes of inputs."""
    waiting = [argument]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, torch.fx.Node) or node.op == "placeholder":
            continue
        if dialect.bindings(node):
            continue
        if isinstance(node.meta.get(dialect.key), torch.Tensor):
            return False
        waiting += node.all_input_nodes
    return True


def _most(node: Any, dim: int, dialect: TorchDialect) -> Expr | None:
    """An upper bound of a size, if the operation has one."""
    if node.target in _INDEXING:
        used = [(i, index) for i, index in enumerate(node.args[1]) if index is not None]
        if len(used) != 1 or used[0][0] != dim:
            return None
        return _elements(used[0][1], dialect)
    if node.target is _ATEN.masked_select.default and dim == 0:
        source, mask = node.args
        return _elements(mask, dialect) if _same_shape(source, mask, dialect) else None
    return None


def _elements(mask: Any, dialect: TorchDialect) -> Expr | None:
    """How many elements a mask has, so that it selects no more than that."""
    value = mask.meta.get(dialect.key)
    if not isinstance(value, torch.Tensor) or value.dtype is not torch.bool:
        return None
    total: Expr = as_expr(1)
    for dim in range(value.dim()):
        size = dialect.size_of(mask, dim)
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
