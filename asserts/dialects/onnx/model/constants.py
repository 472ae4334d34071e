"""Constants of a model: element type and shape of every one, elements of small ones.

External data is never read: a constant that lies in another file is known by shape only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import isfinite, prod
from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper

from asserts.dialects.onnx.model.elements import as_element, elements_of
from asserts.dialects.onnx.model.types import ELEMENTS, Elements, Span, Tensor
from asserts.errors import GraphError
from shapes.expr import constant

__all__ = ["constant_of_attribute", "fixed_shape", "of_numbers", "of_tensor"]

_FLOATING = frozenset(
    (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
)
READABLE = _FLOATING | {
    TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
    TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64,
    TensorProto.BOOL,
}  # fmt: skip
"""Element types that constants are read of."""

FLOATS = 64
"""Constants of floating point with more elements than this are known by shape only."""


def fixed_shape(dims: Iterable[int]) -> tuple[Any, ...]:
    """A shape of known sizes."""
    return tuple(constant(int(d)) for d in dims)


def of_tensor(proto: TensorProto) -> Tensor:
    """What is known of a constant."""
    shape = fixed_shape(proto.dims)
    return Tensor(proto.data_type, shape, *_contents(proto))


def _contents(proto: TensorProto) -> tuple[Any, Any]:
    """Elements and span of a constant, as far as they are worth reading."""
    count = prod(proto.dims)
    external = proto.data_location == TensorProto.EXTERNAL
    if external or proto.data_type not in READABLE:
        return None, None
    is_float = proto.data_type in _FLOATING
    if count > (FLOATS if is_float else _SPANNED):
        return None, None
    try:
        array = numpy_helper.to_array(proto)
    except (ValueError, TypeError) as error:
        raise GraphError(f"the constant `{proto.name}` is damaged: {error}") from None
    if count > ELEMENTS:
        return None, Span(constant(int(array.min())), constant(int(array.max())))
    return _elements(array), None


_SPANNED = 1 << 20
"""Integer constants up to this size are read for their least and greatest element."""


def _elements(array: Any) -> Elements:
    return elements_of([as_element(_number(x)) for x in array.reshape(-1)], array.shape)


def _number(x: Any) -> Any:
    """An element as an exact Python number; None for infinities and NaN."""
    if isinstance(x, np.bool_):
        return bool(x)
    if isinstance(x, np.integer):
        return int(x)
    value = float(x)
    return Fraction(value) if isfinite(value) else None


def of_numbers(dtype: int, numbers: Sequence[Any] | Any) -> Tensor:
    """A constant of Python numbers: a scalar, or a vector of a sequence."""
    array = np.asarray(numbers)
    if array.dtype == object or array.size > ELEMENTS:
        return Tensor(dtype, fixed_shape(array.shape))
    if dtype == TensorProto.FLOAT:
        array = array.astype(np.float32)
    return Tensor(dtype, fixed_shape(array.shape), _elements(array))


def constant_of_attribute(name: str, value: Any) -> Tensor:
    """The tensor of a `Constant` node, by the name and value of its only attribute."""
    if name == "value":
        return of_tensor(value)
    if name == "sparse_value":
        return Tensor(value.values.data_type, fixed_shape(value.dims))
    dtype = _BY_ATTRIBUTE[name]
    if dtype == TensorProto.STRING:
        return Tensor(dtype, () if name == "value_string" else fixed_shape([len(value)]))
    empty = np.zeros(0, dtype=np.int64)
    return of_numbers(dtype, value if name in _SCALARS or len(value) else empty)


_SCALARS = ("value_int", "value_float")
_BY_ATTRIBUTE = {
    "value_int": TensorProto.INT64,
    "value_ints": TensorProto.INT64,
    "value_float": TensorProto.FLOAT,
    "value_floats": TensorProto.FLOAT,
    "value_string": TensorProto.STRING,
    "value_strings": TensorProto.STRING,
}
