"""What pictures show of exported programs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import asserts
from asserts.outline import outline
from tests.asserts.test_outline import roles


@pytest.mark.slow
def test_a_torch_program() -> None:
    class Head(torch.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            u = y.item()
            torch._check(u >= 0)
            torch._check(u < x.shape[0])
            return x[:u].sum()

    sizes = ({0: torch.export.Dim("b", min=2)}, None)
    program = torch.export.export(
        Head(), (torch.randn(8, 4), torch.tensor(3)), dynamic_shapes=sizes
    )
    report = asserts.report(program)
    found = outline(program, report)
    assert sorted(roles(found)["assert"]) == sorted(row.condition for row in report.rows)
    assert "check" not in roles(found)
    assert {b.shape for b in found.boxes if b.name == "x"} == {"float32[x.shape[0], 4]"}
