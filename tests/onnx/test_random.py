"""Random models: shapes, contracts and asserts are what onnxruntime does.

``python -m tests.onnx.random --count N`` tries more of them.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import asserts
from shapes.traversal import evaluate, free_symbols
from tests.onnx.build import model, node, value
from tests.onnx.random import judge
from tests.onnx.random_models import drawn

pytest.importorskip("onnxruntime")

SEEDS = range(64)
"""Models whose operators may end onnxruntime's process are among them: `judge` gives these no
sizes of 0. (Models are drawn by running onnxruntime: in the tests, so that none can end the
collection of all the others.)"""


@pytest.mark.parametrize("seed", SEEDS)
def test_random_models_do_what_is_said_of_them(seed: int) -> None:
    found = judge(drawn(seed), seed, sizes=16)  # (without sizes of 0, if one of them is drawn)
    assert found.wrong == []
    assert found.counts["inside"] + found.counts["outside"]


# ------------------------------------------------------------------------ what was found


def test_conditions_that_simplify_each_other_lose_nothing() -> None:
    """Two conditions, each of which is simpler where the other holds."""
    proto = model(
        [
            node("Shape", ["x"], ["shape"]),
            node("Expand", ["z", "shape"], ["wide"]),
            node("MatMul", ["wide", "w"], ["y"]),
        ],
        [value("x", [2, "m"]), value("z", ["k"])],
        ["y"],
        {"w": np.ones((2, 3), np.float32)},
    )
    found = asserts.contract(proto)
    for m, k in itertools.product(range(5), repeat=2):
        assert found.accepts(m=m, k=k) is not bool(found.broken(m=m, k=k)), (m, k)


FAR = 1 << 62


@pytest.mark.parametrize("step", [1, 2, -1, -2])
@pytest.mark.parametrize("end", [FAR, -FAR])
@pytest.mark.parametrize("start", [0, 2, -1, -3, FAR, -FAR])
def test_slices_with_far_bounds_in_both_directions(start: int, end: int, step: int) -> None:
    bounds = {"a": [start], "b": [end], "axes": [0], "step": [step]}
    proto = model([node("Slice", ["x", *bounds], ["y"])], [value("x", ["n"])], ["y"], bounds)
    assert judge(proto).wrong == []


def _resized(*sizes: str) -> Any:
    """A resize to sizes that are those of another input."""
    return model(
        [node("Shape", ["z"], ["sizes"]), node("Resize", ["x", "", "", "sizes"], ["y"])],
        [value("x", ["n", "m"]), value("z", list(sizes))],
        ["y"],
    )


def test_resizing_to_nothing_and_from_nothing() -> None:
    assert judge(_resized("p", "q"), sizes=80).wrong == []
    texts = asserts.contract(_resized("n", "q")).texts
    assert len(texts) == 1
    assert "q" in texts[0]


CONTRIBUTED = "com.microsoft"


def _contributed(op: str, *shapes: list[Any], **attributes: Any) -> Any:
    from onnx import helper

    names = [f"x{i}" for i in range(len(shapes))]
    return model(
        [node(op, names, ["y"], domain=CONTRIBUTED, **attributes)],
        [value(name, shape) for name, shape in zip(names, shapes, strict=True)],
        ["y"],
        imports=[helper.make_opsetid(CONTRIBUTED, 1)],
    )


@pytest.mark.parametrize(
    "proto",
    [
        _contributed("BiasGelu", ["n", "m"], ["k"]),
        _contributed("FastGelu", [2, "n", "m"], ["k"]),
        _contributed("SkipLayerNormalization", [2, "n", "m"], ["k", "p", "m"], ["m"]),
        _contributed("SkipLayerNormalization", [2, 3, "n"], [3, "k"], ["m"]),
        _contributed(
            "MultiHeadAttention", ["b", 2, "n"], ["c", "t", "n"], ["c", "t", "v"], num_heads=2
        ),
        _contributed(
            "MultiHeadAttention", [1, "s", "n"], [1, "t", "m"], [1, "u", 4], num_heads=2
        ),
    ],
    ids=["bias", "fast", "skip", "skip of two axes", "attention", "lengths"],
)
def test_what_contributed_operators_require(proto: Any) -> None:
    """Sizes of 0 may end onnxruntime's process."""
    found = asserts.contract(proto)
    judged = judge(proto, sizes=60)
    assert judged.wrong == []
    assert judged.counts["inside"]
    assert found.conditions


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool", "GlobalMaxPool"])
def test_pools_without_channels(op: str) -> None:
    attributes = {} if op.startswith("Global") else {"kernel_shape": [2]}
    proto = model([node(op, ["x"], ["y"], **attributes)], [value("x", ["n", "c", "w"])], ["y"])
    judged = judge(proto, sizes=120)
    assert judged.wrong == []
    assert judged.counts["outside"]


