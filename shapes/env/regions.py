"""The region that facts leave to two integer symbols, as a grid of cells of any size.

A window is cut into at most `SIDE` by `SIDE` cells. A cell is left out only if the facts
exclude every pair of values in it; it is said that the claim holds (or fails) there only if
that is so for every pair that may be left, where a claim without a value fails. Both are shown
by adding the cell's sides, and the denied claim, to the facts, and finding a contradiction.
Boxes of cells are halved until they are decided, so that what is decided in the large costs
one step. Cells of few pairs are evaluated pair by pair. Whatever is not shown within the
steps stays "possible" or "mixed".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from shapes.base.infinity import IntInfinity
from shapes.errors import ExpressionTypeError, RangeError, ShapeproofError, TooLargeError
from shapes.expr.booleans import less_equal, negation
from shapes.expr.nodes import SYMBOL, BoolExpr, IntExpr, constant
from shapes.facts.store import Fact, Facts
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols

if TYPE_CHECKING:
    from shapes.env.arguments import Claim, Quantity
    from shapes.env.shape_env import ShapeEnv

__all__ = ["SIDE", "Region", "integer_symbol", "region", "value_at"]

SIDE: Final = 48
"""Cells, or values of one symbol, that a picture shows along a side."""

STEPS: Final = 8000
"""Boxes that are looked at before the rest stays undecided."""

FEW: Final = 16
"""Pairs of values in a cell that are evaluated one by one."""

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Side:
    """Values from `low` to `high`, `step` of them in each cell (the last may have fewer)."""

    low: int
    high: int
    step: int

    @classmethod
    def of(cls, low: int, high: int) -> Side:
        """The side from `low` to `high`, with at most `SIDE` cells."""
        return cls(low, high, -(-(high - low + 1) // SIDE))

    def __len__(self) -> int:
        return -(-(self.high - self.low + 1) // self.step)

    def values(self, start: int, end: int) -> range:
        """The values of the cells from `start` up to, not including, `end`."""
        first = self.low + start * self.step
        return range(first, min(self.low + end * self.step, self.high + 1))


@dataclass(frozen=True)
class Region:
    """The cells: ``rows[j][i]`` is that of the i-th part of `across` (the values of `x`) and
    the j-th part of `along` (those of `y`): a blank where nothing is possible, ``o`` where
    something is (without a claim), ``+`` where the claim holds, ``-`` where it fails, ``~``
    for one or the other. `complete` says that no cell was left undecided for want of
    steps."""

    x: IntExpr
    y: IntExpr
    across: Side
    along: Side
    rows: tuple[str, ...]
    complete: bool


def region(
    env: ShapeEnv,
    x: Quantity,
    y: Quantity,
    claim: Claim | None = None,
    *,
    window: Window | None = None,
    include: Mapping[str, int] | None = None,
) -> Region:
    """What the facts leave to two integer symbols, and where a claim (over any symbols) holds.

    `window` gives the values shown, ``(x_min, x_max, y_min, y_max)``. The default is the
    ranges that are known; where there is no end, it reaches beyond the values `include` (a
    counterexample, say). Raises `RangeError` for an empty window, `ExpressionTypeError` for
    what is not an integer symbol, or no condition.
    """
    a, b = integer_symbol(env, x), integer_symbol(env, y)
    if a is b:
        raise RangeError(f"a region is of two symbols, but `{a}` is named twice")
    if window is None:
        across, along = (_known_side(env, one, include or {}) for one in (a, b))
    else:
        if window[0] > window[1] or window[2] > window[3]:
            raise RangeError(f"there is nothing in the window {window}")
        across, along = Side.of(*window[:2]), Side.of(*window[2:])
    return _Survey(env, (a, b), (across, along), _condition(env, claim)).finished()


def _condition(env: ShapeEnv, claim: Claim | None) -> tuple[BoolExpr, BoolExpr] | None:
    """When the claim has a value, and the claim."""
    if claim is None:
        return None
    spelled = env.spelled(claim)
    if not isinstance(spelled.expr, BoolExpr):
        raise ExpressionTypeError(f"`{spelled.expr}` is not a condition")
    return spelled.defined, spelled.expr


def integer_symbol(env: ShapeEnv, quantity: Quantity) -> IntExpr:
    """The symbol that is meant. Raises `ExpressionTypeError` if it is not an integer one."""
    e = env.spelled(quantity).expr
    if not isinstance(e, IntExpr) or e.op is not SYMBOL:
        raise ExpressionTypeError(f"`{e}` is not an integer symbol")
    return e


def value_at(claim: BoolExpr, values: Mapping[Any, int]) -> bool | None:
    """Whether a condition holds: not where it has no value; None where that is not known,
    because numbers are too large to be computed."""
    try:
        return evaluate(claim, values) is True
    except TooLargeError:
        return None
    except ShapeproofError:
        return False


def _known_side(env: ShapeEnv, sym: IntExpr, include: Mapping[str, int]) -> Side:
    """The range of a symbol; where it has no end, `SIDE` values or half as many again."""
    lower, upper = env.bounds(sym).int_bounds()
    shown = include.get(sym.name, 0)
    open_below, open_above = isinstance(lower, IntInfinity), isinstance(upper, IntInfinity)
    high = max(shown, 0) if isinstance(upper, IntInfinity) else upper
    low = min(shown, high) if isinstance(lower, IntInfinity) else lower
    high = max(low, high) if open_above else high
    most = max(SIDE - 1, (high - low) * 3 // 2)
    if open_below and open_above:
        return Side.of(low - most // 2, high + most // 2)
    return Side.of(high - most if open_below else low, low + most if open_above else high)


Box = tuple[int, int, int, int]
"""Cells from `i0` up to `i1` across, from `j0` up to `j1` along."""


class _Survey:
    """The cells of one region while they are found."""

    def __init__(
        self,
        env: ShapeEnv,
        symbols: tuple[IntExpr, IntExpr],
        sides: tuple[Side, Side],
        claim: tuple[BoolExpr, BoolExpr] | None,
    ) -> None:
        self._facts = env.facts
        self._symbols = symbols
        self._sides = sides
        self._claim = claim
        own = set(symbols)
        self._alone = [f.claim for f in env.facts if own.issuperset(free_symbols(f.claim))]
        symbols_of_claim = [free_symbols(part) for part in claim or ()]
        self._exact = all(own.issuperset(found) for found in symbols_of_claim)
        self._cells = [[" "] * len(sides[0]) for _ in range(len(sides[1]))]

    def finished(self) -> Region:
        whole: Box = (0, len(self._sides[0]), 0, len(self._sides[1]))
        waiting: deque[tuple[Box, Facts, str]] = deque()
        undecided = "o" if self._claim is None else "~"
        waiting.extend(self._left(whole, self._facts, undecided, (0, 1)))
        steps = STEPS
        while waiting and steps:
            steps -= 1
            box, known, state = waiting.popleft()
            if box[1] - box[0] == 1 and box[3] - box[2] == 1:
                self._cells[box[2]][box[0]] = self._cell(box, state)
                continue
            half, axes = _halves(box)
            for part in half:
                waiting.extend(self._left(part, known, state, axes))
        for (i0, i1, j0, j1), _, state in waiting:  # (out of steps)
            for row in self._cells[j0:j1]:
                row[i0:i1] = [state] * (i1 - i0)
        rows = tuple("".join(row) for row in self._cells)
        return Region(*self._symbols, *self._sides, rows, not waiting)

    def _left(
        self, box: Box, known: Facts, state: str, axes: tuple[int, ...]
    ) -> Iterator[tuple[Box, Facts, str]]:
        """The box with what is known in it, unless nothing of it is left."""
        for axis in axes:
            values = self._sides[axis].values(*box[2 * axis : 2 * axis + 2])
            sym = self._symbols[axis]
            for side in (
                less_equal(constant(values[0]), sym), less_equal(sym, constant(values[-1])),
            ):  # fmt: skip
                learned = known.extended(Fact(side, "given"))
                if not isinstance(learned, Facts):
                    return
                known = learned
        yield box, known, self._decided(known) if state == "~" else state

    def _decided(self, known: Facts) -> str:
        """What the claim is under these facts; without a value it fails."""
        assert self._claim is not None
        defined, claim = self._claim
        with_value = known.extended(Fact(defined, "given"))
        if not isinstance(with_value, Facts) or _refuted(with_value, claim):
            return "-"
        always = _refuted(known, negation(defined)) and _refuted(with_value, negation(claim))
        return "+" if always else "~"

    def _cell(self, box: Box, state: str) -> str:
        """The state of a cell, from its pairs of values if they are few."""
        xs, ys = (
            side.values(*box[2 * axis : 2 * axis + 2]) for axis, side in enumerate(self._sides)
        )
        if (xs.stop - xs.start) * (ys.stop - ys.start) > FEW:  # (`len` has a largest value)
            return state
        a, b = self._symbols
        pairs = [{a: x, b: y} for x, y in product(xs, ys)]
        left = [p for p in pairs if all(value_at(f, p) is not False for f in self._alone)]
        if not left:
            return " "
        if state != "~" or not self._exact or self._claim is None:
            return state
        defined, claim = self._claim
        found = {value_at(defined, p) and value_at(claim, p) for p in left}
        return "+" if found == {True} else "-" if found == {False} else "~"


def _refuted(known: Facts, claim: BoolExpr) -> bool:
    return not isinstance(known.extended(Fact(claim, "given")), Facts)


def _halves(box: Box) -> tuple[list[Box], tuple[int, ...]]:
    """The halves of a box, and the axis along which it was cut: the longer one."""
    i0, i1, j0, j1 = box
    if i1 - i0 >= j1 - j0:
        middle = (i0 + i1) // 2
        return [(i0, middle, j0, j1), (middle, i1, j0, j1)], (0,)
    middle = (j0 + j1) // 2
    return [(i0, i1, j0, middle), (i0, i1, middle, j1)], (1,)
