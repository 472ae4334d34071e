"""Models run for real: every intermediate value's shape, and inference held against it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.model.types import Optional, Sequence, Tensor, Type
from shapes.errors import UndefinedError
from shapes.expr import IntConstant, IntExpr
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols


def anonymous(model: ModelProto) -> ModelProto:
    """The model without what it says of values that are not inputs."""
    bare = ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for value in bare.graph.output:
        if value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    return bare


def symbolic(model: ModelProto, inputs: Any = ()) -> ModelProto:
    """The model with a name for every size of its inputs, and nothing said of other values.

    Small vectors among the `inputs` (which arguments of operators are) become constants.
    """
    renamed = anonymous(model)
    constants = {t.name for t in renamed.graph.initializer}
    for value, given in zip(renamed.graph.input, inputs, strict=False):
        array = plain(given)
        if _is_argument(array):
            array = np.asarray(array)
            renamed.graph.initializer.append(numpy_helper.from_array(array, value.name))
            constants.add(value.name)
    for value in renamed.graph.input:
        if value.name in constants or not value.type.HasField("tensor_type"):
            continue
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            dim.dim_param = f"{_word(value.name)}_{axis}s"
    return renamed


def _is_argument(array: Any) -> bool:
    if not isinstance(array, (np.ndarray, np.generic)) or array.ndim > 1 or array.size > 16:
        return False
    return array.dtype.kind in "iub" or array.dtype == np.float32


def plain(value: Any) -> Any:
    """A message's array; anything else as it is."""
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _word(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


@dataclass
class Verdicts:
    """What a comparison has found, by value."""

    closed: int = 0
    fresh: int = 0
    open: int = 0
    unranked: int = 0
    checked: int = 0
    wrong: list[str] = field(default_factory=list)


def bindings(found: Inferred, inputs: Mapping[str, Any]) -> dict[IntExpr, int]:
    """The values of the symbols that inputs have."""
    values: dict[IntExpr, int] = {}
    for name, known in found.types.items():
        if isinstance(known, Tensor) and name in inputs and known.shape is not None:
            array = np.asarray(plain(inputs[name]))
            if array.ndim != len(known.shape):
                continue
            for size, n in zip(known.shape, array.shape, strict=True):
                if size.op.name == "symbol" or len(free_symbols(size)) == 1:
                    _bind(values, size, n)
            if known.elements is not None and known.elements.shape == array.shape:
                for e, v in zip(known.elements.flat, array.flat, strict=True):
                    if isinstance(e, IntExpr):
                        _bind(values, e, int(v))
    return values


def _bind(values: dict[IntExpr, int], size: IntExpr, n: int) -> None:
    if size in free_symbols(size):
        values[size] = n


def judged(
    found: Inferred, name: str, known: Type | None, actual: Any, values: dict, into: Verdicts
) -> None:
    """Hold the type that was inferred for a value against the value."""
    if isinstance(known, Optional):
        if actual is not None:
            judged(found, name, known.element, actual, values, into)
        return
    if isinstance(known, Sequence):
        _judge_sequence(found, name, known, actual, values, into)
        return
    if not isinstance(known, Tensor) or actual is None:
        return
    if isinstance(actual, list):
        into.wrong.append(f"{name}: a tensor is a sequence")
        return
    actual = plain(actual)
    array = np.asarray(actual)
    dtype = (
        helper.np_dtype_to_tensor_dtype(array.dtype)
        if array.dtype.kind not in "OUS"
        else TensorProto.STRING
    )
    if known.dtype and known.dtype != dtype and known.dtype in _COMPARABLE:
        into.wrong.append(f"{name}: type {known.dtype} is {dtype}")
    if known.shape is None:
        into.unranked += 1
        return
    if len(known.shape) != array.ndim:
        into.wrong.append(f"{name}: {known.shape} is {array.shape}")
        return
    for size, n in zip(known.shape, array.shape, strict=True):
        _judge_size(name, size, n, values, into)
    if known.elements is not None and known.elements.shape == array.shape:
        for e, v in zip(known.elements.flat, array.flat, strict=True):
            if isinstance(e, IntExpr):
                _judge_size(f"element of {name}", e, int(v), values, into)


_COMPARABLE = frozenset(
    (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.INT64,
     TensorProto.INT32, TensorProto.INT8, TensorProto.UINT8, TensorProto.BOOL,
     TensorProto.STRING, TensorProto.INT16, TensorProto.UINT16)
)  # fmt: skip


def _judge_sequence(found, name, known, actual, values, into) -> None:  # type: ignore[no-untyped-def]
    if known.length is not None:
        _judge_size(f"length of {name}", known.length, len(actual), values, into)
    for i, item in enumerate(actual):
        of = known.items[i] if known.items is not None else known.element
        judged(found, f"{name}[{i}]", of, item, values if known.items else dict(values), into)


def _judge_size(name: str, size: IntExpr, n: int, values: dict, into: Verdicts) -> None:
    into.checked += 1
    missing = [s for s in free_symbols(size) if s not in values]
    if missing:
        if missing == [size]:
            values[size] = n  # (used twice, it claims that the two are equal)
        return
    try:
        expected = size.constant if isinstance(size, IntConstant) else evaluate(size, values)
    except UndefinedError as error:
        into.wrong.append(f"{name}: {size} is {n}: {error}")
        return
    if expected != n:
        into.wrong.append(f"{name}: {size} = {expected} is {n}")


def classed(found: Inferred, names: Iterator[str], into: Verdicts) -> None:
    """Count values by how well they are known."""
    for name in names:
        known = found.types.get(name)
        if not isinstance(known, Tensor):
            continue
        if known.shape is None:
            into.open += 1
        elif any(found.symbols.is_data(s.name) for d in known.shape for s in free_symbols(d)):
            into.fresh += 1
        else:
            into.closed += 1


def all_values(model: ModelProto) -> ModelProto:
    """The model with every value of its main graph as an output."""
    exposed = anonymous(model)
    present = {value.name for value in exposed.graph.output}
    for node in exposed.graph.node:
        for name in node.output:
            if name and name not in present:
                present.add(name)
                exposed.graph.output.append(onnx.ValueInfoProto(name=name))
    return exposed


def seeded(seed: int) -> random.Random:
    """A source of numbers that is the same in every run."""
    return random.Random(seed)
