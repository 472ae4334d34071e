"""onnxruntime's own operators (``com.microsoft``) that real models have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onnx import TensorProto

from asserts.dialects.onnx.model.types import Shape
from asserts.dialects.onnx.rules.normalization import quantized
from asserts.dialects.onnx.rules.record import (
    ONE,
    ZERO,
    Call,
    Shapes,
    is_empty,
    operator,
    same_shape,
)
from shapes.expr import (
    combine,
    constant,
    equal,
    floor_division,
    less_equal,
    modulo,
    multiply,
)
from shapes.tensors import broadcast, matmul

__all__: list[str] = []

DOMAIN = "com.microsoft"


def _like_first(call: Call) -> Sequence[int]:
    return [call.tensor(0).dtype] * len(call.node.output)


def _like(i: int) -> Callable[[Call], Sequence[int]]:
    return lambda call: [call.tensor(i).dtype] * len(call.node.output)


def _own(names: str, shapes: Shapes, dtypes: Any = _like_first, **columns: Any) -> None:
    operator(names, shapes, dtypes=dtypes, domain=DOMAIN, **columns)


# ------------------------------------------------------------------------ products


def _transposed(shape: Shape, wanted: int) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2]) if wanted and len(shape) > 1 else shape


def _fused_matmul(call: Call) -> Sequence[Shape | None]:
    a = _transposed(call.shape(0), call.integer("transA"))
    b = _transposed(call.shape(1), call.integer("transB"))
    return [call.checked(matmul(a, b, known=call.known))]


def _matmul(call: Call) -> Sequence[Shape | None]:
    return [call.checked(matmul(call.shape(0), call.shape(1), known=call.known))]


def _packed_matmul(call: Call) -> Sequence[Shape | None]:
    """A product with a matrix of blocks: its sizes are attributes."""
    x = call.shape(0)
    call.same(x[-1], constant(call.integer("K")), "the inner sizes of a product differ")
    return [(*x[:-1], constant(call.integer("N")))]


def _gemm(call: Call) -> Sequence[Shape | None]:
    a, b = call.rank_is(0, 2), call.rank_is(1, 2)
    a, b = _transposed(a, call.integer("transA")), _transposed(b, call.integer("transB"))
    call.same(a[1], b[0], "the inner sizes of a product differ")
    return [(a[0], b[1])]


# ------------------------------------------------------------------------ attention


def _skip_norm(call: Call) -> Sequence[Shape | None]:
    """The skip has the shape of the input, or all batches take its own in turns; onnxruntime
    divides by the number of its elements."""
    x, skip = call.shape(0), call.tensor(1).shape
    if skip is not None:
        if len(skip) < 2 or len(skip) > len(x) or len(x) > 3:
            raise call.walk.fail(f"a skip of {len(skip)} axes for an input of {len(x)}")
        for a, b in zip(x[-2:], skip[-2:], strict=True):
            call.same(a, b, "the last axes of input and skip differ")
        if len(skip) == 3:
            call.need(less_equal(ONE, skip[0]), f"there is no batch to skip: {skip[0]}")
    call.need(less_equal(ONE, x[-1]), f"nothing can be normalized along an axis of {x[-1]}")
    for i in range(2, len(call.inputs)):
        if call.has(i) and call.tensor(i).shape is not None:
            call.same(call.rank_is(i, 1)[0], x[-1], "there is not one number for each place")
    statistics = (*x[:-1], ONE)
    return [x, statistics, statistics, x]


def _biased(call: Call) -> Sequence[Shape | None]:
    """One number is added for each place of the last axis."""
    x = call.shape(0)
    if call.has(1) and call.tensor(1).shape is not None:
        call.same(call.rank_is(1, 1)[0], x[-1], "there is not one bias for each element")
    return [x]


def _embedding(call: Call) -> Sequence[Shape | None]:
    ids, table = call.rank_is(0, 2), call.rank_is(2, 2)
    return [(*ids, table[1]), (ids[0],), (*ids, table[1])]


def _packed_attention(call: Call) -> Sequence[Shape | None]:
    """`Attention`: one matrix makes queries, keys and values."""
    batch, length, _ = call.rank_is(0, 3)
    weights = call.rank_is(1, 2)
    sizes = call.integers("qkv_hidden_sizes")
    wide = constant(sizes[2]) if sizes else floor_division(weights[1], constant(3))
    heads = constant(call.integer("num_heads", 1))
    total = length
    past = call.tensor(4).shape
    if past is not None:
        total = combine(1, past[3], 1, length)
    each = floor_division(wide, heads)
    return [(batch, length, wide), (constant(2), batch, heads, total, each)]


def _many_headed(call: Call) -> Sequence[Shape | None]:
    """`MultiHeadAttention`: queries, keys and values separate or packed."""
    q = call.shape(0)
    heads = constant(call.integer("num_heads", 1))
    key, value = call.tensor(1).shape, call.tensor(2).shape
    if len(q) == 5 or key is None:  # (all of them packed in the first)
        wide = multiply(q[2], q[4]) if len(q) == 5 else q[2]
        return [(q[0], q[1], wide), None, None]
    if len(key) == 3 and value is not None and len(value) == 3:
        _separate(call, q, key, value)
    length, each = key[1], floor_division(q[2], heads)
    wide = q[2]
    if value is not None:
        wide = value[2] if len(value) == 3 else multiply(value[1], value[3])
        length = value[1] if len(value) == 3 else value[2]
    past = call.tensor(6).shape
    total = length if past is None else combine(1, past[2], 1, length)
    state = (q[0], heads, total, each)
    return [(q[0], q[1], wide), state, (q[0], heads, total, floor_division(wide, heads))]


def _separate(call: Call, q: Shape, key: Shape, value: Shape) -> None:
    """What queries, keys and values of three axes each require of each other."""
    for other in (key, value):
        call.same(q[0], other[0], "batch sizes of query, key and value differ")
    call.same(q[2], key[2], "the widths of query and key differ")
    call.same(key[1], value[1], "the lengths of key and value differ")
    heads = constant(call.integer("num_heads", 1))
    for wide in (q[2], value[2]):
        whole = equal(modulo(wide, heads), ZERO)
        call.need(whole, f"{wide} cannot be split into {heads} heads")
        call.need(less_equal(ONE, wide), f"there is nothing to split into {heads} heads")


def _grouped(call: Call) -> Sequence[Shape | None]:
    """`GroupQueryAttention`: the past grows in place or by the new keys."""
    q = call.rank_is(0, 3)
    kv = constant(call.integer("kv_num_heads", 1))
    heads = call.integer("num_heads", 1)
    packed = not call.has(1)
    every = (
        constant(heads + 2 * call.integer("kv_num_heads", 1)) if packed else constant(heads)
    )
    call.need(equal(modulo(q[2], every), ZERO), f"{q[2]} cannot be split into {every} heads")
    each = floor_division(q[2], every)
    total = call.fresh("total")
    state = (q[0], kv, total, each)
    return [(q[0], q[1], multiply(constant(heads), each)), state, state]


# ------------------------------------------------------------------------ quantized


def _quantized_pair(call: Call) -> Sequence[Shape | None]:
    return [call.checked(broadcast(call.shape(0), call.shape(3), known=call.known))]


def _quantized_concat(call: Call) -> Sequence[Shape | None]:
    from shapes.tensors import concatenate

    shapes = [call.shape(i) for i in range(2, len(call.inputs), 3)]
    axis = call.axis(call.integer("axis"), len(shapes[0]))
    return [call.checked(concatenate(shapes, axis))]


def _spatial_means(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    if call.integer("channels_last"):
        return [(x[0], *[ONE] * (len(x) - 2), x[-1])]
    return [(*x[:2], *[ONE] * (len(x) - 2))]


def _quantized_recurrent(call: Call) -> Sequence[Shape | None]:
    length, batch, _ = call.rank_is(0, 3)
    hidden = constant(call.integer("hidden_size"))
    directions = constant(2 if call.text("direction") == "bidirectional" else 1)
    state = (directions, batch, hidden)
    return [(length, directions, batch, hidden), state, state]


def _halved(call: Call) -> Sequence[Shape | None]:
    """`BiasSplitGelu`: the last axis is a value and its gate."""
    x = call.shape(0)
    return [(*x[:-1], floor_division(x[-1], constant(2)))]


_own("FusedMatMul TransposeMatMul FusedMatMulActivation", _fused_matmul)
_own("MatMulNBits MatMulBnb4 MatMulFpQ4", _packed_matmul)
_own("MatMulIntegerToFloat", _matmul, lambda call: [call.tensor(2).dtype])
_own("DynamicQuantizeMatMul", _matmul)
_own("FusedGemm GemmFastGelu", _gemm)
_own(
    "Gelu QuickGelu GroupNorm RotaryEmbedding Trilu BifurcationDetector "
    "QLinearSigmoid QLinearLeakyRelu QLinearSoftmax BiasSoftmax BiasDropout Inverse",
    same_shape,
)
_own("FastGelu BiasGelu", _biased)
_own("BiasAdd", same_shape)
_own("BiasSplitGelu", _halved)
_own(
    "SkipLayerNormalization SkipSimplifiedLayerNormalization", _skip_norm, lenient=is_empty
)
_own("SkipGroupNorm", lambda call: [call.shape(0), call.shape(0)])
_own(
    "EmbedLayerNormalization",
    _embedding,
    lambda call: [call.tensor(2).dtype, TensorProto.INT32],
)
_own("Attention", _packed_attention)
_own("QAttention", _packed_attention, lambda call: [call.tensor(3).dtype] * 2)
_own("MultiHeadAttention DecoderMaskedMultiHeadAttention", _many_headed, lenient=is_empty)
_own("GroupQueryAttention", _grouped)
_own("QLinearAdd QLinearMul", _quantized_pair)
_own("QLinearConcat", _quantized_concat, _like(1))
_own("QLinearGlobalAveragePool", _spatial_means)
_own("DynamicQuantizeLSTM", _quantized_recurrent)
_own("QuantizeLinear", quantized, _like(2))
_own("DequantizeLinear", quantized, _like(1))
_own("IsAllFinite", lambda call: [()], lambda call: [TensorProto.BOOL])
operator("SimplifiedLayerNormalization", same_shape)
