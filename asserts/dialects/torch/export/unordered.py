"""Comparisons of run-time floats, which may be no number.

torch takes a float for a real number: ``f == f`` and ``f < inf`` are true to it, and that
``f > 5`` does not hold is ``f <= 5``. Of NaN neither is right. Where the program compares so,
the truth is computed by a tensor, of which torch believes nothing.

Guarantees: inside of `installed`, what torch calls certain without a look at a float, and
what negates an order of floats, is what Python computes. Limits: what the program itself
compares; arithmetic (``f - f`` is 0 to torch), maxima and minima are torch's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import FrameType
from typing import Any, Final

import sympy
import torch
from torch.utils._sympy.symbol import SymT, symbol_is_type

from asserts.dialects.torch.export.advice import is_users
from asserts.dialects.torch.symbols.loaded import is_unbacked
from shapes.base import is_internal

__all__ = ["exact_floats", "orders_floats"]

_TORCH: Final = os.path.dirname(torch.__file__) + os.sep
_BETWEEN: Final = tuple(
    os.path.join(_TORCH, *path)
    for path in (
        ("__init__.py",), ("overrides.py",), ("_export", "non_strict_utils.py"),
        ("fx", "experimental", "proxy_tensor.py"), ("fx", "experimental", "sym_node.py"),
    )
)  # fmt: skip
"""Modules of torch's through which calls of the program's go."""

_RUNS: Final = (
    os.path.join(_TORCH, "fx", "interpreter.py"), os.path.join(_TORCH, "_dynamo", "utils.py")
)  # fmt: skip
"""Where torch runs the nodes of a graph that has been made of the program's code."""

_COMPARED: Final[dict[str, Callable[..., torch.Tensor]]] = {
    "__eq__": torch.eq, "__ne__": torch.ne, "__lt__": torch.lt, "__le__": torch.le,
    "__gt__": torch.gt, "__ge__": torch.ge,
}  # fmt: skip

Operation = Callable[..., Any]

_WITHIN: ContextVar[bool] = ContextVar("_WITHIN", default=False)


def exact_floats() -> Iterator[tuple[type, str, Operation]]:
    """Classes of torch's, names of methods, and what is to be there instead."""
    for name in _COMPARED:
        yield torch.SymFloat, name, _comparison(name, getattr(torch.SymFloat, name))
    yield torch.SymBool, "__sym_not__", _negation(torch.SymBool.__sym_not__)


def orders_floats(asked: Any) -> bool:
    """Whether a condition orders numbers that may be none (NaN)."""
    floats = (SymT.FLOAT, SymT.UNBACKED_FLOAT)
    return any(
        symbol_is_type(symbol, floats)
        for one in asked.atoms(sympy.core.relational.Relational)
        if not isinstance(one, (sympy.Eq, sympy.Ne))
        for symbol in one.free_symbols
    )


def _comparison(name: str, original: Operation) -> Operation:
    def compare(self: Any, other: Any) -> Any:
        if _WITHIN.get():  # (torch's mode calls the operation again)
            return original(self, other)
        token = _WITHIN.set(True)
        try:
            found = original(self, other)
        finally:
            _WITHIN.reset(token)
        if not _is_certain(found) or not (_is_open(self) or _is_open(other)):
            return found
        if not _asked_by_program(sys._getframe(1)):
            return found
        return _COMPARED[name](_tensor(self), _tensor(other)).item()

    return compare


def _negation(original: Operation) -> Operation:
    def sym_not(self: Any) -> Any:
        expr = self.node.expr
        if _is_open(self) and orders_floats(expr) and _asked_by_program(sys._getframe(1)):
            held = torch.scalar_tensor(self, dtype=torch.bool)
            return torch.logical_not(held).item()
        return original(self)

    return sym_not


def _tensor(number: Any) -> torch.Tensor:
    return torch.scalar_tensor(number, dtype=torch.float64)


def _is_certain(found: Any) -> bool:
    if isinstance(found, torch.SymBool):
        return isinstance(found.node.expr, sympy.logic.boolalg.BooleanAtom)
    return isinstance(found, bool)


def _is_open(value: Any) -> bool:
    """Whether a number is symbolic, and known at run time only, as far as torch knows."""
    if not isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        return False
    return any(map(is_unbacked, getattr(value.node.expr, "free_symbols", ())))


def _asked_by_program(frame: FrameType | None) -> bool:
    """Whether the program's code compares, or a node that was made of it."""
    while frame is not None:
        file = frame.f_code.co_filename
        if is_users(file) or file in _RUNS:
            return True
        if file.startswith(_TORCH) and file not in _BETWEEN and not is_internal(file):
            return False
        frame = frame.f_back
    return False
