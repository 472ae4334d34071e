"""Substitution replaces all at once, and builds normal forms again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from shapes.errors import ExpressionTypeError
from shapes.expr.nodes import MINUS_INFINITY, PLUS_INFINITY, TRUE, constant, make, symbol
from shapes.traversal.interpret import walk
from shapes.traversal.substitute import substitute
from tests.oracle import Tree, Undefined, ours, same
from tests.strategies import INTEGRAL, any_trees, small_values, trees

x, y, z = (symbol(n) for n in "xyz")


@given(any_trees(4), trees("int", 2, INTEGRAL), trees("int", 2, INTEGRAL), small_values())
def test_it_means_evaluation_with_the_values_of_the_replacements(
    tree: Tree, a: Tree, b: Tree, values: dict[str, Any]
) -> None:
    new = {"x": a.known(values), "y": b.known(values)}
    if Undefined in new.values() or any(abs(v) > 64 for v in new.values()):
        return
    replaced = substitute(tree.built(), {x: a.built(), y: b.built()})
    expected = tree.known({**values, **new})
    if expected is not Undefined:
        assert same(ours(replaced, values), expected)


@given(any_trees(5))
def test_nothing_replaced_is_the_same_object(tree: Tree) -> None:
    e = tree.built()
    assert substitute(e, {}) is e
    assert substitute(e, {symbol("absent"): constant(1)}) is e
    assert substitute(e, {x: x}) is e


def test_all_at_once() -> None:
    assert substitute(x - 2 * y, {x: y, y: x}) is y - 2 * x
    assert substitute(x // y, {x: 6 * z, y: 3 * z}) is constant(2)


def test_ends_of_ranges_can_be_put_in() -> None:
    assert substitute(x + 1, {x: PLUS_INFINITY}) is PLUS_INFINITY
    assert substitute(y - 2 * x, {x: PLUS_INFINITY}) is MINUS_INFINITY
    assert substitute(x + y + 1, {y: z, x: MINUS_INFINITY}) is MINUS_INFINITY
    assert substitute(x - y <= 0, {y: PLUS_INFINITY}) is TRUE
    with pytest.raises(ExpressionTypeError, match="no value"):
        substitute(x - y, {x: PLUS_INFINITY, y: PLUS_INFINITY})


def test_atoms_can_be_replaced() -> None:
    atom = make("Max", x, y)
    assert substitute(3 * atom + x, {atom: z}) is 3 * z + x
    assert (
        substitute(make("Max", atom, z) % 4, {x: constant(1), y: constant(2)})
        is make("Max", 2, z) % 4
    )


def test_a_quotient_is_replaced_in_the_remainder_that_hides_it() -> None:
    """``x % 3`` is ``x - 3*(x//3)`` wherever it stands, and the same for truncation."""
    for of, by in (("Mod", "FloorDiv"), ("TruncMod", "TruncDiv")):
        quotient = make(by, x, 3)
        for rest in (make(of, x, 3), make(of, x, 3) + y, make("Max", make(of, x, 3), y)):
            found = substitute(rest, {quotient: z})
            assert quotient not in set(walk(found))
            assert substitute(found, {z: quotient}) is rest
