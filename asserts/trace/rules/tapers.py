"""Windows for filters and spectra: `numpy.hanning` and its relatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.trace.dtypes import dtype_of
from asserts.trace.registry import rule
from asserts.trace.symarray import SymArray
from shapes import tensors
from shapes.expr import constant

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


@rule("bartlett", "blackman", "hamming", "hanning")
def _taper(t: Tracer, M: Any) -> Any:  # noqa: N803
    return _made(t, M)


@rule("kaiser")
def _kaiser(t: Tracer, M: Any, beta: Any) -> Any:  # noqa: N803
    if dtype_of(np.asarray, beta).kind == "c":
        raise TraceError("np.kaiser: only a real beta while tracing")
    return _made(t, M, beta)


def _made(t: Tracer, points: Any, *args: Any) -> SymArray:
    """numpy makes an empty window of fewer than one point."""
    count = t.dim_of(points)
    size = tensors.larger(count, constant(0), t.decide)
    return t.array((count, *args), None, (size,), np.dtype(np.float64))
