"""Whose memory numpy's functions share, and what they write to.

Tables by function: some results always are views of an argument (``np.transpose``), some only
for some layouts (``np.reshape``); what is not in a table makes new memory if it is a function
of numpy, of Python's operators or of `asserts.graph.runtime`, and may return any of its
arguments otherwise.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np

from asserts.dialects.interfaces import Alias, NoOp, Slices
from asserts.dialects.numpy.noops import NO_OPS
from asserts.dialects.numpy.operands import (
    is_array_node,
    is_index,
    nodes_in,
    numpy_functions,
    traced_value,
)
from asserts.graph import runtime
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from shapes.expr import (
    Expr,
    IntConstant,
    IntExpr,
    combine,
    constant,
    less,
    maximum,
    minimum,
    shift,
    where,
)

__all__ = ["NumpyMemory"]


_ALWAYS: Final = numpy_functions(
    "transpose", "permute_dims", "matrix_transpose", "linalg.matrix_transpose", "swapaxes",
    "moveaxis", "rollaxis", "expand_dims", "squeeze", "broadcast_to", "flip", "fliplr",
    "flipud", "rot90", "diagonal", "linalg.diagonal", "split", "array_split", "hsplit",
    "vsplit", "dsplit", "unstack", "trim_zeros", "lib.stride_tricks.sliding_window_view",
    "lib.stride_tricks.as_strided",
)  # fmt: skip
_SOMETIMES: Final = numpy_functions(
    "reshape", "ravel", "diag", "real", "imag", "round", "around", "asarray", "asanyarray",
    "ascontiguousarray", "asfortranarray", "require", "real_if_close", "asarray_chkfinite",
    "astype",
)  # fmt: skip
_EACH: Final = numpy_functions("broadcast_arrays", "atleast_1d", "atleast_2d", "atleast_3d")
_COPY_ARGUMENT: Final = numpy_functions("array", "nan_to_num", "meshgrid")
_WRITERS: Final = numpy_functions(
    "copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis", "random.shuffle",
)  # fmt: skip
_IN_PLACE: Final[frozenset[Any]] = frozenset(
    [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv,
     operator.imod, operator.ipow, operator.iand, operator.ior, operator.ixor,
     operator.ilshift, operator.irshift, operator.imatmul, operator.iconcat]
)  # fmt: skip
_VIEW_METHODS: Final = frozenset(
    ["transpose", "swapaxes", "squeeze", "view", "diagonal", "__getitem__", "getfield"]
)
_SOMETIMES_METHODS: Final = frozenset(
    ["reshape", "ravel", "astype", "conj", "conjugate", "round", "byteswap"]
)
_WRITING_METHODS: Final = frozenset(
    ["sort", "fill", "put", "partition", "resize", "itemset", "setfield", "__setitem__",
     "setflags"]
)  # fmt: skip
_OPERATOR_UFUNCS: Final[dict[Any, np.ufunc]] = {
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply,
    operator.truediv: np.true_divide, operator.floordiv: np.floor_divide,
    operator.and_: np.bitwise_and, operator.or_: np.bitwise_or, operator.xor: np.bitwise_xor,
    operator.lshift: np.left_shift, operator.rshift: np.right_shift,
    operator.pos: np.positive,
}  # fmt: skip
_OWNERS: Final = numpy_functions(
    "zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like",
    "copy", "concatenate", "stack", "vstack", "hstack", "where", "take", "repeat", "tile",
    "cumsum", "cumprod", "sort", "roll", "pad", "clip", "delete", "insert",
) | {
    runtime.astype, runtime.set_item, runtime.update, runtime.at_with,
    runtime.written_with, runtime.joined_with,
}  # fmt: skip


def _is_own_function(target: Any) -> bool:
    """A function whose results are new, unless a table says otherwise."""
    if isinstance(target, np.ufunc):
        return True
    module = str(getattr(target, "__module__", None) or "")
    if isinstance(getattr(target, "__self__", None), np.ufunc):
        return True
    top = module.partition(".")[0]
    if top in ("_operator", "operator", "numpy", "shapes"):
        return True
    return module == runtime.__name__ or getattr(np, str(target.__name__), None) is target


class NumpyMemory:
    """What the passes over memory ask of numpy's graphs."""

    names_outputs = False

    def holds_memory(self, node: Node) -> bool:
        value = node.meta.get("val")
        if any(node.target is function for function in _NO_RESULT):
            return False
        if isinstance(value, (Expr, bool, int, float, complex, str)):
            return False
        return node.op != "output"

    def can_change(self, value: object) -> bool:
        numbers = (bool, int, float, complex, str, np.generic, type(None))
        return not isinstance(value, numbers) and not hasattr(value, "graph")

    def identity_of(self, graph_module: GraphModule, node: Node) -> Hashable | None:
        return None

    def span_of(self, node: Node) -> tuple[IntExpr, IntExpr] | None:
        return None

    # ------------------------------------------------------------------ aliases

    def aliases_of(self, node: Node) -> Sequence[Alias]:
        if node.op == "call_method":
            return self._aliases_of_method(node)
        if node.op != "call_function":
            return [Alias(source, certain=False) for source in node.all_input_nodes]
        target = node.target
        out = _out_of(node)
        if out:
            return [Alias(source) for source in out]
        try:
            return self._aliases_of_call(node, target)
        except TypeError:  # a target that cannot be hashed is none of ours
            return [Alias(source, certain=False) for source in node.all_input_nodes]

    def _aliases_of_call(self, node: Node, target: Any) -> Sequence[Alias]:
        args = node.args
        if target is operator.getitem:
            return _aliases_of_item(node)
        if target is runtime.tracepoint:
            return [
                Alias(source, item=i)
                for i, value in enumerate(args[2:])
                for source in nodes_in(value)
            ]
        if target in _ALWAYS:
            return [Alias(source, is_array_node(source)) for source in nodes_in(*args[:1])]
        if target in _EACH:
            items = range(len(args)) if len(args) > 1 or target.__name__[0] == "b" else [None]
            return [
                Alias(source, is_array_node(source), item=item)
                for item, value in zip(items, args)
                for source in nodes_in(value)
            ]
        if target in _SOMETIMES or target is np.einsum:
            operands = args[1:] if target is np.einsum else args[:1]
            if len(operands) > 1:
                return []
            return [Alias(s, _returns_own(node, s)) for s in nodes_in(*operands)]
        if target in _COPY_ARGUMENT:
            copies = node.kwargs.get("copy", True) is True
            return [] if copies else [Alias(s, certain=False) for s in nodes_in(*args)]
        if target in _IN_PLACE:
            return [Alias(source) for source in nodes_in(*args[:1])]
        if _is_own_function(target):
            return []
        return [Alias(source, certain=False) for source in node.all_input_nodes]

    def _aliases_of_method(self, node: Node) -> Sequence[Alias]:
        source, name = node.args[0], str(node.target)
        if not isinstance(source, Node):
            return []
        if name in _VIEW_METHODS:
            return [Alias(source, is_array_node(source) and name != "__getitem__")]
        if name in _SOMETIMES_METHODS:
            return [Alias(source, certain=False)]
        is_known = hasattr(np.ndarray, name)
        return [] if is_known else [Alias(s, certain=False) for s in node.all_input_nodes]

    def mutated_by(self, node: Node) -> Sequence[Node]:
        if node.op == "call_method":
            writes = str(node.target) in _WRITING_METHODS or (
                str(node.target).startswith("__i") and hasattr(np.ndarray, str(node.target))
                and str(node.target) not in ("__index__", "__init__", "__int__", "__invert__",
                                             "__iter__", "__init_subclass__")
            )  # fmt: skip
            return list(nodes_in(node.args[0])) if writes else []
        if node.op != "call_function":
            return []
        out = _out_of(node)
        if out:
            return out
        target = node.target
        try:
            writes = target in _WRITERS or target in _IN_PLACE or target is operator.setitem
        except TypeError:
            return []
        at = getattr(target, "__name__", "") == "at" and isinstance(
            getattr(target, "__self__", None), np.ufunc
        )
        overwrites = (
            target is np.nan_to_num and node.kwargs.get("copy", True) is not True
        ) or node.kwargs.get("overwrite_input") is True
        return list(nodes_in(*node.args[:1])) if writes or at or overwrites else []

    # ------------------------------------------------------------------ slices

    def slices_of(self, node: Node) -> Slices | None:
        if node.op != "call_function" or node.target is not operator.getitem:
            return None
        source, key = node.args
        value = traced_value(source)
        items = key if isinstance(key, tuple) else (key,)
        if not isinstance(source, Node) or not isinstance(value, ArrayValue):
            return None
        if not _is_basic(items):
            return None
        bounds: list[tuple[IntExpr, IntExpr, IntExpr] | None] = []
        keeps = all(isinstance(item, slice) or item is Ellipsis for item in items)
        for item in items:
            if item is Ellipsis or len(bounds) >= value.ndim:
                break
            if item is None:
                continue
            bounds.append(_bounds(item, value.shape[len(bounds)]))
        return Slices(source, tuple(bounds), keeps)

    # ------------------------------------------------------------------ no-ops

    def no_op_of(self, node: Node) -> NoOp | None:
        if node.op != "call_function" or not is_array_node(node) or node.meta.get("bindings"):
            return None
        try:
            rule = NO_OPS.get(_OPERATOR_UFUNCS.get(node.target, node.target))
        except TypeError:
            return None
        if rule is None or _out_of(node):
            return None
        found = rule(node)
        if found is None or not is_array_node(found.source):
            return None
        return found if traced_value(found.source) == traced_value(node) else None

    # ------------------------------------------------------------------ buffers

    def buffer_of(self, node: Node) -> tuple[Any, ...] | None:
        if node.op != "call_function" or not is_array_node(node) or _out_of(node):
            return None
        target = node.target
        is_ufunc = isinstance(target, np.ufunc) and target.nout == 1
        if not is_ufunc and not any(target is function for function in _OWNERS):
            return None
        value = node.meta["val"]
        return value.shape, value.dtype.str

    def can_write_into(self, node: Node) -> bool:
        target = node.target
        if node.op != "call_function" or not isinstance(target, np.ufunc):
            return False
        if target.nout != 1 or target.signature is not None or len(node.args) != target.nin:
            return False
        return is_array_node(node) and not {"out", "where"} & set(node.kwargs)

    def may_overwrite(self, operand: Node, buffer: Node) -> bool:
        return True  # numpy computes as if operands and result were separate memory

    def write_into(self, node: Node, buffer: Node) -> None:
        node.kwargs = {**node.kwargs, "out": buffer}


