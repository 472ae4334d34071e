"""The values of symbols that a model reads at run time, found by running what makes them.

What is run is the part of the main graph that a value needs, and nothing else: an operation
that fails elsewhere does not matter, and a value that is not reached has no number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, ValueInfoProto, helper

from asserts.dialects.onnx.checks.scopes import Reading, Scope
from asserts.dialects.onnx.infer.order import used
from asserts.dialects.onnx.model.types import Tensor
from asserts.errors import GraphError
from shapes.expr import BoolExpr, Expr, IntExpr, constant, disjunction, equal, less_equal
from shapes.tensors import product

__all__ = ["Probe"]


class Probe:
    """Reads symbols of a model's main graph, which has no asserts."""

    def __init__(
        self,
        model: ModelProto,
        main: Scope,
        symbols: Iterable[Expr],
        opened: Callable[[ModelProto], Any],
    ) -> None:
        self._model = model
        self._opened = opened
        self._main = main
        self._readings: dict[Expr, Reading] = {}
        for symbol in symbols:
            found = main.reading(symbol)
            if found is not None:
                self._readings[symbol] = found
        self._sessions: dict[tuple[str, ...], tuple[Any, frozenset[str]]] = {}

    @property
    def symbols(self) -> list[Expr]:
        """The symbols that can be read, in the order of the graph."""
        return sorted(self._readings, key=lambda symbol: self._readings[symbol].position)

    def where(self, symbol: Expr) -> str:
        """What a symbol is, in words."""
        return self._readings[symbol].read.where

    def facts(self) -> Iterator[BoolExpr]:
        """What holds of the least and the greatest element where there are no elements."""
        for symbol, reading in self._readings.items():
            end = {"least": 0, "greatest": -1}.get(reading.read.step)
            found = self._main.type_of(reading.read.value)
            if end is None or not isinstance(found, Tensor) or found.shape is None:
                continue
            assert isinstance(symbol, IntExpr)
            some = less_equal(constant(1), product(found.shape))
            yield disjunction(some, equal(symbol, constant(end)))

    def measured(self, given: Mapping[str, np.ndarray[Any, Any]]) -> dict[Expr, int]:
        """The values of the symbols for these inputs, of those that are reached."""
        values = dict(given)
        names = {r.read.value for r in self._readings.values()} - values.keys()
        wanted = tuple(sorted(n for n in names if n in self._main.makers))
        values.update(self._computed(wanted, given))
        found: dict[Expr, int] = {}
        for symbol, reading in self._readings.items():
            if reading.read.value in values:
                number = _number(reading, np.asarray(values[reading.read.value]))
                if number is not None:
                    found[symbol] = number
        return found

    def _computed(self, names: tuple[str, ...], given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Values of the graph: all at once, or else each of those that can be computed."""
        if not names:
            return {}
        try:
            session, inputs = self._session(names)
            fed = {name: array for name, array in given.items() if name in inputs}
            return dict(zip(names, session.run(list(names), fed), strict=True))
        except GraphError:
            raise
        except Exception:  # onnxruntime's errors have no class of their own
            found: dict[str, Any] = {}
            for name in names if len(names) > 1 else ():
                found.update(self._computed((name,), given))
            return found

    def _session(self, names: tuple[str, ...]) -> tuple[Any, frozenset[str]]:
        found = self._sessions.get(names)
        if found is None:
            part = self._part(names)
            inputs = frozenset(value.name for value in part.graph.input)
            found = self._sessions[names] = (self._opened(part), inputs)
        return found

    def _part(self, names: Sequence[str]) -> ModelProto:
        """The model of what makes some values, without anything else."""
        graph, makers = self._model.graph, self._main.makers
        left, wanted = list(names), set[str]()
        while left:
            name = left.pop()
            if name not in wanted:
                wanted.add(name)
                if name in makers:
                    left += used(graph.node[makers[name]])
        part = ModelProto(ir_version=self._model.ir_version)
        part.opset_import.extend(self._model.opset_import)
        part.functions.extend(self._model.functions)
        part.graph.name = graph.name
        places = sorted({makers[name] for name in wanted if name in makers})
        part.graph.node.extend(graph.node[place] for place in places)
        part.graph.initializer.extend(t for t in graph.initializer if t.name in wanted)
        part.graph.sparse_initializer.extend(
            t for t in graph.sparse_initializer if t.values.name in wanted
        )
        part.graph.input.extend(v for v in graph.input if v.name in wanted)
        part.graph.output.extend(self._output(name) for name in names)
        return part

    def _output(self, name: str) -> ValueInfoProto:
        found = self._main.type_of(name)
        if isinstance(found, Tensor) and found.dtype:
            return helper.make_tensor_value_info(name, found.dtype, None)
        return ValueInfoProto(name=name)


def _number(reading: Reading, array: np.ndarray[Any, Any]) -> int | None:
    """What a symbol is in a value; None if the value has no such part."""
    step, index = reading.read.step, reading.read.index
    if step == "size":
        return int(array.shape[index]) if index < array.ndim else None
    if step == "element":
        return int(array.flat[index]) if index < array.size else None
    if step == "least":
        return int(min(array.min(initial=0), 0))
    return int(max(array.max(initial=-1), -1))
