"""Values of new nodes that torch computes when they are asked for.

Every scalar node of a graph has a symbolic value in its metadata. torch computes one in tens
of microseconds, which is most of what a new node costs, and of the values of asserts hardly
any is ever read. Here such a value is put off: it is a `SymInt` or `SymBool` like any other,
whose expression torch computes from its arguments, in the same way as always, as soon as
something reads it.

Limits: only operators of whole numbers and conditions are put off, whose result's type is
known before; any other value is computed at once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import disable_proxy_modes_tracing
from torch.fx.experimental.sym_node import SymNode

__all__ = ["computed", "is_plain"]

_NUMBERS: Final = frozenset((operator.add, operator.sub, operator.mul, operator.neg))
_COMPARISONS: Final = frozenset(
    (operator.le, operator.lt, operator.ge, operator.gt, operator.eq, operator.ne)
)
_CONNECTIVES: Final = frozenset((operator.and_, operator.or_, torch.sym_not))


def computed(target: Callable[..., object], arguments: Sequence[object]) -> Any:
    """What torch computes with these arguments, now or when it is asked for."""
    pytype = _type_of(target, arguments)
    if pytype is None:
        return target(*arguments)
    made = torch.SymInt if pytype is int else torch.SymBool
    return made(_PutOff(target, tuple(arguments), pytype))


def is_plain(value: Any) -> bool:
    """Whether a value is certainly computed from symbols by operators of this module."""
    return isinstance(value.node, _PutOff) and value.node.plain


def _type_of(target: Callable[..., object], arguments: Sequence[object]) -> type | None:
    """The type of the result if it can be put off."""
    if target in _CONNECTIVES:
        kind: tuple[type, type] = (torch.SymBool, bool)
        pytype: type = bool
    elif target in _NUMBERS or target in _COMPARISONS:
        kind = (torch.SymInt, int)
        pytype = bool if target in _COMPARISONS else int
    else:
        return None
    symbolic = False
    for argument in arguments:
        if isinstance(argument, kind[0]):
            symbolic = True
        elif type(argument) is not kind[1]:
            return None
    return pytype if symbolic and all(map(_is_plain_value, arguments)) else None


def _is_plain_value(argument: object) -> bool:
    """Whether there is no more to a value than its expression."""
    node = getattr(argument, "node", None)
    if node is None:
        return True
    if not isinstance(node, SymNode) or node.constant is not None or node.shape_env is None:
        return False
    return not node.shape_env._translation_validation_enabled


class _PutOff(SymNode):  # type: ignore[misc]
    """A symbolic value that is computed when its expression or its hint is read."""

    def __init__(
        self, target: Callable[..., object], arguments: tuple[object, ...], pytype: type
    ) -> None:
        self._how: tuple[Callable[..., Any], tuple[Any, ...]] | None = (target, arguments)
        self._made: SymNode | None = None
        nodes = [a.node for a in arguments if isinstance(a, (torch.SymInt, torch.SymBool))]
        self.shape_env = nodes[0].shape_env
        self.pytype = pytype
        self.constant = None
        self.fx_node = None
        self._expr_ver = -1
        self._expr_cache = None
        self.plain = all(_is_plain_node(node) for node in nodes)

    def _resolved(self) -> SymNode:
        """The value as torch computes it. What it is computed from comes first, in a loop: a
        long chain of sums must not recurse."""
        stack = [self]
        while stack:
            node = stack[-1]
            if node._how is None:
                stack.pop()
                continue
            target, arguments = node._how
            inner = [getattr(a, "node", None) for a in arguments]
            pending = [n for n in inner if isinstance(n, _PutOff) and n._how is not None]
            if pending:
                stack += pending
                continue
            with disable_proxy_modes_tracing():
                value = target(*map(_ready, arguments))
            node._made = value.node if hasattr(value, "node") else node._constant(value)
            node._how = None
            stack.pop()
        assert self._made is not None
        return self._made

    def _constant(self, value: object) -> SymNode:
        wrapped = self.wrap_bool(value) if self.pytype is bool else self.wrap_int(value)
        assert isinstance(wrapped, SymNode)
        return wrapped

    @property
    def _expr(self) -> Any:
        return self._resolved()._expr

    @property
    def _hint(self) -> Any:
        return self._resolved()._hint

    @property
    def _optimized_summation(self) -> Any:
        return self._resolved()._optimized_summation


def _is_plain_node(node: fx.Node) -> bool:
    return node.plain if isinstance(node, _PutOff) else bool(node._expr.is_Symbol)


def _ready(argument: Any) -> Any:
    node = getattr(argument, "node", None)
    if isinstance(node, _PutOff):
        return type(argument)(node._resolved())
    return argument
