"""What arithmetic of floats needs, where it is not that of IEEE doubles: Python's powers, and
numpy's within ``np.errstate(all="raise")``.

``a ** b`` of an engine's floats is C's `pow`, which has a value everywhere. Python's raises
`ZeroDivisionError` for 0.0 to a negative power and `OverflowError` for a result that is too
large, and gives a complex number for a negative base and an exponent that is no integer
(`floatobject.c`, `float_pow`). A graph computes the first, so a traced program states that
none of these happens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from asserts.errors import TraceError
from shapes.expr import (
    FALSE,
    OPERATORS,
    BoolExpr,
    Expr,
    as_expr,
    conjunction,
    constant,
    disjunction,
    negation,
)
from shapes.tensors import Need

__all__ = ["float_power_needs", "require_same_errors"]

_TO_FLOAT = OPERATORS["ToFloat"]
_ZERO = as_expr(0.0)
_INFINITY = as_expr(math.inf)


def float_power_needs(power: Expr, is_size: Callable[[Expr], bool]) -> list[Need]:
    """The conditions for a power of floats to be a float in Python; none for another
    expression. `is_size` says which symbols are sizes of arrays, so at most 2**63."""
    if power.op is not OPERATORS["FloatPow"]:
        return []
    base, exponent = power.args
    # (What is left of an infinity or of NaN is NaN, which is not larger than anything.)
    fraction = _made("Lt", _ZERO, _made("FloatMod", exponent, as_expr(1.0)))
    finite = negation(_is_infinite(exponent))
    # (A condition on an integer says more to a person, and is easier to prove.)
    number, zero = (base.args[0], constant(0)) if base.op is _TO_FLOAT else (base, _ZERO)
    negative = _made("Lt", number, zero)
    pole = conjunction(_made("Eq", number, zero), _made("Lt", exponent, _ZERO), finite)
    real = disjunction(negation(negative), negation(fraction), _is_infinite(base))
    needs = [
        Need(real, f"`{power}` is a complex number"),
        Need(negation(pole), f"`{power}` is 0.0 to a negative power"),
    ]
    if not _cannot_overflow(base, exponent, is_size):
        large = _is_infinite(power)
        expected = disjunction(_is_infinite(base), _is_infinite(exponent))
        needs.append(Need(disjunction(negation(large), expected), f"`{power}` is too large"))
    return needs


def _made(name: str, *operands: Expr) -> BoolExpr:
    build = OPERATORS[name].build
    assert build is not None
    return build(*operands)  # type: ignore[return-value]


def _is_infinite(value: Expr) -> BoolExpr:
    if value.op is _TO_FLOAT:
        return FALSE
    return _made("Eq", _made("FloatAbs", value), _INFINITY)


def _cannot_overflow(base: Expr, exponent: Expr, is_size: Callable[[Expr], bool]) -> bool:
    if not exponent.is_constant:
        return False
    to = float(exponent.value)  # type: ignore[arg-type]
    if 0 <= to <= 1:
        return True
    if base.op is not _TO_FLOAT:
        return False
    # An integer other than 0 is at least 1 in size; 2**63 to the power of 16 is a double.
    return to < 0 or (to <= 16 and is_size(base.args[0]))


def require_same_errors(before: Mapping[str, Any]) -> None:
    """Raises `TraceError` if the program has told numpy to raise errors of floats (or not to,
    where its caller had): a graph computes as its own caller says."""
    now = np.geterr()
    if now == before:
        return
    for kind, answer in now.items():
        if answer != before[kind] and not {answer, before[kind]} <= {"ignore", "warn"}:
            raise TraceError(
                f"np.errstate({kind}={answer!r}) is not kept by a graph; call the program "
                "within np.errstate, or check the values"
            )
