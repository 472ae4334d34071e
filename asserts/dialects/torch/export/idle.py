"""Branches that leave a tensor as it is where they are not taken.

``if batch != ids.shape[0]: ids = ids.expand(batch, -1)`` is the same program for both answers:
where the condition does not hold, the tensor has those sizes already.

Guarantees: there is no other branch, and this one consists of such assignments, of names of
the function to themselves; the sizes are names, numbers, and ``.shape[k]`` and ``.size(k)`` of
names, which are read without running code of anybody's.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import torch

from asserts.dialects.torch.export.questions import Question
from asserts.dialects.torch.export.resolved import UnresolvedError, tested_by, value_of
from shapes.errors import ShapeproofError
from shapes.expr import BoolExpr, as_condition, conjunction, make
from shapes.facts import Fact
from shapes.prove import entails

__all__ = ["is_idle"]


def is_idle(question: Question, otherwise: BoolExpr) -> bool:
    """Whether the branch changes nothing where `otherwise` holds, the way that the program
    does not go."""
    found = tested_by(question)
    if found is None:
        return False
    tested, site, frame = found
    node: ast.AST = tested
    outer = site.parent(node)
    while isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not):
        node, outer = outer, site.parent(outer)
    if not isinstance(outer, ast.If) or node is not outer.test or outer.orelse:
        return False
    try:
        sizes = [pair for one in outer.body for pair in _expanded(one, frame)]
        claims = [as_condition(make("Eq", *_read(question, pair))) for pair in sizes]
        facts = question.symbols.env.facts.given(Fact(otherwise, "check"))
        return entails(facts, conjunction(*claims), "default") is not None
    except (UnresolvedError, ShapeproofError):
        return False


def _expanded(statement: ast.stmt, frame: Any) -> Iterator[tuple[Any, Any]]:
    """The sizes that a tensor has, and those that it is expanded to. Raises `UnresolvedError`
    for any other statement."""
    match statement:
        case ast.Assign(
            targets=[ast.Name(id=name)],
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id=read), attr="expand"),
                args=[*arguments], keywords=[],
            ),
        ) if name == read:  # fmt: skip
            tensor = value_of(ast.Name(read), frame)
            if type(tensor) is not torch.Tensor and not _is_fake(tensor):
                raise UnresolvedError(read)
            if tensor.dim() != len(arguments):
                raise UnresolvedError(name)
            wanted = [_size(one, frame) for one in arguments]
            yield from ((a, b) for a, b in zip(tensor.shape, wanted) if b is not None)
        case _:
            raise UnresolvedError(ast.unparse(statement))


def _is_fake(tensor: Any) -> bool:
    return isinstance(tensor, torch._subclasses.FakeTensor)


def _size(node: ast.expr, frame: Any) -> Any:
    """The value of a size; None if it is the tensor's own (-1)."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)):
            return None
        case ast.Constant(value=int(value)):
            return value
        case ast.Name():
            found = value_of(node, frame)
        case ast.Subscript(value=ast.Attribute(value=ast.Name() as name, attr="shape"),
                           slice=ast.Constant(value=int(k))):  # fmt: skip
            found = _size_of(name, k, frame)
        case ast.Call(func=ast.Attribute(value=ast.Name() as name, attr="size"),
                      args=[ast.Constant(value=int(k))], keywords=[]):  # fmt: skip
            found = _size_of(name, k, frame)
        case _:
            raise UnresolvedError(ast.unparse(node))
    if (type(found) is int and found >= 0) or isinstance(found, torch.SymInt):
        return found
    raise UnresolvedError(ast.unparse(node))


def _size_of(name: ast.Name, k: int, frame: Any) -> Any:
    tensor = value_of(name, frame)
    if not isinstance(tensor, torch.Tensor) or not -tensor.dim() <= k < tensor.dim():
        raise UnresolvedError(name.id)
    return tensor.shape[k]


def _read(question: Question, pair: tuple[Any, Any]) -> Iterator[Any]:
    for size in pair:
        found = question.symbols.value_of(size)
        if found is None:
            raise UnresolvedError(str(size))
        yield found
