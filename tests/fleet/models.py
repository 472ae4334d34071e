"""Folders of models for the fleet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.service.test_programs import changed_program, graph_json, onnx_model


def folder_of(place: Path, count: int, nodes: int = 1) -> Path:
    """So many different ONNX models."""
    place.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (place / f"model{number:02}.onnx").write_bytes(onnx_model(nodes + number))
    return place


def mixed(place: Path) -> Path:
    """Two models, one of them twice, one of our graphs, JSON that is no graph, a damaged model,
    and one with a hostile name."""
    folder_of(place, 2)
    (place / "below").mkdir()
    (place / "below" / "same.onnx").write_bytes(onnx_model(1))
    (place / "graph.json").write_bytes(graph_json())
    (place / "config.json").write_text("{}")
    (place / "<script>alert(1)<").mkdir()
    (place / "<script>alert(1)<" / "cut.onnx").write_bytes(onnx_model()[:-20])
    return place


def hostile_archive() -> bytes:
    """A program of torch's that calls what is none of its computations."""

    def change(model: Any) -> None:
        model["graph_module"]["graph"]["nodes"][0]["target"] = "torch.os.system"

    return changed_program(change)


def journal(folder: Path) -> list[dict[str, Any]]:
    """The rows that were written, in their order."""
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
