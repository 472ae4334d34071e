"""Models that the pages of the documentation talk about."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["save_skipping"]


def save_skipping(path: str, factor: int = 2, image: str = "image", result: str = "skip") -> None:
    """An image made smaller by a factor, made larger by it, and joined with itself."""

    def node(operator: str, inputs: list[str], output: str, **attributes: object) -> object:
        return helper.make_node(operator, inputs, [output], name=output, **attributes)

    kernel = np.ones((3, 3, 3, 3), "f4")
    graph = helper.make_graph(
        [
            node("Conv", [image, "kernel"], "down", strides=[factor] * 2, pads=[1] * 4),
            node("Resize", ["down", "", "scales"], "up", mode="nearest"),
            node("Concat", [image, "up"], result, axis=1),
        ],
        "skipping",
        [helper.make_tensor_value_info(image, TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.array([1, 1, factor, factor], "f4"), "scales"),
        ],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
