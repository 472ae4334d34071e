"""Python's `math` of sizes and numbers: the graph computes what Python does, and raises where it
does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from math import isqrt
from typing import Any, Final

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import load, save
from asserts.errors import TraceError
from asserts.trace import Spec, trace
from asserts.trace.rules.mathematics import MATH
from tests.asserts.tracing_help import agree, same

PROGRAMS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "ceil": lambda n, k: (math.ceil(n / 3), math.floor(k / 3), math.trunc(k / 3), math.ceil(n)),
    "sqrt": lambda n, k: math.sqrt(k),
    "sqrt_float": lambda n, k: math.sqrt(k / 2),
    "sqrt_whole": lambda n, k: np.zeros(int(math.sqrt(n))),
    "log": lambda n, k: (math.log(k), math.log2(k)),
    "log_float": lambda n, k: math.log(k / 2),
    "log_base": lambda n, k: math.log(n + 1, k),
    "bits": lambda n, k: np.zeros(math.ceil(math.log2(n + 1))),
    "isqrt": lambda n, k: (isqrt(k), math.isqrt(k) + isqrt(k)),
    "isqrt_zeros": lambda n, k: np.zeros((isqrt(n), isqrt(n))),
    "gcd": lambda n, k: (math.gcd(n, 6), math.gcd(n, k), math.gcd(k), math.gcd(4, k, n)),
    "lcm": lambda n, k: (math.lcm(n, 6), math.lcm(n, k), math.lcm(k), math.lcm(4, k, n)),
    "prod": lambda n, k: (math.prod([n, 2, k]), math.prod((n, 3), start=k)),
    "comb": lambda n, k: (math.comb(n, 2), math.comb(n, 4), math.comb(n, 0), math.comb(9, n)),
    "comb_of": lambda n, k: math.comb(n, k),
    "comb_few": lambda n, k: math.comb(k, 3),
    "perm": lambda n, k: (math.perm(n, 2), math.perm(n), math.perm(n, n)),
    "factorial": lambda n, k: math.factorial(k),
    "exp": lambda n, k: (math.exp(k), math.exp(k / 3), math.tanh(n), math.sin(k)),
    "pow": lambda n, k: math.pow(k, n),
    "asin": lambda n, k: math.asin(k),
    "hypot": lambda n, k: (math.hypot(n, k), math.atan2(n, k), math.fabs(k), math.fmod(k, 3)),
    "questions": lambda n, k: (math.isnan(n), math.isfinite(k / 2), math.isclose(n, k)),
    "sums": lambda n, k: (math.fsum([n, 0.1, k]), math.dist([n, 1], [k, 2])),
    "plain": lambda n, k: (math.sqrt(2) * n, math.pi + k, math.gcd(4, 6), math.prod([2, 3])),
    "integer_of_float": lambda n, k: math.isqrt(k / 2),
    "of_conditions": lambda n, k: (math.floor(n > k), math.ceil(k > 1), math.trunc(n < 2)),
    "roots_of_conditions": lambda n, k: (math.sqrt(n > k), math.gcd(n > k, 4), math.isqrt(k > 2)),
    "logarithm_outside": lambda n, k: math.log10(k),
}  # fmt: skip
NUMBERS: Final = (-5, -2, -1, 0, 1, 2, 3, 4, 6, 9, 17)
SPECS: Final = (Spec(("n",)), Spec.int("k"))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_graph_computes_what_python_does(name: str) -> None:
    function = PROGRAMS[name]

    def fn(x: Any, k: Any) -> Any:
        return function(x.shape[0], k)

    try:
        program = trace(fn, *SPECS)
    except TypeError:
        with pytest.raises(TypeError):
            function(1, 1)
        return
    checked = asserts.insert(program).graph_module
    again = load(save(program))
    for n, k in itertools.product((0, 1, 2, 3, 4, 8, 9), NUMBERS):
        x = np.zeros(n)
        agree(program, fn, x, k)
        try:
            expected = fn(x, k)
        except (ValueError, ZeroDivisionError, OverflowError):
            with pytest.raises((asserts.RuntimeAssertionError, ValueError, ZeroDivisionError)):
                checked(x, k)
            continue
        assert same(expected, checked(x, k))
        assert same(expected, again(x, k))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (name, arguments)
        for name in ("isqrt", "factorial", "comb", "perm", "sqrt", "log", "log2", "exp", "floor")
        for arguments in (
            lambda k: (), lambda k: (k, 2, 3), lambda k: (k, k, k), lambda k: ([k],),
            *((lambda k: (k, 2), lambda k: (k, k), lambda k: (7, k), lambda k: (k, None))
              if name not in ("comb", "perm", "log") else ()),
        )
    ],
)  # fmt: skip
def test_what_python_takes_no_such_arguments_of(
    name: str, arguments: Callable[[Any], tuple[Any, ...]]
) -> None:
    """Nothing is computed, neither with the trace nor with the graph."""
    for k in NUMBERS:
        with pytest.raises(TypeError):
            getattr(math, name)(*arguments(k))
    try:
        program = trace(lambda k: getattr(math, name)(*arguments(k)), Spec.int("k"))
    except (TypeError, TraceError):
        return
    for k in (1, 2, 9):
        with pytest.raises(TypeError):
            program(k)


def test_domains_are_asserted() -> None:
    for function in (
        lambda k: math.sqrt(k), lambda k: math.log(k), lambda k: isqrt(k),
        lambda k: math.factorial(k),
    ):  # fmt: skip
        program = trace(function, Spec.int("k"))
        checked = asserts.insert(program).graph_module
        with pytest.raises(asserts.RuntimeAssertionError):
            checked(-1)


def test_what_is_known_of_a_root_proves() -> None:
    def tiles(x: Any) -> Any:
        side = math.isqrt(x.shape[0])
        asserts.check(side * side <= x.shape[0])
        asserts.check(x.shape[0] <= side * side + 2 * side)
        return x[: side * side].reshape(side, side)

    program = trace(tiles, Spec(("n",)))
    report = asserts.insert(program).report
    assert report.rows
    assert not report.with_outcome("inserted"), str(report)
    assert program(np.arange(11.0)).shape == (3, 3)


def test_one_call_is_one_symbol() -> None:
    program = trace(lambda x: math.isqrt(x.shape[0]) - math.isqrt(x.shape[0]), Spec(("n",)))
    assert program(np.zeros(3)) == 0
    program = trace(lambda k: (math.hypot(k, 1), math.hypot(k, 1.5)), Spec.int("k"))
    assert program(2) == (math.hypot(2, 1), math.hypot(2, 1.5))


def test_what_is_not_supported_is_refused() -> None:
    with pytest.raises(TraceError, match=r"math\.frexp is not supported"):
        trace(lambda k: math.frexp(k), Spec.int("k"))
    names = {n for n in dir(math) if not n.startswith("_") and callable(getattr(math, n))}
    assert names - set(MATH) == {"frexp", "modf"}
