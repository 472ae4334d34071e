"""The one traversal of expressions, and the analyses that need no facts: evaluation,
definedness, totalisation, substitution, cost, text in both directions, sympy.

An analysis is a class with a handler for each operator; `interpret` walks the shared DAG
iteratively and memoised, for our expressions and sympy's. Imports `expr` and folders before
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapes.base.lazy import lazy_exports
from shapes.traversal.definedness import Spelled, defined, own_condition
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols, interpret, walk
from shapes.traversal.parsing import (
    is_name,
    parse,
    parse_spelled,
    text_size,
)
from shapes.traversal.printing import PRECEDENCE, Printer, Shown, join, show
from shapes.traversal.saved import parse_saved, saved_in_parts
from shapes.traversal.substitute import Builder, substitute

if TYPE_CHECKING:
    from shapes.traversal.compose import composed as composed
    from shapes.traversal.sympy import from_sympy as from_sympy
    from shapes.traversal.totalize import made_total as made_total

__all__ = [
    "PRECEDENCE",
    "Builder",
    "Printer",
    "Shown",
    "Spelled",
    "composed",
    "defined",
    "evaluate",
    "free_symbols",
    "from_sympy",
    "interpret",
    "is_name",
    "join",
    "made_total",
    "own_condition",
    "parse",
    "parse_saved",
    "parse_spelled",
    "saved_in_parts",
    "show",
    "substitute",
    "text_size",
    "walk",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "compose": ("composed",),
        "sympy": ("from_sympy",),
        "totalize": ("made_total",),
    },
)
