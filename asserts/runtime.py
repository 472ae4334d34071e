"""What graphs call beside numpy: functions of real arrays, without an effect.

All of them are deterministic and found by name (so they can be saved and pickled), and none
changes its arguments.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "accumulate_with",
    "astype",
    "item",
    "outer_with",
    "reduce_with",
    "set_item",
    "size",
    "update",
]


def size(x: Any, dim: int) -> int:
    """The size of one axis of an array."""
    return operator.index(x.shape[dim])


def item(x: Any) -> int | float | bool:
    """The only element of an array (or an array scalar) as Python's number."""
    found = x.item() if hasattr(x, "item") else x
    assert isinstance(found, (int, float, bool))
    return found


def astype(x: ArrayLike, dtype: str) -> NDArray[Any]:
    """A copy with another dtype."""
    return np.array(x).astype(dtype)


def set_item(x: NDArray[Any], key: Any, value: Any) -> NDArray[Any]:
    """A copy in which ``copy[key] = value`` was done."""
    changed = np.array(x)
    changed[tuple(key) if isinstance(key, list) else key] = value
    return changed


def update(name: str, x: NDArray[Any], other: Any) -> NDArray[Any]:
    """A copy in which the ufunc of that name was applied in place, with `other`."""
    changed = np.array(x)
    if name == "power":
        changed **= other  # not always what np.power computes
    else:
        getattr(np, name)(changed, other, out=changed)
    return changed


def reduce_with(name: str, x: ArrayLike, axis: Any = 0, keepdims: bool = False) -> Any:
    """The reduction by the ufunc of that name."""
    return getattr(np, name).reduce(x, axis=axis, keepdims=keepdims)


def accumulate_with(name: str, x: ArrayLike, axis: int = 0) -> Any:
    """The accumulation by the ufunc of that name."""
    return getattr(np, name).accumulate(x, axis=axis)


def outer_with(name: str, a: ArrayLike, b: ArrayLike) -> Any:
    """The ufunc of that name on all pairs."""
    return getattr(np, name).outer(a, b)
