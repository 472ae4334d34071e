"""Python's arithmetic of sizes and elements: where it raises or changes its type, a graph must not
go on with what C computes."""

from __future__ import annotations

import itertools
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import load, save
from asserts.errors import TraceError
from asserts.trace import Spec, trace
from tests.asserts.behaviour import same_value

INTEGERS = (-10**400, -3, -2, -1, 0, 1, 2, 3, 2**53 + 1, 10**20, 10**400)
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, -2.5, 3.0, 1e300, -1e300, 1e-320, math.nan, math.inf,
          -math.inf, 2.0**53)  # fmt: skip

Formula = Callable[[int, float], Any]

POWERS: dict[str, Formula] = {
    "root": lambda k, f: k**0.5,
    "root_of_a_float": lambda k, f: f**0.5,
    "inverse_root": lambda k, f: k**-0.5,
    "inverse_root_of_a_float": lambda k, f: f**-0.5,
    "square": lambda k, f: f**2,
    "cube": lambda k, f: f**3.0,
    "inverse": lambda k, f: f**-1,
    "inverse_of_an_integer": lambda k, f: k**-1.0,
    "power_of_a_float": lambda k, f: f**k,
    "float_power": lambda k, f: k**f,
    "both": lambda k, f: f**f,
    "of_two": lambda k, f: 2.0**k,
    "of_nought": lambda k, f: 0.0**k,
    "of_minus_two": lambda k, f: (-2.0) ** f,
    "of_an_integer": lambda k, f: 2**f,
    "large": lambda k, f: k**17.0,
    "by_name": lambda k, f: pow(f, 2),
    "in_place": lambda k, f: _in_place(f),
    "unused": lambda k, f: (f**-0.5, f)[1],
    "cancelled": lambda k, f: f**-0.5 * 0.0 + k,
}


def _in_place(f: Any) -> Any:
    f **= -0.5
    return f


def outcome(function: Callable[..., Any], *inputs: Any) -> Any:
    try:
        return function(*inputs)
    except (ArithmeticError, ValueError, asserts.RuntimeAssertionError):
        return None


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if a is None or math.isnan(a):
        return a is None or math.isnan(b)
    return np.float64(a).tobytes() == np.float64(b).tobytes()


@pytest.mark.parametrize("name", POWERS)
def test_a_power_has_a_value_where_python_has_a_real_one(name: str) -> None:
    def function(x: Any, k: Any) -> Any:
        return POWERS[name](k, float(x[0]))

    checked = asserts.insert(trace(function, Spec((1,)), Spec.int("k"))).graph_module
    smaller = asserts.minimise(checked).graph_module
    again = load(save(checked))
    accepted = 0
    for f, k in itertools.product(FLOATS, INTEGERS):
        expected = outcome(function, np.array([f]), k)
        is_complex = name in ("unused", "cancelled") and f < 0 and math.isfinite(f)
        if is_complex or isinstance(expected, complex):
            expected = None
        for graph in (checked, smaller, again):
            found = outcome(graph, np.array([f]), k)
            assert same(found, expected), (f, k, expected, found)
        accepted += expected is not None
    assert accepted


@pytest.mark.parametrize(
    ("formula", "needs"),
    [
        (lambda n: n**0.5, set()),
        (lambda n: n**-0.5, {"n != 0"}),
        (lambda n: (n + 1) ** -0.5, set()),
        (lambda n: n**1.5, set()),
        (lambda n: 1.0 / (n + 1) ** 0.5, set()),
        (lambda n: n / 3, set()),
        (lambda n: int(n * 0.7), set()),
        (lambda n: math.ceil(n / 3), set()),
        (lambda n: float(n * n), set()),
    ],
)
def test_a_size_needs_no_more_than_it_must(formula: Any, needs: set[str]) -> None:
    """That a size is less than the largest double need not be said."""
    report = asserts.insert(trace(lambda x: x * formula(x.shape[0]), ("n",))).report
    assert {row.condition for row in report.rows if str(row.outcome) == "inserted"} == needs


