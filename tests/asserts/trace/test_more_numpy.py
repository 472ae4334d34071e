"""Windows, quantiles, methods of ufuncs, choices, places, `np.r_`, grids, transforms: programs of each
beside numpy itself, on all small sizes."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy.codec import load, save
from asserts.errors import TraceError
from asserts.inspection import inspect
from asserts.trace import Spec, trace
from shapes import Dim
from shapes.tensors import ShapeError
from tests.asserts.tracing_help import agree, same

TRAPEZOID: Final[Any] = np.trapezoid if hasattr(np, "trapezoid") else np.trapz
WINDOWS: Final = np.lib.stride_tricks.sliding_window_view
RAISED: Final = (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError)
V = Spec(("n",))
W = Spec(("m",))
M = Spec(("n", "m"))
I = Spec(("n",), "int64")  # noqa: E741
J = Spec(("m",), "int64")
I8 = Spec(("n",), "int8")
F32 = Spec(("n",), "float32")
F32M = Spec(("n", "m"), "float32")
B = Spec(("n",), "bool")
MB = Spec(("n", "m"), "bool")
MI = Spec(("n", "m"), "int64")
C = Spec(("n",), "complex64")
K = Spec.int("k")
SIZES: Final = (0, 1, 2, 3, 5)
NUMBERS: Final = (-7, -2, -1, 0, 1, 2, 3, 6)


class Program(NamedTuple):
    function: Callable[..., Any]
    specs: tuple[Any, ...]
    is_asserted: bool = False
    """Whether sizes alone decide what numpy accepts, so that asserts say it."""


def inputs_for(specs: tuple[Any, ...]) -> Any:
    """Arrays of all small sizes with elements in and out of range, and numbers."""
    names = dict.fromkeys(
        getattr(s, "name", s)
        for spec in specs
        for s in (spec.shape if isinstance(spec, Spec) else ["k"])
    )
    rng = np.random.default_rng(3)
    least = {d.name: d.min for spec in specs for d in getattr(spec, "shape", ())
             if isinstance(d, Dim)}
    domains = [
        NUMBERS if n == "k" else [s for s in SIZES if s >= least.get(n, 0)]
        if isinstance(n, str) else (n,)
        for n in names
    ]
    for values in itertools.product(*domains):
        sizes = dict(zip(names, values))
        for high in (1, 3, 7):
            made: list[Any] = []
            for spec in specs:
                if not isinstance(spec, Spec):
                    made.append(sizes["k"])
                    continue
                shape = tuple(sizes[getattr(s, "name", s)] for s in spec.shape)
                low = -1 if high == 7 and spec.dtype.kind != "b" else 0
                made.append(rng.integers(low, high, shape).astype(spec.dtype))
            yield tuple(made)


def outcome(function: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[bool, Any]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return True, function(*[np.copy(i) if np.ndim(i) else i for i in inputs])
        except (asserts.RuntimeAssertionError, *RAISED) as error:
            return False, error


def beside_numpy(name: str) -> int:
    """Run both on all small inputs; how many were accepted."""
    function, specs, asserted = PROGRAMS[name]
    try:
        program = trace(function, *specs)
    except RAISED:
        assert not any(outcome(function, i)[0] for i in inputs_for(specs))
        return 0
    checked = asserts.insert(program).graph_module
    count = 0
    for inputs in inputs_for(specs):
        if name in BY_CHANCE and any(np.size(i) == 0 for i in inputs):
            continue
        fits, expected = outcome(function, inputs)
        runs, found = outcome(checked, inputs)
        assert runs == fits, (inputs, expected, found)
        if fits:
            count += 1
            assert same(expected, found), (inputs, expected, found)
        elif asserted:
            assert isinstance(found, asserts.RuntimeAssertionError), (inputs, found)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            agree(program, function, *inputs)
    return count


def at(ufunc: Any, x: Any, *args: Any) -> Any:
    """A copy, with `at` done to it."""
    x = x.copy()
    ufunc.at(x, *args)
    return x


def twice(x: Any, i: Any) -> Any:
    """Two changes of one array, and what was there before."""
    y = np.zeros(x.shape[0])
    np.add.at(y, i, 1.0)
    z = y + 0
    np.subtract.at(y, [0, 0], [1, 2])
    return y, z, x


FOURIER: Final = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
FOURIERS: Final = ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2")


def transforms_along(name: str) -> dict[str, Program]:
    """Calls of a transform along one axis."""
    f = getattr(np.fft, name)
    return {
        name: Program(lambda x: f(x), (V,), True),
        f"{name}_axis": Program(lambda x: f(x, axis=0, norm="ortho"), (M,), True),
        f"{name}_points": Program(lambda x, k: f(x, k), (F32, K), True),
        f"{name}_fixed": Program(lambda x: f(x, n=4, axis=-1), (MI,), True),
    }


def transforms_of_several(name: str) -> dict[str, Program]:
    """Calls of a transform along several axes."""
    f = getattr(np.fft, name)
    return {
        name: Program(lambda x: f(x), (M,), True),
        f"{name}_axes": Program(lambda x: f(x, axes=(1, 0)), (M,), True),
        f"{name}_again": Program(lambda x: f(x, axes=(0, 0)), (M,), True),
        f"{name}_one": Program(lambda x: f(x, axes=(0,)), (M,), True),
        f"{name}_sizes": Program(lambda x, k: f(x, (3, k), (0, 1)), (M, K), True),
        f"{name}_own": Program(lambda x: f(x, (-1, 3), (0, -1)), (M,), True),
        f"{name}_again_sizes": Program(lambda x: f(x, (2, 4), (1, 1)), (M,), True),
    }


def svd_again(x: Any) -> Any:
    """The matrix, from its factors."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return ((u * s) @ vh).round(6)


