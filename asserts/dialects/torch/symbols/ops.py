"""The scalar functions of torch's graphs, both ways: operator to nodes, node to expression.

What is written is what an exported program may contain and can be saved with: some operators
have no function of their own there (``ceil``, ``floor``, ``abs``, exclusive or) and are
composed of several nodes. What is read is more: everything that torch's tracers produce for
symbolic integers, floats and conditions.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch.fx.experimental.symbolic_shapes import cast_symbool_to_symint_guardless

from asserts.errors import GraphError
from shapes.expr import (
    BY_MEANING,
    OPERATORS,
    BoolExpr,
    Expr,
    Op,
    Value,
    as_condition,
    as_expr,
    conjunction,
    make,
)
from shapes.traversal import Builder, composed, interpret, walk

__all__ = [
    "CONVERSION",
    "PARTIAL",
    "as_written",
    "builder_of",
    "create_operator",
    "in_domain",
]

Call = Callable[..., Any]
Build = Callable[..., Expr]

CONVERSION: Final = cast_symbool_to_symint_guardless

PARTIAL: Final = frozenset(
    (operator.floordiv, operator.mod, operator.truediv, operator.pow, operator.lshift,
     operator.rshift, math.trunc, math.ceil, math.floor, builtins.round, torch.sym_int)
)  # fmt: skip
"""Functions that raise an error for some second operands, or for infinity."""

_PYTHONS: Final[dict[str, Any]] = {
    op.handler: op.python
    for op in reversed(list(OPERATORS.values()))
    if op.infix is not None and op.python in vars(operator).values()
}
"""Operators that are Python's own, which torch traces."""

_DIRECT: Final[dict[str, Any]] = {
    **_PYTHONS,
    "neg": operator.neg,
    "fneg": operator.neg,
    "pow": operator.pow,
    "fpow": operator.pow,
    "ffloordiv": operator.floordiv,
    "fmod": operator.mod,
    "inttruediv": operator.truediv,
    "bitand": operator.and_,
    "bitor": operator.or_,
    "and_": operator.and_,
    "or_": operator.or_,
    "not_": torch.sym_not,
    "min": torch.sym_min,
    "max": torch.sym_max,
    "fmin": torch.sym_min,
    "fmax": torch.sym_max,
    "tofloat": torch.sym_float,
    "trunc_to_int": math.trunc,
    "sqrt": torch.sym_sqrt,
}
"""Operators that are one node."""

