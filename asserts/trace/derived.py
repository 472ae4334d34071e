"""Names that occur in derived sizes only: ``2*a``, ``3*b + 1``, ``a*b`` beside ``a``.

Every place of an input has a size of its own, and what is specified for it is an equation:
``x.shape[0] == 2*a``. The equations are solved for the names that are nowhere a size by
themselves: one at a time where one of them is missing, then linear systems by elimination.
A solution says how the program reads the name (``x.shape[0] // 2``) and what must hold of
the sizes for that to be right (``x.shape[0] % 2 == 0``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from asserts.errors import TraceError
from shapes.errors import ShapeproofError
from shapes.expr import (
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    combine,
    constant,
    equal,
    floor_division,
    less_equal,
    maximum,
    modulo,
    multiply,
    not_equal,
    scale,
    where,
)
from shapes.traversal import free_symbols, substitute

__all__ = ["Equation", "Solution", "UndeterminedError", "solve"]

Decide: TypeAlias = Callable[[BoolExpr], "bool | None"]
IsSize: TypeAlias = Callable[[IntExpr], bool]
_Row: TypeAlias = tuple[dict[IntExpr, int], IntExpr]
"""A linear equation: coefficients of names, and what their sum is."""


@dataclass(frozen=True)
class Equation:
    """The size of a place is what was specified for it, as `text`."""

    own: IntExpr
    meant: IntExpr
    text: str

    @property
    def holds(self) -> BoolExpr:
        """The equation as a condition."""
        return equal(self.own, self.meant)


@dataclass(frozen=True)
class Solution:
    """A name with its value from the sizes (and the names before it), and the conditions for
    the sizes to be made of such names.

    `equation` is the one that was solved (None: several together). Where the `divisor` is 0,
    the name could be anything; a condition excludes that.
    """

    name: IntExpr
    value: IntExpr
    conditions: tuple[BoolExpr, ...]
    equation: Equation | None = None
    divisor: IntExpr | None = None


class UndeterminedError(TraceError):
    """A `name` that no size determines."""

    def __init__(self, message: str, name: str = "", texts: tuple[str, ...] = ()) -> None:
        self.name = name
        self.texts = texts
        super().__init__(message, name, texts)

    def __str__(self) -> str:
        return str(self.args[0])


def solve(
    equations: Sequence[Equation], wanted: Sequence[IntExpr], decide: Decide
) -> tuple[list[Solution], list[Equation]]:
    """The solutions for all wanted names, in an order in which they can be computed; and the
    equations that they don't make sure of.

    `decide` answers for conditions on sizes of places. Raises `UndeterminedError`, naming the
    first name, for what cannot be solved.
    """
    left = list(dict.fromkeys(wanted))
    pending = list(equations)
    found: list[Solution] = []
    kept: list[Equation] = []

    def is_size(value: IntExpr) -> bool:
        """Whether a value cannot be negative, whatever the sizes are."""
        plain: Expr = value
        for solution in reversed(found):
            plain = substitute(plain, {solution.name: solution.value})
        return decide(less_equal(constant(0), plain)) is True

    while left:
        step = _single(pending, left, is_size)
        if step is None:
            break
        equation, solution, is_sure = step
        pending.remove(equation)
        left.remove(solution.name)
        found.append(replace(solution, equation=equation))
        if not is_sure:
            kept.append(equation)
    found += _eliminated(pending, left, is_size)
    return found, [*kept, *pending]


def _single(
    equations: Sequence[Equation], left: Sequence[IntExpr], is_size: IsSize
) -> tuple[Equation, Solution, bool] | None:
    """The first equation in which one name is unknown and can be solved for; and whether the
    solution makes sure of the equation."""
    for equation in equations:
        unknown = [s for s in free_symbols(equation.meant) if s in left]
        if len(unknown) != 1 or not isinstance(unknown[0], IntExpr):
            continue
        name = unknown[0]
        parts = _parts(equation.meant, name)
        if parts is None:
            continue
        factor, rest = parts
        known = combine(1, equation.own, -1, rest)
        if isinstance(factor, IntConstant):
            return equation, _divided(name, known, factor.constant, is_size), True
        return equation, _divided_by_size(name, known, factor, is_size), False
    return None


def _parts(expr: IntExpr, name: IntExpr) -> tuple[IntExpr, IntExpr] | None:
    """``(a, b)`` with ``expr == a*name + b``, if it is of that form."""
    try:
        rest = substitute(expr, {name: constant(0)})
        at_one = substitute(expr, {name: constant(1)})
    except ShapeproofError:
        return None
    if not isinstance(rest, IntExpr) or not isinstance(at_one, IntExpr):
        return None
    factor = combine(1, at_one, -1, rest)
    if factor is constant(0) or combine(1, multiply(factor, name), 1, rest) is not expr:
        return None
    return factor, rest


def _divided(name: IntExpr, known: IntExpr, factor: int, is_size: IsSize) -> Solution:
    """``factor*name == known``."""
    if factor < 0:
        known, factor = scale(-1, known), -factor
    conditions: list[BoolExpr] = []
    if factor > 1:
        conditions.append(equal(modulo(known, constant(factor)), constant(0)))
    value = floor_division(known, constant(factor))
    if not is_size(value):
        # The name is a size: what the sizes say of it must not be negative.
        conditions.append(less_equal(constant(0), known))
        value = maximum(value, constant(0))
    return Solution(name, value, tuple(conditions))


def _divided_by_size(
    name: IntExpr, known: IntExpr, factor: IntExpr, is_size: IsSize
) -> Solution:
    """``factor*name == known``: for a factor of 0 the name could be anything."""
    divisor = where(equal(factor, constant(0)), constant(1), factor)
    assert isinstance(divisor, IntExpr)
    value = floor_division(known, divisor)
    if not is_size(value):
        value = maximum(value, constant(0))
    return Solution(name, value, (not_equal(factor, constant(0)),), divisor=factor)


# --------------------------------------------------------------------------- elimination


def _eliminated(
    equations: Sequence[Equation], left: Sequence[IntExpr], is_size: IsSize
) -> list[Solution]:
    """The solutions of what is linear in all names that are left."""
    if not left:
        return []
    rows = [row for equation in equations if (row := _linear(equation, left)) is not None]
    solved: list[_Row] = []
    for name in left:
        pivot = next((row for row in rows if row[0].get(name)), None)
        if pivot is None:
            raise _undetermined(equations, name)
        rows = [_without(row, pivot, name) for row in rows if row is not pivot]
        solved = [_without(row, pivot, name) for row in solved]
        solved.append(pivot)
    return [
        _divided(name, known, terms[name], is_size)
        for name, (terms, known) in zip(left, solved)
    ]


def _linear(equation: Equation, left: Sequence[IntExpr]) -> _Row | None:
    """An equation as a row, if the names have constant factors."""
    terms: dict[IntExpr, int] = {}
    rest = equation.meant
    for name in left:
        if name not in free_symbols(rest):
            continue
        parts = _parts(rest, name)
        if parts is None or not isinstance(parts[0], IntConstant):
            return None
        terms[name], rest = parts[0].constant, parts[1]
    return terms, combine(1, equation.own, -1, rest)


def _without(row: _Row, pivot: _Row, name: IntExpr) -> _Row:
    """The row with a name eliminated by another row."""
    a, b = pivot[0][name], row[0].get(name, 0)
    if not b:
        return row
    names = dict.fromkeys([*row[0], *pivot[0]])
    terms = {n: a * row[0].get(n, 0) - b * pivot[0].get(n, 0) for n in names}
    return {n: c for n, c in terms.items() if c}, combine(a, row[1], -b, pivot[1])


def _undetermined(equations: Sequence[Equation], name: Expr) -> UndeterminedError:
    texts = tuple(e.text for e in equations if name in free_symbols(e.meant))
    shown = " and ".join(map(repr, texts))
    if len(texts) == 1:
        said = f"the size {shown} names `{name}`, which no dimension determines"
    else:
        said = f"no dimension determines `{name}`, nor do the sizes {shown} together"
    message = (
        f"{said}: specify `{name}` itself as a size of an input or as an integer input, or a "
        f"size of which it can be computed, such as '2*{name}' or '{name} + 1'"
    )
    return UndeterminedError(message, name.name, texts)
