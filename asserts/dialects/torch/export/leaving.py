"""Whether what is raised in the user's code leaves the exported function.

Every function that runs, from the one that raises up to torch's export, is read: a ``try``, a
``finally`` that goes elsewhere, a context that swallows, a function that Python itself calls
and forgives. What an exception is translated into goes on from there.

Guarantees: yes only if no function on the way, of the user's, Python's or torch's, can catch
the exception, as far as its class is known (else: anything). Limits: the source has to be
readable; a context that is entered by another function's hands is none that is known.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import dis
import inspect
import os
import warnings
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, Final, NamedTuple

import torch
from torch.utils import _contextlib

from asserts.dialects.torch.export.asking import Site, site_of, tree_of
from asserts.dialects.torch.export.harmless import TEXT, Reader, Seen
from asserts.dialects.torch.export.resolved import (
    UnresolvedError,
    is_steady,
    known,
    value_of,
)
from asserts.dialects.torch.export.tellers import is_told

__all__ = ["CHECKING", "CONTEXTS", "Raised", "Stopping", "is_tried", "leaves", "stopping"]

Raised = type[BaseException] | None
"""The class of what is raised, exactly; None: anything."""

_TORCH: Final = os.path.join(os.path.dirname(torch.__file__), "")
_EXPORT: Final = (
    os.path.join(_TORCH, "export", ""),
    os.path.join(_TORCH, "_dynamo", "functional_export.py"),
)
"""Where export calls the model, or what it has dynamo interpret."""

CONTEXTS: Final = (_contextlib.__file__, torch.amp.autocast_mode.__file__)
"""Where torch enters contexts for the user, which may be the user's."""
_PASSING: Final = tuple(
    os.path.join(_TORCH, *path)
    for path in (
        ("nn", "modules", "module.py"),
        ("nn", "modules", "container.py"),
        ("fx", "_symbolic_trace.py"),
        ("fx", "experimental", "proxy_tensor.py"),
        ("_dynamo", "eval_frame.py"),
    )
)
"""Modules of torch that call the user's and let every exception out."""

CHECKING: Final = (
    (torch._assert, AssertionError), (torch._check, RuntimeError),
    (torch._check_value, ValueError), (torch._check_index, IndexError),
    (torch._check_type, TypeError), (torch._check_not_implemented, NotImplementedError),
)  # fmt: skip
"""Functions that check their first argument, and what they raise."""

_PROTOCOLS: Final = (
    AttributeError, LookupError, StopIteration, StopAsyncIteration, GeneratorExit,
)  # fmt: skip
"""Exceptions that Python itself may catch: of a loop, say, that asks for items."""

_FORWARD: Final = frozenset(("__call__", "__init__"))
"""Special methods of which Python lets every exception out."""

_CALLING: Final = ("CALL", "FOR_ITER", "SEND", "LOAD_ATTR", "LOAD_METHOD")
"""Instructions by which one function runs another."""


def leaves(frame: FrameType | None, raised: Raised) -> bool:
    """Whether an exception that is raised where a frame is gets out of the traced model."""
    if raised is not None and issubclass(raised, _PROTOCOLS):
        return False
    inner: FrameType | None = None
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_EXPORT):
            return True
        if file in CONTEXTS:
            if not _is_torchs_context(frame):
                return False
        elif file.startswith(_TORCH):
            if file not in _PASSING:
                return False
        else:
            if inner is not None and not _is_calling(frame):
                return False
            through = _through(frame, raised)
            if through is False:
                return False
            raised = None if through is True else through
        inner, frame = frame, frame.f_back
    return False


def is_tried(frame: FrameType | None) -> bool:
    """Whether a ``try`` of the user's, or `contextlib.suppress`, stands around where a frame
    is, or around a call on the way to it, as far as that can be read."""
    while frame is not None and not frame.f_code.co_filename.startswith(_EXPORT):
        if not frame.f_code.co_filename.startswith(_TORCH) and any(
            _handles(node, frame) for node in _around(frame)
        ):
            return True
        frame = frame.f_back
    return False


