"""What a function computes from beside its arguments: random numbers, clocks, files, the
environment of the process.

A graph would keep the value of the one time it was traced, and give it for ever. So while a
trace lasts, these functions refuse to be called by traced code, with its line; code of other
libraries and of Python's own that is not called by it goes on as ever. They are found by the
attributes of their modules, by names that traced modules have for them, and, for generators
of random numbers, where traced functions hold them: in closures, defaults and attributes.

Limits: a generator in a place that is not looked through (an attribute of an object of
another library, say) is not seen, nor is what threads do that were there before the trace.
"""

from __future__ import annotations

import builtins
import datetime as dt
import io
import os
import pathlib
import random
import secrets
import sys
import sysconfig
import threading
import time
import timeit
import uuid
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from types import FrameType, ModuleType
from typing import Any, Final, NoReturn

import numpy as np

from asserts.errors import TraceError
from asserts.trace.context import current_tracer
from shapes.base import Location, is_internal

__all__ = ["ClassStandIn", "Refused", "is_library", "is_standard", "refused", "stand_in_for"]

# --------------------------------------------------------------------------- who is asking

_LIBRARIES: Final = tuple(
    os.path.join(sysconfig.get_path(name), "") for name in ("stdlib", "platstdlib")
)
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_LOOKS_AT_CODE: Final = frozenset(
    ("bdb", "cmd", "code", "importlib", "inspect", "linecache", "logging", "pdb", "threading",
     "traceback", "warnings", "zipimport", "_frozen_importlib", "_frozen_importlib_external")
)  # fmt: skip
"""Parts of Python that read clocks and files to report, not to compute."""


def is_library(file: str) -> bool:
    """Whether a file belongs to Python or an installed package, not to a user's project."""
    return any(part in file for part in _INSTALLED) or is_standard(file)


def is_standard(file: str) -> bool:
    """Whether a file belongs to Python itself."""
    inside = file.startswith((*_LIBRARIES, "<frozen"))
    return inside and not any(part in file for part in _INSTALLED)


def _asking() -> Location | None:
    """The line of the project that asks, directly or through Python's own library."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        file = frame.f_code.co_filename
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if module in _LOOKS_AT_CODE:
            return None
        if not is_standard(file):  # (what Python's own library calls is asked by its caller)
            if is_internal(file) or is_library(file):
                return None
            return Location(file, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return None


def _refuse(name: str) -> None:
    if current_tracer() is None:
        return
    location = _asking()
    if location is not None:
        _raise(name, location)


def _raise(name: str, location: Location) -> NoReturn:
    raise TraceError(
        f"{name} may answer otherwise at every run, but a graph would keep the answer that it "
        "got while it was traced; ask outside of the traced function, and pass the result "
        f"in as an input\n    at {location}"
    )


# --------------------------------------------------------------------------- stand-ins


class Refused:
    """A function (or class) that traced code must not call."""

    def __init__(self, function: Any, name: str) -> None:
        self.__wrapped__ = function
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _refuse(self._name)
        return self.__wrapped__(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, self.__wrapped__)

    def __subclasscheck__(self, other: type) -> bool:
        return issubclass(other, self.__wrapped__)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (self.__wrapped__,)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


class ClassStandIn(Refused):
    """A class of which traced code must not call some methods."""

    def __init__(self, cls: type, name: str, methods: tuple[str, ...]) -> None:
        super().__init__(cls, name)
        self._methods = methods

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__wrapped__, name)
        return Refused(found, f"{self._name}.{name}") if name in self._methods else found

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.__wrapped__

    def __hash__(self) -> int:
        return hash(self.__wrapped__)


class _Generator(np.random.Generator):
    """A generator that traced code holds."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        refuses = not name.startswith("_") and callable(found)
        return Refused(found, f"Generator.{name}") if refuses else found


