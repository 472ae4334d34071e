"""What `interpret` asks of every analysis; all other handlers are optional (see there)."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from shapes.expr.nodes import Op

__all__ = ["Analysis"]

V = TypeVar("V", covariant=True)


class Analysis(Protocol[V]):
    """An analysis whose values are of a type."""

    def constant(self, value: Any) -> V:
        """The value of a constant."""

    def unknown(self, op: Op, values: Any) -> V:
        """The value of an operator without a handler, of its operands' values."""