def written(writes: Any, x: Any, *args: Any, **options: Any) -> Any:
    """A copy, with something written into it, and the next array made of it."""
    x = x.copy()
    assert writes(x, *args, **options) is None
    return x, x + 1


PROGRAMS: dict[str, Program] = {
    # written into the first argument
    "copyto": Program(lambda x, y: written(np.copyto, x, y), (M, W), True),
    "copyto_rows": Program(lambda x, y: written(np.copyto, x, y), (W, Spec((1, "n"))), True),
    "copyto_where": Program(lambda x, y, m: written(np.copyto, x, y, where=m), (MI, J, MB), True),
    "copyto_number": Program(lambda x: written(np.copyto, x, 2), (I8,), True),
    "copyto_size": Program(lambda x: written(np.copyto, x, x.shape[0]), (I8,), True),
    "copyto_into_number": Program(lambda x: np.copyto(x.sum(), 1), (V,)),
    "copyto_large": Program(lambda x: written(np.copyto, x, 300), (I8,)),
    "copyto_floats": Program(lambda x: written(np.copyto, x, 2.5), (I8,)),
    "copyto_unsafe": Program(
        lambda x, y: written(np.copyto, x, y, casting="unsafe"), (I8, V), True
    ),
    "fill_diagonal": Program(lambda x: written(np.fill_diagonal, x, 7), (M,), True),
    "fill_diagonal_wrap": Program(lambda x: written(np.fill_diagonal, x, 2, wrap=True), (MI,), True),
    "fill_diagonal_cube": Program(
        lambda x: written(np.fill_diagonal, x, 7), (Spec(("n", 2, "m")),), True
    ),
    "fill_diagonal_vector": Program(lambda x: written(np.fill_diagonal, x, 7), (V,)),
    "putmask": Program(lambda x, m: written(np.putmask, x, m, 4), (V, Spec(("m",), "bool")), True),
    "putmask_values": Program(lambda x, m, y: written(np.putmask, x, m, y), (M, MB, W), True),
    "putmask_again": Program(lambda x: written(np.putmask, x, x > 1, x * 2), (MI,), True),
    "putmask_floats": Program(lambda x: written(np.putmask, x, x > 1, 0.5), (I8,)),
    "place": Program(lambda x, y: written(np.place, x, x > 1, y), (V, W)),
    "place_number": Program(lambda x: written(np.place, x, x > 1, [1, 2]), (M,), True),
    "put_along_axis": Program(
        lambda x, i: written(np.put_along_axis, x, i, 9, 0), (M, Spec(("k2", "m"), "int64"))
    ),
    "put_along_axis_best": Program(
        lambda x: written(np.put_along_axis, x, x.argmax(1, keepdims=True), -1, axis=1),
        (Spec((Dim("n"), Dim("m", min=1))),), True,
    ),
    "put_along_axis_values": Program(
        lambda x, y: written(np.put_along_axis, x, np.zeros((1, 1), int), y, axis=-1), (M, W), True
    ),
    # windows for filters, grids, triangles, samples, factors
    "tapers": Program(
        lambda x, k: (np.hanning(x.shape[0]), np.kaiser(k, 8.6), np.bartlett(k)), (V, K), True
    ),
    "tapers_more": Program(lambda x, k: (np.hamming(k), np.blackman(k - 1)), (V, K), True),
    "open_grid": Program(lambda x, i, m: x[np.ix_(i, m)], (M, Spec(("n",), "int64"), Spec(("m",), "bool"))),
    "open_grid_lists": Program(lambda x: (x[np.ix_([0, -1], [0])], x[np.ix_([], [0])]), (M,), True),
    "open_grid_none": Program(lambda x: np.ix_(np.zeros(0), [], x), (V,), True),
    "open_grid_of_matrices": Program(lambda x: np.ix_(x), (M,)),
    "indices": Program(lambda x: np.indices(x.shape), (M,), True),
    "indices_sparse": Program(
        lambda x, k: np.indices((x.shape[0], k), np.int32, sparse=True), (V, K), True
    ),
    "tril_indices": Program(lambda x: x[np.tril_indices(x.shape[0])], (Spec(("n", "n")),), True),
    "triu_indices": Program(lambda x, k: np.triu_indices(x.shape[0], k), (V, K), True),
    "triu_indices_of_three": Program(lambda x, k: np.triu_indices(k, -1, x.shape[0]), (V, K), True),
    "tril_indices_of_three": Program(lambda x, k: np.tril_indices(3, x.shape[0] - 2, k), (V, K), True),
    "triangle_from": Program(
        lambda x, k: (np.tril_indices_from(x, k), x[np.triu_indices_from(x)]), (M, K), True
    ),
    "tri": Program(lambda x, k: (np.tri(k), np.tri(x.shape[0], k, -1)), (V, K), True),
    "logspace": Program(lambda x, k: np.logspace(0, 1, k, base=2), (V, K), True),
    "linspace_axis": Program(lambda x: np.linspace(0, 1, x.shape[0], axis=1), (V,)),
    "logspace_axis": Program(lambda x: np.logspace(0, 1, x.shape[0], axis=-2), (V,)),
    "geomspace_type": Program(
        lambda x: np.geomspace(1, 8, x.shape[0], True, np.float32), (V,), True
    ),
    "geomspace": Program(lambda x: np.geomspace(1, 8, x.shape[0], endpoint=False), (F32,), True),
    "gradient": Program(lambda x: np.gradient(x), (V,), True),
    "gradient_planes": Program(lambda x: np.gradient(x), (MI,), True),
    "gradient_axis": Program(lambda x: np.gradient(x, 2.0, axis=-1, edge_order=2), (M,), True),
    "gradient_axes": Program(lambda x: np.gradient(x, 2, 0.5, axis=(1, 0)), (F32M,), True),
    "gradient_bool": Program(lambda x: np.gradient(x), (B,)),
    "trapezoid": Program(lambda x: (TRAPEZOID(x), TRAPEZOID(x, dx=0.5, axis=0)), (M,), True),
    "trapezoid_points": Program(lambda x, y: TRAPEZOID(x, y), (M, W), True),
    "trapezoid_places": Program(lambda x, y: TRAPEZOID(x, y, axis=0), (MI, V), True),
    "trapezoid_others": Program(lambda x, y: TRAPEZOID(x, y), (V, W), True),
    "trapezoid_shapes": Program(lambda x, y: TRAPEZOID(x, y, axis=-1), (V, M), True),
    "unwrap": Program(lambda x: (np.unwrap(x), np.unwrap(x, axis=0, period=4)), (MI,), True),
    "unwrap_jumps": Program(lambda x: np.unwrap(x, 2.5, -1), (F32,), True),
    "polyval": Program(lambda x, y: np.polyval(x, y), (V, M), True),
    "polyval_list": Program(lambda x: np.polyval([1, 2.5], x), (I8,), True),
    "vander": Program(lambda x: (np.vander(x), np.vander(x, 3, increasing=True)), (I8,), True),
    "vander_columns": Program(lambda x, k: np.vander(x, k), (V, K), True),
    "kron": Program(lambda x, y: (np.kron(x, y), np.kron(y, x), np.kron(x, [1, 2])), (M, J), True),
    "cross": Program(lambda x, y: np.cross(x, y), (Spec(("n", 3)), Spec(("m", 3))), True),
    "cross_axes": Program(
        lambda x, y: np.cross(x, y, axisa=0, axisc=0), (Spec((3, "n")), Spec(("n", 3))), True
    ),
    "cross_bool": Program(lambda x: np.cross(x, x), (Spec(("n", 3), "bool"),)),
    "cross_one": Program(lambda x: np.cross(x, [1, 2, 3]), (Spec(("n", 3), "int8"),), True),
    "rot90": Program(lambda x: (np.rot90(x), np.rot90(x, -2), np.rot90(x, 3, (1, 0))), (M,), True),
    "rot90_batch": Program(lambda x: np.rot90(x, axes=(-1, 0)), (Spec(("n", 2, "m")),), True),
    "partition_at": Program(lambda x, k: (np.argpartition(x, k), np.partition(x, k)), (V, K), True),
    "svd": Program(lambda x: np.linalg.svd(x)[1], (M,), True),
    "svd_values": Program(lambda x: np.linalg.svd(x, compute_uv=False), (F32M,), True),
    "svd_again": Program(svd_again, (M,), True),
    "qr": Program(lambda x: (np.linalg.qr(x).R.shape, np.linalg.qr(x, "r")), (M,), True),
    "qr_complete": Program(lambda x: np.linalg.qr(x, mode="complete").Q, (Spec((2, "n", "m")),), True),
    "eigh": Program(lambda x: tuple(np.linalg.eigh(x + x.T)), (Spec(("n", "n")),), True),
    "eigh_checked": Program(lambda x: np.linalg.eigh(x)[1].shape, (M,), True),
    "eigvalsh": Program(lambda x: np.linalg.eigvalsh(x), (Spec(("m", "n", "n"), "float32"),), True),
    "slogdet": Program(lambda x: tuple(np.linalg.slogdet(x)), (M,), True),
    "pinv": Program(lambda x: np.linalg.pinv(x), (M,), True),
    # windows
    "windows": Program(lambda x: WINDOWS(x, 2), (V,), True),
    "windows_empty": Program(lambda x: WINDOWS(x, 0), (V,), True),
    "windows_by_input": Program(lambda x, k: WINDOWS(x, k), (I8, K), True),
    "windows_axes": Program(lambda x: WINDOWS(x, (2, 3)), (M,), True),
    "windows_axis": Program(lambda x, k: WINDOWS(x, k, axis=-1), (M, K), True),
    "windows_first": Program(lambda x: WINDOWS(x, 2, axis=0).sum(axis=-1), (M,), True),
    "windows_twice": Program(lambda x: WINDOWS(x, (2, 2), axis=(0, 0)), (M,), True),
    "windows_none": Program(lambda x: WINDOWS(x, (), axis=()), (M,), True),
    "windows_too_few": Program(lambda x: WINDOWS(x, 2), (M,), True),
    "windows_size": Program(lambda x, y: WINDOWS(x, y.shape[0]).mean(-1), (V, W), True),
    # quantiles
    "quantile": Program(lambda x: np.quantile(x, 0.3), (M,), True),
    "quantile_axis": Program(lambda x: np.quantile(x, 0.5, axis=0), (M,), True),
    "quantile_last": Program(lambda x: np.quantile(x, [0.1, 0.9], axis=-1), (M,), True),
    "quantile_keep": Program(lambda x: np.quantile(x, 0.5, axis=1, keepdims=True), (M,), True),
    "quantile_axes": Program(lambda x: np.quantile(x, [0.5], axis=(0, 1)), (M,), True),
    "quantile_no_axes": Program(lambda x: np.quantile(x, 0.5, axis=()), (M,), True),
    "quantile_nested": Program(lambda x: np.quantile(x, [[0.1, 0.2]], axis=0), (M,), True),
    "quantile_of": Program(lambda x, q: np.quantile(x, q / 8), (V, W)),
    "quantile_outside": Program(lambda x: np.quantile(x, 1.5), (V,)),
    "quantile_many_axes": Program(lambda x: np.quantile(x, np.ones((1, 1, 1))), (V,)),
    "quantile_float": Program(lambda x: (np.quantile(x, 0.5), np.percentile(x, 5)), (F32,)),
    "quantile_of_float": Program(lambda x, q: np.quantile(x, q / 8), (F32, W)),
    "quantile_integers": Program(lambda x: np.quantile(x, 0.5, method="lower"), (I8,), True),
    "quantile_bool": Program(lambda x: np.quantile(x, 0.5), (B,)),
    "quantile_bool_lower": Program(lambda x: np.quantile(x, 0.5, method="lower"), (B,)),
    "quantile_complex": Program(lambda x: np.quantile(x, 0.5), (C,)),
    "quantile_method": Program(lambda x: np.quantile(x, 0.5, method="no"), (V,)),
    **{
        f"quantile_{method}": Program(
            lambda x, method=method: np.quantile(x, [0.2, 0.7], axis=0, method=method),
            (I8,), True,
        )
        for method in ("inverted_cdf", "weibull", "higher", "nearest", "midpoint", "hazen")
    },
    "percentile": Program(lambda x: np.percentile(x, [0, 50, 100], axis=-2), (M,), True),
    "nanquantile": Program(
        lambda x: np.nanquantile(x, [0.1, 0.9], axis=0),
        (Spec((Dim("n", min=1), Dim("m", min=1))),), True,
    ),
    "nanquantile_float": Program(lambda x: np.nanquantile(x, 0.4), (F32,)),
    "nanquantile_integers": Program(lambda x: np.nanquantile(x, 0.4), (I8,)),
    "nanquantile_axes": Program(lambda x: np.nanquantile(x, 0.4, axis=(0, 1)), (MI,)),
    "nanpercentile": Program(lambda x: np.nanpercentile(x, 30, axis=-1, keepdims=True), (M,)),
    "nanquantile_all": Program(lambda x: np.nanquantile(x, 0.5), (M,)),
    "median": Program(lambda x: (np.median(x, axis=-1), np.nanmedian(x, axis=0)), (M,)),
    # methods of ufuncs
    "at": Program(lambda x, i: at(np.add, x, i, 1), (V, J)),
    "at_values": Program(lambda x, i, v: at(np.add, x, i, v), (V, J, V)),
    "at_multiply": Program(lambda x, i: at(np.multiply, x, i, 2.5), (I, J)),
    "at_unary": Program(lambda x, i: at(np.negative, x, i), (V, J)),
    "at_missing": Program(lambda x, i: at(np.add, x, i), (V, J)),
    "at_slice": Program(lambda x, k: at(np.add, x, slice(k, None), [1, 2]), (V, K), True),
    "at_list": Program(lambda x: at(np.add, x, [0, 0, 1], [1, 2, 3]), (V,), True),
    "at_long": Program(lambda x: at(np.add, x, [0, 1], [[1, 2]]), (V,), True),
    "at_number": Program(lambda x, k: at(np.maximum, x, k, 4), (V, K), True),
    "at_number_list": Program(lambda x, k: at(np.maximum, x, k, [4]), (V, K), True),
    "at_rows": Program(lambda x, i: at(np.add, x, i, [1, 2, 3]), (M, Spec(("k2",), "int64"))),
    "at_mask": Program(lambda x, m: at(np.add, x, m, 2), (V, B)),
    "at_mask_values": Program(lambda x, m: at(np.add, x, m, [1, 2]), (V, B)),
    "at_pairs": Program(lambda x, i: at(np.add, x, (i, 0), 1), (M, Spec(("k2",), "int64"))),
    "at_everything": Program(lambda x: at(np.add, x, ..., 1), (M,), True),
    "at_bool": Program(lambda x: at(np.subtract, x, [0], True), (B,)),
    "at_less": Program(lambda x: at(np.less, x, [0], 3), (V,), True),
    "at_narrow": Program(lambda x: at(np.add, x, [0], 1000), (I8,), True),
    "at_two_results": Program(lambda x: at(np.divmod, x, [0], 2), (I,)),
    "at_twice": Program(twice, (V, Spec(("m",), "int64"))),
    "reduceat": Program(lambda x: np.add.reduceat(x, [0, 2, 1]), (V,), True),
    "reduceat_axis": Program(lambda x: np.add.reduceat(x, [0, 1], axis=-1), (MI,), True),
    "reduceat_array": Program(lambda x, i: np.maximum.reduceat(x, i), (V, J)),
    "reduceat_empty": Program(lambda x: np.add.reduceat(x, []), (V,), True),
    "reduceat_dtype": Program(lambda x: np.add.reduceat(x, [0], dtype="float32"), (I,), True),
    "reduceat_small": Program(lambda x: np.add.reduceat(x, [0]), (I8,), True),
    "reduceat_bool": Program(lambda x: np.add.reduceat(x, [0]), (B,), True),
    "reduceat_sizes": Program(lambda x, k: np.add.reduceat(x, [0, k]), (V, K), True),
    "reduceat_number": Program(lambda x: np.add.reduceat(x, 0), (V,)),
    "reduceat_floats": Program(lambda x, i: np.add.reduceat(x, i), (V, W)),
    "reduceat_less": Program(lambda x: np.less.reduceat(x, [0]), (V,)),
    "accumulate": Program(lambda x: np.maximum.accumulate(x, axis=-1), (M,), True),
    "accumulate_add": Program(lambda x: (np.add.accumulate(x), np.add.accumulate(x > 1)), (I8,)),
    "accumulate_type": Program(lambda x: np.maximum.accumulate(x, dtype=np.float32), (I8,)),
    "accumulate_types": Program(lambda x: np.subtract.accumulate(x, 0, np.int64), (I8,)),
    "accumulate_number": Program(lambda x: np.add.accumulate(x.sum()), (V,)),
    "outer": Program(lambda x, y: np.add.outer(x, y), (M, W), True),
    "outer_types": Program(lambda x, y: np.add.outer(x, y, dtype=np.float32), (I8, W), True),
    "outer_number": Program(lambda x: (np.add.outer(x, 2), np.add.outer([1, 2], x)), (I8,)),
    "outer_pairs": Program(lambda x, y: np.divmod.outer(x, y + 7), (I, J)),
    "outer_unary": Program(lambda x, y: np.negative.outer(x), (I, J)),
    # choices
    "select": Program(lambda x: np.select([x > 2, x > 1], [x, x * 2]), (V,), True),
    "select_default": Program(lambda x: np.select([x > 2], [x], default=-1.5), (I8,), True),
    "select_weak": Program(lambda x: np.select([x > 2], [x], 3), (I8,), True),
    "select_size": Program(lambda x: np.select([x > 2], [x], x.shape[0]), (I8,), True),
    "select_broadcast": Program(
        lambda x, y, m: np.select([m, y > 0], [x, 0.5], y), (V, W, MB), True
    ),
    "select_numbers": Program(lambda x: np.select([x > 1], [1]), (M,), True),
    "select_floats": Program(lambda x: np.select([x], [x]), (V,)),
    "select_lengths": Program(lambda x: np.select([x > 1], [x, x]), (V,)),
    "select_nothing": Program(lambda x: np.select([], [], default=x), (V,)),
    "choose": Program(lambda i, x, y: np.choose(i, [x, y, x]), (I, V, W)),
    "choose_wrap": Program(lambda i, x: np.choose(i, [x, 2.5], mode="wrap"), (I, F32)),
    "choose_clip": Program(lambda i, x: np.choose(i, (x, x * 2), mode="clip"), (I, J)),
    "choose_types": Program(lambda i: np.choose(i, [i, 3, True]), (I8,)),
    "choose_bool": Program(lambda i: np.choose(i, [1, 2]), (B,)),
    "choose_rows": Program(lambda i: np.choose(i, np.arange(6.0).reshape(3, 2)), (I,)),
    "choose_floats": Program(lambda i: np.choose(i, [1, 2]), (V,)),
    "choose_nothing": Program(lambda i: np.choose(i, []), (I,)),
    "choose_method": Program(lambda i: i.choose([i, i * 2, 5]), (I,)),
    # places
    "unravel": Program(lambda i: np.unravel_index(i, (2, 3)), (I,)),
    "unravel_rows": Program(lambda i, x: np.unravel_index(i, x.shape), (MI, M)),
    "unravel_size": Program(lambda x, k: np.unravel_index(k, x.shape), (M, K), True),
    "unravel_list": Program(lambda x: np.unravel_index([0, 3, 1], x.shape), (M,), True),
    "unravel_argmax": Program(lambda x: np.unravel_index(np.argmax(x), x.shape), (M,), True),
    "unravel_order": Program(lambda i: np.unravel_index(i, (2, 3), order="F"), (I,)),
    "unravel_number": Program(lambda i, k: np.unravel_index(i, k), (I, K)),
    "unravel_shape": Program(lambda i, k: np.unravel_index(i, (k, -2)), (I, K)),
    "unravel_floats": Program(lambda i: np.unravel_index(i, (2, 3)), (V,)),
    "unravel_bool": Program(lambda i: np.unravel_index(i, (2, 3)), (B,)),
    "unravel_none": Program(lambda x: np.unravel_index([], x.shape), (M,)),
    "ravel_index": Program(lambda i, j: np.ravel_multi_index((i, j), (2, 3)), (I, J)),
    "ravel_index_sizes": Program(
        lambda x, k: np.ravel_multi_index((k, 0), x.shape), (M, K), True
    ),
    "ravel_index_clip": Program(
        lambda i, x: np.ravel_multi_index((i, 5), x.shape, mode="clip"), (I, M)
    ),
    "ravel_index_modes": Program(
        lambda i: np.ravel_multi_index((i, i), (2, 3), mode=("clip", "wrap")), (I,)
    ),
    "ravel_index_order": Program(
        lambda i: np.ravel_multi_index((i, i), (4, 3), order="F"), (I,)
    ),
    "ravel_index_rows": Program(lambda i: np.ravel_multi_index(i, (2, 3)), (MI,)),
    "ravel_index_negative": Program(
        lambda i, k: np.ravel_multi_index((i,), (k,), mode="clip"), (I, K)
    ),
    "ravel_index_floats": Program(lambda i: np.ravel_multi_index((i, i), (2, 3)), (V,)),
    "ravel_index_few": Program(lambda i: np.ravel_multi_index((i,), (2, 3)), (I,)),
    "ravel_index_none": Program(lambda i: np.ravel_multi_index((i,), (0,)), (I,)),
    # differences with what is before and behind
    "diff_edges": Program(lambda x: np.diff(x, prepend=0, append=[7, x.size]), (I8,)),
    "diff_row": Program(lambda x, k: np.diff(x, axis=0, prepend=k), (F32M, K)),
    "diff_rows": Program(lambda x, y: np.diff(x, 2, append=y, prepend=x[:1]), (V, W), True),
    "diff_bools": Program(lambda x: np.diff(x, prepend=False, axis=1), (MB,)),
    "diff_none": Program(lambda x: np.diff(x, 0, prepend=1), (V,)),
    # methods of ufuncs take lists
    "reduce_list": Program(
        lambda x, y: (np.minimum.reduce([x, y[:3]]), np.add.reduce([x, x], axis=1)), (V, W), True
    ),
    "methods_of_lists": Program(
        lambda x, k: (
            np.add.accumulate([x, x * 2]), np.add.outer([k, 1], x), np.maximum.reduce([k, 2]),
            np.logical_or.reduce((x > 0, x < 2)), np.add.reduceat([k, k, 1], [0, 2]),
        ),
        (V, K),
    ),
    "methods_without_a_function": Program(
        lambda x, k: (
            np.subtract.reduce([x, x * k, x]), np.bitwise_or.reduce((k, 4, x.size)),
            np.hypot.reduce([x, x * 2.0], axis=1, keepdims=True),
        ),
        (I8, K),
    ),
    # np.mgrid and np.ogrid
    "mgrid": Program(lambda x: np.mgrid[: x.shape[0], : x.shape[1]] * x, (M,)),
    "mgrid_one": Program(lambda x: (np.mgrid[: len(x)], np.mgrid[: len(x),]), (V,)),
    "mgrid_by_input": Program(lambda x, k: np.mgrid[k : len(x), 2:k], (V, K), True),
    "mgrid_steps": Program(lambda x, k: np.mgrid[0 : len(x) : k, 5:k:-2], (V, K), True),
    "ogrid": Program(lambda x, k: np.ogrid[k : len(x), :2, len(x) : 0 : -1], (V, K)),
    "ogrid_steps": Program(lambda x, k: (np.ogrid[: len(x) : k,], np.ogrid[:5:k]), (V, K), True),
    # np.r_ and np.c_
    "r": Program(lambda x, y: np.r_[x, 0, y, 1:4], (V, W), True),
    "r_slices": Program(lambda x: np.r_[0 : x.shape[0], x.shape[0] : 0 : -2], (V,), True),
    "r_by_input": Program(lambda k: np.r_[k:5, 0:k, :k:2], (K,), True),
    "r_step": Program(lambda x, k: np.r_[0:3, 0:7:k, x], (I8, K), True),
    "r_points": Program(lambda x: np.r_[x, 0:1:5j, -1:1:3j], (F32,), True),
    "r_rows": Program(lambda x, y: np.r_[x, y], (M, Spec((2, "m"))), True),
    "r_mixed": Program(lambda x, y: np.r_[x, y], (M, W), True),
    "r_weak": Program(lambda x: (np.r_[x, 2], np.r_[x, 2.5], np.r_[x, np.int16(2)]), (I8,)),
    "r_sizes": Program(lambda x: np.r_[x.shape[0], 5, x], (I8,), True),
    "r_one": Program(lambda x: np.r_[x], (M,), True),
    "r_overflow": Program(lambda x: np.r_[x, 1000], (I8,)),
    "r_scalars": Program(lambda x: np.r_[x.sum(), x.mean(), 0], (V,), True),
    "c": Program(lambda x, y: np.c_[x, y], (V, W), True),
    "c_rows": Program(lambda x, y: np.c_[x, y], (M, V), True),
    "c_numbers": Program(lambda x: np.c_[x, 1], (V,), True),
    "c_slices": Program(lambda x, k: np.c_[x, 0:k], (I, K), True),
    "c_slices_only": Program(lambda k: (np.c_[k:5, 0:3], np.c_[:k, 0.0:2.0:0.5]), (K,)),
    "c_slices_alone": Program(lambda k: np.c_[k:5, 0:3], (K,), True),
    "c_one": Program(lambda x: np.c_[x.sum(), 3], (V,), True),
    # transforms
    **{k: v for name in FOURIER for k, v in transforms_along(name).items()},
    "fft_complex": Program(lambda x: (np.fft.fft(x), np.fft.irfft(x, 3)), (C,), True),
    "rfft_complex": Program(lambda x: np.fft.rfft(x), (C,)),
    "fft_norm": Program(lambda x: np.fft.fft(x, norm="no"), (V,)),
    "fft_number": Program(lambda x: np.fft.fft(x.sum()), (V,)),
    **{k: v for name in FOURIERS for k, v in transforms_of_several(name).items()},
    "fft2_vector": Program(lambda x: np.fft.fft2(x), (V,)),
    "fftfreq": Program(lambda x: np.fft.fftfreq(x.shape[0]), (V,), True),
    "fftfreq_input": Program(lambda k: np.fft.fftfreq(k, 0.5), (K,), True),
    "fftfreq_spacing": Program(lambda k: np.fft.fftfreq(5, k), (K,)),
    "rfftfreq": Program(lambda k: (np.fft.rfftfreq(k), np.fft.rfftfreq(k, d=2)), (K,), True),
    "fftshift": Program(lambda x: (np.fft.fftshift(x), np.fft.ifftshift(x)), (MI,), True),
    "fftshift_axes": Program(
        lambda x: (np.fft.fftshift(x, 0), np.fft.ifftshift(x, (-1, 0, 0))), (M,), True
    ),
    "fftshift_axis": Program(lambda x: np.fft.fftshift(x, 1), (V,)),
    # places among edges, and counts
    "searchsorted": Program(lambda x, y: np.searchsorted(x, y), (V, W), True),
    "searchsorted_right": Program(lambda x, y: np.searchsorted(x, y, "right"), (I8, W), True),
    "searchsorted_number": Program(lambda x, k: np.searchsorted(x, k), (I, K), True),
    "searchsorted_rows": Program(lambda x, y: np.searchsorted(x, y), (M, W)),
    "digitize": Program(lambda x, y: np.digitize(x, y), (V, W)),
    "digitize_right": Program(lambda x, y: np.digitize(x, np.sort(y), right=True), (V, W)),
    "bincount": Program(lambda x: np.bincount(x), (I,)),
    "bincount_least": Program(lambda x, k: np.bincount(x, minlength=k), (I8, K)),
    "bincount_weights": Program(
        lambda x, w: np.bincount(x, weights=w, minlength=1),
        (Spec((Dim("n", min=1),), "int64"), W),
    ),
    "bincount_floats": Program(lambda x: np.bincount(x), (V,)),
    "histogram": Program(lambda x, k: np.histogram(x, k), (V, K), True),
    "histogram_edges": Program(lambda x, y: np.histogram(x, np.sort(y)), (V, W)),
    "histogram_range": Program(lambda x: np.histogram(x, 4, range=(0, 5)), (MI,), True),
    "histogram_size": Program(lambda x: np.histogram(x, 2, (0, x.shape[0])), (V,), True),
    "histogram_types": Program(lambda x: np.histogram(x, bins=3), (F32,)),
}  # fmt: skip
NEVER: Final = {
    "open_grid_of_matrices", "gradient_bool", "linspace_axis", "logspace_axis",
    "cross_bool", "copyto_into_number", "copyto_large", "copyto_floats", "fill_diagonal_vector",
    "windows_too_few", "quantile_outside", "quantile_many_axes", "quantile_bool",
    "quantile_complex", "quantile_method", "at_missing", "at_long", "at_bool",
    "at_two_results", "at_number_list", "reduceat_number", "reduceat_floats", "reduceat_less",
    "accumulate_number", "outer_unary", "select_floats", "select_lengths", "select_nothing",
    "choose_floats", "choose_nothing", "unravel_floats", "unravel_none",
    "ravel_index_floats", "ravel_index_few", "r_mixed", "r_overflow", "c_slices_only",
    "searchsorted_rows", "bincount_floats", "rfft_complex", "fft_norm", "fft_number", "fft2_vector", "fftshift_axis",
}  # fmt: skip
"""Programs that numpy never accepts."""


