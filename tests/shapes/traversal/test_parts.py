"""Text of what is shared: written once, and read back as the same expression."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given

from shapes import SerializationError, ShapeEnv, parse, show, symbol
from shapes.expr.nodes import Expr
from shapes.traversal import parts
from shapes.traversal.parsing import parse_saved, saved_in_parts
from shapes.traversal.parts import InParts, with_parts
from shapes.traversal.printing import tree_size
from tests.oracle import Tree
from tests.strategies import KINDS, any_trees

SYMBOLS = {n: symbol(n, kind) for n, kind in KINDS.items()}  # type: ignore[arg-type]


def _in_turn(depth: int) -> str:
    """Connectives in turn, each operand partial: what is needed for a value repeats all that
    is before."""
    text = "a // b > 3"
    for i in range(depth):
        text = f"({text} {('and', 'or')[i % 2]} a // (c + {i}) < b)"
    return text


def _chosen(depth: int) -> str:
    """Conditionals of conditions: each occurs twice in its normal form."""
    arms = "".join(f", a // (b + {i}) > {i}, b // (c + {i}) > {i})" for i in range(depth))
    return f"{'Where(' * depth}a // b > 3{arms}"


SHARED = {"connectives in turn": _in_turn, "conditionals of conditions": _chosen}


@pytest.fixture
def env() -> ShapeEnv:
    env = ShapeEnv()
    for name in ("a", "b", "c", "_0", "__1"):
        env.integer(name, min=1)
    return env


@given(any_trees(4), any_trees(3))
def test_what_is_written_in_parts_is_the_same_expression(one: Tree, other: Tree) -> None:
    """However small the parts are."""
    before = parts.WHOLE, parts.SMALL
    parts.WHOLE, parts.SMALL = 0, 1  # type: ignore[misc]
    try:
        written = InParts(SYMBOLS)
        exprs = [one.built(), other.built(), one.built()]
        texts = [written.text(e) for e in exprs]
    finally:
        parts.WHOLE, parts.SMALL = before  # type: ignore[misc]
    known = with_parts(written.parts, SYMBOLS, parse)
    for expr, text in zip(exprs, texts):
        assert parse(text, known) is expr


def test_what_is_short_is_written_as_a_whole(env: ShapeEnv) -> None:
    for depth in (1, 5):
        claim = env.spelled(_in_turn(depth)).defined
        assert saved_in_parts(claim)[::2] == (show(claim), ())
        env.check(_in_turn(depth))
    assert "parts" not in json.loads(env.to_json())


@pytest.mark.parametrize("kind", SHARED)
def test_text_in_parts_grows_with_the_expression(kind: str, env: ShapeEnv) -> None:
    def size(depth: int) -> int:
        text, _, named = saved_in_parts(env.spelled(SHARED[kind](depth)).defined)
        return len(text) + sum(map(len, sum(named, ())))

    assert size(160) <= 3 * size(80)


@pytest.mark.parametrize("kind", SHARED)
def test_environments_that_share_much_come_back(kind: str, env: ShapeEnv) -> None:
    env.assume(SHARED[kind](30))
    env.check(SHARED[kind](150), "long")
    (check,) = env.checks
    assert tree_size(check.claim) > 50_000
    text = env.to_json()
    assert len(text) < 600_000
    for again in (ShapeEnv.from_json(text), pickle.loads(pickle.dumps(env)), copy.copy(env)):
        assert [c.claim for c in again.checks] == [check.claim]
        assert [f.claim for f in again.facts] == [f.claim for f in env.facts]
        assert again.to_json() == text
    assert pickle.loads(pickle.dumps(check.claim)) is check.claim
    assert parse_saved(*saved_in_parts(check.claim)) is check.claim


def _damaged(env: ShapeEnv, change: Any) -> str:
    env.check(_in_turn(60))
    data = json.loads(env.to_json())
    change(data["parts"])
    return json.dumps(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts.pop(0),
        lambda parts: parts.pop(),
        lambda parts: parts.clear(),
        lambda parts: parts.reverse(),
        lambda parts: parts.insert(0, ["a", "b + 1"]),
        lambda parts: parts.insert(0, parts[-1]),
        lambda parts: parts.insert(0, ["Min", "b + 1"]),
        lambda parts: parts.insert(0, ["no name", "b + 1"]),
        lambda parts: parts.insert(0, ["q", "b +"]),
        lambda parts: parts.insert(0, ["q", "q + 1"]),
        lambda parts: parts.insert(0, ["q", 5]),
        lambda parts: parts.insert(0, ["q"]),
        lambda parts: parts.insert(0, None),
    ],
)
def test_damaged_parts_are_refused(change: Any, env: ShapeEnv) -> None:
    with pytest.raises(SerializationError):
        ShapeEnv.from_json(_damaged(env, change))


def test_parts_that_double_are_no_burden(env: ShapeEnv) -> None:
    """What a file says in a line each may be exponentially long as one text."""
    known: dict[str, Expr] = with_parts(
        [("p0", "Min(a, b // c)")]
        + [(f"p{i}", f"Min(p{i - 1} // 2, p{i - 1} % {i + 2})") for i in range(1, 60)],
        {n: info.symbol for n, info in env.symbols.items()},
        parse,
    )
    claim = known["p59"] <= known["p58"]  # type: ignore[operator]
    env.check(claim)
    assert ShapeEnv.from_json(env.to_json()).checks[0].claim is env.checks[0].claim
