"""Models written to files."""

from __future__ import annotations

import os
from collections.abc import Iterator

from onnx import AttributeProto, GraphProto, ModelProto, TensorProto

from asserts.errors import GraphError

__all__ = ["require_external", "serialized"]


def serialized(model: ModelProto, path: str) -> bytes:
    """The bytes of a model for a file of that name.

    Raises `GraphError` if the model has external data that is not beside that file, or is too
    large for one file.
    """
    require_external(model, path)
    try:
        return bytes(model.SerializeToString())
    except ValueError as error:
        raise GraphError(f"{path}: the model is too large for one file: {error}") from None


def require_external(model: ModelProto, path: str) -> None:
    """Raises `GraphError` if the model has external data that is not beside a file."""
    folder = os.path.dirname(os.path.abspath(path))
    for tensor in _external(model.graph):
        location = next((e.value for e in tensor.external_data if e.key == "location"), "")
        if not os.path.exists(os.path.join(folder, location)):
            raise GraphError(
                f"{path}: the elements of `{tensor.name}` are in {location!r}, which is not "
                f"in {folder}: save the model beside it"
            )


def _external(graph: GraphProto) -> Iterator[TensorProto]:
    for tensor in graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            yield tensor
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from _external(attribute.g)
            elif attribute.t.data_location == TensorProto.EXTERNAL:
                yield attribute.t
