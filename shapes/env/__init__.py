"""`ShapeEnv`: symbols, statements, questions and guards, as users meet them.

`symints` are the numbers that programs compute with, `guards` what branches asked, `explain`
and `display` show answers, `serialize` saves environments, `codegen/` compiles guards. Imports
`queries` and folders before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapes.env.lacking  # noqa: F401 (gives the symbolic numbers its names)
from shapes.base.lazy import lazy_exports
from shapes.env.dims import Dim, exact_hint, exact_range
from shapes.env.functions import And, Implies, Max, Min, Not, Or, Where, ceildiv
from shapes.env.guards import Guard, GuardFunction
from shapes.env.shape_env import Check, ShapeEnv, SymbolInfo
from shapes.env.symints import Symbolic, SymBool, SymFloat, SymInt

if TYPE_CHECKING:
    from shapes.env.arrays import ANSWERS as ANSWERS
    from shapes.env.codegen.python import (
        Source as Source,
    )
    from shapes.env.codegen.python import (
        compiled_text as compiled_text,
    )
    from shapes.env.display import (
        facts_text as facts_text,
    )
    from shapes.env.display import (
        html_table as html_table,
    )
    from shapes.env.display import (
        symbols_text as symbols_text,
    )
    from shapes.env.display import (
        terminal_width as terminal_width,
    )
    from shapes.env.display import (
        text_table as text_table,
    )
    from shapes.env.magics import (
        claim_and_premises as claim_and_premises,
    )
    from shapes.env.magics import (
        without_comment as without_comment,
    )
    from shapes.env.regions import (
        Region as Region,
    )
    from shapes.env.regions import (
        integer_symbol as integer_symbol,
    )
    from shapes.env.regions import (
        region as region,
    )

__all__ = [
    "ANSWERS",
    "And",
    "Check",
    "Dim",
    "Guard",
    "GuardFunction",
    "Implies",
    "Max",
    "Min",
    "Not",
    "Or",
    "Region",
    "ShapeEnv",
    "Source",
    "SymBool",
    "SymFloat",
    "SymInt",
    "SymbolInfo",
    "Symbolic",
    "Where",
    "ceildiv",
    "claim_and_premises",
    "compiled_text",
    "exact_hint",
    "exact_range",
    "facts_text",
    "html_table",
    "integer_symbol",
    "region",
    "symbols_text",
    "terminal_width",
    "text_table",
    "without_comment",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "arrays": ("ANSWERS",),
        "codegen.python": ("Source", "compiled_text"),
        "display": (
            "facts_text",
            "html_table",
            "symbols_text",
            "terminal_width",
            "text_table",
        ),
        "magics": ("claim_and_premises", "without_comment"),
        "regions": ("Region", "integer_symbol", "region"),
    },
)
