"""What traced code learns about its values: their types, and their text.

A traced array answers as an array does (``isinstance(x, np.ndarray)``, ``type(x)``), a
symbolic size as an integer. Their values are not known, so their text and their hash cannot
be computed with; `watch` refuses those to traced code, and the attributes that a number has
and a symbolic one lacks. Debuggers, logging and ``print`` show
the symbolic form. Arithmetic that raises for some values (``12 % n``) is noted by `watch`,
whatever becomes of its result.
"""

from __future__ import annotations

import builtins
import sys
from typing import Any, Final

import numpy as np

from asserts.errors import TraceError
from asserts.trace.context import current_tracer
from asserts.trace.outside import is_standard
from asserts.trace.symarray import SymArray, is_symbolic
from shapes.base import Location, is_internal
from shapes.env import Symbolic, SymBool, SymInt

__all__ = [
    "SHOWING", "TYPE", "shown", "stands_for", "traced_isinstance", "traced_print", "watch",
]  # fmt: skip

# --------------------------------------------------------------------------- types


def stands_for(value: Any) -> type:
    """The type that a traced value has when the function runs."""
    if isinstance(value, SymArray):
        return value.dtype.type if value._is_scalar else np.ndarray
    if isinstance(value, SymBool):
        return bool
    return int if isinstance(value, SymInt) else float


def traced_isinstance(value: Any, classes: Any) -> bool:
    """`isinstance`, for a traced value by the type that it stands for."""
    if not isinstance(value, (SymArray, Symbolic)):
        return isinstance(value, classes)
    return _is_a(type(value), stands_for(value), classes)


def _is_a(own: type, type_: type, classes: Any) -> bool:
    if type(classes) is tuple:
        return any(_is_a(own, type_, one) for one in classes)
    plain = _unwrapped(classes)
    if plain in (SymArray, Symbolic) or plain is own:
        return issubclass(own, plain)
    return issubclass(type_, plain)


def _unwrapped(cls: Any) -> Any:
    """The class, or the one that a stand-in of ours stands for."""
    if not type(cls).__module__.startswith("asserts.trace"):
        return cls
    return cls.plain if hasattr(cls, "plain") else cls.__wrapped__


class _TypeStandIn:
    """`type` in traced code."""

    __wrapped__ = builtins.type

    def __init__(self) -> None:
        self.numbers: dict[type, type] = {}
        """What `int` and its like are in traced code."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1:
            return builtins.type(*args, **kwargs)
        (value,) = args
        is_traced = isinstance(value, (SymArray, Symbolic))
        found = stands_for(value) if is_traced else builtins.type(value)
        return self.numbers.get(found, found)

    def __getattr__(self, name: str) -> Any:
        return getattr(builtins.type, name)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, builtins.type)

    def __subclasscheck__(self, other: type) -> bool:
        return issubclass(other, builtins.type)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (builtins.type,)

    def __getitem__(self, item: Any) -> Any:
        return builtins.type[item]

    def __or__(self, other: Any) -> Any:
        return builtins.type | other

    def __ror__(self, other: Any) -> Any:
        return other | builtins.type

    def __eq__(self, other: object) -> bool:
        return other is self or other is builtins.type

    def __hash__(self) -> int:
        return hash(builtins.type)

    def __repr__(self) -> str:
        return repr(builtins.type)


TYPE: Final = _TypeStandIn()

# --------------------------------------------------------------------------- text

SHOWING: Final = frozenset(
    ("IPython", "_pydevd_bundle", "_pytest", "bdb", "cmd", "code", "debugpy", "ipdb",
     "logging", "pdb", "pprint", "pydevd", "pytest", "reprlib", "rich", "traceback",
     "unittest", "warnings")
)  # fmt: skip
"""Modules that show values to people."""


def watch(value: Any, what: str) -> None:
    """The text or the hash of a traced value is asked for; raises `TraceError` where traced
    code would compute with it. A value that may be undefined is noted by its tracer."""
    if what in ("value", "guarded", "power"):
        tracer = current_tracer()
        if tracer is not None and value.env is tracer.env:
            note = {"value": tracer.computed, "guarded": tracer.guarded}
            note.get(what, tracer.powered)(value)
        return
    if what == "inversion":
        raise TraceError(
            f"~ of the truth value `{value.expr}` is a number in Python (~True is -2), which "
            "is always true; state the opposite condition instead"
        )
    if what.startswith("attribute "):
        _refuse_attribute(value, what.removeprefix("attribute "))
        return
    location = _asking(sys._getframe(1), what)
    if location is None:
        return
    text = value.display() if isinstance(value, SymArray) else str(value.expr)
    raise TraceError(_WHY[what].format(f"`{text}`") + f"\n    at {location}")


_WHY: Final = {
    "text": "the text of {} is known only when the program runs, so a graph cannot compute "
    "with it (a message of a check needs no values: they are shown with it); to look at the "
    "value, use print()",
    "hash": "{} is looked up in a dict or set (or hashed otherwise), which compares with "
    "values that are known only when the program runs; compare with == instead, or choose "
    "outside of the traced function",
}


def _refuse_attribute(value: Symbolic, name: str) -> None:
    """Raises `TraceError` for what the number has when the program runs: it must not seem to
    have no such attribute."""
    kind = stands_for(value)
    if hasattr(kind, name) and not name.startswith("__"):
        raise TraceError(
            f"{kind.__name__}.{name} is not supported while tracing (of `{value.expr}`)"
        )


def _asking(frame: Any, what: str) -> Location | None:
    """The line that asks, unless it is ours, or shows values to people."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if what == "text" and module in SHOWING:
            return None
        file = frame.f_code.co_filename
        # Python's own library asks on behalf of its caller.
        if not _passes_on(frame) and not is_standard(file):
            own = is_internal(file)
            return None if own else Location(file, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return None


def _passes_on(frame: Any) -> bool:
    """Whether a frame is of the method that was asked (compiled ones have none)."""
    module = frame.f_globals.get("__name__")
    is_asked = module in ("shapes.env.symints", "asserts.trace.symarray")
    return is_asked and frame.f_code.co_name in _ASKED


_ASKED: Final = ("__str__", "__repr__", "__format__", "__hash__", "_watched")


def shown(value: Any) -> Any:
    """A value as it is printed: the text of what is symbolic, also within other things."""
    if isinstance(value, SymArray):
        return value.display()
    if isinstance(value, Symbolic):
        return str(value)
    if type(value) in (list, tuple, dict) and is_symbolic(value):
        return _Shown(repr(value))
    return value


class _Shown(str):
    """Text that stands for itself."""

    __slots__ = ()
    __repr__ = str.__str__


def traced_print(*values: Any, **options: Any) -> None:
    """`print`, which shows what is symbolic."""
    builtins.print(*[shown(value) for value in values], **options)  # noqa: T201
