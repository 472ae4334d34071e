"""Functions that only tell something: Python's own, and a few of packages.

They are found by what a name stands for, never by the name: a function of the user's called
``print``, or an object called ``log``, may do anything.

Limits: what a handler of a logger does, or the file that is printed to, is not looked at; only
that they are what they were when the trace began (`Places`).
"""

from __future__ import annotations

import ast
import builtins
import inspect
import logging
import sys
import warnings
from types import FrameType
from typing import Any, Final

from torch._logging._internal import trace_log

from asserts.dialects.torch.export.harmless import Reader
from asserts.dialects.torch.export.resolved import (
    UnresolvedError,
    is_builtin,
    known,
    value_of,
)

__all__ = ["Places", "is_told", "teller"]

_WARN: Final = warnings.warn

_VERBS: Final = ("debug", "info", "warning", "error", "critical")
_OF_MODULE: Final = tuple(vars(logging)[name] for name in _VERBS)
_OF_LOGGER: Final = {name: vars(logging.Logger)[name] for name in _VERBS}

_ADDED: Final = {
    name: f"transformers.utils.logging.{name}"
    for name in ("warning_once", "info_once", "warning_advice")
}
"""Methods that packages give to Python's loggers."""

_OF_PACKAGES: Final = tuple(
    f"{module}.rank_zero_{verb}"
    for module in ("torchmetrics.utilities.prints", "lightning_utilities.core.rank_zero")
    for verb in ("warn", "info", "debug")
)


def teller(call: ast.Call, frame: FrameType) -> str | None:
    """What is called, if it is a function that tells: "print", "warn", "log", or "once", of
    those that remember what they have told."""
    try:
        if isinstance(call.func, ast.Attribute):
            owner = value_of(call.func.value, frame)
            if isinstance(owner, logging.Logger):
                return _of_logger(owner, call.func.attr)
        called = value_of(call.func, frame)
    except UnresolvedError:
        return None
    if is_builtin(called, "print"):
        return "print"
    if any(called is one for one in _OF_MODULE):
        return "log"
    warns = (_WARN, *filter(None, map(known, _OF_PACKAGES)))
    return "warn" if any(called is one for one in warns) else None


def _of_logger(owner: logging.Logger, verb: str) -> str | None:
    """How a method of a logger tells, if it is Python's, and so is the logger's class."""
    kind = type(owner)
    if kind not in (logging.Logger, logging.RootLogger) or verb in vars(owner):
        return None
    found = inspect.getattr_static(kind, verb, None)
    if verb in _OF_LOGGER:
        return "log" if found is _OF_LOGGER[verb] else None
    added = known(_ADDED.get(verb, ""))
    return "once" if found is not None and found is added else None


_OPTIONS: Final = {"stacklevel": int, "end": str, "sep": str, "flush": bool}
"""What does not change that something is told, and the types of these values."""


def is_told(call: ast.Call, frame: FrameType, reader: Reader | None = None) -> bool:
    """Whether a function that tells is called, and certainly returns."""
    how, reader = teller(call, frame), reader or Reader(frame)
    if how is None:
        return False
    try:
        given = [reader.read(one) for one in call.args]
        for option in call.keywords:
            if option.arg == "category" and how == "warn":
                given.append(reader.read(option.value))
            elif type(reader.read(option.value).value) is not _OPTIONS.get(option.arg or ""):
                return False
    except UnresolvedError:
        return False
    if not reader.total or (how != "print" and (not given or given[0].kind != "text")):
        return False
    if how == "once":  # (they are kept in a table)
        return all(one.kind in ("text", "number") for one in given)
    return how != "warn" or all(_is_category(one.value) for one in given[1:])


def _is_category(value: Any) -> bool:
    """Whether this is one of Python's kinds of warnings, or a number of frames."""
    if not isinstance(value, type):
        return type(value) is int
    return issubclass(value, Warning) and value is vars(builtins).get(value.__name__)


class Places:
    """Where it is told what is told: a program may change that, and listen to itself."""

    def __init__(self) -> None:
        self._out = _out()
        self._heard = _heard()

    def are_the_same(self) -> bool:
        """Whether nothing has changed since."""
        if self._out != _out():
            return False
        none: tuple[int, ...] = ()
        return all(self._heard.get(one, none) == ears for one, ears in _heard().items())


def _out() -> tuple[Any, ...]:
    errors = [one for one in warnings.filters if one[0] == "error"]
    shows = (warnings.showwarning, getattr(warnings, "_showwarnmsg_impl", None))
    return id(sys.stdout), id(sys.stderr), builtins.print, shows, errors


def _heard() -> dict[int, tuple[int, ...]]:
    """The handlers and filters of each logger. (That of torch's own traces loses one with the
    first of them in a process.)"""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    return {
        id(one): tuple(map(id, (*one.handlers, *one.filters)))
        for one in loggers
        if isinstance(one, logging.Logger) and one is not trace_log
    }
