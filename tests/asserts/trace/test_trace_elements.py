"""What a trace knows of values: totals of arrays, bounds of their elements, constants.

Numpy itself is the judge: every element that it computes lies within the bounds that the
tracer states, and two symbols that are one have the same value.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asserts
from asserts.errors import TraceError
from asserts.trace import Spec, trace
from asserts.trace.symarray import SymArray
from shapes import Dim
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from tests.asserts.tracing_help import agree, run_with_values

# --------------------------------------------------------------------------- totals

TOTALS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda a: int(a.sum()),
    "sum_of_copy": lambda a: int(np.sum(a.copy())),
    "sum_of_cast": lambda a: int(a.astype(np.int64).sum()),
    "sum_axis": lambda a: int(np.add.reduce(a)),
    "nonzero": lambda a: np.nonzero(a)[0].shape[0],
    "flatnonzero": lambda a: np.flatnonzero(a).shape[0],
    "argwhere": lambda a: np.argwhere(a).shape[0],
    "extract": lambda a: np.extract(a, a).shape[0],
    "compress": lambda a: np.compress(a, a).shape[0],
    "compress_method": lambda a: a.compress(a).shape[0],
    "count_nonzero": lambda a: np.count_nonzero(a),
    "count_of_truth": lambda a: int((a != 0).sum()),
    "count_of_cast": lambda a: int(a.astype(bool).sum()),
    "mask": lambda a: a[a.astype(bool)].shape[0],
    "repeat": lambda a: np.repeat(np.arange(a.shape[0]), a).shape[0],
    "repeat_copy": lambda a: np.repeat(a, a.copy()).shape[0],
}


@pytest.mark.parametrize("dtype", ["int64", "int8", "bool", "uint8"])
@pytest.mark.parametrize("names", list(itertools.permutations(TOTALS, 2)))
def test_totals_are_one_quantity_only_if_they_are(names: tuple[str, str], dtype: str) -> None:
    def both(a: Any) -> Any:
        return tuple(TOTALS[name](a) for name in names)

    program = trace(both, Spec(("n",), dtype))
    for values in ([2, 3, 0], [1, 1], [0, 0, 0], []):
        agree(program, both, np.array(values, dtype))


def test_an_array_changed_in_place_has_other_totals() -> None:
    def changed(a: Any) -> Any:
        b = a.copy()
        first = int(b.sum())
        b[0] = 7
        second = int(b.sum())
        kept = b.copy()
        b += 1
        c = b.copy()
        return first, second, int(b.sum()), np.nonzero(kept)[0].shape[0], np.nonzero(c)[0]

    program = trace(changed, Spec(("n",), "int64"))
    agree(program, changed, np.array([2, 3, 0, -1]))


def test_a_claim_on_two_totals_is_not_lost() -> None:
    def claims(a: Any) -> Any:
        asserts.check(np.nonzero(a)[0].shape[0] == int(a.sum()), "ones only")
        return a

    checked = asserts.insert(trace(claims, Spec(("n",), "int64"))).graph_module
    assert checked(np.array([1, 0, 1])).tolist() == [1, 0, 1]
    with pytest.raises(asserts.RuntimeAssertionError, match="ones only"):
        checked(np.array([2, 0]))


# --------------------------------------------------------------------------- constants


def test_a_constant_array_that_the_program_changes_is_another_constant() -> None:
    def filled(x: Any) -> Any:
        table = np.zeros(3)
        first = x + table
        table[1] = 5
        second = x + table
        table[1] = 0
        return first, second, x + table

    program = trace(filled, (3,))
    agree(program, filled, np.arange(3.0))


def test_the_bounds_of_a_changed_constant_array() -> None:
    def read(i: Any) -> Any:
        table = np.zeros(3, dtype=int)
        first = int(np.take(table, i))
        table[:] = 9
        return first, int(np.take(table, i))

    program = trace(read, Spec((), "int64"))
    agree(program, read, np.array(1))


# --------------------------------------------------------------------------- elements

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
ENDS = sorted({end + d for t in INTEGERS for end in
               (int(np.iinfo(t).min), int(np.iinfo(t).max)) for d in (-1, 0, 1)} | {0, 1, 5})  # fmt: skip


def ends_of(dtype: str) -> list[int]:
    info = np.iinfo(dtype)
    return [v for v in ENDS if info.min <= v <= info.max]


def known(array: Any, dtype: Any) -> Any:
    """The values of an input as an array whose bounds the tracer knows: all but its ends."""
    info = np.iinfo(dtype)
    return np.clip(array, int(info.min) // 2, int(info.max) // 2)


CONVERSIONS: dict[str, Callable[[Any, Any], Any]] = {
    "astype": lambda x, d: x.astype(d),
    "astype_twice": lambda x, d: x.astype(d).astype(np.int64),
    "concatenate": lambda x, d: np.concatenate([x, x], dtype=d, casting="unsafe"),
    "concatenate_same_kind": lambda x, d: np.concatenate([x, x], dtype=d),
    "concatenate_mixed": lambda x, d: np.concatenate([x, x.astype(d)]),
    "stack": lambda x, d: np.stack([x, x.astype(d)]),
    "where": lambda x, d: np.where(x > 1, x, x.astype(d)),
    "clip": lambda x, d: np.clip(x, 0, 100).astype(d),
    "clip_dtype": lambda x, d: np.clip(x, 0, 300, dtype=d),
    "clip_ends": lambda x, d: np.clip(x, x.astype(d), x.astype(d)),
    "maximum": lambda x, d: np.maximum(x, x.astype(d)),
    "minimum": lambda x, d: np.minimum(x.astype(d), x),
    "maximum_dtype": lambda x, d: np.maximum(x, 5, dtype=d, casting="unsafe"),
    "minimum_dtype": lambda x, d: np.minimum(x, 5, dtype=d, casting="unsafe"),
    "maximum_number": lambda x, d: np.maximum(x, 100),
    "sum": lambda x, d: x.sum(dtype=d),
    "prod": lambda x, d: x.prod(dtype=d),
    "cumsum": lambda x, d: np.cumsum(x, dtype=d),
    "cumprod": lambda x, d: x.cumprod(dtype=d),
    "add": lambda x, d: np.add(x, x, dtype=d, casting="unsafe"),
    "reduce": lambda x, d: np.add.reduce(x, dtype=d),
    "subtract": lambda x, d: x - x.max(),
    "diff": lambda x, d: np.diff(x),
    "negative": lambda x, d: -x,
    "abs": lambda x, d: np.abs(x),
    "shift": lambda x, d: x << 3,
    "shift_right": lambda x, d: x >> 1,
    "divide": lambda x, d: x // -1 if x.dtype.kind == "i" else x // 2,
    "power": lambda x, d: x**2,
    "invert": lambda x, d: ~x,
    "full": lambda x, d: np.full(2, x.max(), dtype=d),
    "full_like": lambda x, d: np.full_like(x, 7, dtype=d),
    "zeros_like": lambda x, d: np.zeros_like(x, dtype=d),
    "repeat": lambda x, d: np.repeat(x, 2).astype(d),
    "sort": lambda x, d: np.sort(x).astype(d),
    "mask": lambda x, d: (x > 3).astype(d),
    "mask_sum": lambda x, d: (x > 3).sum(dtype=d),
    "mask_cumsum": lambda x, d: (x > 3).cumsum(dtype=d),
    "argsort": lambda x, d: np.argsort(x).astype(d),
    "index": lambda x, d: np.arange(x.shape[0] + 300).astype(d)[-3:],
    "arange": lambda x, d: np.arange(x.shape[0], dtype=d),
    "array": lambda x, d: np.array(x, dtype=d),
    "asarray": lambda x, d: np.asarray(np.arange(x.shape[0] + 300), dtype=d)[-3:],
    "roll": lambda x, d: np.roll(x.astype(d), 1),
    "pad": lambda x, d: np.pad(x.astype(d), 1),
    "unique": lambda x, d: np.unique(x.astype(d)),
    "in_place": lambda x, d: _added(x.astype(d), x),
    "assigned": lambda x, d: _assigned(x.astype(d), x),
}  # fmt: skip


def _added(x: Any, other: Any) -> Any:
    x += other.astype(x.dtype)
    return x


def _assigned(x: Any, other: Any) -> Any:
    y = np.zeros(x.shape, dtype=x.dtype)
    y[:] = other
    return y


def bounds_hold(function: Callable[[Any], Any], dtype: str, values: list[int]) -> None:
    """Trace; every element that numpy computes lies within the bounds of the traced array,
    which are evaluated with the program's own symbols."""
    found: list[SymArray] = []

    def kept(x: Any) -> Any:
        result = function(x)
        found.append(result)
        return result

    try:
        program = trace(kept, Spec((Dim("n", max=400),), dtype))
    except (TraceError, TypeError, OverflowError):
        return
    array = np.array(values, dtype)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = np.asarray(function(array))
        except (TypeError, OverflowError, ValueError):
            return
        result, symbols = run_with_values(program, [array])
    assert np.array_equal(expected, result)
    assert expected.dtype == result.dtype
    lower, upper = found[0]._elements
    for bound, holds in ((lower, np.greater_equal), (upper, np.less_equal)):
        if bound is not None and all(s in symbols for s in free_symbols(bound)):
            end = evaluate(bound, symbols)
            assert all(holds(int(e), end) for e in expected.ravel().tolist()), (bound, expected)


