"""What a name in the user's source stands for, where a function runs.

A function called ``print`` need not be Python's. A name is looked up as Python would, in the
frame that runs, and an attribute only where reading it runs no code of anybody's.

Guarantees: nothing of the user's is called; what is found is what Python would find at that
moment. Limits: a name that is bound anew later is that of now (`is_steady`).
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FrameType, ModuleType
from typing import Any, Final

import torch

from asserts.dialects.torch.export.advice import is_users
from asserts.dialects.torch.export.asking import Asker, Site
from asserts.dialects.torch.export.interpreted import interpreted
from asserts.dialects.torch.export.questions import Question

__all__ = [
    "UnresolvedError", "attribute_of", "frame_of", "is_builtin", "is_steady", "known",
    "tested_by", "users_frame", "value_of",
]  # fmt: skip


class UnresolvedError(Exception):
    """Nobody knows without running code of the user's."""


def users_frame() -> FrameType | None:
    """The user's innermost frame."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def tested_by(question: Question) -> tuple[ast.expr, Site, FrameType] | None:
    """The expression whose truth is asked for, its place in the source, and the frame that
    asks; None if one of them is not known."""
    tested, asker = question.tested, question.asker
    site = None if asker is None else asker.site()
    frame = frame_of(asker)
    if tested is None or site is None or frame is None:
        return None
    return tested, site, frame


def frame_of(asker: Asker | None) -> FrameType | None:
    """The user's innermost frame, or what dynamo interprets, if the asker is that."""
    frame: Any = interpreted() or users_frame()
    if asker is None or frame is None:
        return None
    code = frame.f_code
    found = (code.co_filename, frame.f_lineno, code.co_name)
    return frame if found == (asker.file, asker.line, asker.function) else None


def value_of(node: ast.AST, frame: FrameType) -> Any:
    """The object that a dotted name stands for; `UnresolvedError` if that is not certain."""
    if isinstance(node, ast.Name):
        for names in (frame.f_locals, frame.f_globals, frame.f_builtins):
            if node.id in names:
                return names[node.id]
            if _is_own(node.id, frame):
                break  # (not bound yet: Python looks no further)
        raise UnresolvedError(node.id)
    if isinstance(node, ast.Attribute):
        return attribute_of(value_of(node.value, frame), node.attr)
    raise UnresolvedError(ast.unparse(node))


def attribute_of(owner: Any, name: str) -> Any:
    """An attribute that is kept as such: by a module, an object or its class."""
    kind = type(owner)
    if inspect.getattr_static(kind, "__getattribute__") not in _plainly_read():
        raise UnresolvedError(f"{kind.__name__} reads its attributes itself")
    if name == "__class__":
        return kind
    try:
        found = inspect.getattr_static(owner, name)
    except AttributeError:
        return _of_module(owner, name)
    if isinstance(owner, (ModuleType, type)) and name in vars(owner):
        return found.__func__ if isinstance(found, staticmethod) else found
    if hasattr(type(found), "__get__") and name not in getattr(owner, "__dict__", {}):
        raise UnresolvedError(f"{name} of {kind.__name__} is computed")
    return found


def _of_module(owner: Any, name: str) -> Any:
    """A parameter, a buffer or a module in one of torch's modules."""
    reads = inspect.getattr_static(type(owner), "__getattr__", None)
    if reads is vars(torch.nn.Module)["__getattr__"]:
        for kept in ("_parameters", "_buffers", "_modules"):
            if name in vars(owner).get(kept, {}):
                return vars(owner)[kept][name]
    raise UnresolvedError(name)


_CONFIGURATION: Final = "transformers.configuration_utils.PreTrainedConfig"


def _plainly_read() -> Iterator[Any]:
    """Ways to read attributes that change nothing."""
    for kind in (object, type, ModuleType):
        yield vars(kind)["__getattribute__"]
    configuration = known(_CONFIGURATION)
    if configuration is not None:  # (it knows some names by others)
        yield vars(configuration).get("__getattribute__")


def known(name: str) -> Any:
    """The object of a package that has that name, if the package is loaded; None if not."""
    module, _, rest = name.rpartition(".")
    found = sys.modules.get(module)
    return None if found is None else vars(found).get(rest)


def is_builtin(value: Any, *names: str) -> bool:
    """Whether this is one of these of Python's own functions and types."""
    if not isinstance(value, (BuiltinFunctionType, type)) or value.__module__ != "builtins":
        return False
    return value.__name__ in names and value is _BUILTINS.get(value.__name__)


_BUILTINS: Final = dict(vars(builtins))
"""(Somebody may put other ones into their place later.)"""


def is_steady(node: ast.AST, frame: FrameType, tree: ast.AST) -> bool:
    """Whether the first name in a dotted one stands for the same as long as the function runs:
    it is not the function's own, or one that only ``import`` binds, and nothing declares it
    global."""
    while isinstance(node, ast.Attribute):
        node = node.value
    if not isinstance(node, ast.Name):
        return False
    for one in ast.walk(tree):
        if isinstance(one, ast.Global) and node.id in one.names:
            return False
    if not _is_own(node.id, frame):
        return True
    return all(map(_is_import, _bindings(node.id, tree)))


def _is_own(name: str, frame: FrameType) -> bool:
    """Whether a name is one of the function, or of one around it."""
    code = frame.f_code
    return name in code.co_varnames or name in code.co_cellvars or name in code.co_freevars


def _bindings(name: str, tree: ast.AST) -> Iterator[ast.AST]:
    """What may bind a name anywhere in a file."""
    for one in ast.walk(tree):
        if isinstance(one, (ast.Import, ast.ImportFrom)):
            names = [alias.asname or alias.name.partition(".")[0] for alias in one.names]
            if name in names:
                yield one
        elif isinstance(one, ast.Name):
            if one.id == name and not isinstance(one.ctx, ast.Load):
                yield one
        elif name in (getattr(one, "name", None), getattr(one, "arg", None)):
            yield one  # (a parameter, a function, a class, what is caught or matched)


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, (ast.Import, ast.ImportFrom))
