"""Enumeration: terms over whole tables of values at once, with numpy.

A table has a column for each symbol, and one row for each combination of values that the
facts admit. Columns are 64-bit while nothing can overflow and Python's numbers otherwise, so
the arithmetic is always that of Python. Every value comes with the rows on which it is
defined.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from shapes.expr import semantics
from tests.corpus.terms import CONNECTIVES, Term

__all__ = ["Column", "Undecided", "evaluate"]

_SAFE = 1 << 62


class Column(NamedTuple):
    """Values and where they are defined."""

    kind: str
    values: Any
    defined: Any


class Undecided(Exception):  # noqa: N818  (an outcome, not an error)
    """A value is too large to be computed here."""


def evaluate(term: Term, columns: Mapping[str, Column]) -> Column:
    """The term's column over a table."""
    if term.op == "Constant":
        return _constant(term.value)
    if term.op == "Symbol":
        return columns[str(term.value)]
    operands = [evaluate(arg, columns) for arg in term.args]
    if term.op in CONNECTIVES:
        return _connective(term.op, operands)
    if term.op == "Where":
        return _where(*operands)
    with np.errstate(all="ignore"):
        return _strict(term.op, operands)


def _constant(value: Any) -> Column:
    kind = {bool: "bool", float: "float"}.get(type(value), "int")
    return Column(kind, _array(value, kind), np.True_)


def _array(value: Any, kind: str) -> Any:
    if kind == "float" or (kind == "int" and abs(value) >= _SAFE):
        boxed = np.empty((), dtype=object)
        boxed[()] = value
        return boxed
    return np.asarray(value, dtype=bool if kind == "bool" else np.int64)


def column(kind: str, values: list[Any]) -> Any:
    """The values of a symbol as an array."""
    large = kind == "float" or (kind == "int" and any(abs(v) >= _SAFE for v in values))
    if not large:
        return np.array(values, dtype=bool if kind == "bool" else np.int64)
    boxed = np.empty(len(values), dtype=object)
    boxed[:] = values
    return boxed


# --------------------------------------------------------------------------- connectives


def _connective(op: str, operands: list[Column]) -> Column:
    if op == "Implies":
        first = operands[0]
        operands = [first._replace(values=~first.values), operands[1]]
    stops = op != "And"  # the value behind which nothing is looked at
    value, defined = operands[0].values, operands[0].defined
    for operand in operands[1:]:
        reached = value if not stops else ~value
        defined = defined & (~reached | operand.defined)
        value = value | operand.values if stops else value & operand.values
    return Column("bool", value, defined)


def _where(condition: Column, a: Column, b: Column) -> Column:
    kind = a.kind if a.kind == b.kind else "float" if "float" in (a.kind, b.kind) else "int"
    left, right = (_number(x) if kind != "bool" else x for x in (a, b))
    values = np.where(condition.values, left.values, right.values)
    defined = condition.defined & np.where(condition.values, a.defined, b.defined)
    return Column(kind, values, defined)


# --------------------------------------------------------------------------- the others


def _number(x: Column) -> Column:
    return Column("int", x.values.astype(np.int64), x.defined) if x.kind == "bool" else x


def _strict(op: str, operands: list[Column]) -> Column:
    defined: Any = np.True_
    for operand in operands:
        defined = defined & operand.defined
    conditions = all(operand.kind == "bool" for operand in operands)
    if op in ("Not", "BitNot") and conditions:
        return Column("bool", ~operands[0].values, defined)
    if op in ("BitAnd", "BitOr", "BitXor", "Eq", "Ne", "Iff") and conditions:
        value = _ON_CONDITIONS[op](operands[0].values, operands[1].values)
        return Column("bool", value, defined)
    numbers = [_number(operand) for operand in operands]
    floats = any(n.kind == "float" for n in numbers)
    if floats or op in ("TrueDiv", "ToFloat", "TruncDiv", "TruncMod", "CleanDiv", "Pow"):
        return _one_by_one(op, numbers, floats, defined)
    if op in _RELATIONS:
        value = _RELATIONS[op](numbers[0].values, numbers[1].values)
        return Column("bool", np.asarray(value, dtype=bool), defined)
    values, own = _INTEGERS[op](*[n.values for n in numbers])
    return Column("int", values, defined & own)


def _peak(values: Any) -> int:
    if values.size == 0:
        return 0
    if values.dtype == object:
        return max(abs(int(v)) for v in values.ravel())
    return max(abs(int(values.max())), abs(int(values.min())))


def _exact(limit: Callable[[int, int], int], *arrays: Any) -> tuple[Any, ...]:
    """The arrays as they are where the result stays below the limit, else as Python's."""
    peaks = [_peak(a) for a in arrays]
    if any(a.dtype == object for a in arrays) or limit(peaks[0], peaks[-1]) >= _SAFE:
        return tuple(a.astype(object) for a in arrays)
    return arrays


