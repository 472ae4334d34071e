"""Which dtypes an annotation means, for arrays of numpy's, torch's and jax's.

Dtypes are compared by name (``float32``, ``bfloat16``), which the frameworks have in common.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from asserts.errors import AnnotationError

__all__ = ["Dtypes", "dtype_named", "name_of_dtype"]

_PREFERRED: Final = ("float64", "float32", "int64", "int32", "bool", "complex128", "uint64")
"""What an array of several possible dtypes is by default, where one must be chosen."""

_OTHERS: Final = re.compile(r"bfloat16|float\d+\w*|u?int\d+")
"""Names of dtypes that numpy does not have."""


@dataclass(frozen=True)
class Dtypes:
    """The dtypes that are accepted, by name (None: all of them); `text` is how they are called
    in the annotation."""

    text: str
    names: tuple[str | re.Pattern[str], ...] | None

    def accepts(self, dtype: object) -> bool:
        """Whether a dtype of any framework is meant."""
        if self.names is None:
            return True
        name = name_of_dtype(dtype)
        return any(
            name == one if isinstance(one, str) else one.fullmatch(name) for one in self.names
        )

    @property
    def described(self) -> str:
        """The dtypes in words."""
        if self.names is None:
            return "of any dtype"
        plain = [one if isinstance(one, str) else one.pattern for one in self.names]
        if len(plain) == 1:
            return f"of dtype {plain[0]}"
        return f"of a dtype of {self.text}"

    def of_numpy(self) -> list[np.dtype[Any]]:
        """Those of numpy's that are accepted, the one to be preferred first."""
        known = [np.dtype(name) for name in (*_PREFERRED, *_MORE)]
        return [dtype for dtype in known if self.accepts(dtype)]


_MORE: Final = (
    "float16", "int8", "int16", "uint8", "uint16", "uint32", "complex64",
)  # fmt: skip


def name_of_dtype(dtype: object) -> str:
    """The name of a dtype: ``float32`` for numpy's, torch's and jax's alike."""
    name = getattr(dtype, "name", None)
    return name if isinstance(name, str) else str(dtype).rpartition(".")[2]


def dtype_named(text: str, shown: str) -> Dtypes:
    """The dtype of our own notation, as in ``f4[n]``; ``any`` means all.

    Raises `AnnotationError` for a name that is none.
    """
    if text == "any":
        return Dtypes(text, None)
    try:
        return Dtypes(text, (np.dtype(text).name,))
    except TypeError:
        if _OTHERS.fullmatch(text):
            return Dtypes(text, (text,))
    raise AnnotationError(f'"{shown}": {text!r} is not a dtype')


def dtypes_of(text: str, found: object) -> Dtypes:
    """The dtypes of one of jaxtyping's annotations. Raises `AnnotationError` for keys."""
    if not isinstance(found, (tuple, list)):
        return Dtypes(text, None)
    names: Sequence[Any] = tuple(found)
    if "prng_key" in names:
        raise AnnotationError(f"{text}: arrays of random keys have no contract")
    return Dtypes(text, tuple(names))
