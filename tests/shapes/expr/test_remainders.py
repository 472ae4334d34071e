"""How normal forms are read: every reading means the same and builds the same node again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from shapes.base.budget import remaining
from shapes.expr.linear import scale
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    Expr,
    IntExpr,
    Sum,
    make,
    symbol,
)
from shapes.expr.remainders import parts, sides, whole
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import walk
from shapes.traversal.printing import show
from tests.oracle import Tree, Undefined, ours
from tests.strategies import INTEGRAL, Soil, small_values, trees

x, y, z = (symbol(n) for n in "xyz")
NO_POWERS = Soil(doubles=(), floats=False, large=(), powers=False)


def reassembled(e: Sum) -> Expr:
    k, operands, coefficients = parts(e)
    total: Any = make("Add", k, 0)
    for operand, c in zip(operands, coefficients):
        total = total + scale(c, whole(operand))
    return total  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("e", "text"),
    [
        (x % 8, "x % 8"),
        (3 * (x % 8) + y, "3 * (x % 8) + y"),
        (x - 8 * (x // 8) - 7, "x % 8 - 7"),
        (x % y, "x % y"),
        (-(x % 4), "-(x % 4)"),
        ((x % 6) % 4, "x % 6 % 4"),
        (x % 6 + x % 4, "x % 6 + x % 4"),
        ((x + 3) // 4 * 4, "(x + 3) // 4 * 4"),
        (x // 3 % 4, "x // 3 % 4"),
        ((x // 3 + y) % 4, "(y + x // 3) % 4"),
        (x // y % 4 + 1, "x // y % 4 + 1"),
        (2 * (x // 5 // 2 % 3) + z, "2 * (x // 10 % 3) + z"),
        (x // 4 % 8 + 8 * (x // 32), "x // 4"),
        (make("TruncMod", x, 3), "TruncMod(x, 3)"),
        (-make("TruncMod", x, 3), "-TruncMod(x, 3)"),
        (5 - make("TruncMod", x + y, z), "5 - TruncMod(x + y, z)"),
    ],
    ids=str,
)
def test_a_remainder_is_read_out_of_a_sum(e: Any, text: str) -> None:
    wanted = {"x": 29, "y": 5, "z": -3}
    again = show(e)
    assert ("%" in again) == ("%" in text)
    assert ("TruncMod" in again) == ("TruncMod" in text)
    assert again.count("//") == text.count("//")
    value = eval(text, {"TruncMod": OPERATORS["TruncMod"].python}, wanted)
    assert evaluate(e, wanted) == value


@pytest.mark.parametrize("k", range(-7, 8))
@pytest.mark.parametrize("divisor", [2, 3, 5, 8])
@pytest.mark.parametrize("op", ["Mod", "TruncMod", "FloorDiv", "TruncDiv"])
def test_negated_remainders_keep_their_value(op: str, divisor: int, k: int) -> None:
    """``-(a % b)`` may be read as ``(b - 1 - a) % b - (b - 1)``, which does not hold for the
    remainder of the division that rounds to zero."""
    meaning = OPERATORS[op].python
    assert meaning is not None
    e = -make(op, x + k, divisor) - 3
    for value in range(-12, 13):
        assert evaluate(e, {"x": value}) == -meaning(value + k, divisor) - 3


@given(trees("int", 5, INTEGRAL))
def test_every_reading_builds_the_same_node(tree: Tree) -> None:
    for node in walk(tree.built()):
        if isinstance(node, Sum):
            assert reassembled(node) is node


@given(trees("bool", 4, INTEGRAL))
def test_two_sides_build_the_same_relation(tree: Tree) -> None:
    names = {"le": "Le", "lt": "Lt", "eq": "Eq", "ne": "Ne"}
    for node in walk(tree.built()):
        if node.op in (LE_ZERO, EQ_ZERO, NE_ZERO):
            handler, left, right = sides(node)
            assert make(names[handler], left, right) is node


@given(trees("int", 5, NO_POWERS), small_values())
def test_readings_keep_the_value(tree: Tree, values: dict[str, Any]) -> None:
    """Sums are evaluated through their readings, and term by term."""
    for node in walk(tree.built()):
        if not isinstance(node, Sum):
            continue
        terms = {t: ours(t, values) for t in node.terms()}
        if Undefined in terms.values():
            continue
        expected = node.constant + sum(c * terms[t] for t, c in node.terms().items())
        assert ours(node, values) == expected


@given(trees("int", 4, INTEGRAL))
def test_a_reading_is_no_longer_than_the_sum(tree: Tree) -> None:
    e = tree.built()
    if isinstance(e, Sum):
        _, operands, coefficients = parts(e)
        assert all(coefficients)
        assert len(set(operands)) == len(operands)
        assert all(isinstance(operand, IntExpr) for operand in operands)


def test_remainders_in_long_sums_are_looked_for_in_bounded_steps() -> None:
    """Sums of hundreds of divisions: of short dividends all remainders are found, of dividends
    as long as the sum only so many; either reading makes the same node again."""
    atoms: list[Any] = [symbol(f"long{i}") for i in range(300)]
    short: Any = sum(((i + 1) * (a % (i + 2)) for i, a in enumerate(atoms)), z)
    before = remaining()
    assert sum(operand.op.name == "Mod" for operand in parts(short)[1]) == 300
    assert before - remaining() < 10_000
    assert reassembled(short) is short
    total: Any = x + y
    for i in range(300):
        total = 2 * total + total // 3
        if i == 150:
            half = total
    for e in (half, total):
        before = remaining()
        parts(e)
        assert before - remaining() < 20_000
        assert reassembled(e) is e
