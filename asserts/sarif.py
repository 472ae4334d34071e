"""Logs in SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["log", "result"]

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def log(
    rules: Iterable[tuple[str, str]],
    results: list[dict[str, Any]],
    version: str | None = None,
    **run: object,
) -> dict[str, Any]:
    """One run with its results; `rules` are identifiers and descriptions, `version` is the
    tool's, `run` are further properties of the run."""
    driver: dict[str, Any] = {"name": "shapeproof"}
    if version is not None:
        driver["version"] = version
    driver["rules"] = [
        {"id": name, "shortDescription": {"text": text}} for name, text in rules
    ]
    whole = {"tool": {"driver": driver}, **run, "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [whole]}


def result(
    rule: str, kind: str, level: str, text: str, place: Mapping[str, object]
) -> dict[str, Any]:
    """A result of a rule at a physical location."""
    return {
        "ruleId": rule,
        "kind": kind,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
