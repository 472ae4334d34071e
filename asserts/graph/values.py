"""What a node of a traced graph stands for: arrays with symbolic shapes.

`node.meta["val"]` holds an `ArrayValue`, an `Expr` (a size, or a scalar that was read from an
array), a plain constant, or tuples, lists and dicts of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shapes.expr import Expr, IntExpr
from shapes.traversal import evaluate

__all__ = ["ArrayValue", "concrete"]


@dataclass(frozen=True)
class ArrayValue:
    """An array by its shape, one integer expression for each axis, and its dtype."""

    shape: tuple[IntExpr, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def describe(self) -> str:
        """In a few characters: ``f64[b, 128]``."""
        return f"{_short(self.dtype)}[{', '.join(map(str, self.shape))}]"

    def __str__(self) -> str:
        return self.describe()


def _short(dtype: np.dtype[Any]) -> str:
    name = str(dtype.name)
    parts = re.fullmatch(r"(float|int|uint|complex)(\d+)", name)
    if parts is None:
        return name
    return {"float": "f", "int": "i", "uint": "u", "complex": "c"}[parts[1]] + parts[2]


def concrete(value: object, symbols: Mapping[Any, object]) -> Any:
    """A value with its expressions evaluated; an array becomes ``(shape, dtype)``."""
    if isinstance(value, ArrayValue):
        return tuple(evaluate(size, symbols) for size in value.shape), value.dtype
    if isinstance(value, Expr):
        return evaluate(value, symbols)
    if isinstance(value, (tuple, list)):
        return type(value)(concrete(item, symbols) for item in value)
    if isinstance(value, dict):
        return {key: concrete(item, symbols) for key, item in value.items()}
    return value
