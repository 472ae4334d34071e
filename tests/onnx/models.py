"""Real models from Python packages, as far as they are installed, and inputs for them."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from tests.onnx.running import all_values

PACKAGES = ("rapidocr_onnxruntime", "silero_vad", "ddddocr", "onnxruntime")

SPECIAL: Mapping[str, Mapping[str, Any]] = {"silero_vad": {"sr": (8000, 16000)}}
"""Values of integer inputs that mean something, by a part of the file's name."""

SIZES: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "silero_vad": {"sequence": (256, 512, 700)},
    "ch_PP-OCRv4_det": {
        "p2o.DynamicDimension.1": (32, 64, 96),
        "p2o.DynamicDimension.2": (32, 64, 160),
    },
}
"""Sizes that a model accepts, where few do."""


def installed() -> Iterator[Path]:
    """The models that are there."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent
            yield from sorted(p for p in folder.rglob("*.onnx") if "test" not in p.parts)


def dimensions(model: ModelProto) -> dict[str, list[str]]:
    """The dynamic dimensions' names, with the inputs' axes that have them."""
    constants = {t.name for t in model.graph.initializer}
    names: dict[str, list[str]] = {}
    for value in model.graph.input:
        if value.name in constants:
            continue
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value") or dim.dim_value < 0:
                text = dim.dim_param or f"{value.name}_d{axis}"
                names.setdefault(text, []).append(f"{value.name}.shape[{axis}]")
    return names


def drawn(model: ModelProto, name: str, rng: random.Random) -> dict[str, np.ndarray]:
    """Random inputs of random sizes."""
    special = next((v for k, v in SIZES.items() if k in name), {})
    sizes = {
        text: rng.choice(special.get(text) or special.get(f"{text}") or _sizes(rng))
        for text in dimensions(model)
    }
    constants = {t.name for t in model.graph.initializer}
    return {
        value.name: _array(value, sizes, name, rng)
        for value in model.graph.input
        if value.name not in constants
    }


def _sizes(rng: random.Random) -> tuple[int, ...]:
    return (1, 2, 3, rng.randint(4, 70), rng.randint(30, 70))


def _array(value: Any, sizes: Mapping[str, int], name: str, rng: random.Random) -> np.ndarray:
    tensor = value.type.tensor_type
    shape = []
    for axis, dim in enumerate(tensor.shape.dim):
        known = dim.HasField("dim_value") and dim.dim_value >= 0
        shape.append(
            dim.dim_value if known else sizes[dim.dim_param or f"{value.name}_d{axis}"]
        )
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    special = next((v for k, v in SPECIAL.items() if k in name), {})
    if value.name in special:
        return np.full(shape, rng.choice(special[value.name]), dtype)
    generator = np.random.default_rng(rng.randint(0, 1 << 30))
    if tensor.elem_type in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16):
        return generator.standard_normal(shape).astype(dtype)
    return generator.integers(0, 2, shape).astype(dtype)


def session(model: ModelProto) -> tuple[Any, list[str]]:
    """onnxruntime with every value of the main graph as an output, and their names."""
    import onnxruntime as ort

    exposed = all_values(model)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    made = ort.InferenceSession(exposed.SerializeToString(), options, ["CPUExecutionProvider"])
    return made, [value.name for value in exposed.graph.output]
