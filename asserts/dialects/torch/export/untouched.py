"""What a part of a trace must leave as it is, because the program may not run that part.

A side of a branch is traced whether or not it is taken. If it changed a list, or taught torch
that a size is at least 2, the rest of the trace would rest on something that need not happen.

Looked at is what local variables lead to, and what each function of the user's that runs can
reach by the names that it uses, as it is before it runs. Of objects of Python's own and of
numpy's (iterators, random numbers, arrays, buffers), and of classes derived from theirs, it is
what they say when they are copied, or what `handles` knows of them (files, random numbers of
torch's, locks); a generator must not go on, and no method may be called of an object of which
nothing is seen. Limits: what Python's own modules keep.
"""

from __future__ import annotations

import dis
import functools
import gc
import io
import os
import random
import re
import struct
import sys
import types
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from queue import SimpleQueue
from types import CodeType, FrameType
from typing import Any, Final

import numpy as np
import torch
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.dialects.torch.export.advice import is_users
from asserts.dialects.torch.export.bodies import InfeasibleError
from asserts.dialects.torch.export.handles import attributes_of_tensor, handled, place_in
from asserts.dialects.torch.export.settings import Settings
from asserts.dialects.torch.export.state import is_data, is_of_user
from asserts.dialects.torch.symbols.loaded import is_unbacked
from asserts.dialects.torch.symbols.record import count_of_recorded
from asserts.trace.outside import is_standard

__all__ = ["Environment", "Objects", "watching"]

MOST: Final = 200_000
"""Objects that are looked at."""

_PLAIN: Final = (int, float, str, bytes, bool, complex, type(None))

