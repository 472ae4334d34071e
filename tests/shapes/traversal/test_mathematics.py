"""Expressions as mathematics: what is shown for each kind of operator."""

import pytest

from shapes import ShapeEnv
from shapes.expr.nodes import Expr, make
from shapes.traversal.mathematics import latex, mathematical, mathematical_html

NAMES = ("a", "b", "u0", "batch_size")


def read(text: str) -> Expr:
    env = ShapeEnv()
    for name in NAMES:
        env.integer(name)
    return env.spelled(text).expr


SHOWN = [
    ("a // b", "⌊a/b⌋", r"\left\lfloor \frac{a}{b}\right\rfloor "),
    ("a % 4 == 0", "a mod 4 = 0", r"a \bmod 4 = 0"),
    ("2*(a % 3) < b", "2·(a mod 3) < b", r"2 \cdot (a \bmod 3) < b"),
    ("3*u0*a", "3·u0·a", r"3 \cdot u_{0} \cdot a"),
    ("2*batch_size", "2batch_size", r"2\,\mathrm{batch\_size}"),
    ("a ** 2 + 1", "a^2 + 1", "a^{2} + 1"),
    ("Min(a, b) != 3", "min(a, b) ≠ 3", r"\min(a, b) \ne 3"),
    ("not (a <= 3 and a % 2 == 0)", "a ≥ 4 ∨ a mod 2 ≠ 0", None),
    ("abs(a - b)", "|a - b|", r"\left|a - b\right|"),
    ("Where(a > 0, a, b)", "(a if a ≥ 1, else b)", None),
    ("-a - b", "-a - b", "-a - b"),
    ("a / b <= 0.5", "a/b ≤ 0.5", r"\frac{a}{b} \le 0.5"),
]


@pytest.mark.parametrize(("text", "signs", "tex"), SHOWN)
def test_signs(text: str, signs: str, tex: str | None) -> None:
    e = read(text)
    assert mathematical(e) == signs
    assert tex is None or latex(e) == tex


def test_a_page_shows_the_text_of_the_grammar_too() -> None:
    shown = mathematical_html(read("a < b"))
    assert "a &lt; b" in shown
    assert "title='a &lt; b'" in shown


def test_what_is_too_long_is_shown_as_text() -> None:
    e = read("Max(a, b)")
    for _ in range(60):  # each holds the one before twice: written out it has 2**60 parts
        e = make("Max", make("Mod", e, 7), make("FloorDiv", e, 2))
    assert len(mathematical(e)) < 5000
    assert latex(e).startswith(r"\texttt{")
