"""Small models whose contracts are known by running them: one for each kind of requirement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import ModelProto

from tests.onnx.build import INT64, model, node, value


def _one(
    op: str, *shapes: list, constants: dict | None = None, extra: tuple = (), **attributes
) -> ModelProto:  # type: ignore[no-untyped-def]
    names = [f"x{i}" for i in range(len(shapes))]
    made = node(op, [*names, *extra], ["y"], **attributes)
    return model([made], [value(n, s) for n, s in zip(names, shapes)], ["y"], constants)


def _weights(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def fpn() -> ModelProto:
    """Down by two twice, up again, and added: sizes are multiples of 4, or so small that the
    sum broadcasts."""
    down = {"strides": [2], "pads": [1, 1]}
    return model(
        [
            node("Conv", ["x", "w"], ["a"], **down),
            node("Conv", ["a", "w"], ["b"], **down),
            node("Resize", ["b", "", "scales"], ["up"]),
            node("Add", ["up", "a"], ["y"]),
            node("Resize", ["y", "", "scales"], ["up2"]),
            node("Add", ["up2", "x"], ["z"]),
        ],
        [value("x", ["n", 1, "w_"])],
        ["z"],
        {"w": _weights(1, 1, 3), "scales": np.array([1, 1, 2], np.float32)},
    )


def positions() -> ModelProto:
    """A table of 12 positions, of which the first ``seq`` are added."""
    return model(
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "one"], ["n"]),
            node("Range", ["zero", "n", "one"], ["at"]),
            node("Gather", ["table", "at"], ["rows"]),
            node("Add", ["x", "rows"], ["y"]),
        ],
        [value("x", ["batch", "seq", 4])],
        ["y"],
        {"zero": 0, "one": 1, "table": _weights(12, 4)},
    )


def sliced_positions() -> ModelProto:
    """The same, with a slice, which is clamped: then the sum does not fit."""
    return model(
        [
            node("Shape", ["x"], ["s"], start=1, end=2),
            node("Slice", ["table", "zeros", "s"], ["rows"]),
            node("Add", ["x", "rows"], ["y"]),
        ],
        [value("x", ["batch", "seq", 4])],
        ["y"],
        {"zeros": [0], "table": _weights(12, 4)},
    )


def heads() -> ModelProto:
    """A last axis that is split into three heads."""
    return model(
        [node("Reshape", ["x", "target"], ["y"])],
        [value("x", ["n", "width"])],
        ["y"],
        {"target": [0, 3, -1]},
    )


def flattened() -> ModelProto:
    return model(
        [node("Reshape", ["x", "target"], ["h"]), node("MatMul", ["h", "w"], ["y"])],
        [value("x", ["n", "m", 2])],
        ["y"],
        {"target": [0, -1], "w": _weights(12, 3)},
    )


def shaped_like() -> ModelProto:
    """One input in the shape of another."""
    return model(
        [node("Shape", ["z"], ["s"]), node("Reshape", ["x", "s"], ["y"])],
        [value("x", ["n", 2]), value("z", ["p", 4])],
        ["y"],
    )


MODELS: dict[str, Callable[[], ModelProto]] = {
    "matmul": lambda: _one("MatMul", ["n", "k"], ["l", 3]),
    "batched matmul": lambda: _one("MatMul", ["n", 2, "k"], ["m", "l", 3]),
    "gemm": lambda: _one("Gemm", ["n", "k"], ["m", "l"], transB=1),
    "gemm with bias": lambda: _one("Gemm", ["n", 2], [2, "m"], ["p"]),
    "broadcast": lambda: _one("Add", ["n", "m"], ["p", "m"]),
    "broadcast a vector": lambda: _one("Mul", ["n", "m"], ["p"]),
    "where": lambda: _one("PRelu", ["n", "m"], ["m"]),
    "concat": lambda: _one("Concat", ["n", "m"], ["p", "q"], axis=1),
    "split evenly": lambda: model(
        [node("Split", ["x"], ["a", "b", "c"], axis=1)], [value("x", ["n", "m"])], ["a", "b", "c"], opset=13
    ),
    "split into parts": lambda: model(
        [node("Split", ["x", "parts"], ["a", "b"], axis=1)],
        [value("x", ["n", "m"])],
        ["a", "b"],
        {"parts": [2, 3]},
    ),
    "split into a number": lambda: model(
        [node("Split", ["x"], ["a", "b", "c"], axis=1, num_outputs=3)],
        [value("x", ["n", "m"])],
        ["a", "b", "c"],
        opset=18,
    ),
    "convolution": lambda: _one("Conv", ["n", "c", "w"], extra=("k",), constants={"k": _weights(2, 3, 4)}, strides=[2]),
    "padded convolution": lambda: _one("Conv", ["n", 3, "w"], extra=("k",), constants={"k": _weights(2, 3, 5)}, pads=[1, 1], dilations=[2]),
    "same convolution": lambda: _one("Conv", ["n", 3, "w"], extra=("k",), constants={"k": _weights(2, 3, 3)}, auto_pad="SAME_UPPER", strides=[2]),
    "transposed convolution": lambda: _one("ConvTranspose", ["n", 3, "w"], extra=("k",), constants={"k": _weights(3, 2, 2)}, strides=[2], pads=[2, 2]),
    "max pool": lambda: _one("MaxPool", ["n", 2, "w"], kernel_shape=[4], strides=[2]),
    "average pool": lambda: _one("AveragePool", ["n", 2, "w"], kernel_shape=[3], strides=[3], ceil_mode=1),
    "global pool": lambda: _one("GlobalAveragePool", ["n", 2, "w"]),
    "gather": lambda: _one("Gather", ["n", "m"], extra=("i",), constants={"i": np.array([0, 3, -2])}, axis=1),
    "slice": lambda: _one("Slice", ["n", "m"], extra=("a", "b"), constants={"a": [1], "b": [-1]}),
    "slice backwards": lambda: _one("Slice", ["n", "m"], extra=("a", "b", "ax", "t"), constants={"a": [-2], "b": [-7], "ax": [1], "t": [-3]}),
    "transposed to a size": lambda: _one("ConvTranspose", ["n", 3, "w"], extra=("k",), constants={"k": _weights(3, 2, 3)}, strides=[2], output_shape=[10]),
    "transposed same": lambda: _one("ConvTranspose", ["n", 3, "w"], extra=("k",), constants={"k": _weights(3, 2, 3)}, strides=[2], auto_pad="SAME_UPPER"),
    "resize to sizes": lambda: _one("Resize", ["n", "m"], extra=("", "", "s"), constants={"s": [7, 5]}),
    "squeeze": lambda: _one("Squeeze", ["n", "m"], extra=("a",), constants={"a": [0]}),
    "expand": lambda: _one("Expand", ["n", "m"], extra=("s",), constants={"s": [3, 1, 4]}),
    "tile": lambda: _one("Tile", ["n", "m"], extra=("s",), constants={"s": [2, 3]}),
    "pad": lambda: _one("Pad", ["n", "m"], extra=("p",), constants={"p": [0, 1, 0, -3]}),
    "reflected": lambda: _one("Pad", ["n", "m"], extra=("p",), constants={"p": [0, 2, 0, 3]}, mode="reflect"),
    "edge": lambda: _one("Pad", ["n", "m"], extra=("p",), constants={"p": [0, 2, 0, 3]}, mode="edge"),
    "top": lambda: model(
        [node("TopK", ["x", "k"], ["y", "at"])], [value("x", ["n", "m"])], ["y"], {"k": [3]}
    ),
    "depth to space": lambda: _one("DepthToSpace", ["n", "c", 2, 2], blocksize=2),
    "space to depth": lambda: _one("SpaceToDepth", ["n", 2, "h", 4], blocksize=2),
    "einsum": lambda: _one("Einsum", ["n", "k"], ["l", "m"], equation="ab,bc->ac"),
    "layer norm": lambda: _one("LayerNormalization", ["n", "m"], extra=("s",), constants={"s": _weights(4)}),
    "batch norm": lambda: _one("BatchNormalization", ["n", "c", 2], extra=("s",) * 4, constants={"s": _weights(3)}),
    "lstm": lambda: _one("LSTM", ["t", "b", "i"], extra=("w", "r"), constants={"w": _weights(1, 8, 3), "r": _weights(1, 8, 2)}, hidden_size=2),
    "lstm with a state": lambda: model(
        [node("LSTM", ["x", "w", "r", "", "", "h", "h"], ["y"], hidden_size=2)],
        [value("x", ["t", "b", 3]), value("h", [1, "b2", 2])],
        ["y"],
        {"w": _weights(1, 8, 3), "r": _weights(1, 8, 2)},
    ),
    "maximum": lambda: _one("ReduceMax", ["n", "m"], axes=[1]),
    "arg max": lambda: model(
        [node("ArgMax", ["x"], ["y"], axis=1)], [value("x", ["n", "m"])], [value("y", None, INT64)]
    ),
    "softmax": lambda: _one("Softmax", ["n", "m"]),
    "resize": lambda: _one("Resize", ["n", 1, "w"], extra=("", "s"), constants={"s": np.array([1, 1, 0.5], np.float32)}),
    "grid": lambda: _one("GridSample", ["n", 1, 3, 3], ["m", 2, 2, 2]),
    "one hot": lambda: model(
        [node("OneHot", ["i", "depth", "values"], ["y"])],
        [value("i", ["n", "m"], INT64)],
        ["y"],
        {"depth": np.array(3), "values": _weights(2)},
    ),
    "fpn": fpn,
    "positions": positions,
    "sliced positions": sliced_positions,
    "heads": heads,
    "flattened": flattened,
    "shaped like": shaped_like,
}  # fmt: skip

LEAST = {"lstm": 1, "lstm with a state": 1}
"""Least sizes that are tried: an LSTM without a batch ends onnxruntime's process."""
