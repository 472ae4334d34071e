"""Arithmetic on sizes raises where it has no value, whether its result is used or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

import asserts
from asserts.errors import TraceError
from asserts.trace import Spec, trace
from shapes import Implies, Or
from shapes.errors import DataDependentError
from shapes.tensors import ShapeError


def _nothing(compute: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """A program that computes something of its size and its first element for nothing."""

    def function(x: Any) -> Any:
        compute(x.shape[0], x)
        return x

    return function


UNUSED: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "quotient": lambda n, x: 1 // n,
    "remainder": lambda n, x: 12 % n,
    "of a difference": lambda n, x: 12 % (n - 2),
    "constant result": lambda n, x: (n + n) // n,
    "pair": lambda n, x: divmod(7, n - 2),
    "reflected pair": lambda n, x: divmod(n, 3 - n),
    "left shift": lambda n, x: 1 << (n - 2),
    "right shift": lambda n, x: n >> (n - 2),
    "true quotient": lambda n, x: 1 / (n - 2),
    "quotient of doubles": lambda n, x: 1.5 // (n - 1),
    "remainder of doubles": lambda n, x: 1.5 % (n - 1),
    "integer of a double": lambda n, x: int(x.sum()),
    "rounded double": lambda n, x: round(float(x.sum())),
    "floor": lambda n, x: math.floor(float(x.sum())),
    "ceiling": lambda n, x: math.ceil(float(x.sum())),
    "root": lambda n, x: math.isqrt(n - 2),
    "item": lambda n, x: [1, 2, 3][n],
    "item of a tuple": lambda n, x: (1, 2, 3)[n - 4],
    "argument": lambda n, x: np.where(n > 0, 12 // n, 0),
    "in a choice": lambda n, x: max(3, 12 // n),
    "in a sum": lambda n, x: 3 + 12 // n - 12 // n,
    "in a check": lambda n, x: asserts.check(12 % n == 0),
    "run-time value": lambda n, x: n // x.argmax(),
}


def _outcome(function: Callable[..., Any], x: Any) -> bool:
    try:
        function(x.copy())
    except (
        asserts.RuntimeAssertionError, ArithmeticError, ValueError, IndexError
    ):  # fmt: skip
        return False
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", UNUSED)
def test_what_raises_is_rejected(name: str) -> None:
    function = _nothing(UNUSED[name])
    try:
        program = trace(function, Spec(("n",)))
    except (DataDependentError, TraceError):
        assert name in ("root", "item", "item of a tuple", "run-time value")
        return
    checked = asserts.insert(program).graph_module
    for n in range(6):
        for value in (1.0, np.nan, -np.inf):
            x = np.full(n, value)
            assert _outcome(checked, x) == _outcome(function, x), (n, value)


def test_the_line_is_named() -> None:
    def program(x: Any) -> Any:
        n = x.shape[0]
        12 % n
        return x

    traced = trace(program, Spec(("n",)))
    (check,) = traced.shape_env.checks  # type: ignore[attr-defined]
    assert check.operation == "arithmetic"
    assert check.location.code == "12 % n"


def test_a_value_that_is_known_to_be_there_needs_no_assert() -> None:
    def program(x: Any) -> Any:
        n = x.shape[0]
        asserts.check(n > 0)
        12 % n
        return x

    (check,) = trace(program, Spec(("n",))).shape_env.checks  # type: ignore[attr-defined]
    assert check.origin == "user"


@pytest.mark.parametrize(
    "compute", [lambda n: n // 0, lambda n: n % (n - n), lambda n: n << -1, lambda n: n**-1]
)
def test_what_never_has_a_value_is_refused(compute: Callable[[Any], Any]) -> None:
    with pytest.raises(ShapeError, match="has no value"):
        trace(_nothing(lambda n, x: compute(n)), Spec(("n",)))


@pytest.mark.parametrize(
    "claim",
    [
        lambda n, k: Or(k == 0, n // k >= 1),
        lambda n, k: Implies(k > 0, n % k == 0),
    ],
)
def test_what_a_condition_guards_need_have_no_value(claim: Any) -> None:
    """Only the condition itself is asserted: a size of 0 is its own to judge."""

    def function(x: Any, flag: Any) -> Any:
        asserts.check(claim(x.shape[0], int(flag)))
        return x + 1

    program = trace(function, x=("n",), flag=Spec((), "int64"))
    checked = asserts.insert(program)
    assert len([row for row in checked.report if row.outcome == "inserted"]) == 1
