"""The table of operators: one record says everything about an operator.

Adding one is adding a record here and a row in `MEANINGS` in ``tests/oracle.py``.
Analyses find an operator by its `handler`; one that lacks the handler answers with its
own "know nothing". ``tests/test_operators.py`` tries every record everywhere.

Some operators exist for those who write expressions and are gone once built (``Sub``,
``Ge``, ``CeilDiv``, ``LShift``: see `integers`); they have a meaning and a way to be built,
and no node of their own.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from shapes.errors import ExpressionTypeError
from shapes.expr import booleans, floats, integers, semantics
from shapes.expr.linear import multiply, scale
from shapes.expr.nodes import (
    FALSE,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    FloatExpr,
    IntConstant,
    IntExpr,
    Kind,
    Op,
    as_expr,
    combine,
    constant,
    minus,
    plus,
)

__all__ = ["BY_HANDLER", "BY_MEANING", "OPERATORS", "named_functions"]

Build = Callable[..., Expr]


def _enter(
    name: str,
    handler: str,
    operands: str,
    result: Kind | Literal["same"],
    python: Callable[..., object],
    build: Build,
    options: Mapping[str, object],
) -> None:
    """Make the record: what a row leaves out is what the others say, or a default."""
    columns: dict[str, Any] = {
        "text": name,
        "sympy": name,
        "work": _FUNCTION if operands == "f" else 1,
        "on_ints": getattr(build, "on_ints", None),
        "on_floats": getattr(build, "on_floats", None),
        "totalised": _or_zero,
        **options,
    }
    columns["laws"] = frozenset(columns.get("laws", "").split())
    OPERATORS[name] = Op(name, handler, operands, result, build, python, **columns)


_FUNCTION: Final = 20
"""The work of the float functions and of rounding."""


# --------------------------------------------------------------------------- builders


def _is_float(*operands: Expr) -> bool:
    return any(isinstance(e, FloatExpr) for e in operands)


def _ints(build: Callable[..., IntExpr]) -> Build:
    """A builder on integers; conditions count as 1 and 0, floats are refused."""

    def built(*operands: Expr) -> Expr:
        return build(*map(booleans.as_integer, operands))

    return _with_integers(built, build)


def _with_integers(build: Build, on_ints: Callable[..., Expr]) -> Build:
    """The builder, which tells what it does when all operands are integers."""
    build.on_ints = on_ints  # type: ignore[attr-defined]
    return build


def _numbers(on_ints: Callable[..., IntExpr], on_floats: str) -> Build:
    """Integers as long as all operands are, otherwise the operator on doubles."""

    def built(*operands: Expr) -> Expr:
        numbers = [booleans.as_integer(e) if isinstance(e, BoolExpr) else e for e in operands]
        if _is_float(*numbers):
            return _folded_floats(on_floats, numbers)
        return on_ints(*numbers)

    built.on_floats = on_floats  # type: ignore[attr-defined]
    return _with_integers(built, on_ints)


def _folded_floats(name: str, operands: list[Expr]) -> Expr:
    result = operands[0]
    if len(operands) == 1:
        # (one operand of a minimum is the minimum)
        least = len(OPERATORS[name].operands)
        return result if least > 1 else floats.float_operation(name, result)
    for operand in operands[1:]:
        result = floats.float_operation(name, result, operand)
    return result


def _neg(a: IntExpr) -> IntExpr:
    return scale(-1, a)


def _bitwise(
    on_ints: Callable[..., IntExpr], on_conditions: Callable[..., BoolExpr]
) -> Build:
    """Bits of integers; between conditions the connective."""

    def built(*operands: Expr) -> Expr:
        if all(isinstance(e, BoolExpr) for e in operands):
            return on_conditions(*operands)
        return on_ints(*map(booleans.as_integer, operands))

    return _with_integers(built, on_ints)


def _compared(build: Callable[[Expr, Expr], BoolExpr], swapped: bool = False) -> Build:
    """A comparison as it is, or with its sides exchanged."""

    def built(a: Expr, b: Expr) -> Expr:
        return build(b, a) if swapped else build(a, b)

    return _with_integers(built, built if swapped else build)


def _bit_not(a: IntExpr) -> IntExpr:
    return combine(-1, a, 0, a, -1)


def _exclusive_or(*operands: Expr) -> BoolExpr:
    result: BoolExpr = booleans.as_condition(operands[0])
    for operand in operands[1:]:
        result = booleans.negation(booleans.equivalent(result, operand))
    return result


def _shift_left(a: IntExpr, s: IntExpr) -> IntExpr:
    return multiply(a, integers.raise_to(constant(2), s))


def _shift_right(a: IntExpr, s: IntExpr) -> IntExpr:
    return integers.floor_division(a, integers.raise_to(constant(2), s))


def _float_op(name: str) -> Build:
    def built(*operands: Expr) -> Expr:
        return _folded_floats(name, [_as_number(e) for e in operands])

    return built


def _as_number(e: Expr) -> Expr:
    return booleans.as_integer(e) if isinstance(e, BoolExpr) else e


def _to_float(x: Expr) -> Expr:
    return floats.to_float(_as_number(x))


def _true_division(a: Expr, b: Expr) -> Expr:
    a, b = _as_number(a), _as_number(b)
    if _is_float(a, b):
        return floats.float_operation("FloatTrueDiv", a, b)
    return _int_true_division(a, b)


def _int_true_division(a: Expr, b: Expr) -> Expr:
    return floats.fold("IntTrueDiv", (booleans.as_integer(a), booleans.as_integer(b)), "float")


def _round_decimal(x: Expr, digits: Expr) -> Expr:
    if isinstance(x, IntExpr):
        raise ExpressionTypeError("RoundDecimal rounds a float; integers need no rounding")
    return floats.fold("RoundDecimal", (x, booleans.as_integer(digits)), "float")


def _rounding(name: str) -> Build:
    def built(x: Expr) -> Expr:
        return floats.to_integer(name, _as_number(x))

    return built


def _implies(p: Expr, q: Expr) -> BoolExpr:
    return booleans.disjunction(booleans.negation(p), q)


# --------------------------------------------------------------------------- definedness


def _nonzero_divisor(a: Expr, b: Expr) -> Expr:
    if type(b) is IntConstant:
        return TRUE if b.constant else FALSE
    return booleans.not_equal(b, constant(0))


def _divides(a: Expr, b: Expr) -> Expr:
    remainder = integers.modulo(booleans.as_integer(a), booleans.as_integer(b))
    exact = booleans.equal(remainder, constant(0))
    return booleans.conjunction(_nonzero_divisor(a, b), exact)


def _natural_second(a: Expr, b: Expr) -> Expr:
    return booleans.less_equal(constant(0), b)


def _nonzero_float(a: Expr, b: Expr) -> Expr:
    return booleans.not_equal(b, constant(0))


def _finite_float(x: Expr) -> Expr:
    """Neither infinite nor NaN (an integer is neither)."""
    if not isinstance(x, FloatExpr):
        return TRUE
    largest = sys.float_info.max
    return booleans.conjunction(
        booleans.less_equal(x, as_expr(largest)), booleans.less_equal(as_expr(-largest), x)
    )


_TOO_LARGE = (1 << 1024) - (1 << 970)
"""Integers (and quotients) of this magnitude and more have no nearest finite double: it is
half a unit above the last one, and a half is rounded to even."""


def _fits_double(x: Expr) -> Expr:
    if isinstance(x, FloatExpr):
        return TRUE
    return booleans.conjunction(
        booleans.less(x, constant(_TOO_LARGE)), booleans.less(constant(-_TOO_LARGE), x)
    )


def _quotient_fits_double(a: Expr, b: Expr) -> Expr:
    if _is_float(a, b):
        return _nonzero_float(a, b)
    size = integers.absolute(booleans.as_integer(a))
    divisor = integers.absolute(booleans.as_integer(b))
    return booleans.conjunction(
        _nonzero_divisor(a, b), booleans.less(size, scale(_TOO_LARGE, divisor))
    )


# --------------------------------------------------------------------------- totalisation


def _one_for_zero(divisor: Expr, defined: Expr) -> Expr:
    one = as_expr(1.0) if divisor.kind == "float" else constant(1)
    return booleans.where(booleans.equal(divisor, constant(0)), one, divisor)


def _at_least_zero(exponent: Expr, defined: Expr) -> Expr:
    return integers.maximum(booleans.as_integer(exponent), constant(0))


def _or_zero(operand: Expr, defined: Expr) -> Expr:
    """Itself where the operator is defined, elsewhere 0."""
    zero = as_expr(0.0) if operand.kind == "float" else constant(0)
    return booleans.where(defined, operand, zero)


# --------------------------------------------------------------------------- the table

_DIVISION = {
    "defined": _nonzero_divisor, "undefined": "divides by 0", "totalised": _one_for_zero,
}  # fmt: skip
_FLOAT_DIVISION = {**_DIVISION, "defined": _nonzero_float}
_TRUE_DIVISION = {**_DIVISION, "defined": _quotient_fits_double}
_NATURAL = {
    "defined": _natural_second, "totalised": _at_least_zero,
    "undefined": "has a negative exponent (a shift by k is a power of 2)",
}  # fmt: skip
_ROUNDING = {"defined": _finite_float, "written": 3}
_TRUNCATED = "Where(a * b < 0, -(abs(a) // abs(b)), abs(a) // abs(b))"
_LATTICE = "commutative associative idempotent"

# fmt: off
_ARITHMETIC: list[tuple[Any, ...]] = [
    # name, handler, operands, result, meaning, build, other columns
    ("Add", "add", "nn", "int", operator.add, _numbers(plus, "FloatAdd"),
     {"infix": "+", "laws": "commutative associative", "numpy": "add", "example": "x + y"}),
    ("Sub", "sub", "nn", "int", operator.sub, _numbers(minus, "FloatSub"),
     {"infix": "-", "numpy": "subtract", "example": "x - y"}),
    ("Neg", "neg", "n", "int", operator.neg, _numbers(_neg, "FloatNeg"),
     {"numpy": "negative", "example": "-x"}),
    ("Mul", "mul", "nn", "int", operator.mul, _numbers(multiply, "FloatMul"),
     {"infix": "*", "laws": "commutative associative", "work": 2, "numpy": "multiply",
      "example": "x * y"}),
    ("FloorDiv", "floordiv", "nn", "int", operator.floordiv,
     _numbers(integers.floor_division, "FloatFloorDiv"),
     {**_DIVISION, "infix": "//", "work": 8, "numpy": "floor_divide", "example": "x // y"}),
    ("Mod", "mod", "nn", "int", operator.mod, _numbers(integers.modulo, "FloatMod"),
     {**_DIVISION, "infix": "%", "work": 8, "closed": True, "numpy": "remainder",
      "example": "x % y"}),
    ("CeilDiv", "ceildiv", "ii", "int", semantics.ceiling_division,
     _ints(integers.ceiling_division),
     {**_DIVISION, "text": "ceildiv", "work": 9, "simpler": "-(-a // b)",
      "example": "CeilDiv(x, y)"}),
    ("CleanDiv", "cleandiv", "ii", "int", semantics.clean_division,
     _ints(integers.floor_division),
     {**_DIVISION, "defined": _divides, "undefined": "is not an integer", "work": 8,
      "simpler": "a // b", "example": "CleanDiv(x, y)"}),
    ("TruncDiv", "truncdiv", "ii", "int", semantics.truncating_division,
     _ints(integers.truncating_division),
     {**_DIVISION, "work": 12, "simpler": _TRUNCATED, "example": "TruncDiv(x, y)"}),
    ("TruncMod", "truncmod", "ii", "int", semantics.truncating_modulo,
     _ints(integers.truncating_modulo),
     {**_DIVISION, "work": 12, "closed": True, "simpler": f"a - b * {_TRUNCATED}",
      "example": "TruncMod(x, y)"}),
    ("Pow", "pow", "nn", "int", semantics.power, _numbers(integers.raise_to, "FloatPow"),
     {**_NATURAL, "infix": "**", "work": 10, "numpy": "power", "code": "_m.power",
      "sympy": "PowByNatural", "example": "x ** y"}),
    ("LShift", "lshift", "ii", "int", semantics.shift_left, _ints(_shift_left),
     {**_NATURAL, "infix": "<<", "numpy": "left_shift", "simpler": "a * 2**b",
      "example": "x << y"}),
    ("RShift", "rshift", "ii", "int", semantics.shift_right, _ints(_shift_right),
     {**_NATURAL, "infix": ">>", "numpy": "right_shift", "simpler": "a // 2**b",
      "example": "x >> y"}),
    ("BitAnd", "bitand", "ii", "int", semantics.bit_and,
     _bitwise(integers.bit_and, booleans.conjunction),
     {"infix": "&", "variadic": True, "laws": _LATTICE, "work": 2, "closed": True,
      "numpy": "bitwise_and", "sympy": "BitwiseAnd", "example": "x & y"}),
    ("BitOr", "bitor", "ii", "int", semantics.bit_or,
     _bitwise(integers.bit_or, booleans.disjunction),
     {"infix": "|", "variadic": True, "laws": _LATTICE, "work": 2, "closed": True,
      "numpy": "bitwise_or", "sympy": "BitwiseOr", "example": "x | y"}),
    ("BitXor", "bitxor", "ii", "int", semantics.bit_xor,
     _bitwise(integers.bit_xor, _exclusive_or),
     {"infix": "^", "variadic": True, "laws": "commutative associative", "work": 2,
      "closed": True, "numpy": "bitwise_xor", "simpler": "(a | b) - (a & b)",
      "sympy": "BitwiseXor", "example": "x ^ y"}),
    ("BitNot", "bitnot", "i", "int", operator.invert, _bitwise(_bit_not, booleans.negation),
     {"numpy": "invert", "simpler": "-a - 1", "example": "~x"}),
    ("Abs", "abs", "n", "int", abs, _numbers(integers.absolute, "FloatAbs"),
     {"text": "abs", "work": 2, "numpy": "absolute", "simpler": "Max(a, -a)",
      "example": "abs(x)"}),
    ("gcd", "gcd", "ii", "int", math.gcd, _ints(integers.common_divisor),
     {"laws": "commutative associative", "work": 20, "numpy": "gcd", "example": "gcd(x, y)"}),
    ("Min", "min", "nn", "int", min, _numbers(integers.minimum, "FloatMin"),
     {"variadic": True, "laws": _LATTICE, "work": 3, "closed": True, "numpy": "minimum",
      "example": "Min(x, y)"}),
    ("Max", "max", "nn", "int", max, _numbers(integers.maximum, "FloatMax"),
     {"variadic": True, "laws": _LATTICE, "work": 3, "closed": True, "numpy": "maximum",
      "example": "Max(x, y)"}),
    ("Where", "where", "baa", "same", semantics.where, booleans.where,
     {"work": 3, "closed": True, "numpy": "where", "example": "Where(p, x, y)"}),
]

_RELATIONS: list[tuple[Any, ...]] = [
    ("Le", "le", "nn", "bool", operator.le, _compared(booleans.less_equal),
     {"infix": "<=", "numpy": "less_equal", "sympy": "LessThan", "example": "x <= y"}),
    ("Lt", "lt", "nn", "bool", operator.lt, _compared(booleans.less),
     {"infix": "<", "numpy": "less", "sympy": "StrictLessThan", "example": "x < y"}),
    ("Ge", "ge", "nn", "bool", operator.ge, _compared(booleans.less_equal, True),
     {"infix": ">=", "numpy": "greater_equal", "sympy": "GreaterThan",
      "simpler": "b <= a", "example": "x >= y"}),
    ("Gt", "gt", "nn", "bool", operator.gt, _compared(booleans.less, True),
     {"infix": ">", "numpy": "greater", "sympy": "StrictGreaterThan",
      "simpler": "b < a", "example": "x > y"}),
    ("Eq", "eq", "aa", "bool", operator.eq, _compared(booleans.equal),
     {"infix": "==", "laws": "commutative", "numpy": "equal", "sympy": "Equality",
      "example": "Eq(x, y)"}),
    ("Ne", "ne", "aa", "bool", operator.ne, _compared(booleans.not_equal),
     {"infix": "!=", "laws": "commutative", "numpy": "not_equal", "sympy": "Unequality",
      "example": "Ne(x, y)"}),
    ("FloatLe", "le", "nn", "bool", operator.le, booleans.less_equal,
     {"infix": "<=", "example": "t <= s"}),
    ("FloatLt", "lt", "nn", "bool", operator.lt, booleans.less,
     {"infix": "<", "example": "t < s"}),
    ("FloatEq", "eq", "nn", "bool", operator.eq, booleans.equal,
     {"infix": "==", "example": "Eq(t, s)"}),
]

_CONNECTIVES: list[tuple[Any, ...]] = [
    ("And", "and_", "bb", "bool", semantics.all_of, booleans.conjunction,
     {"infix": "and", "variadic": True, "laws": _LATTICE, "numpy": "logical_and",
      "example": "And(p, q)"}),
    ("Or", "or_", "bb", "bool", semantics.any_of, booleans.disjunction,
     {"infix": "or", "variadic": True, "laws": _LATTICE, "numpy": "logical_or",
      "example": "Or(p, q)"}),
    ("Not", "not_", "b", "bool", operator.not_, booleans.negation,
     {"numpy": "logical_not", "example": "Not(p)"}),
    ("Implies", "implies", "bb", "bool", semantics.implies, _implies,
     {"simpler": "not a or b", "example": "Implies(p, q)"}),
    ("Iff", "iff", "bb", "bool", semantics.iff, booleans.equivalent,
     {"text": "Eq", "laws": "commutative", "work": 2, "numpy": "equal",
      "simpler": "a and b or not a and not b", "sympy": "Equivalent",
      "example": "Iff(p, q)"}),
]

_FLOATS: list[tuple[Any, ...]] = [
    ("FloatAdd", "fadd", "ff", "float", operator.add, _float_op("FloatAdd"),
     {"infix": "+", "example": "t + s"}),
    ("FloatSub", "fsub", "ff", "float", operator.sub, _float_op("FloatSub"),
     {"infix": "-", "example": "t - s"}),
    ("FloatMul", "fmul", "ff", "float", operator.mul, _float_op("FloatMul"),
     {"infix": "*", "example": "t * s"}),
    ("FloatNeg", "fneg", "f", "float", operator.neg, _float_op("FloatNeg"),
     {"example": "-t"}),
    ("FloatTrueDiv", "truediv", "ff", "float", operator.truediv, _float_op("FloatTrueDiv"),
     {**_FLOAT_DIVISION, "infix": "/", "work": 12, "example": "t / s"}),
    ("FloatFloorDiv", "ffloordiv", "ff", "float", semantics.float_floor_division,
     _float_op("FloatFloorDiv"),
     {**_FLOAT_DIVISION, "infix": "//", "example": "t // s"}),
    ("FloatMod", "fmod", "ff", "float", semantics.float_modulo, _float_op("FloatMod"),
     {**_FLOAT_DIVISION, "infix": "%", "example": "t % s"}),
    ("FloatPow", "fpow", "ff", "float", semantics.float_power, _float_op("FloatPow"),
     {"infix": "**", "code": "_m.float_power", "example": "t ** s"}),
    ("FloatAbs", "fabs", "f", "float", abs, _float_op("FloatAbs"),
     {"text": "abs", "simpler": "Max(a, -a)", "example": "abs(t)"}),
    ("FloatMin", "fmin", "ff", "float", min, _float_op("FloatMin"),
     {"text": "Min", "example": "Min(t, s)"}),
    ("FloatMax", "fmax", "ff", "float", max, _float_op("FloatMax"),
     {"text": "Max", "example": "Max(t, s)"}),
    ("TrueDiv", "truediv", "nn", "float", operator.truediv, _true_division,
     {**_TRUE_DIVISION, "infix": "/", "work": 12, "numpy": "divide", "example": "x / y"}),
    ("IntTrueDiv", "inttruediv", "ii", "float", semantics.int_true_division,
     _int_true_division,
     {**_TRUE_DIVISION, "infix": "/", "work": 12, "written": 3, "example": "x / y"}),
    ("ToFloat", "tofloat", "i", "float", semantics.to_float, _to_float,
     {"defined": _fits_double, "work": 3, "written": 3, "code": "float",
      "example": "ToFloat(x)"}),
    ("FloorToInt", "floor_to_int", "f", "int", math.floor, _rounding("FloorToInt"),
     {**_ROUNDING, "example": "FloorToInt(t)"}),
    ("CeilToInt", "ceil_to_int", "f", "int", math.ceil, _rounding("CeilToInt"),
     {**_ROUNDING, "example": "CeilToInt(t)"}),
    ("TruncToInt", "trunc_to_int", "f", "int", math.trunc, _rounding("TruncToInt"),
     {**_ROUNDING, "example": "TruncToInt(t)"}),
    ("RoundToInt", "round_to_int", "f", "int", round, _rounding("RoundToInt"),
     {**_ROUNDING, "example": "RoundToInt(t)"}),
    ("RoundDecimal", "round_decimal", "fi", "float", semantics.round_decimal, _round_decimal,
     {"example": "RoundDecimal(t, 2)"}),
]

_FUNCTIONS = (
    "sqrt", "exp", "log", "log2", "sin", "cos", "tan", "sinh", "cosh", "tanh",
    "asin", "acos", "atan", "asinh",
)
# fmt: on

for _row in (*_ARITHMETIC, *_RELATIONS, *_CONNECTIVES, *_FLOATS):
    _enter(*_row)

for _name in _FUNCTIONS:
    _enter(
        _name,
        _name,
        "f",
        "float",
        getattr(semantics, _name),
        _float_op(_name),
        {"sympy": f"Float_{_name}", "example": f"{_name}(t)"},
    )


BY_HANDLER: Final = {op.handler: op for op in reversed(list(OPERATORS.values()))}
"""The first operator with each handler."""

BY_MEANING: Final[dict[Any, Op]] = {
    op.python: op for op in reversed(list(OPERATORS.values()))
}
"""The first operator with each function of Python as its meaning."""


def named_functions() -> Mapping[str, Op]:
    """The operators that text may call by name, ``abs`` and ``ceildiv`` included."""
    return _NAMED


_NAMED = dict(OPERATORS)
for _op in OPERATORS.values():
    _NAMED.setdefault(_op.text, _op)
