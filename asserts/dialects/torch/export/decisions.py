"""What was decided while a program was traced, and by whom.

A decision is kept beside torch's `ShapeEnv`, so that the report of the exported program can
say of each which rung took it, the line of code, and what has to hold for it. A saved program
has its decisions in a file of its archive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from asserts.conditions.report import Decision, Row
from asserts.errors import GraphError

__all__ = ["KEPT_AS", "decisions_of", "kept_decisions", "note_decision", "read_decisions",
           "with_cost"]  # fmt: skip

KEPT_AS: Final = "shapeproof_decisions.json"
"""The file of an archive in which the decisions are."""

_VERSION: Final = 1

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


def kept_decisions(shape_env: Any) -> str | None:
    """The decisions as a text to be saved; None if there are none."""
    found = [asdict(one) for one in decisions_of(shape_env)]
    return json.dumps({"version": _VERSION, "decisions": found}) if found else None


def read_decisions(text: str) -> tuple[Decision, ...]:
    """The decisions in a text that was saved. Raises `GraphError` if it is anything else."""
    try:
        content = json.loads(text)
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']} is not known")
        return tuple(map(_decision, content["decisions"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GraphError(f"its decisions cannot be read: {error}") from error


def _decision(entry: Any) -> Decision:
    wanted = {one.name for one in fields(Decision)}
    if not isinstance(entry, dict) or set(entry) != wanted:
        raise ValueError("a decision has other parts")
    optional = ("assumption", "message")
    for name, value in entry.items():
        kind: tuple[type, ...] = (int,) if name == "nodes" else (str,)
        if not isinstance(value, kind) and not (name in optional and value is None):
            raise ValueError(f"`{name}` is not of the type {kind[0].__name__}")
    return Decision(**entry)
