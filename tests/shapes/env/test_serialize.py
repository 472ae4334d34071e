"""Environments as text: everything comes back, and nothing damaged is taken."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from shapes import ContradictionError, SerializationError, ShapeEnv
from shapes.env.serialize import expr_from_json, expr_to_json
from shapes.expr.nodes import Expr, symbol
from shapes.traversal.parsing import parse
from tests.oracle import Tree
from tests.sessions import COPIES, outcome, things_to_ask, unlike
from tests.strategies import INTEGRAL, KINDS, Seeded, any_trees, questions
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
        ('{"format": "shapeproof-env", "version": 1}', "symbols is missing"),
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
    text = _changed(env, "facts", to=[*facts, {**facts[-1], "claim": "b >= 65", "origin": "assumed"}])
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


# ---- copies of all kinds ----


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("seed", range(4))
def test_a_copy_goes_on_as_its_original(kind: str, seed: int) -> None:
    """The same answers to a hundred and fifty further statements and questions."""
    choice = Seeded(seed)
    env = ShapeEnv()
    for sym in INTEGRAL.integers:
        env.integer(sym, choice.integer(0, 3), choice.integer(-4, 0), choice.integer(3, 9))
    env.boolean("p", True)
    env.boolean("q")
    env.real("t", 0.5)
    env.real("s")
    for verb, text in things_to_ask(choice, INTEGRAL, 20):
        outcome(env, verb, text)
    made = COPIES[kind](env)
    assert list(unlike(made, env, kind, list(things_to_ask(choice, INTEGRAL, 150)))) == []


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_independent(env: ShapeEnv, kind: str) -> None:
    before = env.to_json()
    made = COPIES[kind](env)
    assert _contents(made) == _contents(env)
    made.assume("k <= 100")
    made.check("u >= 1")
    made.unbacked()
    assert made["b"] > 4
    assert env.to_json() == before
    env.assume("k >= -5")
    assert "k >= -5" not in made.to_json()


def test_what_is_immutable_is_its_own_copy(env: ShapeEnv) -> None:
    verdict = env.prove("u <= 128")
    assert verdict.proof is not None
    for one in (env.facts, next(iter(env.facts)), verdict.claim, env.checks[0].claim):
        assert copy.copy(one) is copy.deepcopy(one) is one
    again = copy.deepcopy(verdict)
    assert again.proof.facts == verdict.proof.facts
    assert str(again) == str(verdict)


def test_facts_and_verdicts_can_be_pickled(env: ShapeEnv) -> None:
    for claim in ("u <= 128", "u <= 3", "b >= 0", "k > 2"):
        verdict = env.prove(claim)
        again = pickle.loads(pickle.dumps(verdict))
        assert str(again) == str(verdict)
        assert again.claim is verdict.claim
    facts = pickle.loads(pickle.dumps(env.facts))
    assert [str(f) for f in facts] == [str(f) for f in env.facts]
    explained = env.explain_bounds("u")
    assert str(pickle.loads(pickle.dumps(explained))) == str(explained)


def test_facts_are_pickled_as_in_earlier_versions() -> None:
    """Each reads what the other wrote."""
    env = ShapeEnv()
    u, n = env.unbacked("u"), env.integer("n")
    env.assume(u == n)
    made, (declared, stated) = env.facts.__reduce__()
    assert declared == ((u.expr, (True, 0)), (n.expr, (False, 1)))
    again = made(declared, stated)
    assert again.normalized(u.expr)[0] is n.expr
    assert again.__reduce__()[1] == (declared, stated)


def test_checks_come_back_whole() -> None:
    env = ShapeEnv()
    a, b = env.size("a"), env.size("b")
    env.check(a // b >= 1, "built")
    env.check("a // (b + 1) >= 1", "written")
    again = ShapeEnv.from_json(env.to_json())
    for one, other in zip(env.checks, again.checks):
        assert one.claim is other.claim
        assert one.expr is other.expr
        assert (one.written, one.text) == (other.written, other.text)


def test_a_scope_leaves_nothing_behind() -> None:
    env, plain = ShapeEnv(), ShapeEnv()
    env.size("n", hint=3)
    plain.size("n", hint=3)
    with env.scope():
        env.unbacked()
        env.integer("k", hint=7)
        env.check("u0 == k - 3")
    assert str(env.unbacked()) == str(plain.unbacked()) == "u0"
    env.integer("k")
    plain.integer("k")
    one, two = (json.loads(e.to_json()) for e in (env, plain))
    one["model"].pop("credit"), two["model"].pop("credit")
    assert one == two
    assert str(env.prove("k > 3")) == str(plain.prove("k > 3"))


# ---- every path of the text, damaged ----


def _paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = data.items() if isinstance(data, dict) else ()
    items = enumerate(data) if isinstance(data, list) else items
    for key, value in items:
        yield from _paths(value, (*path, key))


_OTHERS: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, 0.5, "", "x", "\ud800", "b > 0", [], {}, [[]], {"float": "0x1p99999"},
    {"int": "zz"}, [1, 2], "(" * 3000,
)  # fmt: skip


def _damaged(data: Any, path: tuple[Any, ...]) -> Iterator[Any]:
    """The data with one place deleted, replaced, given twice, under another name."""
    *above, last = path

    def changed() -> tuple[Any, Any]:
        whole = copy.deepcopy(data)
        place = whole
        for key in above:
            place = place[key]
        return whole, place

    for other in _OTHERS:
        whole, place = changed()
        place[last] = other
        yield whole
    whole, place = changed()
    del place[last]
    yield whole
    whole, place = changed()
    if isinstance(place, list):
        place.insert(last, place[last])
    else:
        place[f"{last}_"] = place[last]
    yield whole


def test_damage_anywhere_is_refused_or_makes_an_environment(env: ShapeEnv) -> None:
    """Nothing but a `SerializationError` comes out, or an environment that is whole: one that
    goes on, and is saved and read again as it is."""
    data = json.loads(env.to_json())
    refused = 0
    for path in list(_paths(data))[1:]:
        for damaged in _damaged(data, path):
            try:
                made = ShapeEnv.from_json(json.dumps(damaged))
            except SerializationError as error:
                assert str(error)
                refused += 1
                continue
            text = made.to_json()
            assert ShapeEnv.from_json(text).to_json() == text
    assert refused > 3000


@pytest.mark.parametrize(
    ("path", "to", "said"),
    [
        (("symbols", 1, "hint"), "8", r"symbols\[1\].hint should be a value .*, not '8'"),
        (("symbols", 1, "hint"), -(2**80), r"symbols\[1\].hint should be in the declared range"),
        (("symbols", 0, "backed"), "no", r"symbols\[0\].backed should be true or false, not 'no'"),
        (("symbols", 0, "colour"), "red", r"symbols\[0\].'colour' is not known; expected are name,"),
        (("facts", 0, "location"), ["f", 1e400, "g"], "Infinity is not JSON"),
        (("facts", 2, "location"), ["f", -1, "g"], r"facts\[2\].location\[1\] should be an integer"),
        (("facts", 0, "claim"), "b >", r"facts\[0\].claim: a saved expression cannot be read: column"),
        (("checks", 0, "fact"), -2, r"checks\[0\].fact should be an integer of at least 0"),
        (("checks", 0, "fact"), True, r"checks\[0\].fact should be an integer"),
        (("checks", 0, "fact"), 0, r"checks\[0\].fact should be the number of the fact"),
        (("checks", 0, "claim"), "b >= 0", r"checks\[0\].claim should be the claim of its fact"),
        (("checks",), [], r"facts\[\d+\] belongs to a missing check"),
        (("guards",), [], r"guards should be 3, one for each fact of a guard"),
        (("guards", 0, "claim"), "b > 0", r"guards\[0\].claim is not among the facts"),
        (("version",), True, "version True"),
        (("model", "values", 0, 1), 2.5, r"model.values\[0\]\[1\] should be a value"),
        (("model", "credit"), -1, r"model.credit should be an integer of at least 0"),
    ],
)  # fmt: skip
def test_the_error_names_the_path(env: ShapeEnv, path: tuple[Any, ...], to: Any, said: str) -> None:
    with pytest.raises(SerializationError, match=said):
        ShapeEnv.from_json(_changed(env, *path, to=to))


def test_an_object_says_everything_once(env: ShapeEnv) -> None:
    text = env.to_json().replace('"kind": "int"', '"kind": "int", "kind": "int"', 1)
    with pytest.raises(SerializationError, match="duplicate key 'kind'"):
        ShapeEnv.from_json(text)


def test_text_of_before_the_model_was_saved_is_read(env: ShapeEnv) -> None:
    data = json.loads(env.to_json())
    del data["model"]
    for check in data["checks"]:
        del check["expr"], check["written"]
    again = ShapeEnv.from_json(json.dumps(data))
    assert _contents(again) == _contents(env)
    again.check("b + u >= 1")


def test_values_that_break_the_facts_are_not_taken(env: ShapeEnv) -> None:
    data = json.loads(env.to_json())
    for pair in data["model"]["values"]:
        pair[1] = {"b": 1, "u": 7}.get(pair[0], pair[1])
    again = ShapeEnv.from_json(json.dumps(data))
    assert again._told.model.values[symbol("b")] != 1
    assert _contents(again) == _contents(env)


def test_names_of_files_need_not_be_characters() -> None:
    env = ShapeEnv()
    env.size("n", source="caf\udce9")
    code = compile("env.assume('n >= 2')", "caf\udce9.py", "exec")
    exec(code, {"env": env})
    again = ShapeEnv.from_json(env.to_json())
    assert again.symbols["n"].source == "caf\\udce9"
    assert again.prove("n >= 2")
