"""What objects of C keep that say nothing when they are copied: where a file is, the state of
torch's random numbers, the value of a context variable, whether a lock is held.

`handled` gives it as values that are equal as long as nothing has changed, and as objects
that this one leads to. Raises `InfeasibleError` for what may change unseen: a file whose place
cannot be told (a pipe that is read, a text of which lines are taken), a scanner of matches.
What is written to a pipe is not looked at: nothing reads it back.
"""

from __future__ import annotations

import gc
import hashlib
import io
import mmap
import operator
import re
import threading
import types
import weakref
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Final

import torch
from torch.utils._python_dispatch import _disable_current_modes

from asserts.dialects.torch.export.bodies import InfeasibleError

__all__ = ["attributes_of_tensor", "handled", "place_in"]

FILES: Final = (
    io.FileIO, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair,
    io.TextIOWrapper,
)  # fmt: skip

_LOCKS: Final[tuple[type, ...]] = (type(threading.Lock()), type(threading.RLock()))
_VIEWS: Final[tuple[type, ...]] = (type({}.keys()), type({}.values()), type({}.items()))
_SCANNER: Final = type(re.compile("").scanner(""))  # type: ignore[attr-defined]


_OF_TORCH: Final = ("constant", "dispatch_keys", "fake_mode", "pytype", "real_tensor")
"""What torch keeps on a fake tensor, besides names that begin with an underscore."""


def handled(one: Any) -> list[Any] | None:
    """What it keeps; None of an object that is none of these."""
    for kinds, says in _SAYING:
        if isinstance(one, kinds):
            return says(one)
    return None


def place_in(iterator: Any) -> list[Any]:
    """How much is left of an iterator, if it says so. Raises `InfeasibleError` for one whose
    place cannot be seen: it says nothing, and it leads to nothing that would change."""
    left = operator.length_hint(iterator, -1)
    leads_to = gc.get_referents(iterator)
    if left < 0 and not leads_to:
        name = type(iterator).__name__
        raise InfeasibleError(f"where an object of type `{name}` is cannot be seen")
    return [left, *leads_to]


def attributes_of_tensor(one: torch.Tensor) -> list[Any]:
    """What a program has written on a tensor, and whether it has said that the tensor wants a
    gradient; not what torch keeps there."""
    with torch._C.DisableTorchFunction():
        wanted = one.requires_grad and one.is_leaf  # (not by what was written to it)
    own = getattr(one, "__dict__", {}).items()
    kept = [item for item in own if not (item[0].startswith("_") or item[0] in _OF_TORCH)]
    return [wanted, *(part for item in kept for part in item)]


def _of_generator(one: torch.Generator) -> list[Any]:
    with _disable_current_modes():
        return [bytes(one.get_state().tolist())]


def _of_file(one: Any) -> list[Any]:
    kind = next(kind for kind in type(one).__mro__ if kind in FILES)
    with suppress(OSError, ValueError):
        if kind.closed.__get__(one):
            return [True]
        if kind.seekable(one):
            return [False, kind.tell(one)]
        if not kind.readable(one):
            return [False]
    raise InfeasibleError("where a file is cannot be seen")


def _of_map(one: mmap.mmap) -> list[Any]:
    with suppress(ValueError):
        return [one.tell(), hashlib.blake2b(one).digest()]
    return []  # (it is closed)


def _of_proxy(one: Any) -> list[Any]:
    with suppress(ReferenceError):
        return [one.__repr__.__self__]
    return []


def _of_scanner(one: Any) -> list[Any]:
    raise InfeasibleError("where a scanner of matches is cannot be seen")


_SAYING: Final[tuple[tuple[Any, Callable[[Any], list[Any]]], ...]] = (
    (torch.Generator, _of_generator),
    (FILES, _of_file),
    (mmap.mmap, _of_map),
    (ContextVar, lambda one: [one.get(None)]),
    (_LOCKS, lambda one: [repr(one)]),
    (weakref.ref, lambda one: [one()]),
    (weakref.ProxyTypes, _of_proxy),
    (types.MappingProxyType, lambda one: [part for item in one.items() for part in item]),
    (_VIEWS, gc.get_referents),
    (types.BuiltinMethodType, lambda one: [one.__self__]),
    (_SCANNER, _of_scanner),
)
