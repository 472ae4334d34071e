"""The state of a model, so that running it leaves no trace.

Whatever can be reached from the model is remembered: tensors (registered or not), attributes,
lists, dictionaries and sets, what functions close over, attributes of the classes of the
user's, generators of random numbers.

Guarantees: `put_back` gives all of these the values that they had, in place; what has not
changed is not touched. Limits: globals of modules, iterators, and objects of C that show no
attributes.
"""

from __future__ import annotations

import functools
import random
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import numpy as np
import torch

__all__ = ["State", "is_data", "is_of_user", "unchanged"]

_ATOMS: Final = (
    str, bytes, int, float, complex, bool, type(None), torch.dtype, torch.device, torch.Size,
    types.ModuleType, types.CodeType, types.BuiltinFunctionType, range, slice,
)  # fmt: skip

_MOST: Final = 1_000_000
"""Objects that are looked at."""

_LEFT: Final = ("torch", "builtins", "collections", "abc", "typing", "enum", "functools")
"""Packages whose classes a run does not change."""


class State:
    """What can be reached from some objects, as it is now; not tensors among `without`, which
    somebody else takes care of."""

    def __init__(self, roots: Iterable[Any], without: Iterable[Any] = ()) -> None:
        self._undo: list[Callable[[], None]] = []
        self._kept: list[Any] = []
        """(Objects that are known by their identity have to live on.)"""
        seen = {id(one) for one in without}
        pending = list(roots)
        while pending and len(seen) < _MOST:
            one = pending.pop()
            if isinstance(one, _ATOMS) or id(one) in seen:
                continue
            seen.add(id(one))
            self._kept.append(one)
            pending += self._remember(one)

    def put_back(self) -> None:
        """Everything as it was."""
        with torch.no_grad():
            for undo in self._undo:
                undo()

    def _remember(self, one: Any) -> Iterator[Any]:
        """Note how to put an object back; what it refers to."""
        if isinstance(one, torch.Tensor):
            with suppress(NotImplementedError, RuntimeError):  # (it has no elements)
                self._undo.append(functools.partial(_put_tensor, one, one.detach().clone()))
        elif isinstance(one, np.ndarray):
            self._undo.append(functools.partial(_put_array, one, one.copy()))
        elif isinstance(one, torch.Generator):
            self._undo.append(functools.partial(one.set_state, one.get_state()))
        elif isinstance(one, random.Random):
            self._undo.append(functools.partial(one.setstate, one.getstate()))
        elif isinstance(one, type):
            yield from self._of_class(one)
            return
        yield from self._of_container(one)
        yield from self._of_function(one)
        yield from self._of_object(one)

    def _of_container(self, one: Any) -> Iterator[Any]:
        if isinstance(one, dict):
            old = list(dict.items(one))
            self._undo.append(functools.partial(_put_items, one, old))
            for key, value in old:
                yield key
                yield value
        elif isinstance(one, (list, deque)):
            self._undo.append(functools.partial(_put_elements, one, list(one)))
            yield from list(one)
        elif isinstance(one, set):
            self._undo.append(functools.partial(_put_members, one, set(one)))
            yield from list(one)
        elif isinstance(one, bytearray):
            self._undo.append(functools.partial(one.__setitem__, slice(None), bytes(one)))
        elif isinstance(one, (tuple, frozenset)):
            yield from one

    def _of_function(self, one: Any) -> Iterator[Any]:
        if isinstance(one, types.FunctionType):
            yield from one.__closure__ or ()
            yield from one.__defaults__ or ()
            yield from (one.__kwdefaults__ or {}).values()
        elif isinstance(one, types.CellType):
            with suppress(ValueError):  # (an empty one)
                old = one.cell_contents
                self._undo.append(functools.partial(setattr, one, "cell_contents", old))
                yield old
        elif isinstance(one, types.MethodType):
            yield one.__self__
            yield one.__func__
        elif isinstance(one, functools.partial):
            yield from (one.func, one.args, one.keywords)

    def _of_object(self, one: Any) -> Iterator[Any]:
        """Its attributes, in a dictionary or in slots, and its class."""
        with suppress(AttributeError):
            attributes = object.__getattribute__(one, "__dict__")
            if isinstance(attributes, dict):
                yield attributes
        for kind in type(one).__mro__:
            for name in _slots(kind):
                with suppress(AttributeError):
                    old = object.__getattribute__(one, name)
                    self._undo.append(functools.partial(_put_attribute, one, name, old))
                    yield old
        yield type(one)

    def _of_class(self, kind: type) -> Iterator[Any]:
        for one in kind.__mro__:
            if not is_of_user(one):
                continue
            old = {name: value for name, value in vars(one).items() if is_data(name, value)}
            self._undo.append(functools.partial(_put_class, one, old))
            yield from old.values()


@functools.lru_cache(maxsize=1024)
def _slots(kind: type) -> list[str]:
    if not is_of_user(kind):
        return []
    return [n for n, s in vars(kind).items() if isinstance(s, types.MemberDescriptorType)]


def is_of_user(kind: type) -> bool:
    """Whether a run may change attributes of a class."""
    return kind.__module__.partition(".")[0] not in _LEFT


def is_data(name: str, value: Any) -> bool:
    """Whether an attribute of a class is more than how it works."""
    return not (name.startswith("__") or hasattr(type(value), "__get__"))


# --------------------------------------------------------------------------- putting back


def _put_tensor(one: torch.Tensor, old: torch.Tensor) -> None:
    if one.shape != old.shape or one.dtype != old.dtype:
        one.data = old
    elif not torch.equal(one, old):
        one.detach().copy_(old)


def _put_array(one: Any, old: Any) -> None:
    if one.flags.writeable:
        one[...] = old


def _put_items(one: dict[Any, Any], old: list[tuple[Any, Any]]) -> None:
    now = list(dict.items(one))
    same = len(now) == len(old) and all(a is c and b is d for (a, b), (c, d) in zip(now, old))
    if not same:
        dict.clear(one)
        for key, value in old:
            dict.__setitem__(one, key, value)


def _put_elements(one: Any, old: list[Any]) -> None:
    if len(one) != len(old) or any(a is not b for a, b in zip(one, old)):
        one.clear()
        one.extend(old)


def _put_members(one: set[Any], old: set[Any]) -> None:
    one.clear()
    one.update(old)


def _put_attribute(one: Any, name: str, old: Any) -> None:
    with suppress(AttributeError):
        if object.__getattribute__(one, name) is old:
            return
    with suppress(AttributeError):  # (one that Python code may only read has not changed)
        object.__setattr__(one, name, old)


def _put_class(kind: type, old: dict[str, Any]) -> None:
    now = {name: value for name, value in vars(kind).items() if is_data(name, value)}
    for name in now.keys() - old.keys():
        delattr(kind, name)
    for name, value in old.items():
        if name not in now or now[name] is not value:
            setattr(kind, name, value)


@contextmanager
def unchanged(*roots: Any, without: Iterable[Any] = ()) -> Iterator[None]:
    """Whatever is run in the block, the objects (but tensors among `without`) are as they were
    afterwards, as are Python's and numpy's own random numbers."""
    state = State(roots, without)
    of_python, of_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        state.put_back()
        random.setstate(of_python)
        np.random.set_state(of_numpy)
