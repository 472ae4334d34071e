"""Real models: every intermediate value, evaluated at the sizes of real runs."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.onnx import score
from tests.onnx.models import installed

pytest.importorskip("onnxruntime")

MODELS = list(installed())


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore")
def test_nothing_inferred_is_wrong(path: Path) -> None:
    model = onnx.load(path, load_external_data=False)
    runs = score.real_runs(model, path)
    found = score.scored(model, score.ours, runs)
    assert found.wrong == 0
