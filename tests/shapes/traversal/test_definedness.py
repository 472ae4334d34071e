"""Where an expression means something: what is written, and what is left of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from shapes.expr.nodes import OPERATORS, TRUE, make, symbol
from shapes.traversal.definedness import FEW, Spelled, defined, spell
from shapes.traversal.interpret import walk
from shapes.traversal.parsing import parse, parse_spelled
from shapes.traversal.printing import tree_size
from tests.oracle import Tree, Undefined, ours
from tests.strategies import INTEGRAL, KINDS, any_trees, small_values

x, y = symbol("x"), symbol("y")
SYMBOLS = {n: symbol(n, kind) for n, kind in KINDS.items()}  # type: ignore[arg-type]


@settings(max_examples=400)
@given(any_trees(5), small_values())
def test_what_is_written_is_defined_exactly_where_python_does_not_raise(
    tree: Tree, values: dict[str, Any]
) -> None:
    meant = tree.known(values)
    assert ours(tree.spelled().defined, values) is (meant is not Undefined)


@given(any_trees(4, INTEGRAL), small_values())
def test_integral_text_is_defined_where_python_does_not_raise(
    tree: Tree, values: dict[str, Any]
) -> None:
    spelled = parse_spelled(tree.text(), SYMBOLS)
    assert ours(spelled.defined, values) is (tree.known(values) is not Undefined)


@settings(max_examples=400)
@given(any_trees(5), small_values())
def test_a_normal_form_is_defined_exactly_where_it_is_evaluated(
    tree: Tree, values: dict[str, Any]
) -> None:
    expr = tree.built()
    assert ours(defined(expr), values) is (ours(expr, values) is not Undefined)


@given(any_trees(5), small_values())
def test_building_loses_no_value(tree: Tree, values: dict[str, Any]) -> None:
    """Where what is written has a value, so has what is built."""
    expr, written = tree.spelled()
    if ours(written, values) is True:
        assert ours(defined(expr), values) is True


@pytest.mark.parametrize("op", [op for op in OPERATORS.values() if op.defined], ids=str)
def test_partial_operators_say_where_they_are_defined(op: Any) -> None:
    spelled = parse_spelled(op.example, SYMBOLS)
    assert spelled.defined is not TRUE


@pytest.mark.parametrize(
    "text",
    ["x + y * 2", "Min(x, y)", "x // 3", "x % -7", "x ** 3", "x << 2", "sqrt(t)", "t ** s",
     "x < t", "Where(p, x, y)", "t + 1", "t * 2.5", "FloorToInt(x)", "CleanDiv(6, 3)",
     "y == 0 or x % y == 0", "Implies(y != 0, x // y == 2)", "7 / 3"],
)  # fmt: skip
def test_total_text_needs_nothing(text: str) -> None:
    assert parse_spelled(text, SYMBOLS).defined is TRUE


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("x // y", "y != 0"),
        ("x % (y - 3)", "y != 3"),
        ("x ** y", "y >= 0"),
        ("x >> y - 1", "y >= 1"),
        ("CleanDiv(x, 4)", "x % 4 == 0"),
        ("TruncMod(x, x)", "x != 0"),
        ("(x // y) // x", "y != 0 and x != 0"),
        ("p and x // y > 0", "not p or y != 0"),
        ("p or x // y > 0", "p or y != 0"),
        ("x // y > 0 or p", "y != 0"),
        ("Where(p, x // y, 1)", "not p or y != 0"),
        ("Where(p, 1, x // y)", "p or y != 0"),
        ("t // s", "s != 0"),
        ("CleanDiv(p, q)", "Where(q, 1, 0) != 0 and Mod(p, q) == 0"),
    ],
)
def test_partial_text_needs_just_this(text: str, needs: str) -> None:
    assert parse_spelled(text, SYMBOLS).defined is parse(needs, SYMBOLS)


LINKS = {"and": "x // (x + {i}) < y + {i}", "or": "x // (x + {i}) == y + {i}"}


@pytest.mark.parametrize("word", ["and", "or"])
def test_long_connectives_have_a_value_where_each_operand_that_is_reached_has(
    word: str,
) -> None:
    """More operands than are written one beside the other, in text and in a call."""
    count = 3 * FEW
    links = [LINKS[word].format(i=i) for i in range(count)]
    chained = parse_spelled(f" {word} ".join(links), SYMBOLS).defined
    called = parse_spelled(f"{word.capitalize()}({', '.join(links)})", SYMBOLS).defined
    for a in range(-count - 1, 3):
        for b in range(-count, 3):
            wanted = True
            for i in range(count):
                if a + i == 0:
                    wanted = False
                    break
                quotient = a // (a + i)
                if (quotient == b + i) if word == "or" else not quotient < b + i:
                    break
            values = {"x": a, "y": b}
            assert ours(chained, values) is wanted
            assert ours(called, values) is wanted


@pytest.mark.parametrize("word", ["and", "or"])
def test_the_condition_of_a_long_connective_grows_with_its_length(word: str) -> None:
    """In nodes, in their operands, and in text, where what is shared is written again."""

    def sizes(count: int) -> tuple[int, int, int]:
        links = [LINKS[word].format(i=i) for i in range(1, count + 1)]
        needs = parse_spelled(f" {word} ".join(links), SYMBOLS).defined
        nodes = list(walk(needs))
        return len(nodes), sum(len(node.args) for node in nodes), tree_size(needs)

    for short, long in zip(sizes(100), sizes(400)):
        assert long <= 4.5 * short


def test_integers_among_doubles_must_have_one() -> None:
    huge = 10**400
    for text in ("t + x", "t * x", "Min(t, x)", "FloatAdd(x, 1)", "sqrt(x)", "x / 7", "t ** x",
                 "Where(p, x, t)"):  # fmt: skip
        needs = parse_spelled(text, SYMBOLS).defined
        values = {"t": 1.0, "p": True}
        assert ours(needs, {**values, "x": 2**53 + 1}) is True
        assert ours(needs, {**values, "x": huge}) is False
    assert parse_spelled(f"t + {huge}", SYMBOLS).defined.is_constant
    assert ours(parse_spelled(f"t + {huge}", SYMBOLS).defined, {}) is False
    assert ours(parse_spelled("x / y").defined, {"x": huge, "y": huge - 1}) is True


def test_the_largest_integers_that_have_a_double() -> None:
    half = 2**1024 - 2**970  # half a unit above the largest double: rounded to even
    needs = OPERATORS["ToFloat"].defined
    assert needs is not None
    for value in (half - 1, half, -half + 1, -half):
        try:
            float(value)
        except OverflowError:
            assert ours(needs(x), {"x": value}) is False
        else:
            assert ours(needs(x), {"x": value}) is True


def test_operands_bring_their_conditions() -> None:
    quotient = spell(OPERATORS["FloorDiv"], [Spelled(x), Spelled(y)])
    total = spell(OPERATORS["Sub"], [quotient, quotient])
    assert total == Spelled(make("Add", 0, 0), make("Ne", y, 0))
    assert defined(total.expr) is TRUE
