"""The normal forms of the integer operators, against enumeration."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given

from shapes.expr.nodes import constant, make, symbol
from tests.oracle import Tree, Undefined, leaf, name, node, ours, same
from tests.strategies import INTEGRAL, small_values, trees

x, y, z = (symbol(n) for n in "xyz")
SMALL = range(-9, 10)


@pytest.mark.parametrize(
    "op", ["FloorDiv", "Mod", "CeilDiv", "CleanDiv", "TruncDiv", "TruncMod"]
)
@pytest.mark.parametrize("divisor", [-12, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12])
def test_division_of_a_combination_by_a_constant(op: str, divisor: int) -> None:
    """All the ways in which terms divide out, with all signs."""
    sym = name("x")
    for c, k in itertools.product(
        (-12, -8, -6, -3, -1, 1, 2, 4, 5, 12), (-7, -4, 0, 1, 6, 11)
    ):
        numerator = node("Add", node("Mul", leaf(c), sym), leaf(k))
        tree = node(op, numerator, leaf(divisor))
        _agrees(tree, [{"x": v} for v in SMALL])


@pytest.mark.parametrize("op", ["FloorDiv", "Mod", "TruncDiv", "TruncMod", "CeilDiv"])
@pytest.mark.parametrize(
    "numerator",
    [
        "x*y",
        "2*x*y",
        "x*y + x",
        "4*x",
        "x*x*y",
        "3*x + 6*y + 1",
        "x + y",
        "-x*y",
        "0*x",
        "x*y*z - 2*y*z",
    ],
)
@pytest.mark.parametrize(
    "divisor", ["x", "y", "2*y", "-y", "x*y", "2*x + 4*y", "x + y", "-2*x*y", "x - 1", "y*z"]
)
def test_cancelling_in_a_division_by_an_expression(
    op: str, numerator: str, divisor: str
) -> None:
    tree = node(op, _tree(numerator), _tree(divisor))
    values = [dict(zip("xyz", v)) for v in itertools.product((-4, -1, 0, 1, 2, 5), repeat=3)]
    _agrees(tree, values)


def _tree(text: str) -> Tree:
    """Integer text as a tree (for the tests: sums of products of names and numbers)."""
    total = leaf(0)
    for part in text.replace("- ", "+ -").replace(" ", "").split("+"):
        sign, factors = (-1, part[1:]) if part.startswith("-") else (1, part)
        product = leaf(sign)
        for factor in factors.split("*"):
            product = node(
                "Mul", product, leaf(int(factor)) if factor.isdigit() else name(factor)
            )
        total = node("Add", total, product)
    return total


def _agrees(tree: Tree, assignments: list[dict[str, int]]) -> None:
    expr, defined = tree.spelled()
    for values in assignments:
        meant = tree.known(values)
        assert ours(defined, values) is (meant is not Undefined), (str(tree), values)
        if meant is not Undefined:
            assert same(ours(expr, values), meant), (str(tree), str(expr), values)


@pytest.mark.parametrize("outer", ["FloorDiv", "Mod", "CeilDiv", "TruncDiv", "TruncMod"])
@pytest.mark.parametrize("inner", ["FloorDiv", "Mod", "CeilDiv", "TruncDiv", "TruncMod"])
def test_nested_divisions(outer: str, inner: str) -> None:
    for d, c, k in itertools.product((-3, 2, 5), (-4, 2, 3), (-3, 0, 7)):
        nested = node(inner, node("Add", name("x"), leaf(1)), leaf(d))
        for factor in (1, 2, -1):
            sum_ = node("Add", node("Mul", leaf(factor), nested), leaf(k))
            _agrees(node(outer, sum_, leaf(c)), [{"x": v} for v in range(-25, 26)])


@pytest.mark.parametrize("inner", ["FloorDiv", "TruncDiv"])
def test_nested_divisions_by_an_expression(inner: str) -> None:
    for c, k in itertools.product((-4, 2, 3), (-3, 0, 7)):
        nested = node("Add", node(inner, name("x"), name("y")), leaf(k))
        values = [{"x": v, "y": w} for v in range(-12, 13) for w in range(-3, 4)]
        _agrees(node("FloorDiv", nested, leaf(c)), values)
        _agrees(node("FloorDiv", name("x"), nested), values)


@pytest.mark.parametrize("op", ["BitAnd", "BitOr", "BitXor"])
def test_bits_with_masks(op: str) -> None:
    masks = (-9, -8, -2, -1, 0, 1, 2, 3, 7, 8, 255, 2**64 - 1)
    for first, second in itertools.product(masks, repeat=2):
        tree = node(op, node(op, name("x"), leaf(first)), leaf(second), name("y"))
        _agrees(tree, [{"x": v, "y": w} for v in range(-9, 10, 3) for w in (-5, 0, 6)])
    for mask in masks:
        _agrees(
            node(op, leaf(mask), node("Mod", name("x"), leaf(8))), [{"x": v} for v in SMALL]
        )


@pytest.mark.parametrize("op", ["Min", "Max"])
def test_extrema_of_operands_that_differ_by_a_constant(op: str) -> None:
    shifted = node("Add", name("x"), leaf(3))
    tree = node(op, name("x"), shifted, name("y"), node("Sub", name("y"), leaf(1)))
    _agrees(tree, [{"x": v, "y": w} for v in SMALL for w in SMALL])
    built = tree.built()
    assert len(built.args) == 2


def test_equal_things_meet() -> None:
    assert (6 * x) // 4 is (3 * x) // 2
    assert (x + 8) // 8 is x // 8 + 1
    assert x // 2 // 3 is x // 6
    assert (x // y) // 2 is x // (2 * y)
    assert (4 * x + 3) // 4 is x
    assert x // -2 is -((x + 1) // 2)
    assert make("CeilDiv", x, 8) is (x + 7) // 8
    assert (x // y + 3) // 4 is (x + 3 * y) // (4 * y)
    assert (-(x // y)) // 4 is -((x + 3 * y) // (4 * y))  # the same, with the sign outside
    assert x * y // y is x
    assert (x * y) // (x * z) is y // z
    assert (-x) // (-y) is x // y
    assert (x + 8) % 8 is x % 8
    assert (x % 8) % 4 is x % 4
    assert x % -8 is -((-x) % 8)
    assert x & 7 is x % 8
    assert x & 0 is constant(0)
    assert x | -1 is constant(-1)
    assert x ^ x is constant(0)
    assert x ^ -1 is ~x
    assert ~~x is x
    assert x << 3 is 8 * x
    assert x >> 3 is x // 8
    assert abs(-2 * x) is 2 * abs(x)
    assert abs(abs(x)) is abs(x)
    assert make("TruncDiv", -x, y) is -make("TruncDiv", x, y)
    assert make("TruncDiv", x, x) is constant(1)
    assert x**0 is constant(1)
    assert (x * y) ** 2 is x**2 * y**2
    assert make("Max", make("Max", x, y), z) is make("Max", z, make("Max", y, x))


def test_a_multiple_of_one_atom_divided_by_a_constant() -> None:
    """One term goes its own way: the same atom however the quotient is written, also beside
    what cancels later."""
    for f, k, c in itertools.product(
        (-12, -7, -3, -1, 1, 2, 9, 12), range(-7, 8), (2, 3, 6, -4)
    ):
        quotient = (f * x + k) // c
        beside = (f * x + 5 * abs(c) * y + k) // c - 5 * y * (1 if c > 0 else -1)
        assert quotient is beside, (f, k, c)
        assert quotient is -((-f * x - k + abs(c) - 1) // c) if c > 0 else True
        for value in (-5, -1, 0, 1, 4, 13):
            assert ours(quotient, {"x": value}) == (f * value + k) // c, (f, k, c, value)


def test_a_zero_divisor_is_kept() -> None:
    for op in ("FloorDiv", "Mod", "TruncDiv", "TruncMod", "CeilDiv"):
        built = make(op, x, 0)
        assert ours(built, {"x": 3}) is Undefined


def test_huge_powers_are_not_computed_while_building() -> None:
    tower: Any = constant(2) ** constant(1 << 40)
    assert not tower.is_constant
    assert constant(1) ** constant(1 << 40) is constant(1)
    assert constant(-1) ** constant((1 << 40) + 1) is constant(-1)
    assert constant(0) ** constant(1 << 40) is constant(0)


@given(trees("int", 5, INTEGRAL), small_values())
def test_random_integers_mean_what_was_written(tree: Tree, values: dict[str, Any]) -> None:
    _agrees(tree, [values])