@pytest.mark.parametrize("op", ["LayerNormalization", "RMSNormalization"])
def test_nothing_is_normalized_along_an_empty_axis(op: str) -> None:
    proto = model(
        [node("MatMul", ["x", "z"], ["y"]), node(op, ["y", "scale"], ["out"], axis=-2)],
        [value("x", ["b", "n", 2]), value("z", [2, 3])],
        ["out"],
        {"scale": np.ones(3, np.float32)},
        opset=23,
    )
    judged = judge(proto, sizes=40)
    assert judged.wrong == []
    assert judged.counts["outside"]


@pytest.mark.parametrize("elements", [(0, 3), (2, 3)])
def test_a_loop_without_turns_stacks_nothing(elements: tuple[int, int]) -> None:
    """onnxruntime takes 0 for a size that is not a number in the file."""
    from onnx import helper

    from tests.onnx.build import BOOL, INT64

    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Gather", ["x", "turn"], ["row"])],
        "body",
        [value("turn", [], INT64), value("go", [], BOOL)],
        [value("on", [], BOOL), value("row")],
    )
    proto = model(
        [
            node("Shape", ["x"], ["rows"], start=0, end=1),
            node("Squeeze", ["rows"], ["count"]),
            node("Loop", ["count", "true"], ["y"], body=body),
        ],
        [value("x", ["n", "m"])],
        ["y"],
        {"true": np.bool_(True)},
    )
    from shapes.traversal import evaluate
    from tests.onnx.exact import inputs, session_of

    found = asserts.contract(proto)
    sizes = dict(zip(("n", "m"), elements, strict=True))
    [actual] = session_of(proto.SerializeToString()).run(None, inputs(found, proto, sizes))
    values: Any = {found.symbols[name]: n for name, n in sizes.items()}
    assert tuple(evaluate(d, values) for d in found.inferred.shapes["y"]) == actual.shape


def test_sizes_with_which_a_contract_is_only_sufficient_are_marked() -> None:
    proto = model(
        [node("Concat", ["x", "z"], ["y"], axis=1)],
        [value("x", ["n", 2]), value("z", ["p", "q"])],
        ["y"],
    )
    found = asserts.contract(proto)
    [one] = found.sufficient
    assert str(one.unless) == "n == 0 or p == 0 or q == 0"
    assert "only sufficient if n == 0 or p == 0 or q == 0" in str(found)


def _windowed(op: str, opset: int, **attributes: Any) -> Any:
    """A window that is padded automatically."""
    weights = {"w": np.ones((2, 2, 2), np.float32)} if "Conv" in op else {}
    kernel = {} if weights else {"kernel_shape": [2]}
    return model(
        [node(op, ["x", *weights], ["y"], **kernel, **attributes)],
        [value("x", ["n", 2, "k"])],
        ["y"],
        weights,
        opset=opset,
    )


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("opset", [13, 19])
@pytest.mark.parametrize("op", ["AveragePool", "MaxPool", "Conv", "ConvTranspose", "LpPool"])
def test_windows_that_are_padded_automatically(op: str, opset: int, auto_pad: str) -> None:
    """Strides that pass over the end, dilations, and windows that are shorter than a stride."""
    for stride, dilation in itertools.product((1, 2, 3), (1, 2)):
        if dilation == 1 or op in ("MaxPool", "Conv") or (op == "AveragePool" and opset == 19):
            attributes: dict[str, Any] = {"strides": [stride], "auto_pad": auto_pad}
            if dilation > 1:
                attributes["dilations"] = [dilation]
            for ceil in (0, 1) if op in ("MaxPool", "AveragePool") else (0,):
                more = {"ceil_mode": 1} if ceil else {}
                proto = _windowed(op, opset, **attributes, **more)
                assert judge(proto, sizes=16).wrong == [], (stride, dilation, ceil)


