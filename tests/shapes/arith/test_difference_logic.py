"""Paths of differences: sound and complete for what they are about, and quick to find."""

from __future__ import annotations

import itertools
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.arith.checker import check
from shapes.arith.difference_logic import by_differences
from shapes.errors import ContradictionError
from shapes.expr.nodes import BoolExpr, Expr, make, symbol
from shapes.facts.store import Fact, Facts
from shapes.traversal.parsing import parse

NAMES = ("x", "y", "z", "w")
SYMBOLS = [symbol(name) for name in NAMES]
VALUES = range(-3, 4)

Order = tuple[int, int, int, str]
ORDERS = st.tuples(
    st.integers(0, 3), st.integers(0, 3), st.integers(-2, 3), st.sampled_from(["Le", "Eq"])
)


def claim_of(order: Order) -> BoolExpr:
    """``x <= y + k`` or ``x == y + k``."""
    x, y, k, relation = order
    made = make(relation, SYMBOLS[x], SYMBOLS[y] + k)
    assert isinstance(made, BoolExpr)
    return made


def lengths(orders: list[Order]) -> list[list[float]]:
    """The shortest paths between all pairs (Floyd and Warshall)."""
    far = float("inf")
    n = len(NAMES)
    best = [[0.0 if i == j else far for j in range(n)] for i in range(n)]
    for x, y, k, relation in orders:
        best[x][y] = min(best[x][y], k)
        if relation == "Eq":
            best[y][x] = min(best[y][x], -k)
    for via, i, j in itertools.product(range(n), repeat=3):
        best[i][j] = min(best[i][j], best[i][via] + best[via][j])
    return best


@given(st.lists(ORDERS, max_size=7), st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_a_claim_is_proved_just_where_a_path_is_short_enough(
    orders: list[Order], ends: tuple[int, int]
) -> None:
    best = lengths(orders)
    try:
        facts = Facts().given(*[Fact(claim_of(order)) for order in orders])
    except ContradictionError:
        assert any(best[i][i] < 0 for i in range(len(NAMES)))
        return
    if any(best[i][i] < 0 for i in range(len(NAMES))):
        return  # a circle that learning does not see: anything may be proved
    x, y = ends
    for k in range(-4, 5):
        claim = claim_of((x, y, k, "Le"))
        proof = by_differences(facts, claim)
        follows = best[x][y] <= k
        if proof is not None:
            assert follows
            assert set(proof.facts) <= set(facts)
            assert list(proof.facts) == [fact for fact in facts if fact in proof.facts]
            check(proof.certificate, proof.facts, claim)  # type: ignore[arg-type]
        elif follows and x != y:
            # Where equalities make the two one, there is no path left to find.
            normal = facts.normalized(claim)[0]
            assert normal.is_constant or len(normal.args[0].terms()) != 2, str(claim)  # type: ignore[attr-defined]


@settings(max_examples=40)
@given(st.lists(ORDERS, max_size=6), ORDERS)
def test_what_is_proved_holds_for_all_values(orders: list[Order], asked: Order) -> None:
    known = [Fact(claim_of(order)) for order in orders]
    try:
        facts = Facts().given(*known)
    except ContradictionError:
        return
    claim = claim_of((*asked[:3], "Le"))
    proof = by_differences(facts, claim)
    if proof is None:
        return
    used = [orders[known.index(fact)] for fact in proof.facts]
    x, y, k, _ = asked
    for values in itertools.product(VALUES, repeat=len(NAMES)):
        if all(_holds(order, values) for order in used):
            assert values[x] <= values[y] + k


def _holds(order: Order, values: tuple[int, ...]) -> bool:
    x, y, k, relation = order
    rest = values[y] + k
    return values[x] == rest if relation == "Eq" else values[x] <= rest


@pytest.mark.parametrize(
    ("stated", "claim", "used"),
    [
        (["x <= y", "y <= z", "w <= x"], "x <= z", ["x <= y", "y <= z"]),
        (["x <= y", "y < z"], "x + 1 <= z", ["x <= y", "y < z"]),
        (["x <= y", "y < z"], "x + 2 <= z", None),
        (["x <= y + 3", "y + 3 <= z - 2"], "x + 2 <= z", ["x <= y + 3", "y + 3 <= z - 2"]),
        (["x <= y", "x <= z - 9", "y <= z"], "x <= z", ["x <= z - 9"]),
        (["x // 4 <= y % 3 + 1", "y % 3 <= z"], "x // 4 <= z + 1", None),
        (["x // 4 <= y + 1", "y <= w*z"], "x // 4 <= w*z + 1", ["x // 4 <= y + 1", "y <= w*z"]),
        (["x <= y", "y == z + 1", "z <= w"], "x <= w + 1", ["x <= y", "y == z + 1", "z <= w"]),
        (["x - y <= 4", "x - y != 4", "y <= z"], "x <= z + 3",
         ["x - y <= 4", "x - y != 4", "y <= z"]),
        (["2*x <= 2*y + 1", "y <= z"], "x <= z", ["2*x <= 2*y + 1", "y <= z"]),
        (["x + y <= z"], "x <= z", None),
        (["x <= 5", "z >= 5"], "x <= z", None),
    ],
)  # fmt: skip
def test_paths(stated: list[str], claim: str, used: list[str] | None) -> None:
    facts = Facts().given(*[Fact(_parsed(text), text=text) for text in stated])
    proof = by_differences(facts, _parsed(claim))
    if used is None:
        assert proof is None
        return
    assert proof is not None
    assert [fact.spelled for fact in proof.facts] == used
    check(proof.certificate, proof.facts, _parsed(claim))  # type: ignore[arg-type]


def _parsed(text: str) -> BoolExpr:
    claim = parse(text)
    assert isinstance(claim, BoolExpr)
    return claim


def test_a_symbol_inside_of_an_atom_is_no_end_of_an_edge() -> None:
    facts = Facts().given(_parsed("x // 2 <= y"), _parsed("x <= z"))
    assert by_differences(facts, _parsed("x <= y")) is None


def test_a_circle_that_cannot_be_closed_is_left_to_others() -> None:
    facts = Facts().given(*map(_parsed, ("x <= y", "y <= z", "z <= x - 1")))
    assert by_differences(facts, _parsed("x <= w")) is None
    assert by_differences(facts, _parsed("y <= x - 5")) is None


def _chain(length: int, *more: tuple[Expr, Expr]) -> tuple[Facts, list[Expr]]:
    us = [symbol(f"path{i}") for i in range(length + 1)]
    pairs = [*pairwise(us), *more]
    return Facts().given(*[Fact(make("Le", a, b)) for a, b in pairs]), us  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [50, 400])
def test_only_what_lies_on_the_way_is_looked_at(size: int) -> None:
    facts, us = _chain(size)
    for start in (0, size // 2):
        assert by_differences(facts, us[start] <= us[start + 10], steps=20) is not None


def test_the_budget_of_steps_ends_a_search() -> None:
    facts, us = _chain(40)
    assert by_differences(facts, us[0] <= us[9], steps=30) is not None
    assert by_differences(facts, us[0] <= us[40], steps=30) is None
