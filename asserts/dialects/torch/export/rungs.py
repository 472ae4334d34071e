"""The ladder by which a question is answered that torch cannot decide while it traces.

Each rung is asked only for what the ones before it left open. The rungs up to `branches`
assume nothing: the traced program is right for every input that the rest of its checks
accepts. `example` assumes, and what it assumes is asserted at run time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from asserts.dialects.torch.export.branches import both_ways
from asserts.dialects.torch.export.conversions import symbolic
from asserts.dialects.torch.export.examples import by_example, by_state
from asserts.dialects.torch.export.general import general_answer
from asserts.dialects.torch.export.proving import proved
from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.export.raised import checked
from asserts.dialects.torch.export.telling import untold

__all__ = ["RUNGS", "Rung", "ladder"]


class Rung(NamedTuple):
    """A way to answer, its name, and whether it assumes something of the inputs."""

    name: str
    ask: Callable[[Question], Answer | None]
    assumes: bool = False


def _general(question: Question) -> Answer | None:
    return general_answer(question) or untold(question)


RUNGS: Final = (
    Rung("prove", proved),
    Rung("symbolic", symbolic),
    Rung("check", checked),
    Rung("state", by_state),
    Rung("general", _general),
    Rung("branches", both_ways),
    Rung("example", by_example, assumes=True),
)
"""From what needs nothing to what assumes the most."""


def ladder(decide: bool | str) -> tuple[Rung, ...]:
    """The rungs up to the one that is named; `True` names the last that assumes nothing.

    Raises `ValueError` for another name.
    """
    if isinstance(decide, bool):
        return tuple(rung for rung in RUNGS if decide and not rung.assumes)
    names = [rung.name for rung in RUNGS]
    if decide not in names:
        known = ", ".join(map(repr, names))
        raise ValueError(f"decide={decide!r} is not a rung: there are {known}, True and False")
    return RUNGS[: names.index(decide) + 1]
