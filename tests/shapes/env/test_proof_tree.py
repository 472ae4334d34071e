"""Proofs as trees: every kind of certificate is told, down to the impossible row."""

import pytest

from shapes import ShapeEnv
from shapes.arith.checker import check
from shapes.env.proof_tree import proof_tree
from shapes.expr.booleans import negation

CLAIMS = [
    ("u + 2*v <= 4*b", "ALWAYS", "which is impossible"),
    ("Max(u, v) <= 2*b", "ALWAYS", "cases of"),
    ("u // 8 * 8 == u", "ALWAYS", "u mod 8 = 0"),
    ("u + v >= 200", "NEVER", "u + v ≤ 2b"),
    ("u // 8 <= b and u <= 2*b", "ALWAYS", "by"),
    ("Min(u, b) <= Max(u, 3)", "ALWAYS", "zeros and ones"),
    ("u // (v + 1) <= u", "ALWAYS", "by"),
]


def facts() -> ShapeEnv:
    env = ShapeEnv()
    b = env.size("b", hint=8, min=1, max=64)
    u, v = env.unbacked("u", size_like=True), env.unbacked("v", size_like=True)
    env.check(u % 8 == 0)
    env.check(u + v <= 2 * b)
    return env


@pytest.mark.parametrize(("claim", "status", "said"), CLAIMS)
def test_what_is_told(claim: str, status: str, said: str) -> None:
    env = facts()
    verdict = env.prove(claim)
    assert verdict.status.name == status
    assert verdict.proof is not None
    shown = negation(verdict.claim) if verdict.disproved else verdict.claim
    if verdict.proof.certificate is not None:
        check(verdict.proof.certificate, verdict.proof.facts, shown)
    text = str(proof_tree(verdict.proof, shown))
    assert text.startswith(f"by {verdict.proof.method}")
    assert said in text


def test_pages_unfold_the_steps() -> None:
    verdict = facts().prove("u + 2*v <= 4*b")
    assert "<details>" in verdict._repr_html_()
    assert "which is impossible" in verdict._repr_html_()
    assert verdict._repr_latex_().endswith(r"\le 4\,b\quad\text{always holds}$")


def test_ranges_facts_and_environments_have_mathematics() -> None:
    env = facts()
    fact = next(iter(env.facts))
    assert fact._repr_latex_() == r"$b \ge 0$"
    assert "b ≥ 0" in fact._repr_html_()
    assert env.bounds("b")._repr_latex_() == "$[1, 64]$"
    assert env.bounds(env.integer("w"))._repr_latex_() == r"$[-\infty, \infty]$"
    assert r"u \bmod 8 = 0" in env._repr_latex_()
    third = env.wrap(env.spelled("u // 3").expr)
    assert "⌊u/3⌋" in third._repr_html_()
