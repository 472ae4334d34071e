"""What traced functions see and hold: the modules that they reach, and the places in which
they keep what must not be used while they are traced.

The modules of a project (neither Python's own nor installed packages) that a function refers
to, directly or through others, belong to the program.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from functools import partial
from types import CellType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, Final

from asserts.trace.outside import is_library, stand_in_for

__all__ = ["OWN", "is_own", "is_project", "reachable_globals", "replaced_in", "traced_globals"]

OWN: Final = "__shapeproof_own__"
"""A name in the globals of functions that we have written, which are of no module."""

Globals = dict[str, Any]
Undo = Callable[[], None]

# --------------------------------------------------------------------------- modules


def traced_globals(function: Callable[..., Any]) -> list[Globals]:
    """The global names that a function (or what it wraps) sees."""
    return [f.__globals__ for f in functions_in(function) if not is_own(f.__globals__)]


def functions_in(function: Any) -> Iterator[FunctionType]:
    """The Python functions that a callable is made of, as far as it wraps others."""
    pending: list[Any] = [function]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, partial):
            pending.append(one.func)
        elif inspect.ismethod(one):
            pending.append(one.__func__)
        elif isinstance(one, FunctionType):
            yield one
            wrapped = getattr(one, "__wrapped__", None)
            pending += [wrapped] if wrapped is not None else []
        elif not isinstance(one, type) and callable(one):
            pending.append(type(one).__call__)


def is_own(names: Globals) -> bool:
    """Whether these are the globals of a module of ours, of numpy, or Python's built-ins."""
    if OWN in names:
        return True
    module = str(names.get("__name__", ""))
    top, _, rest = module.partition(".")
    if top == "asserts":
        return not rest.startswith("examples")
    return top in ("shapes", "numpy", "builtins")


def is_project(names: Globals) -> bool:
    """Whether these are the globals of a module of a user's project."""
    file = names.get("__file__")
    return isinstance(file, str) and not is_own(names) and not is_library(file)


def reachable_globals(function: Callable[..., Any]) -> list[Globals]:
    """The globals of a function, and of the project's modules that it refers to."""
    found = {id(space): space for space in traced_globals(function)}
    pending = list(found.values())
    pending += [vars(m) for f in functions_in(function) for m in _imported_in(f)]
    for space in pending:  # grows while it is read
        if id(space) not in found and not is_project(space):
            continue
        found.setdefault(id(space), space)
        known = {id(other) for other in pending}
        for other in _referred(space):
            if id(other) not in known and is_project(other):
                known.add(id(other))
                pending.append(other)
    return list(found.values())


def _imported_in(function: FunctionType) -> Iterator[ModuleType]:
    """Modules that the code of a function imports, if they are loaded."""
    for name in function.__code__.co_names:
        module = sys.modules.get(name)
        if module is not None and is_project(vars(module)):
            yield module


def _referred(space: Globals) -> Iterator[Globals]:
    """The globals of the modules, functions and classes among some globals."""
    for value in list(space.values()):
        if isinstance(value, FunctionType):
            for one in functions_in(value):  # (and what it wraps)
                yield one.__globals__
                for module in _imported_in(one):
                    yield vars(module)
        elif isinstance(value, ModuleType):
            yield vars(value)
        elif not isinstance(value, _PLAIN):
            cls = value if isinstance(value, type) else type(value)
            home = sys.modules.get(getattr(cls, "__module__", None) or "")
            if home is not None:
                yield vars(home)


_PLAIN: Final = (str, int, float, bytes, tuple, list, dict, set, type(None))

# --------------------------------------------------------------------------- places

DEPTH: Final = 4
"""How many steps from a traced function its objects are looked through."""
ITEMS: Final = 1000
"""A list or dict of more items is data."""
STEPS: Final = 20_000
"""How many objects are looked through."""


def replaced_in(function: Callable[..., Any], spaces: Iterable[Globals]) -> list[Undo]:
    """Put stand-ins in all places that a traced function and its modules reach; what undoes
    that."""
    work = _Replacing()
    work.look(function, DEPTH)
    for space in spaces:
        work.items(space, DEPTH)
    return work.undo


