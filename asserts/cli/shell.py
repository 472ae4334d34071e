"""The verb that keeps an environment and asks it line by line: shell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Final

import typer

from asserts.cli.answers import Answer, one_line
from asserts.cli.exits import Exit
from asserts.cli.failures import Failure, failure_of
from asserts.cli.options import Quiet
from asserts.cli.reading import is_interactive, lines_of_pipe, lines_of_terminal
from asserts.cli.screen import Screen, write_error, write_output
from asserts.cli.session import Session

__all__ = ["shell"]

File = Annotated[
    str | None,
    typer.Argument(metavar="ENV.json", help="Start with a saved environment."),
]
Lines = Annotated[
    bool, typer.Option("--json", help="Print one JSON object in one line for each answer.")
]
Plain = Annotated[
    bool, typer.Option("--plain", help="Read plain lines, without prompt_toolkit.")
]

_WORST: Final = (Exit.DONE, Exit.UNKNOWN, Exit.REFUTED, Exit.BAD_INPUT, Exit.INTERRUPTED)
"""The exit codes of answers; that of a script is the last one of these that there was."""


def shell(
    file: File = None, plain: Plain = False, json: Lines = False, quiet: Quiet = False
) -> None:
    """State facts and ask about them, line by line.

    At a prompt, Tab completes names and verbs, `help` lists the verbs, Ctrl-D ends. In a pipe
    the first line that is refused ends the script with exit code 2; otherwise the code is 1
    if a claim was refuted, else 3 if one was undecided, else 0.
    """
    talk = _Talk(json, quiet)
    if file is not None and not talk.begin_with(file):
        raise typer.Exit(talk.code)
    for line in talk.lines(plain):
        understood = talk.answer(line)
        if talk.session.finished or not (understood or talk.interactive):
            break
    raise typer.Exit(Exit.DONE if talk.interactive else talk.code)


class _Talk:
    """One session with whoever writes the lines; `code` is the exit code so far."""

    def __init__(self, json: bool, quiet: bool) -> None:
        self.session = Session()
        self.interactive = is_interactive()
        self.code = Exit.DONE
        self._json = json
        self._quiet = quiet

    def lines(self, plain: bool) -> Iterator[str]:
        """What is typed or piped in."""
        if not self.interactive:
            return lines_of_pipe()
        if not (self._json or self._quiet):
            write_output("`help` lists what a line may say; Ctrl-D ends the session.\n")
        session = self.session
        return lines_of_terminal(
            lambda: f"{session.number + 1}> ", session.completions, plain
        )

    def begin_with(self, file: str) -> bool:
        """Load an environment, as a line 0 would; whether it could be loaded."""
        self.session.number = -1
        return self.answer(f"load {file}")

    def answer(self, line: str) -> bool:
        """Answer a line; whether it was understood."""
        try:
            verb, answer = self.session.run(line)
            self._show(verb, answer)
        except (Exception, KeyboardInterrupt) as error:
            self._refuse(failure_of(error))
            return False
        self.code = max(self.code, answer.code, key=_WORST.index)
        return True

    def _show(self, verb: str, answer: Answer) -> None:
        if not verb:
            return
        if self._json:
            write_output(one_line(verb, answer.code, answer.fields))
        elif not self._quiet:
            screen = Screen()
            answer.draw(screen)
            write_output(screen.text())

    def _refuse(self, failure: Failure) -> None:
        self.code = failure.code
        number = self.session.number
        where = f"line {number}: " if number and not self.interactive else ""
        write_error(failure.text.replace("shapeproof: ", f"shapeproof: {where}", 1))
        if self._json:
            error = {"kind": failure.kind, "message": failure.message}
            with suppress(OSError):  # (it has been reported)
                write_output(one_line(None, failure.code, {"error": error}))
