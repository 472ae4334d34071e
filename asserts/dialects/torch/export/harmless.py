"""Expressions that change nothing when they are evaluated, and those that cannot even raise.

A branch may be left out of a program only if eager mode, which takes it, is not changed by it.
So the arguments of what is told there are read: names, attributes that are kept as such,
texts, sizes, and a table of functions of Python's and torch's, all of values whose class is
known. What is not in the table is not shown.

Guarantees: an expression that is `read` runs no code of the user's and writes to nothing; if
`total` is true then, it does not raise either, whatever the data are.
"""

from __future__ import annotations

import ast
import enum
import re
import string
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType, ModuleType
from typing import Any, Final, NamedTuple

import torch

from asserts.dialects.torch.export.resolved import (
    UnresolvedError,
    attribute_of,
    is_builtin,
    value_of,
)

__all__ = ["TEXT", "Reader", "Seen"]


class Seen(NamedTuple):
    """What is known of a value: its kind, how long it is (of a tensor: its number of
    dimensions), and the value itself."""

    kind: str
    length: int | None = None
    value: Any = None


NUMBER, TENSOR, TEXT, OTHER = Seen("number"), Seen("tensor"), Seen("text"), Seen("other")

_NUMBERS: Final = (int, float, bool, torch.SymInt, torch.SymFloat, torch.SymBool)
_OTHERS: Final = (
    type(None), type(...), bytes, complex, range, torch.dtype, torch.device, torch.layout,
)  # fmt: skip
_SEQUENCES: Final = (list, tuple, torch.Size)

_DEEPEST: Final = 4
_LONGEST: Final = 256

_READ_ONLY: Final = frozenset(("shape", "dtype", "device", "ndim", "layout", "requires_grad"))
"""Attributes of tensors."""

_TOTAL: Final = frozenset(("dim", "ndimension", "numel", "is_floating_point", "tolist"))
"""Methods without arguments that every tensor has, and that give no tensor."""

_REDUCING: Final = frozenset(("any", "all", "sum", "count_nonzero"))
"""Methods that make one element of as many as there are."""

_PURE: Final = frozenset((
    "abs", "amax", "amin", "argmax", "argmin", "clone", "cpu", "detach", "double", "float",
    "int", "isfinite", "isinf", "isnan", "long", "max", "mean", "min", "nonzero", "norm",
    "std", "unique", "var",
))  # fmt: skip
"""Further methods that only compute."""

_TEXTUAL: Final = frozenset(("lower", "upper", "strip", "title", "capitalize"))

_SPEC: Final = re.compile(r"[<>]?\d*(\.\d+[fge%])?")
_FIELD: Final = re.compile(r"%[sr]|%%")


