"""Control flow of a function, rewritten as calls, so that both sides can be traced.

``if test: a = f(b)`` becomes

    def yes(a): a = f(b); return (a,)
    def no(a): return (a,)
    a, = SIDES(test, yes, no, names of variables, ...)

and ``for x in rows: ...`` a call with the body as a function; what is called decides whether
it does as Python does, or traces more than the side that is taken (see `branches`). Only the
statements that are asked for are rewritten; what a function computes stays the same.

Limits: a statement that cannot be a function (``break``, ``yield``, a name that is global, a
``return`` where more follows than what stands beside it) is refused, with the reason.
"""

from __future__ import annotations

import ast
import copy
import linecache
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any, Final

__all__ = [
    "CALLED", "RefusedError", "Where", "function_at", "preceded", "rewritten", "where_of",
]  # fmt: skip

CALLED: Final = {
    "sides": "_shapeproof_sides",
    "turns": "_shapeproof_turns",
    "range": "_shapeproof_range",
    "enumerate": "_shapeproof_enumerate",
    "tolist": "_shapeproof_tolist",
}
"""The names by which rewritten code calls what decides."""

_OURS: Final = "_shapeproof_"

Where = tuple[int, int]
"""Line and column of a statement, or of a conditional expression."""

Function = ast.FunctionDef
Statements = list[ast.stmt]


class RefusedError(Exception):
    """A statement that cannot be rewritten; the text says why."""


def where_of(node: ast.stmt | ast.expr) -> Where:
    """What identifies a node of a file."""
    return node.lineno, node.col_offset


def function_at(code: CodeType) -> Function:
    """The definition that a code object was compiled from, as a copy."""
    text = "".join(linecache.getlines(code.co_filename))
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise RefusedError("its source cannot be read") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            lines = {node.lineno, *(one.lineno for one in node.decorator_list)}
            if code.co_firstlineno in lines:
                return copy.deepcopy(node)
    raise RefusedError("it is not in a function with a name")


def rewritten(code: CodeType, sites: frozenset[Where]) -> CodeType:
    """The code of the function with the statements at `sites` as calls. Raises
    `RefusedError`."""
    function = _changeable(code)
    _Rewriting(function, sites).run()
    return _compiled(function, code)


def preceded(code: CodeType, line: int, added: Statements, tested: ast.expr | None,
             name: str) -> CodeType:  # fmt: skip
    """The code of the function with statements before the one that begins at a line, where an
    expression, if it is `tested`, is read from a variable. Raises `RefusedError`."""
    function = _changeable(code)
    found = next(((b, k) for b, k in _statements(function) if b[k].lineno == line), None)
    if found is None:
        raise RefusedError("no statement can stand there")
    block, at = found
    if tested is not None:
        block[at] = _Reading(where_of(tested), ast.dump(tested), name).visit(block[at])
    made = copy.deepcopy(added)
    for node in (inner for one in made for inner in ast.walk(one)):
        ast.copy_location(node, block[at])
    block[at:at] = made
    return _compiled(function, code)


def _changeable(code: CodeType) -> Function:
    """The definition of a function, to be changed and compiled in its place."""
    function = function_at(code)
    function.decorator_list = []
    # (The name mangling of classes would be lost.)
    if any(n.startswith("__") and not n.endswith("__") for n in _mangled(function)):
        raise RefusedError("the function uses private names of a class")
    return function


def _statements(root: ast.AST) -> Iterator[tuple[Statements, int]]:
    """Every statement: the list that has it, and its place there."""
    for node in ast.walk(root):
        for name in ("body", "orelse", "finalbody"):
            found = getattr(node, name, None)
            if isinstance(found, list):
                yield from ((found, k) for k in range(len(found)))


class _Reading(ast.NodeTransformer):
    """An expression at a place, read from a variable instead."""

    def __init__(self, where: Where, dumped: str, name: str) -> None:
        self.where, self.dumped, self.name = where, dumped, name

    def visit(self, node: ast.AST) -> Any:
        there = isinstance(node, ast.expr) and where_of(node) == self.where
        if there and ast.dump(node) == self.dumped:
            return ast.copy_location(ast.Name(self.name, ast.Load()), node)
        return self.generic_visit(node)


def _compiled(function: Function, code: CodeType) -> CodeType:
    """The code of a changed definition, to be put in the place of the original."""
    function.name = f"{_OURS}whole"  # (its own name within it is whatever it was)
    factory = ast.FunctionDef(
        name=f"{_OURS}made",
        args=_parameters(code.co_freevars),
        body=[function, ast.Return(ast.Name(function.name, ast.Load()))],
        decorator_list=[],
    )
    factory = ast.copy_location(factory, function)
    module = ast.fix_missing_locations(ast.Module([factory], []))
    flags = code.co_flags & _FUTURE
    compiled = compile(module, code.co_filename, "exec", flags=flags, dont_inherit=True)
    made = _inner(_inner(compiled, factory.name), function.name)
    if made.co_freevars != code.co_freevars:
        raise RefusedError("the function shares variables with others")
    return _renamed(made, code.co_name)


