"""The README's code, run as it stands; lines that say they raise, do."""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import re
from pathlib import Path

import pytest

import asserts
import shapes

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_blocks_run() -> None:
    """Statement by statement; a comment that names an error must be right."""
    namespace: dict[str, object] = {}
    raised = []
    for number, block in enumerate(BLOCKS):
        name = f"<readme {number}>"
        linecache.cache[name] = (len(block), None, block.splitlines(keepends=True), name)
        for statement in ast.parse(block).body:
            line = block.splitlines()[statement.lineno - 1]
            code = compile(ast.Module([statement], []), name, "exec")
            expected = re.search(r"# (?:.*)?(RuntimeAssertionError|DataDependentError)", line)
            with contextlib.redirect_stdout(io.StringIO()):
                if expected is None:
                    exec(code, namespace)
                    continue
                error = getattr(asserts, expected[1], None) or getattr(shapes, expected[1])
                with pytest.raises(error):
                    exec(code, namespace)
                raised.append(expected[1])
    assert raised == ["RuntimeAssertionError", "DataDependentError"]


def test_the_two_commands_are_those_of_ci() -> None:
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text(encoding="utf-8")
    demo, tests = "pip install -e . && shapeproof demo", "pip install -e '.[dev]' && pytest"
    for command in (demo, tests):
        assert command in README
        assert command in script
