"""What a traced value has of attributes: what it has when the program runs, or it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from asserts.errors import TraceError
from asserts.trace import Spec, trace
from shapes import Dim, ShapeEnv

VALUES: dict[str, Callable[[Any, Any], Any]] = {
    "size": lambda x, k: x.shape[0],
    "size_of_a_product": lambda x, k: x.size * 2,
    "integer_input": lambda x, k: k,
    "quotient": lambda x, k: x.shape[0] / 2,
    "condition": lambda x, k: x.shape[0] > 3,
    "read_float": lambda x, k: float(x[0]),
    "read_int": lambda x, k: int(x.astype("int64").sum()),
    "element": lambda x, k: x[0],
    "narrow_element": lambda x, k: x.astype("int8")[0],
    "truth_of_an_element": lambda x, k: (x > 1)[0],
    "sum": lambda x, k: x.sum(),
    "array": lambda x, k: x,
    "array_without_axes": lambda x, k: x[0, ...],
    "matrix": lambda x, k: x.reshape(1, -1) + 1,
}
# (`mT` of fewer than two axes is an error of its own.)
KINDS = (int, float, bool, np.float64, np.int8, np.bool_, np.ndarray)
NAMES = sorted({name for kind in KINDS for name in dir(kind) if not name.startswith("_")} - {"mT"})
X = np.arange(1.0, 5.0)


@pytest.mark.parametrize("of", VALUES)
def test_what_is_there_is_what_is_there_when_the_program_runs(of: str) -> None:
    for name in [*NAMES, "device_of", "detach"]:

        def asks(x: Any, k: Any, name: str = name) -> Any:
            return hasattr(VALUES[of](x, k), name)

        expected = hasattr(VALUES[of](X, 3), name)
        try:
            found = trace(asks, Spec((Dim("n", min=1),)), Spec.int("k"))(X, 3)
        except TraceError as error:
            assert expected, (name, error)
            assert f".{name} is not supported" in str(error), error
        else:
            assert found == expected, name


def test_an_attribute_with_a_default_is_not_the_default() -> None:
    def next_power(x: Any) -> Any:
        length = getattr(x.shape[0], "bit_length", None)
        return x if length is None else np.zeros(1 << length())

    with pytest.raises(TraceError, match=r"int\.bit_length is not supported.*`n`"):
        trace(next_power, ("n",))


def test_outside_of_a_trace_there_is_no_such_attribute() -> None:
    n = ShapeEnv().size("n")
    for value in (n, n / 2, n > 3):
        assert not hasattr(value, "bit_length")
        with pytest.raises(AttributeError, match=f"'{type(value).__name__}' object has no"):
            value.real  # noqa: B018


def test_what_is_lacking_is_not_listed() -> None:
    n = ShapeEnv().size("n")
    for value in (n, n / 2, n > 3):
        assert not [name for name in dir(value) if not hasattr(value, name)]
        assert not hasattr(type(value), "bit_length")
