"""A question that torch cannot answer while it traces, and where it is asked."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from types import FrameType
from typing import Any, Final, NamedTuple

import torch
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.dialects.torch.export.advice import (
    Place,
    asking,
    best_place,
    is_users,
    places_of,
    torch_text,
)
from asserts.dialects.torch.export.asking import Asker
from asserts.dialects.torch.symbols.record import record_check
from asserts.dialects.torch.symbols.shape_env import TorchEnv, UnreadableError
from shapes.base import Location, is_internal
from shapes.expr import BoolExpr, Expr
from shapes.traversal import free_symbols

__all__ = ["Answer", "Caller", "Question"]

_TORCH: Final = os.path.dirname(torch.__file__) + os.sep

_MACHINERY: Final = tuple(
    os.path.join(_TORCH, *path)
    for path in (
        ("__init__.py",),
        ("fx", "experimental", "symbolic_shapes.py"),
        ("fx", "experimental", "sym_node.py"),
        ("fx", "experimental", "recording.py"),
    )
)
"""Modules of torch through which every question goes."""


class Caller(NamedTuple):
    """A function of torch's that asks: its module's file within torch, its name, its line."""

    file: str
    function: str
    line: int


@dataclass(frozen=True)
class Answer:
    """What tracing goes on with (a truth, or a number, of sympy's), why, what has to hold for
    that at run time (None: nothing has), and the message of the assert, if there is one."""

    value: Any
    reason: str
    assumption: str | None = None
    message: str | None = None


class Question:
    """An expression whose value torch wants, and what is enforced so far."""

    def __init__(self, shape_env: TorchShapeEnv, asked: Any, symbols: TorchEnv) -> None:
        self.shape_env = shape_env
        self.asked = asked
        self.symbols = symbols

    @cached_property
    def claim(self) -> Expr | None:
        """The expression in our terms, if it has a counterpart."""
        with suppress(UnreadableError):
            return self.symbols.read(self.asked)
        return None

    @cached_property
    def asker(self) -> Asker | None:
        """The user's instruction that made torch ask."""
        return asking()

    @cached_property
    def callers(self) -> tuple[Caller, ...]:
        """The functions of torch that ask, innermost first, up to the user's."""
        return tuple(_callers(sys._getframe(1)))

    @cached_property
    def places(self) -> list[Place]:
        """The user's functions that run, with their names for symbols."""
        return places_of(self.symbols)

    def named(self, expr: Expr) -> str:
        """The expression in the names that the user has for its symbols."""
        sources = {
            name: str(info.source)
            for name, info in self.symbols.env.symbols.items()
            if info.source not in (None, name)
        }
        place = best_place(self.places, expr, sources)
        return torch_text(expr, sources, {} if place is None else place.names)

    @property
    def line(self) -> str:
        """The line of the user's code."""
        return "" if self.asker is None else str(self.asker)

    @property
    def location(self) -> Location | None:
        """The same, as checks have it."""
        asker = self.asker
        return None if asker is None else Location(asker.file, asker.line, asker.function)

    @cached_property
    def tested(self) -> ast.expr | None:
        """The expression of the user's whose truth is asked for, if that is certain."""
        asker = self.asker
        if asker is None or asker.operation is not None:
            return None
        if not isinstance(self.claim, BoolExpr):
            return None
        site = asker.site()
        if site is None or not (asker.tests or site.called()[0] == "bool"):
            return None
        return site.tested()

    def spelled(self, claim: BoolExpr) -> str:
        """The condition that is asked for, or its negation, as the user wrote it if there are
        no names for its symbols."""
        if self.tested is None or not self._unnamed:
            return self.named(claim)
        text = ast.unparse(self.tested)
        if claim is self.claim:
            return text
        atom = isinstance(self.tested, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
        return f"not {text}" if atom else f"not ({text})"

    @property
    def _unnamed(self) -> bool:
        """Whether no variable holds some symbol."""
        assert self.claim is not None
        return any(self.named(symbol) == symbol.name for symbol in free_symbols(self.claim))

    def require(self, holds: Any, message: str) -> bool:
        """Make a condition, in torch's terms, a run-time assert from here on; False if it
        contradicts what is known."""
        if not self.shape_env.guard_or_defer_runtime_assert(holds, message):
            return False
        record_check(self.shape_env, holds, message, self.location)
        return True


def _callers(frame: FrameType | None) -> Iterator[Caller]:
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        if is_users(file):
            return
        if file.startswith(_TORCH) and file not in _MACHINERY and not is_internal(file):
            yield Caller(file[len(_TORCH) :], code.co_name, frame.f_lineno)
        frame = frame.f_back
