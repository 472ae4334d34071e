"""Shapeproof's engine: symbolic integers, what is known about them, and proofs.

The layers, from the bottom; imports run downwards only (a test holds that):

1. `infinity`, `errors`, `records`, `location`, `persistent`, `meaning`, `reasons`, `op`,
   `interning`
2. `expr` (interned nodes), `linear`, `integers`, `floats`, `booleans` (normal forms),
   `ops` (the table of operators)
3. `views`, `interpret` (the one traversal), `show`, `evaluate`, `tape`, `definedness`,
   `parse`, `substitute`, `totals`, `cost`, `sympy_bridge`, `codegen`, `domains`, `rules`
4. `doubles`, `knowledge`, `learning`, `facts`, `intervals`, `bounds`, `relations`, `verdict`,
   `witness`;
   the methods of proof: `theorems`, `lemmas`, `certificate`, `differences`, `rows`,
   `simplex`, `elimination`, `choices`, `cases`, `enumeration`, `smt`; `consistency`,
   `vicinity`, `methods`, `deciding`, `bodies`, `prover`
5. `exact`, `overflow`, `rewrite`, `suggest` (questions that ask the prover)
6. `dims`, `symints`, `guards`, `explain`, `env`, `serialize`, `display`, `tensors`

Importing this package imports neither sympy nor z3 nor numpy. Some modules can be compiled
(see `setup.py`; `COMPILED` tells); what Python needs then and mypyc leaves out is in
``_native.c``.
"""

from __future__ import annotations

from typing import Final

import shapes.expr.operators  # (fills the table of operators)
from shapes.base.infinity import IntInfinity, int_oo
from shapes.domains import Congruence, ValueRanges
from shapes.env.dims import Dim
from shapes.env.guards import Guard, GuardFunction
from shapes.env.shape_env import Check, ShapeEnv, SymbolInfo
from shapes.env.symints import (
    And,
    Implies,
    Max,
    Min,
    Not,
    Or,
    SymBool,
    SymFloat,
    SymInt,
    Where,
    ceildiv,
)
from shapes.errors import (
    ContradictionError,
    DataDependentError,
    EvaluationError,
    ExpressionSyntaxError,
    ExpressionTypeError,
    GuardError,
    HintError,
    RangeError,
    SerializationError,
    ShapeproofError,
    UnboundSymbolError,
    UndefinedError,
    UnknownSymbolError,
)
from shapes.expr.nodes import OPERATORS, BoolExpr, Expr, FloatExpr, IntExpr, make, symbol
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Counterexample, Proof, Status, Verdict
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols, interpret
from shapes.traversal.parsing import parse
from shapes.traversal.printing import show
from shapes.traversal.substitute import substitute

COMPILED: Final = not str(shapes.expr.operators.__file__).endswith(".py")
"""Whether the kernel is the compiled one."""

__all__ = [
    "COMPILED",
    "OPERATORS",
    "And",
    "BoolExpr",
    "Check",
    "Congruence",
    "ContradictionError",
    "Counterexample",
    "DataDependentError",
    "Dim",
    "EvaluationError",
    "Expr",
    "ExpressionSyntaxError",
    "ExpressionTypeError",
    "Fact",
    "Facts",
    "FloatExpr",
    "Guard",
    "GuardError",
    "GuardFunction",
    "HintError",
    "Implies",
    "IntExpr",
    "IntInfinity",
    "Max",
    "Min",
    "Not",
    "Or",
    "Proof",
    "RangeError",
    "SerializationError",
    "ShapeEnv",
    "ShapeproofError",
    "Status",
    "SymBool",
    "SymFloat",
    "SymInt",
    "SymbolInfo",
    "UnboundSymbolError",
    "UndefinedError",
    "UnknownSymbolError",
    "ValueRanges",
    "Verdict",
    "Where",
    "ceildiv",
    "evaluate",
    "free_symbols",
    "int_oo",
    "interpret",
    "make",
    "parse",
    "show",
    "substitute",
    "symbol",
]
