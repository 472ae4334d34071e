"""The code in the documentation of the passes, run as it stands."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "passes.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_blocks_run() -> None:
    namespace: dict[str, object] = {"__name__": "passes_page"}
    for number, block in enumerate(BLOCKS):
        name = f"<passes {number}>"
        linecache.cache[name] = (len(block), None, block.splitlines(keepends=True), name)
        exec(compile(block, name, "exec"), namespace)
    assert len(BLOCKS) == 8
