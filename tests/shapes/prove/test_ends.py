"""What is found near the end of the steps of a question is not lost, and what is too large is
not known: neither error comes out of a question."""

from __future__ import annotations

from typing import Any

import pytest

from shapes import ShapeEnv
from shapes.arith import system
from shapes.base.budget import ExhaustedError, limited
from shapes.errors import TooLargeError
from shapes.expr import BoolExpr
from shapes.prove import quick, tactics


def _raising(error: type[Exception]) -> Any:
    def function(*_: Any) -> Any:
        raise error

    return function


def _asked(env: ShapeEnv, text: str) -> BoolExpr:
    claim = env.spelled(text).expr
    assert isinstance(claim, BoolExpr)
    return claim


@pytest.mark.parametrize("steps", [50, 10**6])
@pytest.mark.parametrize("claim", ["x > 3", "x > 3 or y > 3"])
def test_too_large_is_unknown(monkeypatch: pytest.MonkeyPatch, steps: int, claim: str) -> None:
    env = ShapeEnv()
    env.integer("x")
    env.integer("y")
    monkeypatch.setattr(quick, "_decided_condition", _raising(TooLargeError))
    monkeypatch.setattr(quick, "_decided_relation", _raising(TooLargeError))
    with limited(steps):
        assert quick.decide(env.facts, _asked(env, claim)) is None


def test_a_proof_is_kept_where_no_steps_are_left_to_shorten_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = ShapeEnv()
    for name in "xyz":
        env.integer(name, min=0, max=9)
    env.assume("x + 2*y <= z")
    env.assume("z + x <= 7")
    claim = _asked(env, "2*x + 2*y <= 7")
    whole = system.linear(env.facts, claim)
    assert whole is not None
    assert len(whole.facts) > 1
    by_range = _asked(env, "x*y <= 81")
    monkeypatch.setattr(system, "refuted", _raising(ExhaustedError))
    assert system.with_fewer(whole, claim) is whole
    monkeypatch.setattr(tactics, "together", _raising(ExhaustedError))
    found = tactics.METHODS["ranges"](env.facts, by_range)
    assert found is not None
    assert found.facts
