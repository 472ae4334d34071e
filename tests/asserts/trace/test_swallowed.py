"""A traced function that catches an error of the trace is refused, however it catches it: the graph
would go on for ever as the function does only while it is traced."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.errors import TraceError
from asserts.trace import Spec, check, trace
from shapes import Dim, ShapeproofError
from shapes.errors import heard

# --------------------------------------------------------------------------- what is refused

ERRORS: dict[str, Callable[[Any], Any]] = {
    "no_rule": lambda x: np.linalg.eig(x.reshape(1, -1)),
    "method": lambda x: x.tolist(),
    "parameter": lambda x: x.ravel(order="K"),
    "branch_on_a_size": lambda x: x if x.shape[0] > 3 else x * 3,
    "branch_on_an_element": lambda x: x if x[:1].sum() > 3 else x * 3,
    "rows": list,
    "text": lambda x: str(x.shape[0]),
    "hash": lambda x: {3: 1}.get(x.shape[0]),
    "random": lambda x: x + np.random.rand(),
    "file": lambda x: open(__file__),  # noqa: SIM115
    "in_place": lambda x: x.__setitem__(0, 1.0),
    "other_code": lambda x: next(i for i in x if i),
    "plain_int": lambda x: range(x.shape[0]),
    "name": lambda x: check("m > 3"),
    "syntax": lambda x: check("n >"),
    "shape": lambda x: np.concatenate([x[:3].reshape(1, -1), x]),
}
"""What raises an error of ours in a trace with an `x` of one axis."""


# --------------------------------------------------------------------------- how it is caught


class Swallows:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> bool:
        return True


def by_except(f: Any, x: Any) -> Any:
    try:
        x = f(x)
    except Exception:
        x = x * 2
    return x


def by_its_type(f: Any, x: Any) -> Any:
    try:
        return f(x)
    except ShapeproofError as error:
        assert error
        return x * 2


def by_finally(f: Any, x: Any) -> Any:
    try:
        x = f(x)
    finally:
        return x  # noqa: B012


def by_suppress(f: Any, x: Any) -> Any:
    with contextlib.suppress(Exception):
        x = f(x)
    return x


def by_context(f: Any, x: Any) -> Any:
    with Swallows():
        return f(x)
    return x


def in_a_helper(f: Any, x: Any) -> Any:
    def attempt() -> Any:
        return by_except(f, x)

    return attempt() if attempt() is not None else x


def in_a_generator(f: Any, x: Any) -> Any:
    def values() -> Iterator[Any]:
        try:
            yield f(x)
        except BaseException:
            yield x

    return next(values())


def and_again(f: Any, x: Any) -> Any:
    try:
        try:
            return f(x)
        except Exception as error:
            raise ValueError("no") from error
    except ValueError:
        return x


def in_a_test(f: Any, x: Any) -> Any:
    result = unittest.TestResult()
    unittest.FunctionTestCase(lambda: f(x)).run(result)
    return x * 2 if result.errors else x


WAYS = (
    by_except, by_its_type, by_finally, by_suppress, by_context, in_a_helper, in_a_generator,
    and_again, in_a_test,
)  # fmt: skip


def by_value_error(f: Any, x: Any) -> Any:
    try:
        return f(x)
    except ValueError:
        return x


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_the_trace_cannot_be_caught(name: str, way: Callable[..., Any]) -> None:
    # (From Python 3.12 on a test is timed, which is refused first.)
    is_timed = way is in_a_test and sys.version_info >= (3, 12)
    said = "perf_counter may answer otherwise" if is_timed else "caught an error of the trace"
    with pytest.raises(TraceError, match=said) as caught:
        trace(lambda x: way(ERRORS[name], x), ("n",))
    if is_timed:
        return
    assert f"\n    at {os.path.basename(__file__)}:" in str(caught.value)
    cause = caught.value.__cause__
    assert isinstance(cause, ShapeproofError)
    assert "u0" not in str(caught.value)


@pytest.mark.parametrize("name", ERRORS)
def test_without_being_caught_it_is_what_it_was(name: str) -> None:
    with pytest.raises(ShapeproofError) as caught:
        trace(lambda x: ERRORS[name](x), ("n",))
    assert "caught an error" not in str(caught.value)


def test_numpy_says_in_its_own_words_that_it_met_one() -> None:
    """Its ValueError is refused like the error of ours that caused it."""

    def writes(x: Any) -> Any:
        table = np.zeros(3)
        table[0] = x[0]
        return table

    with pytest.raises(TraceError, match=r"np\.zeros_like\(x\)") as caught:
        trace(writes, ("n",))
    assert str(caught.value).endswith("table[0] = x[0]")
    for way in (by_value_error, by_except, by_finally, by_suppress, in_a_generator):
        with pytest.raises(TraceError, match="caught an error of the trace"):
            trace(lambda x, way=way: way(writes, x), ("n",))


# --------------------------------------------------------------------------- what is not refused


def ends_a_loop(x: Any) -> Any:
    rows = iter([x, x + 1])
    total = 0.0
    while True:
        try:
            total = total + next(rows)
        except StopIteration:
            return total


def asks_for_a_key(x: Any) -> Any:
    try:
        return x * {"a": 2.0}["b"]
    except KeyError:
        return x * 3.0


def catches_its_own_check(x: Any) -> Any:
    try:
        check(np.array([True, False]), "of a constant")
    except asserts.RuntimeAssertionError:
        return x + 1
    return x


def catches_what_another_program_refuses(x: Any) -> Any:
    try:
        ANOTHER(np.ones((2, 2)))
    except asserts.InputError:
        return x + 1
    return x


ANOTHER = trace(lambda x: x + 1, (3,))


def asks_for_an_attribute(x: Any) -> Any:
    return x if getattr(x, "device_of", None) is None else x * 2


def logs_a_number(x: Any) -> Any:
    """`logging` itself catches what its formatting raises, and says so."""
    record = logging.LogRecord("test", 0, __file__, 1, "%d rows", (x.shape[0],), None)
    logging.StreamHandler(io.StringIO()).handle(record)
    return x + 1


@pytest.mark.parametrize(
    "function",
    [ends_a_loop, asks_for_a_key, catches_its_own_check, catches_what_another_program_refuses,
     asks_for_an_attribute, logs_a_number],
)  # fmt: skip
def test_errors_of_the_function_itself_are_its_own(function: Callable[..., Any]) -> None:
    program = trace(function, Spec((Dim("n", min=1),)))
    x = np.arange(3.0)
    assert np.array_equal(program(x), function(x))


def test_an_operation_that_may_fail_is_asserted_in_a_try() -> None:
    def function(x: Any) -> Any:
        try:
            return x.reshape(2, 3)
        except ValueError:
            return x

    checked = asserts.insert(trace(function, ("n",))).graph_module
    assert checked(np.ones(6)).shape == (2, 3)
    with pytest.raises(asserts.RuntimeAssertionError, match="n == 6"):
        checked(np.ones(5))


def test_errors_of_an_inner_trace_belong_to_the_outer_function_too() -> None:
    def function(x: Any) -> Any:
        try:
            trace(lambda y: y.tolist(), (2,))
        except Exception:
            return x
        return x + 1

    with pytest.raises(TraceError, match="caught an error of the trace"):
        trace(function, ("n",))


def test_what_is_heard_ends_with_the_block() -> None:
    with heard() as outer:
        with heard() as inner:
            one = TraceError("one")
        two = TraceError("two")
    three = TraceError("three")
    assert inner == [one]
    assert outer == [one, two]
    assert three not in outer