def test_output_padding_and_given_sizes_of_transposed_convolutions() -> None:
    """An output padding is less than the stride, and only of its own axis is 1 element needed."""
    weights = {"k": np.ones((2, 3, 2, 2), np.float32)}
    for extra, stride, dilation in itertools.product((0, 1, 2), (1, 2), (1, 3)):
        for more in ({}, {"output_shape": [4, 3]}, {"auto_pad": "SAME_UPPER"}):
            attributes = {
                "strides": [stride, 2],
                "dilations": [dilation, 1],
                "output_padding": [extra, 0],
                **more,
            }
            proto = model(
                [node("ConvTranspose", ["x", "k"], ["y"], **attributes)],
                [value("x", ["n", 2, "h", "w"])],
                ["y"],
                weights,
            )
            assert judge(proto, sizes=24).wrong == [], attributes


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
def test_resizing_to_no_elements(policy: str) -> None:
    from tests.onnx.build import INT64

    for axes in ([-1], [1], [0, 1], [-2, -1], [-2, 1]):
        attributes = {"axes": axes, "keep_aspect_ratio_policy": policy}
        proto = model(
            [node("Resize", ["x", "", "", "k"], ["y"], **attributes)],
            [value("x", ["n", "m"]), value("k", [len(axes)], INT64)],
            ["y"],
            opset=18,
        )
        assert judge(proto, sizes=30).wrong == [], axes


@pytest.mark.parametrize("width", [1, 2, 3, "k"])
@pytest.mark.parametrize("axis", [0, -1])
def test_parts_of_a_tensor_in_a_sequence(axis: int, width: int | str) -> None:
    """The last part is what is left over; joined along another axis all must be equal."""
    from tests.onnx.build import INT64

    cut = node("SplitToSequence", ["x", "k"], ["s"], axis=axis)
    given = [value("x", ["n", "m"])]
    constants: dict[str, Any] = {"first": np.array(1), "last": np.array(-1)}
    if isinstance(width, int):
        constants["k"] = np.array(width)
    else:
        given.append(value("k", [], INT64))
    for used in (
        *(node("ConcatFromSequence", ["s"], ["y"], axis=a) for a in (0, 1)),
        *(node("ConcatFromSequence", ["s"], ["y"], axis=a, new_axis=1) for a in (0, 2)),
        *(node("SequenceAt", ["s", place], ["y"]) for place in ("first", "last")),
    ):
        proto = model([cut, used], given, ["y"], constants)
        assert judge(proto, sizes=24).wrong == []
        shape = asserts.infer_shapes(proto).shape("y")
        assert shape is not None
        assert {str(s) for d in shape for s in free_symbols(d)} <= {"n", "m", "k"}