def _around(frame: FrameType) -> Iterator[ast.AST]:
    """What stands around where a frame is: around some part of its line, if only that is
    known."""
    site = site_of(frame)
    if site is not None:
        yield from site.around()
        return
    tree, line = tree_of(frame.f_code.co_filename), frame.f_lineno
    for node in () if tree is None else ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or line):
            yield node


def _handles(node: ast.AST, frame: FrameType) -> bool:
    calls = [
        one.context_expr for one in (node.items if isinstance(node, ast.With) else ())
        if isinstance(one.context_expr, ast.Call)
    ]  # fmt: skip
    for call in calls:
        with contextlib.suppress(UnresolvedError):
            if value_of(call.func, frame) is contextlib.suppress:
                return True
    return isinstance(node, _TRIES)


def _is_calling(frame: FrameType) -> bool:
    """Whether an instruction runs that calls: what Python calls at another time, when an
    object is deleted, say, is not raised there."""
    code, at = frame.f_code.co_code, frame.f_lasti
    while at > 0 and not code[at]:  # (Python keeps room behind an instruction)
        at -= 2
    name = dis.opname[code[at]] if at >= 0 else ""
    return any(word in name for word in _CALLING)


def _is_torchs_context(frame: FrameType) -> bool:
    """Whether the context with which torch decorates a function is torch's own."""
    if frame.f_code.co_name not in ("decorate_context", "decorate_autocast"):
        return False
    found = frame.f_locals.get("autocast_instance", frame.f_locals.get("ctx_factory"))
    owner = getattr(found, "__self__", found)
    if inspect.isfunction(owner):  # (a context, or what makes one)
        owner = inspect.getclosurevars(owner).nonlocals.get("ctx")
    module = type(owner).__module__
    return module.partition(".")[0] == "torch" and type(owner) is not torch.Tensor


# --------------------------------------------------------------------------- one function

_Through = Raised | bool
"""What leaves a function: an exception of a class, or of some class (True); False: perhaps
none."""


def _through(frame: FrameType, raised: Raised) -> _Through:
    """What leaves a function if something is raised where it is."""
    site, name = site_of(frame), frame.f_code.co_name
    special = name.startswith("__") and name.endswith("__")
    if site is None or (special and name not in _FORWARD) or _is_coroutine(frame):
        return False
    inner: ast.AST | None = None
    now: _Through = True if raised is None else raised
    for node in site.around():
        if isinstance(node, _TRIES):
            if frame.f_code.co_flags & inspect.CO_GENERATOR or not isinstance(node, ast.Try):
                return False
            now = _out_of(node, inner, now, frame)
        elif isinstance(node, (ast.With, ast.AsyncWith)) and not _pass_on(node, frame, site):
            return False
        if now is False:
            return False
        inner = node
    return now


_TRIES: Final = (ast.Try, *filter(None, (getattr(ast, "TryStar", None),)))


def _is_coroutine(frame: FrameType) -> bool:
    return bool(frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR))


def _out_of(node: ast.Try, inner: ast.AST | None, now: _Through, frame: FrameType) -> _Through:
    """What leaves a ``try``."""
    if inner in node.body:
        for handler in node.handlers:
            taken = _takes(handler, now, frame)
            if taken is None:
                return False
            if taken:
                now = _translated(handler, now, frame)
                break
    if inner in node.finalbody or not node.finalbody:
        return now
    last = [one for part in node.finalbody for one in ast.walk(part)]
    # (What comes last may raise something else.)
    return now is not False and not any(isinstance(one, _ELSEWHERE) for one in last)


_ELSEWHERE: Final = (
    ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom, ast.Await,
)  # fmt: skip
"""After these in a ``finally``, nothing is in flight any more."""


