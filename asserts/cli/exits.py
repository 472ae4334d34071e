"""What the command's exit codes mean: one table for the code, the help and the docs."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

__all__ = ["MEANINGS", "Exit", "in_help"]


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    REFUTED = 1
    BAD_INPUT = 2
    UNKNOWN = 3
    INTERRUPTED = 130


MEANINGS: Final[dict[Exit, str]] = {
    Exit.DONE: "done, proved, or no difference found",
    Exit.REFUTED: "refuted (never, or not always), or a difference found",
    Exit.BAD_INPUT: "bad input, or the program raised an exception; the message says which",
    Exit.UNKNOWN: "undecided: the budget ran out, nothing could be compared, or models of a "
    "fleet failed",
    Exit.INTERRUPTED: "interrupted",
}


def in_help() -> str:
    """The table as lines of help."""
    lines = [f"  {code.value:>3}  {text}" for code, text in MEANINGS.items()]
    return "\n".join(["\b", "Exit codes:", *lines])
