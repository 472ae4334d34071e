"""Polynomial equations modulo small numbers, judged by enumeration."""

from __future__ import annotations

import itertools
import random

import pytest

from shapes import ContradictionError, ShapeEnv, parse
from shapes.arith.residues import unsolvable_modulo
from shapes.expr.nodes import BoolExpr
from shapes.traversal.evaluate import evaluate


@pytest.mark.parametrize(
    ("text", "modulus"),
    [
        ("x*x == y*y + 2", 4),
        ("x*x + y*y == 3", 4),
        ("x*x == 3*y + 2", 3),
        ("x**4 == 5*y + 2", 5),
        ("x*x == y*y + 3", None),
        ("x*y == 7", None),
        ("x*x*z + y*w == 1", None),
        ("x + 2*y == 1", None),
        ("x*x <= -1", None),
        ("x*(y//2) == 3", None),
    ],
)
def test_equations_without_solutions(text: str, modulus: int | None) -> None:
    claim = parse(text)
    assert isinstance(claim, BoolExpr)
    assert unsolvable_modulo(claim) == modulus


def test_no_equation_with_a_solution_is_refused() -> None:
    draw = random.Random(3)
    refused = 0
    for _ in range(400):
        left = " + ".join(
            f"{draw.randrange(-4, 5)}*{draw.choice(('x', 'y', 'x*x', 'x*y', 'y*y', 'x**3'))}"
            for _ in range(3)
        )
        claim = parse(f"{left} == {draw.randrange(-6, 7)}")
        assert isinstance(claim, BoolExpr)
        if unsolvable_modulo(claim) is None:
            continue
        refused += 1
        for x, y in itertools.product(range(-9, 10), repeat=2):
            assert not evaluate(claim, {"x": x, "y": y})
    assert refused > 20


def test_a_statement_without_solutions_is_refused() -> None:
    env = ShapeEnv()
    env.integer("x")
    env.integer("y")
    with pytest.raises(ContradictionError, match="this can never hold"):
        env.assume("x*x == y*y + 2")
    env.assume("x*x == y*y + 3")
