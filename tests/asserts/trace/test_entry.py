"""What a program demands of its inputs before it runs: every fact on entry rests on it."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import load, save
from asserts.errors import InputError, TraceError
from asserts.graph.module import GraphModule
from asserts.trace import Spec, trace

NATIVE = [np.dtype(code) for code in "?bBhHiIqQefdgFD"]
DTYPES = [*NATIVE, *(d.newbyteorder() for d in NATIVE if d.itemsize > 1)]


def identity(x: Any) -> Any:
    return x + x


@pytest.mark.parametrize("wanted", DTYPES, ids=str)
def test_no_dtype_but_the_specified_one_is_accepted(wanted: np.dtype[Any]) -> None:
    inserted = asserts.insert(trace(identity, Spec(("n",), wanted))).graph_module
    programs = [inserted, load(save(inserted))]
    for given in DTYPES:
        x = np.ones(2).astype(given)
        for program in programs:
            if given == wanted:
                assert np.asarray(program(x)).dtype == identity(x).dtype
                continue
            with pytest.raises(InputError, match="input 'x' must be of dtype"):
                program(x)


def test_a_byte_order_is_named() -> None:
    program = trace(identity, ("n",))
    with pytest.raises(InputError, match="float64 of the other byte order"):
        program(np.ones(2).astype(np.dtype("d").newbyteorder()))


class Rows(np.ndarray):  # type: ignore[type-arg]
    """An array with other operations."""

    def __add__(self, other: Any) -> Any:
        return "something else"


def test_arrays_of_other_meaning() -> None:
    program = trace(lambda x: x * x, ("n", "n"))
    masked = np.ma.masked_array(np.ones((2, 2)), mask=np.eye(2))
    for other in (masked, np.ones((2, 2)).view(Rows)):
        with pytest.raises(InputError, match="operations may mean something else"):
            program(other)
    for no_array in ([[1.0]], 1.0, None, "text", object()):
        with pytest.raises(InputError, match="must be an array"):
            program(no_array)


def test_ranks() -> None:
    scalar = trace(identity, Spec((), "int8"))
    assert scalar(np.int8(3)) == 6
    assert scalar(np.array(3, np.int8)) == 6
    for other in (np.ones(1, np.int8), np.ones((1, 1), np.int8)):
        with pytest.raises(InputError, match="must have 0 axes"):
            scalar(other)
    with pytest.raises(InputError, match="must be of dtype int8"):
        scalar(np.int64(3))
    with pytest.raises(InputError, match="must have 1 axes"):
        trace(identity, ("n",))(np.float64(1.0))


class Colour(enum.IntEnum):
    RED = 3


class Index:
    def __index__(self) -> int:
        return 3


def cubed(k: Any) -> Any:
    return k * k * k


@pytest.mark.parametrize(
    "given",
    [3, np.int8(3), np.uint64(3), np.int64(3), np.array(3), np.array(3, np.uint8), Colour.RED,
     Index()],
)  # fmt: skip
def test_exact_integers_are_taken_exactly(given: Any) -> None:
    program = trace(cubed, k=Spec.int())
    found = program(given)
    assert found == 27
    assert type(found) is int


def test_integers_of_numpy_do_not_wrap() -> None:
    program = asserts.insert(trace(cubed, k=Spec.int())).graph_module
    for k in (np.int8(100), np.int64(2**40), np.uint64(2**63 + 1)):
        assert program(k) == int(k) ** 3


@pytest.mark.parametrize(
    "given",
    [True, np.True_, np.array(True), 3.0, np.float64(3.0), np.array(3.0), np.ones(3, int),
     np.ones(1, int), np.ones((1, 1), int), [3], "3", None, 3j],
)  # fmt: skip
def test_what_is_no_integer_is_refused(given: Any) -> None:
    program = trace(cubed, k=Spec.int())
    with pytest.raises(InputError, match="input 'k' must be an integer"):
        program(given)


def test_a_range_of_an_integer_is_checked() -> None:
    program = asserts.insert(trace(cubed, k=Spec.int(min=-2, max=5))).graph_module
    for k in (-2, 5, np.int8(0)):
        assert program(k) == int(k) ** 3
    for k in (-3, 6, np.int64(2**62)):
        with pytest.raises(asserts.RuntimeAssertionError):
            program(k)


def nested(dtype: str) -> GraphModule:
    inner = trace(lambda x, k: x[:k], x=Spec(("n",), "int8"), k=Spec.int())
    return trace(lambda y, j: inner(y, j), y=Spec(("m",), dtype), j=Spec.int())


def test_a_nested_program_demands_the_same() -> None:
    assert nested("int8")(np.ones(4, np.int8), 2).shape == (2,)
    with pytest.raises(InputError, match="must be of dtype int8"):
        nested("int64")
    inner = trace(lambda k: k + 1, k=Spec.int())
    with pytest.raises(InputError, match="must be an integer"):
        trace(lambda y: inner(True) + y, y=("n",))


def test_what_is_proved_from_a_dtype_holds() -> None:
    def small(x: Any) -> Any:
        v = int(x[0])
        asserts.check(v <= 127, "small")
        return v

    program = asserts.insert(trace(small, Spec(("n",), "int8"))).graph_module
    assert program(np.array([127], np.int8)) == 127
    with pytest.raises(InputError):
        program(np.array([1000]))


def test_dtypes_that_are_no_numbers() -> None:
    for dtype in ("object", "U3", "datetime64[s]", "V4"):
        with pytest.raises(TraceError):
            Spec(("n",), dtype)
