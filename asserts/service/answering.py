"""What the service's worker processes do: questions, environments, programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["preload", "work"]


def work(
    asked: Mapping[str, Any], tell: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """The answer to a request, by its `kind`. May raise anything."""
    kind = asked["kind"]
    if kind == "question":
        from asserts.service.questions import answers

        return {"schema": 1, "answers": answers(asked["verb"], asked["body"])}
    if kind == "environment":
        from asserts.service.environments import worked_on

        return worked_on(asked["verb"], asked["body"])
    from asserts.work.verbs import work

    return work(asked, tell)


def preload(what: str) -> None:
    """Import what the first request needs, and let it be asked once."""
    if what != "questions":
        from asserts.work.verbs import preload

        preload(what)
        return
    from asserts.service.questions import answers

    asked = {
        "symbols": ["b:1..64", "unbacked u"],
        "facts": ["u <= 4*b"],
        "claims": ["u < 5*b", "u < b", "u*u - 2*u*b + b*b != 3"],
        "expressions": ["2*u + 1"],
    }
    verbs = ("prove", "bounds", "suggest", "fits", "simplify", "congruence", "guards")
    for verb in verbs:
        answers(verb, asked)
