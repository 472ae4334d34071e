"""The code of `docs/contracts.md`, run as it stands."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

PAGE = (Path(__file__).parent.parent / "docs" / "contracts.md").read_text(encoding="utf-8")


def test_the_blocks_run() -> None:
    namespace: dict[str, object] = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)):
        name = f"<contracts {number}>"
        linecache.cache[name] = (len(block), None, block.splitlines(keepends=True), name)
        exec(compile(block, name, "exec"), namespace)
    shown = re.findall(r"```text\n(split_heads.*?)\n```", PAGE, re.DOTALL)
    assert [namespace["text"]] == shown
    assert "heads >= 1" in str(namespace["report"])
