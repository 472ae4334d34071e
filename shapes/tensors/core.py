"""What all shape functions share: dimensions, needs, results, and the error of a mismatch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

from shapes.errors import ShapeproofError
from shapes.expr.booleans import as_integer, conjunction, equal, less_equal
from shapes.expr.integers import maximum, minimum
from shapes.expr.linear import multiply
from shapes.expr.nodes import FALSE, TRUE, BoolExpr, Expr, ExprLike, IntExpr, as_expr, constant
from shapes.expr.operators import OPERATORS

__all__ = [
    "ONE",
    "ZERO",
    "Dims",
    "Known",
    "Need",
    "Needs",
    "Shape",
    "ShapeError",
    "ShapeResult",
    "UndecidedRankError",
    "as_shape",
    "axes_of",
    "axis_of",
    "decide",
    "dim",
    "larger",
    "never",
    "product",
    "show_shape",
    "smaller",
]

Shape: TypeAlias = tuple[IntExpr, ...]
"""One non-negative integer expression for each axis."""

Dims: TypeAlias = Sequence[ExprLike]
"""What is accepted as a shape: expressions, integers, or values that stand for one."""

Known: TypeAlias = Callable[[BoolExpr], "bool | None"]
"""A cheap question to the caller's facts: true, false, or not known."""

ZERO = constant(0)
ONE = constant(1)
assert OPERATORS  # the builders look operators up by name, so the table must be filled


class ShapeError(ShapeproofError, ValueError):
    """Shapes that an operation does not accept; names the operands' shapes."""


class UndecidedRankError(ShapeError):
    """The number of axes of a result depends on a size that is not known."""


@dataclass(frozen=True, slots=True)
class Need:
    """A condition under which the operation accepts its operands, and the reason in words."""

    condition: BoolExpr
    reason: str


@dataclass(frozen=True, slots=True)
class ShapeResult:
    """The shape of a result, and what has to hold for there to be one.

    The shape means something only where all needs hold. A need that always holds is left
    out; one that never holds is kept, as the constant False.
    """

    shape: Shape
    needs: tuple[Need, ...] = ()

    def checked(self) -> ShapeResult:
        """The same; raises `ShapeError` if a need never holds."""
        for need in self.needs:
            if need.condition is FALSE:
                raise ShapeError(need.reason)
        return self


class Needs:
    """The needs of one operation while they are being collected."""

    def __init__(self) -> None:
        self._found: dict[BoolExpr, str] = {}

    def add(self, condition: Expr, reason: str) -> None:
        """Note a condition, unless it always holds or is noted already."""
        if condition is not TRUE:
            self._found.setdefault(conjunction(condition), reason)

    def extend(self, needs: Iterable[Need]) -> None:
        """Note the needs of a part."""
        for need in needs:
            self.add(need.condition, need.reason)

    def equal(self, a: IntExpr, b: IntExpr, reason: str) -> IntExpr:
        """Note that two sizes are equal; the simpler one of them."""
        self.add(equal(a, b), reason)
        return b if b.is_constant and not a.is_constant else a

    def result(self, shape: Iterable[IntExpr]) -> ShapeResult:
        """The result with everything noted so far."""
        return ShapeResult(tuple(shape), tuple(Need(c, r) for c, r in self._found.items()))


def never(reason: str) -> ShapeError:
    """The error of operands that no size could make acceptable (ranks, axes)."""
    return ShapeError(reason)


def dim(value: ExprLike) -> IntExpr:
    """A size as an integer expression."""
    return as_integer(as_expr(value))


def as_shape(dims: Dims) -> Shape:
    """A shape as a tuple of integer expressions."""
    return tuple(dim(d) for d in dims)


def product(dims: Iterable[IntExpr]) -> IntExpr:
    """How many elements a shape has."""
    return reduce(multiply, dims, ONE)


def show_shape(dims: Iterable[Expr]) -> str:
    """A shape as numpy writes it in its messages: ``(b,128)``."""
    shown = [str(d) for d in dims]
    return f"({shown[0]},)" if len(shown) == 1 else f"({','.join(shown)})"


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front. Raises `ShapeError` if there is no such axis."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is out of bounds for array of dimension {rank}")
    return axis % rank


def axes_of(axes: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Axes counted from the front, all of them for None; raises `ShapeError` for repeats."""
    if axes is None:
        return tuple(range(rank))
    wanted = (axes,) if isinstance(axes, int) else tuple(axes)
    found = tuple(axis_of(axis, rank) for axis in wanted)
    if len(set(found)) != len(found):
        raise ShapeError("repeated axis")
    return found


def decide(condition: BoolExpr, known: Known | None) -> bool | None:
    """Whether a condition holds, if it is constant or the caller's facts decide it."""
    if condition is TRUE:
        return True
    if condition is FALSE:
        return False
    return known(condition) if known is not None else None


def smaller(a: IntExpr, b: IntExpr, known: Known | None) -> IntExpr:
    """The minimum, as one of the two if the caller's facts decide which."""
    if decide(less_equal(a, b), known):
        return a
    return b if decide(less_equal(b, a), known) else minimum(a, b)


def larger(a: IntExpr, b: IntExpr, known: Known | None) -> IntExpr:
    """The maximum, as one of the two if the caller's facts decide which."""
    if decide(less_equal(b, a), known):
        return a
    return b if decide(less_equal(a, b), known) else maximum(a, b)
