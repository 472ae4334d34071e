"""Operands of ``and`` and ``or`` beside which another one decides.

``causal = n > 1 and mask is None and self.causal`` is false where ``self.causal`` is,
whatever is answered to ``n > 1``.

Guarantees: the operands up to the one that decides are constants, names and attributes that
are kept as such, ``not`` and comparisons by identity of them, and whether a program is traced
(``torch.compiler.is_compiling()``): reading them changes nothing, and cannot raise. Where the
value is not only tested, it is the same one: of ``n or True`` it is not.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import Any, Final

import torch

from asserts.dialects.torch.export.asking import Site
from asserts.dialects.torch.export.questions import Question
from asserts.dialects.torch.export.resolved import UnresolvedError, known, tested_by, value_of

__all__ = ["makes_no_difference"]

_PLAIN: Final = (bool, type(None), int, float, str)
"""Kinds of values that say what their truth is without running anybody's code."""


_COMPILING: Final = (
    "torch.compiler.is_compiling", "transformers.utils.import_utils.is_torchdynamo_compiling",
)  # fmt: skip
"""Functions that say that a program is traced."""


def makes_no_difference(question: Question) -> bool:
    """Whether the expression that is tested comes to the same whichever way it is answered."""
    found = tested_by(question)
    if found is None:
        return False
    tested, site, frame = found
    node: ast.expr = tested
    with suppress(UnresolvedError):
        while isinstance(outer := site.parent(node), ast.expr):
            if isinstance(outer, ast.BoolOp):
                if _decides(outer, node, frame, _is_tested(site, outer)):
                    return True
            elif not (isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not)):
                return False
            node = outer
    return False


def _decides(outer: ast.BoolOp, node: ast.expr, frame: Any, is_tested: bool) -> bool:
    """Whether an operand behind that one makes the whole what it is: false of ``and``. Raises
    `UnresolvedError` if one up to it may do something, which the other way would not."""
    decisive = isinstance(outer.op, ast.Or)
    for operand in outer.values[outer.values.index(node) + 1 :]:
        value = _value(operand, frame)
        if not isinstance(value, _PLAIN):
            raise UnresolvedError(ast.unparse(operand))
        if bool(value) is decisive:
            return is_tested or (value is decisive and _is_truth(node))
    return False


def _is_truth(node: ast.expr) -> bool:
    """Whether the value of an operand is its truth, not a number that has one."""
    if isinstance(node, ast.BoolOp):
        return all(map(_is_truth, node.values))
    return isinstance(node, ast.Compare) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _is_tested(site: Site, node: ast.AST) -> bool:
    """Whether only the truth of an expression is used."""
    outer = site.parent(node)
    if isinstance(outer, ast.BoolOp):
        return _is_tested(site, outer)
    if isinstance(outer, ast.UnaryOp):
        return isinstance(outer.op, ast.Not)
    return isinstance(outer, (ast.If, ast.IfExp, ast.While, ast.Assert)) and node is outer.test


def _value(node: ast.AST, frame: Any) -> Any:
    """The value of an operand; raises `UnresolvedError` if it is not certain."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        value = _value(node.operand, frame)
        if isinstance(value, _PLAIN):
            return not value
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        operator, right = node.ops[0], node.comparators[0]
        if isinstance(operator, (ast.Is, ast.IsNot)):
            same = _value(node.left, frame) is _value(right, frame)
            return same is isinstance(operator, ast.Is)
    elif isinstance(node, ast.Call) and not (node.args or node.keywords):
        called = value_of(node.func, frame)
        if any(called is known(name) for name in _COMPILING) and torch.compiler.is_compiling():
            return True
    elif isinstance(node, (ast.Name, ast.Attribute)):
        return value_of(node, frame)
    raise UnresolvedError(ast.unparse(node))
