"""ONNX models that are tried: what `verify` is told of them, and how it runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, helper

from asserts.dialects.onnx.answers.contract import contract
from asserts.dialects.onnx.checks.guarding import without_asserts
from asserts.dialects.onnx.checks.stated import stated
from asserts.dialects.onnx.model.reading import load_model
from asserts.dialects.onnx.model.types import Tensor
from asserts.errors import GraphError, InputError
from asserts.verify.subject import Condition, Input, Number, Trial
from shapes.expr import BoolExpr, Expr
from shapes.traversal import evaluate, free_symbols

__all__ = ["OnnxSubject", "subjects"]

FATAL = frozenset(("LSTM", "GRU", "RNN"))
"""Operators that end the process, in onnxruntime, where they have no batch."""


def subjects(first: Any, second: Any) -> tuple[OnnxSubject, OnnxSubject]:
    """Two models to compare. Raises `GraphError` if one is not a model."""
    return OnnxSubject(load_model(first)), OnnxSubject(load_model(second))


class OnnxSubject:
    """A model that is tried, in onnxruntime."""

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        found = contract(without_asserts(model))
        constants = {t.name for t in model.graph.initializer}
        types = {
            value.name: found.inferred.types[value.name]
            for value in model.graph.input
            if value.name not in constants
        }
        self.inputs: Sequence[Input] = [_input(name, t) for name, t in types.items()]
        sizes = {s for i in self.inputs for d in i.shape or () for s in free_symbols(d)}
        asserted = [check.condition for check in stated(model, found.inferred)]
        self._fatal = [r.whole for r in found.requirements if r.operator in FATAL]
        self.conditions: Sequence[Condition] = [
            Condition(str(claim), claim, entry=True)
            for claim in dict.fromkeys((*found.conditions, *asserted))
            if set(free_symbols(claim)) <= sizes
        ]
        self.sure: Sequence[BoolExpr] = ()
        self.run_time: Sequence[Expr] = ()
        self.names: Mapping[str, str] = {}
        self._session: Any = None

    def measure(self, inputs: Sequence[Any]) -> Mapping[Expr, Number]:
        """Nothing is read at run time."""
        return {}

    def run(self, inputs: Sequence[Any]) -> Any:
        """What the model computes; raises if it rejects the inputs."""
        self._refuse_fatal(inputs)
        if self._session is None:
            self._session = _session(self._model)
        names = [i.name for i in self.inputs]
        return self._session.run(None, dict(zip(names, map(np.asarray, inputs), strict=True)))

    def _refuse_fatal(self, inputs: Sequence[Any]) -> None:
        values: dict[Any, int] = {
            size: n
            for one, given in zip(self.inputs, inputs, strict=True)
            for size, n in zip(one.shape or (), np.shape(given), strict=False)
            if size in free_symbols(size)
        }
        for claim in self._fatal:
            if set(free_symbols(claim)) <= values.keys() and not evaluate(claim, values):
                raise InputError(f"{claim} does not hold: onnxruntime would end this process")

    def difference(self, first: Any, second: Any) -> str | None:
        """How two results differ; None if they don't."""
        if len(first) != len(second):
            return f"one has {len(first)} results, the other {len(second)}"
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            x, y = np.asarray(a), np.asarray(b)
            if x.shape != y.shape or x.dtype != y.dtype:
                kinds = f"{x.dtype}{x.shape} in one, {y.dtype}{y.shape} in the other"
                return f"result {i} is {kinds}"
            if not np.array_equal(x, y, equal_nan=x.dtype.kind == "f"):
                return f"result {i} differs in its elements"
        return None

    def shown(self, trial: Trial) -> str:
        """The inputs of a trial, one in a line."""
        pairs = zip(self.inputs, trial.inputs, strict=True)
        return "\n".join(f"{i.name}: {np.asarray(a).dtype}{np.shape(a)}" for i, a in pairs)


def _input(name: str, found: Any) -> Input:
    if not isinstance(found, Tensor) or found.shape is None:
        raise GraphError(f"the input `{name}` is not a tensor of a known rank")
    return Input(name, found.shape, str(helper.tensor_dtype_to_np_dtype(found.dtype)))


def _session(model: ModelProto) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise GraphError("onnxruntime is not installed: models run in it") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    content = model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
