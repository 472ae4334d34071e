"""Operators that make tensors: random numbers, windows, spectra, text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from asserts.dialects.onnx.model.constants import fixed_shape
from asserts.dialects.onnx.model.types import Elements, Shape
from asserts.dialects.onnx.rules.layout import rearranged, size_of
from asserts.dialects.onnx.rules.record import (
    ZERO,
    Call,
    UnknownShapeError,
    operator,
    same_shape,
)
from shapes.expr import IntExpr, combine, constant, floor_division, less_equal, scale, shift

__all__: list[str] = []


def _random(call: Call) -> Sequence[Shape | None]:
    return [fixed_shape(call.attributes["shape"])]


def _random_dtype(call: Call) -> Sequence[int]:
    return [call.integer("dtype", TensorProto.FLOAT)]


def _like_dtype(call: Call) -> Sequence[int]:
    return [call.integer("dtype") or call.tensor(0).dtype]


def _multinomial(call: Call) -> Sequence[Shape | None]:
    return [(call.rank_is(0, 2)[0], constant(call.integer("sample_size", 1)))]


def _only(call: Call, i: int) -> IntExpr | None:
    """The only element of input i."""
    found = call.listed(i)
    return found[0] if found else None


def _window(call: Call) -> Sequence[Shape | None]:
    return [(size_of(call, _only(call, 0), "length"),)]


def _window_dtype(call: Call) -> Sequence[int]:
    return [call.integer("output_datatype", TensorProto.FLOAT)]


def _mel(call: Call) -> Sequence[Shape | None]:
    bins, length = _only(call, 0), _only(call, 1)
    rows = (
        call.fresh("bins") if length is None else shift(floor_division(length, constant(2)), 1)
    )
    return [(rows, size_of(call, bins, "mel"))]


def _fourier(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    if call.version >= 20:
        axis = -2 if not call.has(2) else _number(_only(call, 2))
    else:
        axis = call.integer("axis", 1)
    at = call.axis(axis, len(x))
    length = x[at] if not call.has(1) else size_of(call, _only(call, 1), "length")
    inverse, one_sided = call.integer("inverse"), call.integer("onesided")
    if one_sided and not inverse:
        length = shift(floor_division(length, constant(2)), 1)
    real = constant(1 if one_sided and inverse else 2)
    if one_sided and inverse and not call.has(1):
        length = shift(scale(2, x[at]), -2)
    return [(*x[:at], length, *x[at + 1 : -1], real)]


def _number(e: IntExpr | None) -> int:
    if e is None or not e.is_constant:
        raise UnknownShapeError("an axis that is computed")
    return int(e.constant)


def _short_time(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    step = _only(call, 1)
    if call.has(3):
        length = _only(call, 3)
    else:
        length = call.shape(2)[0] if call.has(2) else None
    if length is None or step is None:
        return [(x[0], call.fresh("frames"), call.fresh("bins"), constant(2))]
    call.need(less_equal(length, x[1]), f"a frame of {length} in a signal of {x[1]}")
    frames = shift(floor_division(combine(1, x[1], -1, length), step), 1)
    one_sided = call.integer("onesided", 1)
    bins = shift(floor_division(length, constant(2)), 1) if one_sided else length
    return [(x[0], frames, bins, constant(2))]


def _eye_dtype(call: Call) -> Sequence[int]:
    return [call.integer("dtype") or call.tensor(0).dtype]


def _triangle(call: Call, found: Elements) -> Elements | None:
    offset = call.numbers(1) if call.has(1) else [0]
    if offset is None or found.ndim < 2 or not all(isinstance(e, IntExpr) for e in found.flat):
        return None
    upper = bool(call.integer("upper", 1))
    result: Elements = found.copy()
    for place in np.ndindex(found.shape):
        beyond = place[-1] - place[-2] - offset[0]
        if beyond < 0 if upper else beyond > 0:
            result[place] = ZERO
    return result


def _split_text(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    return [(*shape, call.fresh("parts")), shape]


def _ngrams(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    size = constant(max(call.integers("ngram_indexes") or [0]) + 1)
    return [(*shape[:-1], size) if len(shape) > 1 else (size,)]


def _normalized_text(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    if not call.attributes.get("stopwords"):
        return [shape]
    least = 1 if shape[-1].is_constant and shape[-1].constant else 0
    return [(*shape[:-1], call.fresh("kept", least))]


operator("RandomNormal RandomUniform", _random, dtypes=_random_dtype)
operator("RandomNormalLike RandomUniformLike", same_shape, dtypes=_like_dtype)
operator("Bernoulli", same_shape, dtypes=_like_dtype)
operator("EyeLike", same_shape, dtypes=_eye_dtype)
operator("Trilu", same_shape, elements=rearranged(_triangle))
operator(
    "Multinomial", _multinomial, dtypes=lambda call: [call.integer("dtype", TensorProto.INT32)]
)
operator("HannWindow HammingWindow BlackmanWindow", _window, dtypes=_window_dtype)
operator("MelWeightMatrix", _mel, dtypes=_window_dtype)
operator("DFT", _fourier)
operator("STFT", _short_time)
operator("StringSplit", _split_text)
operator("TfIdfVectorizer", _ngrams)
operator("StringNormalizer", _normalized_text)
