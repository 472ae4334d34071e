"""Small models with constant indices, counts, widths and sizes: what each of them requires of
the sizes that it selects from, pads, repeats or splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto

from tests.onnx.build import FLOAT, INT64, model, node, value

__all__ = ["MODELS"]


def _one(
    op: str,
    shape: Sequence[Any],
    *arguments: Any,
    dtype: int = FLOAT,
    opset: int = 18,
    results: int = 1,
    **attributes: Any,
) -> ModelProto:
    """One operator on an input; the other arguments are constants, None for one left out, and
    shapes (tuples) for inputs of their own."""
    names, inputs, constants = ["x"], [value("x", list(shape), dtype)], {}
    for i, given in enumerate(arguments):
        names.append("" if given is None else f"a{i}")
        if isinstance(given, tuple):
            inputs.append(value(f"a{i}", list(given)))
        elif given is not None:
            constants[f"a{i}"] = np.asarray(given)
    outputs = [f"y{i}" for i in range(results)]
    made = node(op, names, outputs, **attributes)
    shown = [value("y0", None, INT64)] if op == "ArgMin" else outputs
    return model([made], inputs, shown[:1] if op == "TopK" else shown, constants, opset)


def _ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def _of(*numbers: float) -> Any:
    return np.array(numbers, np.float32)


NM = ("n", "m")

MODELS: dict[str, Callable[[], ModelProto]] = {
    # ---- gathers
    "gather one": lambda: _one("Gather", NM, 2, axis=0),
    "gather behind the end": lambda: _one("Gather", NM, [-4, 1], axis=1),
    "gather nothing": lambda: _one("Gather", NM, np.zeros(0, np.int64), axis=1),
    "gather elements": lambda: _one("GatherElements", NM, [[0, 3], [-2, 1]], axis=1),
    "gather elements of rows": lambda: _one("GatherElements", NM, [[0, 3, 1], [-5, 1, 0]], axis=0),
    "gather no elements": lambda: _one("GatherElements", NM, np.zeros((0, 3), np.int64), axis=0),
    "gather points": lambda: _one("GatherND", NM, [[0, 3], [2, -2]]),
    "gather rows": lambda: _one("GatherND", NM, [[3], [-2]]),
    "gather no points": lambda: _one("GatherND", NM, np.zeros((0, 2), np.int64)),
    "gather points of a batch": lambda: _one("GatherND", (2, "m", 2), [[[1], [2]], [[-3], [0]]], batch_dims=1),
    # ---- scatters
    "scatter points": lambda: _one("ScatterND", NM, [[0, 3], [2, -2]], _of(1, 2)),
    "scatter rows": lambda: _one("ScatterND", NM, [[3], [-2]], _ones(2, 4)),
    "scatter rows of an input": lambda: _one("ScatterND", ("n", 2), [[3], [-2]], ("m", "l")),
    "scatter rows as long": lambda: _one("ScatterND", NM, [[3], [-2]], (2, "m")),
    "scatter added": lambda: _one("ScatterND", NM, [[1, 1]], _of(1), reduction="add"),
    "scatter nowhere": lambda: _one("ScatterND", NM, np.zeros((0, 1), np.int64), _ones(0, 3)),
    "scatter elements": lambda: _one("ScatterElements", NM, [[0, 3], [-2, 1]], _ones(2, 2), axis=1),
    "scatter elements of rows": lambda: _one("ScatterElements", NM, [[0, 3], [-2, 1]], _ones(2, 2), axis=0),
    "scatter elements added": lambda: _one("ScatterElements", NM, [[0, 2]], _ones(1, 2), axis=1, reduction="add"),
    # ---- parts of an axis
    "slice never fails": lambda: _one("Slice", NM, [5, -9], [2, 100], [0, 1], [1, 2]),
    "slice far back": lambda: _one("Slice", NM, [-1], [-(1 << 60)], [1], [-1]),
    "top of the first axis": lambda: _one("TopK", NM, [2], axis=0, results=2),
    "top none": lambda: _one("TopK", NM, [0], axis=1, results=2),
    "split unequally": lambda: _one("Split", NM, [1, 0, 2], axis=0, results=3),
    "split in two": lambda: _one("Split", NM, axis=0, num_outputs=2, results=2),
    "split in four": lambda: _one("Split", NM, axis=1, num_outputs=4, results=4),
    "split by default": lambda: _one("Split", NM, axis=1, results=2, opset=13),
    "compress": lambda: _one("Compress", NM, [True, False, True], axis=1),
    "compress all": lambda: _one("Compress", NM, [True, False, True]),
    "reverse sequence": lambda: _one("ReverseSequence", ("t", "b"), [1, 2, 0], time_axis=0, batch_axis=1),
    "one hot in front": lambda: _one("OneHot", NM, 3, _of(0, 1), dtype=INT64, axis=0),
    "unique": lambda: _one("Unique", NM, axis=1),
    "triangle": lambda: _one("Trilu", NM, 5),
    "eye": lambda: _one("EyeLike", NM),
    # ---- padding and repeating
    "cropped by padding": lambda: _one("Pad", NM, [-1, 0, -2, 0]),
    "cropped at one end": lambda: _one("Pad", NM, [-3, 0, 4, 0]),
    "reflected and cropped": lambda: _one("Pad", NM, [0, 2, 0, -3], mode="reflect"),
    "cropped and reflected": lambda: _one("Pad", NM, [0, -2, 0, 3], mode="reflect"),
    "edge and cropped": lambda: _one("Pad", NM, [0, -2, 0, 3], mode="edge"),
    "wrapped": lambda: _one("Pad", NM, [0, 2, 0, 3], mode="wrap", opset=19),
    "wrapped and cropped": lambda: _one("Pad", NM, [0, -2, 0, 3], mode="wrap", opset=19),
    "cropped in front": lambda: _one("Pad", NM, [0, -2, 0, 0], mode="edge"),
    "padded on one axis": lambda: _one("Pad", NM, [-2, 1], None, [1]),
    "tile to nothing": lambda: _one("Tile", NM, [0, 2]),
    "expand to nothing": lambda: _one("Expand", NM, [0, 1]),
    "expand a longer one": lambda: _one("Expand", NM, [2, 1, 3]),
    "center crop or pad": lambda: _one("CenterCropPad", NM, [3, 4]),
    # ---- sizes
    "resize by a scale": lambda: _one("Resize", ("n", 2, "h", "w"), None, _of(1, 1, 2, 0.5)),
    "resize down to nothing": lambda: _one("Resize", NM, None, _of(1, 0.25)),
    "resize on an axis": lambda: _one("Resize", NM, None, None, [4], axes=[1]),
    "resize to a part": lambda: _one("Resize", NM, None, None, [4, 4], mode="nearest", keep_aspect_ratio_policy="stretch"),
    "resize linearly": lambda: _one("Resize", ("n", 2, "h", "w"), None, _of(1, 1, 2, 2), mode="linear"),
    "upsample": lambda: _one("Upsample", NM, _of(1, 3), opset=9),
    "depth to space in columns": lambda: _one("DepthToSpace", ("n", "c", "h", "w"), blocksize=2, mode="CRD"),
    "space to depth of both": lambda: _one("SpaceToDepth", ("n", 1, "h", "w"), blocksize=3),
    "reshape to a number": lambda: _one("Reshape", NM, [6]),
    "reshape to rows": lambda: _one("Reshape", NM, [-1, 4]),
    "reshape allowing zero": lambda: _one("Reshape", NM, [0, 3], allowzero=1),
    "squeeze both": lambda: _one("Squeeze", NM, [0, 1]),
    "flatten": lambda: _one("Flatten", ("n", "m", 2), axis=2),
    # ---- others with sizes of their own
    "mean": lambda: _one("ReduceMean", NM, axes=[0], opset=13),
    "minimum of all": lambda: _one("ReduceMin", NM, keepdims=0),
    "arg min in front": lambda: _one("ArgMin", NM, axis=0),
    "cumulated": lambda: _one("CumSum", NM, 1),
    "instance norm": lambda: _one("InstanceNormalization", ("n", "c", 2), _ones(3), _ones(3)),
    "group norm": lambda: _one("GroupNormalization", ("n", "c", 2), _ones(4), _ones(4), num_groups=2, opset=21),
    "group norm of groups": lambda: _one("GroupNormalization", ("n", "c", "h", "w"), _ones(2), _ones(2), num_groups=2, opset=18),
    "columns to an image": lambda: _one("Col2Im", (1, "c", "l"), [5, 6], [2, 3]),
    "columns to an image with strides": lambda: _one("Col2Im", ("n", 6, "l"), [5, 6], [2, 3], strides=[2, 1], dilations=[1, 2], pads=[1, 0, 1, 1]),
    "columns to a line": lambda: _one("Col2Im", ("n", 4, "l"), [9], [4], strides=[3]),
    "lp pool": lambda: _one("LpPool", ("n", 2, "w"), kernel_shape=[3]),
    "max pool with holes": lambda: _one("MaxPool", ("n", 2, "w"), kernel_shape=[3], dilations=[2], strides=[2]),
    "grouped convolution": lambda: _one("Conv", ("n", "c", "w"), _ones(4, 2, 3), group=2),
    "determinant": lambda: _one("Det", ("n", "m")),
    "bilinear products": lambda: _one("Einsum", ("n", "k", "l"), ("k2", "l"), equation="nkl,kl->n"),
    "trace": lambda: _one("Einsum", NM, equation="ii->i"),
    "regions": lambda: _one("RoiAlign", ("n", 1, "h", 4), ("r", 4), np.zeros(1, np.int64), output_height=2, output_width=2),
    "range added": lambda: model(
        [
            node("Shape", ["x"], ["s"], start=1, end=2),
            node("Squeeze", ["s", "zero"], ["m"]),
            node("Range", ["one", "m", "two"], ["at"]),
            node("Gather", ["x", "at"], ["y"], axis=0),
        ],
        [value("x", ["n", "m"])],
        ["y"],
        {"zero": [0], "one": 1, "two": 2},
    ),
}  # fmt: skip
