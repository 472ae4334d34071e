"""onnx's own node tests: what is inferred equals what the operator computes.

Every case twice: with the sizes in the file, and with a name for every size of every input.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import onnx
import pytest

import asserts
from asserts.dialects.onnx.infer.model import infer
from shapes.errors import ShapeproofError
from shapes.traversal.evaluate import evaluate
from tests.onnx.running import Verdicts, anonymous, bindings, classed, judged, symbolic

PARTS = 12

BY_NATURE = (
    "compress", "image_decoder", "nonmaxsuppression", "nonzero", "string_split", "strnormalizer",
    "unique", "loop1", "resize_", "linear_attention", "range_", "onehot_",
)  # fmt: skip
"""Cases whose sizes depend on data, or on floating-point numbers."""


@cache
def cases() -> list[Any]:
    """All cases, loaded once."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [case for case in load_model_tests(kind="node") if case.data_sets]


@pytest.mark.parametrize("part", range(PARTS))
def test_inferred_is_computed(part: int) -> None:
    wrong = [text for case in cases()[part::PARTS] for text in _wrong(case)]
    assert wrong == []


def _wrong(case: Any) -> list[str]:
    found: list[str] = []
    for inputs, outputs in case.data_sets:
        for model in (anonymous(case.model), symbolic(case.model, inputs)):
            inferred = infer(model)
            if any("malformed" in note for note in inferred.notes):
                found.append(f"{case.name}: {inferred.notes}")
            names = [value.name for value in model.graph.input]
            values = bindings(inferred, dict(zip(names, inputs)))
            verdicts = Verdicts()
            for value, actual in zip(model.graph.output, outputs):
                known = inferred.types.get(value.name)
                judged(inferred, value.name, known, actual, values, verdicts)
            found += [f"{case.name}: {text}" for text in verdicts.wrong]
            found += _refused(case.name, inferred, values)
    return found


def _refused(name: str, inferred: Any, values: Any) -> list[str]:
    """Requirements that the case's own inputs, which run, do not satisfy."""
    found = []
    for one in inferred.requirements:
        try:
            holds = evaluate(one.whole, values)
        except ShapeproofError:
            continue  # (a symbol that depends on data)
        if not holds and one.exact:
            found.append(f"{name}: refused by {one.condition}: {one.reason}")
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_asserts_go_in_and_come_off_without_a_trace(part: int) -> None:
    """But for the large graphs that functions are expanded to."""
    wrong: list[str] = []
    plain = [c for c in cases() if "expanded" not in c.name and "attention" not in c.name]
    for case in plain[part::PARTS]:
        inputs = case.data_sets[0][0]
        for model in (case.model, symbolic(case.model, inputs)):
            try:
                wrong += [f"{case.name}: {text}" for text in _differences(model)]
            except Exception as error:  # each case that raises is to be named
                wrong.append(f"{case.name}: {type(error).__name__}: {error}")
    assert wrong == []


def _differences(model: Any) -> list[str]:
    """What `insert`, `minimise` and `remove` do not do as they say."""
    checked = asserts.insert(model)
    found = []
    if not checked.modified:
        return [] if checked.program is model else ["unchanged, but another model"]
    if _bytes(asserts.remove(checked.program).program) != _bytes(model):
        found.append("removed, but another model")
    if asserts.insert(checked.program).modified:
        found.append("inserted twice")
    fewer = asserts.minimise(checked.program).program
    if _bytes(asserts.remove(fewer).program) != _bytes(model):
        found.append("minimised and removed, but another model")
    if _is_valid(model) and not _is_valid(checked.program):
        found.append("inserted, and no longer a valid model")
    return found


def _is_valid(model: Any) -> bool:
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError:
        return False
    return True


def _bytes(model: Any) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def test_most_sizes_are_expressions_of_input_sizes() -> None:
    verdicts = Verdicts()
    for case in cases():
        if any(word in case.name for word in BY_NATURE):
            continue
        model = symbolic(case.model, case.data_sets[0][0])
        if any(one.version < 13 and one.domain == "" for one in model.opset_import):
            continue
        classed(infer(model), iter([value.name for value in model.graph.output]), verdicts)
    known = verdicts.closed / (verdicts.closed + verdicts.fresh + verdicts.open)
    assert known > 0.97, verdicts
