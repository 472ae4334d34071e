"""Quantiles and percentiles.

Those that ignore NaN answer for an array without elements as `numpy.nanmean` does, without
the axes of q and in a dtype of its own: where that makes a difference, an array is refused
that may be empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asserts.errors import TraceError
from asserts.trace.dtypes import as_dtype, dtype_of, dummy, results_of
from asserts.trace.registry import rule
from asserts.trace.rules.reduce import axes_argument
from shapes import tensors
from shapes.expr import constant, less_equal
from shapes.tensors import Shape, ShapeError

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

KNOWS_THE_SIZE: Final = np.lib.NumpyVersion(np.__version__) >= "2.5.0"
"""Whether numpy knows how long the axis is that it makes of several."""


@rule("quantile", "percentile", "nanquantile", "nanpercentile")
def _quantile(
    t: Tracer, a: Any, q: Any, axis: Any = None, *, method: Any = "linear",
    keepdims: bool = False,
) -> Any:  # fmt: skip
    axis = axes_argument(axis)
    wanted = t.shape_of(q)
    if len(wanted) > 2:
        raise ShapeError("q must be a scalar or 1d")
    ignores_nan = t.called.__name__.startswith("nan")
    dims = t.shape_of(a)
    reduced = t.require(tensors.reduce(dims, axis, keepdims, not ignores_nan, t.operation))
    options: dict[str, Any] = {"axis": axis, "keepdims": bool(keepdims), "method": method}
    try:
        dtype = dtype_of(t.called, a, q, **options)
    except TypeError as error:
        if ignores_nan:  # numpy raises for arrays with elements only
            raise TraceError(f"{t.operation}: {error}") from None
        raise
    if ignores_nan:
        _require_one_dtype(t, a, q, options, dtype)
        _require_elements(t, a, wanted, dtype)
    elif isinstance(axis, tuple) and len(axis) != 1 and not KNOWS_THE_SIZE:
        # numpy makes one axis of them, and its size is not known beside one of size 0.
        needs = tensors.Needs()
        for at in sorted({*range(len(dims))} - {*tensors.axes_of(axis, len(dims))}):
            needs.add(less_equal(constant(1), dims[at]), f"axis {at} is empty")
        t.require(needs.result(()))
    neutral = {"axis": None, "keepdims": False, "method": "linear"}
    shown = {k: v for k, v in options.items() if v != neutral[k]}
    return t.array((a, q), shown, (*wanted, *reduced), dtype)


def _require_elements(t: Tracer, a: Any, wanted: Shape, dtype: np.dtype[Any]) -> None:
    """Raises `TraceError` for an array that may be empty, if numpy's answer is of another kind
    then."""
    array = t.lift(a)
    if not wanted and dtype == dtype_of(np.nanmean, array):
        return
    some = less_equal(constant(1), tensors.product(array._dims))
    if t.decide(some) is not True:
        raise TraceError(
            f"{t.operation}: numpy answers for an array without elements with another "
            "shape or dtype; state that there are elements: a size as Dim('n', min=1), or an "
            "asserts.check before"
        )


def _require_one_dtype(
    t: Tracer, a: Any, q: Any, options: dict[str, Any], dtype: np.dtype[Any]
) -> None:
    """Raises `TraceError` if the dtype of the result depends on elements."""
    sample = dummy(t.lift(a))
    if sample.dtype.kind == "f":
        only_nan = np.full_like(sample, np.nan)
        found = results_of(lambda v: t.called(only_nan, v, **options), q)
        if as_dtype(np.asarray(found).dtype) != dtype:
            raise TraceError(
                f"{t.operation}: the dtype of the result depends on values; use a q of dtype "
                f"{sample.dtype}"
            )
