"""Matrix factorisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asserts.errors import TraceError
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import as_dtype, results_of
from asserts.trace.registry import rule
from shapes import tensors
from shapes.tensors import Shape

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer


def _named(
    t: Tracer, args: tuple[Any, ...], options: dict[str, Any], shapes: tuple[Shape, ...]
) -> Any:
    """Results in the named tuple that numpy returns."""
    sample = results_of(t.called, *args, **options)
    values = [ArrayValue(s, as_dtype(r.dtype)) for s, r in zip(shapes, sample)]
    return type(sample)(*t.arrays(args, options, values))


@rule("linalg.svd")
def _svd(
    t: Tracer, a: Any, full_matrices: bool = True, compute_uv: bool = True,
    hermitian: bool = False,
) -> Any:  # fmt: skip
    if hermitian:
        raise TraceError("np.linalg.svd: hermitian=True is not supported while tracing")
    array = t.lift(a)
    u, s, vh = tensors.svd(array._dims, bool(full_matrices), t.decide)
    if not compute_uv:
        dtype = as_dtype(results_of(np.linalg.svd, array, compute_uv=False).dtype)
        return t.array((array,), {"compute_uv": False}, s, dtype)
    return _named(t, (array,), {"full_matrices": bool(full_matrices)}, (u, s, vh))


@rule("linalg.qr")
def _qr(t: Tracer, a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise TraceError(f"np.linalg.qr: mode={mode!r} is not supported while tracing")
    array = t.lift(a)
    q, r = tensors.qr(array._dims, mode == "complete", t.decide)
    if mode == "r":
        dtype = as_dtype(results_of(np.linalg.qr, array, mode).dtype)
        return t.array((array, mode), None, r, dtype)
    return _named(t, (array, mode), {}, (q, r))


@rule("linalg.eigh")
def _eigh(t: Tracer, a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    array = t.lift(a)
    dims = t.require(tensors.square(array._dims))
    return _named(t, (array, UPLO), {}, (dims[:-1], dims))


@rule("linalg.eigvalsh")
def _eigvalsh(t: Tracer, a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    array = t.lift(a)
    dims = t.require(tensors.square(array._dims))
    dtype = as_dtype(results_of(t.called, array, UPLO).dtype)
    return t.array((array, UPLO), None, dims[:-1], dtype)


@rule("linalg.slogdet")
def _slogdet(t: Tracer, a: Any) -> Any:
    array = t.lift(a)
    batch = t.require(tensors.square(array._dims))[:-2]
    return _named(t, (array,), {}, (batch, batch))


@rule("linalg.pinv")
def _pinv(t: Tracer, a: Any) -> Any:
    array = t.lift(a)
    if array.dtype.kind not in "fc":  # (numpy keeps the integers where there is nothing)
        raise TraceError(
            "np.linalg.pinv of integers: the dtype of its result depends on whether the array "
            "is empty; make it floats first: x.astype(float)"
        )
    _, _, vh = tensors.svd(array._dims, False, t.decide)
    shape = (*vh[:-2], vh[-1], array._dims[-2])
    return t.array((array,), None, shape, as_dtype(results_of(t.called, array).dtype))
