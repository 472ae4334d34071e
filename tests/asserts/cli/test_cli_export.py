"""``shapeproof export``: a model from a factory, by one way after the other."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from asserts.cli import main

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch"),
    pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions"),
]

MODEL = """
import torch


class Model(torch.nn.Module):
    def forward(self, x, n):
        if n > 5:
            raise ValueError("n is too large")
        y = x[x > 0]
        return y * 2 if len(y) > 1 else y


def example():
    return Model(), (torch.ones(4), torch.tensor(2)), None, ({0: torch.export.Dim.AUTO}, None)


def by_name():
    return {"model": Model(), "args": (torch.ones(4), torch.tensor(2))}


def without_arguments():
    return {"model": Model()}


def with_others():
    return {"model": Model(), "args": (), "example": 3}


def nothing():
    return Model()
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "model.py").write_text(MODEL)
    command = [sys.executable, "-m", "shapeproof", "export", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_model_is_exported_with_a_line_for_each_way(tmp_path: Path) -> None:
    done = run(tmp_path, "model.py:example", "-o", "model.pt2", "--json", "--verify")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["way"] == "branches"
    assert found["assumptions"] == []
    assert [one["rung"] for one in found["report"]["decisions"]] == [
        "check", "symbolic", "branches",
    ]  # fmt: skip
    assert "general: " in done.stderr
    assert "branches: exported" in done.stderr
    assert (tmp_path / "model.pt2").exists()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model in the current directory, for commands in this process: torch is imported
    once for all of them."""
    (tmp_path / "model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("nothing", "returns Model, not (model, args)"),
        ("without_arguments", "returns a dict without args"),
        ("with_others", "other keys than model, args, kwargs, dynamic_shapes: 'example'"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_the_factory_returns_is_looked_at(
    factory: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", f"model.py:{factory}"]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_factory_may_name_what_it_returns() -> None:
    assert main(["export", "model.py:by_name", "-q"]) == 0


@pytest.mark.usefixtures("here")
def test_other_files_than_torchs_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "model.py:example", "-o", "model.json"]) == 2
    assert "saved as a file .pt2" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_without_an_assumption_it_may_be_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "model.py:example", "--decide", "general", "-q"]) == 2
    assert main(["export", "model.py:example", "--decide", "exampel"]) == 2
    assert "is not a rung" in capsys.readouterr().err
