"""What happened to every check: inserted, proved instead, already there; and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shapes.env import html_table, terminal_width, text_table
from shapes.facts import Proof

__all__ = ["Outcome", "Report", "Row"]

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
class Report:
    """The rows of one pass, as a table."""

    title: str
    rows: tuple[Row, ...] = ()

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

    def __str__(self) -> str:
        if not self.rows:
            return self.summary()
        return f"{self.summary()}\n\n{text_table(*self._table(False), terminal_width())}"

    def _repr_html_(self) -> str:
        return f"<p>{self.summary()}</p>{html_table(*self._table(True))}"


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
