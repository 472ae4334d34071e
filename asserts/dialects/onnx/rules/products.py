"""Products of matrices, with and without quantization."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from onnx import TensorProto

from asserts.dialects.onnx.model.types import Shape
from asserts.dialects.onnx.rules.record import Call, operator
from shapes.tensors import broadcast_to, einsum, matmul

__all__: list[str] = []


def _matmul(first: int, second: int) -> Callable[[Call], Sequence[Shape | None]]:
    def shapes(call: Call) -> Sequence[Shape | None]:
        return [call.checked(matmul(call.shape(first), call.shape(second), known=call.known))]

    return shapes


def _gemm(call: Call) -> Sequence[Shape | None]:
    a, b = call.rank_is(0, 2), call.rank_is(1, 2)
    a = a[::-1] if call.integer("transA") else a
    b = b[::-1] if call.integer("transB") else b
    call.same(a[1], b[0], "the inner sizes of a product differ")
    result = (a[0], b[1])
    if call.has(2):
        call.checked(broadcast_to(call.shape(2), result, known=call.known))
    return [result]


def _einsum(call: Call) -> Sequence[Shape | None]:
    operands = [call.shape(i) for i in range(len(call.inputs))]
    return [call.checked(einsum(call.text("equation"), operands, known=call.known))]


def _det(call: Call) -> Sequence[Shape | None]:
    shape = call.shape(0)
    call.same(shape[-1], shape[-2], "a determinant needs a square matrix")
    return [shape[:-2]]


operator("MatMul", _matmul(0, 1))
operator("MatMulInteger", _matmul(0, 1), dtypes=lambda call: [TensorProto.INT32])
operator("QLinearMatMul", _matmul(0, 3), dtypes=lambda call: [call.tensor(7).dtype])
operator("Gemm", _gemm)
operator("Einsum", _einsum)
operator("Det", _det)
