"""What a traced function has around it: numpy's answers to errors of floats, threads, and the arrays
that its graph keeps and hands out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import load, save
from asserts.errors import TraceError
from asserts.graph.module import GraphModule
from asserts.trace import trace
from tests.asserts.behaviour import same_value

# --------------------------------------------------------------------------- errors of floats


def within(x: Any) -> Any:
    with np.errstate(all="raise"):
        return 1 / x


def only_one(x: Any) -> Any:
    with np.errstate(divide="raise", over="ignore"):
        return np.log(x)


def by_call(x: Any) -> Any:
    with np.errstate(invalid="call", call=print):
        return np.sqrt(x)


def for_good(x: Any) -> Any:
    old = np.seterr(all="raise")
    try:
        return x * x
    finally:
        np.seterr(**old)


@np.errstate(divide="raise")
def decorated(x: Any) -> Any:
    return 1 / x


@pytest.mark.parametrize("function", [within, only_one, by_call, for_good, decorated])
def test_a_graph_does_not_raise_errors_of_floats(function: Callable[..., Any]) -> None:
    before = np.geterr()
    with pytest.raises(TraceError, match=r"np\.errstate\(\w+='(raise|call)'\) is not kept"):
        trace(function, ("n",))
    assert np.geterr() == before


def test_whether_there_are_warnings_makes_no_difference() -> None:
    def quiet(x: Any) -> Any:
        with np.errstate(all="ignore"):
            y = 1 / x
        with np.errstate(divide="raise"):
            n = x.shape[0] + 1
        return y, n

    program = trace(quiet, ("n",))
    with np.errstate(all="ignore"):
        assert program(np.zeros(2))[0].tolist() == [np.inf, np.inf]
    with np.errstate(all="raise"):
        within_the_callers = trace(lambda x: 1 / x, ("n",))
        with pytest.raises(FloatingPointError):
            within_the_callers(np.zeros(2))


# --------------------------------------------------------------------------- threads


def in_a_thread(function: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def in_a_pool(function: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


@pytest.mark.parametrize("started", [in_a_thread, in_a_pool])
def test_a_thread_belongs_to_the_trace(started: Callable[..., Any]) -> None:
    start = threading.Thread.start
    program = trace(lambda x: started(lambda: np.zeros(x.shape[0]) + x.sum()), ("n",))
    assert program(np.ones(3)).tolist() == [3.0, 3.0, 3.0]
    assert threading.Thread.start is start


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("started", [in_a_thread, in_a_pool])
def test_a_thread_may_not_draw_random_numbers(started: Callable[..., Any]) -> None:
    def function(x: Any) -> Any:
        try:
            return started(lambda: x + np.random.rand())
        except IndexError:  # the thread had no result
            return x

    with pytest.raises(TraceError, match="may answer otherwise at every run"):
        trace(function, ("n",))


# --------------------------------------------------------------------------- constants

TABLE = np.arange(3.0)


def forms(function: Callable[..., Any]) -> list[GraphModule]:
    plain = trace(function, ("n",))
    checked = asserts.insert(plain).graph_module
    return [plain, checked, asserts.minimise(checked).graph_module, load(save(checked))]


def test_a_result_cannot_change_what_a_graph_keeps() -> None:
    for program in forms(lambda x: (TABLE, [np.ones(2)], x + TABLE[0])):
        expected = program(np.ones(2))
        for array in (expected[0], expected[1][0]):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 100.0
        assert same_value(expected, program(np.ones(2)))


def test_a_number_of_numpy_stays_one() -> None:
    def function(x: Any) -> Any:
        return np.float32(2), {"eps": np.finfo(x.dtype).eps}, [np.bool_(True), x.dtype.type(3)], x

    for program in forms(function):
        assert same_value(program(np.ones(2)), function(np.ones(2)))
