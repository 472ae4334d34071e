"""What graphs call beside numpy: functions of real arrays, without an effect.

All of them are deterministic and found by name (so they can be saved and pickled), and none
changes its arguments. `functional_assert` has no effect beside its result: what must not run
without the check depends on its token.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asserts.errors import RuntimeAssertionError
from asserts.graph.node import IMPURE

__all__ = [
    "Token",
    "accumulate_with",
    "astype",
    "at_with",
    "count_nonzero",
    "functional_assert",
    "impure",
    "item",
    "joined_with",
    "make_token",
    "math_of",
    "outer_with",
    "raise_unless",
    "reduce_with",
    "reduceat_with",
    "set_item",
    "size",
    "tracepoint",
    "update",
    "written_with",
]


F = TypeVar("F", bound=Callable[..., object])


class Token:
    """Stands for the checks that have passed so far; all tokens are equal."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token)

    def __hash__(self) -> int:
        return hash(Token)

    def __repr__(self) -> str:
        return "Token()"


def size(x: Any, dim: int) -> int:
    """The size of one axis of an array."""
    return operator.index(x.shape[dim])


def item(x: object) -> int | float | bool:
    """The only element of an array (or an array scalar) as Python's number."""
    found = x.item() if hasattr(x, "item") else x
    assert isinstance(found, (int, float, bool))
    return found


def count_nonzero(x: ArrayLike) -> int:
    """How many elements are not 0, as Python's number."""
    return int(np.count_nonzero(x))


def astype(x: ArrayLike, dtype: str) -> Any:
    """A copy with another dtype (a scalar stays one)."""
    return x.astype(dtype) if isinstance(x, np.generic) else np.array(x).astype(dtype)


def set_item(x: NDArray[Any], key: Any, value: Any) -> NDArray[Any]:
    """A copy in which ``copy[key] = value`` was done."""
    changed = np.array(x)
    changed[tuple(key) if isinstance(key, list) else key] = value
    return changed


def _ufunc(name: str) -> np.ufunc:
    """numpy's ufunc of that name; a saved graph may hold any text for one."""
    found = getattr(np, name, None)
    if not isinstance(found, np.ufunc):
        raise ValueError(f"numpy has no ufunc {name!r}")
    return found


def update(name: str, x: NDArray[Any], other: object) -> NDArray[Any]:
    """A copy in which the ufunc of that name was applied in place, with `other`."""
    changed = np.array(x)
    if name == "power":
        changed **= other  # not always what np.power computes
    else:
        _ufunc(name)(changed, other, out=changed)
    return changed


def reduce_with(name: str, x: ArrayLike, axis: Any = 0, keepdims: bool = False) -> Any:
    """The reduction by the ufunc of that name."""
    return _ufunc(name).reduce(x, axis=axis, keepdims=keepdims)


def accumulate_with(name: str, x: ArrayLike, axis: int = 0, dtype: Any = None) -> Any:
    """The accumulation by the ufunc of that name."""
    return _ufunc(name).accumulate(x, axis=axis, dtype=dtype)


def reduceat_with(
    name: str, x: ArrayLike, indices: Any, axis: int = 0, dtype: Any = None
) -> Any:
    """The reductions of slices by the ufunc of that name."""
    return _ufunc(name).reduceat(x, indices, axis=axis, dtype=dtype)


def outer_with(name: str, a: ArrayLike, b: ArrayLike, dtype: object = None) -> Any:
    """The ufunc of that name on all pairs."""
    options = {} if dtype is None else {"dtype": dtype}
    return _ufunc(name).outer(a, b, **options)


def at_with(name: str, x: NDArray[Any], key: Any, *operands: Any) -> NDArray[Any]:
    """A copy in which the ufunc of that name was applied in place at `key`, once for every
    time that a place occurs."""
    changed = np.array(x)
    _ufunc(name).at(changed, tuple(key) if isinstance(key, list) else key, *operands)
    return changed


_WRITERS: Final = ("copyto", "fill_diagonal", "place", "put_along_axis", "putmask")
"""numpy's functions that write into their first argument and return nothing."""


def written_with(name: str, x: NDArray[Any], *args: Any, **kwargs: Any) -> NDArray[Any]:
    """A copy into which one of `_WRITERS` has written."""
    if name not in _WRITERS:
        raise ValueError(f"numpy has no function {name!r} that writes")
    changed = np.array(x)
    getattr(np, name)(changed, *args, **kwargs)
    return changed


def joined_with(name: str, items: Any) -> Any:
    """``np.r_[items]`` or ``np.c_[items]``."""
    return {"r_": np.r_, "c_": np.c_}[name][tuple(items)]


def math_of(name: str, *args: object, **kwargs: object) -> Any:
    """The function of `math` of that name (the module's own methods are none)."""
    if name.startswith("_"):
        raise ValueError(f"math has no function {name!r}")
    return getattr(math, name)(*args, **kwargs)


def make_token() -> Token:
    """The token before the first check."""
    return Token()


def functional_assert(
    condition: Any,
    text: str,
    values: Any,
    message: str | None = None,
    sources: Any = None,
    location: str | None = None,
    by_user: bool = False,
    *,
    token: Token,
) -> Token:
    """An assert as a function: the next token where the condition holds.

    Raises `RuntimeAssertionError` where it doesn't.
    """
    raise_unless(condition, text, values, message, sources, location)
    return token


def raise_unless(
    condition: object,
    text: str,
    values: Mapping[str, object],
    message: str | None,
    sources: Mapping[str, str] | None,
    location: str | None,
) -> None:
    """Raise `RuntimeAssertionError` unless a condition holds."""
    if not condition:
        raise RuntimeAssertionError(
            condition=text,
            values=dict(values),
            sources=dict(sources or {}),
            user_message=message,
            location=location,
        )


def impure(function: F) -> F:
    """A function whose calls stay in a graph although nothing uses their results."""
    setattr(function, IMPURE, True)
    return function


@impure
def tracepoint(kind: str, path: str, *values: object) -> tuple[Any, ...]:
    """Marks what goes into (`kind` "inputs") or comes out of ("outputs") the submodule at a
    path; returns the values."""
    return values
