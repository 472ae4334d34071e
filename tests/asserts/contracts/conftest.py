"""Without torch, tests with contracts of its tensors are left out, except in CI."""

from __future__ import annotations

import importlib.util
import os

collect_ignore: list[str] = []
if importlib.util.find_spec("torch") is None and not os.environ.get("CI"):
    collect_ignore = ["test_drawing.py", "test_function.py"]
