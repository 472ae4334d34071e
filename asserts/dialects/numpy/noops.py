"""Which calls of numpy change nothing: the same array again, a transposition undone, an
operator with its neutral element.

A rule for each function says whether a node returns its argument unchanged (shape, dtype and
every bit), and what must hold for that.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from asserts.dialects.interfaces import NoOp
from asserts.dialects.numpy.operands import (
    is_array_node,
    items_per_axis,
    nodes_in,
    numpy_functions,
    takes_all,
    traced_value,
)
from asserts.graph import runtime
from asserts.graph.graph import Node
from asserts.graph.values import ArrayValue

__all__ = ["NO_OPS"]


_Rule = Callable[[Node], "NoOp | None"]


def _array_argument(node: Node, count: int = 1) -> Node | None:
    """The first argument, if the call has no other than `count` positional ones."""
    if not node.args or len(node.args) > count:
        return None
    source = node.args[0]
    return source if isinstance(source, Node) else None


def _same_array(why: str, copies: bool = False, guards: bool = False, count: int = 3) -> _Rule:
    """Functions that do nothing where they keep shape and dtype."""

    def rule(node: Node) -> NoOp | None:
        source = _array_argument(node, count)
        if source is None or not set(node.kwargs) <= {"shape", "axis", "dtype", "order"}:
            return None
        if node.kwargs.get("order") not in (None, "K", "C"):
            return None
        return NoOp(source, why, copies, guards)

    return rule


def _permutation(node: Node) -> tuple[Node, tuple[int, ...]] | None:
    """The source of a transposition, and the axes of it that the result has, in order."""
    source = node.args[0] if node.args else None
    if not isinstance(source, Node) or not is_array_node(source):
        return None
    rank = traced_value(source).ndim
    rest = [*node.args[1:], *node.kwargs.values()]
    if not all(_is_plain(a) for a in rest) or not callable(node.target):
        return None
    # numpy itself says where the axes go, on an array whose sizes number them.
    sizes = np.empty(tuple(range(rank)) if rank else (), np.int8)
    try:
        moved = node.target(sizes, *node.args[1:], **node.kwargs)
    except (TypeError, ValueError):
        return None
    return source, tuple(moved.shape)


def _is_plain(argument: object) -> bool:
    if isinstance(argument, (tuple, list)):
        return all(map(_is_plain, argument))
    return argument is None or type(argument) is int


def _transposed(node: Node) -> NoOp | None:
    """Transpositions that end where they began."""
    at, axes = node, tuple(range(traced_value(node).ndim))
    while isinstance(at, Node) and at.op == "call_function" and at.target in _MOVES:
        step = _permutation(at)
        if step is None:
            return None
        at, order = step
        axes = tuple(order[axis] for axis in axes)
        if axes == tuple(range(len(axes))):
            return NoOp(at, "the axes end up where they were")
    return None


_MOVES: Final = numpy_functions(
    "transpose", "permute_dims", "matrix_transpose", "linalg.matrix_transpose", "swapaxes",
    "moveaxis", "rollaxis",
)  # fmt: skip


def _flipped(node: Node) -> NoOp | None:
    """The same flip twice."""
    inner = node.args[0] if node.args else None
    if not isinstance(inner, Node) or inner.op != "call_function":
        return None
    same = inner.target is node.target and inner.kwargs == node.kwargs
    if not same or inner.args[1:] != node.args[1:] or list(nodes_in(node.args[1:])):
        return None
    source = inner.args[0]
    return NoOp(source, "flipped twice") if isinstance(source, Node) else None


def _whole(node: Node) -> NoOp | None:
    """``x[:]``, ``x[...]``, ``x[0:n]``."""
    source, key = node.args
    value = traced_value(source)
    if not isinstance(source, Node) or not isinstance(value, ArrayValue):
        return None
    items = key if isinstance(key, tuple) else (key,)
    chosen = items_per_axis(items)
    rest = items[len(chosen) :]
    plain = all(item is Ellipsis or item == slice(None) for item in rest)
    if not plain or not all(map(takes_all, chosen, value.shape)):
        return None
    return NoOp(source, "the slice takes everything")


def _cast(node: Node) -> NoOp | None:
    source = _array_argument(node, 2)
    return None if source is None else NoOp(source, "the dtype stays", copies=True)


def _neutral(
    right: Callable[[Any, np.dtype[Any]], bool], why: str, either: bool = False
) -> _Rule:
    """``x op e`` for a neutral e (a literal); with `either`, ``e op x`` too."""

    def rule(node: Node) -> NoOp | None:
        if len(node.args) != 2 or node.kwargs:
            return None
        for x, e in (node.args, node.args[::-1])[: 2 if either else 1]:
            if isinstance(x, Node) and is_array_node(x) and type(e) in (bool, int, float):
                dtype = traced_value(x).dtype
                if right(e, dtype):
                    return NoOp(x, why, copies=True)
        return None

    return rule


def _is_zero(e: object, dtype: np.dtype[Any]) -> bool:
    # Adding nought makes +0.0 of -0.0, so for floats it is not neutral; -0.0 is.
    if dtype.kind in "iu":
        return type(e) is int and e == 0
    return dtype.kind == "f" and type(e) is float and e == 0 and math.copysign(1, e) < 0


def _is_positive_zero(e: object, dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iuf" and e == 0 and math.copysign(1, e) > 0 and e is not False


def _is_one(e: object, dtype: np.dtype[Any]) -> bool:
    # (inf + 0j) * 1 is not what it was, so not for complex numbers.
    return dtype.kind in "iuf" and e == 1 and e is not True


def _is_integer_one(e: object, dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" and type(e) is int and e == 1


def _is_no_bit(e: object, dtype: np.dtype[Any]) -> bool:
    return (dtype.kind in "iu" and type(e) is int and e == 0) or (
        dtype.kind == "b" and e is False
    )


def _is_all_bits(e: object, dtype: np.dtype[Any]) -> bool:
    return (dtype.kind == "i" and type(e) is int and e == -1) or (
        dtype.kind == "b" and e is True
    )


def _is_false(e: object, dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "b" and e is False


def _is_true(e: object, dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "b" and e is True


def _no_ops() -> dict[Any, _Rule]:
    rules: dict[Any, _Rule] = {
        operator.getitem: _whole,
        runtime.astype: _cast,
        np.add: _neutral(_is_zero, "adds nothing", either=True),
        np.subtract: _neutral(_is_positive_zero, "subtracts nothing"),
        np.multiply: _neutral(_is_one, "times one", either=True),
        np.true_divide: _neutral(_is_one, "divided by one"),
        np.floor_divide: _neutral(_is_integer_one, "divided by one"),
        np.power: _neutral(_is_integer_one, "to the power of one"),
        np.left_shift: _neutral(_is_no_bit, "shifted by nothing"),
        np.right_shift: _neutral(_is_no_bit, "shifted by nothing"),
        np.bitwise_or: _neutral(_is_no_bit, "or nothing", either=True),
        np.bitwise_xor: _neutral(_is_no_bit, "xor nothing", either=True),
        np.bitwise_and: _neutral(_is_all_bits, "and everything", either=True),
        np.logical_or: _neutral(_is_false, "or nothing", either=True),
        np.logical_and: _neutral(_is_true, "and everything", either=True),
        np.positive: _same_array("plus", copies=True, count=1),
        np.copy: _same_array("a copy", copies=True),
        np.array: _same_array("a copy", copies=True),
        np.reshape: _same_array("the shape stays"),
        np.squeeze: _same_array("no axis goes"),
        np.asarray: _same_array("an array already", count=2),
        np.asanyarray: _same_array("an array already", count=2),
        np.broadcast_to: _same_array("the shape stays", guards=True),
    }
    for function in numpy_functions("atleast_1d", "atleast_2d", "atleast_3d"):
        rules[function] = _same_array("has the axes already", count=1)
    for function in _MOVES:
        rules[function] = _transposed
    for function in numpy_functions("flip", "fliplr", "flipud"):
        rules[function] = _flipped
    return rules


NO_OPS: Final[dict[Any, _Rule]] = _no_ops()
