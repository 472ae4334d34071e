"""Models read: from a path, bytes, a message, or onnx-ir's model; and the types in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TypeProto

from asserts.dialects.onnx.model.types import Opaque, Optional, Sequence, Tensor, Type
from asserts.errors import GraphError
from shapes.expr import IntExpr

__all__ = ["attributes_of", "domain_of", "folder_of", "load_model", "opsets_of", "type_of"]


def load_model(model: Any) -> ModelProto:
    """The message of a model: itself, or read from a path, bytes, onnx-ir's model, or what
    torch exports.

    External data is not read. Raises `OSError` for a file that cannot be read, and
    `GraphError` for one that is not a model.
    """
    if isinstance(model, ModelProto):
        return model
    if isinstance(model, (str, os.PathLike)):
        return _parsed(Path(model).read_bytes(), os.fspath(model))
    if isinstance(model, bytes):
        return _parsed(model, "the given content")
    if type(model).__module__.split(".")[0] == "onnx_ir":
        import onnx_ir

        return onnx_ir.to_proto(model)
    if type(model).__module__.startswith("torch.onnx") and hasattr(model, "model_proto"):
        return model.model_proto
    raise GraphError(f"{type(model).__name__} is not an ONNX model, nor a path of one")


def folder_of(model: Any) -> str | None:
    """The folder in which a model's external data lies; None for a model without a path."""
    if isinstance(model, (str, os.PathLike)):
        return os.path.dirname(os.path.abspath(os.fspath(model)))
    return None


def _parsed(content: bytes, name: str) -> ModelProto:
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except (DecodeError, RuntimeError) as error:
        raise GraphError(f"{name} is not an ONNX model, or is damaged: {error}") from None
    if not model.HasField("graph") or not model.opset_import:
        missing = "graph" if not model.HasField("graph") else "operator set"
        raise GraphError(f"{name} is not an ONNX model: there is no {missing} in it")
    if any(isinstance(text, bytes) for text in _names(model.graph)):
        raise GraphError(f"{name} is damaged: a name in it is not UTF-8 text")
    return model


def _names(graph: GraphProto) -> Iterator[Any]:
    """All names in a graph: of values, operators, dimensions."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.name
        yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
    yield from (tensor.name for tensor in graph.initializer)
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            if attribute.type == AttributeProto.GRAPH:
                yield from _names(attribute.g)


def opsets_of(imports: Iterable[Any]) -> dict[str, int]:
    """The version of each domain's operator set."""
    return {domain_of(one.domain): one.version for one in imports}


def domain_of(domain: str) -> str:
    """A domain's name; the default one has two."""
    return "" if domain == "ai.onnx" else domain


# ------------------------------------------------------------------------ types

Named = Callable[[str, int, Any], IntExpr]
"""The size of an axis, from the value's name, the axis, and the dimension in the file."""


def type_of(proto: TypeProto, context: Mapping[str, Any] | Named) -> Type:
    """A type in a file; sizes are what `context` (a function) makes of its dimensions, or not
    known without one."""
    kind = proto.WhichOneof("value")
    if kind == "tensor_type":
        return _tensor(proto.tensor_type, context)
    if kind == "sequence_type":
        return Sequence(type_of(proto.sequence_type.elem_type, {}))
    if kind == "optional_type":
        return Optional(type_of(proto.optional_type.elem_type, context))
    return Tensor(0) if kind is None else Opaque(proto)


def _tensor(proto: Any, context: Mapping[str, Any] | Named) -> Tensor:
    if not proto.HasField("shape") or not callable(context):
        return Tensor(proto.elem_type)
    sizes = tuple(context("", i, dim) for i, dim in enumerate(proto.shape.dim))
    return Tensor(proto.elem_type, sizes)


# ------------------------------------------------------------------------ attributes

_READ: dict[int, Callable[[AttributeProto], Any]] = {
    AttributeProto.INT: lambda a: a.i,
    AttributeProto.FLOAT: lambda a: a.f,
    AttributeProto.STRING: lambda a: a.s,
    AttributeProto.INTS: lambda a: list(a.ints),
    AttributeProto.FLOATS: lambda a: list(a.floats),
    AttributeProto.STRINGS: lambda a: list(a.strings),
    AttributeProto.TENSOR: lambda a: a.t,
    AttributeProto.SPARSE_TENSOR: lambda a: a.sparse_tensor,
    AttributeProto.GRAPH: lambda a: a.g,
    AttributeProto.TYPE_PROTO: lambda a: a.tp,
    AttributeProto.GRAPHS: lambda a: list(a.graphs),
    AttributeProto.TENSORS: lambda a: list(a.tensors),
}


def attributes_of(node: NodeProto, bound: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a node; in a function's body, with those of its call in place."""
    found = {}
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name in bound:
                found[attribute.name] = bound[attribute.ref_attr_name]
        elif attribute.type in _READ:
            found[attribute.name] = _READ[attribute.type](attribute)
    return found
