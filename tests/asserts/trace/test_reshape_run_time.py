"""Sizes of a reshape that only the running program knows: -1, and what is left, as in numpy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.errors import RuntimeAssertionError
from asserts.trace import Spec, trace

Function = Callable[[Any, Any], Any]


def number(k: Any, place: int = 0) -> Any:
    return int(k[place])


EXACT: dict[str, Function] = {
    "k": lambda x, k: x.reshape(number(k)),
    "(k,)": lambda x, k: np.reshape(x, (number(k),)),
    "k, 3": lambda x, k: x.reshape(number(k), 3),
    "2, k": lambda x, k: x.reshape((2, number(k))),
    "k, 0": lambda x, k: x.reshape(number(k), 0),
    "k, -1": lambda x, k: x.reshape(number(k), -1),
    "-1, k": lambda x, k: np.reshape(x, (-1, number(k))),
    "k, 2, -1": lambda x, k: x.reshape((number(k), 2, -1)),
    "k, n": lambda x, k: x.reshape(number(k), x.shape[0]),
    "k, |m|": lambda x, k: x.reshape(number(k), abs(number(k, 1))),
    "-1, count": lambda x, k: x.reshape(-1, np.count_nonzero(k)),
    "count, k": lambda x, k: x.reshape(np.count_nonzero(k), number(k)),
    "k - 1, 2": lambda x, k: x.reshape(number(k) - 1, 2),
    "used": lambda x, k: x.reshape(number(k), 2)[:1] + 1,
    "size": lambda x, k: x.reshape(number(k), 2).shape[0],
    "twice": lambda x, k: x.reshape(number(k), 2).reshape(-1, number(k)),
}

TWO: Function = lambda x, k: x.reshape(number(k), number(k, 1))  # noqa: E731


def outcome(run: Any, x: Any, k: Any, refusals: Any) -> Any:
    try:
        found = run(x, k)
    except refusals:
        return None
    return np.shape(found), np.asarray(found).tolist()


INPUTS = [
    (np.arange(float(size)), np.array([a, b]))
    for size, a, b in itertools.product((0, 1, 2, 3, 4, 6), (-2, -1, 0, 1, 2, 3), (-1, 0, 2))
]


def checked(function: Function, policy: Any) -> Any:
    return asserts.insert(trace(function, x=("n",), k=Spec((2,), "int64")), policy=policy)


@pytest.mark.parametrize("policy", ["preserve-user", "keep-all"])
@pytest.mark.parametrize("name", EXACT)
def test_it_is_accepted_and_computed_as_numpy_does(name: str, policy: Any) -> None:
    run = checked(EXACT[name], policy).graph_module
    for x, k in INPUTS:
        wanted = outcome(EXACT[name], x, k, ValueError)
        assert outcome(run, x, k, RuntimeAssertionError) == wanted, (x, k)


def test_of_several_such_sizes_none_is_negative() -> None:
    run = checked(TWO, "preserve-user").graph_module
    for x, k in INPUTS:
        wanted = outcome(TWO, x, k, ValueError) if (k >= 0).all() else None
        assert outcome(run, x, k, RuntimeAssertionError) == wanted, (x, k)


def test_conditions_name_what_the_program_names() -> None:
    shown = [row.condition for row in checked(EXACT["k, 3"], "preserve-user").report]
    assert not any("u0" in text for text in shown)


def test_a_size_that_is_checked_is_as_it_was() -> None:
    def function(x: Any, k: Any) -> Any:
        rows = number(k)
        asserts.check(rows >= 0)
        y = x.reshape(rows, 3)
        asserts.check(y.shape[0] == rows, "rows")
        return y

    report = checked(function, "strict").report
    assert [row.outcome for row in report if row.message == "rows"] in ([], ["discharged"])
