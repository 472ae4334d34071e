"""What pictures show of models."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

import asserts
from asserts.outline import Outline, outline
from tests.asserts.test_outline import roles


def reaching(found: Outline, name: str) -> set[str]:
    """The boxes from which a box can be reached."""
    reached = {name}
    for a, b in reversed(found.edges):
        if b in reached:
            reached.add(a)
    return reached


def model() -> onnx.ModelProto:
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [size, 4])
        for name, size in (("x", "n"), ("y", "m"), ("z", "k"))
    }
    nodes = [
        helper.make_node("Concat", ["x", "x"], ["t0"], axis=0),
        helper.make_node("Add", ["t0", "y"], ["t1"]),
        helper.make_node("Identity", ["t1"], ["z"], name="last"),
    ]
    graph = helper.make_graph(nodes, "g", [values["x"], values["y"]], [values["z"]])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    made.ir_version = 9
    return made


def test_an_onnx_model() -> None:
    made = asserts.insert(model())
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
