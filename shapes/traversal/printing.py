"""Expressions as text in the one grammar, so that ``parse(show(e)) is e`` unless a normal form
is too long for being built anew (then `parse_shown` in `saved` finds it).

Text is put together from nested pieces and joined once at the end: no recursion, and no
copying of long text at every level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from shapes.base.budget import ExhaustedError, limited
from shapes.base.digits import digits
from shapes.base.infinity import IntInfinity
from shapes.errors import TooLargeError
from shapes.expr.nodes import Expr, Op, Value
from shapes.traversal.interpret import interpret, walk

__all__ = ["PRECEDENCE", "Printer", "Shown", "brief", "held", "join", "show"]

PRECEDENCE = {
    "or": 1, "and": 2, "not": 3, "compare": 4, "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8,
    "+": 9, "-": 9, "*": 10, "/": 10, "//": 10, "%": 10, "unary": 11, "**": 12, "atom": 13,
}  # fmt: skip
"""Python's, from loose to tight; every other sign compares."""

Pieces: TypeAlias = "str | tuple[Pieces, ...]"


class Shown:
    """Pieces of text and how tightly they hold together."""

    __slots__ = ("precedence", "text")

    def __init__(self, text: Pieces, precedence: int = PRECEDENCE["atom"]) -> None:
        self.text = text
        self.precedence = precedence


LARGEST_TEXT: Final = 2_000_000
"""Longer texts are not written: what is shared is written out again wherever it occurs."""

BRIEF_STEPS: Final = 200_000
"""Steps that the beginning of a text may take: operands that are visited."""


def show(expr: Expr, rename: Callable[[str], str] | None = None) -> str:
    """The expression as text; `rename` replaces symbols' names (with sources, say).

    Raises `TooLargeError` for a text of more than `LARGEST_TEXT` characters.
    """
    text = join(interpret(Printer(rename), {}, expr).text, LARGEST_TEXT)
    if len(text) > LARGEST_TEXT:
        raise TooLargeError(f"the text of `{text[:80]}...` has too many characters")
    return text


def brief(expr: Expr, limit: int = 2000) -> str:
    """The beginning of the text, for messages: what is shared is written out again wherever
    it occurs, so the whole may be far longer than the expression is large. Three dots where
    even that takes more than `BRIEF_STEPS`."""
    try:
        with limited(BRIEF_STEPS):
            pieces = interpret(Printer(None), {}, expr).text
    except ExhaustedError:
        return "..."
    text = join(pieces, limit)
    return text if len(text) <= limit else text[:limit] + "..."


def abbreviated(expr: Expr, limit: int = 500_000) -> str:
    """The expression as text, or what it is where it would be written with more than `limit`
    nodes: shared parts are written every time they occur, so text may be exponentially longer
    than the expression."""
    size = tree_size(expr)
    return show(expr) if size <= limit else f"<{expr.kind} expression of {size} nodes>"


def tree_size(expr: Expr) -> int:
    """How many nodes are written, every occurrence counted."""
    sizes: dict[Expr, int] = {}
    for node in walk(expr):
        sizes[node] = 1 + sum(sizes[a] for a in node.args)
    return sizes[expr]


def join(pieces: Pieces, limit: float = math.inf) -> str:
    """The pieces as one text, without recursion; it may end when it is longer than that."""
    out: list[str] = []
    length = 0
    stack: list[Pieces] = [pieces]
    while stack and length <= limit:
        top = stack.pop()
        if isinstance(top, str):
            out.append(top)
            length += len(top)
        else:
            stack.extend(reversed(top))
    return "".join(out)


def held(part: Shown, precedence: int) -> Pieces:
    """The text, in parentheses if it would be split in a place of that precedence."""
    return part.text if part.precedence >= precedence else ("(", part.text, ")")


class Printer:
    """The analysis whose values are pieces of text; other spellings derive from it."""

    def __init__(self, rename: Callable[[str], str] | None) -> None:
        self._rename = rename

    def constant(self, value: Value) -> Shown:
        if isinstance(value, (bool, IntInfinity)):
            negative = isinstance(value, IntInfinity) and value.sign < 0
            return Shown(str(value), PRECEDENCE["unary"] if negative else PRECEDENCE["atom"])
        if isinstance(value, float):
            return self._double(value)
        return Shown(digits(value), PRECEDENCE["atom" if value >= 0 else "unary"])

    def _double(self, value: float) -> Shown:
        if math.isnan(value):
            return Shown("1e999 - 1e999", PRECEDENCE["-"])
        text = "1e999" if math.isinf(value) else repr(abs(value))
        if math.copysign(1.0, value) > 0:
            return Shown(text)
        return Shown("-" + text, PRECEDENCE["unary"])

    def symbol(self, sym: Expr) -> Shown:
        return Shown(self._rename(sym.name) if self._rename else sym.name)

    def le(self, a: Shown, b: Shown) -> Shown:
        """``x >= 3`` rather than ``3 <= x``."""
        number = isinstance(a.text, str) and a.text.lstrip("-").isdigit()
        return self._infix(">=", b, a) if number else self._infix("<=", a, b)

    def pow(self, a: Shown, b: Shown) -> Shown:
        level = PRECEDENCE["**"]
        return Shown((held(a, level + 1), "**", held(b, PRECEDENCE["unary"])), level)

    fpow = pow

    def neg(self, a: Shown) -> Shown:
        return Shown(("-", held(a, PRECEDENCE["unary"])), PRECEDENCE["unary"])

    fneg = neg

    def _joined(self, symbol: str, level: int, operands: Sequence[Shown]) -> Shown:
        pieces: list[Pieces] = []
        for operand in operands:
            pieces += [symbol, held(operand, level + 1)]
        return Shown(tuple(pieces[1:]), level)

    def not_(self, a: Shown) -> Shown:
        return Shown(("not ", held(a, PRECEDENCE["not"])), PRECEDENCE["not"])

    def unknown(self, op: Op, operands: Sequence[Shown]) -> Shown:
        """Every other operator is written with its sign, or as a call."""
        if op.infix is None:
            return self._called(op.text, operands)
        if op.variadic:
            return self._joined(f" {op.infix} ", PRECEDENCE[op.infix], operands)
        return self._infix(op.infix, *operands)

    def _infix(self, sign: str, a: Shown, b: Shown) -> Shown:
        compares = sign not in PRECEDENCE
        level = PRECEDENCE["compare" if compares else sign]
        return Shown((held(a, level + compares), f" {sign} ", held(b, level + 1)), level)

    def _called(self, name: str, operands: Sequence[Shown]) -> Shown:
        pieces: list[Pieces] = []
        for operand in operands:
            pieces += [", ", operand.text]
        return Shown((name, "(", *pieces[1:], ")"))
