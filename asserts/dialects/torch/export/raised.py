"""Checks that the user wrote as ``if bad: raise ...`` or ``assert ...``.

On a value that is known at run time only, such a statement is a run-time assert with its own
message: the program stops exactly where the eager one raises, so nothing is assumed.

Guarantees: one of the answers leads to the ``raise`` whatever else the statement tests, and
nothing of the user's catches it on the way out. Limits: the source must be readable; not with
``strict=True``, where dynamo reads the program.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Final, NamedTuple

import sympy
import torch

from asserts.dialects.torch.export.advice import is_users
from asserts.dialects.torch.export.asking import Site, site_of
from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.symbols.growing import tracer_in_force
from shapes.expr import BoolExpr, negation

__all__ = ["checked"]

_EXPORT: Final = os.path.join(os.path.dirname(torch.__file__), "export", "")


_PROTOCOLS: Final = ("AttributeError", "IndexError", "KeyError", "StopIteration")
"""Exceptions that Python itself may catch: of a loop, say, that asks for items."""

_PASSING_ON: Final = re.compile(
    r"(torch|warnings)\.[\w.]*\(|"
    r"(\w+\.)?(nullcontext|autocast|maybe_autocast|no_grad|record_function|open)\("
)
"""Contexts that let every exception out."""


class _Stop(NamedTuple):
    """The truth of the asked condition that makes the program raise, what it says then, and
    the name of the exception."""

    when: bool
    message: str
    raised: str = "AssertionError"


def checked(question: Question) -> Answer | None:
    """The answer with which the program goes on, if the other one makes it raise."""
    claim, asker = question.claim, question.asker
    if not isinstance(claim, BoolExpr) or asker is None or tracer_in_force() is None:
        return None
    site = asker.site()
    stop = None if site is None else _stop(question, site)
    if stop is None or stop.raised in _PROTOCOLS or any(
        _catches(one, stop.raised) for one in _running(sys._getframe(1))
    ):
        return None
    holds = sympy.Not(question.asked) if stop.when else question.asked
    needed = question.spelled(negation(claim) if stop.when else claim)
    message = stop.message or f"`{needed}` does not hold"
    if not question.require(holds, message):
        return None
    answer = sympy.false if stop.when else sympy.true
    reason = f"the program's own check of `{needed}`, made at run time"
    return Answer(answer, reason, message=message)


def _stop(question: Question, site: Site) -> _Stop | None:
    if site.called()[0] in _ASSERTING and isinstance(site.node, ast.Call):
        return _asserted(site.node, {True: True, False: False})
    if question.tested is None:
        return None
    outcome: dict[bool, bool | None] = {True: True, False: False}
    node: ast.AST = question.tested
    while (outer := site.parent(node)) is not None:
        if isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not):
            outcome = {v: None if o is None else not o for v, o in outcome.items()}
        elif isinstance(outer, ast.BoolOp):
            outcome = _combined(outer, node, outcome)
        elif isinstance(outer, (ast.If, ast.Assert)) and node is outer.test:
            return _stopping(outer, outcome)
        elif isinstance(outer, ast.Call) and node in outer.args[:1]:
            name = site.text_of(outer.func)
            if name in _ASSERTING:
                return _asserted(outer, outcome)
            if name != "bool":
                return None
        else:
            return None
        node = outer
    return None


_ASSERTING: Final = ("torch._assert", "_assert")


def _asserted(call: ast.Call, outcome: dict[bool, bool | None]) -> _Stop | None:
    """What a function that asserts its first argument comes to."""
    message = _text(call.args[1]) if len(call.args) > 1 else ""
    return next((_Stop(when, message) for when, one in outcome.items() if one is False), None)


def _combined(
    outer: ast.BoolOp, node: ast.AST, outcome: dict[bool, bool | None]
) -> dict[bool, bool | None]:
    """What a conjunction or disjunction comes to, whose operands before this one left it
    open."""
    if node is outer.values[-1]:
        return outcome
    decisive = isinstance(outer.op, ast.Or)
    return {v: o if o is decisive else None for v, o in outcome.items()}


def _stopping(
    statement: ast.If | ast.Assert, outcome: dict[bool, bool | None]
) -> _Stop | None:
    for when, result in outcome.items():
        if isinstance(statement, ast.Assert):
            if result is False:
                return _Stop(when, "" if statement.msg is None else _text(statement.msg))
        elif result is not None:
            raised = _raise(statement.body if result else statement.orelse)
            if raised is not None:
                return _Stop(when, _raised_text(raised), _raised_name(raised))
    return None


def _raise(body: list[ast.stmt]) -> ast.Raise | None:
    """The ``raise`` that the statements come to in any case."""
    if not body or not isinstance(body[-1], ast.Raise):
        return None
    plain = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)
    return body[-1] if all(isinstance(one, plain) for one in body[:-1]) else None


def _raised_text(raised: ast.Raise) -> str:
    error = raised.exc
    if isinstance(error, ast.Call) and error.args:
        return _text(error.args[0])
    return "" if error is None else ast.unparse(error)


def _raised_name(raised: ast.Raise) -> str:
    error = raised.exc.func if isinstance(raised.exc, ast.Call) else raised.exc
    return "" if error is None else ast.unparse(error)


def _text(node: ast.expr) -> str:
    """A message as far as it is written in the source."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_part, node.values))
    return ast.unparse(node)


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.FormattedValue):
        return f"{{{ast.unparse(node.value)}}}"
    return _text(node)


def _running(frame: FrameType | None) -> Iterator[FrameType]:
    """The user's functions that are traced."""
    while frame is not None and not frame.f_code.co_filename.startswith(_EXPORT):
        if is_users(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def _catches(frame: FrameType, raised: str) -> bool:
    """Whether the function may catch what is raised where it is."""
    site = site_of(frame)
    if site is None:
        return True
    inner: ast.AST | None = None
    for node in site.around():
        if isinstance(node, ast.Try):
            if any(isinstance(one, ast.Return) for one in node.finalbody):
                return True
            if inner in node.body and any(_takes(one, raised) for one in node.handlers):
                return True
        elif isinstance(node, ast.With) and not all(map(_passes_on, node.items)):
            return True
        inner = node
    return False


def _takes(handler: ast.ExceptHandler, raised: str) -> bool:
    """Whether the program may go on behind a handler."""
    if _raise(handler.body) is not None:
        return False
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    error = getattr(builtins, raised, None)
    for kind in kinds:
        caught = getattr(builtins, ast.unparse(kind), None)
        if not isinstance(error, type) or not isinstance(caught, type):
            return True  # (who knows what these are)
        if issubclass(error, caught):
            return True
    return False


def _passes_on(item: ast.withitem) -> bool:
    return _PASSING_ON.match(ast.unparse(item.context_expr)) is not None
