"""Shapeproof's engine: symbolic integers, what is known about them, and proofs.

    env = ShapeEnv()
    b = env.size("b", hint=8, min=1, max=64)     # backed by an example
    u = env.unbacked("u", size_like=True)        # known only at run time
    env.assume(u <= 4 * b)
    env.bounds(2 * u + 1)                        # ValueRanges(lower=1, upper=513)
    env.prove("u < 5*b")                         # a Verdict: proof, counterexample or unknown

Claims and expressions are symbolic values, text, or sympy's. `ShapeEnv` has all questions:
`prove`, `bounds`, `congruence`, `simplify`, `suggest`, `fits_int64`. Errors are subclasses of
`ShapeproofError`. Importing this package imports neither sympy nor z3 nor numpy.
"""

# The folders, from the bottom; a folder imports only folders to its left:
#
#     base < expr < traversal < domains < facts < witness < arith < prove < queries
#          < tensors, env
#
# Some modules can be compiled (see ``setup.py``; `COMPILED` tells); what Python needs then
# and mypyc leaves out is in ``_native.c``.

from __future__ import annotations

from typing import Any, Final

import shapes.expr.operators  # (fills the table of operators)
from shapes.base.infinity import IntInfinity, int_oo
from shapes.domains import Congruence, ValueRanges
from shapes.env.dims import Dim
from shapes.env.functions import (
    And,
    Implies,
    Max,
    Min,
    Not,
    Or,
    Where,
    ceildiv,
    function_named,
)
from shapes.env.guards import Guard, GuardFunction
from shapes.env.shape_env import Check, ShapeEnv, SymbolInfo
from shapes.env.symints import SymBool, SymFloat, SymInt
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
    TooLargeError,
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


def load_ipython_extension(shell: object) -> None:
    """``%load_ext shapes``: the cells ``%%facts`` and ``%%prove``."""
    from shapes.env.magics import load

    load(shell)


def __getattr__(name: str) -> Any:
    """Every other operator of the grammar is a function, too: ``shapes.TruncDiv(n, 4)``."""
    return function_named(name)


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
    "TooLargeError",
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
