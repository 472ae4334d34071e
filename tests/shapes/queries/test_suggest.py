"""Suggestions, judged by enumeration: each implies the claim, is possible, and none is
listed behind a weaker one that costs no more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.env.shape_env import ShapeEnv
from shapes.errors import ContradictionError, ExpressionTypeError, ShapeproofError
from shapes.expr.nodes import BoolExpr, Expr, constant, make, symbol
from shapes.facts.store import Fact, Facts
from shapes.queries.suggest import Suggestion, suggest
from shapes.traversal.cost import cost
from shapes.traversal.evaluate import evaluate
from shapes.traversal.parsing import parse, parse_spelled

X, Y, Z = (symbol(name) for name in "xyz")
REACH = range(7)


@pytest.fixture
def env() -> ShapeEnv:
    env = ShapeEnv()
    env.size("b", hint=8, min=4, max=64)
    env.unbacked("u", size_like=True)
    env.unbacked("v", size_like=True)
    env.unbacked("w")
    env.unbacked("p", kind="bool")
    return env


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("u < b", ["u < b", "u <= 3"]),
        ("8*u <= 1000000", ["u <= 125000"]),
        ("u % 8 == 0", ["u % 8 == 0"]),
        ("(u + 3) % 4 == 0", ["u % 4 == 1"]),
        ("u // b * b == u", ["u % b == 0", "b == u"]),
        ("Min(u, b) == u", ["u <= b", "u <= 4"]),
        ("u != 0", ["u >= 1"]),
        ("2*u <= 3*v", ["2*u <= 3*v", "u <= v"]),
        ("p or u > 3", ["p or u > 3", "p", "u > 3"]),
        ("u // v >= 2", ["v != 0 and 2*v <= u"]),
        ("w*w > 5", ["w*w > 5", "w <= -3", "w >= 3"]),
    ],
)
def test_expected(env: ShapeEnv, claim: str, expected: list[str]) -> None:
    lookup = {name: info.symbol for name, info in env.symbols.items()}
    found = [s.claim for s in suggest(env, claim)]
    wanted = [parse(text, lookup) for text in expected]
    if claim == "u != 0":
        assert found[0] in (wanted[0], parse("u != 0", lookup))
        return
    assert found == wanted, [str(c) for c in found]


def test_lines_can_be_pasted(env: ShapeEnv) -> None:
    found = suggest(env, "u < b")
    assert isinstance(found[0], Suggestion)
    assert [s.line for s in found] == ["asserts.check(u < b)", "asserts.check(u <= 3)"]
    assert str(found[1]) == "asserts.check(u <= 3)"
    for s in found:
        env.check(s.text)
    assert env.decide("u < b") is True


def test_nothing_to_suggest(env: ShapeEnv) -> None:
    assert suggest(env, "b >= 4") == []
    assert suggest(env, "b >= 65") == []
    assert suggest(env, "u < b", limit=0) == []
    assert len(suggest(env, "u < b", limit=1)) == 1
    assert suggest(env, "u < b", limit=1 << 70) == suggest(env, "u < b", limit=50)


def test_it_asks_without_changing_and_repeats_itself(env: ShapeEnv) -> None:
    before = env.facts
    first = [s.text for s in suggest(env, "Max(u, v) < b")]
    assert env.facts is before
    assert [s.text for s in suggest(env, "Max(u, v) < b")] == first
    assert suggest(env, "u < b", steps=0)[0].text == "u < b"


def test_bad_input(env: ShapeEnv) -> None:
    with pytest.raises(ExpressionTypeError, match="not a condition"):
        suggest(env, "u + 1")
    with pytest.raises(ExpressionTypeError, match="needs an environment"):
        suggest(Facts(), "u < 1")
    with pytest.raises(ValueError, match="effort"):
        suggest(env, "u < b", effort="heroic")
    with pytest.raises(ValueError, match="limit"):
        suggest(env, "u < b", limit=-1)


# --------------------------------------------------------------------------- brute force


def boxed() -> Facts:
    """x, y and z within the reach of the enumeration."""
    facts = Facts()
    for s in (X, Y, Z):
        low, high = make("Ge", s, REACH[0]), make("Le", s, REACH[-1])
        facts = facts.given(Fact(low), Fact(high))  # type: ignore[arg-type]
    return facts


BOX = boxed()


def points(claims: Sequence[Expr]) -> Iterator[dict[Expr, int]]:
    for choice in itertools.product(REACH, repeat=3):
        values = dict(zip((X, Y, Z), choice))
        if all(true(claim, values) for claim in claims):
            yield values


def true(claim: Expr, values: dict[Expr, int]) -> bool:
    try:
        return bool(evaluate(claim, values))
    except ShapeproofError:
        return False


def judged(facts: Facts, held: list[Expr], goal: Expr, found: list[Any]) -> None:
    meant = {}
    all_points = list(points(held))
    for s in found:
        meant[s.claim] = [i for i, p in enumerate(all_points) if true(s.claim, p)]
        assert meant[s.claim], ("cannot hold", s.text)
        assert all(true(goal, all_points[i]) for i in meant[s.claim]), ("weaker", s.text)
    for a, b in itertools.permutations(meant, 2):
        stronger = set(meant[a]) < set(meant[b])
        assert not (stronger and cost(b) <= cost(a)), (str(a), str(b))


leaves = st.one_of(st.sampled_from([X, Y, Z]), st.integers(0, 6).map(constant))
terms = st.recursive(
    leaves,
    lambda inner: st.builds(
        make,
        st.sampled_from(["Add", "Sub", "Mul", "FloorDiv", "Mod", "Min", "Max"]),
        inner,
        inner,
    ),
    max_leaves=4,
)
claims = st.builds(make, st.sampled_from(["Le", "Lt", "Eq", "Ne"]), terms, terms)
compound = st.one_of(
    claims, st.builds(make, st.sampled_from(["And", "Or"]), claims, claims)
)


@settings(max_examples=25)
@given(compound, st.lists(claims, max_size=2))
def test_by_enumeration(claim: Expr, given_claims: list[Expr]) -> None:
    facts, held = BOX, []
    for c in given_claims:
        assert isinstance(c, BoolExpr)
        spelled = parse_spelled(str(c))
        try:
            facts = facts.given(Fact(make("And", spelled.defined, c)))  # type: ignore[arg-type]
        except ContradictionError:
            return
        held.append(c)
    spelled = parse_spelled(str(claim))
    goal = make("And", spelled.defined, claim)
    assert isinstance(goal, BoolExpr)
    try:
        found = suggest(facts, goal)
    except ContradictionError:
        assert not list(points(held))
        return
    if not list(points(held)):
        return
    judged(facts, held, goal, found)
    open_claim = {true(goal, p) for p in points(held)} == {True, False}
    assert bool(found) >= open_claim, str(goal)
