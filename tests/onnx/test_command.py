"""The command on ONNX models."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from asserts.cli import main
from tests.onnx.build import model, node, value
from tests.onnx.small_models import positions


@pytest.fixture
def path(tmp_path: Path) -> str:
    saved = tmp_path / "model.onnx"
    saved.write_bytes(positions().SerializeToString())
    return str(saved)


def test_infer(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "shaped.onnx"
    assert main(["infer", path, "-o", str(out)]) == 0
    assert "rows: [seq, 4]" in capsys.readouterr().out
    shaped = onnx.load(out)
    assert "rows" in {info.name for info in shaped.graph.value_info}


def test_contract(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", path]) == 0
    assert "seq <= 12" in capsys.readouterr().out
    assert main(["contract", path, "--check", "batch=1,seq=12"]) == 0
    assert main(["contract", path, "--check", "batch=1,seq=13"]) == 1
    assert "Gather" in capsys.readouterr().out
    assert main(["contract", path, "--check", "batch=1"]) == 3
    assert main(["contract", path, "--check", "seq"]) == 2
    assert main(["contract", path, "--check", "batch=1", "--check", "seq=13"]) == 1
    capsys.readouterr()
    for wrong, words in (
        (["batch=-1,seq=3"], "`batch` is -1, but a size is not negative"),
        (["seq=3", "--check", "seq=4"], "`seq` is 3 and 4"),
    ):
        assert main(["contract", path, "--check", *wrong]) == 2
        assert words in capsys.readouterr().err


def test_contract_as_json(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contract", path, "--check", "seq=13", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["conditions"] == ["seq <= 12"]
    assert answer["broken_conditions"] == ["seq <= 12"]
    assert answer["broken"][0]["operator"] == "Gather"


def test_contradiction_is_an_error_unless_overruled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, out = tmp_path / "m.onnx", tmp_path / "o.onnx"
    proto = model(
        [node("Concat", ["x", "x"], ["y"], axis=0)], [value("x", [3])], [value("y", [5])]
    )
    saved.write_bytes(proto.SerializeToString())
    assert main(["infer", str(saved), "-o", str(out)]) == 2
    assert "has size 5, but it has 6" in capsys.readouterr().err
    assert not out.exists()
    main(["infer", str(saved), "-o", str(out), "--overrule"])
    assert out.exists()


def test_damaged_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"\x08")
    assert main(["contract", str(bad)]) == 2
    assert "bad.onnx" in capsys.readouterr().err
    assert main(["infer", str(tmp_path / "none.onnx")]) == 2
