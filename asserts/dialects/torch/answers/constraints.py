"""What torch wants of run-time values and of inputs, and what it merely assumes.

The ranges of an exported program's run-time values are wanted; their ends may be infinite,
may be in the graph already, or may follow from nothing but the tracer's belief that sizes are
at least 2, which would reject inputs that eager accepts if it were asserted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sympy

from asserts.dialects.torch.symbols.assumed import Derived, derived_ends
from asserts.dialects.torch.symbols.enforced import at_entry
from shapes.expr import make
from shapes.facts import Fact

if TYPE_CHECKING:
    from torch import fx

    from asserts.dialects.torch.answers.graph import TorchDialect

__all__ = ["TorchConstraints"]


class TorchConstraints:
    """What `constraints` asks of torch's programs."""

    def __init__(self, dialect: TorchDialect) -> None:
        self._dialect = dialect
        self._symbols = dialect.symbols
        program = dialect.signature.program
        self._ranges = {} if program is None else program.range_constraints

    def wanted_ranges(self, graph_module: fx.GraphModule) -> Mapping[str, tuple[Any, Any]]:
        from asserts.dialects.torch.symbols.shape_env import is_unbacked, own_ends

        found: dict[str, tuple[Any, Any]] = {}
        source = self._symbols.source
        derived = {} if source is None else derived_ends(source)
        for symbol, span in self._ranges.items():
            integer = isinstance(symbol, sympy.Symbol) and symbol.is_integer
            if integer and is_unbacked(symbol) and span.is_int:
                ends = own_ends(span, derived.get(symbol, Derived()))
                found[self._symbols.symbol(symbol).name] = ends
        return found

    def entry_facts(self, graph_module: fx.GraphModule) -> Iterable[Fact]:
        by_nature = {
            make("Ge", symbol, 0)
            for node in graph_module.graph.find_nodes(op="placeholder")
            for symbol, path in self._dialect.bindings(node).items()
            if path and path[-1][0] == "size"
        }
        for fact in self._symbols.env.axioms:
            if at_entry(fact) and fact.claim not in by_nature:
                yield fact
