"""Without torch these tests are left out, and without transformers those of its models,
except in CI, where they must be there.

What torch deprecates is for torch's own code to change; our warnings stay errors.
"""

from __future__ import annotations

import gc
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

collect_ignore_glob: list[str] = []
if not os.environ.get("CI"):
    if importlib.util.find_spec("torch") is None:
        collect_ignore_glob += ["test_*.py"]
    elif importlib.util.find_spec("transformers") is None:
        collect_ignore_glob += ["test_transformers.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for category in ("FutureWarning", "DeprecationWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{category}"))


@pytest.fixture(scope="module", autouse=True)
def _thawed(_collected: None) -> None:
    """Functions are found among all that the collector knows."""
    gc.unfreeze()


@pytest.fixture(autouse=True)
def gradients_as_before() -> Iterator[None]:
    """A body of torch's `wrap_with_set_grad_enabled` that raises leaves gradients off: a run-time
    check within `torch.no_grad()` that fails, with torch alone as with us."""
    import torch

    before = torch.is_grad_enabled()
    yield
    torch.set_grad_enabled(before)
