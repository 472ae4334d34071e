"""What went wrong, reported without our internals: an error of ours by its message, a file by
its name, an exception of the user's program by the user's own lines."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from typing import Final

from asserts.cli.exits import Exit
from asserts.errors import error_text
from shapes.base import is_internal, shown_file
from shapes.errors import ShapeproofError

__all__ = ["Failure", "failure_of"]

_HERE: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_OURS: Final = os.path.join(os.path.dirname(os.path.dirname(_HERE)), "")

TRACEBACK: Final = "SHAPEPROOF_TRACEBACK"
"""The variable that shows where an internal error comes from."""


@dataclass(frozen=True)
class Failure:
    """An exit code, the kind of the error (the name of its class, mostly), its message, and
    the text for people."""

    code: Exit
    kind: str
    message: str
    text: str


def failure_of(error: BaseException) -> Failure:
    """What there is to say of an exception."""
    kind = type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return Failure(Exit.INTERRUPTED, kind, "interrupted", "shapeproof: interrupted")
    if isinstance(error, ShapeproofError):
        cause = error.__cause__
        lines = [] if isinstance(cause, (ShapeproofError, SystemExit)) else _user_lines(cause)
        return _failure(kind, str(error) + _line_of(error), lines)
    lines = _user_lines(error)
    if lines:
        return _failure(kind, f"the program raised {error_text(error)}", lines)
    if isinstance(error, OSError):
        file = f"{os.fspath(error.filename)!s}: " if error.filename else ""
        return _failure(kind, f"{file}{error.strerror or error}")
    if isinstance(error, (MemoryError, RecursionError)):
        return _failure(kind, f"out of memory or stack: {error_text(error)}")
    return _internal(error)


def _failure(kind: str, message: str, lines: list[str] | None = None) -> Failure:
    text = "\n".join([f"shapeproof: {message}", *(lines or [])])
    return Failure(Exit.BAD_INPUT, kind, message, text)


def _internal(error: BaseException) -> Failure:
    message = f"internal error: {error_text(error)}"
    if os.environ.get(TRACEBACK):
        return _failure("InternalError", message, traceback.format_exception(error))
    hint = f"({TRACEBACK}=1 shows where; please report it)"
    return _failure("InternalError", f"{message} {hint}")


# --------------------------------------------------------------------------- the user's lines


def _user_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames below this command that are the user's; those of installed libraries only
    if the user's code called them."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [i for i, frame in enumerate(frames) if frame.filename.startswith(_HERE)]
    below = frames[ours[-1] + 1 :] if ours else frames
    shown = [frame for frame in below if not is_internal(frame.filename)]
    return shown if any(_is_written_here(frame.filename) for frame in shown) else []


def _is_written_here(file: str) -> bool:
    """Whether a file is not that of an installed library, nor one of our examples."""
    installed = any(f"{os.sep}{n}{os.sep}" in file for n in ("site-packages", "dist-packages"))
    return not installed and not file.startswith(_OURS)


def _user_lines(error: BaseException | None) -> list[str]:
    """A traceback of nothing but the user's lines; empty if there are none."""
    if error is None:
        return []
    frames = _user_frames(error)
    if not frames and not isinstance(error, SyntaxError):
        return []
    lines = ["Traceback (your lines only):"] if frames else []
    lines += traceback.format_list(frames) + traceback.format_exception_only(error)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines).splitlines()


def _line_of(error: ShapeproofError) -> str:
    """The user's line that an error of ours arose at, unless its message has it."""
    frames = _user_frames(error)
    if not frames:
        return ""
    frame = frames[-1]
    if f"{os.path.basename(frame.filename)}:{frame.lineno}" in str(error):
        return ""
    code = f": {frame.line}" if frame.line else ""
    return f"\n    at {shown_file(frame.filename)}:{frame.lineno} in {frame.name}{code}"
