"""Whether advice settles what it is given for: the export is tried again with each line.

The function that asked is compiled with the line before its statement, and takes its own code
back after the attempt. A line with which the export ends at the same place is not shown.

Limits: a function whose source or object is not found, or that is made anew on each call,
keeps its lines as they are, which only our prover has verified then.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import TypeVar

from asserts.dialects.torch.export.advice import AdvisedError, Place
from asserts.dialects.torch.export.asking import statement_line
from asserts.dialects.torch.export.functions import function_at
from asserts.dialects.torch.export.rewriting import RefusedError, preceded
from shapes.errors import ShapeproofError

__all__ = ["comes_of", "keep_what_settles", "tried"]

Kind = TypeVar("Kind", bound=BaseException)

AGAIN = "verified by exporting again"


def comes_of(error: BaseException | None, kind: type[Kind]) -> Kind | None:
    """The error of a kind that another one comes of, or is."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def keep_what_settles(error: AdvisedError, again: Callable[[], object]) -> None:
    """Leave out the lines of an error with which exporting `again` ends at the same place."""
    without = []
    for line, ends_there in tried(error, again):
        if ends_there is None:
            return  # (each attempt is a whole export)
        if ends_there:
            without.append(line)
    error.keep(without, AGAIN)


def tried(
    error: AdvisedError, again: Callable[[], object]
) -> Iterator[tuple[str, bool | None]]:
    """Each line of an error, and whether exporting `again` with it ends at the same place;
    None if that is not known."""
    try:
        place, lines = error.place, error.lines
    except (ShapeproofError, RecursionError):
        return  # (the error says itself that it has no advice)
    function = None if place is None else _function_at(place)
    for line in lines:
        if place is None or function is None:
            yield line, None
        else:
            yield line, _ends_there(error, place, function, line, again)


def _function_at(place: Place) -> FunctionType | None:
    return function_at(lambda code: _has(code, place), place.file)


def _has(code: CodeType, place: Place) -> bool:
    if code.co_filename != place.file or code.co_name != place.function:
        return False
    return any(line == place.line for _, _, line in code.co_lines())


def _ends_there(
    error: AdvisedError, place: Place, function: FunctionType, line: str,
    again: Callable[[], object],
) -> bool | None:  # fmt: skip
    """Whether the export ends where it did; None if that was not tried, or ends with an error
    that says nothing of it."""
    reading, code = error.reading, function.__code__
    text = line if reading is None else f"{reading[2]}; {line}"
    tested, name = (None, "") if reading is None else reading[:2]
    added = ast.parse(text).body
    used = {n.id for one in added for n in ast.walk(one) if isinstance(n, ast.Name)}
    if "torch" in used and "torch" not in function.__globals__:
        return None
    try:
        where = statement_line(place.file, place.line)
        function.__code__ = preceded(code, where, added, tested, name)
    except (RefusedError, SyntaxError, ValueError):
        return None
    try:
        again()
    except Exception as other:  # (a model may raise anything)
        found = comes_of(other, AdvisedError)
        return None if found is None else _where(found) == _where(error)
    finally:
        function.__code__ = code
    return False


def _where(error: AdvisedError) -> tuple[str, int] | None:
    return None if error.asker is None else (error.asker.file, error.asker.line)
