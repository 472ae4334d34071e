"""What the user's code sees of a number that it has converted, and that stays symbolic.

To eager mode ``int(t)`` is a number like others: it has a class, a text and a hash. Of
torch's symbolic ones the class is another, the text is a name, and there is no hash:
``names[f"w{k}"]``, or ``isinstance(k, int)`` in another module, would quietly go another way.

Guarantees: within the block, for the user's code, such a number is an instance of Python's
type; whoever asks for its text or its hash asks for the number itself, which goes up the
ladder. A text that only goes into a message stays what it is. For ``type(k)`` see `kinds`, for
operations that raise `raising`.
"""

from __future__ import annotations

import ast
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

import sympy
import torch

import asserts
from asserts.dialects.torch.export.advice import is_users
from asserts.dialects.torch.export.asking import site_of
from asserts.dialects.torch.export.leaving import leaves
from asserts.dialects.torch.export.raising import operations
from asserts.dialects.torch.export.resolved import UnresolvedError, value_of
from asserts.dialects.torch.export.tellers import teller
from shapes.base import is_internal

__all__ = ["kind_of", "seen_as_numbers"]

_PLAIN: Final[dict[type, type]] = {torch.SymInt: int, torch.SymFloat: float}

_OURS, _SYMPYS = (
    os.path.join(os.path.dirname(str(one.__file__)), "") for one in (asserts, sympy)
)

_LOCK: Final = threading.RLock()
_CONVERTED: Final[list[set[Any]]] = []
"""The symbols of each block that is open."""

_UNDO: Final[list[Callable[[], None]]] = []


@contextmanager
def seen_as_numbers(converted: set[Any]) -> Iterator[None]:
    """Numbers of these symbols, which may become more, are Python's to the user's code."""
    with _LOCK:
        if not _CONVERTED:
            _patch()
        _CONVERTED.append(converted)
    try:
        yield
    finally:
        with _LOCK:
            _CONVERTED[:] = [one for one in _CONVERTED if one is not converted]
            while not _CONVERTED and _UNDO:
                _UNDO.pop()()


def _patch() -> None:
    for symbolic, plain in _PLAIN.items():
        _swap(symbolic, "__getattribute__", _class_of(plain, symbolic.__getattribute__))
        for name, of_number in (("__str__", str), ("__repr__", repr), ("__hash__", hash)):
            original = getattr(symbolic, name)
            _swap(symbolic, name, _of_number(plain, of_number, original))
        _swap(symbolic, "__format__", _of_number(plain, format, symbolic.__format__))
        for name, operation in list(operations(symbolic, plain, _is_seen)):
            _swap(symbolic, name, operation)


def _swap(owner: type, name: str, new: Any) -> None:
    old = vars(owner).get(name)
    setattr(owner, name, new)
    _UNDO.append(lambda: delattr(owner, name) if old is None else setattr(owner, name, old))


def _class_of(plain: type, original: Callable[..., Any]) -> Callable[..., Any]:
    def attribute(self: Any, name: str) -> Any:
        if name == "__class__" and _is_converted(self) and _users() is not None:
            return plain
        try:
            return original(self, name)
        except AttributeError:
            if not hasattr(plain, name) or not _is_seen(self):
                raise
        return getattr(plain(self), name)

    return attribute


def _of_number(
    plain: type, wanted: Callable[..., Any], original: Callable[..., Any]
) -> Callable[..., Any]:
    def of_number(self: Any, *args: Any) -> Any:
        frame = _users() if _is_converted(self) else None
        if frame is None or (wanted is not hash and _is_message(frame)):
            return original(self, *args)
        return wanted(plain(self), *args)

    return of_number


def kind_of(value: Any) -> Any:
    """The type of a value, as eager mode has it."""
    found = type(value)
    return _PLAIN[found] if found in _PLAIN and _is_converted(value) else found


def _is_seen(value: Any) -> bool:
    """Whether a number is converted, and the user's code asks."""
    return _is_converted(value) and _users(3) is not None  # (past the operation)


def _is_converted(value: Any) -> bool:
    node = object.__getattribute__(value, "node")
    expr = getattr(node, "_expr", None)
    symbols: set[Any] = getattr(expr, "free_symbols", set())
    return any(not symbols.isdisjoint(one) for one in _CONVERTED)


def _users(depth: int = 2) -> FrameType | None:
    """The user's function that asks, be it through Python's own; None if another does."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith((_OURS, _SYMPYS)):
            return None
        if is_users(file):
            return frame
        if not file.startswith("<") and not is_internal(file):
            return None
        frame = frame.f_back
    return None


def _is_message(frame: FrameType) -> bool:
    """Whether the text that is made there is only told, or raised out of the model."""
    site = site_of(frame)
    inner: ast.AST | None = None
    for node in () if site is None else site.around():
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Assert) and inner is node.msg):
            return leaves(frame, None)
        if isinstance(node, ast.Call) and _is_told(node, inner, frame):
            return True
        if isinstance(node, ast.stmt):
            return False
        inner = node
    return False


def _is_told(call: ast.Call, inner: ast.AST | None, frame: FrameType) -> bool:
    """Whether a call only tells its arguments, or asserts with them as its message."""
    if inner is call.func:
        return False
    if teller(call, frame) is not None:
        return True
    with suppress(UnresolvedError):
        return value_of(call.func, frame) is torch._assert
    return False
