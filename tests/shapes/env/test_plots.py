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
    with pytest.raises(RangeError, match="1 to 192 values"):
        env().plot("b", "u", window=(0, 1000, 0, 3))
    with pytest.raises(RangeError, match="over `b` and `u` alone"):
        env().plot("b", "u", "w >= 5")
