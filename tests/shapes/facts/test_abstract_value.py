"""What is known of one direction, and smallest sets of facts."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Set

import pytest

from shapes.base.budget import limited, spend
from shapes.base.infinity import int_oo
from shapes.domains import Congruence
from shapes.expr.nodes import symbol
from shapes.facts.abstract_value import Fact, contradiction, smallest
from shapes.facts.justification import NO_REASONS, Reasons, rests_on
from shapes.facts.knowledge import Knowledge, agreed, scaled

x = symbol("x")
FACTS = [Fact(x >= i, text=f"x >= {i}") for i in range(40)]
a, b, c, d, *_ = (Reasons((fact,)) for fact in FACTS)


def known(low: int, high: int, modulus: int, residue: int, *out: int) -> Knowledge:
    return Knowledge(
        low, high, Congruence.of(modulus, residue), a, b, c, tuple((v, d) for v in out)
    )


def test_ends_move_to_the_next_value_that_is_left() -> None:
    for low, high in itertools.product(range(-3, 4), range(-3, 7)):
        for modulus, residue in ((1, 0), (2, 1), (3, 2), (0, 2)):
            for out in ((), (0,), (-1, 2), (0, 1, 2, 5)):
                admits = Congruence.of(modulus, residue).admits
                inside = [v for v in range(low, high + 1) if admits(v)]
                left = [v for v in inside if v not in out]
                found = agreed(known(low, high, modulus, residue, *out))
                if not left:
                    assert found.lower > found.upper
                else:
                    assert (found.lower, found.upper) == (min(left), max(left))


def test_an_end_that_moves_rests_on_what_moved_it() -> None:
    stays = agreed(known(1, 7, 2, 1, 3))
    assert (stays.why_lower, stays.why_upper) == (a, b)
    rounded = agreed(known(0, 7, 2, 1))
    assert set(rounded.why_lower) == {FACTS[0], FACTS[2]}
    moved = agreed(known(1, 8, 1, 0, 1, 8))
    assert (moved.lower, moved.upper) == (2, 7)
    assert set(moved.why_lower) == {FACTS[0], FACTS[3]}
    assert set(moved.why_upper) == {FACTS[1], FACTS[3]}


def test_ends_that_are_infinite_stay() -> None:
    found = agreed(Knowledge(congruence=Congruence.of(4, 1), excluded=((1, d),)))
    assert (found.lower, found.upper) == (-int_oo, int_oo)
    assert found.why_lower is NO_REASONS
    assert scaled(int_oo, -2, 7) == -int_oo
    assert scaled(5, -2, 7) == -3


@pytest.mark.parametrize("needed", [(), (3,), (0, 39), (5, 6, 7), tuple(range(0, 40, 3))])
def test_a_smallest_set_is_what_is_needed(needed: tuple[int, ...]) -> None:
    wanted = [FACTS[i] for i in needed]
    found = smallest(FACTS, lambda kept: all(fact in kept for fact in wanted))
    assert found == (wanted or FACTS[-1:])


def test_one_of_several_sets_is_found() -> None:
    def suffice(kept: list[Fact]) -> bool:
        return set(FACTS[2:5]) <= set(kept) or set(FACTS[30:36]) <= set(kept)

    found = smallest(FACTS, suffice)
    assert suffice(found)
    assert not any(suffice([f for f in found if f is not one]) for one in found)


def test_the_budget_of_leaving_out_holds() -> None:
    read = 0

    def suffice(kept: list[Fact]) -> bool:
        nonlocal read
        read += len(kept)
        return FACTS[7] in kept

    found = smallest(FACTS, suffice, steps=100)
    assert FACTS[7] in found
    assert read <= 100


@pytest.mark.parametrize("steps", [0, 1, 40, 100, 1000])
def test_where_the_steps_of_a_question_end_more_is_left(steps: int) -> None:
    def suffice(kept: list[Fact]) -> bool:
        spend(len(kept))
        return FACTS[7] in kept

    with limited(steps):
        found = smallest(FACTS, suffice)
    assert FACTS[7] in found
    assert steps < 1000 or found == [FACTS[7]]


def test_a_message_shows_some_of_many_culprits() -> None:
    error = contradiction(FACTS)
    assert error.culprits == tuple(FACTS)
    lines = str(error).splitlines()
    assert len(lines) == 22
    assert "... and 20 more ..." in str(error)
    assert "x >= 0" in lines[1]
    assert "x >= 39" in lines[-1]
    assert str(contradiction(FACTS[:20])).count("x >=") == 20
    assert "can never hold" in str(contradiction(FACTS[:1]))


def test_reasons_are_sets_in_every_operation() -> None:
    a, b, c, d = (Fact(symbol(name) >= 0) for name in "abcd")
    sets = [set[Fact](), {a}, {a, b}, {b, c}, {a, b, c}, {d}]
    operations = [
        operator.or_, operator.and_, operator.sub, operator.xor, operator.eq, operator.ne,
        operator.le, operator.lt, operator.ge, operator.gt,
    ]  # fmt: skip
    for one, other in itertools.product(sets, repeat=2):
        joined = NO_REASONS.union(*(rests_on(fact) for fact in one))
        assert isinstance(joined, Set)
        assert (joined == one, one == joined, len(joined)) == (True, True, len(one))
        assert joined.isdisjoint(other) is one.isdisjoint(other)
        for operation in operations:
            expected = operation(one, other)
            assert operation(joined, other) == expected
            assert operation(one, Reasons(other)) == expected
            assert operation(joined, Reasons(other)) == expected
    assert Reasons((a,)) != a
    with pytest.raises(TypeError):
        _ = Reasons((a,)) | 3
