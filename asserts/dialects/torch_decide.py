"""A second opinion just before torch gives up on a condition that depends on data.

torch decides by syntax and by one range for each symbol. Where that is not enough it raises
an error, although what the program has checked may well decide the condition. Here our
prover is asked first. It knows what callers are held to and the checks so far, all of which
are enforced at entry or in the graph before this point; it is not told what torch's tracer
merely assumes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import sympy
from torch._dynamo.source import TensorProperty, TensorPropertySource
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.dialects.torch_env import TorchEnv, UnreadableError, is_unbacked
from asserts.dialects.torch_record import recorded_checks
from shapes.booleans import as_condition, conjunction, negation
from shapes.definedness import defined
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr import BoolExpr, make
from shapes.prover import entails

__all__ = ["deciding", "second_opinion"]

EFFORT = "default"

Evaluate = Callable[..., Any]


def deciding(original: Evaluate, wanted: Callable[[], bool]) -> Evaluate:
    """torch's `ShapeEnv._evaluate_expr`, which asks here before it fails, if that is
    `wanted`."""

    def _evaluate_expr(self: TorchShapeEnv, orig_expr: Any, *args: Any, **options: Any) -> Any:
        try:
            return original(self, orig_expr, *args, **options)
        except GuardOnDataDependentSymNode:
            found = second_opinion(self, orig_expr) if wanted() else None
            if found is None:
                raise
            return sympy.true if found else sympy.false

    return _evaluate_expr


def second_opinion(shape_env: TorchShapeEnv, condition: Any) -> bool | None:
    """Whether the condition always (True) or never (False) holds, given what is enforced."""
    if not getattr(condition, "is_Boolean", False) and not getattr(
        condition, "is_Relational", False
    ):
        return None
    symbols = _known(shape_env)
    try:
        claim = as_condition(symbols.read(condition))
    except UnreadableError:
        return None
    for answer in (True, False):
        wanted = claim if answer else negation(claim)
        if _holds(symbols, conjunction(defined(claim), wanted)):
            return answer
    return None


def _holds(symbols: TorchEnv, claim: BoolExpr) -> bool:
    with suppress(ContradictionError, UndefinedError):
        return entails(symbols.env.facts, claim, EFFORT) is not None
    return False


_READ: WeakKeyDictionary[TorchShapeEnv, tuple[object, TorchEnv]] = WeakKeyDictionary()


def _known(shape_env: TorchShapeEnv) -> TorchEnv:
    """The environment with all that is enforced so far; read again when something is new."""
    version = (
        len(list(recorded_checks(shape_env))),
        shape_env.num_deferred_runtime_asserts,
        len(shape_env.guards),
        len(shape_env.var_to_range),
        len(shape_env.size_like),
    )
    found = _READ.get(shape_env)
    if found is not None and found[0] == version:
        return found[1]
    symbols = TorchEnv(shape_env)
    symbols.state_entry_ranges(shape_env.var_to_range)
    symbols.state_guards()
    _state_sizes(symbols, shape_env)
    symbols.state_checks()
    _READ[shape_env] = (version, symbols)
    return symbols


def _state_sizes(symbols: TorchEnv, shape_env: TorchShapeEnv) -> None:
    """Sizes of inputs are not negative. (Those of results have a range that says so.)"""
    for symbol, sources in shape_env.var_to_sources.items():
        if is_unbacked(symbol) or not symbol.is_integer:
            continue
        if any(_is_size(source) for source in sources):
            claim = as_condition(make("Ge", symbols.symbol(symbol), 0))
            symbols.entry_fact(claim)


def _is_size(source: Any) -> bool:
    return isinstance(source, TensorPropertySource) and source.prop is TensorProperty.SIZE
