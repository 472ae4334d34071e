"""``shapeproof export``: a model from a factory, by one way after the other."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_what_the_factory_returns_is_looked_at(tmp_path: Path) -> None:
    assert run(tmp_path, "model.py:by_name", "-q").returncode == 0
    done = run(tmp_path, "model.py:nothing")
    assert done.returncode == 2
    assert "returns Model, not (model, args)" in done.stderr
    done = run(tmp_path, "model.py:without_arguments")
    assert "returns a dict without args" in done.stderr
    done = run(tmp_path, "model.py:with_others")
    assert "other keys than model, args, kwargs, dynamic_shapes: 'example'" in done.stderr
    done = run(tmp_path, "model.py:example", "-o", "model.json")
    assert done.returncode == 2
    assert "saved as a file .pt2" in done.stderr


def test_without_an_assumption_it_may_be_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "model.py:example", "--decide", "general", "-q")
    assert done.returncode == 2
    done = run(tmp_path, "model.py:example", "--decide", "exampel")
    assert done.returncode == 2
    assert "is not a rung" in done.stderr