def test_an_integer_may_be_larger_than_a_double() -> None:
    report = asserts.insert(trace(lambda k: k / 3, Spec.int("k"))).report
    assert any("(k) <= 5393" in row.condition for row in report.rows)


# --------------------------------------------------------------------------- types


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, n, f: max(0, f),
        lambda x, n, f: min(f, n),
        lambda x, n, f: max(n, 0.5),
        lambda x, n, f: max([n, 1, f]),
        lambda x, n, f: max(n > 2, 0),
        lambda x, n, f: min(n, True),
    ],
)
def test_the_larger_of_two_types_is_of_either(formula: Any) -> None:
    """``x * max(0, f)`` of integers is an array of integers or of floats."""
    with pytest.raises(TraceError, match="returns one of them"):
        trace(lambda x: x * formula(x, x.shape[0], float(x[:1].sum())), Spec(("n",), "int64"))


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, n, f: max(0.0, f),
        lambda x, n, f: min(f, float(n)),
        lambda x, n, f: max(n, 2, np.int64(3)),
        lambda x, n, f: min([n, 1]),
        lambda x, n, f: max(n > 2, True),
        lambda x, n, f: -(n > 2),
        lambda x, n, f: -(n > 2) * n,
    ],
)
def test_those_of_one_type_are_computed(formula: Any) -> None:
    def function(x: Any) -> Any:
        return x, formula(x, x.shape[0], float(x[:1].sum()))

    program = trace(function, Spec(("n",), "int64"))
    for size in range(5):
        x = np.arange(size) - 1
        found, expected = program(x)[1], function(x)[1]
        assert found == expected
        assert isinstance(found, bool) == isinstance(expected, bool)
        assert isinstance(found, float) == isinstance(expected, float)


def test_the_inverse_of_a_truth_value_is_a_number() -> None:
    """``~True`` is -2, so a check of it holds always."""
    with pytest.raises(TraceError, match=r"~ of the truth value `n >= 3`.*-2"):
        trace(lambda x: (asserts.check(~(x.shape[0] > 2)), x)[1], ("n",))
    inverted = trace(lambda x: (~(x > 2), ~(x[0] > 2)), Spec((3,)))
    assert not inverted(np.array([3.0, 1.0, 1.0]))[1]


# --------------------------------------------------------------------------- numbers of numpy's

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "divmod": divmod,
}  # fmt: skip
SCALARS = (np.int8(3), np.int32(2), np.uint8(7), np.uint64(5), np.int64(3), np.float16(0.1),
           np.float32(0.1), np.float64(0.1), np.bool_(True))  # fmt: skip


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda scalar: type(scalar).__name__)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_a_number_of_numpy_gives_its_dtype_to_the_result(name: str, scalar: Any) -> None:
    """``np.float32(0.1) * n`` is rounded to a float32, and ``x * (np.sqrt(2) / n)`` is an array of
    doubles."""

    def function(x: Any) -> Any:
        n, f, op = x.shape[0], float(x[:1].sum()), ARITHMETIC[name]
        found = [op(scalar, f), op(f, scalar)]
        if not isinstance(scalar, np.int64):  # (beside an integer it is one)
            found += [op(scalar, n), op(n, scalar)]
        return found, x * found[-1] if name != "divmod" else x

    if name == "-" and isinstance(scalar, np.bool_):
        return
    if name == "**" and isinstance(scalar, np.inexact):
        with pytest.raises(TraceError, match=r"by other means than np\.power"):
            trace(function, Spec(("n",), "float32"))
        return
    program = asserts.insert(trace(function, Spec(("n",), "float32"))).graph_module
    for size in (1, 3, 200):
        x = np.full(size, 0.7, "float32")
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert same_value(*(outcome(one, x) for one in (function, program)))


def test_a_number_of_numpy_is_compared_exactly() -> None:
    program = trace(lambda x: (x.shape[0] > np.int8(3), np.float32(2.5) < x.shape[0]), ("n",))
    assert program(np.ones(300)) == (True, True)
    assert not program.graph.find_nodes(op="call_function", target=np.greater)