def test_what_data_may_make_needless_stops_no_run() -> None:
    """A concatenation that does not fit, but with an operand that data may leave empty."""
    from tests.onnx.build import INT64

    proto = model(
        [
            node("NonZero", ["k"], ["at"]),
            node("Transpose", ["at"], ["rows"], perm=[1, 0]),
            node("Cast", ["rows"], ["part"], to=1),
            node("Concat", ["x", "part"], ["y"], axis=0),
        ],
        [value("x", ["n", "m"]), value("k", [2], INT64)],
        ["y"],
    )
    found = asserts.contract(proto)
    assert found.texts == ["m == 1"]
    assert "only sufficient if" in str(found)
    checked = asserts.insert(proto).program
    from tests.onnx.exact import session_of

    session = session_of(checked.SerializeToString())
    x = np.ones((3, 4), np.float32)
    [y] = session.run(None, {"x": x, "k": np.array([0, 0])})
    assert np.array_equal(x, y)
    with pytest.raises(Exception, match="runtime assert failed"):
        session.run(None, {"x": x, "k": np.array([0, 1])})
    assert asserts.verify(proto, checked, trials=10).equal


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_padding_of_what_has_no_elements(mode: str) -> None:
    for before, after in itertools.product((-1, 0, 1), repeat=2):
        widths = {"w": np.array([before, 1, after, 0])}
        proto = model(
            [node("Pad", ["x", "w"], ["y"], mode=mode)],
            [value("x", ["n", "k"])],
            ["y"],
            widths,
            opset=19,
        )
        assert judge(proto, sizes=40).wrong == [], (before, after)


def test_what_is_required_behind_does_not_settle_what_is_before() -> None:
    """With n == 0 the pad accepts m == 2, of which the sum was told that it fails."""
    proto = model(
        [
            node("Pad", ["x", "w"], ["padded"], mode="edge"),
            node("Add", ["x", "c"], ["y"]),
        ],
        [value("x", ["m", "n"])],
        ["padded", "y"],
        {"w": np.array([1, 0, -1, 0]), "c": np.ones((7, 1), np.float32)},
    )
    judged = judge(proto, sizes=60)
    assert judged.wrong == []
    assert judged.counts["unclear"]


def _stacking(name: str, x: str, made: list[str]) -> Any:
    """A loop that appends to a value what it began with, three times."""
    from onnx import helper

    from tests.onnx.build import BOOL, INT64

    inner = [f"{name}_{part}" for part in ("turn", "go", "on", "state", "after")]
    turn, go, on, state, after = inner
    body = helper.make_graph(
        [node("Identity", [go], [on]), node("Concat", [state, x], [after], axis=0)],
        name,
        [value(turn, [], INT64), value(go, [], BOOL), value(state)],
        [value(on, [], BOOL), value(after, None)],
    )
    return node("Loop", ["three", "true", x], made, body=body)


def test_a_loop_widens_what_another_one_has_widened() -> None:
    """The sizes that the second begins with are not those that it ends with."""
    proto = model(
        [_stacking("first", "x", ["y"]), _stacking("second", "y", ["z"])],
        [value("x", ["n", 2])],
        ["y", "z"],
        {"three": np.array(3), "true": np.bool_(True)},
    )
    shapes = asserts.infer_shapes(proto).shapes
    assert shapes["y"][0] is not shapes["z"][0]
    assert judge(proto, sizes=5).wrong == []


@pytest.mark.parametrize("op", ["Add", "Max"])
@pytest.mark.parametrize("axis", [0, -1])
def test_scans_keep_the_sizes_that_they_carry(op: str, axis: int) -> None:
    from onnx import helper

    body = helper.make_graph(
        [node(op, ["state", "row"], ["after"]), node("Relu", ["row"], ["each"])],
        "body",
        [value("state"), value("row")],
        [value("after", None), value("each", None)],
    )
    ways = {"scan_input_axes": [axis], "scan_output_axes": [axis]}
    proto = model(
        [node("Scan", ["first", "x"], ["y", "rows"], body=body, num_scan_inputs=1, **ways)],
        [value("first", ["a", 2]), value("x", ["t", "b", "c"])],
        ["y", "rows"],
    )
    judged = judge(proto, sizes=40)
    assert judged.wrong == []
    assert judged.counts["inside"]
    assert "t >= 1" in str(asserts.contract(proto)) or axis == -1


@pytest.mark.parametrize("place", [-3, -2, 0, 1, 2])
def test_places_in_sequences(place: int) -> None:
    splitting = node("SplitToSequence", ["x"], ["parts"], axis=0)
    proto = model(
        [splitting, node("SequenceAt", ["parts", "place"], ["y"])],
        [value("x", ["n", "m"])],
        ["y"],
        {"place": np.array(place)},
    )
    least = place + 1 if place >= 0 else -place
    assert asserts.contract(proto).texts == [f"n >= {least}"]
    assert judge(proto, sizes=20).wrong == []


