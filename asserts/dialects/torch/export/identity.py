"""Run-time truths of which the program asks whether they are `True` or `False` themselves.

``(k > 3) is True`` and ``case True:`` look at the object, and the symbolic truth is neither of
them: the program would quietly go the other way. Where Python's instructions show such a
test of what has just been computed, the truth itself is asked for, which goes up the ladder.

Guarantees: an answer is what eager mode has; nothing is asked where no such test follows. With
``strict=True`` every such test is seen. Limits: else those of the value itself, of a variable
that it is put into, and of what a function returns; not of an argument, or in a container.
"""

from __future__ import annotations

import dis
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

import torch

import asserts
from asserts.dialects.torch.export.advice import is_users

__all__ = ["asking_for_identity", "reading_truths", "truths"]

_COMPARED: Final = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
_COMBINED: Final = ("__and__", "__or__", "__sym_not__")

_TORCH: Final = os.path.dirname(torch.__file__)
_BETWEEN: Final = (
    os.path.join(os.path.dirname(asserts.__file__), ""),
    os.path.join(_TORCH, "__init__.py"), os.path.join(_TORCH, "_export", ""),
    os.path.join(_TORCH, "overrides.py"),
    os.path.join(_TORCH, "fx", "experimental", "proxy_tensor.py"),
)  # fmt: skip
"""Through which files the program's operations go."""

_MOST: Final = 8
"""Functions that return to one another, at most."""

Operation = Callable[..., Any]


def truths() -> Iterator[tuple[type, str, Operation]]:
    """Classes of torch's, names of methods, and what is to be there instead."""
    for kind, names in (
        (torch.SymInt, _COMPARED), (torch.SymFloat, _COMPARED), (torch.SymBool, _COMBINED),
    ):  # fmt: skip
        for name in names:
            yield kind, name, _asking(getattr(kind, name))
    for name in ("__eq__", "__ne__"):
        yield torch.SymBool, name, _asking(_equality(name, getattr(torch.SymBool, name)))


def _equality(name: str, original: Operation) -> Operation:
    """``==`` of a truth and one of Python's, on which torch fails."""

    def compare(self: Any, other: Any) -> Any:
        if not isinstance(other, bool):
            return original(self, other)
        return self if other is (name == "__eq__") else torch.sym_not(self)

    return compare


def _asking(original: Operation) -> Operation:
    def operation(*args: Any) -> Any:
        return _decided(original(*args), sys._getframe(1))

    return operation


def reading_truths(original: Operation) -> Operation:
    """torch's `_override` of functions that the user's code calls while it is traced, by which
    the element of a tensor is read."""

    def _override(self: Any, func: Any, args: Any, kwargs: Any) -> Any:
        func, args, kwargs = original(self, func, args, kwargs)
        return _item if func is torch.Tensor.item else func, args, kwargs

    return _override


def _item(tensor: Any) -> Any:
    return _decided(torch.Tensor.item(tensor), sys._getframe(1))


def asking_for_identity(handle: Operation) -> Operation:
    """What dynamo does for the instruction, which asks for the truth first."""
    from torch._dynamo.variables.constant import ConstantVariable
    from torch._dynamo.variables.tensor import SymNodeVariable

    def is_op(self: Any, instruction: Any) -> Any:
        both = self.stack[-2:]
        if any(isinstance(one, ConstantVariable) and _is_truth(one.value) for one in both):
            for at in (-2, -1):
                one = self.stack[at]
                if isinstance(one, SymNodeVariable) and isinstance(one.sym_num, torch.SymBool):
                    self.stack[at] = ConstantVariable.create(one.evaluate_expr(self.output))
        return handle(self, instruction)

    return is_op


# --------------------------------------------------------------------------- instructions


def _decided(value: Any, frame: FrameType | None) -> Any:
    """The truth itself, if the user's code looks at the object that is computed there."""
    if not isinstance(value, torch.SymBool):
        return value
    while frame is not None and frame.f_code.co_filename.startswith(_BETWEEN):
        frame = frame.f_back
    for _ in range(_MOST):
        if frame is None or not is_users(frame.f_code.co_filename):
            return value
        follows = _follows(frame.f_code, frame.f_lasti)
        if follows != "return":
            return bool(value) if follows == "test" else value
        frame = frame.f_back
    return value


def _is_truth(value: Any) -> bool:
    return value is True or value is False


class _Step(NamedTuple):
    """An instruction, as far as it is read here."""

    name: str
    of: Any
    offset: int


_MOVING: Final = re.compile("(?:LOAD|STORE)_FAST")


@lru_cache(maxsize=1024)
def _steps(code: CodeType) -> tuple[_Step, ...]:
    """The instructions, each of which does one thing (Python 3.13 makes one of two that read
    or set local variables), but for those that do nothing."""
    found = []
    for one in dis.get_instructions(code):
        names = _MOVING.findall(one.opname)
        if isinstance(one.argval, tuple) and len(names) == len(one.argval):
            found += [_Step(*both, one.offset) for both in zip(names, one.argval)]
        elif one.opname not in ("CACHE", "NOP"):
            found.append(_Step(one.opname, one.argval, one.offset))
    return tuple(found)


@lru_cache(maxsize=4096)
def _follows(code: CodeType, at: int) -> str:
    """What becomes of a value that an instruction computes: a ``test`` of its identity, the
    ``return`` of the function, or neither."""
    steps = _steps(code)
    copies = 0
    for place, one in enumerate(steps):
        if one.offset <= at:
            continue
        if _is_copy(one):
            copies += 1
        elif one.name.startswith("STORE_") and isinstance(one.of, str):
            if _is_tested_somewhere(steps, one.of):
                return "test"
            if not copies:
                return ""
            copies -= 1
        elif one.name == "RETURN_VALUE":
            return "return"
        else:
            return "test" if _is_tested(steps, place) else ""
    return ""


def _is_copy(step: _Step) -> bool:
    """Whether it puts what is on top of the stack there once more."""
    return step.name == "DUP_TOP" or (step.name == "COPY" and step.of == 1)


def _is_tested(steps: tuple[_Step, ...], place: int) -> bool:
    """Whether what is on top of the stack before that step is compared with `True` or `False`
    by ``is``."""
    rest = [one for one in steps[place : place + 3] if not _is_copy(one)]
    names = [one.name for one in rest[:2]]
    if names[:1] == ["IS_OP"]:
        return True
    return names == ["LOAD_CONST", "IS_OP"] and _is_truth(rest[0].of)


def _is_tested_somewhere(steps: tuple[_Step, ...], name: str) -> bool:
    return any(
        one.name.startswith("LOAD_") and one.of == name and _is_tested(steps, place + 1)
        for place, one in enumerate(steps)
    )
