"""Which numpy calls can be computed ahead of time, and how constants are kept."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from asserts.errors import GraphError
from asserts.graph import runtime
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from shapes.expr import OPERATORS, Expr, IntConstant

__all__ = ["NumpyFolding"]

_RUNTIME: Final[frozenset[Any]] = frozenset(
    [runtime.size, runtime.item, runtime.count_nonzero, runtime.astype, runtime.set_item,
     runtime.update, runtime.reduce_with, runtime.accumulate_with, runtime.outer_with,
     runtime.reduceat_with, runtime.at_with, runtime.written_with, runtime.joined_with,
     runtime.math_of]
)  # fmt: skip
_PURE: Final[frozenset[Any]] = (
    frozenset([operator.getitem, operator.matmul, operator.pos, np.array])
    | _RUNTIME
    | frozenset(op.python for op in OPERATORS.values() if op.python is not None)
)
_NOT_FOLDED: Final[frozenset[Any]] = frozenset([np.empty, np.empty_like])
"""Their results are not the same every time."""

_NOT_LARGER: Final[frozenset[Any]] = frozenset(
    [np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.compress, np.extract,
     operator.getitem, np.intersect1d, np.setdiff1d, np.union1d, np.setxor1d]
)  # fmt: skip
"""Functions whose results have no more numbers than their operands, for each axis."""


def _numbers(values: object) -> int:
    """The numbers in arrays, times their axes."""
    if isinstance(values, (tuple, list)):
        return sum(map(_numbers, values))
    array = np.asarray(values)
    return max(array.size, 1) * max(array.ndim, 1)


class NumpyFolding:
    """What `constant_folding` asks of numpy's graphs."""

    def constant_value(self, module: GraphModule, node: Node, state: bool) -> Any:
        if node.op != "get_attr":
            return NotImplemented
        value = module.find_attr(str(node.target))
        return value if self.is_storable(value) else NotImplemented

    def create_constant(self, module: GraphModule, path: str, before: Node) -> Node:
        with module.graph.inserting_before(before):
            return module.graph.get_attr(path)

    def is_foldable(self, node: Node) -> bool:
        from asserts.trace.registry import RULES

        if node.op != "call_function" or node.is_impure() or "out" in node.kwargs:
            return False
        target = node.target
        try:
            if target in _NOT_FOLDED:
                return False
            if isinstance(target, np.ufunc):
                return len(node.args) <= target.nin
            return target in _PURE or target in RULES
        except TypeError:  # a target that cannot be hashed is none of ours
            return False

    def evaluate(
        self, node: Node, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> Any:
        function = node.target
        assert callable(function)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return function(*args, **kwargs)

    def largest_size(self, node: Node, value: object, inputs: Sequence[object]) -> int | None:
        if isinstance(value, (tuple, list)):
            parts = [self.largest_size(node, part, inputs) for part in value]
            known = [part for part in parts if part is not None]
            return sum(known) if len(known) == len(parts) else None
        if isinstance(value, (Expr, bool, int, float, complex)):
            return 16
        if isinstance(value, ArrayValue):
            sizes = [size.constant for size in value.shape if isinstance(size, IntConstant)]
            if len(sizes) == value.ndim:
                return math.prod(sizes, start=value.dtype.itemsize)
        return _numbers(inputs) * 8 if node.target in _NOT_LARGER else None

    def is_literal(self, value: object) -> bool:
        return value is None or type(value) in (bool, int, float, complex, str)

    def is_storable(self, value: Any) -> bool:
        is_array = isinstance(value, (np.ndarray, np.generic))
        return (is_array and value.dtype.kind in "biufc") or type(value) in (bool, int, float)

    def store(self, module: GraphModule, name: str, value: object) -> str:
        path, number = name, 0
        while module.find_attr(path) is not None or hasattr(type(module), path):
            number += 1
            path = f"{name}_{number}"
        if isinstance(value, np.ndarray):
            value = np.array(value)
            value.flags.writeable = False
        module.set_attr(path, value)
        return path

    def unstore(self, module: GraphModule, path: str) -> None:
        module.del_attr(path)

    def create_copy(self, graph: Graph, node: Node) -> Node:
        if node.op != "get_attr":
            raise GraphError(f"node '{node.name}' is not a constant that can be copied")
        copy = graph.call_function(np.copy, (node,))
        copy.meta["val"] = node.meta.get("val")
        return copy