def conversions() -> Iterator[tuple[str, str]]:
    return itertools.product(CONVERSIONS, INTEGERS)


@pytest.mark.parametrize(("name", "dtype"), list(conversions()))
def test_bounds_of_elements_through_operations(name: str, dtype: str) -> None:
    """All pairs of dtypes, with the values at the ends of all dtypes."""
    function = CONVERSIONS[name]
    for target in INTEGERS:
        bounds_hold(partial(_applied, function, target), dtype, ends_of(dtype))
        bounds_hold(partial(_to_known, function, target, dtype), dtype, ends_of(dtype))


def _applied(function: Any, target: str, x: Any) -> Any:
    return function(x, target)


def _to_known(function: Any, target: str, dtype: str, x: Any) -> Any:
    return function(known(x, dtype), target)


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from(sorted(CONVERSIONS)), min_size=2, max_size=3),
    dtypes=st.lists(st.sampled_from(INTEGERS), min_size=4, max_size=4),
)
def test_bounds_of_elements_through_chains(names: list[str], dtypes: list[str]) -> None:
    def chained(x: Any) -> Any:
        for name, target in zip(names, dtypes):
            x = np.atleast_1d(CONVERSIONS[name](x, target))
        return x

    bounds_hold(chained, dtypes[-1], ends_of(dtypes[-1]))


def test_bounds_that_fit_pass_a_conversion() -> None:
    def narrowed(x: Any) -> Any:
        return int(np.arange(x.shape[0]).astype(np.int8)[0])

    env = trace(narrowed, (Dim("n", max=100),)).shape_env
    value = next(s for s in env.symbols if s.startswith("u"))
    assert env.prove(f"{value} >= 0").proved
    env = trace(narrowed, (Dim("n", max=300),)).shape_env
    assert not env.prove(f"{value} >= 0").proved


@pytest.mark.parametrize("dtype", INTEGERS)
def test_reads_have_the_range_of_their_dtype(dtype: str) -> None:
    program = trace(lambda x: int(x[0]), Spec(("n",), dtype))
    info = np.iinfo(dtype)
    value = program.graph.output_node().meta["val"]
    found = program.shape_env.bounds(program.shape_env.wrap(value))
    assert (found.lower, found.upper) == (info.min, info.max)
    for end in (info.min, info.max):
        agree(program, lambda x: int(x[0]), np.array([end], dtype))
