"""Steps of local search beside every step that is small."""

from __future__ import annotations

from itertools import product

import pytest

from shapes import ShapeEnv
from shapes.expr.booleans import conjunction
from shapes.expr.nodes import EQ_ZERO, LE_ZERO, NE_ZERO, Op
from shapes.witness.local_search import satisfied, step_to

_REACH = range(-60, 61)


@pytest.mark.parametrize("op", [LE_ZERO, EQ_ZERO])
def test_a_step_just_makes_a_relation_hold(op: Op) -> None:
    for c, total in product((-7, -3, -1, 1, 2, 5), range(-12, 13)):
        step = step_to(op, total, c)
        holding = [s for s in _REACH if satisfied(op, total + c * s)]
        if step is None:
            assert not holding
        else:
            # From there on the other way the relation does not hold.
            assert step == (max(holding) if c > 0 else min(holding))


def test_what_is_satisfied() -> None:
    for total in range(-3, 4):
        assert satisfied(LE_ZERO, total) is (total <= 0)
        assert satisfied(EQ_ZERO, total) is (total == 0)
        assert satisfied(NE_ZERO, total) is (total != 0)


def test_facts_that_the_values_were_not_compared_with() -> None:
    """Whoever replaces the facts may name symbols that have no value yet."""
    env = ShapeEnv()
    m, low, high = env.size("m"), env.unbacked("low"), env.unbacked("high")
    env.facts = env.facts.given(conjunction((m * m + low >= 0).expr, (high < m * m).expr))
    env.guarantee(m + env.unbacked("k") <= 100, operation="a node")  # 0 does
    env.guarantee(env.unbacked("v", min=0) < m * m, operation="a node")  # no longer
    assert env.prove("low >= -m*m").proved
    assert not env.prove("high >= 0 and v >= 1").proved
