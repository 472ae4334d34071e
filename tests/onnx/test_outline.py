"""What pictures show of models."""

from __future__ import annotations

import asserts
from asserts.outline import Outline, outline
from tests.asserts.test_outline import roles
from tests.onnx.build import model, node, value


def reaching(found: Outline, name: str) -> set[str]:
    """The boxes from which a box can be reached."""
    reached = {name}
    for a, b in reversed(found.edges):
        if b in reached:
            reached.add(a)
    return reached


def test_an_onnx_model() -> None:
    nodes = [
        node("Concat", ["x", "x"], ["t0"], axis=0),
        node("Add", ["t0", "y"], ["t1"]),
        node("Identity", ["t1"], ["z"], name="last"),
    ]
    inputs = [value("x", ["n", 4]), value("y", ["m", 4])]
    made = asserts.insert(model(nodes, inputs, [value("z", ["k", 4])], opset=20))
    found = outline(made.program, made.report)
    shown = roles(found)
    assert shown["input"] == ["x: input", "y: input"]
    assert shown["operation"] == ["Concat", "Add", "Identity: last"]
    assert shown["assert"] == ["2 * n == m or m == 1"]
    assert [box.check for box in found.boxes if box.role == "assert"] == [0]
    assert {"in x", "in y", "t0"} <= reaching(found, "out z")
    assert {box.shape for box in found.boxes if box.role == "input"} == {
        "float[n, 4]", "float[m, 4]",
    }  # fmt: skip
