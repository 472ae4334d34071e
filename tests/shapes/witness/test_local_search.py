"""Steps of local search beside every step that is small."""

from __future__ import annotations

from itertools import product

import pytest

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
