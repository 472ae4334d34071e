"""`check`: what a program states about its own values."""

from __future__ import annotations

from typing import Any

import numpy as np

from asserts.errors import RuntimeAssertionError, TraceError
from asserts.trace.registry import apply_rule
from asserts.trace.symarray import SymArray
from shapes.base import Location, user_location
from shapes.env import Symbolic, SymBool

__all__ = ["check"]


class MessageTypeError(TraceError, TypeError):
    """A message of a check that is no text."""


def check(condition: Any, message: str | None = None) -> None:
    """The program goes on only if the condition holds; for an array: for all its elements.

    While a program is traced, this states a check of its environment, which becomes a runtime
    assert unless it is proved. On plain values it raises `RuntimeAssertionError` where the
    condition does not hold. Raises `TypeError` for a message that is no text.
    """
    if message is not None and not isinstance(message, str):
        raise MessageTypeError(
            f"the message of a check is text, not {type(message).__name__}: {message!r}"
        )
    location = user_location()
    if isinstance(condition, SymArray):
        condition = _all_elements(condition)
    if isinstance(condition, Symbolic):
        claim = condition if isinstance(condition, SymBool) else condition != 0
        if isinstance(claim, SymBool):
            claim.env.check(claim, message, "user", None, location)
            return
        condition = claim
    if not np.all(condition):
        raise RuntimeAssertionError(
            _text(location), user_message=message, location=_shown(location)
        )


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
