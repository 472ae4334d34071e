"""Our own graphs, and the functions that were traced, as subjects of `asserts.verify`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from asserts.conditions.lift import lift
from asserts.dialects.numpy import NUMPY
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.graph.node import map_arg
from asserts.graph.structure import STRUCTURE, put_together
from asserts.graph.values import ArrayValue
from asserts.trace.inputs import sizes_of_inputs
from asserts.verify.probe import Probe
from asserts.verify.subject import Condition, Input, Number, Trial
from shapes.env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.expr import BoolExpr, Expr, symbol
from shapes.traversal import evaluate, show

__all__ = ["FunctionSubject", "NumpySubject", "array_text"]


class NumpySubject:
    """A graph module that is tried."""

    def __init__(self, module: GraphModule) -> None:
        self._module = module
        self._placeholders = [n for n in module.graph.nodes if n.op == "placeholder"]
        env = NUMPY.environment(module)
        self._env = env if isinstance(env, ShapeEnv) else ShapeEnv()
        self._probe = Probe(module.graph, NUMPY.bindings, self._execute)
        self.inputs: Sequence[Input] = [_input(node) for node in self._placeholders]
        self.run_time: Sequence[Expr] = self._probe.symbols
        self.names: Mapping[str, str] = {}
        axioms = self._env.axioms
        self.sure: Sequence[BoolExpr] = [f.claim for f in axioms if f.origin == "operation"]
        self.conditions: Sequence[Condition] = self._conditions()

    def _conditions(self) -> list[Condition]:
        found: dict[BoolExpr, Condition] = {}
        for fact in self._env.axioms:
            if fact.origin != "operation":
                # What callers satisfy, a function that is called without asserts takes on
                # trust.
                found.setdefault(fact.claim, Condition(fact.spelled, fact.claim, entry=True))
        for check in self._env.checks:
            found.setdefault(check.claim, Condition(check.text, check.claim))
        for one in lift(self._module.graph, NUMPY):
            if one.claim is not None:
                found.setdefault(one.whole, Condition(show(one.claim), one.whole))
        return list(found.values())

    def _execute(self, node: Node, value_of: Any) -> Any:
        args = map_arg(node.args, value_of)
        return self._module._execute(node, args, map_arg(dict(node.kwargs), value_of))

    def measure(self, inputs: Sequence[object]) -> Mapping[Expr, Number]:
        """The values of run-time symbols."""
        with np.errstate(all="ignore"):
            return self._probe.values(dict(zip(self._placeholders, _copies(inputs))))

    def run(self, inputs: Sequence[object]) -> Any:
        """The result, and the inputs as they are afterwards."""
        own = _copies(inputs)
        with np.errstate(all="ignore"):
            return _compact(self._module(*own)), own

    def work(self, inputs: Sequence[object]) -> int:
        """The elements of all arrays whose sizes are made of those of the inputs."""
        try:
            sizes = sizes_of_inputs(self._module, self._placeholders, inputs)
        except ShapeproofError:
            return 0
        known: dict[Expr, int] = {symbol(name): size for name, size in sizes.items()}
        return sum(_elements(node.meta.get("val"), known) for node in self._module.graph.nodes)

    def difference(self, first: Any, second: Any) -> str | None:
        """How two results differ; floats may differ by rounding."""
        for (result, changed), word in zip(
            ((first[0], second[0]), (first[1], second[1])), ("the result", "a changed input")
        ):
            how = _difference(result, changed, word)
            if how is not None:
                return how
        return None

    def shown(self, trial: Trial) -> str:
        """Name, dtype, shape and content of every input."""
        pairs = zip(self.inputs, trial.inputs)
        return "\n".join(f"{given.name} = {array_text(value)}" for given, value in pairs)


class FunctionSubject:
    """The function of which a graph was traced, called as the graph is. (It has no checks that
    could be looked at.)"""

    def __init__(self, module: GraphModule, function: Callable[..., object]) -> None:
        self._function = function
        self._names = [str(n.target) for n in module.graph.nodes if n.op == "placeholder"]
        own = [(name, ("input", name)) for name in self._names]
        self._structure = module.meta.get(STRUCTURE, own)
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            signature = inspect.Signature()
        only_by_place = inspect.Parameter.POSITIONAL_ONLY
        self._by_name = {
            n for n, p in signature.parameters.items() if p.kind is not only_by_place
        }

    def run(self, inputs: Sequence[object]) -> Any:
        """The result, and the inputs as they are afterwards."""
        own = _copies(inputs)
        values = dict(zip(self._names, own))
        given = {name: put_together(one, values) for name, one in self._structure}
        named = {name: value for name, value in given.items() if name in self._by_name}
        rest = [value for name, value in given.items() if name not in named]
        if rest:  # parameters that stand for any number come behind those with names
            rest = [*named.values(), *rest]
            named = {}
        with np.errstate(all="ignore"):
            return _compact(self._function(*rest, **named)), own


def _input(node: Node) -> Input:
    value = node.meta.get("val")
    name = str(node.target)
    if isinstance(value, ArrayValue):
        own = {path: symbol for symbol, path in NUMPY.bindings(node).items()}
        sizes = (own.get((("size", i),), size) for i, size in enumerate(value.shape))
        return Input(name, tuple(sizes), str(value.dtype))
    if isinstance(value, Expr):
        return Input(name, value=value, dtype=value.kind)
    return Input(name, example=value)


def _copies(inputs: Sequence[object]) -> list[Any]:
    return [value.copy() if isinstance(value, np.ndarray) else value for value in inputs]


def _compact(value: Any) -> Any:
    """A result without the rest of the memory that it is a view of."""
    if isinstance(value, dict):
        return {key: _compact(part) for key, part in value.items()}
    if type(value) in (tuple, list):
        return type(value)(map(_compact, value))
    if isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        return value.copy() if value.size < value.base.size else value
    return value


def _elements(value: object, known: Mapping[Expr, int]) -> int:
    if isinstance(value, (tuple, list)):
        return sum(_elements(part, known) for part in value)
    if not isinstance(value, ArrayValue):
        return 0
    try:
        return math.prod(int(evaluate(size, known)) for size in value.shape)
    except ShapeproofError:  # made of a value that is read at run time
        return 0


def _difference(first: object, second: object, where: str) -> str | None:
    if type(first) is not type(second):
        return f"{where} is of type {type(first).__name__} and {type(second).__name__}"
    if isinstance(first, (tuple, list)) and isinstance(second, (tuple, list)):
        if len(first) != len(second):
            return f"{where} has {len(first)} and {len(second)} parts"
        parts = enumerate(zip(first, second))
        found = (_difference(a, b, f"{where}[{i}]") for i, (a, b) in parts)
        return next((how for how in found if how is not None), None)
    if isinstance(first, dict) and isinstance(second, dict):
        if first.keys() != second.keys():
            return f"{where} has other keys"
        parts_by_key = ((first[k], second[k], f"{where}[{k!r}]") for k in first)
        found = (_difference(*part) for part in parts_by_key)
        return next((how for how in found if how is not None), None)
    if not isinstance(first, (np.ndarray, np.generic, bool, int, float, complex)):
        return None if first == second else f"{where} is {first!r} and {second!r}"
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{where} is {a.dtype}{list(a.shape)} and {b.dtype}{list(b.shape)}"
    if a.dtype.kind in "fc":
        same = np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)
    else:
        same = np.array_equal(a, b)
    return None if same else f"{where} is {array_text(a)} and {array_text(b)}"


def array_text(value: object) -> str:
    """An array with dtype and shape, long ones cut; a number as it is."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.ndim == 0:
        return f"{value.dtype} {value.item()!r}"
    content = np.array2string(value, threshold=100, edgeitems=4, separator=", ")
    content = " ".join(content.split())
    return f"{value.dtype}{list(value.shape)} {content}"
