"""Branches of the user's that only tell something.

``if (target < 0).any(): warnings.warn(...)`` computes the same whichever way it goes, and what
is told while a program is traced is not in the program: it is left out.

Guarantees: there is no other branch, and this one consists of calls of functions that
tell (see `tellers`); their arguments change nothing, and cannot raise; where it is told to is
what it was when the trace began. Limits: a warning that was made an error of before that is
not one in the program.
"""

from __future__ import annotations

import ast
from types import FrameType

import sympy

from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.export.resolved import tested_by
from asserts.dialects.torch.export.tellers import is_told
from asserts.dialects.torch.export.traces import trace_in_force
from asserts.dialects.torch.symbols.growing import tracer_in_force

__all__ = ["untold"]

def untold(question: Question) -> Answer | None:
    """The way past a branch that only tells something."""
    found, trace = tested_by(question), trace_in_force()
    if found is None or tracer_in_force() is None:
        return None
    tested, site, frame = found
    node: ast.AST = tested
    answer = False
    outer = site.parent(node)
    while isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not):
        node, answer = outer, not answer
        outer = site.parent(node)
    if not isinstance(outer, ast.If) or node is not outer.test or outer.orelse:
        return None
    if trace is None or not trace.places.are_the_same():
        return None
    if not all(_only_tells(one, frame) for one in outer.body):
        return None
    return Answer(sympy.true if answer else sympy.false, "the branch only tells something")


def _only_tells(statement: ast.stmt, frame: FrameType) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    called = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(called, ast.Call) and is_told(called, frame)
