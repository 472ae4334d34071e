"""Pictures: the points that are drawn are the possible ones."""

import os
from typing import Any

import pytest

from shapes import ExpressionTypeError, RangeError, ShapeEnv

if os.environ.get("CI"):
    import matplotlib as mpl
else:
    mpl = pytest.importorskip("matplotlib")
mpl.use("Agg")


def env() -> ShapeEnv:
    made = ShapeEnv()
    b = made.size("b", hint=3, min=1, max=9)
    u = made.unbacked("u", size_like=True)
    w = made.unbacked("w", size_like=True)
    made.assume(u <= 2 * b)
    made.check(u % 2 == 0)
    made.check(w >= 4)
    made.check(u + w <= 14)
    return made


def drawn(axes: Any) -> dict[str, set[tuple[int, int]]]:
    return {
        part.get_label().split(" (")[0]: {tuple(map(int, p)) for p in part.get_offsets()}
        for part in axes.collections
        if not part.get_label().startswith("_")
    }


def test_points_with_facts_about_others() -> None:
    expected = {(b, u) for b in range(1, 10) for u in range(0, 2 * b + 1, 2) if u <= 10}
    assert drawn(env().plot("b", "u")) == {"possible": expected}


def test_a_claim_divides_them_and_its_counterexample_is_among_those_that_fail() -> None:
    made = env()
    parts = drawn(made.plot("b", "u", "u <= b + 1"))
    assert all(u <= b + 1 for b, u in parts["the claim holds"])
    assert all(u > b + 1 for b, u in parts["the claim fails"])
    assert parts["counterexample"] <= parts["the claim fails"]


def test_ranges_have_a_row_each() -> None:
    axes = env().plot_ranges()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "u", "w"]
    assert [label.get_text() for label in env().plot_ranges("u").get_yticklabels()] == ["u"]


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ExpressionTypeError, match=r"`b \+ 1` is not an integer symbol"):
        env().plot("b + 1", "u")
    for end in (1000, 1 << 70):
        with pytest.raises(RangeError, match="1 to 192 values"):
            env().plot("b", "u", window=(0, end, 0, 3))
    with pytest.raises(RangeError, match="over `b` and `u` alone"):
        env().plot("b", "u", "w >= 5")


def test_points_without_a_value_fail() -> None:
    """Also where the normal form has cancelled what has none."""
    made = ShapeEnv()
    made.integer("x", min=-2, max=3)
    made.integer("y", min=-2, max=3)
    parts = drawn(made.plot("x", "y", "y // x - y // x <= 0"))
    points = {(x, y) for x in range(-2, 4) for y in range(-2, 4)}
    assert parts["the claim holds"] == {p for p in points if p[0]}
    assert parts["the claim fails"] == {p for p in points if not p[0]}


def test_values_that_have_no_place_in_a_picture() -> None:
    made = ShapeEnv()
    made.size("x", hint=10**350)
    made.integer("near", min=1 << 52, max=(1 << 52) + 9)
    made.integer("far", min=10**30)
    made.integer("wide", min=-(10**400), max=10**400)
    for name in ("far", "wide"):
        with pytest.raises(RangeError, match=r"up to 2\*\*53"):
            made.plot("x", name)
    made.plot("near", "wide", window=(1 << 52, (1 << 52) + 9, -5, 5)).figure.canvas.draw()
    axes = made.plot("x", "near", "x + near < 10**500")
    assert "counterexample" not in drawn(axes)
    axes.figure.canvas.draw()
    axes = made.plot_ranges()
    axes.figure.canvas.draw()
    assert any("..." in text.get_text() for text in axes.texts)
