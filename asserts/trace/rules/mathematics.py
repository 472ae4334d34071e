"""Python's `math` of sizes and other symbolic numbers.

What has an expression becomes one (``math.gcd``, ``math.sqrt``, ``math.comb(n, 2)``), with the
condition under which Python computes it; all else is computed by the graph, and its result is
a new symbol with the bounds that the function guarantees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.graph.graph import Node
from asserts.trace.symarray import SymArray
from shapes import tensors
from shapes.env import Symbolic, SymBool, SymFloat
from shapes.expr import (
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    Kind,
    as_expr,
    as_integer,
    combine,
    constant,
    equal,
    floor_division,
    less_equal,
    make,
    multiply,
    negation,
    shift,
    where,
)

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["MATH", "TAKE_ITERABLES", "apply_math"]

_INTEGERS: Final = ("isqrt", "comb", "perm", "factorial")
_CONDITIONS: Final = ("isfinite", "isinf", "isnan", "isclose")
_NOT_NUMBERS: Final = ("modf", "frexp")
"""Functions with two results."""

TAKE_ITERABLES: Final = ("prod", "fsum", "dist", "sumprod")
"""Functions of sequences of numbers."""


def apply_math(t: Tracer, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``math.name(*args)`` where a traced value is among the arguments.

    Raises `TraceError` for a function that is not supported, `TypeError` where Python does.
    """
    if kwargs and name not in ("isclose", "prod"):
        raise TraceError(f"math.{name}: arguments by name are not supported while tracing")
    with t.calling(f"math.{name}", runtime.math_of):
        rule = MATH.get(name)
        if rule is None:
            raise TraceError(f"math.{name} is not supported while tracing")
        if name not in TAKE_ITERABLES:
            args = tuple(_number(t, a) for a in args)
        return rule(t, name, *args, **kwargs)


def _number(t: Tracer, value: Any) -> Any:
    """A number that an array holds."""
    if isinstance(value, SymArray):
        value = t.read(value)
    if isinstance(value, Symbolic):
        t.require_defined(value)
    return value


def _integer(t: Tracer, name: str, value: Any) -> IntExpr:
    if isinstance(value, (float, SymFloat)):
        raise TypeError(f"math.{name}: 'float' object cannot be interpreted as an integer")
    return t.dim_of(value)


def _need(t: Tracer, condition: Any, reason: str) -> None:
    needs = tensors.Needs()
    needs.add(condition, reason)
    t.require(needs.result(()))


# --------------------------------------------------------------------------- expressions


def _rounding(t: Tracer, name: str, value: Any) -> Any:
    if isinstance(value, SymBool):
        value = t.env.wrap(_integer(t, name, value))
    return getattr(math, name)(value)  # the value's own method answers


def _product(t: Tracer, name: str, values: Any, *, start: Any = 1) -> Any:
    found = _number(t, start)
    for value in values:
        found = found * _number(t, value)
    return found


def _gcd(t: Tracer, name: str, *values: Any) -> Any:
    found = constant(0)
    for value in values:
        found = _gcd_of(found, _integer(t, name, value))
    return t.env.wrap(found)


def _gcd_of(a: IntExpr, b: IntExpr) -> IntExpr:
    found = make("gcd", a, b)
    assert isinstance(found, IntExpr)
    return found


def _lcm(t: Tracer, name: str, *values: Any) -> Any:
    found: Any = constant(1)
    for value in values:
        other = _integer(t, name, value)
        divisor = _gcd_of(found, other)
        is_zero = equal(divisor, constant(0))
        if t.decide(is_zero) is not False:
            divisor = as_integer(where(is_zero, constant(1), divisor))
        found = make("Abs", multiply(floor_division(found, divisor), other))
    return t.env.wrap(found)


def _function(t: Tracer, name: str, value: Any, *further: Any) -> Any:
    """`sqrt`, `log` and `log2`, which raise where their argument has no value for them."""
    if further:
        return _computed(t, name, value, *further)
    if not isinstance(value, Symbolic):
        return getattr(math, name)(value)  # (no number: Python says so)
    expr = as_expr(value.expr)
    zero: Any = 0.0 if isinstance(value, SymFloat) else 0
    if isinstance(value, SymBool):
        return _computed(t, name, value)
    word, relation = ("nonnegative", "Lt") if name == "sqrt" else ("positive", "Le")
    outside = make(relation, expr, as_expr(zero))
    assert isinstance(outside, BoolExpr)
    _need(t, negation(outside), f"expected a {word} input")
    if not isinstance(value, SymFloat):
        expr = make("ToFloat", expr)
    return t.env.wrap(make(name, expr))


