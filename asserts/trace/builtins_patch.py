"""Stand-ins for what Python does not let a value answer for.

``int(x)`` must return a real integer and ``np.zeros(n)`` asks n for one, so, as FX does for
`len` and its like, the modules of the traced program get other `int`, `float`, `bool`, `len`,
`min`, `max`, `isinstance`, `type`, `print` and `np` for the duration of the trace. They behave
as ever on plain values (``isinstance(v, int)``, ``dtype=int``, ``int("3")``), and record on
traced ones. Everything is put back at the end, also after an exception.

Limits: the modules are changed for all threads while the trace lasts; functions of installed
packages see Python's own (see `modules` of `asserts.trace.trace`), and so does a numpy that is
imported inside of a function.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from types import BuiltinFunctionType, ModuleType
from typing import Any, Final

import numpy as np

from asserts.errors import TraceError
from asserts.graph.module import GraphModule
from asserts.trace.context import current_tracer
from asserts.trace.holders import reachable_globals, replaced_in
from asserts.trace.introspection import TYPE, stands_for, traced_isinstance, traced_print
from asserts.trace.outside import Refused, refused
from asserts.trace.registry import apply_rule
from asserts.trace.rules.elementwise import apply_ufunc
from asserts.trace.rules.mathematics import TAKE_ITERABLES, apply_math
from asserts.trace.rules.tricks import bracketed
from asserts.trace.rules.ufunc_methods import METHODS
from asserts.trace.symarray import SymArray, is_symbolic
from shapes.env import Max, Min, Symbolic, SymBool, SymFloat, SymInt, Where
from shapes.expr import make

__all__ = ["patched"]

# --------------------------------------------------------------------------- numbers


def _scalar(value: Any) -> Any:
    """The symbolic number in an array of one element; everything else as it is."""
    return value._tracer.read(value) if isinstance(value, SymArray) else value


def to_int(value: Any) -> Any:
    """``int(value)`` for a traced value."""
    number = _scalar(value)
    if isinstance(number, SymFloat):
        return number.__trunc__()
    if isinstance(number, SymBool):
        return Where(number, 1, 0)
    return number if isinstance(number, SymInt) else builtins.int(number)


def to_float(value: Any) -> Any:
    """``float(value)`` for a traced value."""
    number = _scalar(value)
    if isinstance(number, SymFloat):
        return number
    if isinstance(number, SymBool):
        number = Where(number, 1, 0)
    if isinstance(number, SymInt):
        return number.env.wrap(make("ToFloat", number.expr), number.defined)
    return builtins.float(number)


def to_bool(value: Any) -> Any:
    """``bool(value)`` for a traced value."""
    number = _scalar(value)
    if isinstance(number, (SymInt, SymFloat)):
        return number != 0
    return number if isinstance(number, SymBool) else builtins.bool(number)


class _NumberType(type):
    """The metaclass of the stand-ins for number types."""

    plain: type
    symbolic: type
    convert: Callable[[Any], Any]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and isinstance(args[0], (SymArray, Symbolic)):
            return cls.convert(args[0])
        return cls.plain(*args, **kwargs)

    def __instancecheck__(cls, value: Any) -> bool:
        if isinstance(value, (cls.plain, cls.symbolic)):
            return True
        return cls.plain is builtins.int and isinstance(value, SymBool)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, (cls.plain, cls.symbolic))

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.plain

    def __hash__(cls) -> int:
        return hash(cls.plain)

    def __repr__(cls) -> str:
        return repr(cls.plain)


class IntType(int, metaclass=_NumberType):
    """`int` in traced code."""

    plain = int
    symbolic = SymInt
    convert = staticmethod(to_int)
    dtype = np.dtype(int)
    from_bytes = staticmethod(int.from_bytes)  # type: ignore[assignment]


class FloatType(float, metaclass=_NumberType):
    """`float` in traced code."""

    plain = float
    symbolic = SymFloat
    convert = staticmethod(to_float)
    dtype = np.dtype(float)
    fromhex = staticmethod(float.fromhex)  # type: ignore[assignment]


class BoolType(int, metaclass=_NumberType):
    """`bool` in traced code (Python's own cannot be a base class)."""

    plain = bool
    symbolic = SymBool
    convert = staticmethod(to_bool)
    dtype = np.dtype(bool)


TYPE.numbers.update({one.plain: one for one in (IntType, FloatType, BoolType)})
for _one in TYPE.numbers.values():
    _one.__name__ = _one.__qualname__ = _one.plain.__name__  # type: ignore[attr-defined]


def traced_len(value: Any) -> Any:
    """`len`."""
    if isinstance(value, SymArray):
        if not value.ndim:
            raise TypeError("len() of unsized object")
        return value.shape[0]
    return len(value)


def _kind_of(number: Any) -> type:
    """The type of a number, symbolic or not; numpy's count as Python's."""
    if isinstance(number, Symbolic):
        return stands_for(number)
    if isinstance(number, (bool, np.bool_)):
        return bool
    return int if isinstance(number, (int, np.integer)) else float


def _extremum(plain: Callable[..., Any], symbolic: Callable[..., Any]) -> Any:
    def function(*args: Any, **options: Any) -> Any:
        values = args if len(args) != 1 or isinstance(args[0], SymArray) else None
        if values is None:
            values = tuple(args[0])
            args = (values,)
        if options or not is_symbolic(values) or isinstance(args[0], SymArray):
            return plain(*args, **options)
        numbers = [_scalar(v) for v in values]
        kinds = set(map(_kind_of, numbers))
        if len(kinds) > 1:
            names = " and ".join(sorted(kind.__name__ for kind in kinds))
            raise TraceError(
                f"{plain.__name__}() of {names} returns one of them, so its type is known "
                "only when the program runs; give it numbers of one type "
                f"({plain.__name__}(float(n), 0.5))"
            )
        found = symbolic(*numbers)
        return found != 0 if kinds == {bool} else found

    function.__name__ = plain.__name__
    return function


_BUILTINS: Final[dict[str, Any]] = {
    "int": IntType,
    "float": FloatType,
    "bool": BoolType,
    "len": traced_len,
    "min": _extremum(min, Min),
    "max": _extremum(max, Max),
    "isinstance": traced_isinstance,
    "type": TYPE,
    "print": traced_print,
}

# --------------------------------------------------------------------------- numpy


class TracedFunction:
    """A numpy function that records when a traced value is among its arguments."""

    def __init__(self, function: Any) -> None:
        self.__wrapped__ = function
        self.__name__ = getattr(function, "__name__", "function")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tracer = current_tracer()
        if tracer is not None and (is_symbolic(args) or is_symbolic(kwargs)):
            return apply_rule(tracer, self.__wrapped__, args, _plain_types(kwargs))
        return self.__wrapped__(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__wrapped__, name)
        if isinstance(self.__wrapped__, np.ufunc) and name in METHODS:
            return UfuncMethod(self.__wrapped__, name)
        return found

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


class UfuncMethod(TracedFunction):
    """``np.maximum.reduce``, say. (Numpy asks arrays itself, but not lists of them.)"""

    def __init__(self, ufunc: np.ufunc, method: str) -> None:
        super().__init__(getattr(ufunc, method))
        self._ufunc = ufunc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tracer = current_tracer()
        if tracer is None or not (is_symbolic(args) or is_symbolic(kwargs)):
            return self.__wrapped__(*args, **kwargs)
        return apply_ufunc(tracer, self._ufunc, self.__name__, args, _plain_types(kwargs))


class MathFunction(TracedFunction):
    """A function of `math` that records when a traced value is among its arguments."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tracer = current_tracer()
        if self.__name__ in TAKE_ITERABLES:
            args = tuple(one if isinstance(one, SymArray) else list(one) for one in args)
        if tracer is None or not (is_symbolic(args) or is_symbolic(kwargs)):
            return self.__wrapped__(*args, **kwargs)
        return apply_math(tracer, self.__name__, args, kwargs)


def _plain_types(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The stand-ins for types among the arguments replaced by the types."""
    return {
        key: value.plain if isinstance(value, _NumberType) else value
        for key, value in kwargs.items()
    }


TRICKS: Final = (np.r_, np.c_, np.mgrid, np.ogrid)
"""What numpy indexes instead of calling it."""


class TracedTrick:
    """An object of `TRICKS`, which records when a traced value is in the brackets."""

    def __init__(self, trick: Any) -> None:
        self.__wrapped__ = trick

    def __getitem__(self, key: Any) -> Any:
        tracer = current_tracer()
        if tracer is None or not is_symbolic(key):
            return self.__wrapped__[key]
        return bracketed(tracer, self.__wrapped__, key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


class TracedModule(ModuleType):
    """numpy (or a submodule of it), or `math`, as traced code sees it."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = _numpy_stand_in(getattr(self._module, name))
        self.__dict__[name] = found
        return found


_stand_ins: dict[int, tuple[Any, Any]] = {}


def _numpy_stand_in(value: Any) -> Any:
    """What stands for something of numpy in traced code (itself, for a type)."""
    if isinstance(value, Refused):
        return value
    if value is math:
        return _kept(value, TracedModule)
    if isinstance(value, BuiltinFunctionType) and value.__module__ == "math":
        return _kept(value, MathFunction)
    if isinstance(value, ModuleType):
        return _kept(value, TracedModule) if _is_numpy(value.__name__) else value
    if any(value is trick for trick in TRICKS):
        return _kept(value, TracedTrick)
    if isinstance(value, np.ufunc) or _is_numpy_function(value):
        return _kept(value, TracedFunction)
    return value


def _kept(value: Any, make_one: Callable[[Any], Any]) -> Any:
    held = _stand_ins.get(id(value))
    if held is None:
        held = _stand_ins[id(value)] = (value, make_one(value))
    return held[1]


def _is_numpy(module: object) -> bool:
    name = str(module)
    return name == "numpy" or (name.startswith("numpy.") and ".testing" not in name)


def _is_numpy_function(value: Any) -> bool:
    if isinstance(value, type) or not callable(value) or not hasattr(value, "__name__"):
        return False
    return _is_numpy(getattr(value, "__module__", None) or _owner(value))


def _owner(value: Any) -> str:
    """The module of a built-in function that does not say it."""
    name = getattr(value, "__name__", "")
    return "numpy" if getattr(np, name, None) is value else ""


# --------------------------------------------------------------------------- patching


@contextmanager
def patched(
    function: Callable[..., Any], modules: Iterable[ModuleType | str] = ()
) -> Iterator[list[dict[str, Any]]]:
    """Within the block, the function's module and the others see the stand-ins.

    The program is the function, the modules of the project that it refers to, and `modules`.
    What gives another answer at every run (see `outside`) refuses to be called by it. Yields
    the names of all its modules. Raises `TraceError` for a module that is not loaded.
    """
    spaces = reachable_globals(function)
    for module in modules:
        loaded = sys.modules.get(module) if isinstance(module, str) else module
        if loaded is None:
            raise TraceError(f"the module {module!r} is not loaded, so it cannot be traced")
        spaces.append(vars(loaded))
    spaces = list({id(s): s for s in spaces}.values())
    undo: list[Callable[[], Any]] = []
    call = GraphModule.__call__
    with refused():
        try:
            undo += replaced_in(function, spaces)
            for space in spaces:
                undo += _patch(space)
            GraphModule.__call__ = _traced_call(call)  # type: ignore[method-assign]
            yield spaces
        finally:
            GraphModule.__call__ = call  # type: ignore[method-assign]
            for restore in reversed(undo):
                restore()


def _patch(space: dict[str, Any]) -> list[Callable[[], Any]]:
    undo: list[Callable[[], Any]] = []
    changes = {
        name: stand_in
        for name, value in list(space.items())
        if (stand_in := _numpy_stand_in(value)) is not value
    }
    # A module that has its own `min` keeps it.
    changes |= {name: value for name, value in _BUILTINS.items() if name not in space}
    for name, value in changes.items():
        there = name in space
        undo.append(
            partial(space.__setitem__, name, space[name])
            if there
            else partial(space.pop, name, None)
        )
        space[name] = value
    return undo


def _traced_call(call: Callable[..., Any]) -> Callable[..., Any]:
    def traced(module: GraphModule, *args: Any, **kwargs: Any) -> Any:
        tracer = current_tracer()
        if tracer is None or not (is_symbolic(args) or is_symbolic(kwargs)):
            return call(module, *args, **kwargs)
        from asserts.trace.nested import call_program

        return call_program(tracer, module, args, kwargs)

    return traced
