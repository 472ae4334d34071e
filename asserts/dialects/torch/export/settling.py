"""Whether advice settles what it is given for: the export is tried again with each line.

The function that asked is compiled with the line before its statement, and takes its own code
back after the attempt, and the model its state. A line with which the export ends at the same
place is not shown. Only an export that has failed is tried again, once for each line.

Limits: a function whose source or object is not found, or that is made anew on each call,
keeps its lines as they are, which only our prover has verified then, as does a line with which
the export fails in another way. Not for `torch.compile`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import CodeType, FunctionType
from typing import Any, TypeVar

import torch

from asserts.dialects.torch.export.advice import AdvisedError, Place
from asserts.dialects.torch.export.asking import statement_line
from asserts.dialects.torch.export.functions import function_at
from asserts.dialects.torch.export.rewriting import RefusedError, preceded
from asserts.dialects.torch.export.state import unchanged
from shapes.errors import ShapeproofError

__all__ = ["comes_of", "keep_what_settles", "quiet", "settling", "tried", "tried_later"]

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


_IS_TRIED: ContextVar[bool] = ContextVar("_IS_TRIED", default=False)
"""Whether somebody tries the lines, so that a failed export is not tried again by itself."""


@contextmanager
def tried_later() -> Iterator[None]:
    """Exports that fail in the block keep the lines as they are."""
    token = _IS_TRIED.set(True)
    try:
        yield
    finally:
        _IS_TRIED.reset(token)


def settling(
    original: Callable[..., Any], decides: Callable[[], object]
) -> Callable[..., Any]:
    """torch's `_export`, whose errors have lines that were tried, if something `decides`."""

    @wraps(original)
    def _export(mod: torch.nn.Module, *args: Any, **options: Any) -> Any:
        try:
            return original(mod, *args, **options)
        except Exception as error:
            if decides() and not _IS_TRIED.get():
                keep_what_settles(error, lambda: original(mod, *args, **options), mod)
            raise

    return _export


def quiet(original: Callable[..., Any]) -> Callable[..., Any]:
    """A function of torch's that exports; what it prints of a failure is not printed of an
    attempt."""

    @wraps(original)
    def export(*args: Any, **options: Any) -> Any:
        try:
            return original(*args, **options)
        except Exception as error:
            if _IS_TRIED.get():
                vars(error).pop("partial_fx_graph", None)
            raise

    return export


def keep_what_settles(
    error: BaseException, again: Callable[[], object], model: torch.nn.Module
) -> None:
    """Leave out the lines of an error with which exporting the model `again` ends at the same
    place."""
    advised = comes_of(error, AdvisedError)
    if advised is None:
        return
    before = advised.advice
    kinds = dict(tried(advised, again, model))
    without = [line for line, ends_there in kinds.items() if ends_there]
    known = None not in kinds.values()
    advised.keep(without, AGAIN if known else advised.how_sure)
    _reword(error, before, advised.advice)


def _reword(error: BaseException | None, old: str, new: str) -> None:
    """Put the new advice for the old one where torch has put it into the text of an error."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        texts = (one.replace(old, new) if isinstance(one, str) else one for one in error.args)
        error.args = tuple(texts)
        error = error.__cause__ or error.__context__


def tried(
    error: AdvisedError, again: Callable[[], object], model: torch.nn.Module
) -> Iterator[tuple[str, bool | None]]:
    """Each line of an error, and whether exporting the model `again` with it ends at the same
    place; None if that is not known."""
    try:
        place, lines = error.place, error.lines
    except (ShapeproofError, RecursionError):
        return  # (the error says itself that it has no advice)
    function = None if place is None else _function_at(place)
    for line in lines:
        if place is None or function is None:
            yield line, None
        else:
            state = (*model.parameters(), *model.buffers())
            with tried_later(), unchanged(model, without=state):
                ends_there = _ends_there(error, place, function, line, again)
            yield line, ends_there


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
        added.insert(0, ast.Import([ast.alias("torch")]))  # (as whoever pastes it would do)
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
