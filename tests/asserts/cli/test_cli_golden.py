"""Golden sessions: what a person sees of the main verbs at 80 and at 140 columns.

``python -m tests.asserts.cli.test_cli_golden`` writes them anew; look at what changed. Escapes,
bars, versions and times are left out.
"""

from __future__ import annotations

import re
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

from tests.asserts.cli.test_cli_terminal import plain, session

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

GOLDEN = Path(__file__).parent / "golden"
WIDTHS = (80, 140)

PROGRAM = '''\
import asserts

@asserts.inputs(tokens=("batch", "length", 128), keep=asserts.trace.Spec(("batch",), "bool"))
def kept_in_blocks(tokens, keep):
    """The rows that are kept, in blocks of eight."""
    rows = tokens[keep]
    asserts.check(rows.shape[0] >= 8, "at least one whole block of rows must be kept")
    asserts.check(rows.shape[0] % 8 == 0, "rows come in blocks of eight")
    asserts.check(rows.shape[0] >= 1)
    return rows.reshape(rows.shape[0] // 8, 8, tokens.shape[1], 128)
'''
LAYERS = '''\
from typing import Annotated

import numpy as np

from asserts import check, contract


@contract(where="heads >= 1")
def split_heads(
    x: Annotated[np.ndarray, "f4[batch, sequence, heads*dim]"], heads: int
) -> Annotated[np.ndarray, "f4[batch, heads, sequence, dim]"]:
    check(x.shape[1] <= 4096, "sequences are cut to the length of the model before")
    batch, sequence, width = x.shape
    return x.reshape(batch, sequence, heads, width // heads).swapaxes(1, 2)
'''
TILE = ["--size", "n:1..", "--int", "i:0..", "--int", "j:0..15", "--assume", "i < ceildiv(n, 16)"]

SESSIONS = {
    "prove": [
        ["prove", "16*i + j < 16*ceildiv(n, 16)", *TILE],
        ["prove", "16*i + j < n", *TILE],
        ["prove", "16*i + j > 16*n + 15", *TILE],
        ["prove", "a**3 + b**3 + c**3 != 114", "--int", "a", "--int", "b", "--int", "c"],
        ["prove", "16*i + k < n", *TILE],
        ["prove", "16*i + < n", *TILE],
    ],
    "bounds": [
        ["bounds", "Min(16, n - 16*i)", *TILE],
        ["bounds", "8*j + 3", *TILE],
    ],
    "programs": [
        ["report", "program.py:kept_in_blocks"],
        ["insert", "program.py:kept_in_blocks", "-o", "checked.json"],
        ["minimise", "checked.json", "-o", "fewer.json"],
        ["verify", "checked.json", "fewer.json"],
        ["remove", "checked.json", "-o", "plain.json"],
        ["verify", "checked.json", "plain.json", "--trials", "20"],
        ["report", "program.py:missing"],
    ],
    "check": [["check", "layers.py"]],
    "demo": [["demo"]],
}


def shown(name: str, columns: int, folder: Path) -> str:
    """A session as text: each command, what it printed, its exit code if that is not 0."""
    (folder / "program.py").write_text(PROGRAM)
    (folder / "layers.py").write_text(LAYERS)
    parts = []
    for arguments in SESSIONS[name]:
        command = " ".join(f"'{one}'" if " " in one else one for one in arguments)
        parts.append(f"$ shapeproof {command}\n{plain(session(arguments, columns, folder))}\n")
    return masked("\n".join(parts))


def masked(text: str) -> str:
    """Without what differs between machines and versions."""
    text = re.sub(r"\b\d+(\.\d+)? (s|ms|seconds)\b", "TIME", text)
    return re.sub(r"\b\d+\.\d+\.\d+\b", "VERSION", text)


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", SESSIONS)
def test_what_a_person_sees(name: str, columns: int, tmp_path: Path) -> None:
    text = shown(name, columns, tmp_path)
    golden = (GOLDEN / f"{name}.{columns}.txt").read_text(encoding="utf-8")
    assert text == golden
    assert str(tmp_path) not in text
    lines = [line for line in text.splitlines() if not line.startswith("$ ")]
    assert max(map(len, lines)) <= columns or name == "demo"  # (code keeps its lines)


@pytest.mark.parametrize("columns", WIDTHS)
def test_paragraphs_of_help_fill_their_lines(columns: int, tmp_path: Path) -> None:
    """No line ends in the middle, and none is wider than the terminal."""
    lines = plain(session(["shell", "--help"], columns, tmp_path)).splitlines()
    assert max(map(len, lines)) <= columns
    text = [line.strip() for line in lines]
    begin = next(n for n, line in enumerate(text) if line.startswith("At a prompt"))
    paragraph = text[begin : text.index("", begin)]
    for line, following in pairwise(paragraph):
        assert len(line) + 1 + len(following.split()[0]) > columns - 4


def main() -> None:
    """Write the sessions."""
    GOLDEN.mkdir(exist_ok=True)
    for name in SESSIONS:
        for columns in WIDTHS:
            with tempfile.TemporaryDirectory() as folder:
                text = shown(name, columns, Path(folder))
            (GOLDEN / f"{name}.{columns}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
