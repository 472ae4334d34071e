"""The notebooks, executed as a reader would."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.waiting import LONGEST

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

if os.environ.get("CI"):
    import nbformat
else:
    nbformat = pytest.importorskip("nbformat")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("default")
def test_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With this Python, whatever kernels and settings the user has, or no place for any."""
    from nbclient import NotebookClient

    if "torch" in path.stem and not os.environ.get("CI"):
        pytest.importorskip("torch")
    if "onnx" in path.stem and not os.environ.get("CI"):
        pytest.importorskip("onnxruntime")
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "outputs are not committed"

    folders = ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
    for folder in (*folders, "MPLCONFIGDIR"):
        monkeypatch.setenv(folder, str(tmp_path / folder.lower()))
    client = NotebookClient(
        notebook, timeout=LONGEST, startup_timeout=LONGEST, kernel_name="python3"
    )
    client.execute(cwd=str(FOLDER.parent))

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    shown = [
        output
        for cell in code
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    assert shown, "there is a rich display"


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS][:4] == [
        "01_ranges_and_proofs",
        "02_insert_runtime_asserts",
        "03_torch_export",
        "04_onnx_contract",
    ]
