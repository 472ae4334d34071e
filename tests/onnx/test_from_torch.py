"""What a torch program checks is asserted in the model that was exported from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects import onnx as onnx_dialect
from asserts.errors import GraphError
from tests.onnx.small_models import positions
from tests.onnx.test_checks import LEVELS, session, text

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.filterwarnings("ignore")


class Cut(torch.nn.Module):  # type: ignore[misc]
    """Cuts columns at a length that is read at run time."""

    def forward(self, x: Any, lengths: Any, y: Any) -> Any:
        width = lengths.max().item()
        torch._check(width >= 2)
        torch._check(width <= x.shape[1])
        torch._check(x.shape[0] + 3 != y.shape[0])
        found = torch.nonzero(y)
        torch._check(found.shape[0] <= 5)
        return x[:, :width] * 2, found


def exported(**options: Any) -> tuple[Any, Any]:
    """The program and the model."""
    dim = torch.export.Dim
    batch = dim("batch")
    program = torch.export.export(
        Cut(),
        (torch.randn(3, 8), torch.tensor([2, 4, 3]), torch.ones(4)),
        dynamic_shapes={
            "x": {0: batch, 1: dim("width", max=64)},
            "lengths": {0: batch},
            "y": {0: dim("m")},
        },
    )
    return program, torch.onnx.export(program, dynamo=True, verbose=False, **options)


def fed(x: tuple[int, int], lengths: list[int], y: int) -> list[np.ndarray]:
    """Inputs of the model, in order."""
    return [np.ones(x, np.float32), np.array(lengths), np.ones(y, np.float32)]


GOOD = [fed((3, 8), [2, 4, 3], 4), fed((1, 64), [64], 0), fed((2, 2), [2, 0], 4)]
BAD = {
    "lengths_d0 = lengths.shape[0]": fed((3, 8), [2, 4], 4),
    "<= 64 (s": fed((1, 65), [4], 3),
    "+ 3 != ": fed((1, 8), [4], 4),
    "max_1_value >= 2": fed((3, 8), [1, 1, 1], 4),
    "max_1_value <= s": fed((3, 8), [1, 9, 1], 4),
    "<= 5 (": fed((1, 8), [4], 6),
}


@pytest.mark.parametrize("named", [False, True])
def test_checks_of_a_torch_program(named: bool) -> None:
    options = {"input_names": ["first", "second", "third"]} if named else {}
    program, model = exported(**options)
    changed = asserts.insert(model, like=program)
    assert not changed.report.with_outcome("unplaced")
    proto = model.model_proto
    assert text(asserts.remove(changed.program).program) == text(proto)
    assert not asserts.insert(changed.program, like=program).modified
    assert not asserts.insert(changed.program).modified
    assert not asserts.minimise(changed.program).modified
    names = [value.name for value in proto.graph.input]
    for level in LEVELS:
        runner, plain = session(changed.program, level), session(proto, level)
        for inputs in GOOD:
            given = dict(zip(names, inputs))
            for a, b in zip(runner.run(None, given), plain.run(None, given), strict=True):
                assert a.tobytes() == b.tobytes()
                assert a.shape == b.shape
        for words, inputs in BAD.items():
            with pytest.raises(Exception, match="runtime assert failed") as raised:
                runner.run(None, dict(zip(names, inputs)))
            assert named or words in str(raised.value), words


def test_what_the_model_does_not_have_is_listed() -> None:
    program, model = exported()
    proto = model.model_proto
    for node in proto.graph.node:
        del node.metadata_props[:]  # (so nothing says which call made a value)
    report = asserts.insert(proto, like=program).report
    lost = report.with_outcome("unplaced")
    assert {row.condition for row in lost} >= {"u0 >= 2"}
    assert all("not carried over: no value of the model is" in row.note for row in lost)
    assert any("lengths_d0" in row.condition for row in report.with_outcome("inserted"))


def test_only_programs_of_torch_are_taken() -> None:
    with pytest.raises(GraphError, match="str is not a torch ExportedProgram"):
        onnx_dialect.insert_like(positions(), "program.pt2")
    with pytest.raises(GraphError, match="`like` is for ONNX models"):
        asserts.insert(exported()[0], like=exported()[0])