def _renamed(code: CodeType, name: str) -> CodeType:
    """The code whose own functions are called as the whole, as they are shown to people."""
    consts = (_renamed(c, name) if isinstance(c, CodeType) else c for c in code.co_consts)
    shown = name if code.co_name.startswith(_OURS) else code.co_name
    return code.replace(co_consts=tuple(consts), co_name=shown)


_FUTURE: Final = 0x1000000  # (annotations are not evaluated)


def _inner(code: CodeType, name: str) -> CodeType:
    return next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)


def _mangled(function: Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


# --------------------------------------------------------------------------- names


def _stored(nodes: Sequence[ast.AST]) -> list[str]:
    """The variables that the statements set, without those of comprehensions."""
    found: set[str] = set()
    for node in _within(nodes):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return sorted(found)


def _within(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """All nodes that run in the scope of the function itself."""
    for node in nodes:
        yield node
        if isinstance(node, _SCOPES):
            continue
        yield from _within(list(ast.iter_child_nodes(node)))


_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
                  *_COMPREHENSIONS)  # fmt: skip


def _loaded(nodes: Sequence[ast.AST]) -> set[str]:
    """The variables that are read, those that are updated in place among them."""
    found: set[str] = set()
    for root in nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return found


def _carried(body: Sequence[ast.stmt], names: Sequence[str]) -> set[str]:
    """Those of the names that the statements may read before they set them."""
    found: set[str] = set()
    settled: set[str] = set()
    for statement in body:
        found |= (_loaded([statement]) & set(names)) - settled
        if isinstance(statement, ast.Assign):
            settled |= set(_stored(statement.targets)) - _loaded([statement])
            continue
        # (what is set on some ways only has its old value on others)
        found |= set(_stored([statement])) - settled
    return found


# --------------------------------------------------------------------------- statements


class _Rewriting:
    def __init__(self, function: Function, sites: frozenset[Where]) -> None:
        self.function = function
        self.sites = sites
        self.left = set(sites)
        arguments = function.args
        self.parameters = {
            a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        }

    def run(self) -> None:
        self.function.body = self.block(self.function.body, "return")
        if self.left:
            raise RefusedError("it stands in a statement of another kind")

    def block(self, statements: Statements, end: str) -> Statements:
        """The statements, rewritten. `end` is what happens behind the last one: the function
        returns, the next turn of a loop begins ("continue"), or something else ("")."""
        out: Statements = []
        for k, one in enumerate(statements):
            rest = statements[k + 1 :]
            if isinstance(one, ast.If) and where_of(one) in self.sites:
                self.left.discard(where_of(one))
                leaving = _leaves(one)
                if "break" in leaving:
                    raise RefusedError("it leaves a loop")
                if leaving - {end}:
                    raise RefusedError(f"it has a `{min(leaving)}` beside which more follows")
                if leaving:
                    return out + self.ending(one, rest, end)
                out += self.branching(one, one.body, one.orelse, "")
            elif isinstance(one, ast.For) and where_of(one) in self.sites:
                self.left.discard(where_of(one))
                out += self.looping(one)
            else:
                out.append(self.other(one, end if not rest else ""))
        return out

    def other(self, one: ast.stmt, end: str) -> ast.stmt:
        """A statement that stays as it is, but for what is in it."""
        if isinstance(one, ast.If):
            one.body, one.orelse = self.block(one.body, end), self.block(one.orelse, end)
        elif isinstance(one, ast.With):
            one.body = self.block(one.body, end)
        elif isinstance(one, (ast.For, ast.While)):
            one.body = self.block(one.body, "continue")
            one.orelse = self.block(one.orelse, "")
        elif isinstance(one, ast.Try):
            one.body, one.orelse = self.block(one.body, ""), self.block(one.orelse, "")
        elif not isinstance(one, (*_SCOPES, ast.Match)):
            rewritten: ast.stmt = _Expressions(self).visit(one)
            return rewritten
        return one

    def ending(self, one: ast.If, rest: Statements, end: str) -> Statements:
        """An ``if`` with a side behind which nothing of the list comes: what follows the
        other belongs to that one."""
        def whole(side: Statements) -> Statements:
            joined = side if _ends(side) else side + copy.deepcopy(rest)
            last = joined[-1:] if end == "continue" else []
            return joined[:-1] if last and isinstance(last[0], ast.Continue) else joined

        yes, no = whole(one.body), whole(one.orelse)
        if end == "continue" and {"continue"} & (_leaves_in(yes) | _leaves_in(no)):
            raise RefusedError("it has a `continue` within another statement")
        return self.branching(one, yes, no, end, inside=[one, *rest])

    def branching(
        self,
        one: ast.If,
        yes: Statements,
        no: Statements,
        end: str,
        inside: Sequence[ast.stmt] | None = None,
    ) -> Statements:
        test: ast.expr = one.test
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, yes, no = test.operand, no, yes
        inside = inside or [one]
        _require_plain([*yes, *no])
        names = _stored([*yes, *no])
        kept = [] if end == "return" else self.kept(names, inside, [yes, no])
        returned = [] if end == "return" else [_returned(kept)]
        line, column = where_of(one)
        made = []
        for side, body in (("yes", yes), ("no", no)):
            inner = "return" if end == "return" else ""
            statements = [*self.block(list(body), inner), *copy.deepcopy(returned)]
            made.append(_function(f"{_OURS}{side}_{line}_{column}", names, statements, one))
        options = [ast.Name(def_.name, ast.Load()) for def_ in made]
        call = _called("sides", one, [test, *options], names)
        if end == "return":
            return [*made, _at(ast.Return(call), one)]
        return [*made, _assigned(kept, call, one)]

    def looping(self, one: ast.For) -> Statements:
        if one.orelse:
            raise RefusedError("the loop has an `else`")
        if {"break", "return"} & _leaves(one):
            raise RefusedError("the loop is left before its end")
        _require_plain(one.body)
        names = sorted({*_stored(one.body), *_stored([one.target])})
        line, column = where_of(one)
        item = f"{_OURS}item_{line}_{column}"
        first = _at(ast.Assign([one.target], ast.Name(item, ast.Load())), one)
        body = [first, *one.body]
        kept = self.kept(names, [one], [body])
        body = self.block([*_continuing(body, kept), _returned(kept)], "return")
        made = _function(f"{_OURS}body_{line}_{column}", [item, *names], body, one)
        arguments = [_lazy(one.iter), ast.Name(made.name, ast.Load()), _constant(tuple(kept))]
        call = _called("turns", one, arguments, names)
        return [made, _assigned(kept, call, one)]

    def kept(
        self, names: list[str], inside: Sequence[ast.stmt], bodies: Sequence[Statements]
    ) -> list[str]:
        """The names whose values somebody may read behind the statements."""
        within = {id(node) for one in inside for node in ast.walk(one)}
        read = set()
        for node in ast.walk(self.function):
            if id(node) in within or node is self.function:
                continue
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
                read.add(node.id)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                if set(names) & set(node.names):
                    raise RefusedError("it sets a variable that is not the function's own")
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                read.add(node.target.id)
            elif (
                isinstance(node, _SCOPES)
                and not isinstance(node, _COMPREHENSIONS)
                and set(names) & _loaded([node])
            ):
                raise RefusedError("it sets a variable that another function reads")
        carried = set().union(*(_carried(body, names) for body in bodies))
        return [name for name in names if name in read or name in carried]


class _Expressions(ast.NodeTransformer):
    """Conditional expressions that are asked for."""

    def __init__(self, rewriting: _Rewriting) -> None:
        self.rewriting = rewriting

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        found = self.generic_visit(node)
        assert isinstance(found, ast.IfExp)
        if where_of(node) not in self.rewriting.sites:
            return found
        self.rewriting.left.discard(where_of(node))
        _require_plain([ast.Expr(found)])
        test, yes, no = found.test, found.body, found.orelse
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, yes, no = test.operand, no, yes
        sides: list[ast.expr] = [
            ast.Lambda(_parameters([]), side) for side in (yes, no)
        ]
        return _called("sides", node, [test, *sides], [])

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        return node

    def visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        return node

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return node


def _leaves(one: ast.stmt) -> set[str]:
    """How control leaves a statement otherwise than at its end."""
    found = set()
    bodies = [one.body, one.orelse] if isinstance(one, (ast.If, ast.For, ast.While)) else []
    for body in bodies:
        found |= _leaves_in(body)
    if isinstance(one, (ast.For, ast.While)):
        return {"break" if "break" in found else "", *(found & {"return"})} - {""}
    return found


def _leaves_in(body: Sequence[ast.stmt]) -> set[str]:
    found: set[str] = set()
    for one in body:
        if isinstance(one, ast.Return):
            found.add("return")
        elif isinstance(one, ast.Break):
            found.add("break")
        elif isinstance(one, ast.Continue):
            found.add("continue")
        elif isinstance(one, (ast.For, ast.While)):
            found |= _leaves(one) & {"return"}
        elif not isinstance(one, _SCOPES):
            inner = [n for n in ast.iter_child_nodes(one) if isinstance(n, ast.stmt)]
            parts = ast.iter_child_nodes(one)
            handlers = [h for h in parts if isinstance(h, ast.ExceptHandler)]
            found |= _leaves_in(inner) | _leaves_in([s for h in handlers for s in h.body])
    return found


def _ends(side: Sequence[ast.stmt]) -> bool:
    """Whether nothing follows the statements."""
    return bool(side) and isinstance(side[-1], (ast.Return, ast.Continue, ast.Raise))


_REFUSED: Final = (
    ast.Yield, ast.YieldFrom, ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Global, ast.Nonlocal,
    ast.Delete, ast.Import, ast.ImportFrom, ast.NamedExpr, ast.FunctionDef, ast.ClassDef,
    ast.AsyncFunctionDef, ast.Match,
)  # fmt: skip


def _require_plain(statements: Sequence[ast.stmt]) -> None:
    """Refuse what means something else in a function of its own, or changes what is not the
    function's own."""
    for root in statements:
        for node in ast.walk(root):
            if isinstance(node, _REFUSED):
                raise RefusedError(f"there is a `{type(node).__name__}` in it")
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                raise RefusedError(f"it sets the attribute `{ast.unparse(node)}`")
            if isinstance(node, ast.Name) and node.id in ("super", "locals", "vars", "eval"):
                raise RefusedError(f"it calls `{node.id}`")


class _Continuing(ast.NodeTransformer):
    def __init__(self, names: list[str]) -> None:
        self.names = names

    def visit_Continue(self, node: ast.Continue) -> ast.stmt:
        return _at(_returned(self.names), node)

    def visit_For(self, node: ast.For) -> ast.stmt:
        return node

    def visit_While(self, node: ast.While) -> ast.stmt:
        return node


def _continuing(body: Statements, names: list[str]) -> Statements:
    """The body of a loop as that of a function: ``continue`` returns the variables."""
    return [_Continuing(names).visit(one) for one in body]


# --------------------------------------------------------------------------- making nodes


def _at(node: ast.stmt, where: ast.AST) -> ast.stmt:
    return ast.fix_missing_locations(ast.copy_location(node, where))


def _constant(value: Any) -> ast.expr:
    """A tuple as a constant, which the compiler takes as it takes its own."""
    return ast.Constant(value)


def _parameters(names: Sequence[str]) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[], args=[ast.arg(name) for name in names], vararg=None, kwonlyargs=[],
        kw_defaults=[], kwarg=None, defaults=[],
    )  # fmt: skip


