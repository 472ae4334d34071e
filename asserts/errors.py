"""The errors of graphs, of tracing, and of asserts that fail when the program runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shapes.errors import ShapeproofError

__all__ = [
    "ASSERT_FAILED",
    "AnnotationError",
    "ContractError",
    "GraphError",
    "InputError",
    "RuntimeAssertionError",
    "TraceError",
    "UnsafeError",
    "error_text",
]

ASSERT_FAILED: Final = "runtime assert failed: "
"""What the message of an assert begins with, in programs of every kind."""


def error_text(error: BaseException) -> str:
    """The class of any error and what it says."""
    try:
        text = str(error)
    except Exception:  # (a program's own class may fail)
        text = ""
    return f"{type(error).__name__}: {text}".rstrip(": ")


class AnnotationError(ShapeproofError, TypeError):
    """Annotations that make no contract: not readable, not solvable, or contradictory."""


class GraphError(ShapeproofError):
    """A graph that breaks one of its invariants; the message names the node."""


class UnsafeError(GraphError):
    """A file that cannot be loaded safely: loading it could run what it names."""


class TraceError(ShapeproofError):
    """A program that cannot be made into a graph, with what to write instead."""


class InputError(ShapeproofError):
    """Inputs that don't fit the parameters, or the input contract, of a graph."""


class ContractError(InputError):
    """A call that breaks the contract of a function.

    `function` is its name, `argument` whose array it was ("the result" for what it
    returned, None for a condition of ``where=``), `axis` the axis (None if it is not about
    one), `clause` what was required, `found` what was there instead.
    """

    function: str
    argument: str | None
    axis: int | None
    clause: str
    found: object

    def __init__(
        self,
        message: str,
        function: str = "",
        argument: str | None = None,
        axis: int | None = None,
        clause: str = "",
        found: object = None,
    ) -> None:
        self.function = function
        self.argument = argument
        self.axis = axis
        self.clause = clause
        self.found = found
        # The arguments as given, so that the error can be pickled between processes.
        super().__init__(message, function, argument, axis, clause, found)

    def __str__(self) -> str:
        return str(self.args[0])


class RuntimeAssertionError(ShapeproofError, AssertionError):
    """An assert that failed when the program ran.

    `condition` is the text of what should have held, `values` what its symbols were, by
    name, `sources` where each of them was read, `user_message` what the author of the
    check wrote, and `location` the line of the user's code that asked for it.
    """

    condition: str
    values: dict[str, object]
    sources: dict[str, str]
    user_message: str | None
    location: str | None

    def __init__(
        self,
        condition: str,
        values: Mapping[str, object] | None = None,
        sources: Mapping[str, str] | None = None,
        user_message: str | None = None,
        location: str | None = None,
    ) -> None:
        self.condition = condition
        self.values = dict(values or {})
        self.sources = dict(sources or {})
        self.user_message = user_message
        self.location = location
        # The arguments as given, so that the error can be pickled between processes.
        super().__init__(condition, self.values, self.sources, user_message, location)

    def __str__(self) -> str:
        lines = [f"{ASSERT_FAILED}{self.condition}"]
        lines += self._value_lines()
        if self.user_message:
            lines.append(_indented("message: ", self.user_message))
        if self.location:
            lines.append(_indented("at: ", self.location))
        return "\n".join(lines)

    def _value_lines(self) -> list[str]:
        """One line for each value, then one for each source without a value."""
        assigned = {name: f"{name} = {_shown(value)}" for name, value in self.values.items()}
        assigned |= {
            name: f"{name} is not known" for name in self.sources if name not in assigned
        }
        width = max((len(text) for text in assigned.values()), default=0)
        lines = []
        for name, text in assigned.items():
            source = self.sources.get(name)
            origin = f"   from {source}" if source else ""
            lines.append(f"  {text:<{width}}{origin}".rstrip())
        return lines


def _shown(value: object) -> str:
    """The text of a value; integers too long for decimal text are written in hexadecimal."""
    if isinstance(value, int) and value.bit_length() > 4096:
        return hex(value)
    try:
        return str(value)
    except Exception as error:  # the assert must be reported, whatever its values do
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _indented(label: str, text: str) -> str:
    """The labelled text, its further lines aligned below the first."""
    first, *rest = text.strip().splitlines() or [""]
    padding = " " * (2 + len(label))
    return "\n".join([f"  {label}{first}", *(padding + line for line in rest)])
