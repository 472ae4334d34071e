"""Numbers that a program computes with tensors, from sizes, and reads again.

``torch.div(x.size(1), 4, rounding_mode="trunc").item()`` is ``x.size(1) // 4``: torch makes a
new symbol of it and knows nothing of that. The nodes that compute it say what it is.

Guarantees: the number is what is said here whenever the nodes run: only 64-bit integers, only
operations whose result cannot leave these, and no tensor on the way is written to or shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import sympy
import torch
from torch import fx

from asserts.dialects.torch.symbols.constant import constant_value
from asserts.dialects.torch.symbols.loaded import is_unbacked
from shapes.expr import BoolExpr, Expr, IntExpr, as_expr, make
from shapes.facts import bounds

if TYPE_CHECKING:
    from asserts.dialects.torch.symbols.shape_env import TorchEnv

__all__ = ["COMPUTED", "NumberReader", "computed_number", "new_nodes", "number_read"]

COMPUTED: Final = "a number computed from sizes"
"""The name under which such numbers are stated."""

_ATEN: Final = torch.ops.aten
_READS: Final = (_ATEN.item.default, _ATEN._local_scalar_dense.default)
_MOST: Final = (1 << 63) - 1


def number_read(node: fx.Node) -> tuple[sympy.Symbol, bool] | None:
    """The symbol of torch's for what a node of a graph in the making reads from a tensor, and
    whether that is a number (or a truth, read as 1 or 0)."""
    if node.target not in _READS:
        return None
    read = getattr(getattr(node.meta.get("val"), "node", None), "_expr", None)
    symbol = next(iter(getattr(read, "free_symbols", ())), None)
    if symbol is None or not is_unbacked(symbol) or read not in (symbol, sympy.Eq(symbol, 1)):
        return None
    return symbol, read is symbol


def computed_number(node: fx.Node, symbols: TorchEnv) -> BoolExpr | None:
    """What is read by a node of a graph in the making, if it is computed from sizes, or from
    constants."""
    read = number_read(node)
    if read is None:
        return None
    reader = NumberReader(symbols, lambda one: symbols.value_of(one.meta["val"]), "val")
    return reader.claim(node, symbols.symbol(read[0]), read[1])


class NumberReader:
    """Values of tensors with one element, as their nodes compute them; `number_of` says what
    is to be believed of a number among their operands."""

    def __init__(
        self, symbols: TorchEnv, number_of: Callable[[fx.Node], Expr | None], key: str
    ) -> None:
        self._symbols = symbols
        self._number_of = number_of
        self._key = key

    def claim(self, node: fx.Node, symbol: Expr, is_number: bool) -> BoolExpr | None:
        """What a node reads into a symbol (of a truth 1 or 0), if that is known."""
        if node.target not in _READS or symbol.kind != "int":
            return None
        found: Expr | None = self.value(node.args[0]) if is_number else None
        if found is None:
            number = constant_value(node, self._key)
            found = None if number is None else as_expr(int(number))
        return None if found is None else make("Eq", symbol, found)

    def value(self, argument: object) -> IntExpr | None:
        """The value of an operand, within 64 bits."""
        if isinstance(argument, int) and not isinstance(argument, bool):
            found: Expr | None = as_expr(argument) if abs(argument) <= _MOST else None
        elif not isinstance(argument, fx.Node):
            return None
        elif isinstance(argument.meta.get(self._key), (int, torch.SymInt)):
            found = self._number_of(argument)
        else:
            found = self._of_tensor(argument)
        return found if isinstance(found, IntExpr) else None

    def _of_tensor(self, node: fx.Node) -> Expr | None:
        value = node.meta.get(self._key)
        rule = _RULES.get(node.target)
        if rule is None or not isinstance(value, torch.Tensor):
            return None
        if value.dtype is not torch.int64 or value.dim() or not _is_left_alone(node):
            return None
        operands = [self.value(a) for a in node.args]
        if None in operands:
            return None
        return rule(self, operands, dict(node.kwargs))

    def quotient(self, operands: list[Any], options: Mapping[str, object]) -> Expr | None:
        """Of a number that is not negative by one that is positive, both ways of rounding give
        the same."""
        rounding = options.get("rounding_mode", "floor")
        if len(operands) != 2 or rounding not in ("floor", "trunc") or len(options) > 1:
            return None
        top, bottom = operands
        if self._least(top, 0) and self._least(bottom, 1):
            return make("FloorDiv", top, bottom)
        return None

    def rest(self, operands: list[Any], options: Mapping[str, object]) -> Expr | None:
        """The remainder."""
        if len(operands) != 2 or options:
            return None
        top, bottom = operands
        return make("Mod", top, bottom) if self._least(bottom, 1) else None

    def same(self, operands: list[Any], options: Mapping[str, object]) -> Expr | None:
        """A copy, or a tensor made of a number."""
        plain = options.keys() <= {"dtype", "device", "layout", "pin_memory"}
        return operands[0] if len(operands) == 1 and plain else None

    def _least(self, value: IntExpr, least: int) -> bool:
        return bool(bounds(self._symbols.env.facts, value).int_bounds()[0] >= least)


def _is_left_alone(node: fx.Node) -> bool:
    """Whether nothing writes to the tensor, nor has a view of it."""
    for user in node.users:
        if not isinstance(user.target, torch._ops.OpOverload):
            return False
        schema = user.target._schema
        if any(a.alias_info is not None for a in (*schema.arguments, *schema.returns)):
            return False
    return True


Rule = Callable[[NumberReader, list[Any], Mapping[str, Any]], Expr | None]

_RULES: Final[Mapping[Any, Rule]] = {
    _ATEN.div.Tensor_mode: NumberReader.quotient,
    _ATEN.div.Scalar_mode: NumberReader.quotient,
    _ATEN.floor_divide.default: NumberReader.quotient,
    _ATEN.floor_divide.Scalar: NumberReader.quotient,
    _ATEN.remainder.Scalar: NumberReader.rest,
    _ATEN.remainder.Tensor: NumberReader.rest,
    _ATEN.scalar_tensor.default: NumberReader.same,
    _ATEN.clone.default: NumberReader.same,
}


def new_nodes(graph: fx.Graph, last: fx.Node | None) -> Iterator[fx.Node]:
    """The nodes of a graph after one of them; all without one."""
    node = graph._root.next if last is None else last.next
    while node.op != "root":
        yield node
        node = node.next
