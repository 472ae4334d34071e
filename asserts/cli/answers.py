"""What a verb answers, and how it reaches the user: as text, as JSON, as an exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import typer

from asserts.cli.exits import Exit
from asserts.cli.failures import Failure, failure_of
from asserts.cli.screen import Screen, write_error, write_output

__all__ = ["SCHEMA", "Answer", "one_line", "reported", "respond"]

SCHEMA: Final = 1
"""The version of the JSON objects; fields may be added to it, but not changed or removed."""


@dataclass(frozen=True)
class Answer:
    """An exit code, the fields of the JSON object, and what draws it for people."""

    code: Exit
    fields: dict[str, Any] = field(default_factory=dict)
    draw: Callable[[Screen], None] = lambda screen: None


def respond(verb: str, answer: Callable[[], Answer], as_json: bool, quiet: bool) -> NoReturn:
    """Find the answer and tell it; raises `typer.Exit` with its code.

    The answer is complete before anything is written, so the exit code is right even if
    the reader closes the pipe.
    """
    try:
        found = answer()
    except BaseException as error:  # (a program may raise anything)
        raise typer.Exit(reported(failure_of(error), verb, as_json)) from None
    failure: Failure | None = None
    try:
        if as_json:
            write_output(_document(verb, found.code, found.fields))
        elif not quiet:
            screen = Screen()
            found.draw(screen)
            write_output(screen.text())
    except (Exception, KeyboardInterrupt) as error:
        failure = failure_of(error)
    if failure is not None:
        write_error(failure.text)
        raise typer.Exit(failure.code)
    raise typer.Exit(found.code)


def reported(failure: Failure, verb: str | None, as_json: bool) -> Exit:
    """Tell what went wrong, on standard error, and as JSON if that was asked for."""
    write_error(failure.text)
    if as_json:
        error = {"kind": failure.kind, "message": failure.message}
        with suppress(OSError):  # (it has been reported)
            write_output(_document(verb, failure.code, {"error": error}))
    return failure.code


def _document(verb: str | None, code: Exit, fields: dict[str, Any]) -> str:
    return json.dumps(_members(verb, code, fields), indent=2, allow_nan=False) + "\n"


def one_line(verb: str | None, code: Exit, fields: dict[str, Any]) -> str:
    """The JSON object of an answer as one line."""
    return json.dumps(_members(verb, code, fields), allow_nan=False) + "\n"


def _members(verb: str | None, code: Exit, fields: dict[str, Any]) -> dict[str, Any]:
    return {"schema": SCHEMA, "verb": verb, "exit_code": int(code), **fields}
