"""Models written to files."""

from __future__ import annotations

import os
from collections.abc import Iterator

from onnx import AttributeProto, GraphProto, ModelProto, TensorProto

from asserts.errors import GraphError

__all__ = ["external", "require_external", "serialized"]

BESIDE = "save the model beside it"


def serialized(model: ModelProto, path: str) -> bytes:
    """The bytes of a model for a file of that name.

    Raises `GraphError` if the model has external data that is not beside that file, or is too
    large for one file.
    """
    require_external(model, os.path.dirname(os.path.abspath(path)), f"{path}: ", BESIDE)
    try:
        return bytes(model.SerializeToString())
    except ValueError as error:
        raise GraphError(f"{path}: the model is too large for one file: {error}") from None


def require_external(model: ModelProto, folder: str | None, words: str, advice: str) -> None:
    """Raises `GraphError`, which begins with `words` and ends with an advice, if the model has
    external data that is not in a folder."""
    for tensor in external(model.graph):
        location = next((e.value for e in tensor.external_data if e.key == "location"), "")
        if folder is None or not os.path.exists(os.path.join(folder, location)):
            where = "which is not there" if folder is None else f"which is not in {folder}"
            elements = f"{words}the elements of `{tensor.name}`"
            raise GraphError(f"{elements} are in {location!r}, {where}: {advice}")


def external(graph: GraphProto) -> Iterator[TensorProto]:
    """The constants whose elements are in other files."""
    for tensor in graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            yield tensor
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from external(attribute.g)
            elif attribute.t.data_location == TensorProto.EXTERNAL:
                yield attribute.t
