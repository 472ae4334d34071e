"""Text of expressions that share much: large parts that occur again get names.

An expression is a graph, its text a tree: what is shared is written out wherever it occurs,
and the text may be exponentially longer. Here parts that would be repeated are written once,
each under a name, before what they occur in; later text calls them by name. Whatever is
short is written as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Final

from shapes.errors import TooLargeError
from shapes.expr.nodes import Expr, IntExpr, Sum, combine
from shapes.traversal.interpret import interpret, operands_read
from shapes.traversal.printing import (
    LARGEST_TEXT,
    PRECEDENCE,
    Printer,
    Shown,
    held,
    join,
    show,
)

__all__ = ["InParts", "Part", "with_parts"]

Part = tuple[str, str]
"""A name and the text of what it stands for."""

WHOLE: Final = 4_000
"""Nodes, every occurrence counted, of an expression that is written as a whole."""
SMALL: Final = 12
"""Nodes, every occurrence counted, of a part that gets no name."""
LONG: Final = 24
"""Terms of a sum that gets a name, if the whole is in parts."""
RECENT: Final = 4
"""Long sums that one is compared with."""
NEAR: Final = 4
"""How many times as many terms as its difference from another it has to have."""

Addends = tuple[Expr, Expr]
"""A named sum, and what is added to it."""


class InParts:
    """Texts of expressions, with the `parts` that they call by name; `taken` are names that
    parts must not have."""

    def __init__(self, taken: Collection[str]) -> None:
        self._printer = Printer(None)
        self._named: dict[Expr, Shown] = {}
        prefix = "_"
        while any(name.startswith(prefix) for name in taken):
            prefix += "_"
        self._names = (f"{prefix}{number}" for number in count())
        self.parts: list[Part] = []

    def text(self, expr: Expr) -> str:
        """The text. Raises `TooLargeError` if it is too long all the same."""
        reading = _Reading()
        sizes: dict[Expr, int] = {}
        uses: Counter[Expr] = Counter()
        for node, operands in reading.nodes(expr):
            sizes[node] = 1 + sum([sizes[a] for a in operands])
            uses.update(operands)
        if sizes[expr] <= WHOLE:
            return show(expr)
        known = dict(self._named)
        for node in sizes:  # (operands before operators)
            often = uses[node] > 1 and sizes[node] > SMALL
            if (often or node in reading.long) and node not in self._named:
                name = next(self._names)
                text = self._written(node, known, reading.long.get(node))
                self.parts.append((name, text))
                known[node] = self._named[node] = Shown(name)
        return self._written(expr, known)

    def _written(
        self, expr: Expr, known: dict[Expr, Shown], as_sum: Addends | None = None
    ) -> str:
        text = ""
        if as_sum is not None:
            base, expr = as_sum
            text = f"{join(known[base].text)} + "
        rest = interpret(self._printer, {}, expr, known)
        pieces = rest.text if as_sum is None else held(rest, PRECEDENCE["-"] + 1)
        text += join(pieces, LARGEST_TEXT)
        if len(text) > LARGEST_TEXT:
            raise TooLargeError(f"the text of `{text[:80]}...` has too many characters")
        return text


class _Reading:
    """What the text of one expression is made of."""

    def __init__(self) -> None:
        self.long: dict[Expr, Addends | None] = {}
        """The long sums, each written as one before it and a difference where that is short:
        sums that run over many terms share most of them with the next."""
        self._operands: dict[Expr, Sequence[Expr]] = {}

    def nodes(self, expr: Expr) -> Iterator[tuple[Expr, Sequence[Expr]]]:
        """The nodes that are written, each once, operands before operators, with what they are
        written of: a remainder, say, not the quotient that the normal form has for it."""
        finished: set[Expr] = set()
        stack = [expr]
        while stack:
            node = stack[-1]
            if node in finished:
                stack.pop()
                continue
            if node not in self._operands:
                self._operands[node] = operands_read(node)
            missing = [one for one in self._operands[node] if one not in finished]
            if not missing and type(node) is Sum and node not in self.long:
                missing = self._difference(node)
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            finished.add(node)
            yield node, self._operands[node]

    def _difference(self, node: Sum) -> list[Expr]:
        """Of a long sum, the difference that it is written with, if there is one."""
        number = len(node.terms())
        if number < LONG:
            return []
        bases = list(islice(reversed(self.long), RECENT))
        self.long[node] = None
        for base in bases:
            assert isinstance(base, IntExpr)
            rest = combine(1, node, -1, base)
            if NEAR * len(rest.terms()) <= number:
                self._operands[node] = self.long[node] = base, rest
                return [rest]
        return []


def with_parts(
    parts: Iterable[Part],
    symbols: Mapping[str, Expr],
    read: Callable[[str, Mapping[str, Expr]], Expr],
) -> dict[str, Expr]:
    """The symbols, and the parts under their names; `read` makes an expression of text."""
    known = dict(symbols)
    for name, text in parts:
        known[name] = read(text, known)
    return known
