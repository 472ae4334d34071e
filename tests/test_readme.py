"""What the README says of setting up is what CI does (its code: `test_docs_blocks.py`)."""

from __future__ import annotations

from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_are_those_of_ci() -> None:
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text(encoding="utf-8")
    demo, tests = "pip install -e . && shapeproof demo", "pip install -e '.[dev]' && pytest"
    for command in (demo, tests):
        assert command in README
        assert command in script
