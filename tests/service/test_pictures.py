"""The picture and the words that reports have beside their checks."""

from __future__ import annotations

import pytest

from asserts.conditions.report import Report
from asserts.work import pictures
from asserts.work.pictures import picture_of
from tests.service.serving import Server
from tests.service.test_programs import ended, graph_json, onnx_model, uploaded


@pytest.mark.parametrize("verb", ["insert", "minimise", "report", "remove"])
def test_reports_have_a_picture(verb: str, server: Server) -> None:
    program = uploaded(server, "checked.json", graph_json())
    found = server.get(ended(server, verb=verb, program=program)["report"]).json
    picture = found["picture"]
    checks = found["report"]["checks"]
    assert len(picture["words"]) == len(checks)
    assert picture["left_out"] == 0
    shown = sorted(box["check"] for box in picture["boxes"] if "check" in box)
    assert shown == list(range(len(checks)))
    assert all(0 <= end < len(picture["boxes"]) for edge in picture["edges"] for end in edge)
    assert "0x" not in str([box["title"] for box in picture["boxes"]])


def test_a_contract_is_said_in_words(server: Server) -> None:
    program = uploaded(server, "model.onnx", onnx_model())
    found = server.get(ended(server, verb="contract", program=program)["report"]).json
    assert len(found["words"]) == len(found["conditions"])
    assert "2·n equals m, or m equals 1" in found["words"]


def test_what_cannot_be_drawn_has_no_picture() -> None:
    assert picture_of("no program", Report("")) is None


def test_a_large_program_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx

    monkeypatch.setattr(pictures, "MOST", 5)
    found = picture_of(onnx.load_model_from_string(onnx_model(20)), Report(""))
    assert found is not None
    assert len(found["boxes"]) == 5
    assert found["left_out"] == 20
