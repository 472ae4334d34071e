"""Expressions as mathematics: floor brackets, ``mod``, ``≤``; as LaTeX and as Unicode text.

Both are one analysis with two tables of signs. Operators without a sign of their own are
written as functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from shapes.base.budget import ExhaustedError, limited
from shapes.expr.nodes import Expr, Op, Value
from shapes.traversal.interpret import interpret
from shapes.traversal.printing import (
    BRIEF_STEPS,
    PRECEDENCE,
    Pieces,
    Printer,
    Shown,
    brief,
    held,
    join,
)

__all__ = ["escaped", "latex", "mathematical", "mathematical_html"]

LONGEST: Final = 4000
"""Characters; longer formulas are shown as plain text."""


@dataclass(frozen=True)
class Notation:
    """How one kind of text spells what mathematics has signs for."""

    signs: Mapping[str, str]  # infix operators, by the sign of the grammar
    enclosed: Mapping[str, tuple[str, str]]  # one operand, by handler
    quotients: Mapping[str, tuple[str, str]]  # brackets around a quotient, by handler
    fraction: tuple[str, str, str]
    name: Callable[[str], str]  # of a symbol
    function: Callable[[str], str]
    power: tuple[str, str]
    negation: str
    beside: str  # between a number and the name that it multiplies
    infinity: str


def _latex_name(name: str) -> str:
    """``u0`` as ``u_{0}``, ``batch`` upright; anything else as it stands, escaped."""
    short = re.fullmatch(r"([A-Za-z])_?(\d*)", name)
    if short:
        letter, index = short.groups()
        return f"{letter}_{{{index}}}" if index else letter
    return rf"\mathrm{{{escaped(name)}}}"


def escaped(text: str) -> str:
    """Text that LaTeX shows as it stands."""
    text = text.replace("\\", r"\backslash ")
    return re.sub(r"([#$%&_{}])", r"\\\1", text).replace("~", r"\sim ").replace("^", r"\hat{}")


def _latex_function(name: str) -> str:
    known = {"Min": r"\min", "Max": r"\max", "gcd": r"\gcd"}
    return known.get(name) or rf"\operatorname{{{escaped(name)}}}"


LATEX: Final = Notation(
    signs={
        "*": r" \cdot ", "%": r" \bmod ", "<=": r" \le ", ">=": r" \ge ", "==": " = ",
        "!=": r" \ne ", "and": r" \land ", "or": r" \lor ", "<<": r" \ll ", ">>": r" \gg ",
        "&": r" \mathbin{\&} ", "|": r" \mid ", "^": r" \oplus ",
    },
    enclosed={
        "abs": (r"\left|", r"\right|"), "fabs": (r"\left|", r"\right|"),
        "sqrt": (r"\sqrt{", "}"), "floor_to_int": (r"\left\lfloor ", r"\right\rfloor "),
        "ceil_to_int": (r"\left\lceil ", r"\right\rceil "),
    },
    quotients={
        "floordiv": (r"\left\lfloor ", r"\right\rfloor "),
        "ffloordiv": (r"\left\lfloor ", r"\right\rfloor "),
        "ceildiv": (r"\left\lceil ", r"\right\rceil "), "cleandiv": ("", ""),
        "inttruediv": ("", ""), "truediv": ("", ""),
    },
    fraction=(r"\frac{", "}{", "}"),
    name=_latex_name,
    function=_latex_function,
    power=("^{", "}"),
    negation=r"\lnot ",
    beside=r"\,",
    infinity=r"\infty",
)  # fmt: skip

UNICODE: Final = Notation(
    signs={
        "*": "·", "%": " mod ", "<=": " ≤ ", ">=": " ≥ ", "==": " = ", "!=": " ≠ ",
        "and": " ∧ ", "or": " ∨ ", "<<": " ≪ ", ">>": " ≫ ", "^": " ⊕ ",
    },
    enclosed={
        "abs": ("|", "|"), "fabs": ("|", "|"), "floor_to_int": ("⌊", "⌋"),
        "ceil_to_int": ("⌈", "⌉"),
    },
    quotients={
        "floordiv": ("⌊", "⌋"), "ffloordiv": ("⌊", "⌋"), "ceildiv": ("⌈", "⌉"),
        "cleandiv": ("", ""), "inttruediv": ("", ""), "truediv": ("", ""),
    },
    fraction=("", "/", ""),
    name=str,
    function=lambda name: {"Min": "min", "Max": "max"}.get(name, ""),
    power=("^", ""),
    negation="¬",
    beside="",
    infinity="∞",
)  # fmt: skip


def latex(expr: Expr) -> str:
    """The expression in LaTeX's mathematics, without dollars."""
    return _spelled(expr, LATEX)


def mathematical(expr: Expr) -> str:
    """The expression with the signs of mathematics, in one line of Unicode text."""
    return _spelled(expr, UNICODE)


def mathematical_html(expr: Expr) -> str:
    """The same for a page; the text of the grammar appears where the pointer rests on it."""
    title = escape(brief(expr, 300), quote=True)
    shown = escape(mathematical(expr))
    return f"<span style='font-family:serif;font-size:110%' title='{title}'>{shown}</span>"


