"""The function object that runs somewhere, of which Python tells only the code.

Looked at is who keeps functions: the class of what a function is called on, the object itself,
the module in which the code is written; and what such a function is wrapped in. If none of
these has it, Python's garbage collector is asked, which knows nothing of what was there before
a `gc.freeze()`.

Guarantees: a function that is found with a class, an object or a module is the same when it
is called again, unless the user puts another into its place. Limits: a function that only a
closure or a container of the user's keeps is found by the garbage collector alone, and only if
it is the one that has the code.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any, Final

__all__ = ["function_at", "function_of"]

_DEEPEST: Final = 4
"""How often a function may be wrapped, and a class stand in another one."""


def function_of(frame: FrameType) -> FunctionType | None:
    """The function whose frame it is, if it stays when it returns."""
    code = frame.f_code
    module = frame.f_globals

    def is_it(one: FunctionType) -> bool:
        return one.__code__ is code and one.__globals__ is module

    for tables in ([*_of_first(frame)], [module]):
        found = _only(filter(is_it, _kept(tables)))
        if found is not None:
            return found
    known = (one for one in gc.get_referrers(code) if isinstance(one, FunctionType))
    return _only(one for one in known if one.__code__ is code)


def function_at(has: Callable[[CodeType], bool], file: str) -> FunctionType | None:
    """The one function of a file whose code it is; None of one that may be made anew on each
    call."""
    modules = [vars(one) for one in list(sys.modules.values()) if _file_of(one) == file]
    found = _only(one for one in _kept(modules) if has(one.__code__))
    if found is not None:
        return found
    known = (one for one in gc.get_objects() if type(one) is FunctionType)
    other = _only(one for one in known if has(one.__code__))
    return None if other is None or other.__closure__ else other


def _file_of(module: Any) -> str | None:
    return getattr(module, "__dict__", {}).get("__file__")


def _only(functions: Iterable[FunctionType]) -> FunctionType | None:
    found = {id(one): one for one in functions}
    return next(iter(found.values())) if len(found) == 1 else None


def _of_first(frame: FrameType) -> Iterator[dict[str, Any]]:
    """What the first argument of a function keeps, and its class; itself, if it is one."""
    code = frame.f_code
    first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    for kind in (first if isinstance(first, type) else type(first)).__mro__[:-1]:
        yield dict(vars(kind))
    own = getattr(first, "__dict__", None)
    if type(own) is dict and not isinstance(first, type):
        yield own


def _kept(tables: Iterable[dict[str, Any]]) -> Iterator[FunctionType]:
    """The functions in tables of names, in classes there, and in what wraps them."""
    for table in tables:
        module = table.get("__module__", table.get("__name__"))
        for value in list(table.values()):
            yield from _in(value, module, 0)


def _in(value: Any, module: Any, depth: int) -> Iterator[FunctionType]:
    kind = type(value)
    if depth > _DEEPEST:
        return
    inner: Iterable[Any] = ()
    if kind is FunctionType:
        yield value
        inner = (vars(value).get("__wrapped__"), *_enclosed(value))
    elif issubclass(kind, type):
        names = dict(vars(value))  # (a class that is imported is of another module)
        inner = names.values() if names.get("__module__") == module else ()
    elif kind in (MethodType, staticmethod, classmethod):
        inner = (value.__func__,)
    elif kind is property:
        inner = (value.fget, value.fset)
    elif kind is functools.partial:
        inner = (value.func,)
    for one in inner:
        yield from _in(one, module, depth + 1)


def _enclosed(function: FunctionType) -> Iterator[Any]:
    """The functions that a function has in variables of functions around it."""
    for cell in function.__closure__ or ():
        try:
            found = cell.cell_contents
        except ValueError:  # (an empty one)
            continue
        if type(found) in (FunctionType, MethodType, functools.partial):
            yield found
