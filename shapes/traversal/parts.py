"""Text of expressions that share much: large parts that occur again get names.

An expression is a graph, its text a tree: what is shared is written out wherever it occurs,
and the text may be exponentially longer. Here parts that would be repeated are written once,
each under a name, before what they occur in; later text calls them by name. Whatever is
short is written as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count
from typing import Final

from shapes.errors import TooLargeError
from shapes.expr.nodes import Expr
from shapes.traversal.interpret import interpret, walk
from shapes.traversal.printing import LARGEST_TEXT, Printer, Shown, join, show

__all__ = ["InParts", "Part", "with_parts"]

Part = tuple[str, str]
"""A name and the text of what it stands for."""

WHOLE: Final = 4_000
"""Nodes, every occurrence counted, of an expression that is written as a whole."""
SMALL: Final = 12
"""Nodes, every occurrence counted, of a part that gets no name."""


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
        sizes: dict[Expr, int] = {}
        uses: Counter[Expr] = Counter()
        for node in walk(expr):
            sizes[node] = 1 + sum(sizes[a] for a in node.args)
            uses.update(node.args)
        if sizes[expr] <= WHOLE:
            return show(expr)
        known = dict(self._named)
        for node in sizes:  # (operands before operators)
            if uses[node] > 1 and sizes[node] > SMALL and node not in self._named:
                name = next(self._names)
                self.parts.append((name, self._written(node, known)))
                known[node] = self._named[node] = Shown(name)
        return self._written(expr, known)

    def _written(self, expr: Expr, known: dict[Expr, Shown]) -> str:
        text = join(interpret(self._printer, {}, expr, known).text, LARGEST_TEXT)
        if len(text) > LARGEST_TEXT:
            raise TooLargeError(f"the text of `{text[:80]}...` has too many characters")
        return text


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
