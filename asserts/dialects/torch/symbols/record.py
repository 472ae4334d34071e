"""The checks that a program states while torch traces it.

torch keeps a check as a deferred assert only if it could not decide it; one that holds under
the tracer's assumptions (``x.shape[0] >= 2``) leaves no trace, and the message and the line
of the others are lost. While `recording` is on, every check that a person wrote is kept
beside torch's `ShapeEnv`, in the order of the program, with message and line.
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from types import FrameType
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.fx.experimental.sym_node import SymNode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.fx.experimental.symbolic_shapes import canonicalize_bool_expr

from asserts.dialects.torch.symbols.loaded import is_unbacked
from shapes.base import Location, is_internal
from shapes.expr import Expr, symbol
from shapes.traversal import free_symbols, substitute

__all__ = [
    "RecordedCheck",
    "Text",
    "computed_by",
    "constant_text",
    "count_of_recorded",
    "deferred_as",
    "made_checks",
    "note_made",
    "note_placed",
    "record_check",
    "recorded_checks",
    "recording_expect_true",
    "traced",
    "was_placed",
]


@dataclass(frozen=True, eq=False)
class RecordedCheck:
    """A condition as torch has it, or in our terms, its message and its line; `written` is the
    condition as the program wrote it, where torch has put something else for its symbols;
    one that is `made` is a node of the graph already."""

    expr: Any
    message: str | None
    location: Location | None
    written: Expr | None = None
    made: bool = False


class Deferred(NamedTuple):
    """How torch came to a deferred assert: from a check that is `recorded` as the program
    wrote it, or that a node makes; and when it had `solved` these symbols, whose values it
    has put into it."""

    recorded: bool
    solved: frozenset[Any]


_UNSEEN: Final = Deferred(False, frozenset())

_DEFERRED: WeakKeyDictionary[TorchShapeEnv, dict[Any, Deferred]] = WeakKeyDictionary()

_RECORDED: WeakKeyDictionary[TorchShapeEnv, list[RecordedCheck]] = WeakKeyDictionary()

_PLACED: WeakKeyDictionary[TorchShapeEnv, set[str]] = WeakKeyDictionary()

_TORCH = os.path.dirname(torch.__file__) + os.sep
_CHECKS = os.path.join(_TORCH, "__init__.py")
_INTERPRETER = os.path.join(_TORCH, "fx", "interpreter.py")


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
        if shape_env is None:
            return original(node, file, line)
        expr, asked = node._expr, node.expr
        solved = frozenset(_solved(shape_env))
        before = _deferred(shape_env, asked)
        held = original(node, file, line)
        if held:
            found = _written_check(sys._getframe(1))
            if found is not None:
                _record(shape_env, node, expr, *found)
            for one in _deferred(shape_env, asked) - before:
                deferred = _DEFERRED.setdefault(shape_env, {})
                deferred[one] = Deferred(found is not None, solved)
        return held

    return expect_true


def deferred_as(shape_env: TorchShapeEnv, expr: object) -> Deferred:
    """What is known of one of torch's deferred asserts."""
    return _DEFERRED.get(shape_env, {}).get(expr, _UNSEEN)


def note_made(shape_env: TorchShapeEnv, conditions: Iterable[object]) -> None:
    """Remember that nodes of a graph make these checks: when torch loads a program it makes
    deferred asserts of what it states of them."""
    deferred = _DEFERRED.setdefault(shape_env, {})
    for condition in conditions:
        deferred[canonicalize_bool_expr(condition)] = Deferred(True, frozenset())


def made_checks(shape_env: TorchShapeEnv) -> Iterator[Any]:
    """The checks that are recorded, or that nodes make, as torch states them."""
    found = _DEFERRED.get(shape_env, {})
    return (expr for expr, how in found.items() if how.recorded)


def _deferred(shape_env: TorchShapeEnv, asked: object) -> set[Any]:
    """The last deferred assert under each symbol of a condition: a check adds one."""
    lists = shape_env.deferred_runtime_asserts
    symbols = getattr(asked, "free_symbols", ())
    return {one.expr for s in (*symbols, None) for one in lists.get(s, ())[-1:]}


def _solved(shape_env: TorchShapeEnv) -> Iterator[Any]:
    """The run-time symbols for which torch has put another value."""
    renamed = shape_env.unbacked_renamings
    return (s for s in shape_env.replacements if is_unbacked(s) and s not in renamed)


def _record(
    shape_env: TorchShapeEnv,
    node: SymNode,
    expr: object,
    where: Location | None,
    check: FrameType,
) -> None:
    if not getattr(expr, "free_symbols", None):
        # True as soon as it was written, because of what torch assumes of its symbols: what
        # was written is still in the graph that is being traced.
        expr = _traced_condition(node)
        if expr is None:
            return
    found = RecordedCheck(expr, _message(check), where, _as_written(shape_env, node, expr))
    _RECORDED.setdefault(shape_env, []).append(found)


def record_check(
    shape_env: TorchShapeEnv, expr: object, message: str | None, where: Location | None,
    made: bool = False,
) -> None:  # fmt: skip
    """Keep a condition that the traced program rests on as a check of its own."""
    check = RecordedCheck(expr, message, where, made=made)
    _RECORDED.setdefault(shape_env, []).append(check)


