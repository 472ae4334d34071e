"""Checks that the user wrote as ``if bad: raise ...`` or ``assert ...``.

On a value that is known at run time only, such a statement is a run-time assert with its own
message: the program stops exactly where the eager one raises, so nothing is assumed.

Guarantees: one of the answers leads to the ``raise`` whatever else the statement tests, by way
of nothing that changes anything, and the exception leaves the model (see `leaving`). Limits:
the source must be readable; with ``strict=True``, those of `jumps`.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from types import FrameType
from typing import Any, NamedTuple

import sympy
import torch

from asserts.dialects.torch.export.asking import Site
from asserts.dialects.torch.export.harmless import Reader
from asserts.dialects.torch.export.interpreted import Interpreted
from asserts.dialects.torch.export.jumps import check_interpreted
from asserts.dialects.torch.export.leaving import CHECKING, Raised, leaves, stopping
from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.export.resolved import UnresolvedError, frame_of, value_of
from asserts.dialects.torch.export.unordered import orders_floats
from asserts.dialects.torch.export.written import (
    has_written,
    replaces_state,
    require_here,
    require_not,
)
from asserts.dialects.torch.symbols.growing import tracer_in_force
from shapes.expr import BoolExpr, negation

__all__ = ["OwnCheck", "checked", "own_check"]


class OwnCheck(NamedTuple):
    """A check that the program makes by a branch: the truth of the asked condition with which
    it `goes_on`, and its message; `reason` says of what."""

    goes_on: bool
    message: str
    reason: str


class _Stop(NamedTuple):
    """The truth of the asked condition that makes the program raise, what it says then, and
    the class of the exception, if that is certain."""

    when: bool
    message: str
    raised: Raised


def checked(question: Question) -> Answer | None:
    """The answer with which the program goes on, if the other one makes it raise."""
    found, frame = own_check(question), frame_of(question.asker)
    if found is None or frame is None:
        return None
    if not _is_made(question, found.goes_on, found.message, frame):
        return None
    answer = sympy.true if found.goes_on else sympy.false
    return Answer(answer, found.reason, message=found.message)


def own_check(question: Question) -> OwnCheck | None:
    """The check that the asked condition is part of; None if it is of none."""
    claim, asker = question.claim, question.asker
    if not isinstance(claim, BoolExpr) or asker is None:
        return None
    site = asker.site()
    frame = frame_of(asker)
    if tracer_in_force() is None and not isinstance(frame, Interpreted):
        return None
    if site is None or frame is None:
        return None
    stop = _stop(question, site, frame)
    if stop is None or not leaves(frame, stop.raised):
        return None
    needed = question.spelled(negation(claim) if stop.when else claim)
    message = stop.message or f"`{needed}` does not hold"
    reason = f"the program's own check of `{needed}`, made at run time"
    return OwnCheck(not stop.when, message, reason)


def _is_made(question: Question, when: bool, message: str, frame: FrameType) -> bool:
    """Make a run-time assert of it that the asked condition has a truth; False if eager mode
    would leave something else behind, or it contradicts what is known."""
    unordered = not when and orders_floats(question.asked)
    if isinstance(frame, Interpreted):
        return check_interpreted(frame, when, message, unordered)
    if replaces_state():
        return False
    if unordered:
        return require_not(question, message)
    if has_written():
        return require_here(question, when, message)
    return question.require(question.asked if when else sympy.Not(question.asked), message)


def _stop(question: Question, site: Site, frame: FrameType) -> _Stop | None:
    if isinstance(site.node, ast.Call) and _is(site.node.func, torch._assert, frame):
        return _asserted(site.node, {True: True, False: False}, frame)
    node: ast.AST | None = question.tested
    outcome: dict[bool, bool | None] = {True: True, False: False}
    if node is None and question.asker is not None and question.asker.tests:
        node, outcome[True] = site.chain(), None  # (whichever two are compared)
    if node is None:
        return None
    while (outer := site.parent(node)) is not None:
        if isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not):
            outcome = {v: None if o is None else not o for v, o in outcome.items()}
        elif isinstance(outer, ast.BoolOp):
            outcome = _combined(outer, node, outcome)
        elif isinstance(outer, (ast.If, ast.Assert)) and node is outer.test:
            return _stopping(outer, outcome, frame)
        elif isinstance(outer, ast.Call) and node in outer.args[:1]:
            if _raised_by(outer.func, frame) is not None:
                return _asserted(outer, outcome, frame)
            if not _is(outer.func, bool, frame):
                return None
        elif isinstance(outer, ast.Assign) and node is outer.value:
            outer = _first_tested(outer, site)
            if outer is None:
                return None
        else:
            return None
        node = outer
    return None


def _first_tested(assigned: ast.Assign, site: Site) -> ast.Name | None:
    """The variable that gets a truth, where the next statement tests it before anything
    else."""
    target, block = assigned.targets[0], _block(site.parent(assigned), assigned)
    if len(assigned.targets) > 1 or not isinstance(target, ast.Name) or block is None:
        return None
    at = block.index(assigned) + 1
    after = block[at] if at < len(block) else None
    tested: ast.AST | None = after.test if isinstance(after, (ast.If, ast.Assert)) else None
    while isinstance(tested, (ast.UnaryOp, ast.BoolOp)):
        tested = tested.operand if isinstance(tested, ast.UnaryOp) else tested.values[0]
    return tested if isinstance(tested, ast.Name) and tested.id == target.id else None


def _block(outer: ast.AST | None, statement: ast.stmt) -> list[ast.stmt] | None:
    """The statements among which one stands."""
    for name in ("body", "orelse", "finalbody"):
        found = getattr(outer, name, None)
        if isinstance(found, list) and statement in found:
            return found
    return None


def _raised_by(node: ast.AST, frame: FrameType) -> type[Exception] | None:
    with suppress(UnresolvedError):
        called = value_of(node, frame)
        return next((kind for function, kind in CHECKING if called is function), None)
    return None


def _is(node: ast.AST, function: Any, frame: FrameType) -> bool:
    """Whether a name stands for a function where the user's code runs."""
    with suppress(UnresolvedError):
        return value_of(node, frame) is function
    return False


def _asserted(
    call: ast.Call, outcome: dict[bool, bool | None], frame: FrameType
) -> _Stop | None:
    """What a function that asserts its first argument comes to."""
    if len(call.args) > 2 or call.keywords:
        return None
    raised = _raised_by(call.func, frame)
    told = call.args[1] if len(call.args) > 1 else None
    if isinstance(told, ast.Lambda):
        told = told.body
    message = "" if told is None else _text(told)
    stops = [when for when, one in outcome.items() if one is False]
    return _Stop(stops[0], message, raised) if stops else None


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
    statement: ast.If | ast.Assert, outcome: dict[bool, bool | None], frame: FrameType
) -> _Stop | None:
    for when, result in outcome.items():
        if isinstance(statement, ast.Assert):
            if result is False:
                return _stop_of_assert(when, statement.msg, frame)
        elif result is not None:
            found = stopping(statement.body if result else statement.orelse, frame)
            if found is not None:
                return _Stop(when, _raised_text(found.statement), found.raised)
    return None


def _stop_of_assert(when: bool, message: ast.expr | None, frame: FrameType) -> _Stop | None:
    reader = Reader(frame)
    if message is None:
        return _Stop(when, "", AssertionError)
    with suppress(UnresolvedError):
        reader.read(message)
        return _Stop(when, _text(message), AssertionError if reader.total else None)
    return None


def _raised_text(raised: ast.Raise) -> str:
    error = raised.exc
    if isinstance(error, ast.Call) and error.args:
        return _text(error.args[0])
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
