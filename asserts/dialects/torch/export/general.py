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
    """Operations, the answer to a form of their question (None: of another form), and why it
    does for all sizes."""

    operations: frozenset[Any]
    answer: Callable[[Any], Any]
    why: str


def _of(*names: str) -> frozenset[Any]:
    """All overloads of the operations."""
    return frozenset(
        getattr(packet, overload)
        for packet in (getattr(_ATEN, name) for name in names)
        for overload in packet.overloads()
    )


def _not_empty(asked: Any) -> Any:
    """``n == 0`` is false, ``n != 0`` true."""
    if not isinstance(asked, (sympy.Eq, sympy.Ne)) or asked.rhs != 0:
        return None
    return sympy.false if isinstance(asked, sympy.Eq) else sympy.true


def _large_enough(asked: Any) -> Any:
    """``n > 0``, ``n >= 1``, ``n != 0``, ``n - 1 > 0`` are true."""
    if isinstance(asked, (sympy.Lt, sympy.Le)):
        asked = asked.reversed
    if isinstance(asked, (sympy.Gt, sympy.Ge)) and asked.rhs.is_Integer:
        return sympy.true
    return sympy.true if isinstance(asked, sympy.Ne) and asked.rhs == 0 else None


def _neither_empty_nor_large(asked: Any) -> Any:
    """``n == 0`` is false, and so is ``n > 25``, by which a way to compute is chosen."""
    if isinstance(asked, sympy.Gt) and asked.rhs.is_Integer:
        return sympy.false
    return _not_empty(asked)


ROWS: Final = (
    Row(
        _of("batch_norm", "instance_norm", "roll", "cummax", "cummin"),
        _not_empty,
        "the result has the sizes of the operand, whether or not there are elements",
    ),
    Row(
        _of("cdist"),
        _neither_empty_nor_large,
        "the result has as many rows and columns as the operands have rows, however many, and "
        "however it is computed",
    ),
    Row(
        _of("bilinear"),
        _not_empty,
        "the result's sizes are those of the operands, read in the same way when there are no "
        "elements",
    ),
    Row(
        _of("trapezoid"),
        _not_empty,
        "the result has the sizes of the operand without the dimension that is integrated, "
        "whether or not there are elements",
    ),
    Row(
        _of("scaled_dot_product_attention"),
        _not_empty,
        "the result has the sizes of the query, with the last one of the value, whether or "
        "not there are elements",
    ),
    Row(
        _of("adaptive_max_pool1d", "im2col"),
        _large_enough,
        "the operation itself raises when it is run with a smaller size, as it does in eager "
        "mode",
    ),
)
"""What is answered, and why: the general size is not 0, large enough, and not very large."""


def general_answer(question: Question) -> Answer | None:
    """The answer for general sizes, where every size gives the same program."""
    operation = _in_flight()
    if operation is None or question.asker is None:
        return None
    if question.asker.operation is not operation:
        return None  # (one that has raised leaves its node)
    for row in ROWS:
        answer = row.answer(question.asked) if operation in row.operations else None
        if answer is not None:
            return Answer(answer, f"{operation}: {row.why}")
    return None


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