class _Replacing:
    """One walk through what is held."""

    def __init__(self) -> None:
        self.undo: list[Undo] = []
        self._seen: set[int] = set()
        self._left = STEPS

    def look(self, value: Any, depth: int) -> None:
        """Into a value, if it can hold others."""
        if depth == 0 or isinstance(value, (str, int, float, ModuleType)):
            return
        if id(value) in self._seen or self._left <= 0:
            return
        self._left -= 1
        self._seen.add(id(value))
        if isinstance(value, FunctionType):
            self._function(value, depth)
        elif isinstance(value, MethodType):
            self.look(value.__func__, depth)
            self.look(value.__self__, depth)
        elif isinstance(value, partial):
            self.look(value.func, depth)
        elif isinstance(value, dict):
            if len(value) <= ITEMS:
                self.items(value, depth)
        elif isinstance(value, (list, tuple)):
            if len(value) <= ITEMS:
                self._sequence(value, depth)
        elif isinstance(value, type):
            if self._is_project_class(value):
                self._class(value, depth)
        elif isinstance(value, SimpleNamespace):
            self.items(vars(value), depth)
        elif self._is_project_class(type(value)):
            self.items(getattr(value, "__dict__", {}), depth)
            self._slots(value, depth)
            self.look(type(value), depth)

    def items(self, space: MutableMapping[Any, Any], depth: int) -> None:
        """The values of a dict."""
        for key, value in list(space.items()):
            if self._put(value, partial(space.__setitem__, key)):
                continue
            self.look(value, depth - 1)

    def _put(self, value: Any, put: Callable[[Any], None]) -> bool:
        stand_in = _standing(value)
        if stand_in is value:
            return False
        put(stand_in)
        self.undo.append(partial(put, value))
        return True

    def _sequence(self, value: Any, depth: int) -> None:
        for i, item in enumerate(value):
            is_list = isinstance(value, list)
            if not (is_list and self._put(item, partial(value.__setitem__, i))):
                self.look(item, depth - 1)

    def _slots(self, value: Any, depth: int) -> None:
        for cls in type(value).__mro__:
            names = cls.__dict__.get("__slots__", ())
            for name in (names,) if isinstance(names, str) else names:
                item = getattr(value, name, None)
                if not self._put(item, partial(setattr, value, name)):
                    self.look(item, depth - 1)

    def _class(self, cls: type, depth: int) -> None:
        for name, value in list(vars(cls).items()):
            if not name.startswith("__") and self._put(value, partial(setattr, cls, name)):
                continue
            self.look(getattr(value, "__func__", value), depth - 1)

    def _function(self, function: FunctionType, depth: int) -> None:
        if is_own(function.__globals__):
            return
        for cell in function.__closure__ or ():
            self._cell(cell, depth)
        defaults = function.__defaults__ or ()
        changed = _standing(defaults)
        if changed is not defaults:
            self.undo.append(partial(setattr, function, "__defaults__", defaults))
            function.__defaults__ = changed
        if function.__kwdefaults__:
            self.items(function.__kwdefaults__, depth)
        self.look(getattr(function, "__wrapped__", None), depth)

    def _cell(self, cell: CellType, depth: int) -> None:
        try:
            value = cell.cell_contents
        except ValueError:  # not filled yet
            return
        if not self._put(value, partial(setattr, cell, "cell_contents")):
            self.look(value, depth - 1)

    @staticmethod
    def _is_project_class(cls: type) -> bool:
        home = sys.modules.get(getattr(cls, "__module__", None) or "")
        return home is not None and (is_project(vars(home)) or home.__name__ == "__main__")


def _standing(value: Any) -> Any:
    """What stands for a value, or a tuple with such values in it; else the value itself."""
    if isinstance(value, tuple) and len(value) <= ITEMS:
        items = [_standing(item) for item in value]
        if all(a is b for a, b in zip(items, value)):
            return value
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    stand_in = stand_in_for(value)
    return value if stand_in is None else stand_in
