"""Recurrent networks and attention: sequences, heads, states."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asserts.dialects.onnx.model.types import Shape
from asserts.dialects.onnx.rules.record import (
    ONE,
    ZERO,
    Call,
    operator,
    same_shape,
)
from shapes.expr import (
    IntExpr,
    combine,
    constant,
    equal,
    floor_division,
    less_equal,
    modulo,
    multiply,
    scale,
    shift,
)
from shapes.tensors import broadcast_to

__all__: list[str] = []


def _recurrent(gates: int, states: int) -> Callable[[Call], Sequence[Shape | None]]:
    def shapes(call: Call) -> Sequence[Shape | None]:
        x, w, r = call.rank_is(0, 3), call.rank_is(1, 3), call.rank_is(2, 3)
        batch_first = call.integer("layout")
        length, batch = (x[1], x[0]) if batch_first else (x[0], x[1])
        hidden = constant(call.integer("hidden_size")) if call.integer("hidden_size") else r[2]
        directions = constant(2 if call.text("direction") == "bidirectional" else 1)
        call.need(less_equal(ONE, batch), f"there is no batch: {batch}")
        if call.node.op_type == "GRU":
            call.need(less_equal(ONE, length), f"there is no sequence: {length}")
        call.same(x[2], w[2], "the input and its weights differ in size")
        call.same(w[1], scale(gates, hidden), "the weights do not fit the hidden size")
        state = (directions, batch, hidden)
        for i in (5, 6)[:states]:
            if call.has(i) and call.tensor(i).shape is not None:
                expected = (batch, directions, hidden) if batch_first else state
                for a, b in zip(call.rank_is(i, 3), expected, strict=True):
                    call.same(a, b, "an initial state does not fit")
        if call.has(4) and call.tensor(4).shape is not None:
            call.same(call.shape(4)[0], batch, "there is not one length for each of the batch")
        if batch_first:
            return [
                (batch, length, directions, hidden),
                *[(batch, directions, hidden)] * states,
            ]
        return [(length, directions, batch, hidden), *[state] * states]

    return shapes


def _headed(call: Call, shape: Shape, heads: int) -> Shape:
    """An operand of attention as batch, heads, length, size."""
    if len(shape) == 4:
        return shape
    if len(shape) != 3:
        raise call.walk.fail(f"an operand of attention has 3 or 4 axes, not {len(shape)}")
    count = constant(heads)
    call.need(
        equal(modulo(shape[2], count), ZERO), f"{shape[2]} cannot be split into {heads} heads"
    )
    return (shape[0], count, shape[1], floor_division(shape[2], count))


def _attention(call: Call) -> Sequence[Shape | None]:
    flat = len(call.shape(0)) == 3
    kv_heads = call.integer("kv_num_heads")
    q = _headed(call, call.shape(0), call.integer("q_num_heads"))
    k, v = _headed(call, call.shape(1), kv_heads), _headed(call, call.shape(2), kv_heads)
    batch = call.same(q[0], k[0], "batch sizes of query and key differ")
    call.same(k[0], v[0], "batch sizes of key and value differ")
    call.same(q[3], k[3], "head sizes of query and key differ")
    call.same(k[2], v[2], "lengths of key and value differ")
    total = k[2]
    if call.has(4):
        total = combine(1, call.rank_is(4, 4)[2], 1, k[2])
    if call.has(3) and call.tensor(3).shape is not None and not _is_short(call, total):
        mask = call.shape(3)
        call.checked(broadcast_to(mask, (batch, q[1], q[2], total), known=call.known))
    heads = (batch, q[1], q[2], v[3])
    y = (batch, q[2], multiply(q[1], v[3])) if flat else heads
    return [
        y,
        (batch, k[1], total, k[3]),
        (batch, v[1], total, v[3]),
        (batch, q[1], q[2], total),
    ]


def _is_short(call: Call, total: IntExpr) -> bool:
    """Whether a mask may end before the keys do (and is padded then)."""
    return call.version >= 24


def _linear_attention(call: Call) -> Sequence[Shape | None]:
    q, k, v = (call.rank_is(i, 3) for i in range(3))
    heads = constant(call.integer("kv_num_heads"))
    wide = floor_division(v[2], heads)
    y = (q[0], q[1], scale(call.integer("q_num_heads"), wide))
    return [y, (q[0], heads, floor_division(k[2], heads), wide)]


def _causal_convolution(call: Call) -> Sequence[Shape | None]:
    x, w = call.rank_is(0, 3), call.rank_is(1, 3)
    call.same(x[1], w[0], "the channels of input and kernel differ")
    return [x, (x[0], x[1], shift(w[2], -1))]


def _flex(call: Call) -> Sequence[Shape | None]:
    q, v = call.rank_is(0, 4), call.rank_is(2, 4)
    return [(*q[:3], v[3])]


def _gated(call: Call) -> Sequence[Shape | None]:
    a, b = call.shape(0), call.shape(1)
    if len(a) != len(b):
        raise call.walk.fail("the gate and the value have different numbers of axes")
    return [tuple(call.same(x, y, "gate and value differ") for x, y in zip(a, b, strict=True))]


operator("RNN", _recurrent(1, 1))
operator("GRU", _recurrent(3, 1))
operator("LSTM", _recurrent(4, 2))
operator("Attention", _attention)
operator("LinearAttention", _linear_attention)
operator("CausalConvWithState", _causal_convolution)
operator("FlexAttention", _flex, domain="ai.onnx.preview")
operator("RotaryEmbedding", same_shape)
operator("SwiGLU", _gated)
