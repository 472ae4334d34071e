"""Small modules in the style of real code, whose sizes and checks depend on data.

Each comes with the inputs that it is exported with, inputs that eager accepts, and inputs
each of which breaks one of its checks.
"""

from __future__ import annotations

from tests.torch.programs import (
    caching,
    checks,
    counting,
    experts,
    framing,
    images,
    pruning,
    ragged,
)
from tests.torch.programs.base import DYNAMIC, Inputs, Program, rows, scalar

__all__ = ["CORPUS", "DYNAMIC", "PROGRAMS", "Inputs", "Program", "named", "rows", "scalar"]

THEMES = (images, experts, ragged, caching, pruning, counting, framing, checks)

CORPUS: tuple[Program, ...] = tuple(p for theme in THEMES for p in theme.PROGRAMS)
"""All of them."""

PROGRAMS: tuple[Program, ...] = tuple(p for p in CORPUS if not p.undecided)
"""Those that torch exports by itself."""


def named(name: str) -> Program:
    return next(p for p in CORPUS if p.name == name)
