"""`numpy.delete` and `numpy.insert` with places of every kind: the program with its asserts
accepts what the function accepts, and computes what it computes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

import asserts
from asserts.errors import TraceError
from asserts.trace import Spec, trace
from shapes.tensors import ShapeError
from tests.asserts.tracing_help import agree, same

RAISED: Final = (ValueError, IndexError, TypeError, AttributeError)
MATRIX: Final = Spec(("n", "m"), "int8")
ROW: Final = Spec(("n",), "int8")
PLACE: Final = Spec.int("k")

PLACES: Final[list[Any]] = [
    0, -1, -3, np.int64(1), np.array(2), [1], [-1], [0, 1], [1, 0, 1], [0, -1], [1, -2, 0, -1],
    [-1, -2, -1], [], np.array([], int), slice(None), slice(1, None), slice(1, -1),
    slice(None, None, 2), slice(-2, None, -2), slice(1, 2), [True, False, True],
    np.array([False, True]), (0, 2), True, [0.5], [[0]], np.array([0, 1], np.uint8),
]  # fmt: skip
VALUES: Final[list[Any]] = [7, [7], [1, 2], [[1], [2]], [[1, 2, 3]], 2.5]
OF_SIZES: Final[dict[str, Callable[[Any, int], Any]]] = {
    "size": lambda x, k: k,
    "list": lambda x, k: [k],
    "two": lambda x, k: [0, k],
    "three": lambda x, k: [k, -1, k + 1],
    "stop": lambda x, k: slice(None, k),
    "start": lambda x, k: slice(k, None),
    "step": lambda x, k: slice(None, None, k),
    "last": lambda x, k: x.shape[0] - 1,
    "end": lambda x, k: x.shape[0],
    "array": lambda x, k: x,
}


def accepted(function: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[bool, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return True, function(*inputs)
        except (asserts.RuntimeAssertionError, *RAISED) as error:
            return False, error


def compare(function: Callable[..., Any], spec: Spec, places: tuple[int, ...] = ()) -> bool:
    """Run both on all small inputs; whether the function was traced."""
    try:
        program = trace(function, *([spec, PLACE] if places else [spec]))
    except TraceError:
        return False
    except (ValueError, IndexError, ShapeError):
        program = None
    checked = None if program is None else asserts.insert(program).graph_module
    for n in range(4):
        for m in range(4 if spec is MATRIX else 1):
            shape = (n, m) if spec is MATRIX else (n,)
            x = np.arange(np.prod(shape), dtype=np.int8).reshape(shape)
            for k in places or (0,):
                inputs = (x, k) if places else (x,)
                fits, expected = accepted(function, inputs)
                if checked is None or program is None:
                    assert not fits, (inputs, expected)
                    continue
                runs, found = accepted(checked, inputs)
                assert runs == fits, (inputs, expected, found)
                if fits:
                    assert same(expected, found), (inputs, expected, found)
                    agree(program, function, *inputs)
                else:
                    assert isinstance(found, asserts.RuntimeAssertionError), (inputs, found)
    return True


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("at", PLACES, ids=repr)
def test_rows_are_removed_at_constant_places(at: Any, axis: Any) -> None:
    for spec in (ROW, MATRIX):
        compare(lambda x: np.delete(x, at, axis=axis), spec)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("at", PLACES, ids=repr)
def test_rows_are_put_in_at_constant_places(at: Any, axis: Any) -> None:
    for value in VALUES:
        for spec in (ROW, MATRIX):
            compare(lambda x, v=value: np.insert(x, at, v, axis=axis), spec)


@pytest.mark.parametrize("at", OF_SIZES)
def test_places_may_be_sizes(at: str) -> None:
    place = OF_SIZES[at]
    for spec in (ROW, MATRIX):
        removed = compare(lambda x, k: np.delete(x, place(x, k), axis=0), spec, (-3, -1, 0, 2))
        assert removed == (at != "array"), at
        compare(lambda x, k: np.insert(x, place(x, k), 7, axis=0), spec, (-3, -1, 0, 2))
        compare(lambda x, k: np.insert(x, place(x, k), [1, 2], axis=0), spec, (-3, 0, 2))


def test_what_is_supported_is_not_refused() -> None:
    for at in (0, -1, [0, 1], slice(1, None), np.array([True, False])):
        assert compare(lambda x, at=at: np.delete(x, at), ROW)
        assert compare(lambda x, at=at: np.insert(x, at, 7), ROW)


def test_many_places_are_counted_from_one_end() -> None:
    program = trace(lambda x: np.delete(x, range(100)), ROW)
    *_, output = program.graph.nodes
    assert str(output.meta["val"].shape[0]) == "n - 100"
    with pytest.raises(TraceError, match="count all of them from one end"):
        trace(lambda x: np.delete(x, [*range(20), *range(-20, 0)]), ROW)
