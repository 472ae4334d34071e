"""Runtime asserts in models: they stop what breaks them, and change nothing else."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper

import asserts
from asserts.cli import main
from asserts.dialects import onnx as onnx_dialect
from asserts.errors import GraphError
from asserts.passes import (
    constant_folding,
    constraints,
    functionalize,
    insert,
    metadata,
    minimise,
    remove,
    tracepoints,
)
from asserts.passes.memory import noops, reuse
from tests.onnx.build import BOOL, FLOAT, INT64, model, node, value
from tests.onnx.models import _array, dimensions
from tests.onnx.small_models import LEAST, MODELS, fpn, positions
from tests.onnx.test_contract import sizes_of

ort = pytest.importorskip("onnxruntime")

LEVELS = [
    ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
]


def session(proto: ModelProto, level: Any = LEVELS[-1]) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = level
    return ort.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"])


def text(proto: ModelProto) -> bytes:
    return proto.SerializeToString(deterministic=True)


def _inputs(proto: ModelProto, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    constants = {t.name for t in proto.graph.initializer}
    rng = random.Random(0)
    return {
        v.name: _array(v, sizes, "", rng) for v in proto.graph.input if v.name not in constants
    }


@pytest.mark.parametrize("level", LEVELS, ids=str)
def test_every_level_of_optimization_keeps_them(level: Any) -> None:
    checked = onnx_dialect.insert(positions(), ["batch % 2 == 0", ("seq >= 3", "too short")])
    runner, plain = session(checked.program, level), session(positions(), level)
    x = np.random.default_rng(0).standard_normal((2, 5, 4)).astype(np.float32)
    [ours], [theirs] = runner.run(None, {"x": x}), plain.run(None, {"x": x})
    assert np.array_equal(ours, theirs)
    for shape, words in (
        ((3, 5, 4), "batch % 2 == 0"),
        ((2, 13, 4), "seq <= 12"),
        ((2, 2, 4), "too short"),
    ):
        with pytest.raises(Exception, match="runtime assert failed") as raised:
            runner.run(None, {"x": np.zeros(shape, np.float32)})
        assert words in str(raised.value)


@pytest.mark.parametrize("name", MODELS)
def test_accepts_what_the_model_accepts(name: str) -> None:
    proto = MODELS[name]()
    changed = asserts.insert(proto)
    assert text(asserts.remove(changed.program).program) == text(proto)
    assert not asserts.insert(changed.program).modified
    runner, plain = session(changed.program), session(proto)
    least = max(LEAST.get(name, 0), 1)
    sizes = [s for s in sizes_of(list(dimensions(proto))) if min(s.values()) >= least]
    for one in random.Random(5).sample(sizes, min(40, len(sizes))):
        inputs = _inputs(proto, one)
        assert _outcome(runner, inputs) == _outcome(plain, inputs), one


def _outcome(runner: Any, inputs: dict[str, np.ndarray]) -> Any:
    try:
        return [np.asarray(a).tobytes() for a in runner.run(None, inputs)]
    except Exception:
        return None


def test_a_model_that_accepts_all_sizes_is_unchanged() -> None:
    proto = MODELS["softmax"]()
    changed = asserts.insert(proto)
    assert not changed.modified
    assert changed.program is proto


def test_subgraphs_use_the_guarded_input() -> None:
    def branch(name: str, op: str) -> object:
        return helper.make_graph([node(op, ["x", "z"], [name])], name, [], [value(name, None)])

    proto = model(
        [
            node(
                "If",
                ["c"],
                ["y"],
                then_branch=branch("a", "Add"),
                else_branch=branch("b", "Mul"),
            )
        ],
        [value("x", ["n"]), value("z", ["m"]), value("c", [], BOOL)],
        ["y"],
    )
    changed = onnx_dialect.insert(proto, ["n == m"])
    [inner] = [n for n in changed.program.graph.node if n.op_type == "If"]
    for attribute in inner.attribute:  # (one of both is enough)
        assert any("/guarded/" in name for name in attribute.g.node[0].input)
    with pytest.raises(Exception, match=r"runtime assert failed: n == m"):
        session(changed.program).run(
            None,
            {"x": np.zeros(2, np.float32), "z": np.zeros(1, np.float32), "c": np.array(True)},
        )
    assert text(onnx_dialect.remove(changed.program).program) == text(proto)


@pytest.mark.parametrize(
    "steps",
    [
        [("Reshape", "two3"), ("Abs",)],
        [("Identity",), ("Reshape", "two3"), ("Abs",)],
        [("Reshape", "rows"), ("Reshape", "two3"), ("Abs",)],
        [("Abs",), ("Reshape", "two3"), ("Neg",)],
    ],
    ids=str,
)
def test_no_optimization_takes_the_asserts_for_a_step_between_shapes(
    steps: list[tuple[str, ...]],
) -> None:
    nodes = [
        node(op, [f"v{i}", *more], [f"v{i + 1}"]) for i, (op, *more) in enumerate(steps)
    ]
    sizes = {"two3": np.array([2, 3]), "rows": np.array([-1])}
    proto = model(nodes, [value("v0", ["n", "m"])], [f"v{len(steps)}"], sizes)
    _require_stopped(proto, {"v0": np.zeros((3, 2), np.float32)})


def test_an_input_of_known_shape_waits_for_the_asserts() -> None:
    """It alone waits, since nothing is done with the other one."""
    proto = model(
        [node("Unsqueeze", ["k", "axis"], ["u"]), node("Abs", ["u"], ["y"]),
         node("Identity", ["x"], ["z"])],
        [value("k", [2, 3]), value("x", ["n", "m"])],
        ["y", "z"],
        {"axis": np.array([1])},
    )  # fmt: skip
    _require_stopped(proto, {"k": np.zeros((2, 3), np.float32), "x": np.zeros((3, 2), np.float32)})


def test_what_only_sizes_are_read_of_keeps_nothing_waiting() -> None:
    """onnxruntime knows the sizes of `k`, and leaves out all that they were read from."""
    proto = model(
        [node("Shape", ["k"], ["s"]), node("Cast", ["s"], ["f"], to=FLOAT),
         node("Transpose", ["x"], ["y"]), node("Transpose", ["w"], ["v"]),
         node("Add", ["v", "f"], ["z"])],
        [value("k", [2, 3]), value("x", ["n", "m"]), value("w", [2, 1])],
        ["y", "z"],
    )  # fmt: skip
    arrays = {"k": (2, 3), "x": (3, 2), "w": (2, 1)}
    _require_stopped(proto, {name: np.zeros(s, np.float32) for name, s in arrays.items()})


def _require_stopped(proto: ModelProto, inputs: dict[str, Any]) -> None:
    session(proto).run(None, inputs)
    checked = onnx_dialect.insert(proto, ["n < m"]).program
    with pytest.raises(Exception, match=r"runtime assert failed: n < m"):
        session(checked).run(None, inputs)
    assert text(onnx_dialect.remove(checked).program) == text(proto)


def test_minimise_takes_out_what_others_imply() -> None:
    changed = onnx_dialect.insert(MODELS["softmax"](), ["n % 4 == 0"])
    more = onnx_dialect.insert(changed.program, ["n % 2 == 0", "n % 12 == 0"])
    kept = [row.condition for row in more.report if row.outcome == "inserted"]
    assert kept == ["n % 12 == 0"]
    assert not asserts.minimise(more.program).modified


def test_user_checks_that_always_hold_are_proved() -> None:
    changed = onnx_dialect.insert(MODELS["softmax"](), ["n * m >= 0"])
    [row] = changed.report
    assert row.outcome == "discharged"
    assert not changed.modified


def test_a_condition_that_divides_by_a_size() -> None:
    """It is false where it has no value, and nothing is divided by 0."""
    runner = session(onnx_dialect.insert(MODELS["maximum"](), ["n % m == 0"]).program)
    for n in range(5):
        for m in range(1, 4):
            got = _outcome(runner, {"x0": np.zeros((n, m), np.float32)}) is not None
            assert got is (n % m == 0)
    empty = model([node("Relu", ["x"], ["y"])], [value("x", ["n", "m"])], ["y"])
    runner = session(onnx_dialect.insert(empty, ["n // m == 0 or m == 0"]).program)
    assert _outcome(runner, {"x": np.zeros((3, 0), np.float32)}) is not None
    runner = session(onnx_dialect.insert(empty, ["n // m == 0"]).program)
    assert _outcome(runner, {"x": np.zeros((3, 0), np.float32)}) is None


def test_what_cannot_be_written_is_said() -> None:
    changed = onnx_dialect.insert(MODELS["softmax"](), ["sqrt(n) <= 3.0"])
    [row] = changed.report
    assert row.outcome == "unplaced"
    with pytest.raises(GraphError, match="is not a condition"):
        onnx_dialect.insert(MODELS["softmax"](), ["n + 1"])


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved, out, back = (tmp_path / n for n in ("m.onnx", "checked.onnx", "plain.onnx"))
    saved.write_bytes(text(fpn()))
    assert main(["insert", str(saved), "-o", str(out)]) == 0
    assert main(["report", str(out)]) == 0
    assert "already in the graph" in capsys.readouterr().out
    assert main(["minimise", str(out)]) == 0
    assert main(["remove", str(out), "-o", str(back)]) == 0
    assert text(onnx.load(back)) == text(fpn())
    assert main(["insert", str(saved), "-o", str(tmp_path / "m.pt2")]) == 2
    assert "an ONNX model is saved as a file .onnx" in capsys.readouterr().err


def test_external_data_must_be_beside_the_model(tmp_path: Path) -> None:
    from asserts.files import save_program

    proto = positions()
    proto.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    proto.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    with pytest.raises(GraphError, match="save the model beside it"):
        save_program(proto, str(tmp_path / "m.onnx"))
    (tmp_path / "weights.bin").write_bytes(b"")
    save_program(proto, str(tmp_path / "m.onnx"))


def test_verify_compares_what_they_accept_and_compute() -> None:
    proto = fpn()
    checked = asserts.insert(proto).program
    report = asserts.verify(proto, checked, trials=10)
    assert report.equal
    assert report.accepted
    assert report.rejected
    narrower = onnx_dialect.insert(proto, ["w_ <= 8"]).program
    assert not asserts.verify(proto, narrower, trials=30).equal


def test_verify_on_the_command_line(tmp_path: Path) -> None:
    saved, out = tmp_path / "m.onnx", tmp_path / "checked.onnx"
    saved.write_bytes(text(positions()))
    assert main(["insert", str(saved), "-o", str(out), "--quiet"]) == 0
    assert main(["verify", str(saved), str(out), "--trials", "5"]) == 0


def test_conditions_with_every_operator_that_is_written() -> None:
    """Each check holds, or not, as it is evaluated."""
    texts = [
        "Max(n, m) - 1 <= 3*Min(n, m, 4)",
        "n != m or n * m % 6 == 1",
        "not (n // 3 > m // 2)",
        "(n - m) // 2 <= 1",
        "(n - m) % 3 >= 1",
        "abs(n - m) <= 2 and n >= 1",
        "Where(n > m, n, 2*m) < 7",
        "n**2 >= m",
    ]
    from shapes.traversal import evaluate, parse

    for opset in (13, 17, 21):
        proto = model(
            [node("Relu", ["x"], ["y"])], [value("x", ["n", "m"])], ["y"], opset=opset
        )
        for one in texts:
            runner = session(onnx_dialect.insert(proto, [one]).program)
            for n in range(6):
                for m in range(6):
                    expected = bool(evaluate(parse(one), {"n": n, "m": m}))
                    got = _outcome(runner, {"x": np.zeros((n, m), np.float32)}) is not None
                    assert got is expected, (one, n, m)


@pytest.mark.parametrize("opset", [10, 11, 13, 18, 21])
def test_bounds_that_are_compared_at_once_name_the_first_that_fails(opset: int) -> None:
    checks = ["m <= 4", "n >= 2", "n <= 5", "n >= 1", "k <= 3", "k >= 1", "n != 4", "n + m != 5"]
    nodes = [node("Relu", ["x"], ["y"]), node("Relu", ["z"], ["w"])]
    given = [value("x", ["n", "m"]), value("z", ["k"])]
    proto = model(nodes, given, ["y", "w"], opset=opset)
    checked = onnx_dialect.insert(proto, checks, policy="keep-all").program
    assert sum(one.op_type == "ReduceMax" for one in checked.graph.node) == 2
    assert text(asserts.remove(checked).program) == text(proto)
    runner = session(checked)
    for n, m, k in itertools.product(range(7), range(6), (0, 3, 4)):
        held = (m <= 4, n >= 2, n <= 5, n >= 1, k <= 3, k >= 1, n != 4, n + m != 5)
        feed = {"x": np.ones((n, m), np.float32), "z": np.ones(k, np.float32)}
        if all(held):
            assert runner.run(None, feed)
            continue
        first = checks[held.index(False)]
        with pytest.raises(Exception, match=re.escape(f"runtime assert failed: {first} (")):
            runner.run(None, feed)


def _of_sizes_only() -> dict[str, ModelProto]:
    """Models whose results onnxruntime may know without their inputs."""
    x = [value("x", ["n", 3])]
    body = helper.make_graph(
        [
            node("Relu", ["x"], ["r"]),
            node("Shape", ["r"], ["s"]),
            node("Shape", ["s"], ["t"]),
        ],
        "body",
        [],
        [value("t", [1], INT64)],
    )
    chosen = node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    rank = [node("Shape", ["x"], ["s"]), node("Shape", ["s"], ["y"])]
    y, z = value("y", None, INT64), value("z", None, INT64)
    return {
        "rank": model(rank, x, [y]),
        "rank, as a scalar": model([rank[0], node("Size", ["s"], ["y"])], x, [y]),
        "rank, used twice": model([*rank, node("Abs", ["y"], ["z"])], x, [y, z]),
        "size": model([node("Shape", ["x"], ["y"], start=1)], x, [y]),
        "constant": model([node("Constant", [], ["y"], value_float=1.0)], x, ["y"]),
        "branches": model([chosen], [*x, value("c", [], BOOL)], [y]),
    }


@pytest.mark.parametrize("name", _of_sizes_only())
def test_results_that_need_no_elements_wait(name: str) -> None:
    proto = _of_sizes_only()[name]
    checked = onnx_dialect.insert(proto, ["n <= 3"]).program
    assert text(asserts.remove(checked).program) == text(proto)
    given = {"c": np.array(True)} if name == "branches" else {}
    few, many = (given | {"x": np.zeros((n, 3), np.float32)} for n in (2, 4))
    for level in LEVELS:
        runner = session(checked, level)
        assert _outcome(runner, few) == _outcome(session(proto, level), few) is not None
        with pytest.raises(Exception, match="runtime assert failed: n <= 3"):
            runner.run(None, many)


def test_old_operator_sets() -> None:
    proto = model([node("Relu", ["x"], ["y"])], [value("x", ["n"])], ["y"], opset=11)
    runner = session(onnx_dialect.insert(proto, ["3 <= Max(n, 2) and n <= 4"]).program)
    assert [
        n for n in range(8) if _outcome(runner, {"x": np.zeros(n, np.float32)}) is not None
    ] == [3, 4]
    old = model([node("Relu", ["x"], ["y"])], [value("x", ["n"])], ["y"], opset=9)
    with pytest.raises(GraphError, match="asserts need operator set 10, but the model has 9"):
        onnx_dialect.insert(old, ["n >= 1"])
    needs = model(
        [node("MatMul", ["x", "y"], ["z"])],
        [value("x", [2, "k"]), value("y", ["l", 3])],
        ["z"],
        opset=9,
    )
    changed = asserts.insert(needs)
    assert changed.program is needs
    [row] = changed.report
    assert (row.outcome, row.condition) == ("unplaced", "k == l")
    assert "asserts need operator set 10" in row.note


def test_a_model_of_functions_alone_imports_the_standard_operators() -> None:
    opsets = [helper.make_opsetid("", 17)]
    add = helper.make_function(
        "own", "Plus", ["a", "b"], ["c"], [node("Add", ["a", "b"], ["c"])], opsets
    )
    proto = model(
        [node("Plus", ["x", "y"], ["z"], domain="own")],
        [value("x", ["n"]), value("y", ["m"])],
        [value("z", ["k"])],
        imports=[helper.make_opsetid("own", 1)],
        functions=[add],
    )
    del proto.opset_import[0]
    onnx.checker.check_model(proto)
    changed = asserts.insert(proto)
    onnx.checker.check_model(changed.program)
    assert text(asserts.remove(changed.program).program) == text(proto)
    assert not asserts.insert(changed.program).modified


@pytest.mark.parametrize("package", ["onnxscript.optimizer", "onnxslim"])
@pytest.mark.filterwarnings("ignore")
def test_other_optimizers_keep_them(package: str) -> None:
    optimizer = pytest.importorskip(package)
    optimize = optimizer.slim if package == "onnxslim" else optimizer.optimize
    checked = onnx_dialect.insert(positions(), ["batch % 2 == 0"]).program
    runner = session(optimize(checked))
    assert runner.run(None, {"x": np.zeros((2, 5, 4), np.float32)})
    with pytest.raises(Exception, match="runtime assert failed"):
        runner.run(None, {"x": np.zeros((3, 5, 4), np.float32)})


PASSES = (
    constant_folding.FoldConstants,
    constraints.AddConstraintAsserts,
    functionalize.Functionalize,
    insert.InsertRuntimeAsserts,
    noops.RemoveNoOps,
    reuse.ReuseBuffers,
    metadata.RefreshMetadata,
    minimise.MinimiseRuntimeAsserts,
    remove.RemoveRuntimeAsserts,
    tracepoints.CollectTracepoints,
)


@pytest.mark.parametrize("made", PASSES)
def test_passes_over_graph_modules_refuse_models(made: Any) -> None:
    with pytest.raises(GraphError, match="takes a graph module or an exported program"):
        made()(positions())


@pytest.mark.parametrize("name", ["shapeproof/0/Shape", "shapeproof.before/x"])
def test_names_of_asserts_are_refused_in_a_model_without_them(name: str) -> None:
    inputs = [value("x", ["n", "k"]), value("y", ["l", "m"])]
    proto = model(
        [node("Relu", ["x"], [name]), node("MatMul", [name, "y"], ["z"])], inputs, ["z"]
    )
    with pytest.raises(GraphError, match="is called as asserts are"):
        asserts.insert(proto)
    checked = onnx_dialect.insert(positions(), ["batch >= 1"]).program
    assert not asserts.insert(checked).modified


def test_conditions_that_contradict_each_other_are_asserted() -> None:
    """No number meets them, which only case splits show."""
    proto = model([node("Relu", ["x"], ["y"])], [value("x", ["m"])], ["y"])
    wanted = [
        "m * (m // 2) >= 1",
        "m**2 == m * (m // 2) * (m // (m // 2))",
        "m >= 3",
        "m + 3 == m // (m // 2)",
    ]
    runner = session(onnx_dialect.insert(proto, wanted).program)
    for m in range(6):
        with pytest.raises(Exception, match="runtime assert failed"):
            runner.run(None, {"x": np.ones(m, np.float32)})