_LEAVES: Final = (
    *_PLAIN, torch.SymInt, torch.SymFloat, torch.SymBool, torch.dtype,
    torch.device, types.ModuleType, types.CodeType,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Names:
    """Names of a module that code uses."""

    module: dict[str, Any] = field(repr=False)
    names: tuple[str, ...]

    def values(self) -> list[Any]:
        return [self.module.get(name) for name in self.names]


_COMPUTING: Final = ("mpmath", "numpy", "sympy")
"""What torch itself computes with: it keeps things of its own."""

_OTHERS: Final = ("torch", "logging", *_COMPUTING)
"""Packages whose objects are not the program's own."""


_RANDOM: Final = (random.random, np.random.random)
"""Methods of what Python's and numpy's own random numbers come from."""


_UNSEEN: Final = object()
"""Among the parts of an object of which nothing can be seen."""


class Objects:
    """The Python objects that variables lead to, as they are, the random numbers that
    everybody shares, and what is set for everything that comes later."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._before: dict[int, tuple[Any, list[Any]]] = {}
        self._waiting: dict[int, FrameType] = {}
        self._unseen: set[int] = set()
        shared = (getattr(one, "__self__", None) for one in _RANDOM)
        self.add([*roots, *shared, torch.default_generator, Settings()])

    def add(self, roots: Iterable[Any]) -> None:
        """Take in further objects, with what they lead to."""
        worklist = list(roots)
        while worklist:
            one = worklist.pop()
            if id(one) in self._before or isinstance(one, _LEAVES):
                continue
            parts = _parts(one)
            if parts is None:
                continue
            self._before[id(one)] = (one, parts)
            if parts and parts[-1] is _UNSEEN:
                self._unseen.add(id(one))
            if isinstance(one, types.GeneratorType) and one.gi_frame is not None:
                self._waiting[id(one.gi_frame)] = one.gi_frame
            worklist += parts
            if len(self._before) > MOST:
                raise InfeasibleError("there are too many objects that it may change")

    def waits(self, frame: FrameType) -> bool:
        """Whether it is the frame of a generator that was there before."""
        return id(frame) in self._waiting

    def is_unseen(self, one: Any) -> bool:
        """Whether it was there before, and what it keeps cannot be seen."""
        return id(one) in self._unseen

    def require_same(self) -> None:
        """Raises `InfeasibleError` if one of them was changed."""
        for one, parts in self._before.values():
            now = _parts(one)
            if now is None or len(now) != len(parts) or not all(map(_is_same, parts, now)):
                raise InfeasibleError(f"it changes an object of type `{type(one).__name__}`")


def _is_same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, _PLAIN) and a == b)


def _parts(one: Any) -> list[Any] | None:
    """What an object consists of; None if that is not known."""
    if isinstance(one, (Names, Settings)):
        return one.values()
    if isinstance(one, torch.Tensor):
        return attributes_of_tensor(one)
    if isinstance(one, type):
        if not _is_watched(one):
            return None
        held = (item for item in vars(one).items() if is_data(*item))
        return [part for item in held for part in item]
    if isinstance(one, types.FunctionType):
        named = (*(one.__kwdefaults__ or {}).values(), *vars(one).values())
        return [*(one.__closure__ or ()), *(one.__defaults__ or ()), *named]
    if isinstance(one, types.CellType):
        with suppress(ValueError):  # (an empty one)
            return [one.cell_contents]
        return []
    if isinstance(one, types.MethodType):
        return [one.__self__, one.__func__]
    kept = handled(one)
    if kept is not None:
        return [*kept, *_own(one)]
    contents = _contents(one)
    if contents is not None:
        return contents if _package(type(one)) == "builtins" else [*contents, *_own(one)]
    if isinstance(one, types.GeneratorType):
        return [] if one.gi_frame is None else list(one.gi_frame.f_locals.values())
    return _parts_of_object(one)


def _contents(one: Any) -> list[Any] | None:
    """What is in a container of Python's, or in one of a class that is derived from it."""
    if isinstance(one, functools.partial):
        return [one.func, one.args, one.keywords]
    if isinstance(one, dict):
        return [part for item in one.items() for part in item]
    if isinstance(one, (list, tuple, deque)):
        return list(one)
    return sorted(one, key=id) if isinstance(one, (set, frozenset)) else None


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _own(one: Any) -> list[Any]:
    """What an object keeps for itself: attributes, and those of its class."""
    if _package(type(one)) in _OTHERS and not isinstance(one, torch.nn.Module):
        return []
    return [*_attributes(one), *((type(one),) if _is_watched(type(one)) else ())]


def _parts_of_object(one: Any) -> list[Any] | None:
    package = _package(type(one))
    if package in _OTHERS and package != "numpy" and not isinstance(one, torch.nn.Module):
        return None
    own = _own(one)  # (first: some objects of C get a dict by being asked for it)
    if package == "numpy" or package in sys.stdlib_module_names:
        found = _copied(one)
        if found is None:
            found = _place_of(one) or ([] if _is_seen(one) else [_UNSEEN])
        return [*own, *found]
    return [*own, *_inherited(one)]


def _place_of(one: Any) -> list[Any]:
    """Where an iterator is that cannot be copied, and what a view of memory is one of."""
    if isinstance(one, memoryview):
        with suppress(ValueError):  # (it was released)
            return [one.obj]
    if isinstance(one, np.nditer):  # (it does not say whether it has begun)
        raise InfeasibleError("where an `np.nditer` is cannot be seen")
    if isinstance(one, np.flatiter):
        return [one.base, one.index]
    if hasattr(type(one), "__next__") and not isinstance(one, io.IOBase):
        return place_in(one)
    return gc.get_referents(one) if isinstance(one, SimpleQueue) else []


def _is_seen(one: Any) -> bool:
    """Whether an object of Python's or numpy's that cannot be copied has nothing to itself but
    its attributes, or nothing that changes."""
    return hasattr(one, "__dict__") or isinstance(one, _CONSTANT)


_CONSTANT: Final = (
    struct.Struct,
    re.Pattern,
    property,
    classmethod,
    staticmethod,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
)
"""Of C, and never changed."""

_SAYING: Final = ("__reduce__", "__reduce_ex__", "__getstate__")


def _inherited(one: Any) -> list[Any]:
    """What an object of another class has of Python's or numpy's that this is derived from.
    (What the class itself says when it is copied is not asked: that is the user's code.)"""
    for kind in type(one).__mro__[:-1]:
        if not (_package(kind) == "numpy" or _package(kind) in sys.stdlib_module_names):
            continue
        for name in _SAYING:
            if name in vars(kind):
                options = (2,) if name == "__reduce_ex__" else ()
                return _said(functools.partial(vars(kind)[name], one, *options)) or []
    return _place_of(one)


def _copied(one: Any, depth: int = 3) -> list[Any] | None:
    """What an object is copied by: where an iterator is, the state of a generator of random
    numbers, what is in an array. None if it says nothing, or something else each time."""
    return _said(functools.partial(one.__reduce_ex__, 2), depth)


def _said(says: Callable[[], object], depth: int = 3) -> list[Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # (Python gives up copying some iterators)
        try:
            found, again = (list(_flat(says())) for _ in range(2))
        except Exception:  # (a class may raise anything)
            return None
    if len(found) != len(again):
        return None
    parts: list[Any] = []
    for part, other in zip(found, again):
        inner = [part] if _is_same(part, other) else None
        if inner is None and depth:
            inner = _copied(part, depth - 1)  # (made for the copy)
        if inner is None:
            return None
        parts += inner
    return parts


def _flat(value: Any) -> Iterator[Any]:
    """The parts of what was made for a copy, in order."""
    if type(value) in (tuple, list):
        for one in value:
            yield from _flat(one)
    elif type(value) is dict:
        yield from _flat(list(value.items()))
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        yield value.tobytes()
    elif isinstance(value, bytearray):
        yield bytes(value)
    else:
        yield value


def _is_watched(kind: type) -> bool:
    """Whether a class is of the user's, whose attributes may be what a program counts in."""
    package = kind.__module__.partition(".")[0]
    return is_of_user(kind) and package not in sys.stdlib_module_names


def _attributes(one: Any) -> Iterator[Any]:
    for name, value in sorted(getattr(one, "__dict__", {}).items()):
        yield name
        yield value
    for kind in type(one).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(one, name):
                yield getattr(one, name)


# --------------------------------------------------------------------------- what ran

_LIBRARIES: Final = tuple(
    os.path.join(os.path.dirname(str(found.origin)), "")
    for found in map(find_spec, _COMPUTING)
    if found is not None
)


def _names(code: CodeType, module: dict[str, Any]) -> Iterator[Names]:
    """The names that lead to what a function may change: of its own module, of modules of the
    user's that it names, and of others those that it sets."""
    used = tuple(name for name in code.co_names if name in module)
    yield Names(module, used)
    waiting, seen = [module[name] for name in used], set()
    while waiting:
        other = waiting.pop()
        if not isinstance(other, types.ModuleType) or id(other) in seen:
            continue
        seen.add(id(other))
        attributes = vars(other)
        named = tuple(one for one in code.co_names if one in attributes)
        if _is_users_module(other):
            yield Names(attributes, named)
        else:
            yield Names(attributes, tuple(_set_on_objects(code).intersection(named)))
            waiting += [attributes[one] for one in named]


@functools.lru_cache(maxsize=1024)
def _set_on_objects(code: CodeType) -> frozenset[str]:
    """The attributes that code sets, of whatever objects."""
    names = ("STORE_ATTR", "DELETE_ATTR")
    return frozenset(str(i.argval) for i in dis.get_instructions(code) if i.opname in names)


def _is_watched_file(file: str) -> bool:
    """Whether the code in it may have something of the user's to change."""
    return is_users(file) and not (file.startswith(_LIBRARIES) or is_standard(file))


def _is_users_module(module: types.ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and _is_watched_file(file)


@functools.lru_cache(maxsize=1024)
def _set_outside(code: CodeType) -> str | None:
    """A variable that code sets, of its module or of a function around it."""
    if "globals" in code.co_names:
        return "globals()"
    for one in dis.get_instructions(code):
        if one.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            return str(one.argval)
        if one.opname in ("STORE_DEREF", "DELETE_DEREF") and one.argval in code.co_freevars:
            return str(one.argval)
    return None


def _is_imported(frame: FrameType, inside: FrameType) -> bool:
    """Whether code runs because a library, torch for one, imports a module that it needs: who
    finds modules, and what the module asks of others, is not the program's. (That depends on
    what has been imported before.)"""
    found = False
    while frame is not inside and frame.f_back is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            found = True
        elif found and not is_standard(file):
            return not _is_watched_file(file)
        frame = frame.f_back
    return False


@contextmanager
def watching(objects: Objects, inside: FrameType) -> Iterator[None]:
    """Take in, whenever a function of the user's begins to run in the block, which is in the
    frame, what it can reach. Raises `InfeasibleError` at the end if one sets what is not its
    own."""
    before = sys.getprofile()
    # (What the garbage collector calls is not the program's, whenever it comes.)
    seen = {one.__code__ for one in gc.callbacks if isinstance(one, types.FunctionType)}
    failures: list[InfeasibleError] = []

    def notice(frame: FrameType, event: Any, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and objects.waits(frame):
            failures.append(InfeasibleError("it goes on with a generator from outside"))
        if event == "c_call" and objects.is_unseen(getattr(argument, "__self__", None)):
            kind = type(argument.__self__).__name__
            failures.append(InfeasibleError(f"it uses an object of type `{kind}`"))
        if event == "call" and code not in seen:
            if not _is_watched_file(code.co_filename):
                seen.add(code)
            elif not _is_imported(frame, inside):
                seen.add(code)
                try:
                    _require_own(code)
                    objects.add(_names(code, frame.f_globals))
                except InfeasibleError as error:
                    failures.append(error)
        if before is not None:
            before(frame, event, argument)

    sys.setprofile(notice)
    try:
        yield
    finally:
        sys.setprofile(before)
    if failures:
        raise failures[0]


def _require_own(code: CodeType) -> None:
    name = _set_outside(code)
    if name is not None:
        raise InfeasibleError(f"it sets `{name}`, which is not the function's own")


# --------------------------------------------------------------------------- torch


class Environment:
    """What torch knows of the symbols that there are."""

    def __init__(self, shape_env: TorchShapeEnv) -> None:
        self.shape_env = shape_env
        self._ranges = dict(shape_env.var_to_range)
        self._replaced = dict(shape_env.replacements)
        self._recorded = count_of_recorded(shape_env)
        deferred = shape_env.deferred_runtime_asserts
        self._deferred = {symbol: len(found) for symbol, found in deferred.items()}

    def settle(self) -> None:
        """Forget what the operations of a body check for themselves, of symbols of its own.
        Raises `InfeasibleError` if it has checked, or taught torch, anything else."""
        env = self.shape_env
        if count_of_recorded(env) > self._recorded:
            raise InfeasibleError("it makes a check, which would be made in any case")
        for symbol, range_ in self._ranges.items():
            if not is_unbacked(symbol):
                continue  # (a guard, which callers are held to)
            if env.var_to_range.get(symbol, range_) != range_:
                raise InfeasibleError("it needs more of a size than is known around it")
            if env.replacements.get(symbol) != self._replaced.get(symbol):
                raise InfeasibleError("it needs more of a size than is known around it")
        for symbol, found in list(env.deferred_runtime_asserts.items()):
            old = self._deferred.get(symbol, 0)
            for one in found[old:]:
                if one.expr.free_symbols <= self._ranges.keys():
                    raise InfeasibleError("it needs more of a size than is known around it")
            del found[old:]
            if not found and symbol not in self._deferred:
                del env.deferred_runtime_asserts[symbol]
