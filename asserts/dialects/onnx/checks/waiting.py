"""Which inputs of a model wait for the asserts at its entry.

All work must come after the asserts, but a node waits already if one of its operands does. So
an input need not, if every node that depends on it depends on one that waits too, or does next
to nothing and cannot fail: as the states that a model is handed beside what it looks at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from onnx import NodeProto

from asserts.dialects.onnx.checks.writing import is_ours
from asserts.dialects.onnx.infer.order import used
from asserts.dialects.onnx.infer.walk import shown_name

__all__ = ["elements_behind", "is_firm", "waiting_inputs"]

VIEWS = frozenset(
    ("Cast", "Gather", "Identity", "Reshape", "Shape", "Size", "Slice", "Split", "Squeeze",
     "Transpose", "Unsqueeze")
)  # fmt: skip
"""Operators that only look at a value in another way, or move its elements."""

FIRM = frozenset(
    ("Abs", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Conv", "ConvTranspose",
     "CumSum", "DequantizeLinear", "Einsum", "Equal", "Erf", "Exp", "GRU", "Gather",
     "GatherElements", "GatherND", "Gemm", "GlobalAveragePool", "Greater", "LSTM",
     "LayerNormalization", "Less", "Log", "LogSoftmax", "MatMul", "MaxPool", "NonZero",
     "QuantizeLinear", "RNN", "ReduceMax", "ReduceMean", "ReduceSum", "STFT", "Sigmoid",
     "Softmax", "Sqrt", "Tanh", "TopK", "Unique")
)  # fmt: skip
"""Operators that compute something of their operands, so that no optimisation leaves them out
or takes them for a change of shape."""

MOST = 2_000_000
"""Looks at nodes for which one is patient: beyond that all inputs wait."""


def waiting_inputs(
    nodes: Iterable[NodeProto],
    inputs: Sequence[str],
    read: Collection[str],
    demanding: Collection[str],
    results: Collection[str],
) -> list[str]:
    """Those of the `inputs` that must wait. Of two that could stand for each other that one
    does which checks `read`. The nodes that are `demanding`, by the names that people know,
    may fail. What is among the `results` of the model must have waited."""
    graph = [
        (
            tuple(used(node)),
            tuple(node.output),
            _is_harmless(node, demanding),
            _tells_sizes(node),
        )
        for node in nodes
        if not is_ours(node)
    ]
    waiting = list(inputs)
    if len(graph) * len(inputs) > MOST:
        return waiting
    for name in sorted(inputs, key=lambda name: name in read):
        fewer = [other for other in waiting if other != name]
        if fewer and _all_wait(graph, frozenset(inputs), frozenset(fewer), results):
            waiting = fewer
    return waiting


def is_firm(node: NodeProto) -> bool:
    """Whether a node keeps its operand from being seen as a step between two shapes."""
    return node.op_type in FIRM and not node.domain


def elements_behind(nodes: Iterable[NodeProto], name: str) -> set[str]:
    """The values whose elements, not only whose sizes, may come from those of another one."""
    late = {name}
    for node in nodes:
        if not _tells_sizes(node) and not late.isdisjoint(used(node)):
            late.update(node.output)
    return late


def _tells_sizes(node: NodeProto) -> bool:
    """Whether a node tells sizes of its operand, which onnxruntime may know without it."""
    return node.op_type in ("Shape", "Size") and not node.domain


def _is_harmless(node: NodeProto, demanding: Collection[str]) -> bool:
    return node.op_type in VIEWS and not node.domain and shown_name(node) not in demanding


Node = tuple[tuple[str, ...], tuple[str, ...], bool, bool]
"""What a node uses and makes, whether it is harmless, and whether it tells sizes."""


def _all_wait(
    graph: Iterable[Node],
    inputs: frozenset[str],
    waiting: frozenset[str],
    results: Collection[str],
) -> bool:
    """Whether every node that does anything with an input waits if only some inputs do."""
    late, early = set(waiting), set(inputs - waiting)
    for names, made, harmless, tells_sizes in graph:
        if not late.isdisjoint(names):
            if not tells_sizes:
                late.update(made)
        elif not early.isdisjoint(names):
            if not harmless:
                return False
            early.update(made)
    return early.isdisjoint(results)
