"""Branches of the user's that only tell something.

``if (target < 0).any(): warnings.warn(...)`` computes the same whichever way it goes, and what
is told while a program is traced is not in the program: it is left out.

Guarantees: the branch consists of calls of functions that tell, by their names, and there is
no other. Limits: a warning that the user has made an error of is not one in the program.
"""

from __future__ import annotations

import ast
from typing import Final

import sympy

from asserts.dialects.torch.export.questions import Answer, Question
from asserts.dialects.torch.symbols.growing import tracer_in_force

__all__ = ["TELLING", "untold"]

TELLING: Final = frozenset((
    "warnings.warn", "print", "rank_zero_warn", "rank_zero_info", "rank_zero_debug",
    *(f"{name}.{verb}"
      for name in ("logger", "logging", "log", "_logger", "LOGGER", "_log")
      for verb in ("debug", "info", "warning", "warning_once", "warning_advice", "error")),
))  # fmt: skip
"""How functions that tell something are called."""


def untold(question: Question) -> Answer | None:
    """The way past a branch that only tells something."""
    tested, asker = question.tested, question.asker
    site = None if asker is None else asker.site()
    if tested is None or site is None or tracer_in_force() is None:
        return None
    node: ast.AST = tested
    answer = False
    outer = site.parent(node)
    while isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not):
        node, answer = outer, not answer
        outer = site.parent(node)
    if not isinstance(outer, ast.If) or node is not outer.test or outer.orelse:
        return None
    if not all(map(_tells, outer.body)):
        return None
    return Answer(sympy.true if answer else sympy.false, "the branch only tells something")


def _tells(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    called = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(called, ast.Call) and ast.unparse(called.func) in TELLING
