"""Result dtypes, asked from numpy itself: the function is called on one-element arrays.

So promotion, weak Python scalars and every special case are numpy's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from asserts.errors import TraceError
from asserts.trace.symarray import SymArray
from shapes.env import SymBool, SymFloat, SymInt

__all__ = ["as_dtype", "dtype_of", "dummy", "results_of"]

_SUPPORTED = "biufc"


def as_dtype(value: Any) -> np.dtype[Any]:
    """A dtype from whatever numpy takes for one. Raises `TraceError` for others."""
    try:
        found: np.dtype[Any] = np.dtype(value)
    except TypeError as error:
        raise TraceError(f"{value!r} is not a dtype: {error}") from None
    if found.kind not in _SUPPORTED:
        raise TraceError(
            f"arrays of dtype {found} cannot be traced (booleans and numbers can)"
        )
    return found


def dummy(value: Any) -> Any:
    """A concrete stand-in of the same dtype (or weak type) and rank, with one element."""
    if isinstance(value, SymArray):
        return np.ones((1,) * value.ndim, value.dtype)
    if isinstance(value, np.ndarray):
        return np.ones((1,) * value.ndim, as_dtype(value.dtype))
    if isinstance(value, np.generic):
        return np.ones((), as_dtype(value.dtype))[()]
    if isinstance(value, SymInt):
        return 1
    if isinstance(value, SymFloat):
        return 1.0
    if isinstance(value, SymBool):
        return True
    if isinstance(value, (list, tuple)):
        return type(value)(dummy(v) for v in value)
    return value


def results_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What the function returns on stand-ins for its array arguments."""
    stand_ins = [dummy(a) for a in args]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*stand_ins, **{k: dummy(v) for k, v in kwargs.items()})


def dtype_of(function: Callable[..., Any], *args: Any, **kwargs: Any) -> np.dtype[Any]:
    """The dtype of the function's result."""
    return as_dtype(np.asarray(results_of(function, *args, **kwargs)).dtype)
