"""A model is taken alike by everything: as a path, bytes or a message, and refused alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asserts
from asserts.dialects import onnx as onnx_dialect
from asserts.errors import GraphError
from tests.onnx.small_models import positions

VERBS: dict[str, Callable[[Any], Any]] = {
    "infer_shapes": lambda m: {k: str(v) for k, v in asserts.infer_shapes(m).shapes.items()},
    "contract": lambda m: asserts.contract(m).texts,
    "insert": lambda m: asserts.insert(m).program,
    "remove": lambda m: asserts.remove(m).program,
    "minimise": lambda m: asserts.minimise(m).program,
    "report": lambda m: str(asserts.report(m)),
    "verify": lambda m: str(asserts.verify(m, m, trials=2)),
    "verify with another": lambda m: str(asserts.verify(positions(), m, trials=2)),
    "draw": lambda m: asserts.draw(m).svg,
    "the dialect's insert": lambda m: onnx_dialect.insert(m, ["seq <= 3"]).program,
}

EACH = pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))


@EACH
def test_a_model_is_a_path_bytes_or_a_message(verb: Any, tmp_path: Path) -> None:
    proto = positions()
    content = proto.SerializeToString()
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    expected = verb(proto)
    assert verb(path) == expected
    assert verb(str(path)) == expected
    assert verb(content) == expected


@EACH
def test_what_is_not_a_model_is_refused_alike(verb: Any, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(positions().SerializeToString()[:-40])
    with pytest.raises(GraphError, match=r"damaged.onnx is not an ONNX model, or is damaged"):
        verb(damaged)
    with pytest.raises(GraphError, match="the given content is not an ONNX model"):
        verb(b"")
    with pytest.raises(FileNotFoundError, match=r"nowhere.onnx"):
        verb(tmp_path / "nowhere.onnx")
    with pytest.raises(IsADirectoryError):
        verb(str(tmp_path))


def test_only_a_message_is_changed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(positions().SerializeToString())
    for verb in (asserts.insert, asserts.remove):
        with pytest.raises(GraphError, match=r"only an onnx.ModelProto can be changed in place"):
            verb(path, in_place=True)
