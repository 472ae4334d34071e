"""Elements of small tensors: what one is, and arithmetic on them.

An element is an integer expression, a condition, a `Quotient`, or None where nothing is known;
every function here answers None where it knows nothing. Integers are mathematical: sizes, and
what models compute from them, are taken to fit their element type.

A `Quotient` is a floating-point number that was computed from integers: the nearest float to
``top / bottom``. It is the exact quotient if `bottom` is a power of two (limits: integers up
to 2**24, and factors up to 256, which single precision holds); otherwise it was rounded once,
and then only rounding to an integer is known of it, which is exact for integers below 2**24.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, TypeAlias

import numpy as np

from asserts.dialects.onnx.model.types import Elements
from shapes.expr import (
    FALSE,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    absolute,
    as_integer,
    ceiling_division,
    combine,
    conjunction,
    constant,
    disjunction,
    equal,
    floor_division,
    less,
    less_equal,
    maximum,
    minimum,
    modulo,
    multiply,
    negation,
    not_equal,
    raise_to,
    scale,
    truncating_division,
    truncating_modulo,
    where,
)

__all__ = ["OPERATIONS", "Element", "Known", "Quotient", "as_element", "elements_of"]

ZERO: Final = constant(0)
ONE: Final = constant(1)
FACTOR: Final = 256


@dataclass(frozen=True, slots=True)
class Quotient:
    """The nearest float to ``top / bottom`` (see the head of the module)."""

    top: IntExpr
    bottom: IntExpr = ONE

    @property
    def exact(self) -> bool:
        """Whether it is the quotient itself."""
        return self.bottom.is_constant and _is_power_of_two(int(self.bottom.constant))


Element: TypeAlias = "IntExpr | BoolExpr | Quotient | None"
Known: TypeAlias = Callable[[Expr], "bool | None"]


def _is_power_of_two(n: int) -> bool:
    return n > 0 and n & (n - 1) == 0


def as_element(value: Any) -> Any:
    """A Python number (a fraction stands for a float) as an element."""
    if value is None:
        return None
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, Fraction):
        return Quotient(constant(value.numerator), constant(value.denominator))
    return constant(value)


def elements_of(elements: Iterable[Any], shape: Sequence[int]) -> Elements:
    """Elements in row-major order as an array."""
    listed = list(elements)
    array = np.empty(len(listed), dtype=object)
    for i, element in enumerate(listed):
        array[i] = element
    return array.reshape(tuple(shape))


# ------------------------------------------------------------------------ arithmetic


def _integers(*elements: Any) -> bool:
    return all(isinstance(e, IntExpr) for e in elements)


def _exact(*elements: Any) -> bool:
    return all(isinstance(e, Quotient) and e.exact for e in elements)


def _reduced(top: IntExpr, bottom: int) -> Quotient | None:
    """``top / bottom``, with powers of two cancelled."""
    if top.is_constant:
        value = Fraction(int(top.constant), bottom)
        return Quotient(constant(value.numerator), constant(value.denominator))
    while bottom % 2 == 0 and modulo(top, constant(2)) is ZERO:
        top, bottom = floor_division(top, constant(2)), bottom // 2
    return Quotient(top, constant(bottom))


def _sum(sign: int) -> Callable[[Any, Any, Known], Any]:
    def summed(a: Any, b: Any, known: Known) -> Any:
        if _integers(a, b):
            return combine(1, a, sign, b)
        if not _exact(a, b):
            return None
        p, q = int(a.bottom.constant), int(b.bottom.constant)
        return _reduced(combine(q, a.top, sign * p, b.top), p * q)

    return summed


def _product(a: Any, b: Any, known: Known) -> Any:
    if _integers(a, b):
        return multiply(a, b)
    if not _exact(a, b) or not (_is_small(a) and _is_small(b)):
        return None
    if not (a.top.is_constant or b.top.is_constant):
        return None  # (the product of two sizes need not fit in 24 bits)
    bottom = int(a.bottom.constant) * int(b.bottom.constant)
    return _reduced(multiply(a.top, b.top), bottom)


def _is_small(a: Quotient) -> bool:
    """Whether products with it stay exact: it is a size, or a factor of few digits."""
    return not a.top.is_constant or abs(int(a.top.constant)) <= FACTOR or a.bottom is ONE


def _divided(a: Any, b: Any, known: Known) -> Any:
    if _integers(a, b):
        return None if b is ZERO else _truncated(a, b, known)
    if not _exact(a, b) or b.top is ZERO:
        return None
    top = scale(int(b.bottom.constant), a.top)
    bottom = scale(int(a.bottom.constant), b.top)
    if known(less(ZERO, bottom)) is not True:
        return None
    if bottom.is_constant and _is_power_of_two(int(bottom.constant)):
        return _reduced(top, int(bottom.constant))
    if top is bottom:
        return Quotient(ONE)
    if bottom.is_constant and modulo(top, bottom) is ZERO:
        return Quotient(floor_division(top, bottom))
    return Quotient(top, bottom)


def _truncated(a: IntExpr, b: IntExpr, known: Known) -> IntExpr:
    """Integer division that rounds towards zero."""
    if known(less_equal(ZERO, a)) and known(less(ZERO, b)):
        return floor_division(a, b)
    return truncating_division(a, b)


def _modulo(a: Any, b: Any, known: Known) -> Any:
    return modulo(a, b) if _integers(a, b) and known(not_equal(b, ZERO)) else None


def _c_modulo(a: Any, b: Any, known: Known) -> Any:
    if not _integers(a, b) or not known(not_equal(b, ZERO)):
        return None
    return truncating_modulo(a, b)


def _power(a: Any, b: Any, known: Known) -> Any:
    if isinstance(b, Quotient) and b.exact and b.bottom is ONE:
        b = b.top
    if not isinstance(b, IntExpr) or not b.is_constant or not 0 <= int(b.constant) <= 4:
        return None
    if isinstance(a, IntExpr):
        return raise_to(a, b)
    result: Any = Quotient(ONE)
    for _ in range(int(b.constant)):
        result = _product(result, a, known) if result is not None else None
    return result


def _extreme(build: Callable[..., IntExpr]) -> Callable[[Any, Any, Known], Any]:
    lesser = build is minimum

    def chosen(a: Any, b: Any, known: Known) -> Any:
        if _integers(a, b):
            if known(less_equal(a, b)):
                return a if lesser else b
            if known(less_equal(b, a)):
                return b if lesser else a
            return build(a, b)
        below = _less_equal(a, b, known)
        if below is None:
            return None
        if below is TRUE or below is FALSE:
            return a if (below is TRUE) == lesser else b
        if a.bottom is ONE and b.bottom is ONE:
            return Quotient(build(a.top, b.top))
        return None

    return chosen


def _cross(a: Any, b: Any) -> tuple[IntExpr, IntExpr] | None:
    """Integers that compare as the two elements do."""
    if _integers(a, b):
        return a, b
    if isinstance(a, BoolExpr) and isinstance(b, BoolExpr):
        return as_integer(a), as_integer(b)
    if _exact(a, b):
        p, q = int(a.bottom.constant), int(b.bottom.constant)
        return scale(q, a.top), scale(p, b.top)
    return None


def _comparison(build: Callable[[Any, Any], BoolExpr]) -> Callable[[Any, Any, Known], Any]:
    def compared(a: Any, b: Any, known: Known) -> Any:
        sides = _cross(a, b)
        return None if sides is None else _settled(build(*sides), known)

    return compared


def _settled(condition: BoolExpr, known: Known) -> BoolExpr:
    found = known(condition)
    return condition if found is None else TRUE if found else FALSE


_less_equal = _comparison(less_equal)


def _connective(build: Callable[..., BoolExpr], absorbing: BoolExpr) -> Any:
    def connected(a: Any, b: Any, known: Known) -> Any:
        if a is absorbing or b is absorbing:
            return absorbing
        return build(a, b) if a is not None and b is not None else None

    return connected


def _exclusive(a: Any, b: Any, known: Known) -> Any:
    if a is None or b is None:
        return None
    return _settled(not_equal(as_integer(a), as_integer(b)), known)


def _chosen(condition: Any, a: Any, b: Any, known: Known) -> Any:
    if condition is None:
        return a if a is b else None
    settled = _settled(condition, known)
    if settled is TRUE or settled is FALSE:
        return a if settled is TRUE else b
    if _integers(a, b) or (isinstance(a, BoolExpr) and isinstance(b, BoolExpr)):
        return where(settled, a, b)
    return None


def _negated(a: Any, known: Known) -> Any:
    if isinstance(a, IntExpr):
        return scale(-1, a)
    return Quotient(scale(-1, a.top), a.bottom) if _exact(a) else None


def _absolute(a: Any, known: Known) -> Any:
    if isinstance(a, IntExpr):
        return a if known(less_equal(ZERO, a)) else absolute(a)
    return Quotient(absolute(a.top), a.bottom) if _exact(a) else None


def _sign(a: Any, known: Known) -> Any:
    if not isinstance(a, IntExpr):
        return None
    if known(less(ZERO, a)):
        return ONE
    negative = where(less(a, ZERO), constant(-1), ZERO)
    return where(less(ZERO, a), ONE, negative)


def _not(a: Any, known: Known) -> Any:
    return negation(a) if isinstance(a, BoolExpr) else None


def _floor(a: Any, known: Known) -> Any:
    if not isinstance(a, Quotient):
        return None
    return Quotient(floor_division(a.top, a.bottom))


def _ceil(a: Any, known: Known) -> Any:
    if not isinstance(a, Quotient):
        return None
    return Quotient(ceiling_division(a.top, a.bottom))


def _round(a: Any, known: Known) -> Any:
    """To the nearest integer; halves to the even one, so only integers and constants."""
    if not _exact(a):
        return None
    if a.bottom is ONE:
        return a
    if a.top.is_constant:
        return Quotient(constant(round(Fraction(int(a.top.constant), int(a.bottom.constant)))))
    return None


def _square_root(a: Any, known: Known) -> Any:
    if not _exact(a) or not a.top.is_constant or a.bottom is not ONE:
        return None
    root = int(np.sqrt(float(a.top.constant))) if a.top.constant >= 0 else -1
    return Quotient(constant(root)) if root * root == a.top.constant else None


def _to_float(a: Any, known: Known) -> Any:
    if isinstance(a, BoolExpr):
        return Quotient(as_integer(a))
    return Quotient(a) if isinstance(a, IntExpr) else a


def _to_integer(a: Any, known: Known) -> Any:
    if isinstance(a, BoolExpr):
        return as_integer(a)
    if isinstance(a, Quotient):
        return _truncated(a.top, a.bottom, known)
    return a


def _to_condition(a: Any, known: Known) -> Any:
    if isinstance(a, IntExpr):
        return _settled(not_equal(a, ZERO), known)
    return not_equal(a.top, ZERO) if isinstance(a, Quotient) and a.exact else _condition(a)


def _condition(a: Any) -> Any:
    return a if isinstance(a, BoolExpr) else None


OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    "Add": _sum(1),
    "Sub": _sum(-1),
    "Mul": _product,
    "Div": _divided,
    "Mod": _modulo,
    "CMod": _c_modulo,
    "Pow": _power,
    "Min": _extreme(minimum),
    "Max": _extreme(maximum),
    "Equal": _comparison(equal),
    "Less": _comparison(less),
    "LessOrEqual": _less_equal,
    "Greater": _comparison(lambda a, b: less(b, a)),
    "GreaterOrEqual": _comparison(lambda a, b: less_equal(b, a)),
    "And": _connective(conjunction, FALSE),
    "Or": _connective(disjunction, TRUE),
    "Xor": _exclusive,
    "Where": _chosen,
    "Neg": _negated,
    "Abs": _absolute,
    "Sign": _sign,
    "Not": _not,
    "Floor": _floor,
    "Ceil": _ceil,
    "Round": _round,
    "Sqrt": _square_root,
    "float": _to_float,
    "integer": _to_integer,
    "condition": _to_condition,
}
"""Operations on elements, by the operator of ONNX that they are."""
