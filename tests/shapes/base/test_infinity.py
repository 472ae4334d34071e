"""The ends of an unbounded range."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from typing import Any

import pytest

from shapes.base.infinity import IntInfinity, int_oo

UP, DOWN = int_oo, -int_oo


def test_there_are_two() -> None:
    assert IntInfinity(5) is UP
    assert IntInfinity(-2) is DOWN
    assert -DOWN is UP
    assert +UP is UP
    assert abs(DOWN) is UP
    assert pickle.loads(pickle.dumps(DOWN)) is DOWN
    assert copy.deepcopy(UP) is UP
    assert (repr(UP), repr(DOWN)) == ("int_oo", "-int_oo")
    assert len({UP, DOWN, -DOWN}) == 2


@pytest.mark.parametrize("n", [0, 1, -1, 2**63, -(10**400), True])
def test_they_are_beyond_every_integer(n: int) -> None:
    assert DOWN < n < UP
    assert DOWN <= n <= UP
    assert UP > n > DOWN
    assert n != UP
    assert max(n, UP) is UP
    assert UP + n is UP
    assert n + DOWN is DOWN
    assert UP - n is UP
    assert n - UP is DOWN


def test_they_are_ordered_among_themselves() -> None:
    assert DOWN < UP
    assert UP <= UP
    assert not UP < UP
    assert sorted([UP, 3, DOWN]) == [DOWN, 3, UP]


@pytest.mark.parametrize("real", [0.0, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("operation", [operator.lt, operator.le, operator.gt, operator.ge,
                                       operator.add, operator.sub, operator.mul])  # fmt: skip
def test_they_never_mix_with_floats(operation: Any, real: float) -> None:
    for one, two in ((UP, real), (real, DOWN)):
        with pytest.raises(TypeError):
            operation(one, two)
    assert math.inf != UP


def test_products() -> None:
    assert 3 * UP is UP
    assert UP * -2 is DOWN
    assert UP * DOWN is DOWN
    assert DOWN * DOWN is UP


@pytest.mark.parametrize("bad", [lambda: UP - UP, lambda: UP + DOWN, lambda: 0 * UP,
                                 lambda: DOWN * 0])  # fmt: skip
def test_what_has_no_value(bad: Any) -> None:
    with pytest.raises(ArithmeticError, match="has no value"):
        bad()
