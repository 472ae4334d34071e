"""Errors of a trace that the traced function catches.

A refusal (of a function without a rule, of a decision on a size) is an error that the function
never meets when it runs. A function that catches it (``except Exception``, a `finally` that
returns, `contextlib.suppress`) goes another way while it is traced than it does elsewhere, and
the graph would always go that way. So such a trace is refused once the function has returned.
An error that is certain (of shapes that never fit) is refused as well: numpy's own may be of a
type that the function does not catch.

It is the frame that caught an error which says who did: the outermost one of its traceback. If
that is a method by which Python or numpy asks for a value (``__float__``), then compiled code
caught it, and the line is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

from asserts.errors import InputError, RuntimeAssertionError, TraceError
from asserts.trace.advice import user_line
from asserts.trace.introspection import SHOWING
from asserts.trace.names import in_the_users_words, name_the_rest
from shapes.errors import ShapeproofError, heard

if TYPE_CHECKING:
    from shapes.env import ShapeEnv

__all__ = ["nothing_swallowed"]

_OF_THE_PROGRAM: Final = (RuntimeAssertionError, InputError)
"""What a function meets when it runs, too: checks of plain values, programs that it calls."""


@contextmanager
def nothing_swallowed(env: ShapeEnv) -> Iterator[None]:
    """Raises `TraceError` at the end of the block if code that is not ours caught in it an
    error that the traced function does not meet when it runs."""
    with heard() as errors:
        yield
    error = next(filter(_is_swallowed, errors), None)
    if error is not None:
        raise TraceError(_message(env, error)) from error


def _is_swallowed(error: ShapeproofError) -> bool:
    trace = error.__traceback__
    if trace is None or isinstance(error, _OF_THE_PROGRAM):
        return False
    return _is_of_the_program(trace.tb_frame)


def _is_of_the_program(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    if name.startswith("asserts.examples."):
        return True
    if name in _ASKED:
        return frame.f_code.co_name.startswith("__")
    return name.partition(".")[0] not in ("shapes", "asserts", *_REPORTING)


_REPORTING: Final = SHOWING - {"unittest"}
"""What shows values to people reports what it catches, and computes nothing. (A test that runs
has a result.)"""

_ASKED: Final = ("asserts.trace.symarray", "shapes.env.symints")
"""Whose methods compiled code calls."""


def _message(env: ShapeEnv, error: ShapeproofError) -> str:
    name_the_rest(env)
    reason = _indented(in_the_users_words(env, str(error)).splitlines())
    line = user_line(error.__traceback__)
    return (
        "the traced function caught an error of the trace and went on; it may not meet that "
        "error when it runs, so a graph would do something else. Let the error through, or "
        "choose outside of the traced function\n"
        f"{reason}" + ("" if line is None else f"\n    at {line}")
    )


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
