"""The annotations of a function: its parameters and its result."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from asserts.annotations.reading import ArrayNote, Note, note_of
from asserts.errors import AnnotationError

__all__ = [
    "ATTRIBUTE",
    "Annotated",
    "Leaf",
    "Parameter",
    "Stated",
    "annotated",
    "leaves_of",
    "stated",
]

ATTRIBUTE: Final = "__shapeproof_contract__"
"""Where a function with a contract keeps it."""


class Returning(Protocol):
    """A traced call that has been entered."""

    def returned(self, result: object) -> None:
        """State the checks of the result."""


class Stated(Protocol):
    """What `trace` asks of a function's contract."""

    function: Callable[..., Any]
    """The function without its guard."""

    @property
    def guarded(self) -> Callable[..., Any]:
        """The function with its guard."""

    def traced(self, tracer: object, arguments: Mapping[str, object]) -> Returning:
        """State what callers satisfy of these arguments."""


@dataclass(frozen=True)
class Leaf:
    """An array in an argument or in the result: its name in messages (``pair[0]``), the
    parameter (None: the result), the indices that lead to it."""

    name: str
    parameter: str | None
    path: tuple[int, ...]
    note: ArrayNote


@dataclass(frozen=True)
class Parameter:
    """A parameter; `note` is None if its annotation says nothing of arrays."""

    name: str
    kind: inspect._ParameterKind
    default: Any
    note: Note | None
    is_integer: bool

    @property
    def required(self) -> bool:
        """Whether callers must give it."""
        variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return self.default is inspect.Parameter.empty and self.kind not in variable


@dataclass(frozen=True)
class Annotated:
    """A function's parameters in order, and its result."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Note | None
    leaves: tuple[Leaf, ...] = field(default=())
    results: tuple[Leaf, ...] = field(default=())

    @property
    def integers(self) -> tuple[str, ...]:
        """The parameters that are integers."""
        return tuple(one.name for one in self.parameters if one.is_integer)


def stated(function: object) -> Stated | None:
    """The contract of a function, if it has one."""
    found: Stated | None = getattr(function, ATTRIBUTE, None)
    plain = getattr(function, "__func__", function)  # (a method that is bound)
    # (What wraps a function with a contract has its attributes, but is another function.)
    return found if found is not None and found.guarded is plain else None


def annotated(function: Callable[..., object]) -> Annotated:
    """The annotations of a function.

    Raises `AnnotationError` for annotations that cannot be found or checked.
    """
    name = getattr(function, "__name__", None) or type(function).__name__
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        raise AnnotationError(f"the parameters of {name} are not known") from None
    hints = _hints(function, name)
    parameters = tuple(
        _parameter(one, hints.get(one.name)) for one in signature.parameters.values()
    )
    result = note_of(hints.get("return"), "the result")
    if isinstance(result, ArrayNote) and result.optional:
        raise AnnotationError("the result: an array that may be None cannot be checked")
    leaves = [
        leaf
        for one in parameters
        if one.note is not None
        for leaf in leaves_of(one.note, one.name, one.name)
    ]
    results = () if result is None else tuple(leaves_of(result, "result", None))
    return Annotated(name, parameters, result, tuple(leaves), results)


def _hints(function: Callable[..., object], name: str) -> dict[str, Any]:
    plain = function if hasattr(function, "__annotations__") else type(function).__call__
    try:
        return typing.get_type_hints(plain, include_extras=True)
    except NameError as error:
        raise AnnotationError(
            f"an annotation of {name} is text that cannot be read here ({error}): import the "
            "name at the top of the module"
        ) from None
    except (TypeError, SyntaxError) as error:
        raise AnnotationError(
            f"an annotation of {name} is text that is not Python ({error}); shapes as text "
            "stand in brackets, as in Float[np.ndarray, 'n m']"
        ) from None


def _parameter(one: inspect.Parameter, hint: object) -> Parameter:
    note = note_of(hint, f"the parameter `{one.name}`")
    variable = (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    if note is not None and one.kind in variable:
        raise AnnotationError(
            f"the parameter `{one.name}` stands for any number of arrays, which a contract "
            "does not check; name them one by one"
        )
    if note is not None and one.default is None:
        if not isinstance(note, ArrayNote):
            raise AnnotationError(
                f"the parameter `{one.name}`: a tuple of arrays that may be None cannot be "
                "checked; let the arrays be parameters"
            )
        note = replace(note, optional=True)
    return Parameter(one.name, one.kind, one.default, note, hint is int)


def leaves_of(
    note: Note, name: str, parameter: str | None, path: tuple[int, ...] = ()
) -> Iterator[Leaf]:
    """The arrays of an annotation."""
    if isinstance(note, ArrayNote):
        yield Leaf(name, parameter, path, note)
        return
    for index, part in enumerate(note.parts):
        if part is not None:
            yield from leaves_of(part, f"{name}[{index}]", parameter, (*path, index))
