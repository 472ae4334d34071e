"""What the file says of its values: contradictions, and what only the file knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onnx import ModelProto, TensorProto, helper

from asserts.dialects.onnx.infer.walk import Frame, Requirement, Walker, shown_name
from asserts.dialects.onnx.model.reading import type_of
from asserts.dialects.onnx.model.types import Tensor, Type
from asserts.errors import GraphError
from shapes.expr import IntExpr, constant, equal

__all__ = ["alike", "reconciled"]


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


def alike(proto: ModelProto, types: Mapping[str, Type]) -> Iterator[Requirement]:
    """What follows from values of which the file says that they have one shape, though they
    were found to have several.

    onnxruntime lets one take the memory of the other, and stops where they differ. Whether it
    does depends on the order in which it runs, so that they be equal is only sufficient.
    Results of the model have memory of their own.
    """
    makers = {name: node for node in proto.graph.node for name in node.output}
    results = {value.name for value in proto.graph.output}
    first: dict[tuple[Any, ...], tuple[str, Tensor]] = {}
    for value in proto.graph.value_info:
        found, stated = types.get(value.name), _shape_in_file(value)
        maker = makers.get(value.name)
        if stated is None or maker is None or value.name in results:
            continue
        if not isinstance(found, Tensor) or not found.dtype or found.shape is None:
            continue
        if len(found.shape) != len(stated):
            continue
        size = helper.tensor_dtype_to_np_dtype(found.dtype).itemsize
        name, other = first.setdefault((size, stated), (value.name, found))
        if other.shape is None or other.shape == found.shape:
            continue
        for axis, (a, b) in enumerate(zip(other.shape, found.shape, strict=True)):
            if a is b:
                continue
            reason = (
                f"the file says that it has the shape of `{name}`, but axis {axis} has {b} "
                f"for {a}, and onnxruntime may give both the same memory"
            )
            node, result = shown_name(maker), value.name
            yield Requirement(equal(a, b), reason, node, maker.op_type, False, result=result)


def _shape_in_file(value: Any) -> tuple[int | str, ...] | None:
    """A shape as the file has it, if it has a number or a name for every size."""
    stated = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not stated.HasField("shape"):
        return None
    dims = tuple(
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param
        for dim in stated.shape.dim
    )
    return dims if all(dim not in ("", -1) for dim in dims) else None


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
