"""ONNX models: symbolic shapes, the input sizes that a model accepts, and runtime asserts.

`infer_shapes` finds the shape of every value as expressions of the model's dimension names.
`contract` lists what the operations require of the inputs; `insert` asserts it at run time,
with what they require of run-time values; `insert_like` also what a torch program checks;
`remove`, `minimise` and `report` are as for other programs. The folders, from the bottom:
``model`` (messages and types), ``rules`` (operators, one record each), ``infer`` (the walk),
``answers`` (what is asked), ``checks`` (asserts). Needs the extra ``onnx``.
"""

from __future__ import annotations

from asserts.errors import GraphError

try:
    import onnx  # noqa: F401
except ModuleNotFoundError as error:
    raise GraphError(
        "onnx is not installed: a model needs it (pip install 'shapeproof[onnx]')"
    ) from error

from asserts.dialects.onnx.answers.contract import Contract, contract
from asserts.dialects.onnx.checks.passes import insert, insert_like, minimise, remove, report
from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.model import infer as infer_shapes

__all__ = [
    "Contract",
    "Inferred",
    "contract",
    "infer_shapes",
    "insert",
    "insert_like",
    "minimise",
    "remove",
    "report",
]
