"""What the file says of its values: contradictions, and what only the file knows."""

from __future__ import annotations

from typing import Any

from onnx import ModelProto, TensorProto

from asserts.dialects.onnx.infer.walk import Frame, Walker
from asserts.dialects.onnx.model.reading import type_of
from asserts.dialects.onnx.model.types import Tensor
from asserts.errors import GraphError
from shapes.expr import IntExpr, constant

__all__ = ["reconciled"]


def reconciled(proto: ModelProto, walker: Walker, frame: Frame) -> list[str]:
    """Compare what the file says of every value with what was found.

    Takes from the file what was not found (results of unknown operators). The result says
    where the two contradict each other.
    """
    contradictions: list[str] = []
    for value in (*proto.graph.value_info, *proto.graph.output):
        found = frame.values.get(value.name)
        if isinstance(found, Tensor) and value.type.HasField("tensor_type"):
            try:
                frame.values[value.name] = _one(value, found, walker)
            except GraphError as error:
                contradictions.append(str(error))
    return contradictions


def _one(value: Any, found: Tensor, walker: Walker) -> Tensor:
    stated = value.type.tensor_type
    if stated.elem_type and found.dtype and stated.elem_type != found.dtype:
        raise GraphError(
            f"`{value.name}`: the file says that its elements are {_named(stated.elem_type)}, "
            f"but they are {_named(found.dtype)}"
        )
    if not stated.HasField("shape"):
        return found
    if found.shape is None:
        return _from_file(value, found, walker)
    if len(stated.shape.dim) != len(found.shape):
        if not stated.shape.dim:
            return found  # (writers that do not know a shape leave an empty one)
        raise GraphError(
            f"`{value.name}`: the file says that it has {len(stated.shape.dim)} axes, but it "
            f"has {len(found.shape)}: {_shown(found.shape)}"
        )
    for axis, (dim, size) in enumerate(zip(stated.shape.dim, found.shape, strict=True)):
        if dim.HasField("dim_value") and size.is_constant and dim.dim_value != size.constant:
            raise GraphError(
                f"`{value.name}`: the file says that axis {axis} has size {dim.dim_value}, "
                f"but it has {size}"
            )
    return found


def _from_file(value: Any, found: Tensor, walker: Walker) -> Tensor:
    def size(_: str, axis: int, dim: Any) -> IntExpr:
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            return constant(dim.dim_value)
        return walker.symbols.fresh(f"{value.name}_d{axis}", "the file")

    stated = type_of(value.type, size)
    assert isinstance(stated, Tensor)
    return Tensor(found.dtype or stated.dtype, stated.shape)


def _named(dtype: int) -> str:
    known = TensorProto.DataType.values()
    return str(TensorProto.DataType.Name(dtype)).lower() if dtype in known else f"type {dtype}"


def _shown(shape: Any) -> str:
    return "[" + ", ".join(str(d) for d in shape) + "]"
