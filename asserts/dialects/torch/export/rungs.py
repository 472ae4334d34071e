"""The ladder by which a question is answered that torch cannot decide while it traces.

Each rung is asked only for what the ones before it left open. The rungs up to `general`
assume nothing: the traced program is right for every input that the rest of its checks
accepts. `example` assumes, and what it assumes is asserted at run time. `branches` assumes
nothing of the inputs, but it runs both sides of a branch while it traces, and sees what they
do to Python's objects only as far as local variables lead: it is taken only by name.
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
    """A way to answer, its name, whether it assumes something of the inputs, and whether it
    is taken only where it is named itself."""

    name: str
    ask: Callable[[Question], Answer | None]
    assumes: bool = False
    by_name: bool = False


def _general(question: Question) -> Answer | None:
    return general_answer(question) or untold(question)


RUNGS: Final = (
    Rung("prove", proved),
    Rung("symbolic", symbolic),
    Rung("check", checked),
    Rung("state", by_state),
    Rung("general", _general),
    Rung("branches", both_ways, by_name=True),
    Rung("example", by_example, assumes=True),
)
"""From what needs nothing to what assumes the most."""


def ladder(decide: bool | str) -> tuple[Rung, ...]:
    """The rungs up to the one that is named; `True` names the last that assumes nothing. One
    that is taken by name only is among them only if it is the one.

    Raises `ValueError` for another name.
    """
    if isinstance(decide, bool):
        sure = (rung for rung in RUNGS if not (rung.assumes or rung.by_name))
        return tuple(sure) if decide else ()
    names = [rung.name for rung in RUNGS]
    if decide not in names:
        known = ", ".join(map(repr, names))
        raise ValueError(f"decide={decide!r} is not a rung: there are {known}, True and False")
    found = RUNGS[: names.index(decide) + 1]
    return tuple(rung for rung in found if not rung.by_name or rung.name == decide)
