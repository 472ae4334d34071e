"""Which nodes can raise, depending on the values that they get.

An unused node may be dropped only if this can't be noticed: an integer division by a size
that may be 0, an index that may be out of range or a reshape that may not fit is an effect,
unless it is shown that it does not happen.

Judged is what Python and numpy raise for values: of operands of the stated kinds, on inputs
that fit the specification. What runs out of memory is not. A numpy function that is in none
of the tables counts as one that can raise; a function that is unknown is taken at its word
(`__shapeproof_impure__`). What `insert` has written is made so that it has a value.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asserts.graph import runtime
from asserts.graph.values import ArrayValue
from shapes import tensors
from shapes.env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.expr import (
    BY_MEANING,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    Op,
    as_condition,
    as_expr,
    constant,
    equal,
    less,
    less_equal,
    scale,
)
from shapes.facts import Facts
from shapes.prove import decide
from shapes.traversal import own_condition

if TYPE_CHECKING:
    from asserts.graph.node import Node

__all__ = ["Raising", "domain_of", "own_condition_of"]

_ENFORCED: Final = frozenset(("operation", "contract", "declared", "guard"))
"""Whoever states such a fact sees to it that it holds for every run."""

_SCALAR: Final[dict[Any, Op]] = {
    **BY_MEANING,
    operator.lshift: OPERATORS["LShift"],
    operator.rshift: OPERATORS["RShift"],
    operator.pow: OPERATORS["Pow"],
    operator.truediv: OPERATORS["TrueDiv"],
}
_BUILDERS: Final[dict[object, Op]] = {
    op.build: op for op in OPERATORS.values() if op.build is not None
}
_PARTIAL: Final = frozenset(f for f, op in _SCALAR.items() if op.defined is not None)


def _functions(*names: str) -> frozenset[Any]:
    found = (getattr(np, name, None) for name in names)
    return frozenset(f for f in found if f is not None)


_TOTAL: Final = _functions(
    "all", "any", "argsort", "argwhere", "around", "ascontiguousarray", "asfortranarray",
    "copy", "count_nonzero", "cumprod", "cumsum", "empty_like", "expand_dims", "flatnonzero",
    "flip", "imag", "iscomplex", "isreal", "mean", "nancumprod", "nancumsum", "nanmean",
    "nanprod", "nanstd", "nansum", "nanvar", "ndim", "nonzero", "ones_like", "prod", "ravel",
    "real", "round", "shape", "size", "sort", "std", "sum", "swapaxes", "transpose", "tril",
    "triu", "unique", "var", "zeros_like",
)  # fmt: skip
"""Functions of one array that accept arrays of any sizes. (That their options are right was
verified when the call was recorded.)"""

_NOT_OF_NOTHING: Final = _functions("amax", "amin", "argmax", "argmin", "max", "min", "ptp")
_FROM_NUMBERS: Final = _functions("array", "asanyarray", "asarray")
_CREATING: Final = _functions("zeros", "ones", "empty")
_BROADCASTING: Final = _functions("where", "isclose", "clip")
_UNSURE: Final = frozenset((np.power, np.float_power, np.ldexp, operator.pow, operator.matmul))
"""Functions of arrays that also refuse values, or have rules of their own for sizes."""

_PARTIAL_METHODS: Final = frozenset(
    ("argmax", "argmin", "choose", "item", "max", "min", "reshape", "squeeze", "take")
)
"""Methods that only arrays have, and that can raise."""

_RUNTIME_TOTAL: Final = frozenset(
    [runtime.astype, runtime.make_token, runtime.functional_assert, runtime.tracepoint]
)
"""(`functional_assert`: what depends on the check depends on its token.)"""


class Raising:
    """Decides for nodes of the graphs of one program; keeps the facts that it reads there."""

    def __init__(self) -> None:
        self._facts: dict[int, Facts] = {}

    def can_raise(self, node: Node) -> bool:
        """Whether the node, given values of the stated kinds, can raise."""
        if node.op == "call_module":
            return self._nested_can_raise(node)
        if node.op == "call_method":
            return _method_can_raise(node)
        if node.op != "call_function" or "runtime_assert" in node.meta:
            return False
        target = node.target
        try:
            hash(target)
        except TypeError:
            return False
        try:
            return self._judged(node, target)
        except (ShapeproofError, TypeError, ValueError, IndexError):
            return True  # no proof, then; or other arguments than the function takes

    def _nested_can_raise(self, node: Node) -> bool:
        module = node.graph.owning_module
        nested = None if module is None else module.find_attr(str(node.target), None)
        graph = getattr(nested, "graph", None)
        if graph is None:
            return False  # (what cannot be looked into is impure)
        env = getattr(nested, "shape_env", None)
        if isinstance(env, ShapeEnv) and env.guards:
            return True
        return any(self.can_raise(inner) for inner in graph.nodes)

    def _judged(self, node: Node, target: object) -> bool:
        values = [_value(argument) for argument in node.args]
        if target is runtime.size:
            source, axis = values
            return isinstance(source, ArrayValue) and not -source.ndim <= axis < source.ndim
        if target is operator.getitem:
            return self._index_can_raise(node, values)
        of_arrays = any(isinstance(v, ArrayValue) for v in values)
        if target in _UNSURE and (of_arrays or target not in _SCALAR):
            return True
        if of_arrays and target in _SCALAR:
            return not self._broadcast(node, values)
        if target in _SCALAR:
            return target in _PARTIAL and not self._is_defined(node, _SCALAR[target], values)
        if target is runtime.item:
            return not self._holds(node, _count_is_one(values[0]))
        if isinstance(target, np.ufunc):
            return target.signature is not None or not self._broadcast(node, values)
        if target in _RUNTIME_TOTAL:
            return False
        if _is_of(target, runtime.__name__) or _is_of(target, "numpy"):
            return not self._is_harmless(node, target, values)
        return False

    def _is_harmless(self, node: Node, target: object, values: Sequence[object]) -> bool:
        """Whether a call of a function of numpy's is shown to raise nothing."""
        if "out" in node.kwargs or not values:
            return False
        if target in _TOTAL:
            return isinstance(values[0], ArrayValue)
        if target in _FROM_NUMBERS:
            numbers = values[0] if isinstance(values[0], (tuple, list)) else values
            is_plain = not node.kwargs and all(_shape(number) == () for number in numbers)
            return is_plain or isinstance(values[0], ArrayValue)
        if target in _BROADCASTING:
            return self._broadcast(node, values)
        if target in _CREATING:
            return self._are_sizes(node, values[0])
        if target is np.reshape and len(values) == 2 and set(node.kwargs) <= {"order"}:
            return self._fits(node, values)
        if target in _NOT_OF_NOTHING:
            return self._has_elements(node, values)
        return False

    # ------------------------------------------------------------------ one by one

    def _holds(self, node: Node, claim: BoolExpr | None) -> bool:
        if claim is None:
            return False
        return claim is TRUE or decide(self._facts_of(node), claim) is True

    def _facts_of(self, node: Node) -> Facts:
        module = node.graph.owning_module
        env = getattr(module, "shape_env", None)
        found = self._facts.get(id(env))
        if found is None:
            found = Facts()
            if isinstance(env, ShapeEnv):
                found = found.given(*(f for f in env.axioms if f.origin in _ENFORCED))
            self._facts[id(env)] = found
        return found

    def _is_defined(self, node: Node, op: Op, values: Sequence[object]) -> bool:
        condition = domain_of(op, [_expr(value) for value in values])
        return self._holds(node, condition)

    def _broadcast(self, node: Node, values: Sequence[object]) -> bool:
        if node.kwargs.get("out") is not None or "where" in node.kwargs:
            return False
        given = [v for v, a in zip(values, node.args) if a is not None]
        shapes = [_shape(value) for value in given]
        if any(shape is None for shape in shapes) or not self._numbers_fit(node, given):
            return False
        facts = self._facts_of(node)
        known = [shape for shape in shapes if shape is not None]
        found = tensors.broadcast(*known, known=lambda c: decide(facts, as_condition(c)))
        return all(self._holds(node, as_condition(n.condition)) for n in found.needs)

    def _numbers_fit(self, node: Node, values: Sequence[object]) -> bool:
        """Whether integers fit into the dtypes of the arrays that they are computed with (else
        numpy raises `OverflowError`)."""
        numbers = [_expr(value) for value in values]
        ends = [
            np.iinfo(value.dtype)
            for value in values
            if isinstance(value, ArrayValue) and value.dtype.kind in "iu"
        ]
        return all(
            self._holds(node, less_equal(constant(int(end.min)), number))
            and self._holds(node, less_equal(number, constant(int(end.max))))
            for number in numbers
            if isinstance(number, IntExpr)
            for end in ends
        )

    def _are_sizes(self, node: Node, value: object) -> bool:
        sizes = value if isinstance(value, (tuple, list)) else (value,)
        exprs = [_expr(size) for size in sizes]
        return all(
            isinstance(e, IntExpr) and self._holds(node, less_equal(constant(0), e))
            for e in exprs
        )

    def _fits(self, node: Node, values: Sequence[object]) -> bool:
        """Whether a shape has as many elements as the array, and no size left open."""
        source, wanted = values
        if not isinstance(source, ArrayValue) or not self._are_sizes(node, wanted):
            return False
        sizes = wanted if isinstance(wanted, (tuple, list)) else (wanted,)
        new = [e for e in map(_expr, sizes) if isinstance(e, IntExpr)]
        return self._holds(node, equal(tensors.product(source.shape), tensors.product(new)))

    def _has_elements(self, node: Node, values: Sequence[object]) -> bool:
        """Whether there is something along the reduced axes."""
        source = values[0]
        if not isinstance(source, ArrayValue) or len(values) > 1:
            return False
        axis = node.kwargs.get("axis")
        axes = range(source.ndim) if axis is None else axis
        axes = (axes,) if isinstance(axes, int) else axes
        if not isinstance(axes, (tuple, list, range)):
            return False
        sizes = [source.shape[i] for i in axes if isinstance(i, int)]
        return all(self._holds(node, less_equal(constant(1), size)) for size in sizes)

    def _index_can_raise(self, node: Node, values: Sequence[object]) -> bool:
        source, key = values
        if isinstance(source, (tuple, list)):
            return not (isinstance(key, int) and -len(source) <= key < len(source))
        if isinstance(source, dict):
            return key not in source
        if not isinstance(source, ArrayValue):
            return False  # (nothing is stated of it)
        items = list(key) if isinstance(key, (tuple, list)) else [key]
        taken = [item for item in items if item is not None and item is not Ellipsis]
        is_dotted = any(item is Ellipsis for item in items)
        if len(taken) > source.ndim or (is_dotted and len(items) > 1):
            return True
        return not all(
            self._is_in_range(node, item, size) for item, size in zip(taken, source.shape)
        )

    def _is_in_range(self, node: Node, item: object, size: IntExpr) -> bool:
        if isinstance(item, slice):
            step = item.step
            return step is None or (isinstance(step, int) and step != 0)
        index = _expr(item)
        if not isinstance(index, IntExpr) or isinstance(item, bool):
            return False
        return self._holds(node, less(index, size)) and self._holds(
            node, less_equal(scale(-1, size), index)
        )


