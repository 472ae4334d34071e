"""`verify` aims at every check: those on sizes, and those on what data decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects.onnx.trials import OnnxSubject
from asserts.verify.inputs import Generator
from tests.onnx.build import INT64, model, node, value
from tests.onnx.data_models import CASES, Case

pytest.importorskip("onnxruntime")

EACH = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


@EACH
def test_every_check_is_broken(case: Case) -> None:
    proto = case.make()
    checked = asserts.insert(proto).program
    report = asserts.verify(proto, checked, trials=8)
    assert report.equal, str(report)
    assert report.checks
    assert report.unbroken == ()
    assert report.rejected


@EACH
def test_what_breaks_an_assert_is_stopped_by_it(case: Case) -> None:
    """By the message of an assert, not by what the operation would say."""
    subject = OnnxSubject(asserts.insert(case.make()).program)
    stopped = 0
    for trial in Generator(subject).trials(5):
        if "not hold" in trial.purpose:
            with pytest.raises(Exception, match="runtime assert failed"):
                subject.run(trial.inputs)
            stopped += 1
    assert stopped or all(c.inner for c in subject.conditions)


def test_an_input_that_ends_the_process_is_rejected() -> None:
    """Attention of nothing, which only data decide."""
    from onnx import helper

    from asserts.dialects.onnx.running import opened
    from asserts.errors import InputError

    proto = model(
        [
            node("NonZero", ["k"], ["at"]),
            node("Cast", ["at"], ["row"], to=1),
            node("Unsqueeze", ["row", "axes"], ["q"]),
            node("MultiHeadAttention", ["q"] * 3, ["y"], num_heads=1, domain="com.microsoft"),
        ],
        [value("k", ["n"])],
        ["y"],
        {"axes": np.array([0])},
        imports=[helper.make_opsetid("com.microsoft", 1)],
    )
    session = opened(proto)
    for elements in ([1, 1], [0, 0], [1, 0, 1]):
        given = {"k": np.array(elements, np.float32)}
        if any(elements):
            [y] = session.run(None, given)
            assert y.shape == (1, 1, sum(elements))
        else:
            with pytest.raises(InputError, match="ended its process"):
                session.run(None, given)
    assert asserts.verify(proto, asserts.insert(proto).program, trials=5).equal


def test_a_process_that_was_killed_or_interrupted_gives_no_old_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from asserts.dialects.onnx.running import opened
    from asserts.errors import InputError

    proto = model(
        [node("Einsum", ["x"], ["y"], equation="ij->ji")], [value("x", ["n", "k"])], ["y"]
    )
    session = opened(proto)
    large = {"x": np.ones((300, 2000), np.float32)}  # (more than a pipe holds)
    assert session.run(None, large)[0].shape == (2000, 300)
    session._process.kill()  # type: ignore[attr-defined]
    session._process.wait()  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="ended its process"):
        session.run(None, large)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("asserts.dialects.onnx.running.pickle.load", _interrupted)
        session.run(None, large)
    assert session.run(None, {"x": np.ones((7, 1), np.float32)})[0].shape == (1, 7)


def _interrupted(_: object) -> None:
    raise KeyboardInterrupt


def test_models_that_do_not_load_are_not_compared() -> None:
    from asserts.errors import GraphError

    proto = model([node("NonZero", ["x"], ["y"])], [value("x", ["n"])], [value("y", None)])
    with pytest.raises(GraphError, match="loads neither model"):
        asserts.verify(proto, proto)


def gathered() -> Any:
    """Rows of a table by the numbers of an input, which are cast and shifted before."""
    return model(
        [
            node("Cast", ["numbers"], ["whole"], to=INT64),
            node("Sub", ["whole", "one"], ["at"]),
            node("Gather", ["table", "at"], ["rows"]),
            node("Add", ["rows", "x"], ["y"]),
        ],
        [value("numbers", ["n"]), value("x", ["m", 2])],
        ["y"],
        {"one": np.array(1), "table": np.ones((7, 2), np.float32)},
    )


def test_indices_that_are_computed() -> None:
    proto = gathered()
    report = asserts.verify(proto, asserts.insert(proto).program, trials=10)
    assert report.equal, str(report)
    assert report.unbroken == ()


def test_a_check_that_is_missing_is_seen() -> None:
    """A model that stops what the other one accepts is different."""
    from asserts.dialects import onnx as onnx_dialect

    proto = gathered()
    narrower = onnx_dialect.insert(proto, ["at_max <= 3"]).program
    assert not asserts.verify(proto, narrower, trials=10).equal


def test_sizes_that_inputs_decide_are_not_made_without_end() -> None:
    """A fill by the numbers of an input: trials that are too large are left out."""
    proto = model(
        [node("ConstantOfShape", ["shape"], ["y"])], [value("shape", [4], INT64)], ["y"]
    )
    report = asserts.verify(proto, asserts.insert(proto).program, trials=5)
    assert report.equal, str(report)
    assert report.unbroken == ()
