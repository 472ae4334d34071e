"""How much a question may spend: methods, combinations of values, steps of z3."""

from __future__ import annotations

from typing import Final

from shapes.base.records import record
from shapes.prove.quick import CHEAP
from shapes.prove.tactics import METHODS

__all__ = ["EFFORTS", "LINEAR", "SOLVER", "Effort", "effort_named"]


@record(frozen=True)
class Effort:
    """How much may be spent: the methods by name, evaluations of the search, z3's steps, and
    the steps of everything else together (see `budget`)."""

    methods: tuple[str, ...]
    search: int
    rlimit: int
    steps: int = 400_000


SOLVER: Final = "z3"

LINEAR: Final = "linear"
"""The method that looks at many facts with the simplex method too."""

EFFORTS: Final[dict[str, Effort]] = {
    "cheap": Effort(CHEAP, search=0, rlimit=0, steps=100_000),
    "quick": Effort((*METHODS, SOLVER), search=60, rlimit=200_000, steps=100_000),
    "default": Effort((*METHODS, SOLVER), search=300, rlimit=1_000_000),
    "thorough": Effort((*METHODS, SOLVER), search=3_000, rlimit=60_000_000, steps=10_000_000),
}


def effort_named(effort: str | Effort) -> Effort:
    """The effort of that name; raises `ValueError` with the names that there are."""
    if isinstance(effort, Effort):
        return effort
    if effort not in EFFORTS:
        raise ValueError(f"no effort {effort!r}; there are {', '.join(EFFORTS)}")
    return EFFORTS[effort]