def _method_can_raise(node: Node) -> bool:
    """A method of an array is the function of that name; one of anything else is unknown."""
    values = [_value(argument) for argument in node.args[:1]]
    if isinstance(values[0] if values else None, ArrayValue):
        return node.target not in ("astype", "copy") and (
            getattr(np, str(node.target), None) not in _TOTAL
        )
    return node.target in _PARTIAL_METHODS


def domain_of(build: object, operands: Sequence[Expr | None]) -> BoolExpr | None:
    """Where an operator (or what its record builds) has a value, as far as its operands are
    known; None if that cannot be said."""
    op = build if isinstance(build, Op) else _BUILDERS.get(build)
    if op is None or op.defined is None:
        return TRUE
    *others, last = operands
    if last is None or (last.kind != "int" and None in others):
        return None
    # Of the divisor or the shift alone it can be said, too.
    return own_condition(op, [*(constant(1) if o is None else o for o in others), last])


def own_condition_of(build: object, operands: Sequence[Expr], expr: Expr) -> BoolExpr:
    """Where what a node itself computes has a value."""
    op = _BUILDERS.get(build)
    if op is not None:
        return own_condition(op, operands)
    return TRUE if expr.op.defined is None else as_condition(expr.op.defined(*expr.args))


def _is_of(target: object, package: str) -> bool:
    module = getattr(target, "__module__", None)
    return isinstance(module, str) and (module == package or module.startswith(package + "."))


def _is_node(argument: object) -> bool:
    return hasattr(argument, "meta") and hasattr(argument, "users")


def _value(argument: Any) -> Any:
    """What is stated of an argument: an `ArrayValue`, an expression, a constant; None for
    nothing."""
    if _is_node(argument):
        return argument.meta.get("val")
    if isinstance(argument, (tuple, list)):
        return type(argument)(map(_value, argument))
    if isinstance(argument, slice):
        return slice(*map(_value, (argument.start, argument.stop, argument.step)))
    return argument


def _expr(value: object) -> Expr | None:
    if isinstance(value, Expr):
        return value
    return as_expr(value) if isinstance(value, (bool, int, float)) else None


def _shape(value: object) -> tuple[IntExpr, ...] | None:
    if isinstance(value, ArrayValue):
        return value.shape
    is_number = isinstance(value, (Expr, bool, int, float, complex, str))
    return () if is_number else None


def _count_is_one(value: object) -> BoolExpr | None:
    if not isinstance(value, ArrayValue):
        return None
    return equal(tensors.product(value.shape), constant(1))
