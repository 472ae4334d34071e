"""What `show` wrote, read as just the node that it was: for files, copies and pickles.

The parser builds what a person means: it multiplies products out, joins the operands of a
connective one after the other, and keeps beside each expression where it has a value. A normal
form that was too long for that (see `EXPANSION_LIMIT` in `linear`) would become another node
so, in far more time than building it took. Here a chain of factors is one product, and long
connectives keep their operands, where a normal form may have them so; what is short is built
as ever. Either way the text means the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Final, TypeGuard

from shapes.expr.booleans import FLATTEN_LIMIT
from shapes.expr.linear import (
    content,
    factored,
    factored_power,
    multiply,
    power,
    scale,
    stays_factored,
)
from shapes.expr.nodes import (
    FALSE,
    BoolConstant,
    BoolExpr,
    Expr,
    Infinity,
    IntConstant,
    IntExpr,
    Kind,
    Op,
    Product,
    bool_operands,
    make_atom,
    symbol,
)
from shapes.traversal.definedness import Spelled, spell
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import Make, Parser, Pending, Token
from shapes.traversal.parts import InParts, Part, with_parts

__all__ = ["parse_saved", "parse_shown", "saved_in_parts"]

MULTIPLYING: Final = FALSE
"""Marks an expression as factors that more may follow. (Where a saved text has a value is not
asked, so what `Spelled` says of that is free.)"""


def parse_shown(text: str, symbols: Mapping[str, Expr]) -> Expr:
    """The inverse of `show`, and `parse` of any other text: the same value for the same values
    of symbols. Raises `ExpressionSyntaxError`."""
    return _settled(_Reader(text, symbols).run())


def saved_in_parts(expr: Expr) -> tuple[str, tuple[tuple[str, Kind], ...], tuple[Part, ...]]:
    """Text, the kinds of the symbols in it, and the parts that would be written again and
    again, by name (see `parts`): for pickles and files."""
    kinds = tuple((s.name, s.kind) for s in free_symbols(expr))
    written = InParts([name for name, _ in kinds])
    return written.text(expr), kinds, tuple(written.parts)


def parse_saved(
    text: str, kinds: tuple[tuple[str, Kind], ...], parts: tuple[Part, ...] = ()
) -> Expr:
    """The inverse of `saved_in_parts`."""
    symbols = {name: symbol(name, kind) for name, kind in kinds}
    return parse_shown(text, with_parts(parts, symbols, parse_shown))


class _Reader(Parser):
    """The parser, with other ways of making products and connectives."""

    def _close(self, token: Token) -> None:
        super()._close(token)
        self._values[-1] = Spelled(_settled(self._values[-1]))

    def _apply(self, op: Op, operands: list[Spelled], at: Pending, made: Make = spell) -> None:
        super()._apply(op, operands, at, _as_shown)


def _as_shown(op: Op, operands: Sequence[Spelled]) -> Spelled:
    if len(operands) == 2 and op.name in ("Mul", "Pow"):
        a, b = operands[0].expr, operands[1].expr
        if op.name == "Mul" and _varies(a) and _varies(b):
            return Spelled(factored(a, b), MULTIPLYING)
        if op.name == "Pow" and _varies(a) and type(b) is IntConstant and b.constant > 0:
            atom = a.constant == 0 and len(a.terms()) == 1
            return Spelled((power if atom else factored_power)(a, b.constant), MULTIPLYING)
    exprs = [_settled(operand) for operand in operands]
    if op.name in ("And", "Or"):
        return Spelled(_joined(op, exprs))
    assert op.build is not None
    return Spelled(op.build(*exprs))


def _varies(e: Expr) -> TypeGuard[IntExpr]:
    return isinstance(e, IntExpr) and type(e) is not IntConstant and type(e) is not Infinity


def _settled(read: Spelled) -> Expr:
    """What was read, when no factor follows: short products of sums are multiplied out."""
    e = read.expr
    if read.defined is not MULTIPLYING or not isinstance(e, IntExpr):
        return e
    factor, product = content(e)
    if type(product) is not Product or stays_factored(product):
        return e
    return scale(factor, reduce(multiply, [power(base, n) for base, n in product.factors]))


def _joined(op: Op, operands: Sequence[Expr]) -> Expr:
    """The connective of these operands, none of them taken apart where they are many."""
    total = 0
    for p in operands:
        total += len(bool_operands(p)) if p.op is op and isinstance(p, BoolExpr) else 1
    distinct = frozenset(operands)
    simple = all(isinstance(p, BoolExpr) and not isinstance(p, BoolConstant) for p in operands)
    if total > FLATTEN_LIMIT and len(distinct) == len(operands) > 1 and simple:
        return make_atom(op, tuple(operands), "bool", distinct)
    assert op.build is not None
    return op.build(*operands)
