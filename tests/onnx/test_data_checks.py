"""Asserts on values that are known only at run time: they stop what breaks them, in
onnxruntime at every level of optimization, and change nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects import onnx as onnx_dialect
from asserts.errors import GraphError
from tests.onnx.build import INT64, model, node, value
from tests.onnx.data_models import CASES, Case
from tests.onnx.small_models import MODELS
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


# ------------------------------------------------------------------------ where they stand


def _heavy(n: int = 3) -> Any:
    """A sum that fails, before it much work that depends on what is summed."""
    from tests.onnx.build import BOOL, model, node, value
    from tests.onnx.data_models import FIRST, PICK

    made = [*PICK]
    last = "picked"
    for i in range(n):
        made.append(node("Exp", [last], [f"work{i}"]))
        last = f"work{i}"
    made.append(node("Add", [last, "y"], ["out"]))
    inputs = [value("mask", ["n"], BOOL), value("x", ["n"]), value("y", [3])]
    return model(made, inputs, ["out"], FIRST)


@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_stops_before_work_that_depends_on_it(level: Any, tmp_path: Any) -> None:
    """onnxruntime's own profile names the nodes that ran."""
    import json

    import onnxruntime

    checked = asserts.insert(_heavy()).program
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    options.log_severity_level = 4
    content = checked.SerializeToString()
    runner = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    mask = np.arange(4) < 2
    with pytest.raises(Exception, match="runtime assert failed"):
        runner.run(None, {"mask": mask, "x": np.ones(4, np.float32), "y": np.ones(3, np.float32)})
    with open(runner.end_profiling()) as file:
        events = json.load(file)
    ran = {e["args"].get("op_name") for e in events if e.get("cat") == "Node"}
    assert "NonZero" in ran
    assert "Exp" not in ran


def test_the_earliest_place_is_named() -> None:
    row = next(iter(asserts.report(_heavy())))
    assert row.place == "where"
    assert row.outcome == "inserted"


def test_checks_before_imply_checks_behind() -> None:
    """What one operation requires is not asserted again for the next."""
    from tests.onnx.build import node

    proto = _heavy()
    proto.graph.node.append(node("Mul", ["picked", "y"], ["more"]))
    proto.graph.output.append(node_output("more"))
    rows = asserts.report(proto)
    sums = [row for row in rows if "where_nonzero" in row.condition]
    assert [row.outcome for row in sums].count("inserted") == 1


def node_output(name: str) -> Any:
    """An output of floats."""
    from tests.onnx.build import value

    return value(name, None)


def test_a_caller_checks_what_data_decide() -> None:
    proto = _heavy()
    checks = [("where_nonzero <= 3", "too many"), "where_nonzero >= 1"]
    changed = onnx_dialect.insert(proto, checks)
    runner = session(changed.program)
    inputs = {"mask": np.zeros(4, bool), "x": np.ones(4, np.float32), "y": np.ones(3, np.float32)}
    with pytest.raises(Exception, match="runtime assert failed: where_nonzero"):
        runner.run(None, inputs)
    with pytest.raises(Exception, match="runtime assert failed"):
        runner.run(None, {**inputs, "mask": np.ones(4, bool)})
    fewer = onnx_dialect.insert(changed.program, ["where_nonzero == 3"])
    assert text(asserts.remove(fewer.program).program) == text(proto)


def test_minimise_keeps_what_nothing_implies() -> None:
    proto = _heavy()
    strong = onnx_dialect.insert(proto, ["where_nonzero == 3"]).program
    both = onnx_dialect.insert(strong, ["where_nonzero <= 5"], policy="keep-all").program
    changed = asserts.minimise(both)
    outcomes = {row.condition: row.outcome for row in changed.report}
    assert outcomes["where_nonzero == 3"] == "kept"
    assert outcomes["where_nonzero <= 5"] == "discharged"
    assert not asserts.minimise(changed.program).modified
    assert not asserts.minimise(both, policy="keep-all").modified


# ------------------------------------------------------------------------ what is refused


def test_a_function_of_which_the_caller_knows_too_little() -> None:
    """A size that only the body of a function knows cannot be read by its caller."""
    from onnx import helper

    from tests.onnx.build import BOOL, model, node, value
    from tests.onnx.data_models import PICK

    body = [*PICK, node("Add", ["picked", "y"], ["c"])]
    names = ["mask", "x", "y", "first"]
    opsets = [helper.make_opsetid("", 17)]
    own = helper.make_function("own", "Chosen", names, ["c"], body, opsets)
    proto = model(
        [node("Chosen", names, ["out"], domain="own")],
        [value("mask", ["n"], BOOL), value("x", ["n"]), value("y", [3])],
        ["out"],
        {"first": np.array([0])},
        imports=[helper.make_opsetid("own", 1)],
        functions=[own],
    )
    rows = asserts.insert(proto).report.with_outcome("unplaced")
    assert rows
    assert all("no value of its graph shows" in row.note for row in rows)


