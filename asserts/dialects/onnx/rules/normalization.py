"""Normalization, losses, and quantization: shapes of the input, and statistics beside it."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import TensorProto

from asserts.dialects.onnx.model.types import Shape
from asserts.dialects.onnx.rules.record import (
    ONE,
    ZERO,
    Call,
    is_empty,
    operator,
)
from shapes.expr import ceiling_division, constant, disjunction, equal, less_equal, modulo
from shapes.tensors import show_shape

__all__ = ["quantized"]


def _batch(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    for i in range(1, 5):
        if call.tensor(i).shape is not None and len(x) > 1:
            [size] = call.rank_is(i, 1)
            call.same(size, x[1], "there is not one parameter for each channel")
    channels = (x[1],) if len(x) > 1 else (ONE,)
    return [x, *[channels] * (len(call.node.output) - 1)]


def _batch_dtypes(call: Call) -> Sequence[int]:
    statistics = call.tensor(3).dtype
    return [call.tensor(0).dtype, *[statistics] * 4]


def _instance(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    for i in (1, 2):
        if call.tensor(i).shape is not None:
            call.same(call.shape(i)[0], x[1], "there is not one parameter for each channel")
    return [x]


def _group(call: Call) -> Sequence[Shape | None]:
    """One parameter for each group before operator set 21, for each channel since then. The
    function that it stands for reshapes, which nothing without elements survives."""
    x = call.shape(0)
    groups = constant(call.integer("num_groups", 1))
    whole = equal(modulo(x[1], groups), ZERO)
    call.need(whole, f"{x[1]} channels are not a multiple of {groups} groups")
    for size in x:
        call.need(less_equal(ONE, size), f"nothing can be normalized along an axis of {size}")
    wanted, each = (x[1], "channel") if call.version >= 21 else (groups, "group")
    for i in (1, 2):
        if call.tensor(i).shape is not None:
            call.same(
                call.rank_is(i, 1)[0], wanted, f"there is not one parameter for each {each}"
            )
    return [x]


def _layer(call: Call) -> Sequence[Shape | None]:
    x = call.shape(0)
    at = call.axis(call.integer("axis", -1), len(x))
    from shapes.tensors import broadcast_to

    for size in x[at:]:
        call.need(less_equal(ONE, size), f"nothing can be normalized along an axis of {size}")
    for i in (1, 2):
        if call.has(i) and call.tensor(i).shape is not None:
            call.checked(broadcast_to(call.shape(i), x, known=call.known))
    statistics = (*x[:at], *[ONE] * (len(x) - at))
    return [x, statistics, statistics]


def _layer_dtypes(call: Call) -> Sequence[int]:
    statistics = call.integer("stash_type", TensorProto.FLOAT)
    return [call.tensor(0).dtype, statistics, statistics]


def _likelihood_loss(call: Call) -> Sequence[Shape | None]:
    x, target = call.shape(0), call.shape(1)
    call.same(x[0], target[0], "batch sizes of input and target differ")
    if call.text("reduction", "mean") == "none":
        return [target, x]
    return [(), x]


def _loss_dtypes(call: Call) -> Sequence[int]:
    return [call.tensor(0).dtype] * 2


def _quantized_dtype(call: Call) -> Sequence[int]:
    if call.has(2) and call.tensor(2).dtype:
        return [call.tensor(2).dtype]
    return [call.integer("output_dtype") or TensorProto.UINT8]


def _dequantized_dtype(call: Call) -> Sequence[int]:
    return [call.integer("output_dtype") or call.tensor(1).dtype]


def quantized(call: Call) -> Sequence[Shape | None]:
    """One scale for all elements, one for each place along an axis, or one for each block."""
    x = call.shape(0)
    sides = [call.tensor(i).shape for i in (1, 2) if call.has(i)]
    block = call.integer("block_size")
    if block:
        _need_blocks(call, [side for side in sides if side is not None], block)
        return [x]
    known = [side for side in sides if side is not None and len(side) <= 1]
    if len(known) < len(sides):
        return [x]
    counts = [side[0] if side else ONE for side in known]
    scales, default = counts[0], call.integer("axis", 1)
    places = x[default] if -len(x) <= default < len(x) else ONE
    if known[0]:
        call.need(
            disjunction(equal(scales, ONE), equal(scales, places)),
            f"{scales} scales for {places} places of an axis",
        )
    for zeros in counts[1:]:
        call.need(equal(zeros, scales), f"{zeros} zero points for {scales} scales")
    return [x]


def _need_blocks(call: Call, sides: Sequence[Shape], block: int) -> None:
    """Scales and zero points have a number for each block along an axis."""
    wanted = list(call.shape(0))
    axis = call.axis(call.integer("axis", 1), len(wanted))
    wanted[axis] = ceiling_division(wanted[axis], constant(block))
    for side in sides:
        if len(side) != len(wanted):
            raise call.walk.fail(f"{show_shape(side)} is not a shape of blocks")
        for size, blocks in zip(side, wanted, strict=True):
            call.need(equal(size, blocks), f"{size} scales or zero points for {blocks} blocks")


def _local(call: Call) -> Sequence[Shape | None]:
    return [call.rank_is(0, 4)]


def _two_scalars(call: Call) -> Sequence[Shape | None]:
    return [call.shape(0), (), ()]


operator("BatchNormalization", _batch, dtypes=_batch_dtypes)
operator("InstanceNormalization", _instance)
operator("GroupNormalization", _group, lenient=is_empty)
operator("LayerNormalization RMSNormalization", _layer, dtypes=_layer_dtypes)
operator(
    "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss", _likelihood_loss, dtypes=_loss_dtypes
)
operator("QuantizeLinear", quantized, dtypes=_quantized_dtype)
operator("DequantizeLinear", quantized, dtypes=_dequantized_dtype)
operator("LRN", _local)
operator(
    "DynamicQuantizeLinear",
    _two_scalars,
    dtypes=lambda call: [TensorProto.UINT8, TensorProto.FLOAT, TensorProto.UINT8],
)