@pytest.mark.parametrize("split", [[1, 2], 2, [3, 0]])
def test_splitting_into_sequences(split: Any) -> None:
    proto = model(
        [
            node("SplitToSequence", ["x", "split"], ["parts"], axis=0),
            node("ConcatFromSequence", ["parts"], ["y"], axis=0),
        ],
        [value("x", ["n", "m"])],
        ["y"],
        {"split": np.array(split)},
    )
    assert judge(proto, sizes=30).wrong == []


def test_there_is_a_class_to_be_one_of() -> None:
    proto = model(
        [
            node("Shape", ["x"], ["depth"], end=1),
            node("OneHot", ["at", "depth", "values"], ["y"]),
        ],
        [value("x", ["n"])],
        ["y"],
        {"at": np.array([0, 1]), "values": np.array([0, 1], np.float32)},
    )
    assert asserts.contract(proto).texts == ["n >= 1"]
    assert judge(proto).wrong == []


def test_an_assert_names_the_operation_that_fails() -> None:
    """Not the first one that reads the same size."""
    from tests.onnx.small_models import fpn

    rows = asserts.insert(fpn()).report.rows
    stated = {row.condition: row.stated_by for row in rows}
    assert stated["w_ >= 1"] == "Conv(a) (Conv)"
    assert stated["w_ <= 1 or w_ % 4 == 0"].endswith("(Add)")


def test_what_the_turns_of_a_loop_stack_has_one_shape() -> None:
    from onnx import helper

    from tests.onnx.build import BOOL, INT64

    for axis, stacked in itertools.product((0, 1), ("after", "row", "sum")):
        body = helper.make_graph(
            [
                node("Identity", ["go"], ["on"]),
                node("Concat", ["state", "x"], ["after"], axis=axis),
                node("Gather", ["after", "turn"], ["row"], axis=0),
                node("ReduceSum", ["after"], ["sum"], keepdims=0),
            ],
            "body",
            [value("turn", [], INT64), value("go", [], BOOL), value("state")],
            [value("on", [], BOOL), value("after", None), value(stacked, None)],
        )
        proto = model(
            [node("Loop", ["t", "true", "x"], ["last", "all"], body=body)],
            [value("x", ["n", "m"]), value("t", [], INT64)],
            ["last", "all"],
            {"true": np.array(True)},
        )
        found = judge(proto, sizes=40)
        assert found.wrong == [], (axis, stacked)
    assert asserts.contract(proto).texts == []


def test_without_a_turn_a_loop_stacks_sizes_that_its_body_states() -> None:
    from onnx import helper

    from tests.onnx.build import BOOL, INT64
    from tests.onnx.exact import session_of

    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Reshape", ["x", "two"], ["row"])],
        "body",
        [value("turn", [], INT64), value("go", [], BOOL)],
        [value("on", [], BOOL), value("row", [2, 3])],
    )
    proto = model(
        [node("Loop", ["t", "true"], ["all"], body=body)],
        [value("x", ["n"]), value("t", [], INT64)],
        ["all"],
        {"true": np.array(True), "two": np.array([2, -1])},
    )
    given = {"x": np.ones(6, np.float32), "t": np.array(0)}
    [made] = session_of(proto.SerializeToString()).run(None, given)
    assert made.shape == (0, 2, 3)
    sizes = asserts.infer_shapes(proto).shape("all")
    assert sizes is not None
    assert [evaluate(d, {"n": 6, "t": 0}) for d in sizes] == [0, 2, 3]


