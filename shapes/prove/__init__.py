"""The prover: which methods are tried on a claim, in which order, with which budgets.

`quick` answers from normal form, bounds and congruences; `tactics` are single methods of
proof; `case_split` splits by the rules in `split_rules`; `consistency` keeps an environment's
facts satisfiable; `ladder` knows the order and is what others call, with an `effort`.
Imports `arith` and folders before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapes.base.lazy import lazy_exports

if TYPE_CHECKING:
    from shapes.prove.effort import Effort as Effort
    from shapes.prove.effort import effort_named as effort_named
    from shapes.prove.ladder import (
        CHEAP as CHEAP,
    )
    from shapes.prove.ladder import (
        METHODS as METHODS,
    )
    from shapes.prove.ladder import (
        decide as decide,
    )
    from shapes.prove.ladder import (
        entails as entails,
    )
    from shapes.prove.ladder import (
        prove as prove,
    )

__all__ = [
    "CHEAP",
    "METHODS",
    "Effort",
    "decide",
    "effort_named",
    "entails",
    "prove",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "effort": ("Effort", "effort_named"),
        "ladder": ("CHEAP", "METHODS", "decide", "entails", "prove"),
    },
)
