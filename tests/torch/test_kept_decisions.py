"""What was decided while a program was traced is in its file, and comes back with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import ExportedProgram

import asserts
from asserts.dialects import torch as torch_dialect
from asserts.dialects.torch.export.decisions import KEPT_AS
from asserts.dialects.torch.export.files import load
from asserts.errors import GraphError
from asserts.files import save_program


class Decided(nn.Module):
    def forward(self, x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        k = n.item()
        if k > 100:
            raise ValueError("n is too large")
        return x * (2 if x[x > 0].shape[0] > 1 else 1)


def decided() -> ExportedProgram:
    inputs = (torch.tensor([1.0, 2.0, 3.0]), torch.tensor(5))
    with torch_dialect.installed(decide="example"):
        shapes = ({0: torch.export.Dim.AUTO}, None)
        return torch.export.export(Decided(), inputs, dynamic_shapes=shapes)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")
def test_what_was_decided_is_in_the_file(tmp_path: Path) -> None:
    program = decided()
    path = str(tmp_path / "decided.pt2")
    expected = asserts.report(program).decisions

    save_program(program, path)
    loaded = load(path)
    again = str(tmp_path / "again.pt2")
    save_program(asserts.minimise(loaded).program, again)

    assert {one.rung for one in expected} >= {"check", "example"}
    assert asserts.report(loaded).decisions == expected
    kept = asserts.report(load(again)).decisions
    assert [one.reason for one in kept] == [one.reason for one in expected]
    torch.export.load(path)  # (torch takes the file as its own)


@pytest.mark.parametrize("text", [
    "[]", "{}", '{"version": 9, "decisions": []}', '{"version": 1, "decisions": [1]}',
    '{"version": 1, "decisions": [{"rung": "prove"}]}', '{"version": 1, "decisions": {"a": 1}}',
    "[" * 100_000,
])  # fmt: skip
def test_damaged_decisions_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "damaged.pt2"
    torch.export.save(decided(), path, extra_files={KEPT_AS: text})
    with pytest.raises(GraphError, match="decisions cannot be read"):
        load(path)