_NO_RESULT: Final[tuple[Any, ...]] = (
    runtime.make_token, runtime.functional_assert, runtime.size, runtime.item,
    runtime.count_nonzero, runtime.math_of,
)  # fmt: skip


def _out_of(node: Node) -> list[Node]:
    """The arrays that a call is to write its result into."""
    target = node.target
    given: list[Any] = [node.kwargs.get("out")]
    if isinstance(target, np.ufunc):
        given += node.args[target.nin :]
    return list(nodes_in(*given))


# --------------------------------------------------------------------------- indexing


def _aliases_of_item(node: Node) -> Sequence[Alias]:
    """``x[key]``: a view for slices, new for arrays of indices, an item of a sequence."""
    source, key = node.args
    if not isinstance(source, Node):
        return [Alias(s, certain=False) for s in node.all_input_nodes]
    value = traced_value(source)
    if isinstance(value, (tuple, list)) and type(key) is int:
        return [Alias(source, part=key % len(value) if value else None)]
    if isinstance(value, (tuple, list, dict)):
        return [Alias(source, part=key if isinstance(key, str) else None)]
    items = key if isinstance(key, tuple) else (key,)
    if not isinstance(value, ArrayValue):
        named = isinstance(key, str) or (type(key) is int and key >= 0)
        return [Alias(source, certain=False, part=key if named else None)]
    if _is_basic(items):
        # Integers alone select a number, which is a copy.
        is_number = all(is_index(item) for item in items) and len(items) == value.ndim
        return [] if is_number else [Alias(source)]
    unknown = any(isinstance(item, Node) and traced_value(item) is None for item in items)
    return [Alias(source, certain=False)] if unknown else []


