"""Conditions on many rows of inputs at once: numpy where it computes them right, Python for
the rest.

What numpy can be trusted with depends on the values (see `arrays`), so a `Plan` holds for a
box of values, and is made anew, for a larger box, when a row lies outside. Rows go through in
blocks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shapes.domains import ValueRanges
from shapes.env.codegen.arrays import INT64, Box, compile_over_arrays, computable
from shapes.errors import EvaluationError, UndefinedError
from shapes.expr.nodes import Expr
from shapes.traversal.evaluate import evaluated, value_of
from shapes.traversal.interpret import free_symbols

__all__ = ["Plan", "hold_over_rows", "planned"]

BLOCK: Final = 16_384
"""Rows that go through together."""


@dataclass(frozen=True)
class Plan:
    """How conditions are computed for rows within a box: `quick` by numpy over the arrays of
    `symbols`, `slow` one by one."""

    box: Box
    quick: Callable[..., Any] | None
    symbols: tuple[Expr, ...]
    slow: tuple[Expr, ...]


def planned(conditions: Sequence[Expr], box: Box) -> Plan:
    """The plan for rows within a box."""
    trusted = [c for c in conditions if computable(c, box)]
    known = set(trusted)
    slow = tuple(c for c in conditions if c not in known)
    symbols = tuple(free_symbols(*trusted))
    names = {sym: f"s{place}" for place, sym in enumerate(symbols)}
    quick = compile_over_arrays("guards", trusted, names)[0] if trusted else None
    return Plan(box, quick, symbols, slow)


def hold_over_rows(
    values: Mapping[Expr, object], conditions: Sequence[Expr], plan: Plan | None
) -> tuple[Any, Plan | None]:
    """Whether all conditions hold, row by row, and the plan that was used, for the next time.

    Raises `EvaluationError` for values that aren't numbers, or arrays of different lengths.
    """
    import numpy as np

    columns = {sym: _column(sym, value) for sym, value in values.items()}
    try:
        (count,) = np.broadcast_shapes((1,), *[column.shape for column in columns.values()])
    except ValueError:
        shown = ", ".join(f"{sym.name}: {len(c)}" for sym, c in columns.items() if c.ndim)
        raise EvaluationError(f"the columns are not of one length ({shown})") from None
    if any(column.ndim and not len(column) for column in columns.values()):
        return np.zeros(0, dtype=bool), plan
    box = _box(columns)
    if plan is None or not _within(box, plan.box):
        plan = planned(conditions, _rounded(box))
        if plan.slow:
            plan = planned(conditions, box)
    held = np.ones(count, dtype=bool)
    if plan.quick is not None:
        arguments = [
            np.broadcast_to(columns[sym].astype(_dtype(sym), copy=False), (count,))
            for sym in plan.symbols
        ]
        for start in range(0, count, BLOCK):
            block = slice(start, start + BLOCK)
            held[block] = plan.quick(*[argument[block] for argument in arguments])
    if plan.slow:
        _one_by_one(columns, plan.slow, held)
    return held, plan


def _column(sym: Expr, value: object) -> Any:
    """The values of a symbol as an array that holds them exactly: of a machine type, or of
    Python's own numbers."""
    import numpy as np

    try:
        column = np.asarray(value)
    except (ValueError, TypeError, OverflowError):  # lists of different lengths, and the like
        reason = f"the values of {sym.name} are not a column of numbers"
        raise EvaluationError(reason) from None
    if column.dtype.kind == "f" and column is not value and sym.kind == "int":
        # numpy makes doubles of integers that have no common machine type.
        column = np.asarray(value, dtype=object)
    if column.ndim > 1:
        raise EvaluationError(f"the values of {sym.name} have {column.ndim} dimensions, not 1")
    if column.dtype.kind in _MACHINE[sym.kind]:
        return column
    exact = np.empty(column.shape, dtype=object)
    exact.ravel()[:] = [value_of(sym, item) for item in column.ravel()]
    return _packed(exact) if sym.kind == "int" else exact.astype(_dtype(sym))


def _packed(column: Any) -> Any:
    """Python's integers as numpy's, if all of them fit."""
    import numpy as np

    if all(INT64.lower <= item <= INT64.upper for item in column.ravel()):
        return column.astype(np.int64)
    return column


_MACHINE: Final = {"int": "iu", "bool": "b", "float": ""}
"""Kinds of arrays whose elements are values of a symbol as they are."""


def _dtype(sym: Expr) -> str:
    return {"bool": "bool", "int": "int64", "float": "float64"}[sym.kind]


def _box(columns: Mapping[Expr, Any]) -> Box:
    """The range of every column of machine integers; every other range is open."""
    found = {}
    for sym, column in columns.items():
        if sym.kind == "int" and column.dtype.kind in "biu":
            found[sym] = ValueRanges(int(column.min()), int(column.max()))
        else:
            found[sym] = ValueRanges.unknown(sym.kind)
    return found


def _within(box: Box, other: Box) -> bool:
    return all(sym in other and known.issubset(other[sym]) for sym, known in box.items())


def _rounded(box: Box) -> Box:
    """A larger box, so that the next rows are likely to lie in it: ends are moved outwards to
    powers of two."""
    found = {}
    for sym, known in box.items():
        if sym.kind == "int" and known.issubset(INT64):
            lower, upper = known.int_bounds()
            assert isinstance(lower, int)
            assert isinstance(upper, int)
            known = ValueRanges(
                -(1 << (-lower - 1).bit_length()) if lower < 0 else min(lower, 1),
                (1 << upper.bit_length()) - 1 if upper > 0 else upper,
            )
        found[sym] = known
    return found


def _one_by_one(columns: Mapping[Expr, Any], conditions: Sequence[Expr], held: Any) -> None:
    import numpy as np

    for place in np.flatnonzero(held).tolist():
        row = {sym: _item(sym, c, place) for sym, c in columns.items()}
        try:
            held[place] = all(evaluated(condition, row) for condition in conditions)
        except UndefinedError:
            held[place] = False


def _item(sym: Expr, column: Any, place: int) -> Any:
    value = column[place] if column.ndim else column[()]
    plain = value.item() if hasattr(value, "item") else value
    return bool(plain) if sym.kind == "bool" else plain
