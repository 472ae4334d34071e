"""What was decided while a program was traced, and by whom.

A decision is kept beside torch's `ShapeEnv`, so that the report of the exported program can
say of each which rung took it, the line of code, and what has to hold for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from asserts.conditions.report import Decision, Row

__all__ = ["decisions_of", "note_decision", "with_cost"]


_DECISIONS: WeakKeyDictionary[Any, dict[Decision, None]] = WeakKeyDictionary()


def note_decision(shape_env: Any, decision: Decision) -> None:
    """Remember a decision; torch asks many questions more than once."""
    _DECISIONS.setdefault(shape_env, {})[decision] = None


def decisions_of(shape_env: Any) -> tuple[Decision, ...]:
    """What was decided in an environment, in order."""
    return () if shape_env is None else tuple(_DECISIONS.get(shape_env, ()))


def with_cost(decisions: Iterable[Decision], rows: Iterable[Row]) -> tuple[Decision, ...]:
    """The decisions, each with the nodes of its assert, as far as that is still there."""
    nodes = [(row.message or "", row.nodes) for row in rows if row.outcome != "discharged"]
    return tuple(
        replace(one, nodes=sum(n for text, n in nodes if one.message and one.message in text))
        for one in decisions
    )
