"""ONNX models that are tried: what `verify` is told of them, and how it runs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np
from onnx import ModelProto, helper

from asserts.dialects.onnx.answers.contract import Contract, contract, fewest
from asserts.dialects.onnx.answers.describe import is_met
from asserts.dialects.onnx.checks.guarding import without_asserts
from asserts.dialects.onnx.checks.placing import data_checks
from asserts.dialects.onnx.checks.scopes import scopes_of
from asserts.dialects.onnx.checks.stated import Check, stated
from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.model.reading import folder_of, load_model
from asserts.dialects.onnx.model.saving import require_external
from asserts.dialects.onnx.model.types import Shape, Tensor
from asserts.dialects.onnx.probing import Probe
from asserts.dialects.onnx.running import ADVICE, Session, opened
from asserts.errors import ASSERT_FAILED, GraphError, InputError
from asserts.verify.subject import Condition, Input, Number, Trial
from shapes.errors import ShapeproofError
from shapes.expr import FALSE, TRUE, BoolExpr, Expr, constant
from shapes.traversal import evaluate, free_symbols, substitute

__all__ = ["OnnxSubject", "subjects"]


def subjects(first: Any, second: Any) -> tuple[OnnxSubject, OnnxSubject]:
    """Two models to compare; external data of one without a path lies where that of the other
    does. Raises `GraphError` if one is not a model, its external data is not there, or
    onnxruntime loads neither."""
    own, other = folder_of(first), folder_of(second)
    both = (
        OnnxSubject(load_model(first), own or other),
        OnnxSubject(load_model(second), other or own),
    )
    errors = [error for error in (subject.refusal() for subject in both) if error is not None]
    if len(errors) == len(both):
        raise GraphError(f"onnxruntime loads neither model: {errors[0]}")
    return both


class OnnxSubject:
    """A model that is tried, in onnxruntime.

    Its conditions are those of the contract, what operations require exactly of run-time
    values, and what it asserts. `stopped` has those at whose asserts a run has stopped.
    """

    def __init__(self, model: ModelProto, folder: str | None = None) -> None:
        require_external(model, folder, "", ADVICE)
        self._model, self._folder = model, folder
        bare = without_asserts(model)
        found = contract(bare)
        inferred = found.inferred
        self._types: Mapping[str, Any] = inferred.types
        constants = {t.name for t in model.graph.initializer}
        names = [v.name for v in model.graph.input if v.name not in constants]
        self.inputs: Sequence[Input] = [_input(name, inferred.types[name]) for name in names]
        sizes = {s for i in self.inputs for d in i.shape or () for s in free_symbols(d)}
        self._unclear = found.sufficient
        claims = dict.fromkeys(_on_inputs(found), False)
        for check in _asserted(model, found):
            inner = claims.setdefault(check.condition, bool(check.scope))
            claims[check.condition] = inner and bool(check.scope)
        self._probe = _probe(bare, inferred, claims, sizes, folder)
        self.run_time: Sequence[Expr] = self._probe.symbols
        known = {*sizes, *self.run_time}
        self.conditions: Sequence[Condition] = [
            Condition(
                str(claim), claim, set(free_symbols(claim)) <= sizes and not inner, inner
            )
            for claim, inner in claims.items()
        ]
        facts = [fact.claim for fact in inferred.symbols.env.axioms]
        self.sure: Sequence[BoolExpr] = [
            claim
            for claim in (*facts, *self._probe.facts())
            if set(free_symbols(claim)) <= known
        ]
        self.names: Mapping[str, str] = {s.name: self._probe.where(s) for s in self.run_time}
        self.stopped: set[str] = set()
        self._shapes = _distinct_shapes(inferred, {t.name for t in bare.graph.initializer})
        self._session: Session | None = None

    def measure(self, inputs: Sequence[Any]) -> Mapping[Expr, Number]:
        """The values that the main graph reads at run time, as far as they are reached."""
        return self._probe.measured(self._named(inputs))

    def work(self, inputs: Sequence[Any]) -> int:
        """The elements of all values whose sizes inputs decide."""
        given = self._named(inputs)
        values = {s: n for one, a in given.items() for s, n in self._bound(one, a)}
        total = 0
        for shape, count in self._shapes.items():
            if {s for d in shape for s in free_symbols(d)} <= values.keys():
                with suppress(ShapeproofError):
                    total += count * prod(max(0, int(evaluate(d, values))) for d in shape)
        return total

    def _bound(self, name: str, array: Any) -> Iterator[tuple[Expr, int]]:
        """The symbols that are sizes and elements of an input."""
        found = self._types[name]
        for size, n in zip(found.shape or (), np.shape(array), strict=False):
            if size.is_symbol:
                yield size, int(n)
        elements = found.elements
        if elements is not None and elements.size == np.size(array):
            for element, n in zip(elements.flat, np.asarray(array).flat, strict=True):
                if isinstance(element, Expr) and element.is_symbol:
                    yield element, int(n)

    def _named(self, inputs: Sequence[Any]) -> dict[str, Any]:
        names = [i.name for i in self.inputs]
        return dict(zip(names, map(np.asarray, inputs), strict=True))

    def run(self, inputs: Sequence[Any]) -> Any:
        """What the model computes; raises if it rejects the inputs."""
        self._refuse_unclear(inputs)
        try:
            return self._opened().run(None, self._named(inputs))
        except Exception as error:
            self._note(str(error))
            raise

    def refusal(self) -> Exception | None:
        """Why onnxruntime does not load the model; None if it does. Raises `GraphError` if
        onnxruntime is not installed."""
        try:
            self._opened()
        except GraphError:
            raise
        except Exception as error:  # onnxruntime's errors have no class of their own
            return error
        return None

    def _opened(self) -> Session:
        if self._session is None:
            self._session = opened(self._model, self._folder)
        return self._session

    def _note(self, message: str) -> None:
        """Note the assert that has stopped a run, which its message names."""
        _, stopped, rest = message.partition(ASSERT_FAILED)
        if stopped:
            texts = [c.text for c in self.conditions if rest.startswith(f"{c.text} (")]
            self.stopped.update(texts)

    def _refuse_unclear(self, inputs: Sequence[Any]) -> None:
        """Refuse sizes of which the contract is only sufficient: what onnxruntime computes of
        them, if it does, may be memory that nothing was written to."""
        named = self._named(inputs)
        values = {s: n for name, array in named.items() for s, n in self._bound(name, array)}
        known = {symbol: constant(n) for symbol, n in values.items()}
        for one in self._unclear:
            broken = set(free_symbols(one.whole)) <= values.keys() and not is_met(
                one.whole, values
            )
            if broken and substitute(one.only_sufficient, known) is TRUE:
                raise InputError(f"{one.whole} does not hold: {one.reason}")

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


def _on_inputs(found: Contract) -> Sequence[BoolExpr]:
    """The conditions on inputs that no data can make needless."""
    kept = [one for one in found.requirements if found.left_to_data(one) is FALSE]
    if len(kept) == len(found.requirements):
        return found.conditions
    return fewest(found, [one.whole for one in kept])


def _asserted(model: ModelProto, found: Contract) -> Iterator[Check]:
    """What a model asserts, and what its operations require of run-time values."""
    yield from stated(model, found.inferred)
    yield from data_checks(found)


def _probe(
    bare: ModelProto,
    inferred: Inferred,
    claims: Iterable[BoolExpr],
    sizes: set[Expr],
    folder: str | None,
) -> Probe:
    """What reads the symbols of conditions that are not sizes of inputs."""
    read = dict.fromkeys(s for claim in claims for s in free_symbols(claim) if s not in sizes)
    main = scopes_of(bare.graph, inferred)[""]
    return Probe(bare, main, read, lambda part: opened(part, folder))


def _distinct_shapes(inferred: Inferred, constants: Collection[str]) -> Counter[Shape]:
    """The shapes of all values but constants, with how many have each."""
    own = (found for name, found in inferred.types.items() if name not in constants)
    every = (*own, *inferred.inner.values())
    return Counter(t.shape for t in every if isinstance(t, Tensor) and t.shape is not None)
