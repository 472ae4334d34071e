"""Models of gigabytes, and files that are damaged: what is read, and what is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper

import asserts
from asserts.cli import main
from asserts.errors import GraphError
from tests.onnx.build import INT64, model, node, value

ROWS = 1 << 19
COLUMNS = 1 << 10
"""2 GiB of single precision."""

MEASURED = """
import sys
import asserts
def peak():  # in MiB, on Linux; (ru_maxrss begins with what the parent had)
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line[:6] == "VmHWM:") // 1024
found = asserts.contract(sys.argv[1])
shape = asserts.infer_shapes(sys.argv[1]).shapes["y"]
print(found.texts, [str(d) for d in shape], peak())
"""


def _with_external_table(location: str) -> ModelProto:
    proto = model(
        [node("MatMul", ["x", "table"], ["y"])], [value("x", ["n", "k"])], ["y"]
    )
    table = TensorProto(
        name="table",
        data_type=TensorProto.FLOAT,
        dims=[ROWS, COLUMNS],
        data_location=TensorProto.EXTERNAL,
    )
    table.external_data.add(key="location", value=location)
    proto.graph.initializer.append(table)
    return proto


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
def test_two_gigabytes_of_external_data_are_not_loaded(tmp_path: Path) -> None:
    with (tmp_path / "weights.bin").open("wb") as data:
        data.truncate(4 * ROWS * COLUMNS)  # (a sparse file: it takes no space)
    path = tmp_path / "large.onnx"
    path.write_bytes(_with_external_table("weights.bin").SerializeToString())
    command = [sys.executable, "-c", MEASURED, str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    shown, _, peak = output.strip().rpartition(" ")
    assert shown == f"['k == {ROWS}'] ['n', '{COLUMNS}']"
    assert int(peak) < 300


def _saved_with_external_data(folder: Path, rows: int, columns: int) -> Path:
    """A model with a table, the file of its elements beside it (sparse: it takes no space)."""
    proto = model(
        [node("Gather", ["table", "at"], ["rows"]), node("MatMul", ["rows", "x"], ["y"])],
        [value("at", ["n"], INT64), value("x", ["k", "m"])],
        ["y"],
    )
    dims = [rows, columns]
    table = TensorProto(name="table", data_type=1, dims=dims, data_location=1)
    table.external_data.add(key="location", value="weights.bin")
    proto.graph.initializer.append(table)
    with (folder / "weights.bin").open("wb") as data:
        data.truncate(4 * rows * columns)
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


VERIFIED = MEASURED.split("found =")[0] + """
checked = asserts.insert(sys.argv[1]).program
report = asserts.verify(sys.argv[1], checked, trials=5)
print(report.equal, peak())
"""


def test_models_with_two_gigabytes_of_external_data_are_compared(tmp_path: Path) -> None:
    """onnxruntime maps the file; nobody copies it."""
    pytest.importorskip("onnxruntime")
    path = _saved_with_external_data(tmp_path, (1 << 20) + 5, 1 << 9)
    command = [sys.executable, "-c", VERIFIED, str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    equal, peak = output.split()
    assert equal == "True"
    assert int(peak) < 300


def test_every_verb_takes_external_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder than the model's; what was changed lies beside it too."""
    pytest.importorskip("onnxruntime")
    path = str(_saved_with_external_data(tmp_path, 7, 2))
    checked, fewer, plain = (str(tmp_path / name) for name in ("a.onnx", "b.onnx", "c.onnx"))
    monkeypatch.chdir("/")
    for command in (
        ["contract", path],
        ["report", path],
        ["insert", path, "-o", checked],
        ["minimise", checked, "-o", fewer],
        ["verify", path, checked],
        ["verify", checked, fewer],
        ["remove", checked, "-o", plain],
    ):
        assert main(command) == 0, capsys.readouterr()
    assert Path(plain).read_bytes() == Path(path).read_bytes()
    assert asserts.verify(path, asserts.insert(path).program, trials=5).equal


def test_external_data_that_is_not_found_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = _saved_with_external_data(tmp_path, 7, 2)
    content = path.read_bytes()
    with pytest.raises(GraphError, match=r"`table` are in 'weights.bin'.*name the model by"):
        asserts.verify(content, content)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(GraphError, match=r"`table` are in 'weights.bin', which is not in"):
        asserts.verify(path, path)


def test_missing_external_data_does_not_matter_for_shapes(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(_with_external_table("nowhere.bin").SerializeToString())
    assert asserts.contract(path).texts == [f"k == {ROWS}"]


def test_indices_in_external_data_are_not_known() -> None:
    """Nothing is required of the axis: what the indices are is not read."""
    proto = model([node("Gather", ["x", "at"], ["y"])], [value("x", ["n", 2])], ["y"])
    at = TensorProto(name="at", data_type=TensorProto.INT64, dims=[3])
    at.data_location = TensorProto.EXTERNAL
    at.external_data.add(key="location", value="nowhere.bin")
    proto.graph.initializer.append(at)
    assert asserts.contract(proto).conditions == ()


def test_every_truncation_is_an_error_or_a_model(tmp_path: Path) -> None:
    whole = model(
        [node("MatMul", ["x", "w"], ["y"])],
        [value("x", ["n", "k"])],
        ["y"],
        {"w": np.ones((3, 2), np.float32)},
    ).SerializeToString()
    path, failed = tmp_path / "cut.onnx", 0
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            asserts.contract(path)
        except GraphError as error:
            failed += 1
            assert "cut.onnx" in str(error)
    assert failed >= len(whole) - 4


def test_a_cycle_names_its_nodes() -> None:
    proto = model(
        [node("Add", ["x", "b"], ["a"], name="one"), node("Relu", ["a"], ["b"], name="two")],
        [value("x", ["n"])],
        ["b"],
    )
    with pytest.raises(GraphError, match=r"has a cycle: .*one"):
        asserts.contract(proto)


def test_an_operator_of_an_unknown_domain_is_a_note() -> None:
    proto = model(
        [
            node("Magic", ["x"], ["h"], domain="org.nowhere"),
            node("MatMul", ["x", "w"], ["y"]),
        ],
        [value("x", ["n", "k"])],
        ["h", "y"],
        {"w": np.ones((3, 2), np.float32)},
        imports=[helper.make_opsetid("org.nowhere", 1)],
    )
    found = asserts.contract(proto)
    assert found.texts == ["k == 3"]
    assert any("org.nowhere.Magic has no rule" in note for note in found.inferred.notes)
