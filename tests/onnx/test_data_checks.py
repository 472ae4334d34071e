"""Asserts on values that are known only at run time: they stop what breaks them, in
onnxruntime at every level of optimization, and change nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import asserts
from tests.onnx.data_models import CASES, Case
from tests.onnx.test_checks import LEVELS, session, text

EACH = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def outcome(runner: Any, inputs: dict[str, np.ndarray]) -> Any:
    """The results as bytes, or the error's text."""
    try:
        return [(a.shape, a.tobytes()) for a in map(np.asarray, runner.run(None, inputs))]
    except Exception as error:
        return str(error)


@EACH
@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_stops_with_our_message_and_nothing_else(case: Case, level: Any) -> None:
    proto = case.make()
    changed = asserts.insert(proto)
    assert not changed.report.with_outcome("unplaced"), changed.report
    runner, plain = session(changed.program, level), session(proto, level)
    for inputs in (case.good, *case.also_good):
        expected = outcome(plain, inputs)
        assert not isinstance(expected, str), expected
        assert outcome(runner, inputs) == expected
    messages = [outcome(runner, inputs) for inputs in case.bad]
    for message, inputs in zip(messages, case.bad):
        assert isinstance(outcome(plain, inputs), str), inputs
        assert "runtime assert failed" in message, (inputs, message)
    assert any(case.words in message for message in messages), messages


@EACH
def test_comes_off_without_a_trace(case: Case) -> None:
    proto = case.make()
    changed = asserts.insert(proto)
    assert changed.modified
    assert text(asserts.remove(changed.program).program) == text(proto)
    assert not asserts.insert(changed.program).modified
    assert not asserts.minimise(changed.program).modified