def _function(name: str, names: Sequence[str], body: Statements, where: ast.AST) -> Function:
    made = ast.FunctionDef(
        name=name, args=_parameters(names), body=body or [ast.Pass()], decorator_list=[]
    )
    return ast.fix_missing_locations(ast.copy_location(made, where))


def _returned(names: Sequence[str]) -> ast.stmt:
    return ast.Return(ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load()))


def _assigned(names: Sequence[str], call: ast.expr, where: ast.AST) -> ast.stmt:
    targets = ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())
    made: ast.stmt = ast.Assign([targets], call) if names else ast.Expr(call)
    return _at(made, where)


def _called(
    what: str,
    where: ast.stmt | ast.expr,
    arguments: Sequence[ast.expr],
    names: Sequence[str],
) -> ast.expr:
    place = _constant(where_of(where))
    function = ast.Name(CALLED[what], ast.Load())
    made = ast.Call(function, [place, *arguments, _constant(tuple(names))], [])
    return ast.fix_missing_locations(ast.copy_location(made, where))


def _lazy(iterable: ast.expr) -> ast.expr:
    """What a loop goes over, without a question of how many there are."""
    if not isinstance(iterable, ast.Call) or iterable.keywords:
        return iterable
    function = iterable.func
    if isinstance(function, ast.Name) and function.id in ("range", "enumerate"):
        arguments = iterable.args
        if function.id == "enumerate" and len(arguments) == 1:
            arguments = [_lazy(arguments[0])]
        made = ast.Call(ast.Name(CALLED[function.id], ast.Load()), [function, *arguments], [])
        return ast.copy_location(made, iterable)
    if isinstance(function, ast.Attribute) and function.attr == "tolist" and not iterable.args:
        made = ast.Call(ast.Name(CALLED["tolist"], ast.Load()), [function.value], [])
        return ast.copy_location(made, iterable)
    return iterable