def _spelled(expr: Expr, notation: Notation) -> str:
    try:
        with limited(BRIEF_STEPS):
            pieces = interpret(_Mathematics(notation), {}, expr).text
        text = join(pieces, LONGEST)
    except ExhaustedError:
        text = " " * (LONGEST + 1)
    if len(text) <= LONGEST:
        return text
    plain = brief(expr)
    return rf"\texttt{{{escaped(plain)}}}" if notation is LATEX else plain


class _Mathematics(Printer):
    """The analysis: pieces of text that hold together as the grammar's do."""

    def __init__(self, notation: Notation) -> None:
        super().__init__(notation.name)
        self._notation = notation

    def constant(self, value: Value) -> Shown:
        shown = super().constant(value)
        if shown.text in ("oo", "-oo", "int_oo", "-int_oo"):
            sign = "-" if str(shown.text).startswith("-") else ""
            return Shown(sign + self._notation.infinity, shown.precedence)
        if isinstance(value, bool):
            return Shown(self._notation.function(str(value).lower()) or str(value).lower())
        return shown

    def pow(self, a: Shown, b: Shown) -> Shown:
        before, after = self._notation.power
        exponent = b.text if after else held(b, PRECEDENCE["atom"])
        base = held(a, PRECEDENCE["atom"])
        return Shown((base, before, exponent, after), PRECEDENCE["**"])

    fpow = pow

    def not_(self, a: Shown) -> Shown:
        return Shown((self._notation.negation, held(a, PRECEDENCE["atom"])), PRECEDENCE["not"])

    def implies(self, a: Shown, b: Shown) -> Shown:
        arrow = r" \Rightarrow " if self._notation is LATEX else " ⇒ "
        return self._between(arrow, a, b, PRECEDENCE["or"] - 1)

    def iff(self, a: Shown, b: Shown) -> Shown:
        arrow = r" \Leftrightarrow " if self._notation is LATEX else " ⇔ "
        return self._between(arrow, a, b, PRECEDENCE["or"] - 1)

    def where(self, p: Shown, a: Shown, b: Shown) -> Shown:
        if self._notation is LATEX:
            cases = (a.text, r" & ", p.text, r" \\ ", b.text, r" & \text{otherwise}")
            return Shown((r"\begin{cases} ", *cases, r" \end{cases}"))
        return Shown(("(", a.text, " if ", p.text, ", else ", b.text, ")"))

    def mod(self, a: Shown, b: Shown) -> Shown:
        """Looser than a product or a sum, so that it stands in parentheses there."""
        level = PRECEDENCE["%"]
        parts = held(a, level + 1), self._notation.signs["%"], held(b, level + 1)
        return Shown(parts, PRECEDENCE["|"])

    fmod = mod

    def neg(self, a: Shown) -> Shown:
        return Shown(("-", held(a, PRECEDENCE["*"])), PRECEDENCE["-"])

    fneg = neg

    def mul(self, a: Shown, b: Shown) -> Shown:
        number = isinstance(a.text, str) and a.text.isdigit()
        followed = isinstance(b.text, str) and not b.text[:1].isdigit()
        sign = self._notation.beside if number and followed else self._notation.signs["*"]
        level = PRECEDENCE["*"]
        return Shown((held(a, level), sign, held(b, level)), level)

    fmul = mul

    def unknown(self, op: Op, operands: Sequence[Shown]) -> Shown:
        notation = self._notation
        brackets = notation.quotients.get(op.handler)
        if brackets is not None:
            return self._quotient(brackets, *operands)
        around = notation.enclosed.get(op.handler)
        if around is not None:
            return Shown((around[0], operands[0].text, around[1]))
        if op.infix is None:
            return self._called(notation.function(op.text) or op.text, operands)
        sign = notation.signs.get(op.infix, f" {op.infix} ")
        if op.variadic:
            level = PRECEDENCE[op.infix]
            pieces: list[Pieces] = [p for x in operands for p in (sign, held(x, level + 1))]
            return Shown(tuple(pieces[1:]), level)
        return self._infix(op.infix, *operands)

    def _infix(self, sign: str, a: Shown, b: Shown) -> Shown:
        compares = sign not in PRECEDENCE
        level = PRECEDENCE["compare" if compares else sign]
        left = held(a, level + compares)
        spelled = self._notation.signs.get(sign, f" {sign} ")
        return Shown((left, spelled, held(b, level + 1)), level)

    def _between(self, sign: str, a: Shown, b: Shown, level: int) -> Shown:
        return Shown((held(a, level), sign, held(b, level + 1)), level)

    def _quotient(self, brackets: tuple[str, str], a: Shown, b: Shown) -> Shown:
        before, between, after = self._notation.fraction
        if before:  # a fraction holds its parts together
            parts: tuple[Pieces, ...] = (before, a.text, between, b.text, after)
        else:
            level = PRECEDENCE["/"]
            parts = (held(a, level), between, held(b, level + 1))
        bare = not brackets[0] and not before
        level = PRECEDENCE["/"] if bare else PRECEDENCE["atom"]
        return Shown((brackets[0], *parts, brackets[1]), level)