class Reader:
    """Reads expressions where a function of the user's runs."""

    def __init__(self, frame: FrameType, names: Mapping[str, Seen] | None = None) -> None:
        self.frame = frame
        self.names = dict(names or {})
        """What names are bound to before what is read is evaluated."""
        self.total = True
        """Whether nothing that was read can raise."""

    def read(self, node: ast.expr) -> Seen:
        """What the expression comes to; `UnresolvedError` if evaluating it may change
        something."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise UnresolvedError(ast.unparse(node))
        found: Seen = method(node)
        return found

    def bind(self, statement: ast.stmt) -> None:
        """Read a statement that gives a value to one name; `UnresolvedError` for another."""
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            target = statement.target
            value = ast.BinOp(ast.Name(target.id, ast.Load()), statement.op, statement.value)
        else:
            raise UnresolvedError(ast.unparse(statement))
        found = self.read(value)
        plain = found.kind in ("text", "number") or isinstance(statement, ast.Assign)
        if not isinstance(target, ast.Name) or not plain:
            raise UnresolvedError(ast.unparse(statement))
        self.names[target.id] = found

    def _is_bound(self, node: ast.AST) -> bool:
        """Whether the first name is bound before the expression is evaluated."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.names

    def _perhaps(self, found: Seen) -> Seen:
        self.total = False
        return found

    # ------------------------------------------------------------------ plain expressions

    def _constant(self, node: ast.Constant) -> Seen:
        return _seen(node.value)

    def _name(self, node: ast.Name) -> Seen:
        found = self.names.get(node.id)
        return _seen(value_of(node, self.frame)) if found is None else found

    def _attribute(self, node: ast.Attribute) -> Seen:
        if not self._is_bound(node):
            with suppress(UnresolvedError):
                return _seen(value_of(node, self.frame))
        owner = self.read(node.value)
        if owner.kind == "tensor" and node.attr in _READ_ONLY:
            with torch._C.DisableTorchFunction():
                return OTHER if owner.value is None else _seen(getattr(owner.value, node.attr))
        if owner.value is None:
            raise UnresolvedError(ast.unparse(node))
        if isinstance(owner.value, type) and node.attr in ("__name__", "__qualname__"):
            return TEXT
        return _seen(attribute_of(owner.value, node.attr))

    def _joinedstr(self, node: ast.JoinedStr) -> Seen:
        for one in node.values:
            self.read(one)
        return TEXT

    def _formattedvalue(self, node: ast.FormattedValue) -> Seen:
        found = self.read(node.value)
        if node.format_spec is not None:
            self.read(node.format_spec)
            spec = ast.unparse(node.format_spec)[2:-1]
            if found.kind != "number" or node.conversion != -1 or not _SPEC.fullmatch(spec):
                self.total = False
        return TEXT

    def _tuple(self, node: ast.Tuple | ast.List) -> Seen:
        for one in node.elts:
            self.read(one)
        return Seen("sequence", len(node.elts))

    _list = _tuple

    def _binop(self, node: ast.BinOp) -> Seen:
        left, right = self.read(node.left), self.read(node.right)
        kinds = {left.kind, right.kind}
        if left.kind == "text" and isinstance(node.op, ast.Mod):
            return TEXT if _is_filled(node, right) else self._perhaps(TEXT)
        if kinds == {"text"} and isinstance(node.op, ast.Add):
            return TEXT
        if kinds == {"number"}:
            plain = isinstance(node.op, (ast.Add, ast.Sub, ast.Mult))
            return NUMBER if plain else self._perhaps(NUMBER)
        if kinds <= {"number", "tensor"}:
            return self._perhaps(TENSOR)
        raise UnresolvedError(ast.unparse(node))

    def _compare(self, node: ast.Compare) -> Seen:
        found = [self.read(one) for one in (node.left, *node.comparators)]
        if all(isinstance(op, (ast.Is, ast.IsNot)) for op in node.ops):
            return NUMBER
        plain = len({one.kind for one in found} & {"number", "text"}) == 1
        same = all(one.kind == found[0].kind for one in found)
        if plain and same and not any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
            return NUMBER
        return self._perhaps(TENSOR if any(o.kind == "tensor" for o in found) else NUMBER)

    def _ifexp(self, node: ast.IfExp) -> Seen:
        test, one, other = map(self.read, (node.test, node.body, node.orelse))
        if test.kind == "tensor":
            self.total = False  # (there is no truth of many elements)
        return Seen(one.kind if one.kind == other.kind else "other")

    def _subscript(self, node: ast.Subscript) -> Seen:
        owner = self.read(node.value)
        if owner.kind == "tensor":
            self.read(node.slice)
            return self._perhaps(TENSOR)
        try:
            key = ast.literal_eval(node.slice)
            return _seen(owner.value[key])
        except (LookupError, TypeError, ValueError) as error:
            if type(owner.value) in (*_SEQUENCES, dict) and isinstance(error, LookupError):
                return self._perhaps(OTHER)
            raise UnresolvedError(ast.unparse(node)) from error

    # ------------------------------------------------------------------ calls

    def _call(self, node: ast.Call) -> Seen:
        given = [self.read(one) for one in node.args]
        for keyword in node.keywords:
            self.read(keyword.value)
            self.total = False
        called = None
        if not self._is_bound(node.func):
            with suppress(UnresolvedError):
                called = value_of(node.func, self.frame)
        if called is not None:
            return self._function(called, given, node)
        if isinstance(node.func, ast.Attribute):
            return self._method(self.read(node.func.value), node.func.attr, given, node)
        raise UnresolvedError(ast.unparse(node))

    def _function(self, called: Any, given: list[Seen], node: ast.Call) -> Seen:
        kinds = [one.kind for one in given]
        if is_builtin(called, "str", "repr") and len(given) == 1:
            return TEXT
        if is_builtin(called, "len") and len(given) == 1 and given[0].length is not None:
            return self._perhaps(NUMBER) if given[0][:2] == ("tensor", 0) else NUMBER
        if is_builtin(called, "type") and len(given) == 1:
            return OTHER if given[0].value is None else _seen(type(given[0].value))
        if is_builtin(called, "min", "max") and len(given) > 1 and set(kinds) == {"number"}:
            return NUMBER
        if is_builtin(called, "int", "float", "round", "abs", "bool", "min", "max", "sum"):
            return self._perhaps(TENSOR if "tensor" in kinds else NUMBER)
        if is_builtin(called, "list", "tuple") and len(given) == 1 and kinds == ["sequence"]:
            return Seen("sequence", given[0].length)
        if is_builtin(called, "list", "tuple", "sorted"):
            return self._perhaps(OTHER)
        if any(called is getattr(torch, name, None) for name in (*_PURE, *_REDUCING)):
            return self._perhaps(TENSOR)
        raise UnresolvedError(ast.unparse(node))

    def _method(self, owner: Seen, name: str, given: list[Seen], node: ast.Call) -> Seen:
        bare = not given and not node.keywords
        if owner.kind == "text":
            if name == "format":
                return TEXT if _is_formatted(node, given) else self._perhaps(TEXT)
            if name == "join" or (name in _TEXTUAL and bare):
                return self._perhaps(TEXT) if name == "join" else TEXT
        if owner.kind == "tensor":
            if name == "size":
                return Seen("other") if bare else self._perhaps(NUMBER)
            if name in _TOTAL:
                return OTHER if bare else self._perhaps(OTHER)
            if name in _REDUCING:
                return Seen("tensor", 0) if bare else self._perhaps(TENSOR)
            if name == "item":
                return NUMBER if bare and owner.length == 0 else self._perhaps(NUMBER)
            if name in _PURE:
                return self._perhaps(TENSOR)
        raise UnresolvedError(ast.unparse(node))


