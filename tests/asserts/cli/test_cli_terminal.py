"""Sessions under a pseudo-terminal, as they look at 80 and at 140 columns."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from asserts.cli.screen import Screen
from asserts.cli.tables import draw_report
from asserts.conditions.report import Report, Row
from shapes.expr.nodes import symbol
from shapes.facts.store import Fact
from shapes.facts.verdict import Proof

CLI = [sys.executable, "-m", "asserts.cli"]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SOURCE = """
import asserts

def product(first, second):
    asserts.check(first.shape[0] >= 2, "two rows")
    asserts.check(first.shape[0] >= 1)
    return first @ second
"""
INPUTS = ["--input", "first=rows,inner", "--input", "second=other,columns"]


def session(arguments: list[str], columns: int, folder: Path, **variables: str) -> str:
    """What a person sees, escapes included, of standard output and standard error."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    dropped = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "CI")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    process = subprocess.Popen(
        [*CLI, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder,
        env={**kept, "TERM": "xterm-256color", **variables},
    )  # fmt: skip
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    process.wait()
    return b"".join(parts).decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    """The same as text: without escapes, bars and the ends of filled lines."""
    shown = [ESCAPES.sub("", line).rpartition("\r")[2].rstrip() for line in text.split("\n")]
    lines = [line for line in shown if "\u2501" not in line]
    return "\n".join(lines).strip("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "algebra.py").write_text(SOURCE)
    return tmp_path


PROVE = ["prove", "u//8*8 == u", "--size", "batch:1..64", "--unbacked", "u", "--assume",
         "u % 8 == 0", "--assume", "u <= 4*batch"]  # fmt: skip

AT_80 = """\
runtime asserts: 2 inserted, 1 proved

check           outcome   place  why or cost               stated by, line
────────────────────────────────────────────────────────────────────────────────
rows >= 2       inserted  entry  3 nodes                   the program
                                                           algebra.py:5
rows >= 1       proved    entry  by ranges from rows >= 2  the program
                                                           algebra.py:6
inner == other  inserted  entry  4 nodes                   np.matmul
                                                           algebra.py:7"""

AT_140 = """\
runtime asserts: 2 inserted, 1 proved

check           outcome   place  why or cost               stated by    line
────────────────────────────────────────────────────────────────────────────────────
rows >= 2       inserted  entry  3 nodes                   the program  algebra.py:5
rows >= 1       proved    entry  by ranges from rows >= 2  the program  algebra.py:6
inner == other  inserted  entry  4 nodes                   np.matmul    algebra.py:7"""


def test_prove(folder: Path) -> None:
    for columns in (80, 140):
        assert plain(session(PROVE, columns, folder)) == (
            "ALWAYS: `u//8*8 == u` always holds, by a known fact\n"
            "    because u % 8 == 0  [assumed (from --assume)]"
        )


def test_long_answers_are_broken_between_words(folder: Path) -> None:
    sum_ = " + ".join(f"size_{i}" for i in range(12))
    sizes = [part for i in range(12) for part in ("--size", f"size_{i}")]
    text = plain(session(["prove", f"{sum_} >= 0", *sizes], 80, folder))
    assert max(map(len, text.splitlines())) <= 80
    assert " ".join(text.split()).startswith(f"ALWAYS: `{sum_} >= 0` always holds")


@pytest.mark.parametrize(("columns", "golden"), [(80, AT_80), (140, AT_140)])
def test_report(columns: int, golden: str, folder: Path) -> None:
    text = plain(session(["report", "algebra.py:product", *INPUTS], columns, folder))
    lines, wanted = text.splitlines(), golden.splitlines()
    rule = next(i for i, line in enumerate(lines) if line.startswith("\u2500"))
    assert len(lines[rule]) <= columns
    lines[rule] = wanted[rule]  # (as wide as the columns or the terminal)
    assert lines == wanted


def test_an_error(folder: Path) -> None:
    assert plain(session(["prove", "n <", "--size", "n"], 80, folder)) == (
        "shapeproof: column 4: an operand is missing\n    n <\n       ^"
    )


def test_the_bar_is_gone_at_the_end(folder: Path) -> None:
    text = session(["report", "algebra.py:product", *INPUTS], 80, folder)
    assert "proving the checks of algebra.py:product" in text
    assert "proving the checks" not in plain(text)
    for quiet in ("--quiet", "-q"):
        assert session(["report", "algebra.py:product", *INPUTS, quiet], 80, folder) == ""


def test_colours_of_a_terminal(folder: Path) -> None:
    assert "\x1b[1;32m" in session(PROVE, 80, folder)
    assert "\x1b" not in session(PROVE, 80, folder, NO_COLOR="1")
    assert "\x1b" not in session(PROVE, 80, folder, TERM="dumb")


def test_columns_has_the_last_word(folder: Path) -> None:
    arguments = ["report", "algebra.py:product", *INPUTS]
    text = plain(session(arguments, 200, folder, COLUMNS="80"))
    assert max(map(len, text.splitlines())) <= 80


# --------------------------------------------------------------------------- tables


def long_report() -> Report:
    fact = Fact(symbol("n") >= 0, text="n0 + n1 + n2 <= 4 * m + 3")
    proof = Proof("linear arithmetic", (fact,) * 4)
    return Report(
        "a pass",
        (
            Row("a_long_name + another <= third", "np.concatenate", "discharged", "getitem_12",
                proof, None, "a_program_of_mine.py:1234 in f: code(x)", 3),
            Row("x.shape[0] >= 1", "the program", "inserted"),
            Row("[bold]x[/bold] >= 1", "declared range", "kept", location="from --size"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("columns", [60, 80, 100, 119, 120, 140, 200])
def test_tables_fit(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is shown, and no line is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Screen()
    draw_report(screen, long_report())
    drawn = screen.text()
    for text in (drawn, str(long_report())):
        assert max(map(len, text.splitlines())) <= columns
        letters = re.sub(r"\s", "", text)
        for word in ("a_long_name", "getitem", "linear", "entry", "[bold]", "from--size"):
            assert word in letters or columns < 80
    if columns >= 80:
        assert "a_program_of_mine.py:1234" in drawn


@pytest.mark.parametrize("columns", ["1", "10", "40", "0", "-3", "x", "99999999999999"])
def test_odd_widths(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    screen = Screen()
    draw_report(screen, long_report())
    assert "kept" in re.sub(r"\s", "", screen.text()) or columns == "1"
    assert str(long_report())


def test_in_a_pipe_tables_are_as_wide_as_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    screen = Screen()
    draw_report(screen, long_report())
    assert len(screen.text().rstrip("\n").splitlines()) == 7
