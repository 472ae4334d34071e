"""What the site shows as pictures: made when it is built, from what the pages say.

- ``<!-- screen: COMMAND -->`` becomes a screenshot of a terminal in which the command was run,
  with its colours (an SVG, drawn by rich). The command is run, not copied: a screenshot cannot
  go stale.
- A Mermaid flowchart, which code hosts draw by themselves, becomes a picture here too. The
  site loads no script of another host, and Mermaid has several megabytes.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from rich.console import Console
from rich.text import Text

from asserts.drawing import draw_boxes
from asserts.outline import Box

ROOT = Path(__file__).parent.parent.parent
COLUMNS = 90

_SCREEN = re.compile(r"^<!-- screen: (.*?) -->$", re.MULTILINE)
_CHART = re.compile(r"^```mermaid\nflowchart.*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PART = re.compile(r"^ *subgraph (\w+)\n(.*?)^ *end$", re.MULTILINE | re.DOTALL)
_NODE = re.compile(r'^ *([\w.]+)\["(.*?)"\]$', re.MULTILINE)
_ARROW = re.compile(r"^ *([\w.]+) --> ([\w.]+)$", re.MULTILINE)
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """The page, with references to its pictures."""

    def add(svg: str, alt: str) -> str:
        name = f"pictures/{hashlib.sha256(svg.encode()).hexdigest()[:16]}.svg"
        if files.get_file_from_path(name) is None:
            files.append(File.generated(config, name, content=svg))
        up = "../" * page.file.src_uri.count("/")
        # (A block is left as it is; else a blank line in the text would end the picture.)
        return f'<p><img src="{up}{name}" alt="{escape(alt)}"></p>'

    def screen(found: re.Match[str]) -> str:
        printed, svg = _run(found[1])
        return add(svg, f"{found[1]}: {printed}")

    def chart(found: re.Match[str]) -> str:
        return "\n\n".join(
            f"`{title}`, each folder below those that it imports:\n\n{add(svg, title)}"
            for title, svg in _drawn(found[1])
        )

    return _CHART.sub(chart, _SCREEN.sub(screen, markdown))


def _run(command: str) -> tuple[str, str]:
    """What a command of ours prints, and a picture of it."""
    program, *arguments = shlex.split(command)
    if program != "shapeproof":
        raise ValueError(f"a screenshot is of shapeproof, not of {program!r}")
    env = {
        **os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    env.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "shapeproof", *arguments],
            cwd=folder, env=env, capture_output=True, text=True,
        )  # fmt: skip
    if done.returncode not in (0, 1, 3):
        raise ValueError(f"{command} ended with {done.returncode}: {done.stderr}")
    printed = Text.from_ansi(done.stdout)
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        legacy_windows=False,
    )
    console.print(Text(f"$ {command}", style="bold"))
    console.print(printed, end="")
    svg = console.export_svg(title="shapeproof", unique_id="screen")
    return printed.plain, _FONTS.sub("", svg)  # (they would come from another host)


def _drawn(chart: str) -> Iterator[tuple[str, str]]:
    """A picture of each part, by its name; arrows between parts are left out."""
    for part in _PART.finditer(chart):
        boxes = {
            name: Box(name, label, "operation", name) for name, label in _NODE.findall(part[2])
        }
        edges = [(low, high) for high, low in _ARROW.findall(part[2])]
        yield part[1], draw_boxes(boxes, edges).svg
