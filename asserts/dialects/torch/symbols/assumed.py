"""Which ends of ranges torch may have derived with the help of an assumption.

torch assumes of an input's size that it is at least 2. From a check that relates a run-time
value with such a size, ``n // x.shape[0] >= 1``, say, it derives a range of the value,
``n >= 2``, which the check does not say: a batch of one would be rejected if it were
asserted. It also solves: ``3*s == s*n`` makes 3 of every ``n``, and ``k <= n`` a check of
``k <= 3``. How a range was derived, torch does not keep. But an end that some relation between
symbols can give is never a check of its own: it either follows from what is checked, or from
an assumption.

Guarantees: what no relation gives, as torch solves it, was declared, or checked of the value
alone. Limits: of a file whose asserts were removed before it was saved, the relations are not
known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import sympy
from sympy.core.relational import Relational
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.utils._sympy.numbers import int_oo
from torch.utils._sympy.solve import try_solve
from torch.utils._sympy.value_ranges import ValueRanges, bound_sympy

from asserts.dialects.torch.symbols.loaded import is_unbacked
from asserts.dialects.torch.symbols.record import deferred_as, made_checks, recorded_checks
from asserts.dialects.torch.symbols.truncation import as_floored

__all__ = ["Derived", "derived_ends"]


class Derived(NamedTuple):
    """The strongest ends that relations with other symbols give for one."""

    lower: Any = -int_oo
    upper: Any = int_oo


ANYTHING = Derived(int_oo, -int_oo)
"""What is derived by other ways than by solving a relation."""


def derived_ends(shape_env: TorchShapeEnv) -> Mapping[Any, Derived]:
    """The ends that torch may have derived for run-time symbols; nothing for the others."""
    found: dict[Any, Derived] = {}
    replacements = dict(shape_env.replacements)
    # (The environment of a loaded program has ranges of sums and products, too.)
    ranges = {s: span for s, span in shape_env.var_to_range.items() if s.is_Symbol}
    for recorded, is_stated in _recorded(shape_env):
        forms = {as_floored(recorded.xreplace(replacements)): True}
        forms |= {as_floored(recorded): True, recorded: is_stated}
        for relation, alone in forms.items():
            for symbol, ends in _solved(relation, ranges, alone):
                known = found.get(symbol, Derived())
                lower = ends.lower if ends.lower > known.lower else known.lower
                upper = ends.upper if ends.upper < known.upper else known.upper
                found[symbol] = Derived(lower, upper)
    for symbol, value in replacements.items():
        if symbol not in shape_env.unbacked_renamings and value.free_symbols:
            found.update(dict.fromkeys((symbol, *value.free_symbols), ANYTHING))
    return found


def _recorded(shape_env: TorchShapeEnv) -> Iterator[tuple[Relational, bool]]:
    """The relations from which torch may have derived an end, and whether the check is stated
    as the program wrote it: then so is any end that it gives. (A check that was recorded in
    our terms held as soon as it was written: nothing was derived from it.)"""
    recorded: dict[Any, bool] = {}
    for some in shape_env.deferred_runtime_asserts.values():
        for one in some:
            recorded[one.expr] = bool(deferred_as(shape_env, one.expr).solved)
    for guard in shape_env.guards:
        recorded.setdefault(guard.expr, False)
    recorded |= dict.fromkeys(made_checks(shape_env), True)
    recorded |= dict.fromkeys((check.expr for check in recorded_checks(shape_env)), True)
    for expr, is_stated in recorded.items():
        if isinstance(expr, sympy.Basic):
            for relation in sorted(expr.atoms(Relational), key=str):
                yield relation, is_stated


def _solved(
    relation: Any, ranges: dict[Any, Any], alone: bool
) -> Iterator[tuple[Any, Derived]]:
    """For every run-time symbol of a relation the ends which the others give it; those of a
    symbol that stands `alone`, too, if asked to."""
    symbols = relation.free_symbols
    if len(symbols) < 2 - alone or not isinstance(relation, Relational):
        return
    for symbol in symbols:
        solved = try_solve(relation, symbol) if is_unbacked(symbol) else None
        if solved is None or not solved[1].is_integer:
            continue
        head, rest = solved
        ends: ValueRanges[Any] = bound_sympy(rest, ranges)
        lower = isinstance(head, (sympy.Eq, sympy.Ge, sympy.Gt))
        upper = isinstance(head, (sympy.Eq, sympy.Le, sympy.Lt))
        yield symbol, Derived(
            ends.lower + int(isinstance(head, sympy.Gt)) if lower else -int_oo,
            ends.upper - int(isinstance(head, sympy.Lt)) if upper else int_oo,
        )
