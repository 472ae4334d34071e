"""What to write instead, where a traced function fails for a reason that it cannot see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from asserts.errors import TraceError
from asserts.trace.holders import is_own
from asserts.trace.names import in_the_users_words, learn_from, name_the_rest
from shapes.base import Location, is_internal
from shapes.errors import DataDependentError

if TYPE_CHECKING:
    from shapes.env import ShapeEnv

__all__ = ["OF_A_DICT", "advised", "user_line"]

_OF_A_CONSTANT = (TypeError, AttributeError, ValueError, IndexError, KeyError)


@contextmanager
def advised(
    env: ShapeEnv, spaces: Sequence[dict[str, Any]], specs: Mapping[str, Any]
) -> Iterator[None]:
    """Add to what is raised in the block the line of the program, that a module is not part
    of the trace, or that a specification was taken as a constant."""
    try:
        yield
    except DataDependentError as error:
        for frame in _frames(error.__traceback__):
            learn_from(env, frame.f_locals)
        name_the_rest(env)
        error.args = (in_the_users_words(env, str(error)),)
        module = _module_outside(error.__traceback__, spaces)
        if module is not None:
            advice = (
                f"or, as the module {module!r} is not part of the trace (its `np`, `int` and "
                f"`len` are Python's own), name it: trace(..., modules=[{module!r}])"
            )
            error.args = (f"{error}\n{advice}",)
        raise
    except TraceError as error:
        location = user_line(error.__traceback__)
        if location is not None and "\n    at " not in str(error):
            error.args = (f"{error}\n    at {location}",)
        raise
    except _OF_A_CONSTANT as error:
        if isinstance(error.__cause__, TraceError):  # which numpy met, and put into its words
            raise TraceError(_within_numpy(error)) from error
        advice = next(filter(None, (_of_constant(*item) for item in specs.items())), "")
        if not advice:
            raise
        raise TraceError(f"{type(error).__name__}: {error}\n{advice}") from error


def _within_numpy(error: BaseException) -> str:
    """What to write where numpy itself was to take the value of a traced array."""
    advice = ""
    if "setting an array element" in str(error):
        advice = (
            "\nan array of which everything is known is a constant of the graph, and cannot "
            "take values that are not: start from one that is made from an input or its "
            "sizes, np.zeros_like(x) or np.zeros(x.shape[0])"
        )
    location = user_line(error.__traceback__)
    return f"{str(error).rstrip('.')}: {error.__cause__}{advice}\n    at {location}"


def _of_constant(name: str, spec: Any) -> str:
    """What to write for a constant that may have been meant as a specification."""
    if isinstance(spec, str):
        return (
            f"the argument '{name}' was the constant text {spec!r}; an array of one axis is "
            f"specified by a tuple, {name}=({spec!r},), a symbolic integer by "
            f"{name}=Spec.int()"
        )
    values = spec.values() if isinstance(spec, dict) else ()
    if isinstance(spec, (set, frozenset)) or any(isinstance(v, tuple) for v in values):
        return f"the argument '{name}' was a constant {type(spec).__name__}: {OF_A_DICT}"
    return ""


OF_A_DICT = (
    "arrays in it are specified by Spec(...), as in {'x': Spec(('n', 4))}; what has no order "
    "is a constant"
)


def user_line(trace: TracebackType | None) -> Location | None:
    """The innermost line that is not ours."""
    found = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if not is_internal(code.co_filename):
            found = Location(code.co_filename, trace.tb_lineno, code.co_name)
        trace = trace.tb_next
    return found


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    """The frames that are not ours, from the innermost one."""
    found = []
    while trace is not None:
        if not is_internal(trace.tb_frame.f_code.co_filename):
            found.append(trace.tb_frame)
        trace = trace.tb_next
    return reversed(found)


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