# --------------------------------------------------------------------------- computed


def _computed(t: Tracer, name: str, *args: Any, **kwargs: Any) -> Any:
    """A number that the graph computes."""
    kind: Kind = "bool" if name in _CONDITIONS else "int" if name in _INTEGERS else "float"
    key = (name, *map(_key, args))
    held = t.numbers.get(key) if not kwargs else None
    if held is None:
        shown = ", ".join(str(getattr(a, "expr", a)) for a in args)
        held = t.unbacked(f"math.{name}({shown})", kind).expr
        node = t.record(runtime.math_of, (name, *args), kwargs, held)
        t.bind(node, {held: ()})
        facts = _FACTS.get(name)
        if facts is not None:
            facts(t, node, held, *args)
        if not kwargs:
            t.numbers[key] = held
    return t.env.wrap(held)


def _key(value: Any) -> Any:
    """What is equal for equal arguments (and those only: 1 is not 1.0, nor 0.0 -0.0)."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_key, value))
    inner = value.expr if isinstance(value, Symbolic) else value
    return inner if isinstance(inner, Expr) else (type(inner), repr(inner))


def _whole(t: Tracer, name: str, *values: Any) -> Any:
    """`isqrt`, `factorial`, `comb` and `perm` of numbers that are not negative."""
    if name in ("isqrt", "factorial") and len(values) != 1:
        raise TypeError(f"math.{name}() takes exactly one argument ({len(values)} given)")
    sizes = [_integer(t, name, value) for value in values if value is not None]
    for size in sizes:
        _need(t, less_equal(constant(0), size), f"math.{name} of a negative number")
    last = sizes[-1]
    if len(sizes) == 2 and isinstance(last, IntConstant) and last.constant <= MOST_FACTORS:
        count = last.constant
        found = constant(1)
        for i in range(count):
            found = multiply(found, shift(sizes[0], -i))
        if name == "comb":
            found = floor_division(found, constant(math.factorial(count)))
        return t.env.wrap(found)
    return _computed(t, name, *sizes)


MOST_FACTORS: Final = 4
"""Up to so many factors, combinations and permutations are written out."""


def _of_isqrt(t: Tracer, node: Node, root: IntExpr, n: IntExpr) -> None:
    square = multiply(root, root)
    t.guarantee(less_equal(constant(0), root), node)
    t.guarantee(less_equal(root, n), node)
    t.guarantee(less_equal(square, n), node)
    t.guarantee(less_equal(n, combine(1, square, 2, root)), node)


def _of_factorial(t: Tracer, node: Node, product: IntExpr, n: IntExpr) -> None:
    t.guarantee(less_equal(constant(1), product), node)
    t.guarantee(less_equal(n, product), node)


def _of_choices(t: Tracer, node: Node, number: IntExpr, *sizes: IntExpr) -> None:
    t.guarantee(less_equal(constant(0), number), node)


_FACTS: Final[dict[str, Callable[..., None]]] = {
    "isqrt": _of_isqrt, "factorial": _of_factorial, "comb": _of_choices, "perm": _of_choices,
}  # fmt: skip


def _sequence(t: Tracer, name: str, *values: Sequence[Any]) -> Any:
    return _computed(t, name, *[[_number(t, v) for v in one] for one in values])


def _rules() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {
        name: _computed
        for name in dir(math)
        if not name.startswith("_") and callable(getattr(math, name))
        if name not in _NOT_NUMBERS
    }
    found |= dict.fromkeys(("ceil", "floor", "trunc"), _rounding)
    found |= dict.fromkeys(("sqrt", "log", "log2"), _function)
    found |= dict.fromkeys(_INTEGERS, _whole)
    found |= dict.fromkeys(TAKE_ITERABLES, _sequence)
    return found | {"prod": _product, "gcd": _gcd, "lcm": _lcm}


MATH: Final = _rules()
"""The rule of every function of `math` that is supported, by name."""
