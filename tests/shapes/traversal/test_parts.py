"""Text of what is shared: written once, and read back as the same expression."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given

from shapes import (
    Eq,
    SerializationError,
    ShapeEnv,
    ShapeproofError,
    parse,
    show,
    symbol,
)
from shapes.expr.nodes import Expr
from shapes.traversal import parts
from shapes.traversal.parts import InParts, with_parts
from shapes.traversal.printing import tree_size
from shapes.traversal.saved import parse_saved, parse_shown, saved_in_parts
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


ABC = {name: symbol(name) for name in "abc"}
LONG_FORMS = {
    "powers of products": "((((a + b)**3 + c)**3 + 1)**3 + b)**2*(a - c)",
    "sums times a symbol": "*".join(f"(a + {i})*(b - c*{i})*b" for i in range(2, 9)),
    "many links": " < ".join(f"a*{i % 7 + 1} + {i}*b" for i in range(90)),
    "many alternatives": " or ".join(f"a == {i}*b" for i in range(90)),
    "an alternative among many": f"({' or '.join(f'a == {i}*b' for i in range(90))}) and a < b",
    "remainders of remainders": "a" + "".join(f" % (b + {i % 40 + 2})" for i in range(90)),
    "truncated": "TruncMod(" * 60 + "a" + "".join(f" - {i}, b + {i})" for i in range(60)),
}


@pytest.mark.parametrize("kind", LONG_FORMS)
def test_long_normal_forms_come_back_as_the_same_node(kind: str, env: ShapeEnv) -> None:
    """Also those that the parser would build otherwise from the same text."""
    expr = env.spelled(LONG_FORMS[kind]).expr
    assert parse_saved(*saved_in_parts(expr)) is expr
    assert pickle.loads(pickle.dumps(expr)) is expr
    env.check(Eq(expr, 7) if expr.kind == "int" else expr)
    text = env.to_json()
    again = ShapeEnv.from_json(text)
    assert [c.claim for c in again.checks] == [c.claim for c in env.checks]
    assert again.to_json() == text


@pytest.mark.parametrize(
    "text",
    ["(a + 1)*b", "b*(a - b)*(b - a)", "(a + b)**2*c", "3*a*(b + c)", "-(b - a)*c*(a + 1)",
     "(a + b)*(a - b) <= (c + 1)*(a + 2)", "a*0*(b + 1)", "(a + 1)**0*b", "(a + b) // 3*(a + b)",
     "a > b and (a < 3 and b < 3)", "Min((a + 1)*b, 3)", "2**(a + 1)*b"],
)  # fmt: skip
def test_short_text_by_hand_is_read_as_the_parser_reads_it(text: str) -> None:
    assert parse_shown(text, ABC) is parse(text, ABC)


@given(any_trees(5))
def test_any_text_is_read_with_the_same_value(tree: Tree) -> None:
    expr = tree.built()
    assert parse_shown(tree.text(), SYMBOLS) is expr


def test_running_sums_are_written_as_differences() -> None:
    """Each by the one before it: what is saved grows with the number of sums."""

    def size(number: int) -> int:
        names = [f"n{i}" for i in range(number)]
        sums = (f"{' + '.join(names[:end])} <= rows" for end in range(1, number + 1))
        claim = parse(" and ".join(sums))
        text, kinds, named = saved_in_parts(claim)
        assert parse_saved(text, kinds, named) is claim
        return len(text) + sum(map(len, sum(named, ())))

    assert size(240) < 2.5 * size(120)


@pytest.mark.parametrize("step", ["{0}*{0}", "{0}*{0}*b", "({0} + b)*{0}", "{0}*({0}*{0})"])
def test_numbers_in_parts_do_not_grow_without_end(step: str) -> None:
    """What a file says in a line each may be a number of 2**60 digits."""
    parts = [("_0", f"0x{'f' * 9000}*a")]
    parts += [(f"_{i + 1}", step.format(f"_{i}")) for i in range(60)]
    with pytest.raises(ShapeproofError):
        with_parts(parts, ABC, parse_shown)


def test_pickles_of_earlier_versions_are_read() -> None:
    """They name the function in the module in which it was."""
    n = symbol("n")
    said = b"cshapes.traversal.parsing\nparse_saved\n(V2 * n + 1\n((Vn\nVint\ntt%stR."
    assert pickle.loads(said % b"") is 2 * n + 1  # (before there were parts)
    assert pickle.loads(said % b"(t") is 2 * n + 1
    part = b"((V_1\nVn * 2\ntt"
    assert pickle.loads(said.replace(b"2 * n", b"_1") % part) is 2 * n + 1