def _is_basic(items: Sequence[object]) -> bool:
    return all(
        item is None or item is Ellipsis or isinstance(item, slice) or is_index(item)
        for item in items
    )


def _bounds(item: object, size: IntExpr) -> tuple[IntExpr, IntExpr, IntExpr] | None:
    """An index or a slice of an axis as (start, stop, step); None for the whole axis, and
    where that is not known."""
    one = constant(1)
    if not isinstance(item, slice):
        index = _from_front(item, size)
        assert index is not None
        return index, shift(index, 1), one
    step = 1 if item.step is None else item.step
    if type(step) is not int or step < 1:
        return None
    start = constant(0) if item.start is None else _from_front(item.start, size)
    stop = size if item.stop is None else _from_front(item.stop, size)
    if start is None or stop is None:
        return None
    if start is constant(0) and stop is size and step == 1:
        return None
    # A start behind the end selects nothing, so only the stop is cut off there.
    return _not_negative(start), _not_negative(_cut(stop, size)), constant(step)


def _from_front(item: object, size: IntExpr) -> IntExpr | None:
    """An index counted from the front."""
    value = traced_value(item)
    index = constant(value) if type(value) is int else value
    if not isinstance(index, IntExpr):
        return None
    if isinstance(index, IntConstant):
        return index if index.constant >= 0 else combine(1, size, 1, index)
    counted = where(less(index, constant(0)), index + size, index)
    assert isinstance(counted, IntExpr)
    return counted


def _not_negative(index: IntExpr) -> IntExpr:
    return maximum(index, constant(0))


def _cut(index: IntExpr, size: IntExpr) -> IntExpr:
    return index if index is size else minimum(index, size)


# --------------------------------------------------------------------------- results


def _returns_own(node: Node, source: Node) -> bool:
    """Whether a function that sometimes copies certainly doesn't here."""
    if not is_array_node(source) or not is_array_node(node):
        return False
    same: bool = traced_value(node) == traced_value(source)
    if node.target is np.reshape:
        return same  # any layout fits its own shape
    if node.target is np.real:
        return True
    plain = set(node.kwargs) <= {"dtype"} and len(node.args) <= 2
    as_it_is = node.target is np.asarray or node.target is np.asanyarray
    return same and plain and as_it_is
