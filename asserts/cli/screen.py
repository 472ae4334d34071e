"""Where answers are drawn for people, and the two streams they are written to.

Rich is asked for colours and tables only; text keeps its lines, which the terminal wraps, so
it can be copied. Colours follow NO_COLOR, FORCE_COLOR and TERM, and pipes get none.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Final, TextIO

from shapes.env import terminal_width

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["Screen", "counting", "set_apart", "working", "write_error", "write_output"]

_UNLIMITED: Final = 100_000
"""How wide a table in a pipe may be: it is not cut there."""


class _Drawn(io.StringIO):
    """Text that is kept until all is drawn, which rich takes for standard output."""

    def isatty(self) -> bool:
        return sys.stdout is not None and sys.stdout.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(sys.stdout, "encoding", None) or "ascii"


class Screen:
    """What an answer for people is drawn on; `text` is all that was drawn."""

    def __init__(self) -> None:
        from rich.console import Console

        self.width = terminal_width()
        self._drawn = _Drawn()
        self._console: Console = Console(
            file=self._drawn, width=self.width or _UNLIMITED, highlight=False, markup=False,
            emoji=False, color_system=None if os.environ.get("NO_COLOR") else "auto",
        )  # fmt: skip

    @property
    def coloured(self) -> bool:
        """Whether colours are shown."""
        return self._console.color_system is not None

    def draw(self, what: RenderableType, whole_lines: bool = False) -> None:
        """Draw anything that rich can; with `whole_lines` it is not wrapped here."""
        self._console.print(what, soft_wrap=whole_lines)

    def line(self, text: str = "", style: str = "") -> None:
        """One or more lines of text, wrapped between words where the terminal ends."""
        from rich.text import Text

        for line in text.split("\n"):
            for part in self._wrapped(line):
                self.draw(Text(part, style=style), whole_lines=True)

    def _wrapped(self, line: str) -> list[str]:
        if self.width is None or len(line) <= self.width:
            return [line]
        import textwrap

        indent = line[: len(line) - len(line.lstrip())] + "    "
        return textwrap.wrap(
            line, max(self.width, 20), subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False, drop_whitespace=True,
        )  # fmt: skip

    def code(self, text: str) -> None:
        """Python, coloured; the lines stay as they are."""
        from rich.text import Text

        shown = Text(text.rstrip("\n"))
        if self.coloured:
            from rich.syntax import Syntax

            shown = Syntax("", "python", theme="ansi_dark").highlight(text.rstrip("\n"))
        shown.rstrip()
        self.draw(shown, whole_lines=True)

    def text(self) -> str:
        """All that was drawn."""
        drawn = self._drawn.getvalue()
        if self._console.color_system is None:  # (tables are filled up with spaces)
            return "\n".join(line.rstrip() for line in drawn.split("\n"))
        return drawn


# --------------------------------------------------------------------------- streams


def write_output(text: str) -> None:
    """Write to standard output. A closed pipe is not an error; everything else raises
    `OSError`, and nothing is left to be written at the end of the process."""
    try:
        _write(sys.stdout, text)
    except OSError as error:
        _give_up(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise OSError(error.errno, error.strerror, "standard output") from error


def write_error(text: str) -> None:
    """Write to standard error, if it is open."""
    try:
        _write(sys.stderr, f"{text}\n")
    except (OSError, ValueError):  # (ValueError: it was closed)
        _give_up(sys.stderr)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # (it was closed by the parent process)
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _give_up(stream: TextIO | None) -> None:
    """What is left in a stream's buffer goes nowhere, instead of failing once more."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno() if stream is not None else 1)
        os.close(nowhere)
    except (OSError, ValueError):
        pass


@contextmanager
def set_apart(program: str) -> Iterator[None]:
    """Within the block, what a user's program prints goes to standard error, for standard
    output is for the answer; our arguments are not its own; and it may change the folder."""
    arguments, folder = sys.argv, _folder()
    sys.argv = [program.rpartition(":")[0] or program]
    try:
        with redirect_stdout(sys.stderr or open(os.devnull, "w")), _descriptor_to_stderr():
            yield
    finally:
        sys.argv = arguments
        if folder is not None:
            os.chdir(folder)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it is gone
        return None


@contextmanager
def _descriptor_to_stderr() -> Iterator[None]:
    """The same for what is written past Python, by a process that was started, say."""
    try:
        if sys.__stdout__ is None:
            raise OSError("there is no standard output")
        sys.__stdout__.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
    except (OSError, ValueError):  # there is none
        yield
        return
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def working(what: str, silent: bool) -> Iterator[None]:
    """Within the block, a bar moves on standard error if that is a terminal (how much there
    is to do is not known)."""
    if not _moves(silent):
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        yield


def _moves(silent: bool) -> bool:
    """Whether a bar may move on standard error."""
    stream = sys.stderr
    here = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    return here and not silent


@contextmanager
def counting(silent: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Within the block, a bar shows what it is told: what is being done, how much of it, of
    how much (0: that is not known)."""
    if not _moves(silent):
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    text = TextColumn("{task.description}", markup=False)
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    columns = (text, BarColumn(), MofNCompleteColumn(), *times)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda what, done, total: progress.update(
            task, description=what, completed=done, total=total or None
        )