def _takes(handler: ast.ExceptHandler, now: _Through, frame: FrameType) -> bool | None:
    """Whether a handler catches what is raised; None if nobody knows."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    try:
        caught = tuple(value_of(kind, frame) for kind in kinds)
    except UnresolvedError:
        return None
    if not all(type(kind) is type for kind in caught):
        return None
    if BaseException in caught:
        return True
    if not isinstance(now, type):
        return None
    return issubclass(now, caught)


def _translated(handler: ast.ExceptHandler, now: _Through, frame: FrameType) -> _Through:
    """What a handler raises in any case; False if it does not."""
    names = {} if handler.name is None or now is True else {handler.name: TEXT}
    found = stopping(handler.body, frame, names)
    if found is None:
        return False
    if found.statement.exc is None:
        return now
    if found.raised is None:
        return True
    return False if issubclass(found.raised, _PROTOCOLS) else found.raised


class Stopping(NamedTuple):
    """A ``raise`` that statements come to in any case, and the class of what is raised."""

    statement: ast.Raise
    raised: Raised


def stopping(
    body: list[ast.stmt], frame: FrameType, names: Mapping[str, Seen] | None = None
) -> Stopping | None:
    """How a body stops that changes nothing: it only makes a message, and may tell it."""
    if not body or not isinstance(body[-1], ast.Raise):
        return None
    last, reader = body[-1], Reader(frame, names)
    try:
        for one in body[:-1]:
            called = one.value if isinstance(one, ast.Expr) else None
            if isinstance(called, ast.Call) and is_told(called, frame, reader):
                continue
            if not isinstance(called, ast.Constant):
                reader.bind(one)
        raised = _class_raised(last, reader)
    except UnresolvedError:
        return None
    return Stopping(last, raised if reader.total else None)


def _class_raised(statement: ast.Raise, reader: Reader) -> Raised:
    """The class of what a statement raises; None if that is not certain. Raises
    `UnresolvedError` if it may do something else."""
    error, cause = statement.exc, statement.cause
    if error is None:
        return None
    if isinstance(cause, ast.Call):
        raise UnresolvedError(ast.unparse(cause))
    called = error
    if isinstance(error, ast.Call):
        called = error.func
        for one in (*error.args, *(keyword.value for keyword in error.keywords)):
            reader.read(one)
    found = value_of(called, reader.frame)
    if isinstance(called, ast.Name) and called.id in reader.names:
        raise UnresolvedError(called.id)
    if not isinstance(error, ast.Call) and isinstance(found, BaseException):
        return type(found)
    if not _is_plain_error(found):
        raise UnresolvedError(ast.unparse(called))
    made: type[BaseException] = found
    return made


def _is_plain_error(kind: Any) -> bool:
    """Whether this is a class of exceptions that are made as Python makes them."""
    if type(kind) is not type or not issubclass(kind, BaseException):
        return False
    made = [inspect.getattr_static(kind, name) for name in ("__init__", "__new__")]
    return not any(inspect.isfunction(getattr(one, "__func__", one)) for one in made)


# --------------------------------------------------------------------------- contexts

_KNOWN: Final[tuple[Any, ...]] = (
    contextlib.nullcontext, warnings.catch_warnings, builtins.open,
    torch.no_grad, torch.enable_grad, torch.inference_mode, torch.set_grad_enabled,
    torch.autocast, torch.amp.autocast, torch.profiler.record_function,
    torch.autograd.profiler.record_function, torch.random.fork_rng,
    torch.nn.attention.sdpa_kernel,
)  # fmt: skip
"""Contexts that let every exception out."""

_OF_PACKAGES: Final = (
    "torch.cuda.amp.autocast", "torch.cpu.amp.autocast",
    "transformers.utils.generic.maybe_autocast",
)  # fmt: skip


def _contexts() -> Iterator[Any]:
    yield from _KNOWN
    yield from filter(None, map(known, _OF_PACKAGES))


def _pass_on(node: ast.With | ast.AsyncWith, frame: FrameType, site: Site) -> bool:
    """Whether the contexts of a statement let every exception out."""
    plain = isinstance(node, ast.With)
    return plain and all(_passes_on(one, frame, site) for one in node.items)


def _passes_on(item: ast.withitem, frame: FrameType, site: Site) -> bool:
    """Whether a context lets every exception out."""
    entered = item.context_expr
    if not isinstance(entered, ast.Call) or not is_steady(entered.func, frame, site.tree):
        return False
    try:
        found = value_of(entered.func, frame)
    except UnresolvedError:
        return False
    return any(found is one for one in _contexts())
