"""What happened to every check: inserted, proved instead, already there; and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shapes.base import shown_as_text
from shapes.env import html_table, terminal_width, text_table
from shapes.facts import Proof

__all__ = ["Decision", "Outcome", "Report", "Row"]

Outcome = Literal[
    "inserted", "present", "discharged", "removed", "changed", "kept", "unplaced"
]

_WORDS: dict[Outcome, str] = {
    "inserted": "inserted",
    "present": "already in the graph",
    "discharged": "proved",
    "removed": "removed",
    "changed": "changed",
    "kept": "kept",
    "unplaced": "has no place here",
}


@dataclass(frozen=True)
class Row:
    """One check: its condition in the user's names, who states it, what became of it.

    `place` is the node behind which it stands (empty: at entry), `nodes` how many nodes of
    the graph are there for it alone, `location` the line of the user's code.
    """

    condition: str
    stated_by: str
    outcome: Outcome
    place: str = ""
    proof: Proof | None = None
    message: str | None = None
    location: str | None = None
    nodes: int = 0
    note: str = ""
    by_user: bool = False
    """Whether a person wrote the check."""

    @property
    def word(self) -> str:
        """The outcome in words."""
        return _WORDS[self.outcome]

    @property
    def line(self) -> str:
        """The location without its function and its code: ``file.py:12``."""
        location = self.location or ""
        found = re.match(r".*?:\d+(?= in |: |$)", location)
        return found[0] if found else location

    @property
    def why(self) -> str:
        """The proof, or what there is to say otherwise."""
        if self.proof is not None:
            return str(self.proof)
        if self.note:
            return self.note
        if self.nodes or self.outcome == "inserted":
            return f"{self.nodes} node{'' if self.nodes == 1 else 's'}"
        return ""

    @property
    def proof_and_cost(self) -> str:
        """`why`, and the nodes that a proof saves."""
        if self.nodes and (self.proof is not None or self.note):
            return f"{self.why} ({self.nodes} node{'' if self.nodes == 1 else 's'})"
        return self.why


@dataclass(frozen=True)
class Decision:
    """A question that a tracer could not answer by itself: the `rung` that answered it, the
    `reason`, and the `assumption` that is asserted for it (None: it holds without one).

    `message` is that of the assert, `nodes` how many nodes of the graph are there for it.
    """

    rung: str
    asked: str
    answer: str
    line: str
    reason: str
    assumption: str | None = None
    message: str | None = None
    nodes: int = 0

    def __str__(self) -> str:
        where = f" at {self.line}" if self.line else ""
        return f"{self.rung}: `{self.asked}` is {self.answer}{where}: {self.reason}"

    _repr_pretty_ = shown_as_text

    @property
    def cost(self) -> str:
        """What is checked for it at run time."""
        if not self.nodes:
            return "none"
        return f"{self.nodes} node{'' if self.nodes == 1 else 's'}"


@dataclass(frozen=True)
class Report:
    """The rows of one pass, as a table; and what was decided while the program was traced."""

    title: str
    rows: tuple[Row, ...] = ()
    decisions: tuple[Decision, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def renamed(self, names: Mapping[str, str]) -> Report:
        """The report in which the names of symbols are those."""
        return replace(self, rows=tuple(_renamed(row, names) for row in self.rows))

    def with_outcome(self, outcome: Outcome) -> tuple[Row, ...]:
        """The rows with that outcome."""
        return tuple(row for row in self.rows if row.outcome == outcome)

    def summary(self) -> str:
        """How many checks had which outcome."""
        shown = ", ".join(f"{n} {_WORDS[o]}" for o, n in self.counts().items())
        return f"{self.title}: {shown or 'nothing to do'}"

    def counts(self) -> dict[Outcome, int]:
        """How many checks had which outcome, of those that there are."""
        counts = {outcome: len(self.with_outcome(outcome)) for outcome in _WORDS}
        return {outcome: count for outcome, count in counts.items() if count}

    def _table(self, code: bool) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
        """Header and rows; places and lines only if there are any, lines with their `code`."""
        columns: dict[str, list[str]] = {
            "check": [row.condition for row in self.rows],
            "stated by": [row.stated_by for row in self.rows],
            "outcome": [row.word for row in self.rows],
        }
        if any(row.place or row.outcome == "inserted" for row in self.rows):
            columns["place"] = [row.place or "entry" for row in self.rows]
        columns["why or cost"] = [row.proof_and_cost for row in self.rows]
        if any(row.location for row in self.rows):
            lines = [(row.location or "") if code else row.line for row in self.rows]
            columns["line"] = lines
        return tuple(columns), zip(*columns.values())

    def decided(self) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
        """Header and rows of what was decided while the program was traced."""
        header = ("asked", "answer", "rung", "why", "run-time cost", "line")
        return header, [
            (one.asked, one.answer, one.rung, one.reason, one.cost, one.line)
            for one in self.decisions
        ]

    def __str__(self) -> str:
        parts = [self.summary()]
        if self.rows:
            parts.append(text_table(*self._table(False), terminal_width()))
        if self.decisions:
            parts.append("decided while the program was traced:")
            parts.append(text_table(*self.decided(), terminal_width()))
        return "\n\n".join(parts)

    _repr_pretty_ = shown_as_text

    def _repr_html_(self) -> str:
        checks = f"<p>{self.summary()}</p>{html_table(*self._table(True))}"
        return checks + (html_table(*self.decided()) if self.decisions else "")


def _renamed(row: Row, names: Mapping[str, str]) -> Row:
    if not names:
        return row
    symbols = re.compile(r"\b(" + "|".join(map(re.escape, names)) + r")\b")

    def spelled(text: str) -> str:
        return symbols.sub(lambda found: names[found[0]], text)

    proof = row.proof
    if proof is not None:
        facts = tuple(replace(fact, text=spelled(fact.spelled)) for fact in proof.facts)
        proof = replace(proof, facts=facts)
    return replace(row, condition=spelled(row.condition), proof=proof)
