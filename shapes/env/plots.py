"""Pictures of what is known (matplotlib): the region of two symbols, ranges as bars.

A point of the region is a pair of values. Every fact over the two symbols alone is evaluated
there. Facts that speak of further symbols are told the two values, and a point goes if bounds
propagation then finds a contradiction: what is drawn as possible may still be impossible,
what is left out is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from shapes.base.digits import short
from shapes.base.infinity import Bound, IntInfinity
from shapes.env.regions import SIDE, Window, integer_symbol, value_at
from shapes.errors import ContradictionError, RangeError
from shapes.expr.booleans import equal
from shapes.expr.nodes import BoolExpr, IntExpr, constant
from shapes.facts.store import Fact, Facts
from shapes.traversal.interpret import free_symbols
from shapes.traversal.mathematics import mathematical

if TYPE_CHECKING:
    from shapes.env.arguments import Claim, Quantity
    from shapes.env.shape_env import ShapeEnv

__all__ = ["plot_ranges", "plot_region"]


_HOLDS, _FAILS, _LEFT = "#1a7f37", "#cf222e", "#57606a"

LARGEST: Final = 1 << 53
"""Up to this, points a step apart have places apart: they are drawn at doubles."""

FAR: Final = 10**300
"""Ends of ranges beyond this are drawn here (and written as they are)."""


def plot_region(
    env: ShapeEnv,
    x: Quantity,
    y: Quantity,
    claim: Claim | None = None,
    *,
    window: Window | None = None,
    ax: object = None,
) -> Any:
    """Draw the pairs of values that the facts leave to two integer symbols.

    With a claim over them, the points where it holds and where it fails (or has no value) have
    two colours, its border is a line, and the counterexample (if `prove` finds one, and it is
    among the points) is a star. `window` gives the values shown, ``(x_min, x_max, y_min,
    y_max)``; the default is the ranges that are known, at most `SIDE` values each. Returns the
    axes.

    Raises `ImportError` without matplotlib, `RangeError` for a window that is empty, too large
    or too far from 0 for the doubles of a picture, `ExpressionTypeError` for what is not an
    integer symbol.
    """
    a, b = (integer_symbol(env, one) for one in (x, y))
    across, along = _sides(env, a, b, window)
    points = list(_possible(env.facts, a, b, across, along))
    axes = _axes(ax)
    if claim is None:
        _scatter(axes, points, _LEFT, "possible")
    else:
        _with_claim(env, axes, (a, b), (across, along), points, claim)
    axes.set_xlabel(mathematical(a))
    axes.set_ylabel(mathematical(b), rotation=0)
    axes.set_xlim(across[0] - 1, across[-1] + 1)
    axes.set_ylim(along[0] - 1, along[-1] + 1)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return axes


def _with_claim(
    env: ShapeEnv,
    axes: Any,
    symbols: tuple[IntExpr, IntExpr],
    sides: tuple[range, range],
    points: Sequence[tuple[int, int]],
    claim: Claim,
) -> None:
    a, b = symbols
    question, defined = env.spelled(claim)
    if not isinstance(question, BoolExpr) or not {a, b}.issuperset(free_symbols(question)):
        raise RangeError(f"`{question}` is not a condition over `{a}` and `{b}` alone")
    truth: dict[tuple[int, int], bool | None] = {}
    for x, y in product(*sides):
        values = {a: x, b: y}
        truth[x, y] = value_at(defined, values) and value_at(question, values)
    _scatter(axes, [p for p in points if truth[p] is True], _HOLDS, "the claim holds")
    _scatter(axes, [p for p in points if truth[p] is False], _FAILS, "the claim fails")
    _scatter(axes, [p for p in points if truth[p] is None], _LEFT, "too large to compute")
    _border(axes, truth)
    example = env.prove(claim).counterexample
    found = () if example is None else (example.get(a.name), example.get(b.name))
    star = [point for point in truth if point == found]
    if star:
        axes.scatter(*zip(*star), marker="*", s=220, color="#ffd33d", edgecolor="black",
                     zorder=4, label="counterexample")  # fmt: skip
    axes.set_title(mathematical(question))


def _border(axes: Any, truth: dict[tuple[int, int], bool | None]) -> None:
    """The sides of unit squares between points where a claim holds and where it fails."""
    lines = []
    for (x, y), value in truth.items():
        for dx, dy in ((1, 0), (0, 1)):
            beside = truth.get((x + dx, y + dy), value)
            if {beside, value} == {True, False}:
                middle = x + dx / 2, y + dy / 2
                lines.append([(middle[0] - dy / 2, middle[1] - dx / 2),
                              (middle[0] + dy / 2, middle[1] + dx / 2)])  # fmt: skip
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(lines, colors="black", linewidths=1.2, zorder=3))


def _scatter(axes: Any, points: Sequence[tuple[int, int]], color: str, label: str) -> None:
    if points:
        xs, ys = zip(*points)
        axes.scatter(xs, ys, s=16, color=color, label=f"{label} ({len(points)})")


def _possible(
    facts: Facts, a: IntExpr, b: IntExpr, across: range, along: range
) -> Iterable[tuple[int, int]]:
    alone = [f.claim for f in facts if {a, b}.issuperset(free_symbols(f.claim))]
    others = len(alone) < len(facts)
    for x, y in product(across, along):
        values = {a: x, b: y}
        if any(value_at(claim, values) is False for claim in alone):
            continue
        if not others or _consistent(facts, a, b, x, y):
            yield x, y


def _consistent(facts: Facts, a: IntExpr, b: IntExpr, x: int, y: int) -> bool:
    claims = equal(a, constant(x)), equal(b, constant(y))
    try:
        facts.given(*(Fact(claim, "given") for claim in claims))
    except ContradictionError:
        return False
    return True


def _sides(
    env: ShapeEnv, a: IntExpr, b: IntExpr, window: Window | None
) -> tuple[range, range]:
    if window is None:
        sides = _side(env, a), _side(env, b)
    else:
        sides = range(window[0], window[1] + 1), range(window[2], window[3] + 1)
    for side in sides:
        if not 0 < side.stop - side.start <= 4 * SIDE:  # (a `len` has 64 bits)
            ends = f"{short(side.start)} to {short(side.stop - 1)}"
            raise RangeError(
                f"a picture shows 1 to {4 * SIDE} values of a symbol, not those from {ends}"
            )
        if max(-side.start, side.stop) > LARGEST:
            raise RangeError(
                f"a picture shows values up to 2**53, not those from {short(side.start)}: "
                "choose a window"
            )
    return sides


def _side(env: ShapeEnv, sym: IntExpr) -> range:
    """Values around 0, or the nearest end of the range."""
    lower, upper = env.bounds(sym).int_bounds()
    low = _finite(lower, min(0, _finite(upper, 0)) if upper < 0 else 0)
    if isinstance(lower, IntInfinity):
        low = low - SIDE // 2 if upper >= 0 else low - SIDE + 1
    high = min(_finite(upper, low + SIDE - 1), low + SIDE - 1)
    return range(low, high + 1)


def _finite(end: Bound, otherwise: int) -> int:
    return otherwise if isinstance(end, IntInfinity) else end


def _near(value: int) -> int:
    return max(-FAR, min(FAR, value))


def plot_ranges(env: ShapeEnv, names: Sequence[str] = (), *, ax: object = None) -> Any:
    """Draw the range of every integer symbol as a bar on a number line, with its example as a
    dot; an arrow stands where there is no end. Returns the axes.

    Raises `ImportError` without matplotlib, `UnknownSymbolError` for a name that is none.
    """
    chosen = [integer_symbol(env, name) for name in names or _integers(env)]
    ranges = [env.bounds(sym).int_bounds() for sym in chosen]
    ends = [_near(end) for pair in ranges for end in pair if isinstance(end, int)]
    low, high = min([0, *ends]), max([1, *ends])
    margin = max(1, (high - low) // 8)
    axes = _axes(ax)
    for row, (sym, (lower, upper)) in enumerate(zip(chosen, ranges)):
        left, right = (
            float(_near(_finite(end, otherwise)))
            for end, otherwise in ((lower, low - margin), (upper, high + margin))
        )
        axes.plot([left, right], [row, row], color=_HOLDS, linewidth=5, solid_capstyle="butt")
        for end, at, mark in ((lower, left, "<"), (upper, right, ">")):
            open_ended = isinstance(end, IntInfinity)
            axes.plot([at], [row], marker=mark if open_ended else "|", color=_HOLDS,
                      markersize=9, markeredgewidth=2)  # fmt: skip
            if not open_ended:
                axes.annotate(short(end), (at, row), (0, 8), textcoords="offset points",
                              ha="center", fontsize=8)  # fmt: skip
        hint = env.symbols[sym.name].hint
        if isinstance(hint, int):
            at = float(_near(hint))
            axes.plot([at], [row], "o", color="#ffd33d", markeredgecolor="black", zorder=3)
    axes.set_yticks(range(len(chosen)), [mathematical(sym) for sym in chosen])
    axes.set_ylim(len(chosen) - 0.4, -0.6)
    axes.set_xlim(float(low - 2 * margin), float(high + 2 * margin))
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    return axes


def _integers(env: ShapeEnv) -> list[str]:
    return [info.name for info in env.symbols.values() if info.kind == "int"]


def _axes(ax: object) -> Any:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError(
            "pictures need matplotlib: pip install 'shapeproof[notebooks]'"
        ) from None
    return plt.subplots(figsize=(5.5, 4))[1]
