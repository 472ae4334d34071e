"""A function of the user's that dynamo interprets, seen as a frame of Python's.

With ``strict=True`` no frame of the user's runs: dynamo reads its instructions, and keeps what
stands for its variables. What asks where a function is, and what names stand for there, is
answered in the words of a frame.

Guarantees: nothing is looked at that dynamo would guard on for that; a variable whose value is
not certain has no name here. Limits: `torch.export.export` only, outside of the bodies of
operations of higher order and of generators.
"""

from __future__ import annotations

import builtins
import dis
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from inspect import CO_GENERATOR
from types import CellType, CodeType, FrameType, FunctionType
from typing import Any, Final

import torch
from torch._dynamo.variables.base import AttributeMutationNew, ValueMutationNew
from torch._dynamo.variables.lazy import LazyVariableTracker

__all__ = ["DYNAMO", "Interpreted", "interpreted", "is_plain"]

DYNAMO: Final = os.path.join(os.path.dirname(torch.__file__), "_dynamo", "symbolic_convert.py")
"""Where dynamo's interpreter is."""

_NEW: Final = (AttributeMutationNew, ValueMutationNew)


class Interpreted:
    """What a frame of Python's has, of one of dynamo's interpreters."""

    def __init__(self, interpreter: Any) -> None:
        self.interpreter = interpreter
        self.f_code: CodeType = interpreter.f_code
        self.f_globals: dict[str, Any] = interpreter.f_globals
        self.f_builtins: dict[str, Any] = vars(builtins)
        self.f_lasti: int = _place_of(interpreter.current_instruction, interpreter.f_code)
        self.f_lineno: int = interpreter.lineno

    @property
    def f_back(self) -> Interpreted | None:
        """The function that calls this one; None of the outermost."""
        parent = getattr(self.interpreter, "parent", None)
        return None if parent is None else Interpreted(parent)

    @cached_property
    def f_locals(self) -> dict[str, Any]:
        """The local variables whose values are certain."""
        return {**self._of_functions_around(), **dict(self._values())}

    def _of_functions_around(self) -> dict[str, Any]:
        """Variables of functions around it that it uses."""
        function = getattr(getattr(self.interpreter, "funcvar", None), "fn", None)
        if not isinstance(function, FunctionType) or function.__code__ is not self.f_code:
            return {}
        named = zip(self.f_code.co_freevars, function.__closure__ or ())
        return {name: cell.cell_contents for name, cell in named if cell != _EMPTY}

    def _values(self) -> Iterator[tuple[str, Any]]:
        for name, variable in self.interpreter.symbolic_locals.items():
            found = _value(variable)
            if found is not _UNKNOWN:
                yield name, found


def _place_of(instruction: Any, code: CodeType) -> int:
    """The offset of an instruction of that name for that part of the source; -1 if there is
    none. (dynamo counts offsets anew.)"""
    wanted = instruction.positions
    if wanted is None:  # (before Python 3.11)
        return -1
    named = (one for one in dis.get_instructions(code) if one.opname == instruction.opname)
    return next((n.offset for n in named if getattr(n, "positions", None) == wanted), -1)


_UNKNOWN: Final = object()
_EMPTY: Final = CellType()


def _value(variable: Any) -> Any:
    """What one of dynamo's variables stands for."""
    if isinstance(variable, LazyVariableTracker):
        if not variable.is_realized():
            return variable.peek_value()  # (dynamo has not looked at it)
        variable = variable.unwrap()
    number = getattr(variable, "sym_num", None)
    if number is not None:
        return number
    if variable.is_tensor():
        return variable.as_proxy().node.meta.get("example_value", _UNKNOWN)
    with suppress(NotImplementedError, AttributeError):
        if variable.is_python_constant():
            return variable.as_python_constant()
        if not isinstance(variable.mutation_type, _NEW):  # (an object that is there already)
            return variable.value
    return _UNKNOWN


def interpreted() -> Interpreted | None:
    """The innermost function that dynamo interprets for an export; None if it does not, or if
    it is not certain that what the function raises ends the program."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == DYNAMO:
            one = frame.f_locals.get("self")
            if hasattr(one, "symbolic_locals"):
                return Interpreted(one) if is_plain(one) else None
        frame = frame.f_back
    return None


def is_plain(interpreter: Any) -> bool:
    """Whether it is at an instruction of functions that call one another, as far as export."""
    output = interpreter.output
    if not output.export or not output.is_root_tracer():
        return False
    one = interpreter
    while one is not None:
        if one.current_instruction is None or one.f_code.co_flags & CO_GENERATOR:
            return False
        one = getattr(one, "parent", None)
    return True
