"""Where indices are constants, what an array needs is checked exactly: numpy is the judge."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.errors import RuntimeAssertionError
from asserts.trace import Spec, trace

Function = Callable[[Any], Any]
FIVE = np.array([[1, -2], [4, 0]])


def assigned(key: Any) -> Function:
    def function(x: Any) -> Any:
        y = x.copy()
        y[key] = 7
        return y

    return function


def counted_from_the_end(x: Any) -> Any:
    last = x.shape[0] - 1
    return x[[last, 0]], np.take(x, [0, last - 1], axis=0)


ONE: dict[str, Function] = {
    "x[4]": lambda x: x[4],
    "x[-3]": lambda x: x[-3],
    "x[[0, 4]]": lambda x: x[[0, 4]],
    "x[[]]": lambda x: x[[]],
    "x[(2,)]": lambda x: x[(2,)],
    "x[array]": lambda x: x[FIVE],
    "x[[-3, 1]]": lambda x: x[[-3, 1]],
    "x[0-d]": lambda x: x[np.array(2)],
    "x[...] = ": assigned(3),
    "x[list] = ": assigned([0, -4]),
    "take": lambda x: np.take(x, 4),
    "take negative": lambda x: np.take(x, -2),
    "take list": lambda x: np.take(x, [0, 2]),
    "take nested": lambda x: np.take(x, [[0, 2], [-3, 1]]),
    "take nothing": lambda x: np.take(x, np.zeros(0, int)),
    "take array": lambda x: np.take(x, FIVE),
    "take axis": lambda x: np.take(x, 3, axis=0),
    "take last axis": lambda x: np.take(x, [1, -1], axis=-1),
    "take clipped": lambda x: np.take(x, 4, mode="clip"),
    "take wrapped": lambda x: np.take(x, [4, -7], mode="wrap"),
    "method take": lambda x: x.take([2, -1]),
    "method take, mode": lambda x: x.take(5, mode="wrap"),
    "item": lambda x: x.item(2),
    "negative item": lambda x: x.item(-2),
    "along axis": lambda x: np.take_along_axis(x, np.array([2, 0]), 0),
    "compress": lambda x: np.compress([True, False, True], x),
    "compress nothing": lambda x: np.compress([False, False, False, False], x),
    "method compress": lambda x: x.compress([False, True]),
    "end": counted_from_the_end,
}

TWO: dict[str, Function] = {
    "x[2, -1]": lambda x: x[2, -1],
    "x[[0, 2]]": lambda x: x[[0, 2]],
    "x[:, [1]]": lambda x: x[:, [1]],
    "x[[0, 1], [1, 0]]": lambda x: x[[0, 1], [1, 0]],
    "x[1, [0, 2]]": lambda x: x[1, [0, 2]],
    "x[[2], :0]": lambda x: x[[2], :0],
    "x[[2], empty]": lambda x: x[[2], np.zeros(0, int)],
    "x[2, empty]": lambda x: x[2, np.zeros(0, int)],
    "x[[[0], [2]], [0, 1]]": lambda x: x[[[0], [2]], [0, 1]],
    "x[None, [2]]": lambda x: x[None, [2]],
    "x[..., [2]]": lambda x: x[..., [2]],
    "x[2:, [1]]": lambda x: x[2:, [1]],
    "x[[1], [2]] = ": assigned(([1], [2])),
    "x[:, [2]] = ": assigned((slice(None), [2])),
    "take flat": lambda x: np.take(x, 4),
    "take 0": lambda x: np.take(x, 2, axis=0),
    "take 1": lambda x: np.take(x, [2, 0], axis=1),
    "take -1": lambda x: np.take(x, [-2], axis=-1),
    "take clipped 0": lambda x: np.take(x, [5], axis=0, mode="clip"),
    "take clipped 1": lambda x: np.take(x, [5], axis=1, mode="clip"),
    "take wrapped flat": lambda x: np.take(x, [5], mode="wrap"),
    "take nothing 1": lambda x: np.take(x, np.zeros((0, 2), int), axis=1),
    "item 3": lambda x: x.item(3),
    "item 1, -2": lambda x: x.item(1, -2),
    "item tuple": lambda x: x.item((0, 1)),
    "along 0": lambda x: np.take_along_axis(x, np.array([[2]]), 0),
    "along 1": lambda x: np.take_along_axis(x, np.array([[0, -2]]), 1),
    "compress 0": lambda x: np.compress([True, False, True], x, axis=0),
    "compress 1": lambda x: np.compress([False, True], x, axis=1),
    "compress flat": lambda x: np.compress([False, True, True], x),
    "x.T[2]": lambda x: x.T[2],
    "row": lambda x: x[1][[2]],
}

VARIABLE: dict[str, Callable[[Any, Any], Any]] = {
    "take 0": lambda x, i: np.take(x, i, axis=0, mode="clip"),
    "take 1": lambda x, i: np.take(x, i, axis=1, mode="wrap"),
    "take 1 as it is": lambda x, i: np.take(x, i * 0, axis=1),
    "take flat": lambda x, i: np.take(x, i * 0),
}


def judged(function: Any, program: Any, inputs: tuple[Any, ...]) -> None:
    """What numpy refuses, a check refuses before; what it computes is computed. (Up to 2.3
    it only warns of an index beyond an axis where nothing is taken.)"""
    try:
        expected = function(*inputs)
    except (IndexError, DeprecationWarning):
        with pytest.raises(RuntimeAssertionError):
            program(*inputs)
        return
    got = program(*inputs)
    np.testing.assert_equal(got, expected)


@pytest.mark.parametrize("name", ONE)
def test_one_axis(name: str) -> None:
    program = asserts.insert(trace(ONE[name], x=("n",))).graph_module
    for n in range(8):
        judged(ONE[name], program, (np.arange(float(n)),))


@pytest.mark.parametrize("name", TWO)
def test_two_axes(name: str) -> None:
    program = asserts.insert(trace(TWO[name], x=("m", "n"))).graph_module
    for m, n in itertools.product(range(5), repeat=2):
        judged(TWO[name], program, (np.arange(float(m * n)).reshape(m, n),))


@pytest.mark.parametrize("name", VARIABLE)
def test_from_an_empty_axis_nothing_is_taken(name: str) -> None:
    specs = {"x": Spec(("m", "n"), "float64"), "i": Spec(("k",), "int64")}
    program = asserts.insert(trace(VARIABLE[name], **specs)).graph_module
    for m, n, k in itertools.product(range(3), repeat=3):
        judged(VARIABLE[name], program, (np.ones((m, n)), np.arange(k)))


def test_the_condition_is_as_plain_as_can_be() -> None:
    for at, least in ((4, 5), (-3, 3), ([0, 2], 3), ([-4, 1], 4)):
        report = asserts.insert(trace(lambda x, at=at: np.take(x, at), x=("n",))).report
        assert [row.condition for row in report.with_outcome("inserted")] == [f"n >= {least}"]


def test_a_known_index_proves_a_later_check() -> None:
    def function(x: Any) -> Any:
        first = np.take(x, [0, 4])
        asserts.check(x.shape[0] >= 3, "three")
        return first + x[2]

    report = asserts.insert(trace(function, x=("n",)), policy="strict").report
    assert [r.condition for r in report if r.outcome == "inserted"] == ["n >= 5"]