def _is_filled(node: ast.BinOp, right: Seen) -> bool:
    """Whether a text with ``%s`` gets as many values as it asks for."""
    text = node.left.value if isinstance(node.left, ast.Constant) else None
    if not isinstance(text, str):
        return False
    asked = [one for one in _FIELD.findall(text) if one != "%%"]
    if "%" in _FIELD.sub("", text):
        return False
    if isinstance(node.right, ast.Tuple):
        return len(node.right.elts) == len(asked)
    return right.kind in ("number", "text", "tensor") and len(asked) == 1


def _is_formatted(node: ast.Call, given: list[Seen]) -> bool:
    """Whether a text with ``{}`` gets as many values as it asks for."""
    written = node.func.value if isinstance(node.func, ast.Attribute) else None
    text = written.value if isinstance(written, ast.Constant) else None
    if not isinstance(text, str):
        return False
    try:
        fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(text)]
    except ValueError:
        return False
    asked = [one for one in fields if one[0] is not None]
    return len(asked) <= len(given) and all(one == ("", "") for one in asked)


def _seen(value: Any, depth: int = 0) -> Seen:
    """What a value is; `UnresolvedError` if to show it may run code of the user's."""
    kind = type(value)
    if kind in _NUMBERS:
        return Seen("number", None, value)
    if kind is str:
        return Seen("text", len(value), value)
    if isinstance(value, torch.Tensor) and kind.__module__.partition(".")[0] == "torch":
        with torch._C.DisableTorchFunction():
            return Seen("tensor", value.dim(), value)
    if kind in _SEQUENCES and len(value) <= _LONGEST and depth < _DEEPEST:
        for one in value:
            _seen(one, depth + 1)
        return Seen("sequence", len(value), value)
    if kind is dict and len(value) <= _LONGEST and depth < _DEEPEST:
        for one in (*value, *value.values()):
            _seen(one, depth + 1)
        return Seen("mapping", len(value), value)
    if kind in (type, enum.EnumMeta, ModuleType, *_OTHERS):
        return Seen("other", None, value)
    raise UnresolvedError(f"a {kind.__name__} shows itself")
