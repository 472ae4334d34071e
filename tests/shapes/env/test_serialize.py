"""Environments as text: everything comes back, and nothing damaged is taken."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings

from shapes import ContradictionError, SerializationError, ShapeEnv
from shapes.env.serialize import expr_from_json, expr_to_json
from shapes.expr.nodes import Expr, symbol
from shapes.traversal.parsing import parse
from tests.oracle import Tree
from tests.strategies import KINDS, any_trees, questions
from tests.strategies import Question as Asked

SYMBOLS = {n: symbol(n, kind) for n, kind in KINDS.items()}  # type: ignore[arg-type]


@pytest.fixture
def env() -> ShapeEnv:
    env = ShapeEnv()
    b = env.size("b", hint=8, min=1, max=64, source="tokens.shape[0]")
    k = env.integer("k", hint=-3, min=-(2**70))
    u = env.unbacked("u", size_like=True, source="nonzero")
    env.boolean("flag", hint=True)
    env.real("scale", hint=0.1)
    env.real("other", hint=math.nan)
    env.real("third", hint=-math.inf)
    env.unbacked("w", kind="float")
    env.assume("u <= b * 2")
    env.contract("k != 5 or flag")
    env.guarantee("u % 2 == 0", "pairs", node="pairs_1")
    assert b > 3
    assert env["scale"] < 1.0
    env.check(u // (b + 1) >= 0, "a message", origin="operation", operation="div")
    env.check("CeilDiv(u, 8) * 8 >= u + k * 0")
    assert k < 0
    return env


def _contents(env: ShapeEnv) -> Any:
    return (
        [(i.name, i.kind, i.backed, i.source, repr(i.hint), i.size_like)
         for i in env.symbols.values()],
        [(f.claim, f.origin, f.text, f.message, f.operation, f.node, f.location)
         for f in env.facts],
        [f.claim for f in env.axioms],
        [(g.claim, g.location) for g in env.guards],
        [(c.claim, c.text, c.message, c.origin, c.operation, c.location) for c in env.checks],
        [_range(env, i.symbol) for i in env.symbols.values()],
    )  # fmt: skip


def _range(env: ShapeEnv, sym: Expr) -> Any:
    try:
        return env.bounds(sym)
    except ContradictionError as error:  # random statements may leave nothing
        return str(error)


def test_everything_comes_back(env: ShapeEnv) -> None:
    text = env.to_json()
    again = ShapeEnv.from_json(text)
    assert _contents(again) == _contents(env)
    assert again.to_json() == text
    facts = list(again.facts)
    assert all(check.fact in facts for check in again.checks)
    assert str(again.unbacked()) == str(env.unbacked())
    assert again.guard_function().source == env.guard_function().source


def test_an_empty_environment_comes_back() -> None:
    assert _contents(ShapeEnv.from_json(ShapeEnv().to_json())) == _contents(ShapeEnv())


def test_the_text_is_json_with_a_version(env: ShapeEnv) -> None:
    data = json.loads(env.to_json())
    assert (data["format"], data["version"]) == ("shapeproof-env", 1)


@given(any_trees(4))
def test_expressions_come_back(tree: Tree) -> None:
    e = tree.built()
    assert expr_from_json(json.loads(json.dumps(expr_to_json(e))), SYMBOLS) is e


@settings(max_examples=60)
@given(questions())
def test_random_statements_come_back(question: Asked) -> None:
    env = ShapeEnv()
    for n in question.domains:
        (env.boolean if KINDS[n] == "bool" else env.integer)(n)
    for fact in (*question.facts, question.claim):
        try:
            env.assume(fact.text())
        except ContradictionError:
            continue
    again = ShapeEnv.from_json(env.to_json())
    assert _contents(again) == _contents(env)


# ---- damage ----


def test_a_truncated_file_is_refused_wherever_it_ends(env: ShapeEnv) -> None:
    text = env.to_json()
    for end in range(0, len(text) - 1, 7):
        with pytest.raises(SerializationError):
            ShapeEnv.from_json(text[:end])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not complete JSON"),
        ("{}", "not a saved shapeproof-env"),
        ("[]", "not a saved shapeproof-env"),
        ("null", "not a saved shapeproof-env"),
        ('{"format": "shapeproof-graph", "version": 1}', "not a saved shapeproof-env"),
        (
            '{"format": "shapeproof-env"}',
            "version None of shapeproof-env cannot be read, only 1",
        ),
        ('{"format": "shapeproof-env", "version": 2}', "version 2"),
        ('{"format": "shapeproof-env", "version": 1}', "damaged: KeyError"),
        ("[" * 200_000, "not complete JSON"),
    ],
    ids=lambda text: text[:40],
)
def test_other_text_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SerializationError, match=reason):
        ShapeEnv.from_json(text)


@pytest.mark.parametrize("value", [None, 3, [], b"\xff"])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(SerializationError):
        ShapeEnv.from_json(value)


def _changed(env: ShapeEnv, *path: Any, to: Any) -> str:
    data = json.loads(env.to_json())
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("symbols",), None),
        (("symbols",), [3]),
        (("symbols", 0, "name"), "b >"),
        (("symbols", 0, "name"), "k"),
        (("symbols", 0, "name"), ["b"]),
        (("symbols", 0, "kind"), "real"),
        (("symbols", 0, "kind"), "float"),
        (("symbols", 0, "kind"), []),
        (("symbols", 0, "hint"), "8"),
        (("symbols", 0, "hint"), 2.5),
        (("symbols", 0, "hint"), {"float": "soup"}),
        (("symbols", 0, "source"), 5),
        (("symbols", 3, "hint"), 1),
        (("facts",), {}),
        (("facts", 0, "claim"), "b >"),
        (("facts", 0, "claim"), "b + 1"),
        (("facts", 0, "claim"), "unknown > 1"),
        (("facts", 0, "claim"), None),
        (("facts", 0, "claim"), "b > 64"),
        (("facts", 0, "origin"), "rumour"),
        (("facts", 0, "text"), 5),
        (("facts", 0, "location"), "here"),
        (("facts", 0, "location"), ["f.py", "seven", "g"]),
        (("facts", 0, "location"), []),
        (("guards", 0, "claim"), "1"),
        (("guards", 0), None),
        (("checks", 0, "fact"), 999),
        (("checks", 0, "fact"), "0"),
        (("checks", 0, "message"), 5),
        (("checks",), [[]]),
    ],
    ids=str,
)
def test_damaged_contents_are_refused(env: ShapeEnv, path: tuple[Any, ...], to: Any) -> None:
    text = _changed(env, *path, to=to)
    with pytest.raises(SerializationError):
        ShapeEnv.from_json(text)


def test_contradictory_facts_are_refused(env: ShapeEnv) -> None:
    facts = json.loads(env.to_json())["facts"]
    text = _changed(env, "facts", to=[*facts, {**facts[0], "claim": "b >= 65"}])
    with pytest.raises(SerializationError, match="the saved facts cannot hold"):
        ShapeEnv.from_json(text)


def test_text_is_never_run(env: ShapeEnv) -> None:
    text = _changed(env, "facts", 0, "claim", to="__import__('os').getpid() > 0")
    with pytest.raises(SerializationError, match="cannot be read: column"):
        ShapeEnv.from_json(text)


def test_expressions_need_their_symbols() -> None:
    assert expr_from_json("x + 1", SYMBOLS) is parse("x + 1")
    with pytest.raises(SerializationError, match="unknown symbol `w`"):
        expr_from_json("w + 1", SYMBOLS)
    with pytest.raises(SerializationError, match="is text"):
        expr_from_json(5, SYMBOLS)
