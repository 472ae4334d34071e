"""Inference on small models: computed shapes, subgraphs, functions, what the file says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

import asserts
from asserts.errors import GraphError
from tests.onnx.build import BOOL, FLOAT, INT64, model, node, value


def shapes(proto: ModelProto, *names: str) -> list[str]:
    found = asserts.infer_shapes(proto)
    return ["[" + ", ".join(str(d) for d in found.shapes[name]) + "]" for name in names]


def test_computed_reshape() -> None:
    """``x.reshape(x.shape[0] * x.shape[1], -1)``, as exporters write it."""
    proto = model(
        [
            node("Shape", ["x"], ["s"]),
            node("Gather", ["s", "zero"], ["b"]),
            node("Gather", ["s", "one"], ["t"]),
            node("Mul", ["b", "t"], ["bt"]),
            node("Unsqueeze", ["bt", "axis"], ["bt1"]),
            node("Concat", ["bt1", "rest"], ["target"], axis=0),
            node("Reshape", ["x", "target"], ["y"]),
        ],
        [value("x", ["batch", "seq", 12])],
        ["y"],
        {"zero": 0, "one": 1, "axis": [0], "rest": [-1]},
    )
    assert shapes(proto, "y") == ["[batch * seq, 12]"]


def test_resize_to_the_size_of_another_value() -> None:
    proto = model(
        [
            node("Conv", ["x", "w"], ["down"], strides=[2, 2], pads=[1, 1, 1, 1]),
            node("Shape", ["x"], ["s"]),
            node("Slice", ["s", "two", "four"], ["hw"]),
            node("Concat", ["nc", "hw"], ["sizes"], axis=0),
            node("Resize", ["down", "", "", "sizes"], ["up"]),
            node("Resize", ["down", "", "scales"], ["double"]),
        ],
        [value("x", ["n", 3, "h", "w_"])],
        ["up", "double"],
        {
            "w": np.zeros((8, 3, 3, 3), np.float32),
            "two": [2],
            "four": [4],
            "nc": np.array([1, 8]),
            "scales": np.array([1, 1, 2, 2], np.float32),
        },
    )
    assert shapes(proto, "up", "double") == [
        "[1, 8, h, w_]",
        "[n, 8, 2 * ((h + 1) // 2), 2 * ((w_ + 1) // 2)]",
    ]


def test_sizes_that_went_through_floats() -> None:
    """``floor(float(h) * 2)`` and ``ceil(n / 3)``."""
    proto = model(
        [
            node("Shape", ["x"], ["s"]),
            node("Cast", ["s"], ["f"], to=FLOAT),
            node("Mul", ["f", "half"], ["m"]),
            node("Floor", ["m"], ["fl"]),
            node("Cast", ["fl"], ["i"], to=INT64),
            node("ConstantOfShape", ["i"], ["halved"]),
            node("Div", ["f", "three"], ["d"]),
            node("Ceil", ["d"], ["c"]),
            node("Cast", ["c"], ["j"], to=INT64),
            node("ConstantOfShape", ["j"], ["thirds"]),
        ],
        [value("x", ["n"])],
        ["halved", "thirds"],
        {"half": np.float32(0.5), "three": np.float32(3)},
    )
    assert shapes(proto, "halved", "thirds") == ["[n // 2]", "[(n + 2) // 3]"]


def test_data_decides_a_size() -> None:
    proto = model(
        [node("NonZero", ["x"], ["at"]), node("Transpose", ["at"], ["rows"], perm=[1, 0])],
        [value("x", ["n", 4])],
        ["rows"],
    )
    found = asserts.infer_shapes(proto)
    count, two = found.shapes["rows"]
    assert str(two) == "2"
    assert found.symbols.is_data(str(count))
    known = found.symbols.env
    assert known.prove(count >= 0).status.name == "ALWAYS"
    assert known.prove(f"{count} <= 4*n").status.name == "ALWAYS"


def _branch(name: str, size: str) -> object:
    return helper.make_graph([node("Identity", [size], [name])], name, [], [value(name, None)])


def _choice(condition: str) -> ModelProto:
    return model(
        [
            node("Shape", ["x"], ["s"]),
            node("Equal", ["s", "four"], ["is_four"]),
            node(
                "If",
                [condition],
                ["y"],
                then_branch=_branch("a", "x"),
                else_branch=_branch("b", "z"),
            ),
        ],
        [value("x", ["n"]), value("z", ["m"]), value("c", [], BOOL)],
        ["y"],
        {"four": [4]},
    )


def test_if_on_a_size_is_a_choice_of_sizes() -> None:
    assert shapes(_choice("is_four"), "y") == ["[Where(n == 4, 4, m)]"]


def test_if_on_data_is_a_fresh_size_between_both() -> None:
    found = asserts.infer_shapes(_choice("c"))
    [size] = found.shapes["y"]
    assert found.symbols.is_data(str(size))
    assert found.symbols.env.prove(f"{size} <= Max(n, m)").status.name == "ALWAYS"


def _loop(body_nodes: list, state: tuple[str, str], scanned: str | None = None) -> object:
    outputs = [value("go", [], BOOL), value(state[1], None)]
    outputs += [value(scanned, None)] if scanned else []
    inputs = [value("i", [], INT64), value("going", [], BOOL), value(state[0], None)]
    return helper.make_graph(body_nodes, "body", inputs, outputs)


def test_loop_that_keeps_its_sizes() -> None:
    body = _loop(
        [
            node("Identity", ["going"], ["go"]),
            node("Add", ["s", "s"], ["s2"]),
            node("ReduceSum", ["s"], ["total"], keepdims=0),
        ],
        ("s", "s2"),
        "total",
    )
    proto = model(
        [
            node("Shape", ["x"], ["dims"]),
            node("Gather", ["dims", "zero"], ["n"]),
            node("Loop", ["n", "", "x"], ["final", "totals"], body=body),
        ],
        [value("x", ["n", 3])],
        ["final", "totals"],
        {"zero": 0},
    )
    assert shapes(proto, "final", "totals") == ["[n, 3]", "[n]"]


def test_loop_that_grows_is_widened() -> None:
    body = _loop(
        [node("Identity", ["going"], ["go"]), node("Concat", ["s", "x"], ["s2"], axis=0)],
        ("s", "s2"),
    )
    proto = model(
        [node("Loop", ["trips", "", "x"], ["final"], body=body)],
        [value("x", ["n", 3]), value("trips", [], INT64)],
        ["final"],
    )
    found = asserts.infer_shapes(proto)
    grown, three = found.shapes["final"]
    assert str(three) == "3"
    assert found.symbols.is_data(str(grown))


def test_model_local_function_with_attributes() -> None:
    body = node("Concat", ["a", "b"], ["c"])
    body.attribute.add(name="axis", ref_attr_name="at", type=2)
    function = helper.make_function(
        "own", "Join", ["a", "b"], ["c"], [body], [helper.make_opsetid("", 17)], ["at"]
    )
    proto = model(
        [node("Join", ["x", "z"], ["y"], domain="own", at=1)],
        [value("x", ["n", "p"]), value("z", ["n", "q"])],
        ["y"],
        imports=[helper.make_opsetid("own", 1)],
        functions=[function],
    )
    assert shapes(proto, "y") == ["[n, p + q]"]


def test_unknown_operators_are_named_and_their_shapes_read_from_the_file() -> None:
    proto = model(
        [node("Strange", ["x"], ["h"], domain="far"), node("Relu", ["h"], ["y"])],
        [value("x", ["n"])],
        ["y"],
        imports=[helper.make_opsetid("far", 1)],
    )
    found = asserts.infer_shapes(proto)
    assert found.shape("y") is None
    assert any("far.Strange" in note for note in found.notes)


def test_expressions_are_written_into_value_info() -> None:
    proto = model(
        [node("Concat", ["x", "x"], ["h"], axis=0), node("Relu", ["h"], ["y"])],
        [value("x", ["n"])],
        ["y"],
    )
    written = asserts.infer_shapes(proto).model
    [info] = written.graph.value_info
    assert (info.name, info.type.tensor_type.shape.dim[0].dim_param) == ("h", "2 * n")
    assert written.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "2 * n"
    assert len(proto.graph.value_info) == 0, "the given model stays as it is"


def test_contradictions_name_both() -> None:
    proto = model(
        [node("Concat", ["x", "x"], ["y"], axis=0)], [value("x", [3])], [value("y", [5])]
    )
    found = asserts.infer_shapes(proto)
    with pytest.raises(GraphError, match="axis 0 has size 5, but it has 6"):
        _ = found.model
    assert (
        found.annotated(overrule=True).graph.output[0].type.tensor_type.shape.dim[0].dim_value
        == 6
    )


def test_dimension_names_of_any_spelling() -> None:
    proto = model(
        [node("Concat", ["x", "z"], ["h"], axis=1), node("Relu", ["z"], ["y"])],
        [value("x", ["batch size", "2*s"]), value("z", ["batch size", "s"])],
        ["h", "y"],
    )
    assert shapes(proto, "h") == ["[batch_size, 3 * s]"]
    written = asserts.infer_shapes(proto).model
    assert written.graph.output[1].type.tensor_type.shape.dim[0].dim_param == "batch size"


# ------------------------------------------------------------------------ bad input


def test_not_a_model(tmp_path) -> None:  # type: ignore[no-untyped-def]
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"this is not a model")
    with pytest.raises(GraphError, match=r"bad\.onnx is not an ONNX model"):
        asserts.infer_shapes(bad)
    bad.write_bytes(b"")
    with pytest.raises(GraphError, match="is not an ONNX model"):
        asserts.infer_shapes(str(bad))


def test_every_truncation_is_refused_or_read() -> None:
    whole = _choice("c").SerializeToString()
    for end in range(0, len(whole), 7):
        with suppress(GraphError):
            asserts.infer_shapes(whole[:end])


def test_cycle_is_shown() -> None:
    proto = model(
        [node("Add", ["x", "b"], ["a"], name="one"), node("Relu", ["a"], ["b"], name="two")],
        [value("x", ["n"])],
        ["a"],
    )
    with pytest.raises(GraphError, match=r"cycle: (one <- two|two <- one)"):
        asserts.infer_shapes(proto)


def test_unsorted_nodes_are_sorted() -> None:
    proto = model(
        [node("Relu", ["h"], ["y"]), node("Concat", ["x", "x"], ["h"], axis=0)],
        [value("x", ["n"])],
        ["y"],
    )
    assert shapes(proto, "y") == ["[2 * n]"]


def test_missing_value_is_named() -> None:
    proto = model([node("Relu", ["nowhere"], ["y"], name="r")], [value("x", ["n"])], ["y"])
    with pytest.raises(GraphError, match="r uses `nowhere`, which nothing makes"):
        asserts.infer_shapes(proto)


def test_external_data_is_not_read() -> None:
    proto = model([node("MatMul", ["x", "w"], ["y"])], [value("x", ["n", 4])], ["y"])
    weight = proto.graph.initializer.add()
    weight.name, weight.data_type = "w", TensorProto.FLOAT
    weight.dims.extend([4, 1 << 30])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="nowhere.bin")
    assert shapes(proto, "y") == ["[n, 1073741824]"]


def test_onnx_ir_models() -> None:
    onnx_ir = pytest.importorskip("onnx_ir")
    proto = model([node("Concat", ["x", "x"], ["y"], axis=0)], [value("x", ["n"])], ["y"])
    found = asserts.infer_shapes(onnx_ir.from_proto(proto))
    assert [str(d) for d in found.shapes["y"]] == ["2 * n"]


def _squeezed_or_not(rest: list) -> ModelProto:
    """``x.squeeze(1)`` as torch writes it: an `If` whose branches have different ranks."""
    squeezed = helper.make_graph(
        [node("Squeeze", ["x", "one"], ["a"])], "then", [], [value("a", None)]
    )
    return model(
        [
            node("Shape", ["x"], ["s"], start=1, end=2),
            node("Equal", ["s", "one"], ["is_one"]),
            node(
                "If",
                ["is_one"],
                ["h"],
                then_branch=squeezed,
                else_branch=_branch("b", "x"),
            ),
            *rest,
        ],
        [value("x", ["n", "m", 4])],
        ["y"],
        {"one": [1], "w": np.ones((2, 4), np.float32), "two": [2]},
    )


def test_branches_of_different_ranks_are_followed_both() -> None:
    """What comes behind is looked at in both cases, and put together where it can be."""
    rest = [node("Shape", ["h"], ["hs"]), node("ReduceProd", ["hs"], ["count"], keepdims=1)]
    proto = _squeezed_or_not([*rest, node("ConstantOfShape", ["count"], ["y"])])
    [size] = asserts.infer_shapes(proto).shapes["y"]
    from shapes.traversal import evaluate, free_symbols

    for n, m in ((3, 1), (3, 2), (0, 1), (5, 7)):
        values = {s: {"n": n, "m": m}[s.name] for s in free_symbols(size)}
        assert evaluate(size, values) == 4 * n * m


def test_a_rank_that_an_operation_refuses_is_a_condition() -> None:
    """`Gemm` takes matrices only, so the axis that is squeezed must have size 1."""
    proto = _squeezed_or_not([node("Gemm", ["h", "w"], ["y"], transB=1)])
    assert shapes(proto, "y") == ["[n, 2]"]
    assert asserts.contract(proto).texts == ["m == 1"]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5])
def test_sizes_at_the_ends_of_an_axis(size: int) -> None:
    """A start before the first element, backwards; a condition that is longer than the axis."""
    constants = {
        "a": [-2],
        "b": [-7],
        "ax": [0],
        "t": [-3],
        "keep": np.array([True, False, True]),
    }
    nodes = [
        node("Slice", ["x", "a", "b", "ax", "t"], ["back"]),
        node("Compress", ["x", "keep"], ["kept"], axis=0),
    ]
    found = asserts.infer_shapes(
        model(nodes, [value("x", [size])], ["back", "kept"], constants)
    )
    backwards = [0, 1, 1, 1, 0, 2][size]
    assert str(found.shapes["back"][0]) == str(backwards)
    assert str(found.shapes["kept"][0]) == str([0, 1, 1, 2, 2, 2][size])


def _calling_itself() -> ModelProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    again = [node("Again", ["a"], ["b"], domain="own")]
    function = helper.make_function("own", "Again", ["a"], ["b"], again, opsets)
    called = [node("Again", ["x"], ["y"], domain="own")]
    return model(called, [value("x", ["n"])], ["y"], imports=opsets[1:], functions=[function])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_calling_itself, r"the function own\.Again calls itself"),
        (
            lambda: model(
                [node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])],
                [value("x", ["n"])],
                ["y"],
            ),
            r"`y` is made twice: by Relu\(y\) and Neg\(y\)",
        ),
        (
            lambda: model(
                [node("Relu", ["x"], ["y"])], [value("x", ["n"]), value("x", ["m"])], ["y"]
            ),
            "two inputs are called `x`",
        ),
        (
            lambda: model([node("Relu", ["x"], ["y"])], [value("x", ["n"])], ["z"]),
            "nothing makes the output `z`",
        ),
    ],
)
def test_what_is_no_graph_says_why(make: Callable[[], ModelProto], words: str) -> None:
    for asked in (asserts.infer_shapes, asserts.contract, asserts.insert):
        with pytest.raises(GraphError, match=words):
            asked(make())