_UNSAVED: Final[dict[str, Any]] = {
    name: getattr(torch, f"_sym_{name}")
    for name in ("cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "log2")
}
"""Operators that are one node which exported programs may not contain."""


def create_operator(
    call: Call, op: Op, arguments: Sequence[object], saved: bool = False
) -> Any:
    """The operator as nodes; raises `GraphError` if torch's graphs cannot compute it, those
    that are to be `saved` included."""
    written = _COMPOSED.get(op.handler)
    if written is not None:
        return written(call, *arguments)
    target = _DIRECT.get(op.handler)
    if target is None and not saved:
        target = _UNSAVED.get(op.handler)
    if target is not None:
        return call(target, *arguments)
    if op.simpler is not None:
        return composed(_Nodes(call, saved), op, arguments)
    graphs = "an exported program" if op.handler in _UNSAVED else "a graph of torch's"
    raise GraphError(
        f"{graphs} has no function of numbers that computes {op.name}; state it without, "
        f"or of a tensor with `torch._assert_async`"
    )


class _Nodes:
    """The analysis that writes an expression of arguments as nodes."""

    def __init__(self, call: Call, saved: bool) -> None:
        self._call = call
        self._saved = saved

    def constant(self, value: Value) -> Value:
        return value

    def unknown(self, op: Op, arguments: Sequence[Any]) -> Any:
        return create_operator(self._call, op, arguments, self._saved)


_LEAST: Final = {"sqrt": 0.0, "log": 5e-324, "log2": 5e-324, "asin": -1.0, "acos": -1.0,
                 "sinh": -710.4758600739439, "cosh": -710.4758600739439}  # fmt: skip
_GREATEST: Final = {"asin": 1.0, "acos": 1.0, "exp": 709.782712893384,
                    "sinh": 710.4758600739439, "cosh": 710.4758600739439}  # fmt: skip


def in_domain(claim: Expr) -> BoolExpr:
    """That no function in a condition raises an error, as Python's do where others return an
    infinity or no number: outside of these ends (of doubles, inclusive)."""
    ends: list[Expr] = []
    for node in walk(claim):
        name = node.op.handler
        if name in _LEAST:
            ends.append(make("Le", _LEAST[name], node.args[0]))
        if name in _GREATEST:
            ends.append(make("Le", node.args[0], _GREATEST[name]))
    return conjunction(*(as_condition(end) for end in ends))


def _ceil(call: Call, x: object) -> Any:
    whole = call(math.trunc, x)
    larger = call(operator.lt, call(torch.sym_float, whole), x)
    return call(torch.sym_ite, larger, call(operator.add, whole, 1), whole)


def _floor(call: Call, x: object) -> Any:
    whole = call(math.trunc, x)
    smaller = call(operator.lt, x, call(torch.sym_float, whole))
    return call(torch.sym_ite, smaller, call(operator.sub, whole, 1), whole)


def _round(call: Call, x: object) -> Any:
    """Half to even. A saved program may not contain `round`; what truncation leaves is exact,
    so it decides."""
    whole = call(math.trunc, x)
    rest = call(operator.sub, x, call(torch.sym_float, whole))
    half = 0.5
    odd = call(operator.eq, call(operator.mod, whole, 2), 1)
    up = _past(call, odd, rest, half)
    down = _past(call, odd, call(operator.neg, rest), half)
    step = call(operator.sub, call(torch.sym_ite, up, 1, 0), call(torch.sym_ite, down, 1, 0))
    return call(operator.add, whole, step)


def _past(call: Call, odd: object, rest: object, half: float) -> Any:
    """Whether the rest is more than a half, or a half and the number before it is odd."""
    more = call(operator.lt, half, rest)
    tie = call(operator.and_, odd, call(operator.eq, rest, half))
    return call(operator.or_, more, tie)


def _where(call: Call, condition: object, a: object, b: object) -> Any:
    """While torch traces, `sym_ite` wants both arms of one type, and there a node's is not
    that of a number: one number becomes a difference."""
    if _is_number(a) == _is_number(b):
        return call(torch.sym_ite, condition, a, b)
    chosen = call(torch.sym_ite, condition, 1, 0)
    return call(operator.add, call(operator.mul, chosen, call(operator.sub, a, b)), b)


def _is_number(argument: object) -> bool:
    if isinstance(argument, Expr):
        return argument.is_constant
    return isinstance(argument, (int, float))


_COMPOSED: Final[dict[str, Call]] = {
    "ceil_to_int": _ceil,
    "floor_to_int": _floor,
    "round_to_int": _round,
    "where": _where,
}


# --------------------------------------------------------------------------- reading


def _named(name: str) -> Build:
    return _built(OPERATORS[name])


def _built(op: Op) -> Build:
    assert op.build is not None
    return op.build


def _sum(terms: Any) -> Expr:
    total = as_expr(0)
    for term in terms:
        total = make("Add", total, term)
    return total


def _to_integer(e: Expr) -> Expr:
    return make("TruncToInt", e) if e.kind == "float" else make("Add", e, 0)


_READ: Final[dict[Any, Build]] = {
    **{function: _built(BY_MEANING[function]) for function in _PYTHONS.values()},
    operator.neg: _named("Neg"),
    operator.pos: lambda e: e,
    operator.pow: _named("Pow"),
    operator.lshift: _named("LShift"),
    operator.rshift: _named("RShift"),
    operator.truediv: _named("TrueDiv"),
    operator.and_: _named("BitAnd"),
    operator.or_: _named("BitOr"),
    operator.xor: _named("BitXor"),
    operator.abs: _named("Abs"),
    builtins.abs: _named("Abs"),
    builtins.round: _named("RoundToInt"),
    math.ceil: _named("CeilToInt"),
    math.floor: _named("FloorToInt"),
    math.trunc: _named("TruncToInt"),
    torch.sym_not: _named("Not"),
    operator.not_: _named("Not"),
    torch.sym_min: _named("Min"),
    torch.sym_max: _named("Max"),
    torch.sym_ite: _named("Where"),
    torch.sym_float: _named("ToFloat"),
    torch.sym_int: _to_integer,
    torch.sym_sqrt: _named("sqrt"),
    torch.sym_sum: _sum,
    **{function: _named(name) for name, function in _UNSAVED.items()},
    CONVERSION: lambda e: make("Where", e, 1, 0),
    torch.ops.aten.scalar_tensor.default: lambda e: e,
}


def builder_of(target: object) -> Build | None:
    """How a function builds its expression from those of its arguments, if it is one of a
    number."""
    try:
        return _READ.get(target)
    except TypeError:  # a target that cannot be hashed is none of these
        return None


class _AsWritten(Builder):
    """Composes operators as `create_operator` does, and reads them again."""

    def unknown(self, op: Op, values: Sequence[Expr]) -> Expr:
        if op.handler not in _COMPOSED and (op.handler in _DIRECT or op.simpler is None):
            return super().unknown(op, values)
        written = create_operator(_read_call, op, list(values))
        assert isinstance(written, Expr)
        return written


def _read_call(target: Any, *arguments: Any) -> Expr:
    return _READ[target](*[as_expr(a) for a in arguments])


def as_written(claim: Expr) -> Expr:
    """The expression that is read from the nodes which compute this one."""
    return interpret(_AsWritten(), {}, claim)
