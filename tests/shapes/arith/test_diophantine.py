"""What equations say of residues: enumeration is the judge."""

from __future__ import annotations

import itertools
import random

import pytest

from shapes import ContradictionError, ShapeEnv
from shapes.arith.diophantine import residue_under_equations
from shapes.arith.residues import residue_of_polynomial
from shapes.expr.nodes import IntExpr
from shapes.traversal.evaluate import evaluate
from tests.bounds_gap import read, stated

SOLVED = {
    "2*x == 3*y |- x": (3, 0),
    "2*x == 3*y |- x + y": (5, 0),
    "2*x + 5 == 9*y |- x": (9, 2),
    "x % 4 == 1; y % 6 == 3 |- x + y": (2, 0),
    "(2*x + y) % 6 == 1; y % 2 == 1 |- x": (1, 0),
    "(x + y) % 6 == 1; y % 3 == 1 |- x": (3, 0),
    "3*x == 5*y + 1; y == 3*z + 1 |- x": (5, 2),
    "x - 2*y == 4*z; z % 3 == 1; y % 6 == 0 |- x": (12, 4),
}


@pytest.mark.parametrize("line", SOLVED)
def test_solved_equations(line: str) -> None:
    asked = read("solved", line)
    env = stated(asked)
    e = env.spelled(asked.expression).expr
    assert isinstance(e, IntExpr)
    found = residue_under_equations(env.facts, env.facts.normalized(e)[0])
    assert SOLVED[line] == (1, 0) if found is None else tuple(found) == SOLVED[line]


def test_no_solution_is_left_out() -> None:
    draw = random.Random(3)
    said = 0
    for _ in range(60):
        facts = [_equation(draw) for _ in range(draw.choice((1, 2, 2, 3)))]
        env = ShapeEnv()
        for name in "xyz":
            env.integer(name)
        try:
            for fact in facts:
                env.assume(fact)
        except ContradictionError:
            continue
        e = env.spelled(f"{draw.randrange(1, 4)}*x + {draw.randrange(-3, 4)}*y + z").expr
        assert isinstance(e, IntExpr)
        found = residue_under_equations(env.facts, e)
        if found is None:
            continue
        said += found.modulus != 1
        for point in itertools.product(range(-4, 5), repeat=3):
            values = dict(zip("xyz", point))
            if all(evaluate(fact.claim, values) for fact in env.facts):
                assert found.admits(evaluate(e, values)), (facts, str(e), point)
    assert said > 10


def _equation(draw: random.Random) -> str:
    a, b, c, m = (draw.randrange(1, 6) for _ in range(4))
    x, y = draw.sample("xyz", 2)
    return draw.choice(
        (f"{a}*{x} == {b}*{y} + {c}", f"({a}*{x} + {y}) % {m + 1} == {c % (m + 1)}")
    )


@pytest.mark.parametrize(
    ("line", "m", "residue"),
    [
        ("x % 2 == 1; y % 2 == 1 |- x*x + y*y", 8, 2),
        ("x % 2 == 1; y |- x*x + y*y", 8, None),
        ("x % 2 == y % 2 |- x*x - y*y", 4, 0),
        ("x % 2 == y % 2 |- x*x - y*y", 8, None),
        ("(x + y) % 3 == 0 |- x*x - y*y", 3, 0),
        ("x % 4 == 1; y |- x*y - y", 4, 0),
    ],
)
def test_polynomials_of_what_is_known_modulo_something(
    line: str, m: int, residue: int | None
) -> None:
    asked = read("polynomial", line)
    env = stated(asked)
    e = env.spelled(asked.expression).expr
    assert isinstance(e, IntExpr)
    assert residue_of_polynomial(e, m, env.facts) == residue
