"""Every operator that onnx knows has a record, a body, or a subgraph of its own."""

from __future__ import annotations

import onnx.defs
import pytest

from asserts.dialects.onnx.infer.control import CONTROL
from asserts.dialects.onnx.rules import table
from tests.onnx import operators_page

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


def test_the_page_of_operators_is_fresh() -> None:
    written = operators_page.PAGE.read_text(encoding="utf-8")
    assert written == operators_page.page(), "run python -m tests.onnx.operators_page"


def test_the_page_has_every_operator() -> None:
    named = {
        name.strip()
        for row in operators_page.page().splitlines()
        if row.startswith("| ")
        for name in row.split(" | ")[0].removeprefix("| ").split(",")
    }
    missing = [
        name for domain, name in NAMES if (f"{domain}.{name}" if domain else name) not in named
    ]
    assert missing == []
