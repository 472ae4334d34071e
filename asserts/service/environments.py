"""Saved environments, as a worker sees them: text in, text out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asserts.cli.documents import of_environment
from asserts.service.questions import environment
from asserts.work.problems import ProblemError

__all__ = ["worked_on"]


def worked_on(verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What is saved and stated, as one environment: `document` if it is to be saved, and what
    it holds. Raises `ProblemError`."""
    env = environment(body)
    found = of_environment(env)
    if verb == "describe":
        return found
    document = env.to_json()
    if len(document) > body["most"]:
        limit = {"limit": f"{body['most']} bytes"}
        raise ProblemError("answer-too-large", "it is too large to be kept", limit)
    return {"document": document, "described": found}
