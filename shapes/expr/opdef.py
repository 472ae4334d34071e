"""The record of an operator, and the table that `ops` fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from shapes.base.infinity import IntInfinity
from shapes.base.records import record

if TYPE_CHECKING:
    from shapes.expr.nodes import Expr

__all__ = [
    "CONSTANT",
    "EQ_ZERO",
    "LE_ZERO",
    "NE_ZERO",
    "OPERATORS",
    "PRODUCT",
    "SUM",
    "SYMBOL",
    "Kind",
    "Op",
    "Value",
]

Kind: TypeAlias = Literal["int", "bool", "float"]
Value: TypeAlias = int | bool | float | IntInfinity
"""A concrete value of an expression (and the ends of an integer range)."""


@record(frozen=True, eq=False, slots=True)
class Op:
    """One operator: everything that is to be known of it, in one record.

    `operands` has one letter for each operand (the last one repeats for a variadic
    operator): ``i`` integer, ``b`` condition, ``f`` float, ``n`` number, ``a`` anything.
    `build` makes the normal form, `python` is the meaning on Python values, `defined`
    gives the condition under which the operator means something (None: always). `on_ints`
    is `build` for operands that are all integer expressions, without the look at kinds.
    """

    name: str
    handler: str
    operands: str
    result: Kind | Literal["same"]
    build: Callable[..., Expr] | None = None
    python: Callable[..., Any] | None = None
    defined: Callable[..., Expr] | None = None
    variadic: bool = False
    infix: str | None = None
    sympy: str | None = None
    laws: frozenset[str] = frozenset()
    example: str = ""
    on_ints: Callable[..., Expr] | None = None

    @property
    def result_kind(self) -> Kind:
        """The kind of the result (of `Where`, whose result is of its operands' kind: int)."""
        return "int" if self.result == "same" else self.result

    def __repr__(self) -> str:
        return f"<operator {self.name}>"


OPERATORS: Final[dict[str, Op]] = {}
"""Every operator by its name in the grammar; filled by `shapes.expr.operators`."""

# The node types that are not operators of the grammar.
CONSTANT: Final = Op("Constant", "constant", "", "same")
SYMBOL: Final = Op("Symbol", "symbol", "", "same")
SUM: Final = Op("Sum", "linear", "i", "int", variadic=True)
PRODUCT: Final = Op("Product", "mul", "i", "int", variadic=True)
LE_ZERO: Final = Op("LeZero", "le_zero", "i", "bool")
EQ_ZERO: Final = Op("EqZero", "eq_zero", "i", "bool")
NE_ZERO: Final = Op("NeZero", "ne_zero", "i", "bool")
