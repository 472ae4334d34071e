"""The errors of the engine, one tree.

A message says what was asked (in the user's own spelling), what is known and from where,
what was tried, and what to do next; the fields hold the same as data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing_extensions import Self

    from shapes.facts.store import Fact

__all__ = [
    "ContradictionError",
    "DataDependentError",
    "EvaluationError",
    "ExpressionSyntaxError",
    "ExpressionTypeError",
    "GuardError",
    "HintError",
    "RangeError",
    "SerializationError",
    "ShapeproofError",
    "TooLargeError",
    "UnboundSymbolError",
    "UndefinedError",
    "UnknownSymbolError",
    "heard",
]

_WIDTH: Final = 80
"""Characters of a text around the column of its error."""

_listener: ContextVar[list[ShapeproofError] | None] = ContextVar("listener", default=None)


class ShapeproofError(Exception):
    """The root of every error that Shapeproof raises on purpose."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        error = super().__new__(cls, *args)
        listener = _listener.get()
        if listener is not None:
            listener.append(error)
        return error


@contextmanager
def heard() -> Iterator[list[ShapeproofError]]:
    """The errors of this tree that are made within the block, whether or not they leave it."""
    outer = _listener.get()
    errors: list[ShapeproofError] = []
    token = _listener.set(errors)
    try:
        yield errors
    finally:
        _listener.reset(token)
        if outer is not None:
            outer += errors


class ExpressionSyntaxError(ShapeproofError, SyntaxError):
    """Text that is not an expression; `column` (from 1) is where it goes wrong."""

    def __init__(self, reason: str, text: str, column: int) -> None:
        self.reason = reason
        self.column = column
        shown, mark = _excerpt(text, column)
        super().__init__(f"column {column}: {reason}\n    {shown}\n    {mark}^")
        self.text = text
        self.offset = column

    def __str__(self) -> str:
        return str(self.args[0])


def _excerpt(text: str, column: int) -> tuple[str, str]:
    """At most `_WIDTH` characters around the column, and the padding below it."""
    # Halves of characters cannot be printed.
    flat = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    flat = flat.replace("\n", " ").replace("\t", " ")
    start = max(0, column - 1 - _WIDTH // 2)
    return flat[start : start + _WIDTH], " " * (column - 1 - start)


class ExpressionTypeError(ShapeproofError, TypeError):
    """An operand of a kind that the operator does not take."""


class UnknownSymbolError(ShapeproofError, NameError):
    """A name that the environment does not know."""


class UnboundSymbolError(ShapeproofError, KeyError):
    """A symbol without a value where one is needed."""

    def __str__(self) -> str:
        return str(self.args[0])


class UndefinedError(ShapeproofError, ArithmeticError):
    """An expression without a value: a division by zero, a negative exponent."""


class TooLargeError(UndefinedError, OverflowError):
    """A number of more bits than are computed."""


class EvaluationError(ShapeproofError, ValueError):
    """Values that cannot be put into an expression."""


class RangeError(ShapeproofError, ValueError):
    """A range whose lower end is above its upper end, or of mixed kinds."""


class HintError(ShapeproofError, ValueError):
    """An example value outside of what is declared for its symbol."""


class SerializationError(ShapeproofError, ValueError):
    """Saved text that is damaged, of another version, or not ours."""


class ContradictionError(ShapeproofError):
    """Facts that cannot hold together; `culprits` is a minimal set of them."""

    def __init__(self, message: str, culprits: Sequence[Fact] = ()) -> None:
        super().__init__(message)
        self.culprits = tuple(culprits)


class DataDependentError(ShapeproofError, RuntimeError):
    """A decision on a value that is known only when the program runs."""


class GuardError(ShapeproofError, AssertionError):
    """Inputs for which a recorded guard does not hold."""
