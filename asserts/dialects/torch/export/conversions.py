"""Python's conversions of run-time numbers, kept symbolic.

``int(t.max())`` and ``len(rows)`` ask for a number, although the program mostly goes on with
it as a size. Python insists on a number there, so the names `int`, `float` and `len` are
given another meaning in the module that asks, and the trace is started again.

Guarantees: on everything that is not symbolic the names mean what they mean in Python; they
are put back when the trace ends (see `traces`), and what else shows that a number is symbolic
is not seen by the user's code (see `seen`). A module in which a name is used otherwise than
by calling it, or in ``isinstance``, keeps its own.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from types import FrameType
from typing import Any, Final

import torch

from asserts.conditions.report import Decision
from asserts.dialects.torch.export.advice import asking, is_users
from asserts.dialects.torch.export.asking import Site
from asserts.dialects.torch.export.decisions import note_decision
from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.export.raising import require_finite
from asserts.dialects.torch.export.traces import Again, trace_in_force
from shapes.expr import BoolExpr

__all__ = ["REPLACED", "symbolic"]

KEPT: Final = "the number stays symbolic"

_SYMBOLIC: Final = (torch.SymInt, torch.SymFloat, torch.SymBool)


def symbolic(question: Question) -> Answer | None:
    """Starts the trace again, if the number is asked for by a conversion that can stay
    symbolic; no answer otherwise."""
    asker = question.asker
    tested = asker is not None and asker.tests and isinstance(question.claim, BoolExpr)
    trace = trace_in_force()
    if asker is None or tested or trace is None:
        return None
    site = asker.site()
    name = "" if site is None else site.called()[0]
    module = _module_of(asker.file, asker.function)
    if site is None or module is None or name not in REPLACED or trace.has(module, name):
        return None
    names = [one for one in REPLACED if _is_free(module, one) and _is_plain(site, one)]
    if name in names:
        trace.wanted = Again(module, {one: REPLACED[one] for one in names})
        raise trace.wanted
    return None


def _is_free(module: dict[str, Any], name: str) -> bool:
    """Whether the name is Python's in the module, or another trace has replaced it."""
    return module.get(name, REPLACED[name]) is REPLACED[name]


def _module_of(file: str, function: str) -> dict[str, Any] | None:
    """The names of the module whose function is the user's innermost."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if is_users(code.co_filename):
            found = code.co_filename == file and code.co_name == function
            return frame.f_globals if found else None
        frame = frame.f_back
    return None


# --------------------------------------------------------------------------- uses of names


def _is_plain(site: Site, name: str) -> bool:
    """Whether all functions of the file use the name as a replacement can be used."""
    return name not in _otherwise(site.tree)


@lru_cache(maxsize=16)
def _otherwise(tree: ast.AST) -> frozenset[str]:
    """The names that functions of a file use otherwise than by calling them."""
    found: set[str] = set()
    for outer in ast.walk(tree):
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for statement in outer.body:
                found.update(_odd_names(statement))
        elif isinstance(outer, ast.Lambda):
            found.update(_odd_names(outer.body))
    return frozenset(found)


def _odd_names(root: ast.AST) -> Iterator[str]:
    fine: set[int] = set()
    for node in ast.walk(root):
        fine.update(map(id, _fine_in(node)))
        if isinstance(node, ast.Name) and node.id in REPLACED and id(node) not in fine:
            yield node.id


def _fine_in(node: ast.AST) -> Iterator[ast.AST]:
    """Names right below a node that a replacement serves as well."""
    if isinstance(node, ast.Call):
        yield node.func
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called == "isinstance" and len(node.args) == 2:
            yield from ast.walk(node.args[1])
        if called == "map" and node.args:
            yield node.args[0]
    elif isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None:
        yield from ast.walk(node.annotation)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns:
        yield from ast.walk(node.returns)


# --------------------------------------------------------------------------- the replacements


class _Kind(type):
    """The type of what stands for one of Python's number types."""

    plain: type
    symbol: type
    converted: Callable[[Any], Any]

    def __call__(cls, *args: Any, **options: Any) -> Any:
        if len(args) == 1 and not options:
            value = _read(args[0])
            if isinstance(value, _SYMBOLIC):
                _note(value)
                return cls.converted(value)
        return cls.plain(*args, **options)

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, (cls.plain, cls.symbol))

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.plain, name)


def _note(value: Any) -> None:
    """Say that a number stays symbolic, and where."""
    trace = trace_in_force()
    if trace is not None:
        trace.converted.update(value.node._expr.free_symbols)
    asker = asking()
    site = None if asker is None else asker.site()
    text = str(value) if site is None else site.text
    line = "" if asker is None else str(asker)
    note_decision(value.node.shape_env, Decision("symbolic", text, "kept", line, KEPT))


def _read(value: Any) -> Any:
    """The element of a tensor that has one; anything else as it is."""
    if isinstance(value, torch.Tensor) and not isinstance(value, torch.nn.Parameter):
        with suppress(RuntimeError):  # (Python says what is wrong with it)
            return value.item()
    return value


def _int(value: Any) -> Any:
    if isinstance(value, torch.SymBool):
        return torch.sym_ite(value, 1, 0)
    if not require_finite(value):
        return int(value)
    return math.trunc(value) if isinstance(value, torch.SymFloat) else value


def _float(value: Any) -> Any:
    if isinstance(value, torch.SymBool):
        value = torch.sym_ite(value, 1, 0)
    return torch.sym_float(value)


class _Integer(metaclass=_Kind):
    plain = int
    symbol = torch.SymInt
    converted = staticmethod(_int)


class _Real(metaclass=_Kind):
    plain = float
    symbol = torch.SymFloat
    converted = staticmethod(_float)


def _len(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.dim():
        size = value.shape[0]
        if isinstance(size, torch.SymInt):
            _note(size)
        return size
    return len(value)


REPLACED: Final[dict[str, Any]] = {"int": _Integer, "float": _Real, "len": _len}
"""What the names mean while a trace keeps their results symbolic."""
