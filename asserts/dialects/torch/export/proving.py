"""What is enforced proves the answer."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import sympy

from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.symbols.shape_env import TorchEnv, UnreadableError
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr import BoolExpr, IntExpr, conjunction, negation
from shapes.facts import bounds
from shapes.prove import entails
from shapes.traversal import defined

__all__ = ["proved", "second_opinion"]

EFFORT = "default"


def proved(question: Question) -> Answer | None:
    """The only answer that what is enforced leaves."""
    found = second_opinion(question.symbols, question.asked)
    return None if found is None else Answer(found, "what is checked so far implies it")


def second_opinion(symbols: TorchEnv, asked: Any) -> Any:
    """Whether a condition always (`sympy.true`) or never (`sympy.false`) holds, given what
    is enforced; for an integer, its only value. None: neither is proved."""
    try:
        value = symbols.read(asked)
    except UnreadableError:
        return None
    if isinstance(value, IntExpr):
        return _only_value(symbols, value)
    if not isinstance(value, BoolExpr):
        return None
    for answer in (sympy.true, sympy.false):
        wanted = value if answer else negation(value)
        if _holds(symbols, conjunction(defined(value), wanted)):
            return answer
    return None


def _only_value(symbols: TorchEnv, value: IntExpr) -> Any:
    """The value of an integer that can have no other."""
    with suppress(ContradictionError, UndefinedError):
        lower, upper = bounds(symbols.env.facts, value).int_bounds()
        if isinstance(lower, int) and lower == upper and _holds(symbols, defined(value)):
            return sympy.Integer(lower)
    return None


def _holds(symbols: TorchEnv, claim: BoolExpr) -> bool:
    with suppress(ContradictionError, UndefinedError):
        return entails(symbols.env.facts, claim, EFFORT) is not None
    return False
