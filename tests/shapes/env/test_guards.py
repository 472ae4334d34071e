"""Guards: one compiled function, and what it says when one fails."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from shapes import EvaluationError, GuardError, ShapeEnv
from shapes.env.guards import Guard, GuardFunction
from shapes.expr.nodes import BoolExpr, symbol
from tests.oracle import Tree, Undefined, ours
from tests.strategies import small_values, trees


@pytest.fixture
def env() -> ShapeEnv:
    env = ShapeEnv()
    b = env.size("b", hint=8, max=64, source="tokens.shape[0]")
    k = env.integer("k", hint=3)
    assert b > 4
    assert b % k == 2
    assert k != 0
    return env


def test_guards_hold_for_the_examples(env: ShapeEnv) -> None:
    function = env.guard_function()
    assert function(b=8, k=3)
    assert function({"b": 8}, k=3)
    assert function.parameters == ("b", "k")
    assert len(function.guards) == len(env.guards)
    assert function.explain(b=8, k=3) is None
    function.check(b=8, k=3)


@pytest.mark.parametrize(("b", "k"), [(4, 3), (9, 3), (8, 4), (8, 0), (0, 0)])
def test_other_inputs_are_refused(env: ShapeEnv, b: int, k: int) -> None:
    function = env.guard_function()
    assert function(b=b, k=k) is False
    with pytest.raises(GuardError) as caught:
        function.check(b=b, k=k)
    assert str(caught.value) == function.explain(b=b, k=k)


def test_a_failing_guard_is_explained(env: ShapeEnv) -> None:
    text = env.guard_function().explain(b=3, k=3)
    assert text is not None
    assert "the guard `b >= 5` does not hold: b = 3 (from tokens.shape[0])" in text
    assert "guarded at test_guards.py" in text
    assert "assert b > 4" in text
    assert "b % k == 2" in text


def test_a_missing_value_is_named(env: ShapeEnv) -> None:
    with pytest.raises(EvaluationError, match="no value was given for k"):
        env.guard_function()(b=8)


def test_without_guards_everything_passes() -> None:
    env = ShapeEnv()
    env.size("b")
    function = env.guard_function()
    assert function()
    assert function(b=-1)
    assert function.parameters == ()


def test_names_that_are_paths() -> None:
    claim: Any = symbol("tokens.shape[0]") >= 5
    function = GuardFunction([Guard(claim)], {})
    assert function({"tokens.shape[0]": 5})
    assert not function({"tokens.shape[0]": 4})


def test_the_source_is_plain_python(env: ShapeEnv) -> None:
    source = env.guard_function().source
    assert source.startswith("def guard(s0, s1):\n")
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    assert namespace["guard"](8, 3) is True


def test_many_and_long_guards() -> None:
    env = ShapeEnv()
    sizes = [env.size(f"n{i}", hint=i % 7) for i in range(500)]
    total = sum(sizes)
    assert total >= 100
    product = sizes[1]
    for n in sizes[2:]:
        product = product * (n + 1) // 2 + 1
    assert product > 0
    for n in sizes:
        assert n < 7
    values = {f"n{i}": i % 7 for i in range(500)}
    function = env.guard_function()
    assert function(values)
    assert not function({**values, "n3": 9})


def test_floats_and_flags() -> None:
    env = ShapeEnv()
    flag, scale = env.boolean("flag", hint=False), env.real("scale", hint=2.0)
    assert not flag
    assert scale > 1
    function = env.guard_function()
    assert function(flag=False, scale=1.5)
    assert not function(flag=True, scale=1.5)
    assert not function(flag=False, scale=math.nan)


@given(trees("bool", 4), trees("bool", 3), small_values())
def test_the_function_decides_as_evaluation_does(
    first: Tree, second: Tree, values: dict[str, Any]
) -> None:
    claims = [first.built(), second.built()]
    guards = [Guard(claim) for claim in claims if isinstance(claim, BoolExpr)]
    function = GuardFunction(guards, {})
    held = all(ours(claim, values) is True for claim in claims)
    if Undefined not in [ours(claim, values) for claim in claims]:
        assert function(values) is held
    else:
        assert function(values) is False
    assert (function.explain(values) is None) is function(values)
