"""Every operator that onnx knows has a record, a body, or a subgraph of its own."""

from __future__ import annotations

import onnx.defs
import pytest

from asserts.dialects.onnx.infer.control import CONTROL
from asserts.dialects.onnx.rules import table

NONE = {("ai.onnx.preview.training", "Gradient")}
"""Operators that no runtime computes."""

NAMES = sorted(
    {(s.domain, s.name) for s in onnx.defs.get_all_schemas() if not s.deprecated} - NONE
)


@pytest.mark.parametrize(("domain", "name"), NAMES)
def test_operator_is_known(domain: str, name: str) -> None:
    if domain == "" and name in CONTROL:
        return
    schema = onnx.defs.get_schema(name, domain=domain)
    assert table.find(domain, name) is not None or schema.has_function
