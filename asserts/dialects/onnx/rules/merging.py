"""What two values have in common: the type of a result that is one of them."""

from __future__ import annotations

from asserts.dialects.onnx.model.elements import elements_of
from asserts.dialects.onnx.model.types import (
    Choice,
    Elements,
    Opaque,
    Optional,
    Sequence,
    Shape,
    Tensor,
    Type,
)
from asserts.dialects.onnx.rules.record import Walk
from shapes.expr import BoolExpr, IntExpr, less_equal, where

__all__ = ["merged"]


def merged(
    a: Type, b: Type, walk: Walk, label: str, condition: BoolExpr | None = None
) -> Type:
    """The type of a value that is `a` where the condition holds and else `b`; without a
    condition it is not known which. Sizes that differ become a fresh one between them."""
    if a is b:
        return a
    if condition is not None and _differ(a, b):
        return Choice(condition, a, b)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return _tensors(a, b, walk, label, condition)
    if isinstance(a, Sequence) and isinstance(b, Sequence):
        return _sequences(a, b, walk, label, condition)
    if isinstance(a, Optional) or isinstance(b, Optional):
        return _optionals(a, b, walk, label, condition)
    return a if isinstance(a, Opaque) else b


def _differ(a: Type, b: Type) -> bool:
    """Whether two values have no common description worth having."""
    if isinstance(a, Choice) or isinstance(b, Choice):
        return True
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        return False
    if a.shape is None or b.shape is None:
        return False
    if len(a.shape) != len(b.shape):
        return True
    if a.elements is None or b.elements is None:
        return False
    if a.elements.shape != b.elements.shape:
        return True
    return any(x is not y for x, y in zip(a.elements.flat, b.elements.flat, strict=True))


def _tensors(
    a: Tensor, b: Tensor, walk: Walk, label: str, condition: BoolExpr | None
) -> Tensor:
    dtype = a.dtype if a.dtype == b.dtype else a.dtype or b.dtype
    if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
        return Tensor(dtype)
    shape = tuple(
        _size(x, y, walk, f"{label}_d{i}", condition)
        for i, (x, y) in enumerate(zip(a.shape, b.shape, strict=True))
    )
    return Tensor(dtype, shape, _elements(a, b, shape, condition))


def _size(
    a: IntExpr, b: IntExpr, walk: Walk, label: str, condition: BoolExpr | None
) -> IntExpr:
    if a is b:
        return a
    if condition is not None:
        chosen = where(condition, a, b)
        assert isinstance(chosen, IntExpr)
        return chosen
    from shapes.expr import maximum, minimum

    if walk.known(less_equal(a, b)):
        return walk.fresh(label, a, b)
    if walk.known(less_equal(b, a)):
        return walk.fresh(label, b, a)
    return walk.fresh(label, minimum(a, b), maximum(a, b))


def _elements(
    a: Tensor, b: Tensor, shape: Shape, condition: BoolExpr | None
) -> Elements | None:
    if a.elements is None or b.elements is None or a.elements.shape != b.elements.shape:
        return None
    pairs = zip(a.elements.flat, b.elements.flat, strict=True)
    found = [x if x is y else _either(x, y, condition) for x, y in pairs]
    return elements_of(found, a.elements.shape)


def _either(a: object, b: object, condition: BoolExpr | None) -> object:
    if condition is None or not isinstance(a, IntExpr) or not isinstance(b, IntExpr):
        return None
    return where(condition, a, b)


def _sequences(
    a: Sequence, b: Sequence, walk: Walk, label: str, condition: BoolExpr | None
) -> Sequence:
    if a.element is None or b.element is None:
        element = a.element or b.element
    else:
        element = merged(a.element, b.element, walk, label, condition)
    length = a.length if a.length is b.length else None
    return Sequence(element, length)


def _optionals(
    a: Type, b: Type, walk: Walk, label: str, condition: BoolExpr | None
) -> Optional:
    x = a if isinstance(a, Optional) else Optional(a, True)
    y = b if isinstance(b, Optional) else Optional(b, True)
    if x.element is None or y.element is None:
        element = x.element or y.element
    else:
        element = merged(x.element, y.element, walk, label, condition)
    return Optional(element, x.present if x.present == y.present else None)
