"""What was found, written into a copy of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    TensorShapeProto,
    TypeProto,
    ValueInfoProto,
)

from asserts.dialects.onnx.infer.walk import shown_name
from asserts.dialects.onnx.model.types import Opaque, Optional, Sequence, Shape, Tensor, Type
from shapes.expr import IntExpr

if TYPE_CHECKING:
    from asserts.dialects.onnx.infer.model import Inferred

__all__ = ["annotated", "dimension_text"]

LONGEST = 1000
"""Longer text is not written: the dimension stays without a name."""


def annotated(found: Inferred) -> ModelProto:
    """A copy of the model with a `value_info` for each value whose type is known."""
    model = ModelProto()
    model.CopyFrom(found.source)
    _annotate(model.graph, found.types, found, "")
    return model


def _annotate(
    graph: GraphProto, types: Mapping[str, Type], found: Inferred, path: str
) -> None:
    outer = {value.name for value in (*graph.input, *graph.output)}
    made = dict.fromkeys(name for node in graph.node for name in node.output if name)
    before = {value.name: value for value in graph.value_info}
    for name in made:
        known = types.get(path + name)
        if known is None or name in outer:
            continue
        value = before.get(name)
        if value is None:
            value = ValueInfoProto(name=name)
            if _write(value.type, known, found):
                graph.value_info.append(value)
        else:
            _write(value.type, known, found)
    for value in graph.output:
        known = types.get(path + value.name)
        if known is not None:
            _write(value.type, known, found)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                label = _LABELS.get(attribute.name, attribute.name)
                inner = f"{path}{shown_name(node)}/{label}/"
                _annotate(attribute.g, found.inner, found, inner)


_LABELS = {"then_branch": "then", "else_branch": "else"}


def _write(proto: TypeProto, known: Type, found: Inferred) -> bool:
    """Write a type; whether there is anything to write."""
    if isinstance(known, Tensor):
        if not known.dtype:
            return False
        proto.tensor_type.elem_type = known.dtype
        if known.shape is not None:
            _write_shape(proto.tensor_type.shape, known.shape, found)
        return True
    if isinstance(known, Sequence) and known.element is not None:
        return _write(proto.sequence_type.elem_type, known.element, found)
    if isinstance(known, Optional) and known.element is not None:
        return _write(proto.optional_type.elem_type, known.element, found)
    if isinstance(known, Opaque):
        proto.CopyFrom(known.proto)
        return True
    return False


def _write_shape(proto: TensorShapeProto, shape: Shape, found: Inferred) -> None:
    proto.SetInParent()  # (a scalar has a shape, without axes)
    if len(proto.dim) != len(shape):
        del proto.dim[:]
    while len(proto.dim) < len(shape):
        proto.dim.add()
    for dim, size in zip(proto.dim, shape, strict=True):
        if size.is_constant:
            dim.dim_value = int(size.constant)
        else:
            text = found.texts.get(size)
            if text is None:
                text = found.texts[size] = dimension_text(size, found.symbols.spelled)
            if len(text) <= LONGEST:
                dim.dim_param = text


def dimension_text(size: IntExpr, spelled: Mapping[str, str]) -> str:
    """A size as text; a symbol alone is spelled as the file spells it."""
    text = str(size)
    return spelled.get(text, text)