BY_CHANCE: Final = {
    f"{name}_{kind}"
    for name in ("irfft", "hfft", "irfftn", "irfft2")
    for kind in ("points", "fixed", "sizes", "own", "again_sizes")
}
"""Programs for which numpy computes from memory that nobody has written: transforms of half a
spectrum without points to a whole one with some."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_graph_accepts_and_computes_what_numpy_does(name: str) -> None:
    count = beside_numpy(name)
    assert (count == 0) == (name in NEVER), count


@pytest.mark.parametrize("name", [n for n in PROGRAMS if n not in NEVER])
def test_saved_graphs_are_the_same(name: str, tmp_path: Path) -> None:
    """And the inspection of strangers' files knows what they call."""
    program = PROGRAMS[name]
    module = trace(program.function, *program.specs)
    path = tmp_path / "graph.json"
    path.write_text(save(module))
    inspect(str(path), "json", 1 << 20)
    again = load(path.read_text())
    assert str(again.graph) == str(module.graph)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda x, k: math.copysign(k, 1), ("__setattr__", "__class__", "__reduce_ex__", "pi2")),
        (lambda x, k: np.add.outer(x, k), ("ma", "linalg", "__class__", "frompyfunc")),
        (lambda x, k: np.subtract.reduce(x), ("ma", "array", "nothing")),
        (lambda x, k: np.maximum.accumulate(x), ("ma", "array", "nothing")),
        (lambda x, k: np.add.reduceat(x, [0]), ("ma", "array", "nothing")),
        (lambda x, k: at(np.add, x, [0], k), ("ma", "save", "copyto")),
        (lambda x, k: np.r_[x, k], ("mgrid", "__dict__", "s_")),
    ],
)
def test_a_saved_graph_calls_by_name_what_traced_programs_do(
    function: Callable[..., Any], names: tuple[str, ...]
) -> None:
    """What a node names by a text in its arguments may be any text in a stranger's file."""
    document = json.loads(save(trace(function, V, K)))
    (graph, *_) = (part["nodes"] for part in document["modules"])
    (node,) = (n for n in graph if str(n["target"]).startswith("asserts.runtime."))
    known = dict(vars(math))
    for name in names:
        node["args"][0] = name
        with pytest.raises((ValueError, KeyError, AttributeError), match=name):
            load(json.dumps(document))(np.ones(3), 2)
    assert dict(vars(math)) == known


