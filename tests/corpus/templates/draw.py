"""What a template gives: a true claim, and its nearest neighbours that are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Draw", "plus", "total"]


@dataclass(frozen=True)
class Draw:
    """A claim that always holds (or never does), and neighbours whose answer is another.

    A neighbour ending in ``!`` never holds; the others depend.
    """

    known: str
    claim: str
    tier: str
    neighbours: tuple[str, ...]
    over: str = ""
    verdict: str = "ALWAYS"

    def lines(self) -> tuple[str, ...]:
        """The block of lines, as in the files."""
        over = f" over {self.over}" if self.over else ""
        first = f"{self.known} |- {self.claim} : {self.verdict} @ {self.tier}{over}"
        return (first.strip(), *(f"    but {self._answered(n)}" for n in self.neighbours))

    def _answered(self, neighbour: str) -> str:
        if neighbour.endswith("!"):
            return f"{neighbour[:-1]} : NEVER @ {self.tier}"
        return f"{neighbour} : DEPENDS @ search"


def total(parts: Sequence[tuple[int, str]], k: int = 0) -> str:
    """``3*x - y + 4``."""
    text = ""
    for c, name in parts:
        if c:
            one = name if abs(c) == 1 else f"{abs(c)}*{name}"
            sign = "-" if c < 0 else "+"
            text = f"{text} {sign} {one}" if text else (f"-{one}" if c < 0 else one)
    if not text:
        return str(k)
    return text if k == 0 else f"{text} {'-' if k < 0 else '+'} {abs(k)}"


def plus(name: str, k: int) -> str:
    return total([(1, name)], k)
