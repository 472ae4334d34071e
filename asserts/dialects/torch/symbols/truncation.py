"""Truncation towards zero, which torch takes for rounding down when it simplifies.

``math.trunc(k / 2)`` is ``k // 2`` only where the quotient is not negative. torch makes the
second of the first in any case, and solves what it has then: from
``torch._check(math.trunc(-k / 2) >= -1)`` it learns ``k <= 2``, although 3 passes.

Guarantees: inside `exactly` a truncation is simplified only where torch's own ranges say that
rounding down is the same; another one stays what it is. `as_floored` is what torch has solved,
for environments that were made outside.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy
from torch.utils._sympy.functions import FloorDiv, IntTrueDiv, TruncToInt
from torch.utils._sympy.value_ranges import bound_sympy

__all__ = ["as_floored", "exactly"]

Simplify = Callable[..., Any]


def exactly(original: Simplify) -> Simplify:
    """torch's `ShapeEnv.simplify`, which leaves truncations of what may be negative."""

    def simplify(self: Any, expr: Any, *args: Any, **options: Any) -> Any:
        if not _quotients(expr):
            return original(self, expr, *args, **options)
        known = self.replace(expr)
        kept: dict[Any, Any] = {}
        for atom in _quotients(known):
            if not _is_floor(atom, self.var_to_range):
                kept[atom] = sympy.Symbol(f"_cut_off_{len(kept)}", integer=True)
        found = original(self, known.xreplace(kept), *args, **options)
        return found.xreplace({symbol: atom for atom, symbol in kept.items()})

    return simplify


def as_floored(expr: Any) -> Any:
    """The expression with each truncated quotient rounded down instead."""
    while found := _quotients(expr):  # (one may stand within another)
        expr = expr.xreplace({one: FloorDiv(*one.args[0].args) for one in found})
    return expr


@lru_cache(maxsize=4096)
def _quotients(expr: object) -> tuple[Any, ...]:
    """The quotients of integers that are truncated in an expression."""
    if not isinstance(expr, sympy.Basic) or not expr.has(TruncToInt):
        return ()
    found = (one for one in expr.atoms(TruncToInt) if isinstance(one.args[0], IntTrueDiv))
    return tuple(sorted(found, key=str))


def _is_floor(atom: Any, ranges: Any) -> bool:
    """Whether the quotient is not negative, whatever the symbols are in their ranges."""
    dividend, divisor = atom.args[0].args
    known = {symbol: span for symbol, span in ranges.items() if symbol in atom.free_symbols}
    least, least_divisor = (bound_sympy(one, known).lower for one in (dividend, divisor))
    return bool(least >= 0 and least_divisor > 0)
