"""Types of values: tensors with symbolic dimensions, sequences, optionals, and others.

`Tensor.elements` holds what is known of a small tensor's elements: an array of objects, each
an integer or truth expression, a `Quotient` (see `model.elements`), or None where nothing is
known. `Tensor.span` bounds the elements of an integer tensor of any size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from shapes.expr import BoolExpr, IntExpr

__all__ = [
    "ELEMENTS",
    "Choice",
    "Elements",
    "Opaque",
    "Optional",
    "Sequence",
    "Shape",
    "Tensor",
    "Type",
]

ELEMENTS = 1024
"""Tensors with more elements than this are known by shape only."""

Shape: TypeAlias = tuple[IntExpr, ...]
Elements: TypeAlias = npt.NDArray[np.object_]


class Span(NamedTuple):
    """Bounds of a tensor's elements. Where they are `reached`, both are elements of it, if it
    has any: what an operation requires of its elements it requires of them."""

    least: IntExpr
    greatest: IntExpr
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: its element type (0 if unknown) and shape (None if its rank is unknown)."""

    dtype: int
    shape: Shape | None = None
    elements: Elements | None = None
    span: Span | None = None

    def without_elements(self) -> Tensor:
        """The same tensor, known by type only."""
        return replace(self, elements=None, span=None)


@dataclass(frozen=True, slots=True)
class Cut:
    """How a tensor of `total` along an axis was cut: in parts of `width`, but for what is left
    over, which is the last part."""

    axis: int
    width: IntExpr
    total: IntExpr


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence: what all its elements are, how many there are, and each if that is known;
    `cut` if they are the parts of a tensor, in their order."""

    element: Type | None
    length: IntExpr | None = None
    items: tuple[Type, ...] | None = None
    cut: Cut | None = None


@dataclass(frozen=True, slots=True)
class Optional:
    """An optional value: the type of what it holds; `present` if that is known."""

    element: Type | None
    present: bool | None = None


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value without a shape (a map, a sparse tensor): its type as the file spells it."""

    proto: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that is one of two which have no common description (their ranks differ, or
    their elements), as a condition on sizes decides."""

    condition: BoolExpr
    then: Type
    otherwise: Type


Type: TypeAlias = "Tensor | Sequence | Optional | Opaque | Choice"