def test_options_are_honoured_or_refused() -> None:
    proto = _heavy()
    with pytest.raises(GraphError, match="sweep=False"):
        asserts.remove(proto, sweep=False)
    with pytest.raises(GraphError, match=r"only an onnx\.ModelProto can be changed in place"):
        onnx_dialect.insert(proto.SerializeToString(), in_place=True)
    with pytest.raises(ValueError, match="no policy"):
        asserts.insert(proto, policy="loose")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no effort"):
        asserts.insert(MODELS["softmax"](), effort="no such effort")
    before = text(proto)
    changed = asserts.insert(proto, in_place=True)
    assert changed.program is proto
    assert text(proto) != before
    assert asserts.remove(proto, in_place=True).program is proto
    assert text(proto) == before


def test_damaged_metadata() -> None:
    for words in ("[", "{}", '[{"condition": 1, "stated_by": "x"}]', "[3]"):
        checked = asserts.insert(_heavy()).program
        checked.metadata_props[-1].value = words
        with pytest.raises(GraphError, match=r"metadata 'shapeproof\.asserts'"):
            asserts.report(checked)


def test_models_of_onnx_ir(tmp_path: Any) -> None:
    import onnx
    import onnx_ir

    from asserts.files import save_program

    proto = _heavy()
    own = onnx_ir.from_proto(proto)
    checked = asserts.insert(own)
    assert checked.modified
    assert asserts.verify(own, onnx_ir.from_proto(checked.program), trials=5)
    save_program(own, str(tmp_path / "m.onnx"))
    assert onnx.load(tmp_path / "m.onnx").graph.node[0].op_type == "NonZero"


def test_a_sequence_map_is_refused() -> None:
    """Its body runs for elements that differ in shape: no condition in it is that of all."""
    from tests.onnx.build import INT64, model, node, value
    from tests.onnx.data_models import branch

    body = branch([node("TopK", ["a", "k"], ["t", "i"])], "body", "t", [value("a", None)])
    proto = model(
        [
            node("ReduceMax", ["lengths"], ["k"], keepdims=1),
            node("SequenceConstruct", ["x", "y"], ["s"]),
            node("SequenceMap", ["s"], ["m"], body=body),
            node("SequenceLength", ["m"], ["out"]),
        ],
        [value("lengths", ["b"], INT64), value("x", ["n"]), value("y", ["m", 2])],
        [value("out", None, INT64)],
    )
    rows = asserts.report(proto).with_outcome("unplaced")
    assert rows
    assert all("differ in shape" in row.note for row in rows)


@pytest.mark.parametrize("picked", ["Slice", "Gather"])
def test_what_is_picked_from_a_range_need_not_hold_its_ends(picked: str) -> None:
    """The table has 8 rows, the range may be longer: only the indices that are read count."""
    inputs = {"Slice": ["r", "starts", "ends"], "Gather": ["r", "pick"]}
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Range", ["zero", "n", "one"], ["r"]),
        node(picked, inputs[picked], ["i"]),
        node("Gather", ["table", "i"], ["y"]),
    ]
    constants = {
        "zero": np.array(0),
        "one": np.array(1),
        "starts": np.array([0]),
        "ends": np.array([4]),
        "table": np.arange(8, dtype=np.float32),
    }
    dims = [value("x", ["n"]), value("pick", ["k"], INT64)]
    proto = model(nodes, dims, ["y"], constants)
    checked = asserts.insert(proto).program
    feed = {"x": np.zeros(20, np.float32), "pick": np.array([1, 3])}
    for level in LEVELS:
        expected = session(proto, level).run(None, feed)[0]
        assert np.array_equal(session(checked, level).run(None, feed)[0], expected)


def test_a_size_of_0_that_copies_stops_no_run_by_what_data_decide() -> None:
    """With k == 0 the shape asks for a copy of the first size, which fits."""
    from tests.onnx.random import judge

    target = [
        node("Shape", ["z"], ["s"]),
        node("Gather", ["s", "order"], ["picked"]),
        node("Concat", ["picked", "rest"], ["target"], axis=0),
    ]
    proto = model(
        [
            node("NonZero", ["mask"], ["at"]),
            node("Transpose", ["at"], ["rows"], perm=[1, 0]),
            node("Cast", ["rows"], ["row"], to=1),
            node("Unsqueeze", ["row", "last"], ["column"]),
            node("Mul", ["column", "x"], ["z"]),
            *target,
            node("Reshape", ["z", "target"], ["y"]),
        ],
        [value("mask", [3]), value("x", ["k", "n"])],
        ["y"],
        {"order": np.array([1, 0]), "rest": np.array([-1]), "last": np.array([-1])},
    )
    assert [str(one.whole) for one in asserts.contract(proto).data]
    assert judge(proto, sizes=40).wrong == []