def test_what_is_not_supported_is_refused() -> None:
    strided = np.lib.stride_tricks.as_strided

    def on_constant(i: Any) -> Any:
        table = np.zeros(3)
        return TABLE, np.add.at(TABLE, i, 1), table

    for function, words in (
        (lambda i: strided(i, (2, 2), (8, 8)), "sliding_window_view"),
        (lambda i: np.r_["0,2", i], "directive"),
        (lambda i: np.r_[0.0 : i.shape[0]], "depends on rounding"),
        (lambda i: np.mgrid[0 : len(i) : 0.5], "only ranges of 64-bit integers"),
        (lambda i: np.mgrid[np.int8(0) : 2, : len(i)], "only ranges of 64-bit integers"),
        (lambda i: np.ogrid[: len(i), 3], "has the form"),
        (lambda i: np.polynomial.polynomial.polyval(2.0, i), "np.polynomial.polynomial.polyval"),
        (lambda i: np.add.at(i, [0], 1), "in place"),
        (on_constant, "in place"),
        (lambda i: np.select(i, i), "list or a tuple"),
        (lambda i: np.add.accumulate(i, out=i), "out"),
        (lambda i: np.choose(i, i), "must be known"),
        (lambda i: np.frompyfunc(max, 2, 1).accumulate(i), "not supported"),
        (lambda i: np.frompyfunc(max, 2, 1).reduce(i), "not supported"),
    ):
        with pytest.raises(TraceError, match=words):
            trace(function, I)  # type: ignore[arg-type]


TABLE = np.zeros(3)


def test_windows_cannot_be_written_into() -> None:
    def writes(x: Any) -> Any:
        y = x + 1
        w = WINDOWS(y, 2)
        w[0] = 0
        return w

    def of_nobody(x: Any) -> Any:
        w = WINDOWS(x + 1, 2)
        w[0] = 0
        return w

    for function in (writes, of_nobody):
        with pytest.raises(ValueError, match="read-only"):
            function(np.ones(3))
        with pytest.raises((TraceError, ShapeError)):
            trace(function, V)
