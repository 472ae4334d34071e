"""Arrays of a shape and a dtype for tests: contents from one drawn number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asserts.errors import InputError

__all__ = ["FILLINGS", "array_of", "filled"]

FILLINGS: Final = 16
"""How many contents there are: zeros, ones, ascending numbers, then pseudo-random ones."""


def filled(shape: Sequence[int], dtype: Any, filling: int = 0) -> NDArray[Any]:
    """A numpy array of that shape and dtype; `filling` is below `FILLINGS`, and the simpler
    the smaller it is."""
    kind = np.dtype(dtype)
    size = tuple(map(int, shape))
    if filling == 0:
        return np.zeros(size, kind)
    if filling == 1:
        return np.ones(size, kind)
    count = int(np.prod(size, dtype=np.int64))
    if filling == 2:
        return (np.arange(count) % 100).reshape(size).astype(kind)
    random = np.random.default_rng(filling)
    if kind.kind == "b":
        return np.asarray(random.integers(0, 2, size)).astype(kind)
    if kind.kind in "iu":
        least = -20 if kind.kind == "i" else 0
        return np.asarray(random.integers(least, 100, size)).astype(kind)
    return np.asarray(random.standard_normal(size) * 10.0 ** (filling % 3)).astype(kind)


def array_of(
    types: Sequence[type], shape: Sequence[int], dtype: object, filling: int = 0
) -> Any:
    """An array of one of these types (none: numpy's) with that content.

    Raises `InputError` for types of which none is numpy's, torch's or jax's.
    """
    plain = filled(shape, dtype, filling)
    if not types or any(isinstance(plain, one) for one in types):
        return plain
    for one in types:
        package = one.__module__.partition(".")[0]
        if package == "torch":
            import torch

            return torch.from_numpy(np.ascontiguousarray(plain).reshape(plain.shape))
        if package in ("jax", "jaxlib"):
            import jax

            return jax.numpy.asarray(plain)
    shown = " or ".join(one.__name__ for one in types)
    raise InputError(f"it is not known how to make {shown}: give a strategy for it")
