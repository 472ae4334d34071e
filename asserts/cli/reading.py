"""Where the lines of ``shapeproof shell`` come from: prompt_toolkit where it is installed and
the terminal can do what it needs, Python's `input` (with readline) on other terminals, and
standard input as it is where that is not a terminal.

Both terminals complete words and keep the history in a file, if it can be written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

__all__ = ["Complete", "is_interactive", "lines_of_pipe", "lines_of_terminal"]

Complete = Callable[[str], list[str]]
"""From the line before the cursor to whole words for its unfinished last one."""

Prompt = Callable[[], str]

_NAME: Final = "shapeproof"


def is_interactive() -> bool:
    """Whether a person types the lines."""
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams)


def lines_of_pipe() -> Iterator[str]:
    """The lines of standard input. Bytes that are not UTF-8 become U+FFFD."""
    if sys.stdin is None:  # (it was closed by the parent process)
        return
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    for line in sys.stdin:
        yield line.rstrip("\n")


def lines_of_terminal(prompt: Prompt, complete: Complete, plain: bool) -> Iterator[str]:
    """The lines that a person types, until the end of the input (Ctrl-D); Ctrl-C drops the
    line in hand. With `plain`, prompt_toolkit is not used."""
    read = None
    if not plain and os.environ.get("TERM") not in (None, "", "dumb"):
        read = _with_prompt_toolkit(complete)
    with _Readline(complete) if read is None else nullcontext():
        while True:
            try:
                line = (input if read is None else read)(prompt())
            except (KeyboardInterrupt, EOFError) as error:
                sys.stdout.write("\n" if read is None else "")
                if isinstance(error, EOFError):
                    return
            else:
                yield line


def _history(name: str) -> Path | None:
    """The file of what was typed, whose folder is there; None if that cannot be."""
    with suppress(OSError, RuntimeError):  # (RuntimeError: there is no home)
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        folder = Path(state) / _NAME
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / name
        with file.open("a"):
            return file
    return None


# --------------------------------------------------------------------------- prompt_toolkit


def _with_prompt_toolkit(complete: Complete) -> Callable[[str], str] | None:
    """What reads a line; None if prompt_toolkit is not installed."""
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import Completer, Completion
        from prompt_toolkit.history import FileHistory, InMemoryHistory
    except ImportError:
        return None

    class Words(Completer):
        def get_completions(self, document: Any, event: Any) -> Iterable[Completion]:
            before = document.text_before_cursor
            for word in complete(before):
                yield Completion(word, start_position=-_typed(word, before))

    file = _history("history")
    session: PromptSession[str] = PromptSession(
        history=InMemoryHistory() if file is None else FileHistory(str(file)),
        completer=Words(),
        complete_while_typing=False,
    )
    return session.prompt


def _typed(word: str, before: str) -> int:
    """How much of a word is there already."""
    return next(n for n in range(len(word), -1, -1) if before.endswith(word[:n]))


# --------------------------------------------------------------------------- readline


class _Readline:
    """Within the block, `input` completes words and knows what was typed before; without
    the module readline it does neither."""

    def __init__(self, complete: Complete) -> None:
        self.complete = complete
        self.file = _history("history-plain")  # (of another format)
        self.found: list[str] = []
        self.readline: Any = None

    def __enter__(self) -> None:
        try:
            import readline
        except ImportError:
            return
        self.readline = readline
        readline.set_completer_delims(" ")
        readline.set_completer(self._completed)
        libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
        if self.file is not None:
            with suppress(OSError):
                readline.read_history_file(self.file)

    def __exit__(self, *_: object) -> None:
        if self.readline is not None and self.file is not None:
            with suppress(OSError):
                self.readline.write_history_file(self.file)

    def _completed(self, text: str, state: int) -> str | None:
        """The completion of that number. Readline replaces all behind the last space."""
        if state == 0:
            before = self.readline.get_line_buffer()[: self.readline.get_endidx()]
            self.found = [
                text[: len(text) - _typed(word, text)] + word for word in self.complete(before)
            ]
        return self.found[state] if state < len(self.found) else None
