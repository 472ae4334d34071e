"""`check`: what a program states about its own values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import RuntimeAssertionError, TraceError
from asserts.trace.context import current_tracer
from asserts.trace.names import written_condition
from asserts.trace.registry import apply_rule
from asserts.trace.symarray import SymArray
from shapes.base import Location, is_sympy, user_location
from shapes.env import Symbolic, SymBool
from shapes.expr import BoolExpr

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["check"]


class CheckTypeError(TraceError, TypeError):
    """What a check cannot take for a condition, or a message that is not text."""


def check(condition: Any, message: str | None = None) -> None:
    """The program goes on only if the condition holds; for an array: for all its elements.

    While a program is traced, this states a check of its environment, which becomes a runtime
    assert unless it is proved; the condition may also be text with the names of its sizes
    (``"n > 3"``), or an expression of sympy's with them. On plain values it raises
    `RuntimeAssertionError` where the condition does not hold. Raises `TypeError` for what is
    not a condition, and for a message that is not text.
    """
    if message is not None and not isinstance(message, str):
        raise CheckTypeError(
            f"the message of a check is text, not {type(message).__name__}: {message!r}"
        )
    location = user_location()
    tracer = current_tracer()
    if isinstance(condition, SymArray):
        condition._tracer.require_own(condition)
        condition = _all_elements(condition)
    if isinstance(condition, (str, BoolExpr)) or is_sympy(condition):
        _check_text(tracer, condition, message, location)
        return
    if isinstance(condition, Symbolic):
        if tracer is not None and condition.env is not tracer.env:
            raise CheckTypeError(
                f"the condition `{condition.expr}` belongs to another trace; check it there"
            )
        claim = condition if isinstance(condition, SymBool) else condition != 0
        if isinstance(claim, SymBool):
            written = None if tracer is None else written_condition(tracer, claim.expr)
            claim.env.check(claim, message, "user", None, location, written)
            return
        condition = claim
    _require_plain(condition)
    if not _holds(condition):
        raise RuntimeAssertionError(
            _text(location), user_message=message, location=_shown(location)
        )


def _check_text(
    tracer: Tracer | None,
    condition: Any,
    message: str | None,
    location: Location | None,
) -> None:
    """Text, or an expression of sympy's, with the names of sizes that only a trace knows."""
    if tracer is None:
        raise CheckTypeError(
            f"the condition `{condition}` is one of names, which have a meaning only while a "
            "function is traced; write it as Python's expression"
        )
    tracer.env.check(condition, message, "user", None, location)


def _holds(condition: Any) -> bool:
    if isinstance(condition, (list, tuple)):
        return all(map(_holds, condition))
    return bool(np.all(condition))


def _require_plain(condition: Any) -> None:
    """Raises `CheckTypeError` for what would be true by being there."""
    if isinstance(condition, (bool, int, float, np.bool_, np.number)):
        return
    if isinstance(condition, np.ndarray) and condition.dtype.kind in "biufc":
        return
    if isinstance(condition, (list, tuple)):
        if any(isinstance(c, (SymArray, Symbolic, str)) for c in condition):
            raise CheckTypeError(
                "a list of conditions cannot be checked in a trace; check them one by one"
            )
        for one in condition:
            _require_plain(one)
        return
    hint = "; call it, if it is a method" if callable(condition) else ""
    raise CheckTypeError(f"{type(condition).__name__} is not a condition{hint}")


def _all_elements(condition: SymArray) -> Any:
    tracer = condition._tracer
    if condition.ndim or condition.dtype.kind != "b":
        condition = apply_rule(tracer, np.all, (condition,), {})
    return tracer.read(condition)


def _text(location: Location | None) -> str:
    code = location.code if location is not None else ""
    return code or "a condition of asserts.check"


def _shown(location: Location | None) -> str | None:
    return None if location is None else str(location)
