"""Which expression of the user's code made torch ask for a value, and what stands around it.

The innermost frame of the user knows the instruction that runs, and Python which part of the
source it is for. Only that is noted when an error is raised; the source is read and parsed
when the message is read.

Limits: before Python 3.11, and where there is no source, only the line is known.
"""

from __future__ import annotations

import ast
import dis
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, takewhile
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

import torch

from shapes.base import shown_file

__all__ = ["Asker", "Site", "asker_of", "is_inline", "site_of", "statement_line", "tree_of"]


class Span(NamedTuple):
    """A part of a source file; columns count bytes, as Python's parser does."""

    line: int
    end_line: int
    column: int
    end_column: int


@dataclass(frozen=True)
class Asker:
    """The user's instruction that made torch ask."""

    file: str
    line: int
    function: str
    span: Span | None = None
    tests: bool = False
    """Whether it takes one way or the other by the truth of a value."""

    operation: Any = None
    """torch's operation that asks while it runs; None if Python itself asks."""

    of_number: bool = False
    """Whether a symbolic number is asked directly, rather than a tensor."""

    def __str__(self) -> str:
        return f"{shown_file(self.file)}:{self.line} in {self.function}"

    def site(self) -> Site | None:
        """What the source says there; None if that cannot be read."""
        return None if self.span is None else _site(self.file, self.span)


def is_inline(function: str) -> bool:
    """Whether the code is part of an expression (a comprehension, a lambda), so that no
    statement can stand in it."""
    return function.startswith("<") and function != "<module>"


# --------------------------------------------------------------------------- frames

_DIRECT: Final = frozenset((
    "__bool__", "__ceil__", "__float__", "__floor__", "__index__", "__int__", "__round__",
    "__trunc__",
))  # fmt: skip
"""What Python calls of a symbolic number for its value."""


def asker_of(is_users: Callable[[str], bool], dynamo: str) -> Asker | None:
    """The innermost instruction of the user, be it run by Python or by dynamo (whose
    interpreter is in the file `dynamo`)."""
    operation = None
    inner: FrameType | None = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_filename == dynamo:
            interpreted = _interpreted(frame, operation, is_users)
            if interpreted is not None:
                return interpreted
        elif is_users(code.co_filename):
            where = (code.co_filename, frame.f_lineno, code.co_name)
            test, span = _tested(frame, inner)
            direct = inner is not None and inner.f_code.co_name in _DIRECT
            return Asker(*where, span, test, operation, direct)
        called = frame.f_locals.get("func")
        operation = called if isinstance(called, torch._ops.OpOverload) else operation
        inner, frame = frame, frame.f_back
    return None


def _interpreted(
    frame: FrameType, operation: Any, is_users: Callable[[str], bool]
) -> Asker | None:
    interpreter = frame.f_locals.get("self")
    instruction = getattr(interpreter, "current_instruction", None)
    code = getattr(interpreter, "f_code", None)
    if interpreter is None or instruction is None or code is None:
        return None
    if not is_users(code.co_filename):
        return None
    where = (code.co_filename, interpreter.lineno, code.co_name)
    test = _is_test(instruction.opname)
    span = _whole(instruction.positions)
    if test:  # (dynamo counts offsets anew)
        at = interpreter.instruction_pointer - 1
        known = at > 0 and interpreter.instructions[at] is instruction
        span = _tested_by(interpreter.instructions[: at + 1]) if known else None
    return Asker(*where, span, test, operation, True)


def _tested(frame: FrameType, inner: FrameType | None) -> tuple[bool, Span | None]:
    """Whether a frame takes one way or the other by the truth of a value; and which part of
    the source is evaluated, or tested."""
    code, at = frame.f_code, frame.f_lasti
    name = dis.opname[code.co_code[at]] if at >= 0 else ""
    if _is_test(name):
        found = dis.get_instructions(code)
        return True, _tested_by([*takewhile(lambda one: one.offset <= at, found)])
    compares = name == "COMPARE_OP" and sys.version_info >= (3, 13)
    return compares and _takes_truth(code.co_code[at + 1], inner), _span(code, at)


def _is_test(instruction: str) -> bool:
    return "JUMP" in instruction or instruction in ("UNARY_NOT", "TO_BOOL")


