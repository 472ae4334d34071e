"""Questions of torch's kernels whose answer makes no difference to the traced program.

An operation that `torch.export.export` traces becomes one node of the graph, and its fake
kernel only says what the result looks like. If it asks there whether a run-time size is 0,
the node computes the same whatever is answered; what has to be right is the result's sizes,
for every size. Each row below says why they are. No other operations are answered, nor the
same question elsewhere: in the user's code, and where a decomposition is traced, the answer
chooses what is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import sympy
import torch

from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.symbols.growing import tracer_in_force

__all__ = ["ROWS", "Row", "assuming_no_size", "general_answer", "is_left_to_torch"]

_ATEN: Final = torch.ops.aten


class Row(NamedTuple):
    """Operations, the form of their question, and why the answer for general sizes does."""

    operations: frozenset[Any]
    asks: Callable[[Any], bool]
    why: str


def _of(*names: str) -> frozenset[Any]:
    """All overloads of the operations."""
    return frozenset(
        getattr(packet, overload)
        for packet in (getattr(_ATEN, name) for name in names)
        for overload in packet.overloads()
    )


def _is_emptiness(asked: Any) -> bool:
    """``n == 0``, ``n != 0``, for a number of elements."""
    if not isinstance(asked, (sympy.Eq, sympy.Ne)):
        return False
    return bool(asked.rhs == 0 and asked.lhs.is_nonnegative is not False)


def _is_least(asked: Any) -> bool:
    """``n > 0``, ``n >= 1``, ``n != 0``, ``n - 1 > 0``: that a size is large enough."""
    if isinstance(asked, sympy.Ne):
        return bool(asked.rhs == 0)
    if isinstance(asked, (sympy.Lt, sympy.Le)):
        asked = asked.reversed
    return isinstance(asked, (sympy.Gt, sympy.Ge)) and bool(asked.rhs.is_Integer)


ROWS: Final = (
    Row(
        _of("batch_norm", "instance_norm", "roll", "cummax", "cummin"),
        _is_emptiness,
        "the result has the sizes of the operand, whether or not there are elements",
    ),
    Row(
        _of("cdist", "bilinear"),
        _is_emptiness,
        "the result's sizes are those of the operands, read in the same way when there are no "
        "elements",
    ),
    Row(
        _of("logsumexp", "trapezoid"),
        _is_emptiness,
        "the result has the sizes of the operand without the reduced dimensions, whether or "
        "not there are elements",
    ),
    Row(
        _of("scaled_dot_product_attention"),
        _is_emptiness,
        "the result has the sizes of the query, with the last one of the value, whether or not "
        "there are elements",
    ),
    Row(
        _of(
            "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "fft_fft",
            "fft_ifft", "fft_rfft", "fft_hfft", "im2col",
        ),
        _is_least,
        "the operation itself raises when it is run with a smaller size, as it does in eager "
        "mode",
    ),
)  # fmt: skip
"""What is answered, and why: the general size is not 0, and large enough."""


def general_answer(question: Question) -> Answer | None:
    """The answer for general sizes, where every size gives the same program."""
    operation = _in_flight()
    if operation is None:
        return None
    for row in ROWS:
        if operation in row.operations and row.asks(question.asked):
            return Answer(_for_general(question.asked), f"{operation}: {row.why}")
    return None


def _for_general(asked: Any) -> Any:
    return sympy.false if isinstance(asked, sympy.Eq) else sympy.true


def _in_flight() -> Any:
    """The operation whose node is made, and whose result is not known yet."""
    tracer = tracer_in_force()
    if tracer is None:
        return None
    last = tracer.graph._root.prev
    return last.target if last.op == "call_function" and "val" not in last.meta else None


# --------------------------------------------------------------------------- torch's own ways

_HANDLED: Final = frozenset((
    ("_subclasses/fake_tensor.py", "_get_output_info_for_cache_entry"),
    ("_higher_order_ops/utils.py", "diff_tensor_meta"),
))  # fmt: skip
"""Functions of torch's that go on without an answer: nothing is to be assumed for them."""


def is_left_to_torch(question: Question) -> bool:
    """Whether torch handles it itself that the question has no answer."""
    return any((one.file, one.function) in _HANDLED for one in question.callers)


def assuming_no_size(
    original: Callable[..., Any], wanted: Callable[[], bool]
) -> Callable[..., Any]:
    """torch's `FakeImplCtx.create_unbacked_symint`, by which operations such as
    `torchvision::nms` say how many results they have: by default it claims at least 2, for the
    tracer's convenience."""

    def create_unbacked_symint(self: Any, *, min: int | None = None, max: Any = None) -> Any:
        if min is None and wanted():
            return self.new_dynamic_size(min=0, max=max)
        return original(self, max=max) if min is None else original(self, min=min, max=max)

    return create_unbacked_symint


