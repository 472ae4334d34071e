"""Every supported numpy function, traced on symbolic sizes and run on concrete ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from asserts.trace import Spec, trace
from asserts.trace.registry import RULES, name_of
from tests.asserts.trace.test_more_numpy import NEVER, PROGRAMS
from tests.asserts.tracing_help import agree

SIZES = (0, 1, 2, 5)


class Row(NamedTuple):
    function: Callable[..., Any]
    specs: tuple[Any, ...]
    sizes: Mapping[str, tuple[int, ...]] = MappingProxyType({})


V = Spec(("n",))
I = Spec(("n",), "int64")  # noqa: E741
B = Spec(("n",), "bool")
M = Spec(("n", "m"))
MI = Spec(("n", "m"), "int32")
MB = Spec(("n", "m"), "bool")
S = Spec((3, "m"))
C = Spec(("n", 4))
K = Spec.int("k")

ROWS: dict[str, Row] = {
    # elementwise
    "add": Row(lambda x, y: x + y, (M, Spec(("m",)))),
    "add_unequal": Row(lambda x, y: x + y, (Spec(("n",)), Spec(("m",)))),
    "arithmetic": Row(lambda x: (-x * 2 + 1) / 3 - x // 2 + x % 3 + abs(x) ** 2, (M,)),
    "integers": Row(lambda x: ((x & 3) | 4) ^ (x << 1) ^ (x >> 1) ^ ~x, (MI,)),
    "compare": Row(
        lambda x, y: ((x < y) & (x <= y)) | (x > y) | (x >= y) | (x == y) | (x != y), (V, V)
    ),
    "reflected": Row(lambda x: 2 - x + 1.5 / (x + 1) + 2**x, (V,)),
    "with_size": Row(lambda x: x * x.shape[0] + x.shape[1] - 1, (M,)),
    "size_first": Row(lambda x: x.shape[0] * x, (M,)),
    "float_size": Row(lambda x: x / max(x.shape[0], 1) + x.shape[0] / 2, (M,)),
    "weak_scalars": Row(lambda x: (x + 1, x * 2.5, x / 2, 3 - x), (MI,)),
    "constant_array": Row(lambda x: x + np.array([1.0, 2.0, 3.0, 4.0]), (C,)),
    "strong_scalar": Row(lambda x: x.astype(np.float32) * np.float64(2), (V,)),
    "ufuncs": Row(lambda x: np.exp(np.sin(x)) + np.maximum(np.log1p(np.abs(x)), 0.5), (M,)),
    "divmod": Row(lambda x: divmod(x, 3), (V,)),
    "modf": Row(lambda x: np.modf(x), (V,)),
    "minimum": Row(lambda x, y: np.minimum(x, y) + np.fmax(x, y), (I, I)),
    "where": Row(lambda m, x: np.where(m, x, 0.0), (MB, M)),
    "where_unequal": Row(lambda m, x, y: np.where(m, x, y), (B, M, Spec(("m",)))),
    "clip": Row(lambda x: np.clip(x, -1, 1) + x.clip(0, 2), (M,)),
    "clip_low": Row(lambda x: x.clip(min=0), (I,)),
    "round": Row(lambda x: np.round(x, 1) + x.round(2), (M,)),
    "isclose": Row(lambda x, y: np.isclose(x, y, atol=1e-3), (V, V)),
    "nan_to_num": Row(lambda x: np.nan_to_num(np.sqrt(x)), (V,)),
    "astype": Row(lambda x: x.astype(np.int32) + x.astype(int), (M,)),
    "astype_float": Row(lambda x: x.astype(float), (I,)),
    "real": Row(lambda x: np.real(x) + np.imag(x), (V,)),
    "outer_ufunc": Row(lambda x, y: np.subtract.outer(x, y), (V, Spec(("m",)))),
    "ufunc_reduce": Row(lambda x: (np.add.reduce(x), np.maximum.reduce(x, axis=1)), (M,)),
    "bitwise_reduce": Row(lambda x: np.bitwise_or.reduce(x, axis=1), (MI,)),
    "ufunc_accumulate": Row(lambda x: (np.add.accumulate(x), np.maximum.accumulate(x)), (M,)),
    "interp": Row(lambda x, y: np.interp(x, [0.0, 1.0], y), (V, Spec((2,)))),
    "dtype_option": Row(lambda x: np.add(x, 1, dtype=np.float32), (MI,)),
    # reductions
    "sum": Row(lambda x: (x.sum(), np.sum(x, axis=0), x.sum(axis=-1, keepdims=True)), (M,)),
    "sum_dtype": Row(lambda x: x.sum(axis=1, dtype=np.float32), (MI,)),
    "sum_bool": Row(lambda x: (x.sum(), x.sum(axis=0), x.mean(axis=1)), (MB,)),
    "prod": Row(lambda x: x.prod(axis=0), (M,)),
    "mean_std": Row(lambda x: (x.mean(), x.std(axis=0), x.var(axis=1, ddof=1)), (M,)),
    "max_min": Row(lambda x: (x.max(axis=1), np.min(x, axis=0)), (M,)),
    "max_all": Row(lambda x: x.max(), (MI,)),
    "max_axes": Row(lambda x: np.max(x, axis=(0, 1), keepdims=True), (M,)),
    "amax": Row(lambda x: np.amax(x, axis=0) - np.amin(x, axis=0) + np.ptp(x, axis=0), (M,)),
    "any_all": Row(lambda x: (x.any(), x.all(axis=1), np.any(x, axis=0)), (MB,)),
    "median": Row(lambda x: (np.median(x, axis=0), np.nanmedian(x, axis=1)), (M,)),
    "nan_reductions": Row(
        lambda x: (
            np.nansum(x),
            np.nanmean(x, axis=0),
            np.nanstd(x, axis=1),
            np.nanvar(x),
            np.nanprod(x),
        ),
        (M,),
    ),
    "nanmax": Row(lambda x: np.nanmax(x, axis=0) - np.nanmin(x, axis=0), (M,)),
    "average": Row(lambda x: np.average(x, axis=1), (M,)),
    "argmax": Row(lambda x: (x.argmax(axis=1), np.argmin(x, axis=0)), (M,)),
    "argmax_flat": Row(lambda x: np.argmax(x), (M,)),
    "nanargmax": Row(lambda x: np.nanargmax(x, axis=1), (M,)),
    "count_nonzero": Row(lambda x: (np.count_nonzero(x), np.count_nonzero(x, axis=0)), (MB,)),
    "count_integers": Row(lambda x: np.count_nonzero(x), (MI,)),
    "cumsum": Row(
        lambda x: (
            x.cumsum(axis=1),
            np.cumsum(x),
            np.cumprod(x, axis=0),
            np.nancumsum(x, axis=0),
        ),
        (M,),
    ),
    "sort": Row(lambda x: (np.sort(x), np.sort(x, axis=0), np.sort(x, axis=None)), (M,)),
    "argsort": Row(lambda x: (x.argsort(axis=0), np.argsort(-x, kind="stable")), (M,)),
    "partition": Row(
        lambda x: np.partition(x, 1).shape[0] + np.argpartition(x, 0).shape[0], (V,)
    ),
    "lexsort": Row(lambda x, y: np.lexsort((x, y)), (I, I)),
    "diff": Row(lambda x: (np.diff(x), np.diff(x, axis=0), np.diff(x, n=2)), (M,)),
    "diff_bool": Row(lambda x: np.diff(x), (B,)),
    "ediff1d": Row(lambda x: np.ediff1d(x), (M,)),
    "allclose": Row(lambda x, y: np.allclose(x, y), (V, V)),
    "array_equal": Row(lambda x, y: np.array_equal(x, y), (V, Spec(("m",)))),
    "isin": Row(lambda x, y: np.isin(x, y), (MI, Spec(("k",), "int32")), {"k": (0, 2)}),
    # shapes
    "reshape": Row(lambda x: x.reshape(-1), (M,)),
    "reshape_rows": Row(lambda x: x.reshape(x.shape[0] * x.shape[1], 1), (M,)),
    "reshape_split": Row(lambda x: x.reshape(-1, 2), (M,)),
    "reshape_known": Row(lambda x: np.reshape(x, (x.shape[0], 2, 2)), (C,)),
    "reshape_keep": Row(lambda x: x.reshape(x.shape[0], -1), (Spec(("n", "m", 3)),)),
    "ravel": Row(lambda x: (x.ravel(), x.flatten(), np.ravel(x)), (M,)),
    "transpose": Row(
        lambda x: (x.T, np.transpose(x), x.transpose(1, 0), x.transpose((0, 1))), (M,)
    ),
    "axes": Row(
        lambda x: (np.swapaxes(x, 0, 2), np.moveaxis(x, 0, -1), x.swapaxes(1, 2)),
        (Spec(("n", 2, "m")),),
    ),
    "expand_dims": Row(
        lambda x: (np.expand_dims(x, 1), np.expand_dims(x, (0, -1)), x[None]), (V,)
    ),
    "squeeze": Row(lambda x: (x.squeeze(axis=1), np.squeeze(x, 1)), (Spec(("n", 1)),)),
    "squeeze_checked": Row(lambda x: np.squeeze(x, axis=0), (M,)),
    "broadcast_to": Row(lambda x: np.broadcast_to(x, (3, x.shape[0])), (V,)),
    "broadcast_to_size": Row(
        lambda x, k: np.broadcast_to(x, (k, x.shape[0])), (V, K), {"k": (-1, 0, 3)}
    ),
    "broadcast_arrays": Row(lambda x, y: list(np.broadcast_arrays(x, y)), (M, Spec(("m",)))),
    "atleast": Row(
        lambda x, y: (
            np.atleast_1d(x),
            np.atleast_2d(x),
            np.atleast_3d(x),
            np.atleast_2d(y),
            *np.atleast_1d(x, y),
        ),
        (V, M),
    ),
    "flip": Row(lambda x: (np.flip(x), np.flip(x, 1), np.fliplr(x), np.flipud(x)), (M,)),
    "roll": Row(
        lambda x: (np.roll(x, 1), np.roll(x, -2, axis=1), np.roll(x, x.shape[0])), (M,)
    ),
    "triangles": Row(lambda x: (np.tril(x), np.triu(x, 1)), (M,)),
    "diagonal": Row(
        lambda x: (np.diagonal(x), np.diag(x, 1), x.diagonal(-1), np.trace(x)), (M,)
    ),
    "diag": Row(lambda x: (np.diag(x), np.diag(x, -2)), (V,)),
    "copy": Row(lambda x: (x.copy(), np.copy(x), np.array(x), np.asarray(x)), (M,)),
    "shape_functions": Row(
        lambda x: (np.shape(x), np.size(x), np.size(x, 1), np.ndim(x), x.size, x.nbytes), (M,)
    ),
    # indexing
    "slices": Row(lambda x: (x[1:], x[:-1], x[::2], x[1:3, ::-1], x[..., 0:2], x[-2:]), (M,)),
    "slice_by_size": Row(lambda x: (x[: x.shape[0] // 2], x[x.shape[0] // 2 :]), (V,)),
    "slice_by_input": Row(
        lambda x, k: (x[:k], x[k:], x[::-1][k:]), (V, K), {"k": (-7, -2, 0, 1, 3, 9)}
    ),
    "slice_step": Row(lambda x, k: x[::k], (V, K), {"k": (-2, -1, 0, 1, 3)}),
    "index": Row(lambda x: (x[0], x[-1, 0], x[0][0]), (M,)),
    "index_by_input": Row(lambda x, k: x[k], (M, K), {"k": (-3, -1, 0, 1, 4)}),
    "newaxis": Row(lambda x: x[:, None] - x[None, :], (V,)),
    "ellipsis": Row(lambda x: (x[...], x[..., 0], x[0, ..., None], x[()]), (M,)),
    "fancy": Row(
        lambda x, i: (x[i], x[i][:, 0], x[i, 0], x[:, i]),
        (Spec((5, 5)), Spec(("n",), "int64")),
    ),
    "fancy_pairs": Row(
        lambda x, i, j: (x[i, j], x[i[:, None], j], x[i, :, j]), (Spec((5, 5, 5)), I, I)
    ),
    "fancy_split": Row(
        lambda x, i: (x[i, :, 0], x[0, :, i], x[:, 0, i], x[..., i, None]),
        (Spec((5, 5, 5)), I),
    ),
    "fancy_list": Row(lambda x: (x[[0, 2]], x[:, [1]], x[[]]), (Spec((5, "n")),)),
    "fancy_broadcast": Row(lambda x, i, j: x[i, j], (Spec((5, 5)), I, Spec(("m",), "int64"))),
    "array_scalar": Row(lambda x: (x[np.argmax(x[:, 0])], x[:, x[0].argmax()]), (M,)),
    "fancy_dots": Row(
        lambda x, i: (x[i, ..., i], x[..., i, i], x[i, i, ...]), (Spec((5, 5)), I)
    ),
    "mask_dots": Row(lambda x, m: (x[m, ...], x[0, ...], x[..., 0]), (V, B)),
    "mask": Row(lambda x, m: (x[m], x[m].sum(), x[~m]), (M, B)),
    "mask_all": Row(lambda x: x[x > 0], (M,)),
    "mask_axis": Row(lambda x, m: x[:, m], (M, Spec(("m",), "bool"))),
    "mask_mixed": Row(lambda x, m: (x[m, 0], x[m, :, None]), (M, B)),
    "mask_two": Row(lambda x, m: x[m, np.array([0])], (M, B)),
    "mask_twice": Row(lambda x, m: x[m] + x[m] * 2, (V, B)),
    "mask_other": Row(lambda x, m: x[m], (V, Spec(("m",), "bool"))),
    "mask_constant": Row(lambda x: x[np.array([True, False, True])], (Spec((3, "n")),)),
    "take": Row(
        lambda x, i: (np.take(x, i), x.take(i, axis=0), np.take(x, i, axis=1, mode="clip")),
        (Spec((5, 5)), I),
    ),
    "take_empty": Row(
        lambda x, i: np.take(x, i, axis=0), (M, Spec(("k",), "int64")), {"k": (0, 1)}
    ),
    "take_table": Row(lambda i: np.take(np.arange(5.0), i), (I,)),
    "take_along_axis": Row(
        lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1), (M,)
    ),
    "iterate": Row(lambda x: [row.sum() for row in x], (S,)),
    "searchsorted": Row(
        lambda x, y: (
            np.searchsorted(np.sort(x), y),
            np.searchsorted(np.sort(x), y, side="right"),
        ),
        (V, M),
    ),
    "digitize": Row(lambda x: np.digitize(x, np.array([0.0, 1.0])), (V,)),
    "compress": Row(lambda x, m: (np.compress(m, x), np.extract(m, x)), (V, B)),
    "compress_axis": Row(lambda x, m: np.compress(m, x, axis=1), (M, B)),
    # joins
    "concatenate": Row(
        lambda x, y: (np.concatenate([x, y]), np.concatenate([x, y], axis=None)),
        (M, Spec(("k", "m"))),
        {"k": (0, 2)},
    ),
    "concatenate_checked": Row(
        lambda x, y: np.concatenate([x, y], axis=1), (M, Spec(("k", 2))), {"k": (0, 2)}
    ),
    "concatenate_types": Row(lambda x, y: np.concatenate([x, y]), (I, B)),
    "stack": Row(
        lambda x, y: (np.stack([x, y]), np.stack([x, y], axis=-1)), (V, Spec(("m",)))
    ),
    "stacks": Row(
        lambda x, y: (
            np.vstack([x, y]),
            np.hstack([x, y]),
            np.column_stack([x, y]),
            np.dstack([x, y]),
        ),
        (V, V),
    ),
    "hstack": Row(lambda x, y: np.hstack([x, y]), (M, Spec(("n", 2)))),
    "append": Row(lambda x, y: (np.append(x, y), np.append(x, [1.0])), (V, M)),
    "delete": Row(lambda x: (np.delete(x, 0), np.delete(x, [1, -1], axis=1)), (M,)),
    "insert": Row(lambda x: (np.insert(x, 0, 1), np.insert(x, [1, 0], 2, axis=1)), (M,)),
    "split": Row(lambda x: np.split(x, 2), (M,)),
    "split_places": Row(lambda x: np.split(x, [1, 3], axis=1), (M,)),
    "array_split": Row(lambda x: np.array_split(x, 3), (V,)),
    "hsplit": Row(lambda x: (np.hsplit(x, 2), np.vsplit(x, 1)), (C,)),
    "tile": Row(lambda x: (np.tile(x, 2), np.tile(x, (2, 1)), np.tile(x, x.shape[0])), (V,)),
    "repeat": Row(lambda x: (np.repeat(x, 2), x.repeat(3, axis=1)), (M,)),
    "repeat_by_input": Row(lambda x, k: np.repeat(x, k), (V, K), {"k": (-1, 0, 2)}),
    "repeat_each": Row(lambda x, c: np.repeat(x, c, axis=0), (M, I)),
    "repeat_array": Row(lambda x, c: np.repeat(x, c), (V, Spec(("m",), "int64"))),
    "repeat_total": Row(lambda x, c: np.repeat(x, c) + np.zeros(int(c.sum())), (V, I)),
    "repeat_constant": Row(lambda c: np.repeat(np.arange(c.shape[0]), c), (I,)),
    "pad": Row(
        lambda x: (
            np.pad(x, 1),
            np.pad(x, ((1, 0), (0, 2))),
            np.pad(x, (0, 1), constant_values=7),
        ),
        (M,),
    ),
    "pad_edge": Row(lambda x: np.pad(x, ((0, 1), (1, 1)), mode="edge"), (M,)),
    "pad_to": Row(lambda x, k: np.pad(x, (0, k - x.shape[0])), (V, K), {"k": (0, 2, 6)}),
    "convolve": Row(
        lambda x: (
            np.convolve(x, [1.0, 2.0]),
            np.convolve(x, [1.0, 0.5, 0.25], mode="same"),
            np.correlate(x, [1.0]),
        ),
        (V,),
    ),
    # creation
    "zeros": Row(
        lambda x: (
            np.zeros(x.shape),
            np.ones((x.shape[0], 2), dtype=int),
            np.empty((0, x.shape[1])),
        ),
        (M,),
    ),
    "zeros_input": Row(lambda k: np.zeros(k) + np.ones((k, 2)).sum(), (K,), {"k": (-2, 0, 3)}),
    "full": Row(
        lambda x: (np.full(x.shape[0], 7), np.full((2, x.shape[0]), x, dtype=np.float32)), (V,)
    ),
    "full_size": Row(lambda x: np.full(3, x.shape[0]), (V,)),
    "likes": Row(
        lambda x: (
            np.zeros_like(x),
            np.ones_like(x, dtype=int),
            np.full_like(x, 2.5),
            np.empty_like(x).shape,
        ),
        (M,),
    ),
    "arange": Row(
        lambda x: (
            np.arange(x.shape[0]),
            np.arange(1, x.shape[0]),
            np.arange(0, x.shape[0], 2, dtype=np.float32),
        ),
        (V,),
    ),
    "arange_down": Row(
        lambda k: (np.arange(k, 0, -2), np.arange(-k), np.arange(3, k)),
        (K,),
        {"k": (-3, 0, 1, 5)},
    ),
    "linspace": Row(
        lambda x: (
            np.linspace(0, 1, x.shape[0]),
            np.linspace(0.0, x.shape[0], 5, endpoint=False),
        ),
        (V,),
    ),
    "eye": Row(
        lambda x: (
            np.eye(x.shape[0]),
            np.eye(x.shape[0], 3, k=1),
            np.identity(x.shape[0], dtype=int),
            np.tri(x.shape[0]),
        ),
        (V,),
    ),
    "array_of_sizes": Row(
        lambda x: (
            np.array([x.shape[0], 1]),
            np.array([[x.shape[1], 0], [1, 2]]),
            np.asarray(x.shape),
        ),
        (M,),
    ),
    "array_of_arrays": Row(
        lambda x: (np.array([x, x]), np.array([x[0], 2.0]) if x.ndim < 1 else x), (V,)
    ),
    "stack_scalars": Row(lambda x: np.array([x.sum(), x.mean(), 1]), (V,)),
    "minimum_sizes": Row(lambda x: np.minimum(x.shape[0], x.shape[1]), (M,)),
    "meshgrid": Row(
        lambda x, y: (
            list(np.meshgrid(x, y)),
            list(np.meshgrid(x, y, indexing="ij", sparse=True)),
        ),
        (V, Spec(("m",))),
    ),
    # products
    "matmul": Row(lambda x, y: x @ y, (M, Spec(("m", 3)))),
    "matmul_checked": Row(lambda x, y: np.matmul(x, y), (M, Spec(("k", 2))), {"k": (0, 1, 2)}),
    "matmul_vectors": Row(lambda x, y: (x @ y, y @ x.T, y @ y), (M, Spec(("m",)))),
    "matmul_batched": Row(lambda x, y: x @ y, (Spec(("n", 2, "m")), Spec(("n", "m", 3)))),
    "dot": Row(
        lambda x, y: (np.dot(x, y), x.dot(y), np.inner(x, x), np.dot(x, 2.0)),
        (M, Spec(("m", 2))),
    ),
    "vdot": Row(lambda x, y: (np.vdot(x, y), np.outer(x, y)), (M, Spec(("n", "m")))),
    "tensordot": Row(
        lambda x, y: (np.tensordot(x, y, 1), np.tensordot(x, y, axes=([0], [1]))),
        (Spec(("n", "n")), Spec(("n", "n"))),
    ),
    "einsum": Row(
        lambda x, y: (
            np.einsum("ij,jk->ik", x, y),
            np.einsum("ij->ji", x),
            np.einsum("ij->", x),
        ),
        (M, Spec(("m", 2))),
    ),
    "einsum_batch": Row(
        lambda x, y: np.einsum("...ij,...jk->...ik", x, y),
        (Spec(("n", 2, "m")), Spec(("m", 3))),
    ),
    "norm": Row(
        lambda x: (
            np.linalg.norm(x),
            np.linalg.norm(x, axis=1),
            np.linalg.norm(x, axis=0, keepdims=True),
        ),
        (M,),
    ),
    "inverse": Row(
        lambda x: np.linalg.inv(x + np.eye(x.shape[0]) * 9) + np.linalg.det(x),
        (Spec(("n", "n")),),
    ),
    "solve": Row(
        lambda x, y: np.linalg.solve(x + np.eye(x.shape[0]) * 9, y), (Spec(("n", "n")), V)
    ),
    # sizes from values
    "nonzero": Row(lambda x: (np.nonzero(x), x[:, 0].nonzero() if x.ndim > 9 else 0), (MB,)),
    "nonzero_gather": Row(lambda x, m: x[np.nonzero(m)[0]], (M, B)),
    "where_one": Row(lambda x: np.where(x > 0), (M,)),
    "flatnonzero": Row(lambda x: (np.flatnonzero(x > 0), np.argwhere(x > 0)), (M,)),
    "nonzero_and_mask": Row(lambda x: x[x > 0] * np.flatnonzero(x > 0), (V,)),
    "count_and_mask": Row(
        lambda x, m: np.zeros(int(m.sum())) + x[m] + np.ones(np.count_nonzero(m)), (V, B)
    ),
    "unique": Row(lambda x: np.unique(x), (MI,)),
    "unique_all": Row(
        lambda x: np.unique(x, return_index=True, return_inverse=True, return_counts=True),
        (I,),
    ),
    "sets": Row(
        lambda x, y: (
            np.union1d(x, y),
            np.intersect1d(x, y),
            np.setdiff1d(x, y),
            np.setxor1d(x, y),
        ),
        (I, Spec(("m",), "int64")),
    ),
    "bincount": Row(
        lambda x: (np.bincount(np.abs(x)), np.bincount(np.abs(x), minlength=4)), (I,)
    ),
    "bincount_weights": Row(
        lambda x, y: np.bincount(np.abs(x), weights=y), (I, V), {"n": (1, 4)}
    ),
    "bincount_bounded": Row(lambda x: np.bincount(np.clip(x, 0, 3), minlength=2), (I,)),
    "histogram": Row(lambda x: np.histogram(x, bins=3, range=(0.0, 1.0)), (V,)),
    # values
    "item": Row(lambda x: x.sum().item() + x.shape[0], (V,)),
    "int_sum": Row(lambda x: np.zeros(int(x.sum()) % 5) if True else 0, (I,)),
    "int_of_float": Row(lambda x: int(x.sum() * 3) + 1, (V,)),
    "float_of": Row(lambda x: (float(x.sum()), float(x.shape[0])), (I,)),
    "bool_of": Row(lambda x: bool((x > 0).any()), (V,)),
    "int_of_bool": Row(lambda x: int((x > 0).all()) + 1, (V,)),
    "read_element": Row(lambda x: x[0].item() + int(x[1]), (I,)),
    "slice_by_value": Row(lambda x, i: x[: int(i.max())], (V, I)),
    "len": Row(lambda x: len(x) + min(len(x), 3) + max(x.shape[0], x.shape[1], 2), (M,)),
    "isinstance": Row(
        lambda x: (
            isinstance(x.shape[0], int),
            isinstance(1.5, float),
            isinstance("a", int),
            int("3"),
            float("2.5"),
            bool([]),
        ),
        (V,),
    ),
    "min_list": Row(lambda x: min([x.shape[0], 4]) + max(1, 2), (V,)),
    "unsigned": Row(lambda x: x.max().item(), (Spec(("n",), "uint8"),)),
}


def _input(spec: Any, sizes: dict[str, int], generator: np.random.Generator) -> Any:
    if not isinstance(spec, Spec):
        return sizes["k"]
    shape = tuple(sizes[s] if isinstance(s, str) else s for s in spec.shape)
    if spec.dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(bool)
    if spec.dtype.kind in "iu":
        low = 0 if spec.dtype.kind == "u" else -2
        return generator.integers(low, 5, shape).astype(spec.dtype)
    return generator.normal(size=shape).astype(spec.dtype)


def _names(row: Row) -> list[str]:
    names: dict[str, None] = {}
    for spec in row.specs:
        if not isinstance(spec, Spec):
            names["k"] = None
            continue
        names.update(dict.fromkeys(s for s in spec.shape if isinstance(s, str)))
    return list(names)


@pytest.mark.parametrize("name", ROWS)
def test_traced_is_plain(name: str) -> None:
    row = ROWS[name]
    program = trace(row.function, *row.specs)
    names = _names(row)
    generator = np.random.default_rng(7)
    for choice in itertools.product(*[row.sizes.get(n, SIZES) for n in names]):
        sizes = dict(zip(names, choice))
        inputs = [_input(spec, sizes, generator) for spec in row.specs]
        agree(program, row.function, *inputs)


def test_every_rule_has_a_row() -> None:
    """A function in the registry that no program of this file records is not tested."""
    recorded = set()
    more = [one for name, one in PROGRAMS.items() if name not in NEVER]
    for row in (*ROWS.values(), *more):
        program = trace(row.function, *row.specs)
        recorded |= {id(n.target) for n in program.graph.nodes}
    indirect = {  # recorded as another function, or not at all
        "np.asanyarray", "np.ascontiguousarray", "np.asfortranarray", "np.require", "np.array",
        "np.asarray", "np.count_nonzero", "np.shape", "np.size", "np.ndim", "np.around",
        "np.round_", "np.in1d", "np.trapz", "np.row_stack", "np.matrix_transpose", "np.concat",
        "np.permute_dims", "np.linalg.cholesky", "np.nancumprod", "np.nanargmin",
        "np.as_strided", "np.isscalar", "np.iterable", "np.iscomplexobj", "np.isrealobj",
        "np.result_type", "np.ix_", "np.copyto", "np.fill_diagonal", "np.place", "np.putmask",
        "np.put_along_axis",
    }  # fmt: skip
    missing = {
        name_of(f) for f in RULES if id(f) not in recorded and name_of(f) not in indirect
    }
    elementwise = {"np.angle", "np.sinc", "np.i0", "np.fix", "np.isposinf", "np.isneginf",
                   "np.iscomplex", "np.isreal", "np.real_if_close"}  # fmt: skip
    assert missing <= elementwise, missing


@pytest.mark.parametrize("name", ["angle", "sinc", "i0", "fix", "isposinf", "isneginf",
                                  "iscomplex", "isreal", "real_if_close"])  # fmt: skip
def test_elementwise_functions(name: str) -> None:
    function = getattr(np, name)
    program = trace(lambda x: function(x), M)
    agree(program, function, np.random.default_rng(1).normal(size=(2, 3)))