_OF_TRUTH: Final = 16
"""The part of the argument of a comparison, since Python 3.13, by which it goes on to ask for
the truth of what it has computed."""

_READING: Final = frozenset(("__bool__", "_local_scalar_dense", "item"))
"""How a truth is asked for: by name, as a method or as an operation."""


def _takes_truth(argument: int, inner: FrameType | None) -> bool:
    """Whether a comparison is at the truth of its result, not at comparing: by the function
    that it has called."""
    if not argument & _OF_TRUTH or inner is None:
        return False
    called = getattr(inner.f_locals.get("func"), "__name__", inner.f_code.co_name)
    return str(called).partition(".")[0] in _READING


def _span(code: CodeType, at: int) -> Span | None:
    positions = getattr(code, "co_positions", None)
    if positions is None or at < 0:
        return None
    return _whole(next(islice(positions(), at // 2, None), None))


def _tested_by(instructions: Sequence[Any]) -> Span | None:
    """The part whose value the last of these instructions tests: one before it has computed
    that. (Of the last operand of ``or``, Python 3.11 says that the test is at the first.)"""
    *before, test = instructions
    while before and before[-1].opname in ("COPY", "TO_BOOL"):
        test = before.pop()
    if not before or "JUMP" in before[-1].opname:
        return None
    computed = getattr(before[-1], "positions", None)
    if computed is None or before[-1].opname.count("_FAST") > 1:
        # (Python 3.13 makes one of two instructions, which says where the first one was.)
        return _whole(test.positions) if test.opname == "TO_BOOL" else None
    return _whole(computed)


def _whole(position: Any) -> Span | None:
    if position is None or None in tuple(position):
        return None
    return Span(*position)


# --------------------------------------------------------------------------- source


class _Parsed:
    """A source file, and what each of its nodes stands in."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.parents: dict[ast.AST, ast.AST] = {}
        self._placed: list[ast.expr | ast.stmt] = []  # (what is inside comes later)
        self._within: dict[Span, ast.AST | None] = {}
        for node in ast.walk(self.tree):
            self.parents.update(dict.fromkeys(ast.iter_child_nodes(node), node))
            if isinstance(node, (ast.expr, ast.stmt)):
                self._placed.append(node)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, from the inside."""
        while (outer := self.parents.get(node)) is not None:
            yield outer
            node = outer

    def within(self, span: Span) -> ast.AST | None:
        """The smallest node that has all of a part of the source."""
        if span not in self._within:  # (each operation of a side asks)
            start, end = (span.line, span.column), (span.end_line, span.end_column)
            self._within[span] = next(
                (
                    node for node in reversed(self._placed)
                    if (node.lineno, node.col_offset) <= start and _end(node) >= end
                ),
                None,
            )  # fmt: skip
        return self._within[span]


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


@lru_cache(maxsize=8)
def _parsed(text: str) -> _Parsed | None:
    try:
        return _Parsed(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _source(file: str) -> _Parsed | None:
    text = "".join(linecache.getlines(file))
    return _parsed(text) if text else None


def tree_of(file: str) -> ast.AST | None:
    """What is written in a source file; None if that cannot be read."""
    source = _source(file)
    return None if source is None else source.tree


def statement_line(file: str, line: int) -> int:
    """The first line of the statement that a line belongs to, before which another statement
    can stand: not inside of brackets, nor before an ``elif``."""
    source = _source(file)
    if source is None:
        return line
    found: ast.stmt | None = None
    for node in ast.walk(source.tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= _end(node)[0]:
            found = node
    if found is None:
        return line
    while (outer := _if_before(source, found)) is not None:
        found = outer
    return found.lineno


def _if_before(source: _Parsed, statement: ast.stmt) -> ast.If | None:
    """The statement whose ``elif`` this is."""
    outer = source.parents.get(statement)
    if not isinstance(statement, ast.If) or not isinstance(outer, ast.If):
        return None
    text = ast.get_source_segment(source.text, statement) or ""
    return outer if outer.orelse == [statement] and text.startswith("elif") else None


def site_of(frame: FrameType) -> Site | None:
    """The part of the source that a frame is at; None if that cannot be read."""
    span = _span(frame.f_code, frame.f_lasti)
    return None if span is None else _site(frame.f_code.co_filename, span)


def _site(file: str, span: Span) -> Site | None:
    source = _source(file)
    node = None if source is None else source.within(span)
    return None if source is None or node is None else Site(source, node)


_LOOPED: Final = frozenset(
    ("range", "list", "tuple", "set", "zip", "enumerate", "iter", "map", "sum", "reversed")
)
"""Functions that take one turn for each item."""

_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Site:
    """A part of the user's source that is evaluated."""

    def __init__(self, source: _Parsed, node: ast.AST) -> None:
        self._source = source
        self.node = node

    @property
    def text(self) -> str:
        """How it is written, on one line: of a loop, what it goes over."""
        node = self.node.iter if isinstance(self.node, ast.For) else self.node
        return self.text_of(node.test if isinstance(node, (ast.If, ast.While)) else node)

    def text_of(self, node: ast.AST) -> str:
        """How a part of it is written, on one line."""
        return ast.unparse(node)

    def called(self) -> tuple[str, list[ast.expr]]:
        """The function that is called, as it is written, and its arguments; else nothing."""
        if not isinstance(self.node, ast.Call) or self.node.keywords:
            return "", []
        return ast.unparse(self.node.func), self.node.args

    def around(self) -> Iterator[ast.AST]:
        """The node and what it stands in, from the inside, within its function."""
        node: ast.AST | None = self.node
        while node is not None:
            yield node
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                return
            node = self._source.parents.get(node)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """What a node of the same file stands in."""
        return self._source.parents.get(node)

    @property
    def tree(self) -> ast.AST:
        """The whole file."""
        return self._source.tree

    @property
    def turns(self) -> bool:
        """Whether this is a loop whose number of turns is asked for."""
        node = self.node
        looped = isinstance(node, (ast.For, ast.While, *_COMPREHENSIONS))
        if looped or self.called()[0] in _LOOPED:
            return True
        outer = self._source.parents.get(node)
        if isinstance(outer, ast.Call):
            return self.called()[0] == "len" and ast.unparse(outer.func) in _LOOPED
        if isinstance(outer, (ast.For, ast.comprehension)):
            return node is outer.iter
        return isinstance(outer, ast.While) and node is outer.test

    @property
    def repeated(self) -> bool:
        """Whether it stands in a loop of its function."""
        for outer in self._source.around(self.node):
            if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                return False
            if isinstance(outer, (ast.For, ast.While, *_COMPREHENSIONS)):
                return True
        return False

    def tested(self) -> ast.expr | None:
        """The value whose truth decides, if it is certain which one that is, and if it can be
        read before the statement it stands in."""
        node = self._decisive()
        if not isinstance(node, ast.expr) or isinstance(node, (ast.BoolOp, *_COMPREHENSIONS)):
            return None
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            return None
        return node if self._in_reach(node) else None

    def chain(self) -> ast.Compare | None:
        """The comparison of more than two values, some two of which are tested."""
        node = self._decisive()
        return node if isinstance(node, ast.Compare) and len(node.ops) > 1 else None

    def _decisive(self) -> ast.AST:
        """What decides, without what negates it."""
        node = self.node
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            node = node.test
        elif self.called()[0] == "bool" and len(self.called()[1]) == 1:
            node = self.called()[1][0]
        while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            node = node.operand
        return node

    def _in_reach(self, node: ast.expr) -> bool:
        """Whether all names have their values before the statement already."""
        inner = list(ast.walk(node))
        if any(isinstance(one, (ast.NamedExpr, ast.Await, ast.Yield)) for one in inner):
            return False
        used = {one.id for one in inner if isinstance(one, ast.Name)}
        for outer in self._source.around(node):
            if isinstance(outer, ast.stmt):
                break
            if isinstance(outer, ast.Lambda):
                return False
            if isinstance(outer, _COMPREHENSIONS):
                targets = [name for one in outer.generators for name in ast.walk(one.target)]
                if used & {one.id for one in targets if isinstance(one, ast.Name)}:
                    return False
        return True

    def unused(self, name: str) -> str:
        """The name, or a longer one, that the file does not use."""
        used = {one.id for one in ast.walk(self._source.tree) if isinstance(one, ast.Name)}
        while name in used:
            name += "_"
        return name
