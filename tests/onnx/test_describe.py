"""Descriptions of sets of sizes are equivalent to the conditions, by brute force."""

from __future__ import annotations

import pytest

from asserts.dialects.onnx.answers.describe import described, truths
from shapes.env import ShapeEnv
from shapes.expr import BoolExpr
from shapes.traversal import parse

CASES = [
    (["n >= 1"], ["n >= 1"]),
    (["n <= 512", "n >= 1"], ["n >= 1", "n <= 512"]),
    (["n % 8 == 0", "n % 12 == 0"], ["n % 24 == 0"]),
    (["n // 32 * 32 == n"], ["n % 32 == 0"]),
    (["2*((n + 1)//2) == n or n == 1", "n >= 1"], ["n >= 1", "n <= 1 or n % 2 == 0"]),
    (["(n + 320)//512 == 1"], ["n >= 192", "n <= 703"]),
    (["n == 3 or n == 1"], ["n == 3 or n == 1"]),
    (["n < 0"], ["False"]),
    (["(n + 3) % 32 <= 3", "n >= 1"], ["(n + 3) % 32 <= 3", "n >= 29"]),
]


@pytest.mark.parametrize(("conditions", "expected"), CASES)
def test_described(conditions: list[str], expected: list[str]) -> None:
    env = ShapeEnv()
    n = env.size("n").expr
    given = [parse(text, {"n": n}) for text in conditions]
    assert all(isinstance(c, BoolExpr) for c in given)
    found = described(env, n, given)  # type: ignore[arg-type]
    assert found is not None
    assert truths(n, found, 3000) == truths(n, given, 3000)  # type: ignore[arg-type]
    shown = [part for c in found for part in (c.args if c.op.name == "And" else (c,))]
    assert sorted(map(str, shown)) == sorted(expected)


def test_a_guess_that_is_not_proved_is_not_taken() -> None:
    """True for all sizes that are tried, and false for one far away."""
    env = ShapeEnv()
    n = env.size("n").expr
    given = [parse("n != 1000003", {"n": n})]
    found = described(env, n, given)  # type: ignore[arg-type]
    assert found is None or (truths(n, found, 8) == [True] * 8 and str(found[0]) != "True")
    assert found != []
