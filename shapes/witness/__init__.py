"""Finding values: concrete numbers that satisfy facts and break, or keep, a claim.

Guided search, local search (`local_search`; `example` for conditions without facts),
enumeration of small domains, and z3 (`smt` is the only module that imports it). A value counts
only after Python's integers confirmed it. Imports `facts` and folders before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapes.base.lazy import lazy_exports

if TYPE_CHECKING:
    from shapes.witness.example import Condition as Condition
    from shapes.witness.example import Example as Example
    from shapes.witness.smt import is_available as is_available

__all__ = [
    "Condition",
    "Example",
    "is_available",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "example": ("Condition", "Example"),
        "smt": ("is_available",),
    },
)
