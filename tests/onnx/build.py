"""Small models written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def value(name: str, shape: Sequence[Any] | None = None, dtype: int = FLOAT) -> Any:
    """An input or output."""
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: dict[str, Any] | None = None,
    opset: int = 17,
    **rest: Any,
) -> ModelProto:
    """A model of these nodes."""
    made = [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()]
    outs = [value(o, None) if isinstance(o, str) else o for o in outputs]
    graph = helper.make_graph(list(nodes), "g", list(inputs), outs, made)
    imports = [helper.make_opsetid("", opset), *rest.pop("imports", ())]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, **rest)


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Any:
    """A node; attributes of None are left out."""
    return helper.make_node(op, list(inputs), list(outputs), **attributes)
