"""Arrays that are not plain ones: other byte orders are kept, other kinds of arrays refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import NumpyCodec
from asserts.errors import TraceError
from asserts.graph.json import from_json, to_json
from asserts.trace import Spec, trace
from tests.asserts.behaviour import same_value

ORDERS = (">i8", "<i8", ">i2", ">u4", ">f4", "<f8", "=i4")

ORDERED: dict[str, Callable[[Any, str], Any]] = {
    "astype": lambda x, d: x.astype(d),
    "zeros": lambda x, d: np.zeros(x.shape, d),
    "full": lambda x, d: np.full(x.shape, 3, dtype=d),
    "ones_like": lambda x, d: np.ones_like(x, dtype=d),
    "arange": lambda x, d: np.arange(x.shape[0] + 2, dtype=d),
    "asarray": lambda x, d: np.asarray(x, dtype=d),
    "array": lambda x, d: np.array(x, dtype=d),
    "eye": lambda x, d: np.eye(x.shape[0], dtype=d),
    "cumsum": lambda x, d: np.cumsum(x, dtype=d),
    "sum": lambda x, d: x.astype(d).sum(),
    "concatenate": lambda x, d: np.concatenate([x, x], dtype=d, casting="unsafe"),
    "slice": lambda x, d: x.astype(d)[1:],
    "sort": lambda x, d: np.sort(x.astype(d)),
    "plus": lambda x, d: x.astype(d) + 1,
    "back": lambda x, d: x.astype(d).astype("int64"),
}


@pytest.mark.parametrize("dtype", ORDERS)
@pytest.mark.parametrize("name", ORDERED)
def test_the_order_of_bytes_is_kept(name: str, dtype: str) -> None:
    def function(x: Any) -> Any:
        return ORDERED[name](x, dtype)

    try:
        program = trace(function, Spec(("n",), "int64"))
    except (TraceError, TypeError):
        return  # (numpy itself refuses some of them)
    checked = asserts.insert(program).graph_module
    saved = from_json(to_json(checked, NumpyCodec()), NumpyCodec())
    for size in (0, 1, 3):
        x = np.arange(size) - 1
        with np.errstate(all="ignore"):
            for run in (checked, saved):
                assert same_value(run(x), function(x)), (run(x), function(x))


class Other(np.ndarray):
    """An array whose operations may mean anything."""


MASKED = np.ma.array([1, 2, 0], mask=[False, True, False])
KINDS = {
    "masked": MASKED,
    "masked constant": np.ma.masked,
    "matrix": np.array([[1, 2, 0]]).view(np.matrix),
    "record": np.rec.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")]),
    "other": np.arange(3).view(Other),
}
USES: dict[str, Callable[[Any, Any], Any]] = {
    "plus": lambda x, m: x[:1] + m,
    "reflected": lambda x, m: m * x[:1],
    "concatenate": lambda x, m: np.concatenate([x, m.ravel()]),
    "where": lambda x, m: np.where(m > 1, x[:1], 0),
    "index": lambda x, m: x[m],
    "take": lambda x, m: np.take(x, m),
    "stack": lambda x, m: np.stack([x[:3], m.ravel()]),
    "assigned": lambda x, m: (y := x.copy(), y.__setitem__(slice(0, 3), m), y)[2],
    "dot": lambda x, m: np.dot(m, x[:3]),
    "maximum": lambda x, m: np.maximum(x[:1], m),
    "returned": lambda x, m: (x, m),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", USES)
def test_arrays_of_other_kinds_are_refused(name: str, kind: str) -> None:
    refusals = (TraceError, TypeError, ValueError, IndexError, PendingDeprecationWarning)
    with pytest.raises(refusals):
        trace(lambda x: USES[name](x, KINDS[kind]), Spec(("n",), "int64"))


def test_the_kind_is_named() -> None:
    with pytest.raises(TraceError, match=r"np\.add.* is a MaskedArray.*np\.asarray"):
        trace(lambda x: x[:1] + MASKED, Spec(("n",), "int64"))


def test_of_a_memory_map_the_elements_count(tmp_path: Any) -> None:
    table = np.memmap(tmp_path / "table", "int64", "w+", shape=(3,))
    table[:] = 7

    run = asserts.insert(trace(lambda x: x[:1] + table, Spec(("n",), "int64"))).graph_module

    assert same_value(run(np.ones(1, np.int64)), np.full(3, 8))


def test_what_computes_two_conditions_goes_once() -> None:
    program = trace(lambda x: round(float(x[0])), Spec(("n",), "int64"))
    everything = asserts.insert(program, policy="keep-all").graph_module

    fewer = asserts.minimise(everything, policy="strict").graph_module

    for value in (0, -3, 7):
        assert fewer(np.array([value])) == value
