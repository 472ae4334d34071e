"""The checks that a program states while torch traces it.

torch keeps a check as a deferred assert only if it could not decide it; one that holds under
the tracer's assumptions (``x.shape[0] >= 2``) leaves no trace, and the message and the line
of the others are lost. While `recording` is on, every check that a person wrote is kept
beside torch's `ShapeEnv`, in the order of the program, with message and line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.fx.experimental.sym_node import SymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from shapes.base import Location, is_internal
from shapes.expr import Expr

__all__ = [
    "RecordedCheck",
    "constant_text",
    "count_of_recorded",
    "note_placed",
    "recorded_checks",
    "recording_expect_true",
    "was_placed",
]


@dataclass(frozen=True, eq=False)
class RecordedCheck:
    """A condition as the program wrote it, in torch's terms or in ours, its message and its
    line."""

    expr: Any
    message: str | None
    location: Location | None


_RECORDED: WeakKeyDictionary[TorchShapeEnv, list[RecordedCheck]] = WeakKeyDictionary()

_PLACED: WeakKeyDictionary[TorchShapeEnv, set[str]] = WeakKeyDictionary()

_TORCH = os.path.dirname(torch.__file__) + os.sep
_CHECKS = os.path.join(_TORCH, "__init__.py")


def recorded_checks(shape_env: TorchShapeEnv, start: int = 0) -> Iterator[RecordedCheck]:
    """What was recorded for an environment, in the order of the program, from one on."""
    return islice(_RECORDED.get(shape_env, ()), start, None)


def count_of_recorded(shape_env: TorchShapeEnv) -> int:
    """How many checks were recorded so far."""
    return len(_RECORDED.get(shape_env, ()))


def recording_expect_true(
    original: Callable[[SymNode, str, int], bool],
) -> Callable[[SymNode, str, int], bool]:
    """torch's `SymNode.expect_true`, which every check goes through, with a memory."""

    def expect_true(node: SymNode, file: str, line: int) -> bool:
        shape_env = node.shape_env
        expr = node._expr
        held = original(node, file, line)
        if held and shape_env is not None:
            caller = _user_of_check(sys._getframe(1))
            if caller is not None:
                _record(shape_env, node, expr, *caller)
        return held

    return expect_true


def _record(
    shape_env: TorchShapeEnv, node: SymNode, expr: Any, user: FrameType, check: FrameType
) -> None:
    if not getattr(expr, "free_symbols", None):
        # True as soon as it was written, because of what torch assumes of its symbols: what
        # was written is still in the graph that is being traced.
        expr = _traced(node)
        if expr is None:
            return
    code = user.f_code
    where = Location(code.co_filename, user.f_lineno, code.co_name)
    found = RecordedCheck(expr, _message(check), where)
    _RECORDED.setdefault(shape_env, []).append(found)


def _traced(node: SymNode) -> Expr | None:
    """The condition that the nodes of the graph in the making compute for a value."""
    mode = get_proxy_mode()
    if mode is None:
        return None
    slot = mode.tracer.symnode_tracker.sym_node_dict.get(node)
    if slot is None:
        return None
    from asserts.conditions.lift import Lifter
    from asserts.dialects.torch.answers.graph import TorchDialect
    from asserts.dialects.torch.symbols.shape_env import TorchEnv

    # (Symbols of one name and kind are one object, so any environment can read them.)
    lifter = Lifter(fx.Graph(), TorchDialect(TorchEnv(None)))
    found = lifter.expr_of(slot.force().node)
    return None if found is None or found.is_constant else found


def note_placed(shape_env: TorchShapeEnv, texts: Iterable[str]) -> None:
    """Remember the checks that some graph of this environment makes."""
    _PLACED.setdefault(shape_env, set()).update(texts)


def was_placed(shape_env: TorchShapeEnv, text: str) -> bool:
    """Whether an earlier graph made the check: when that is traced again, its values get
    other symbols, and its assert is there as a node."""
    return text in _PLACED.get(shape_env, ())


def _user_of_check(frame: FrameType | None) -> tuple[FrameType, FrameType] | None:
    """The user's frame and the frame of the check that it called, if it was a check such as
    `torch._check`; what operations check for themselves they also check at run time."""
    check: FrameType | None = None
    for _ in range(12):
        if frame is None:
            return None
        name = frame.f_code.co_filename
        if not name.startswith(_TORCH):
            if check is None:
                return None
            if not is_internal(name):
                return frame, check
            frame = frame.f_back  # (a wrapper around the check)
            continue
        is_check = name == _CHECKS and frame.f_code.co_name.startswith("_check")
        check = frame if is_check else None if frame.f_code.co_name != "expect_true" else check
        frame = frame.f_back
    return None


def _message(check: FrameType) -> str | None:
    return constant_text(check.f_locals.get("message", check.f_locals.get("msg")))


def constant_text(message: object) -> str | None:
    """Text, or what a function returns that can only return this text: the user's code is
    not run for it."""
    if isinstance(message, str):
        return message
    code = getattr(message, "__code__", None)
    if code is None or code.co_argcount or code.co_names or code.co_freevars:
        return None
    texts = [c for c in code.co_consts if isinstance(c, str)]
    return texts[0] if len(texts) == 1 and len(code.co_consts) <= 2 else None
