"""What was decided while a program was traced, and by whom.

A decision is kept beside torch's `ShapeEnv`, so that the report of the exported program can
say of each which rung took it, the line of code, and what has to hold for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["Decision", "decisions_of", "note_decision"]


@dataclass(frozen=True)
class Decision:
    """A question of torch's and its answer: the `rung` that gave it, the `reason`, and the
    `assumption` that is asserted for it (None if it holds without one)."""

    rung: str
    asked: str
    answer: str
    line: str
    reason: str
    assumption: str | None = None

    def __str__(self) -> str:
        where = f" at {self.line}" if self.line else ""
        return f"{self.rung}: `{self.asked}` is {self.answer}{where}: {self.reason}"


_DECISIONS: WeakKeyDictionary[Any, dict[Decision, None]] = WeakKeyDictionary()


def note_decision(shape_env: Any, decision: Decision) -> None:
    """Remember a decision; torch asks many questions more than once."""
    _DECISIONS.setdefault(shape_env, {})[decision] = None


def decisions_of(shape_env: Any) -> tuple[Decision, ...]:
    """What was decided in an environment, in order."""
    return () if shape_env is None else tuple(_DECISIONS.get(shape_env, ()))
