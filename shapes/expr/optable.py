"""The table of operators, which `operators` fills, and the node types that are not in it.

Apart from the record, which is Python's, because the compiled build reads what is final in a
compiled module at once.
"""

from __future__ import annotations

from typing import Final

from shapes.expr.opdef import Op

__all__ = [
    "CONSTANT",
    "EQ_ZERO",
    "LE_ZERO",
    "NE_ZERO",
    "OPERATORS",
    "PRODUCT",
    "RELATIONS",
    "SUM",
    "SYMBOL",
]

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
RELATIONS: Final = (LE_ZERO, EQ_ZERO, NE_ZERO)
"""The relations of an integer with 0: what every comparison of integers becomes."""
