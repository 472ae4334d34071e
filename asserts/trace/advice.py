"""What to write instead, where a traced function fails for a reason that it cannot see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from asserts.errors import TraceError
from asserts.trace.holders import is_own
from shapes.base import Location, is_internal
from shapes.errors import DataDependentError

__all__ = ["OF_A_DICT", "advised"]

_OF_A_CONSTANT = (TypeError, AttributeError, ValueError, IndexError, KeyError)


@contextmanager
def advised(spaces: Sequence[dict[str, Any]], specs: Mapping[str, Any]) -> Iterator[None]:
    """Add to what is raised in the block the line of the program, that a module is not part
    of the trace, or that a specification was taken as a constant."""
    try:
        yield
    except DataDependentError as error:
        module = _module_outside(error.__traceback__, spaces)
        if module is not None:
            advice = (
                f"or, as the module {module!r} is not part of the trace (its `np`, `int` and "
                f"`len` are Python's own), name it: trace(..., modules=[{module!r}])"
            )
            error.args = (f"{error}\n{advice}",)
        raise
    except TraceError as error:
        location = _user_line(error.__traceback__)
        if location is not None and "\n    at " not in str(error):
            error.args = (f"{error}\n    at {location}",)
        raise
    except _OF_A_CONSTANT as error:
        advice = next(filter(None, (_of_constant(*item) for item in specs.items())), "")
        if not advice:
            raise
        raise TraceError(f"{type(error).__name__}: {error}\n{advice}") from error


def _of_constant(name: str, spec: Any) -> str:
    """What to write for a constant that may have been meant as a specification."""
    if isinstance(spec, str):
        return (
            f"the argument '{name}' was the constant text {spec!r}; an array of one axis is "
            f"specified by a tuple, {name}=({spec!r},), a symbolic integer by "
            f"{name}=Spec.int()"
        )
    if isinstance(spec, dict) and any(isinstance(v, tuple) for v in spec.values()):
        return f"the argument '{name}' was a constant dict: {OF_A_DICT}"
    return ""


OF_A_DICT = (
    "inputs are arrays and integers, so give every array a parameter of its own, and make the "
    "dict in the function"
)


def _user_line(trace: TracebackType | None) -> Location | None:
    """The innermost line that is not ours."""
    found = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if not is_internal(code.co_filename):
            found = Location(code.co_filename, trace.tb_lineno, code.co_name)
        trace = trace.tb_next
    return found


def _module_outside(
    trace: TracebackType | None, spaces: Sequence[dict[str, Any]]
) -> str | None:
    """The module of the innermost line that is not ours, if it does not belong to the
    program."""
    found: dict[str, Any] | None = None
    while trace is not None:
        names = trace.tb_frame.f_globals
        if not is_own(names):
            found = names
        trace = trace.tb_next
    if found is None or any(found is space for space in spaces):
        return None
    return str(found.get("__name__"))
