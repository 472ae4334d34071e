"""What a pass must not change: which inputs a program accepts, and what it computes.

`traced` makes a program of `programs.py` into a graph with all its checks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.graph.module import GraphModule
from asserts.trace import trace
from shapes import ShapeproofError
from tests.asserts.programs import PROGRAMS, Program

__all__ = ["every_program", "outcome", "same_behaviour", "same_value", "traced"]

REJECTED = object()
_FAILURES = (ShapeproofError, ValueError, IndexError, ZeroDivisionError, AssertionError)

every_program = pytest.mark.parametrize(
    "program", PROGRAMS, ids=lambda p: p.function.__name__
)


def traced(program: Program) -> GraphModule:
    """The program as a graph that makes all its checks."""
    plain = trace(program.function, **program.specs)
    return asserts.insert(plain, policy="keep-all").graph_module


def outcome(run: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """What it returns, or `REJECTED`."""
    given = [np.copy(i) if isinstance(i, np.ndarray) else i for i in inputs]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return run(*given)
        except _FAILURES:
            return REJECTED


def same_value(a: Any, b: Any) -> bool:
    """Equal in structure, types, dtypes, shapes and bits."""
    if a is REJECTED or b is REJECTED:
        return a is b
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_value(a[k], b[k]) for k in a)
    if isinstance(a, (np.ndarray, np.generic)):
        same_form = a.dtype == b.dtype and a.shape == b.shape
        return same_form and a.tobytes() == b.tobytes()
    return bool(a == b)


def same_behaviour(
    program: Program,
    before: Callable[..., Any],
    after: Callable[..., Any],
    rounds: int = 60,
) -> None:
    """Both accept the same random inputs, and compute the same."""
    random = np.random.default_rng(1)
    accepted = 0
    for _ in range(rounds):
        inputs = program.inputs(random)
        expected, found = outcome(before, inputs), outcome(after, inputs)
        assert same_value(expected, found), (inputs, expected, found)
        accepted += expected is not REJECTED
    assert 0 < accepted < rounds, "the inputs should be mixed"
