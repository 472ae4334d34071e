"""Without onnx there is nothing to test here; contracts are those of one onnxruntime."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

import pytest

collect_ignore_glob = [] if importlib.util.find_spec("onnx") else ["test_*.py"]

SINCE = (1, 32)
"""What onnxruntime accepts where an operand is empty is known of this version; older ones (the
last for Python 3.10 is 1.23) accept less, or end the process."""

BY_RUNNING = {"test_contract.py", "test_checks.py", "test_random.py"}
"""The tests that hold contracts against runs at all small sizes."""

PADS_NOTHING = "computed widths"
"""The program elsewhere that pads what is empty."""


def _is_older() -> bool:
    try:
        found = importlib.metadata.version("onnxruntime").split(".")
    except importlib.metadata.PackageNotFoundError:
        return False
    return tuple(map(int, found[:2])) < SINCE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not _is_older():
        return
    reason = f"onnxruntime before {'.'.join(map(str, SINCE))} runs other sizes"
    for item in items:
        runs = item.path.name in BY_RUNNING or PADS_NOTHING in item.name
        if runs and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))