def _as_written(shape_env: TorchShapeEnv, node: SymNode, expr: Any) -> Expr | None:
    """The condition as it is written, if torch has put something else for it: solutions of
    earlier checks (it solves with what it assumes: ``s*u == 3*s`` makes 3 of every ``u``, also
    where the size ``s`` is 0), or what is left of several conditions for sizes of at least 2
    (of ``(n != 0) & (n != 1)`` the second one)."""
    if isinstance(expr, Expr):
        return None
    if any(map(is_unbacked, shape_env.replacements)):
        found = _traced_condition(node)
        known = {shape_env.unbacked_renamings.get(s, s).name for s in expr.free_symbols}
        if found is not None and {s.name for s in free_symbols(found)} != known:
            return found
    at = _node_of(node)
    if at is None or at.target not in _COMBINING or computed_by(at, shape_env) is _read(expr):
        return None
    return _traced_condition(node)


_COMBINING: Final = (operator.and_, operator.or_, torch.sym_not)


def _read(expr: object) -> Expr | None:
    """The condition as torch has it."""
    from asserts.dialects.torch.symbols.shape_env import TorchEnv, UnreadableError

    with suppress(UnreadableError):
        return TorchEnv(None).read(expr)
    return None


def traced(node: SymNode, tracer: Any = None) -> Expr | None:
    """What the nodes of the graph in the making compute for a value; its tracer is the one in
    force if none is named."""
    found = _node_of(node, tracer)
    return None if found is None else computed_by(found, node.shape_env)


def _traced_condition(node: SymNode) -> Expr | None:
    """The condition that they compute, and that it can be computed."""
    found = _node_of(node)
    return None if found is None else computed_by(found, node.shape_env, defined=True)


def _node_of(node: SymNode, tracer: Any = None) -> fx.Node | None:
    mode = get_proxy_mode()
    if tracer is None and mode is not None:
        tracer = mode.tracer
    slot = None if tracer is None else tracer.symnode_tracker.sym_node_dict.get(node)
    return None if slot is None else slot.force().node


def computed_by(
    node: fx.Node, shape_env: TorchShapeEnv, key: str = "val", defined: bool = False
) -> Expr | None:
    """What a node computes of symbols (with `defined`, of a condition: and that it can be
    computed); None if that cannot be read, or is a constant. The nodes of a graph have their
    values under a `key`."""
    from asserts.conditions.lift import Lifter
    from asserts.dialects.torch.answers.graph import TorchDialect
    from asserts.dialects.torch.symbols.shape_env import TorchEnv

    # (Symbols of one name and kind are one object, so any environment can read them.)
    lifter = Lifter(fx.Graph(), TorchDialect(TorchEnv(None), key))
    found = lifter.condition_of(node) if defined else lifter.expr_of(node)
    if found is None or found.is_constant:
        return None
    return substitute(found, _renamed(shape_env, found))


def _renamed(shape_env: TorchShapeEnv, expr: Expr) -> dict[Expr, Expr]:
    """What symbols of an expression are called since an operation was traced again."""
    names = {old.name: new.name for old, new in shape_env.unbacked_renamings.items()}
    return {s: symbol(names[s.name], s.kind) for s in free_symbols(expr) if s.name in names}


def note_placed(shape_env: TorchShapeEnv, texts: Iterable[str]) -> None:
    """Remember the checks that some graph of this environment makes."""
    _PLACED.setdefault(shape_env, set()).update(texts)


def was_placed(shape_env: TorchShapeEnv, text: str) -> bool:
    """Whether an earlier graph made the check: when that is traced again, its values get
    other symbols, and its assert is there as a node."""
    return text in _PLACED.get(shape_env, ())


def _written_check(frame: FrameType | None) -> tuple[Location | None, FrameType] | None:
    """Where a check such as `torch._check` is written, and its frame; None for what operations
    check for themselves, which they also check at run time.

    With ``strict=True`` torch only reads the program's own code, and then runs the graph that
    it has made of it: there the node of the check knows the line.
    """
    check: FrameType | None = None
    for _ in range(12):
        if frame is None:
            return None
        name = frame.f_code.co_filename
        if not name.startswith(_TORCH):
            if check is None:
                return None
            if not is_internal(name):
                return _location(frame), check
            frame = frame.f_back  # (a wrapper around the check)
            continue
        if check is not None and name == _INTERPRETER and frame.f_code.co_name == "run_node":
            return _line_of(frame.f_locals["n"]), check
        is_check = name == _CHECKS and frame.f_code.co_name.startswith("_check")
        keeps = frame.f_code.co_name == "expect_true" or name == _INTERPRETER
        check = frame if is_check else check if keeps else None
        frame = frame.f_back
    return None


def _location(frame: FrameType) -> Location | None:
    """The line that runs; None of code that is made of a graph."""
    code = frame.f_code
    if code.co_filename.startswith("<eval_with_key"):
        return None
    return Location(code.co_filename, frame.f_lineno, code.co_name)


def _line_of(node: fx.Node) -> Location | None:
    """The line of the program that a node was made from."""
    from asserts.dialects.torch.symbols.lines import line_of

    found = line_of(node)
    return None if found is None else Location(found.file, found.line, found.function)


def _message(check: FrameType) -> str | None:
    return constant_text(check.f_locals.get("message", check.f_locals.get("msg")))


class Text(str):
    """The message of a check, and the function that returns it, which is what torch takes."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


def constant_text(message: object) -> str | None:
    """Text, or what a function returns that can only return this text: the user's code is
    not run for it."""
    if isinstance(message, str):
        return str(message)
    code = getattr(message, "__code__", None)
    if code is None or code.co_argcount or code.co_names or code.co_freevars:
        return None
    texts = [c for c in code.co_consts if isinstance(c, str)]
    return texts[0] if len(texts) == 1 and len(code.co_consts) <= 2 else None
