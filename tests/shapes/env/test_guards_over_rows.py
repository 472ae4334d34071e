"""Guards on arrays of inputs say of every row what the guards say of it alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import EvaluationError, ShapeEnv
from shapes.env.guards import Guard, GuardFunction
from shapes.expr.nodes import BoolExpr
from tests.strategies import KINDS, Soil, Tree, trees

ROWS = st.lists(
    st.tuples(*[st.integers(-6, 9) | st.sampled_from((2**31, -(2**31), 2**62, 2**63 - 1))] * 3),
    min_size=1,
    max_size=6,
)


def function_of(*claims: BoolExpr) -> GuardFunction:
    return GuardFunction([Guard(claim) for claim in claims], {})


@given(st.lists(trees("bool", 3, Soil()), min_size=1, max_size=3), ROWS)
def test_every_row_as_alone(built: list[Tree], rows: list[tuple[int, ...]]) -> None:
    claims = [tree.built() for tree in built]
    function = function_of(*claims)  # type: ignore[arg-type]
    names = [name for name, kind in KINDS.items() if kind == "int"][:3]
    values: dict[str, Any] = {
        name: np.array([row[place] for row in rows]) for place, name in enumerate(names)
    }
    for name, kind in KINDS.items():
        if kind == "bool":
            values[name] = np.array([row[0] % 2 == 0 for row in rows])
        elif name not in values:
            values[name] = 3 if kind == "int" else 0.5
    held = function.over(values)
    for place, answer in enumerate(held.tolist()):
        row = {n: (v[place].item() if hasattr(v, "shape") else v) for n, v in values.items()}
        assert answer is function(row), row


def made() -> tuple[ShapeEnv, GuardFunction]:
    env = ShapeEnv()
    b = env.size("b", hint=8)
    k = env.integer("k", hint=3)
    assert b > 4
    assert b % k == 2
    assert b * k < 100
    return env, env.guard_function()


def test_a_division_by_zero_is_no_answer() -> None:
    _, function = made()
    held = function.over(b=np.array([8, 8, 5, 11, 50]), k=np.array([3, 0, 3, -9, 3]))
    assert held.tolist() == [True, False, True, False, False]


def test_nothing_wraps_around() -> None:
    _, function = made()
    large = np.array([8, 2**62, 2**62 + 1, 2**63 - 1])
    assert function.over(b=large, k=3).tolist() == [True, False, False, False]
    env = ShapeEnv()
    x, y = env.integer("x", hint=2), env.integer("y", hint=3)
    assert x * y < 10
    held = env.guard_function().over(x=np.array([2**32, 2, -(2**40)]), y=np.array([2**32, 3, 2**40]))
    assert held.tolist() == [False, True, True]


def test_unsigned_and_python_integers() -> None:
    env = ShapeEnv()
    x = env.integer("x", hint=2)
    assert x >= 2
    function = env.guard_function()
    assert function.over(x=np.array([1, 2**64 - 1], dtype=np.uint64)).tolist() == [False, True]
    assert function.over(x=np.array([1, 2**80], dtype=object)).tolist() == [False, True]
    assert function.over(x=np.array([1, 2], dtype=np.int8)).tolist() == [False, True]


def test_arguments_are_left_as_they_are() -> None:
    env = ShapeEnv()
    p, q = env.boolean("p", hint=True), env.boolean("q", hint=True)
    assert p
    assert q
    column = np.array([True, True, False])
    held = env.guard_function().over(p=column, q=np.array([False, True, True]))
    assert held.tolist() == [False, True, False]
    assert column.tolist() == [True, True, False]


def test_one_plan_for_rows_of_a_size() -> None:
    _, function = made()
    function.over(b=np.arange(5, 9), k=3)
    plan = function._plan
    function.over(b=np.arange(5, 15), k=3)
    assert function._plan is plan
    function.over(b=np.arange(5, 100), k=3)
    assert function._plan is not plan


def test_no_rows_and_bad_rows() -> None:
    _, function = made()
    assert function.over(b=np.array([], dtype=int), k=3).shape == (0,)
    with pytest.raises(EvaluationError, match=r"not of one length \(b: 2, k: 3\)"):
        function.over(b=np.zeros(2, int), k=np.zeros(3, int))
    with pytest.raises(EvaluationError, match="b have 2 dimensions"):
        function.over(b=np.zeros((2, 2), int), k=3)
    with pytest.raises(EvaluationError, match=r"the value of k is .* not an integer"):
        function.over(b=3, k=np.array(["a"]))
    with pytest.raises(EvaluationError, match="no value was given for k"):
        function.over(b=3)
