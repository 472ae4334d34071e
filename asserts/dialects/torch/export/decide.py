"""A second opinion just before torch gives up on a condition that depends on data.

torch decides by syntax and by one range for each symbol. Where that is not enough it raises
an error, although what the program has checked may well decide the condition. Here our
prover is asked first. It knows what callers are held to and the checks so far, all of which
are enforced at entry or in the graph before this point; it is not told what torch's tracer
merely assumes. What it cannot prove stays torch's error, with the checks that would settle
it (see `advice`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import sympy
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.dialects.torch.export.advice import (
    AdvisedError,
    UndecidedError,
    asking,
    places_of,
)
from asserts.dialects.torch.export.forced import ForcedError, is_forced
from asserts.dialects.torch.symbols.buffers import answer_by_buffers
from asserts.dialects.torch.symbols.growing import GrowingEnv
from asserts.dialects.torch.symbols.record import count_of_recorded, record_answer
from asserts.dialects.torch.symbols.shape_env import TorchEnv, UnreadableError
from shapes.base import Location
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr import BoolExpr, IntExpr, conjunction, negation
from shapes.facts import bounds
from shapes.prove import entails
from shapes.traversal import defined

__all__ = ["deciding", "second_opinion"]

EFFORT = "default"

Evaluate = Callable[..., Any]


def deciding(
    original: Evaluate, wanted: Callable[[], bool], check_guards: Callable[[], bool]
) -> Evaluate:
    """torch's `ShapeEnv._evaluate_expr`, which asks here before it fails, if that is
    `wanted`; guards are facts where callers `check_guards`."""

    def _evaluate_expr(self: TorchShapeEnv, orig_expr: Any, *args: Any, **options: Any) -> Any:
        try:
            return original(self, orig_expr, *args, **options)
        except GuardOnDataDependentSymNode as error:
            if not wanted() or isinstance(error, AdvisedError):
                raise
            symbols = _known(self, check_guards())
            found = second_opinion(symbols, orig_expr)
            if found is None:
                found = _by_buffers(self, symbols, orig_expr)
            if found is None:
                raise _advised(error, symbols, orig_expr) from None
            return found

    return _evaluate_expr


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


def _by_buffers(shape_env: TorchShapeEnv, symbols: GrowingEnv, asked: Any) -> Any:
    """The answer by what the model's buffers are while it is traced, which is checked from
    there on."""
    with suppress(UnreadableError, UndefinedError):
        found = answer_by_buffers(symbols, symbols.read(asked))
        if found is not None:
            answer, claim, names = found
            asker = asking()
            line = None if asker is None else Location(asker.file, asker.line, asker.function)
            message = f"the program was traced for this value of {names}"
            record_answer(shape_env, claim, message, line)
            return sympy.sympify(answer)
    return None


def _advised(
    error: GuardOnDataDependentSymNode, symbols: TorchEnv, asked: Any
) -> GuardOnDataDependentSymNode:
    """The error with what would settle it."""
    with suppress(UnreadableError):
        claim = symbols.read(asked)
        asker = asking()
        forced = is_forced(claim, asker)
        kind = ForcedError if forced else UndecidedError
        advised = kind(error, symbols, claim, places_of(symbols), asker)
        return advised.with_traceback(error.__traceback__)
    return error


def _holds(symbols: TorchEnv, claim: BoolExpr) -> bool:
    with suppress(ContradictionError, UndefinedError):
        return entails(symbols.env.facts, claim, EFFORT) is not None
    return False


_READ: WeakKeyDictionary[TorchShapeEnv, tuple[object, GrowingEnv]] = WeakKeyDictionary()


def _known(shape_env: TorchShapeEnv, check_guards: bool) -> GrowingEnv:
    """The environment with all that is enforced so far; what is new is read when there is
    something new."""
    version = (
        check_guards,
        count_of_recorded(shape_env),
        shape_env.num_deferred_runtime_asserts,
        len(shape_env.guards),
        dict(shape_env.var_to_range),  # (torch narrows a range in place)
        dict(shape_env.replacements),
    )
    found = _READ.get(shape_env)
    if found is not None and found[0] == version:
        return found[1]
    if found is not None and found[1].takes(shape_env, check_guards):
        symbols = found[1]
    else:
        symbols = GrowingEnv(shape_env, check_guards)
    symbols.take(shape_env)
    _READ[shape_env] = (version, symbols)
    return symbols
