"""Saving graphs of the numpy dialect: numpy's functions by name, dtypes, arrays, symbolic
values and environments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import numpy as np

from asserts.dialects.numpy.graph import assert_holds
from asserts.graph import runtime
from asserts.graph.codec import BasicCodec
from asserts.graph.json import from_json, to_json
from asserts.graph.module import GraphModule
from asserts.graph.structure import STRUCTURE, are_structures
from asserts.graph.values import ArrayValue
from asserts.trace.inputs import check_inputs
from shapes.base import excerpt
from shapes.env import ShapeEnv
from shapes.errors import SerializationError, ShapeproofError, TooLargeError
from shapes.expr import OPERATORS, BoolExpr, Expr, IntExpr, as_expr, semantics
from shapes.traversal import is_name, parse_saved, saved_in_parts

__all__ = ["NumpyCodec", "functions", "load", "save"]


_MODULES: Final = {"asserts.runtime": runtime, "shapes.meaning": semantics}
"""Modules whose functions graphs call, by their prefix in files: a word of the format, which
stays when a module moves."""

_SINGLE: Final[dict[str, Callable[..., Any]]] = {
    "asserts.dialects.numpy.assert_holds": assert_holds,
    "asserts.tracing.inputs.check_inputs": check_inputs,
    "numpy.lib.stride_tricks.sliding_window_view": np.lib.stride_tricks.sliding_window_view,
    **{
        f"math.{op.python.__name__}": op.python
        for op in OPERATORS.values()
        if op.python is not None and op.python.__module__ == "math"
    },
}


@cache
def functions() -> dict[str, Callable[..., Any]]:
    """Every function that a graph may name."""
    found = dict(_public(np, "numpy"))
    for module in (np.linalg, np.fft):
        found.update(_public(module, module.__name__))
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
        for name, function in functions().items():
            self.register(name, function)

    def _encode(self, value: object, depth: int) -> object:
        if isinstance(value, Expr):
            return {"expr": _encode_expr(value)}
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
                except _DAMAGE as error:
                    raise SerializationError(f"a saved {kind} is damaged: {error}") from error
        return super()._decode(data, depth)

    def encode_env(self, shape_env: object) -> object:
        """The environment's own text."""
        if not isinstance(shape_env, ShapeEnv):
            return super().encode_env(shape_env)
        return shape_env.to_json()

    def decode_env(self, data: object) -> object:
        """The inverse of `encode_env`."""
        return ShapeEnv.from_json(data)  # type: ignore[arg-type]  # (refuses what is not text)

    def decode_meta(self, data: Mapping[str, object]) -> dict[str, object]:
        """The inverse of `encode_meta`; what others read must be of the right form."""
        found = super().decode_meta(data)
        for key, value in found.items():
            fits = _META.get(key)
            if fits is not None and not fits(value):
                raise SerializationError(f"metadata '{key}' is damaged: {excerpt(value)}")
        return found


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_conditions(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, BoolExpr) for one in value)


def _are_bindings(value: object) -> bool:
    """Symbols, each with the steps by which it is read."""
    return isinstance(value, dict) and all(
        isinstance(sym, Expr) and sym.is_symbol and isinstance(path, tuple)
        and all(map(_is_step, path))
        for sym, path in value.items()
    )  # fmt: skip


def _is_step(step: object) -> bool:
    if not isinstance(step, tuple) or len(step) != 2:
        return False
    return step[0] in ("size", "item") and type(step[1]) is int


_META: dict[str, Callable[[object], bool]] = {
    "bindings": _are_bindings,
    "contract": _are_conditions,
    "guarantees": _are_conditions,
    "name": _is_text,
    "stack_trace": _is_text,
    "runtime_assert": _is_text,
    STRUCTURE: are_structures,
}
"""What metadata of these names must be."""


def _numbers(array: np.ndarray[Any, Any]) -> list[Any]:
    """The elements as text that loses nothing."""
    if array.dtype.kind not in "biufc":
        raise SerializationError(f"an array of dtype {array.dtype} cannot be saved")
    return [str(element) for element in array.ravel().tolist()]


def _array(dtype: str, shape: tuple[int, ...], numbers: list[str]) -> np.ndarray[Any, Any]:
    read = _READERS[_dtype(dtype).kind]
    found = np.array([read(number) for number in numbers], dtype=dtype).reshape(shape)
    found.flags.writeable = False  # as in the graph that was saved: every run reads it
    return found


def _encode_expr(expr: Expr) -> list[object]:
    """Text, symbols with their kinds, and the parts that the text calls by name, if any."""
    try:
        text, kinds, parts = saved_in_parts(expr)
    except TooLargeError as error:
        raise SerializationError(f"an expression is too large to be saved: {error}") from error
    pairs = [list(pair) for pair in kinds]
    return [text, pairs, [list(part) for part in parts]] if parts else [text, pairs]


def _decode_expr(codec: NumpyCodec, content: Any, depth: int) -> object:
    text, kinds, parts = content if len(content) == 3 else (*content, ())
    names = [name for name, _ in (*kinds, *parts)]
    if not all(map(is_name, names)) or len(set(names)) < len(names):
        raise ValueError("what stands for a symbol, or a part, is not a name of its own")
    try:
        return parse_saved(text, tuple(kinds), tuple(parts))
    except ShapeproofError as error:
        raise SerializationError(f"a saved expression cannot be read: {error}") from error


def _decode_array_value(codec: NumpyCodec, content: Any, depth: int) -> object:
    sizes: list[Any] = [codec._decode(size, depth + 1) for size in content[0]]
    shape = [size for one in sizes if isinstance(size := as_expr(one), IntExpr)]
    if len(shape) < len(sizes):
        raise SerializationError("a saved size is not an integer")
    return ArrayValue(tuple(shape), _dtype(content[1]))


def _dtype(text: object) -> np.dtype[Any]:
    if not isinstance(text, str):
        raise TypeError("a dtype is text")
    return np.dtype(text)


_READERS: dict[str, Callable[[str], Any]] = {
    "b": {"True": True, "False": False}.__getitem__,
    "i": int,
    "u": int,
    "f": float,
    "c": complex,
}
_DAMAGE = (TypeError, ValueError, IndexError, KeyError, OverflowError, SyntaxError)
"""What readers of parts raise for what they cannot read."""

_TYPES = {"int": int, "float": float, "bool": bool, "complex": complex}
_DECODERS: dict[str, Callable[[NumpyCodec, Any, int], object]] = {
    "expr": _decode_expr,
    "array_value": _decode_array_value,
    "dtype": lambda codec, content, depth: _dtype(content),
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
