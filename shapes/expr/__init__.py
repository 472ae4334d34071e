"""Expressions in normal form: hash-consed nodes, the table of operators and the functions
that build them.

Integers are linear combinations over atoms, a relation is one primitive combination compared
with zero, so equal expressions are the same object. Adding an operator is one record in
`operators`. Imports `base`.
"""

from __future__ import annotations

from shapes.expr.booleans import (
    as_condition,
    as_integer,
    conjunction,
    conjuncts,
    disjunction,
    equal,
    less,
    less_equal,
    negation,
    not_equal,
    where,
)
from shapes.expr.integers import floor_division, maximum, minimum, modulo
from shapes.expr.linear import direction, eq_zero, le_zero, multiply, ne_zero, scale, shift
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    PRODUCT,
    SYMBOL,
    TRUE,
    BoolExpr,
    Expr,
    FloatExpr,
    IntConstant,
    IntExpr,
    Kind,
    Op,
    Value,
    as_expr,
    combine,
    constant,
    from_terms,
    make,
    symbol,
)
from shapes.expr.operators import BY_HANDLER, BY_MEANING
from shapes.expr.remainders import sides

__all__ = [
    "BY_HANDLER",
    "BY_MEANING",
    "EQ_ZERO",
    "FALSE",
    "LE_ZERO",
    "NE_ZERO",
    "OPERATORS",
    "PRODUCT",
    "SYMBOL",
    "TRUE",
    "BoolExpr",
    "Expr",
    "FloatExpr",
    "IntConstant",
    "IntExpr",
    "Kind",
    "Op",
    "Value",
    "as_condition",
    "as_expr",
    "as_integer",
    "combine",
    "conjunction",
    "conjuncts",
    "constant",
    "direction",
    "disjunction",
    "eq_zero",
    "equal",
    "floor_division",
    "from_terms",
    "le_zero",
    "less",
    "less_equal",
    "make",
    "maximum",
    "minimum",
    "modulo",
    "multiply",
    "ne_zero",
    "negation",
    "not_equal",
    "scale",
    "shift",
    "sides",
    "symbol",
    "where",
]