@pytest.mark.parametrize(
    "step",
    [
        ("Add", "state", "slice"),
        ("Add", "state", "outer"),
        ("Concat", "state", "slice"),
        ("Concat", "state", "state"),
        ("Identity", "slice"),
        ("Tile", "state", "two"),
    ],
    ids=" ".join,
)
def test_what_a_scan_carries_keeps_its_sizes_exactly(step: tuple[str, ...]) -> None:
    from onnx import helper

    op, *operands = step
    attributes = {"axis": 0} if op == "Concat" else {}
    body = helper.make_graph(
        [node(op, operands, ["after"], **attributes), node("Abs", ["state"], ["made"])],
        "body",
        [value("state"), value("slice")],
        [value("after"), value("made")],
    )
    proto = model(
        [node("Scan", ["x", "rows"], ["y", "all"], body=body, num_scan_inputs=1)],
        [value("x", ["n"]), value("rows", ["l", "k"]), value("outer", ["r"])],
        ["y", "all"],
        {"two": np.array([2])},
    )
    found = asserts.contract(proto)
    assert not found.sufficient
    assert judge(proto, sizes=50).wrong == []


@pytest.mark.parametrize("opset", [13, 21])
@pytest.mark.parametrize("op", ["QuantizeLinear", "DequantizeLinear"])
def test_scales_are_one_or_one_for_each_place_of_an_axis(op: str, opset: int) -> None:
    from tests.onnx.build import FLOAT

    kinds = (FLOAT, 2) if op == "QuantizeLinear" else (2, FLOAT)
    for axis, rank in itertools.product((None, 0, -1), (1, 2)):
        proto = model(
            [node(op, ["x", "scale", "zero"], ["y"], axis=axis)],
            [
                value("x", ["n", "m"][:rank], kinds[0]),
                value("scale", ["k"]),
                value("zero", ["j"], 2),
            ],
            [value("y", None, kinds[1])],
            opset=opset,
        )
        assert judge(proto, sizes=40).wrong == [], (axis, rank)


@pytest.mark.parametrize("op", ["QuantizeLinear", "DequantizeLinear"])
def test_scales_of_blocks(op: str) -> None:
    from tests.onnx.build import FLOAT

    kinds = (FLOAT, 2) if op == "QuantizeLinear" else (2, FLOAT)
    for axis, block in ((None, 2), (0, 3)):
        proto = model(
            [node(op, ["x", "scale", "zero"], ["y"], axis=axis, block_size=block)],
            [
                value("x", ["n", "m"], kinds[0]),
                value("scale", ["k", "l"]),
                value("zero", ["i", "j"], 2),
            ],
            [value("y", None, kinds[1])],
            opset=21,
        )
        assert judge(proto, sizes=60).wrong == [], (axis, block)


def test_places_of_a_grid_have_a_number_for_each_axis() -> None:
    for opset, more in ((17, []), (20, [2])):
        x, grid = value("x", ["n", "c", "h", "w", *more]), value("grid", ["m", 2, 1, *more, "p"])
        proto = model([node("GridSample", ["x", "grid"], ["y"])], [x, grid], ["y"], opset=opset)
        assert f"p == {2 + len(more)}" in asserts.contract(proto).texts
        assert judge(proto, sizes=60).wrong == [], opset


def test_output_shapes_that_are_given_are_positive() -> None:
    proto = model(
        [node("ConvTranspose", ["x", "k"], ["y"], output_shape=[0])],
        [value("x", ["n", 1, "w"])],
        ["y"],
        {"k": np.ones((1, 1, 2), np.float32)},
    )
    assert asserts.contract(proto).texts == ["False"]
    assert judge(proto, sizes=20).wrong == []


def test_tensors_of_a_sequence_that_may_differ() -> None:
    """Without the last part the others are equal; the contract does not know, and says so."""
    proto = model(
        [
            node("SplitToSequence", ["x", "two"], ["s"], axis=0),
            node("SequenceInsert", ["s", "x"], ["more"]),
            node("ConcatFromSequence", ["more"], ["y"], axis=1),
        ],
        [value("x", ["n", "m"])],
        ["y"],
        {"two": np.array(2)},
    )
    assert "must have one size at axis 0" in str(asserts.contract(proto))
    assert judge(proto, sizes=24).wrong == []