class _RandomState(np.random.RandomState):
    """The same for the older generator."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        refuses = not name.startswith("_") and callable(found)
        return Refused(found, f"RandomState.{name}") if refuses else found


class _Variables(MutableMapping[Any, Any]):
    """What the environment of the process keeps its variables in."""

    def __init__(self, data: MutableMapping[Any, Any]) -> None:
        self.data = data

    def __getitem__(self, key: Any) -> Any:
        _refuse("os.environ")
        return self.data[key]

    def __iter__(self) -> Iterator[Any]:
        _refuse("os.environ")
        return iter(self.data)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.data[key] = value

    def __delitem__(self, key: Any) -> None:
        del self.data[key]

    def __len__(self) -> int:
        return len(self.data)


def stand_in_for(value: Any) -> Any:
    """What stands for a value while traced code holds it; None if it stands for itself."""
    if isinstance(value, (Refused, _Generator, _RandomState)):
        return None
    if isinstance(value, np.random.Generator):
        return _Generator(value.bit_generator)
    if isinstance(value, np.random.RandomState):
        return _RandomState(value._bit_generator)
    if not callable(value):
        return None
    held = getattr(value, "__self__", None)
    if isinstance(held, (np.random.Generator, np.random.RandomState, random.Random)):
        return Refused(value, f"{type(held).__name__}.{getattr(value, '__name__', '')}")
    try:
        return _STAND_INS.get(value)
    except TypeError:  # what cannot be hashed is none of them
        return None


# --------------------------------------------------------------------------- the sources

_SOURCES: Final[dict[ModuleType | type, str]] = {
    np: "load fromfile loadtxt genfromtxt fromregex memmap",
    builtins: "open input",
    io: "open open_code FileIO",
    os: "urandom getenv getenvb getrandom open listdir scandir walk stat lstat getpid getcwd "
    "getloadavg times popen",
    time: "time time_ns perf_counter perf_counter_ns monotonic monotonic_ns process_time "
    "process_time_ns thread_time thread_time_ns clock_gettime clock_gettime_ns localtime "
    "gmtime ctime asctime strftime",
    timeit: "default_timer",
    uuid: "uuid1 uuid4 getnode",
    secrets: "token_bytes token_hex token_urlsafe randbelow randbits choice",
    random: " ".join(random.__all__),
    np.random: " ".join(n for n in dir(np.random) if not n.startswith("_")),
}
"""The functions that refuse, by module."""

if sys.version_info < (3, 11):  # (functions that paths take when they are first imported)
    _SOURCES[vars(pathlib)["_NormalAccessor"]] = "stat open listdir scandir getcwd"

_CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "datetime": ("now", "utcnow", "today"),
    "date": ("today",),
}
_METHODS: Final[tuple[tuple[type, str, str], ...]] = (
    (random.Random, "random", "random.Random.random"),
    (random.Random, "getrandbits", "random.Random.getrandbits"),
    (random.SystemRandom, "random", "random.SystemRandom.random"),
    (random.SystemRandom, "getrandbits", "random.SystemRandom.getrandbits"),
)
"""Methods of Python classes, which every instance calls. (Not `__getitem__`: Python 3.13 finds
what a class had before, once it was changed a thousand times.)"""


_SHOWN: Final = {
    "numpy": "np",
    "numpy.random": "np.random",
    "_NormalAccessor": "pathlib.Path",
}


def _named(module: ModuleType | type, name: str) -> str:
    if module is builtins:
        return f"{name}()"
    return f"{_SHOWN.get(module.__name__, module.__name__)}.{name}"


def _functions() -> Iterator[tuple[ModuleType | type, str, Any]]:
    for module, names in _SOURCES.items():
        for name in names.split():
            value = getattr(module, name, None)
            if callable(value) and not isinstance(value, ModuleType):
                yield module, name, Refused(value, _named(module, name))
    for name, methods in _CLASSES.items():
        cls = getattr(dt, name)
        yield dt, name, ClassStandIn(cls, f"datetime.{name}", methods)


_PATCHES: Final = tuple(_functions())
_STAND_INS: Final[dict[Any, Any]] = {one.__wrapped__: one for _, _, one in reversed(_PATCHES)}


def _refusing(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    def refusing(self: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse(name)
        return method(self, *args, **kwargs)

    return refusing


def _start_in_context(start: Callable[[threading.Thread], None]) -> Callable[..., None]:
    """A thread that traced code starts belongs to the trace: it refuses what that refuses."""

    def started(thread: threading.Thread) -> None:
        if current_tracer() is not None:
            thread.run = partial(copy_context().run, thread.run)  # type: ignore[method-assign]
        start(thread)

    return started


@contextmanager
def refused() -> Iterator[None]:
    """Within the block, the sources refuse to be called by traced code."""
    undo: list[Callable[[], None]] = []
    try:
        for module, name, stand_in in _PATCHES:
            if getattr(module, name) is stand_in.__wrapped__:
                undo.append(partial(setattr, module, name, stand_in.__wrapped__))
                setattr(module, name, stand_in)
        for cls, name, shown in _METHODS:
            own = vars(cls).get(name)
            setattr(cls, name, _refusing(getattr(cls, name), shown))
            is_own = own is not None
            undo.append(
                partial(setattr, cls, name, own) if is_own else partial(delattr, cls, name)
            )
        for variables in (vars(os).get("environ"), vars(os).get("environb")):
            if isinstance(variables, os._Environ):
                data = vars(variables)["_data"]
                undo.append(partial(setattr, variables, "_data", data))
                vars(variables)["_data"] = _Variables(data)
        start = threading.Thread.start
        undo.append(partial(setattr, threading.Thread, "start", start))
        threading.Thread.start = _start_in_context(start)  # type: ignore[method-assign]
        yield
    finally:
        for restore in reversed(undo):
            restore()
