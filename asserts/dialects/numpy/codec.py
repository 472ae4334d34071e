"""Saving graphs of the numpy dialect: numpy's functions by name, dtypes, arrays, symbolic
values and environments."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import numpy as np

from asserts.dialects.numpy.graph import assert_holds
from asserts.graph import runtime
from asserts.graph.codec import BasicCodec
from asserts.graph.json import from_json, to_json
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from asserts.trace.inputs import check_inputs
from shapes.env import ShapeEnv
from shapes.errors import SerializationError, ShapeproofError
from shapes.expr import Expr, IntExpr, as_expr, semantics, symbol
from shapes.traversal import parse, saved

__all__ = ["NumpyCodec", "load", "save"]


_MODULES: Final = {"asserts.runtime": runtime, "shapes.meaning": semantics}
"""Modules whose functions graphs call, by their prefix in files: a word of the format, which
stays when a module moves."""

_SINGLE: Final[dict[str, Callable[..., Any]]] = {
    "asserts.dialects.numpy.assert_holds": assert_holds,
    "asserts.tracing.inputs.check_inputs": check_inputs,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "math.trunc": math.trunc,
}


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    """Every function that a graph may name."""
    found = dict(_public(np, "numpy"))
    found.update(_public(np.linalg, "numpy.linalg"))
    for prefix, module in _MODULES.items():
        for name in vars(module):
            value = getattr(module, name)
            if inspect.isfunction(value) and not name.startswith("_"):
                found.setdefault(f"{prefix}.{name}", value)
    return found | _SINGLE


def _public(module: Any, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in sorted(module.__all__):
        value = getattr(module, name, None)
        if callable(value) and not isinstance(value, type):
            yield f"{prefix}.{name}", value


class NumpyCodec(BasicCodec):
    """The basic codec, and what graphs of numpy functions hold besides."""

    def __init__(self) -> None:
        super().__init__(strict_meta=True)
        for name, function in _functions().items():
            self.register(name, function)

    def _encode(self, value: object, depth: int) -> object:
        if isinstance(value, Expr):
            text, kinds = saved(value)
            return {"expr": [text, [list(pair) for pair in kinds]]}
        if isinstance(value, ArrayValue):
            shape = [self._encode(size, depth + 1) for size in value.shape]
            return {"array_value": [shape, value.dtype.str]}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if isinstance(value, np.ndarray):
            return {"array": [value.dtype.str, list(value.shape), _numbers(value)]}
        if isinstance(value, np.generic):
            return {"scalar": [value.dtype.str, _numbers(np.asarray(value))]}
        if value in (int, float, bool, complex):
            return {"type": value.__name__}
        return super()._encode(value, depth)

    def _decode(self, data: object, depth: int) -> object:
        if isinstance(data, dict) and len(data) == 1:
            ((kind, content),) = data.items()
            decode = _DECODERS.get(kind)
            if decode is not None:
                try:
                    return decode(self, content, depth)
                except (TypeError, ValueError, IndexError, KeyError) as error:
                    raise SerializationError(f"a saved {kind} is damaged: {error}") from error
        return super()._decode(data, depth)

    def encode_env(self, shape_env: object) -> object:
        """The environment's own text."""
        if not isinstance(shape_env, ShapeEnv):
            return super().encode_env(shape_env)
        return shape_env.to_json()

    def decode_env(self, data: object) -> object:
        """The inverse of `encode_env`."""
        return ShapeEnv.from_json(str(data))


def _numbers(array: np.ndarray[Any, Any]) -> list[Any]:
    """The elements as text that loses nothing."""
    if array.dtype.kind not in "biufc":
        raise SerializationError(f"an array of dtype {array.dtype} cannot be saved")
    return [str(element) for element in array.ravel().tolist()]


def _array(dtype: str, shape: tuple[int, ...], numbers: list[str]) -> np.ndarray[Any, Any]:
    read = _READERS[np.dtype(dtype).kind]
    return np.array([read(number) for number in numbers], dtype=dtype).reshape(shape)


def _decode_expr(codec: NumpyCodec, content: Any, depth: int) -> object:
    text, kinds = content
    try:
        return parse(text, {name: symbol(name, kind) for name, kind in kinds})
    except ShapeproofError as error:
        raise SerializationError(f"a saved expression cannot be read: {error}") from error


def _decode_array_value(codec: NumpyCodec, content: Any, depth: int) -> object:
    sizes = [codec._decode(size, depth + 1) for size in content[0]]
    shape = tuple(as_expr(size) for size in sizes)  # type: ignore[arg-type]
    if not all(isinstance(size, IntExpr) for size in shape):
        raise SerializationError("a saved size is not an integer")
    return ArrayValue(shape, np.dtype(content[1]))  # type: ignore[arg-type]


_READERS: dict[str, Callable[[str], Any]] = {
    "b": lambda text: text == "True",
    "i": int,
    "u": int,
    "f": float,
    "c": complex,
}
_TYPES = {"int": int, "float": float, "bool": bool, "complex": complex}
_DECODERS: dict[str, Callable[[NumpyCodec, Any, int], object]] = {
    "expr": _decode_expr,
    "array_value": _decode_array_value,
    "dtype": lambda codec, content, depth: np.dtype(content),
    "array": lambda codec, content, depth: _array(content[0], tuple(content[1]), content[2]),
    "scalar": lambda codec, content, depth: _array(content[0], (), content[1])[()],
    "type": lambda codec, content, depth: _TYPES[content],
}


def save(graph_module: GraphModule) -> str:
    """A program of the numpy dialect as text. Raises `SerializationError` for a function or
    a constant that has no place in the format."""
    return to_json(graph_module, NumpyCodec(), indent=1)


def load(text: str) -> GraphModule:
    """The program that was saved; raises `SerializationError` for damaged text, `GraphError`
    for a graph that is none."""
    return from_json(text, NumpyCodec())