def _sum(of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    def apply(a: Any, b: Any) -> tuple[Any, Any]:
        a, b = _exact(operator.add, a, b)
        return np.asarray(of(a, b)), np.True_

    return apply


def _product(a: Any, b: Any) -> tuple[Any, Any]:
    a, b = _exact(operator.mul, a, b)
    return np.asarray(a * b), np.True_


def _divided(of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    def apply(a: Any, b: Any) -> tuple[Any, Any]:
        a, b = _exact(max, a, b)
        nonzero = np.asarray(b != 0, dtype=bool)
        divisor = np.where(nonzero, b, 1)
        return np.asarray(of(a, divisor)), nonzero

    return apply


def _shifted(left: bool) -> Callable[[Any, Any], tuple[Any, Any]]:
    def apply(a: Any, s: Any) -> tuple[Any, Any]:
        natural = np.asarray(s >= 0, dtype=bool)
        if left and _peak(s) > 1 << 12:
            raise Undecided("a shift too large")
        by = np.where(natural, s, 0).astype(object)
        a = a.astype(object)
        return np.asarray(a << by if left else a >> by), natural

    return apply


def _plain(of: Callable[[Any, Any], Any]) -> Callable[..., tuple[Any, Any]]:
    def apply(*operands: Any) -> tuple[Any, Any]:
        result = operands[0]
        for other in operands[1:]:
            a, b = _exact(max, result, other)
            result = np.asarray(of(a, b))
        return result, np.True_

    return apply


_RELATIONS = {
    "Lt": operator.lt, "Le": operator.le, "Gt": operator.gt, "Ge": operator.ge,
    "Eq": operator.eq, "Ne": operator.ne,
}  # fmt: skip
_ON_CONDITIONS = {
    "BitAnd": operator.and_, "BitOr": operator.or_, "BitXor": operator.xor,
    "Eq": operator.eq, "Ne": operator.ne, "Iff": operator.eq,
}  # fmt: skip
_INTEGERS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "Add": _sum(operator.add),
    "Sub": _sum(operator.sub),
    "Neg": lambda a: (np.asarray(-a), np.True_),
    "Mul": _product,
    "FloorDiv": _divided(operator.floordiv),
    "Mod": _divided(operator.mod),
    "CeilDiv": _divided(lambda a, b: -((-a) // b)),
    "LShift": _shifted(True),
    "RShift": _shifted(False),
    "BitAnd": _plain(operator.and_),
    "BitOr": _plain(operator.or_),
    "BitXor": _plain(operator.xor),
    "BitNot": lambda a: (np.asarray(-a - 1), np.True_),
    "Abs": lambda a: (np.abs(a), np.True_),
    "Min": _plain(np.minimum),
    "Max": _plain(np.maximum),
    "gcd": _plain(np.gcd),
}


# --------------------------------------------------------------------------- one by one


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, float) or isinstance(b, float):
        return semantics.float_power(float(a), float(b))
    if b < 0:
        raise ValueError("negative exponent")
    if b > 1 << 12 and abs(a) > 1:
        raise Undecided("an exponent too large")
    return a**b


def _trunc_div(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if a * b >= 0 else -quotient


def _clean_div(a: int, b: int) -> int:
    if a % b:
        raise ValueError("not divisible")
    return a // b


def _minimum(a: Any, b: Any) -> Any:
    return min(a, b)


def _maximum(a: Any, b: Any) -> Any:
    return max(a, b)


_SINGLE: dict[str, Callable[..., Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Neg": operator.neg,
    "FloorDiv": operator.floordiv, "Mod": operator.mod, "TrueDiv": operator.truediv,
    "Pow": _power, "Abs": abs, "Min": _minimum, "Max": _maximum, "TruncDiv": _trunc_div,
    "TruncMod": lambda a, b: a - b * _trunc_div(a, b), "CleanDiv": _clean_div,
    "ToFloat": float, "FloorToInt": math.floor, "CeilToInt": math.ceil,
    "TruncToInt": math.trunc, "RoundToInt": round, "sqrt": semantics.sqrt, "exp": semantics.exp,
    "log": semantics.log, "log2": semantics.log2, "sin": semantics.sin, "cos": semantics.cos,
    "tanh": semantics.tanh, "atan": semantics.atan, **_RELATIONS,
}  # fmt: skip


def _one_by_one(op: str, operands: list[Column], floats: bool, defined: Any) -> Column:
    """Row for row with Python's numbers; an exception is a row without a value."""
    function = _SINGLE[op]
    arrays = np.broadcast_arrays(*[n.values for n in operands])
    values = np.empty(arrays[0].shape, dtype=object)
    own = np.ones(arrays[0].shape, dtype=bool)
    relation = op in _RELATIONS
    for index in np.ndindex(arrays[0].shape):
        try:
            row = [a[index] for a in arrays]
            row = [x.item() if isinstance(x, np.generic) else x for x in row]
            if op not in ("Add", "Sub", "Mul", "FloorDiv", "Mod", "Min", "Max") or not floats:
                values[index] = function(*row)
            else:
                values[index] = function(*map(float, row))
        except (ArithmeticError, ValueError):
            values[index] = 0
            own[index] = False
    if relation:
        return Column("bool", values.astype(bool), defined & own)
    integral = op.endswith("ToInt") or not (floats or op in ("TrueDiv", "ToFloat"))
    return Column("int" if integral else "float", values, defined & own)
