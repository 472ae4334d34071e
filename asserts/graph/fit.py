"""Whether a call that was read from a file fits the function that it names.

A function's own signature decides: how many arguments it takes, and, where its annotations
are plain types, of what types constants are. What a node computes is not looked at.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Union

from asserts.graph.node import Node
from shapes.base import excerpt
from shapes.errors import SerializationError

__all__ = ["require_fit"]

_CONTAINERS = (Mapping, Sequence, dict, list, tuple)


def require_fit(
    function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
) -> None:
    """Raise `SerializationError` for arguments that the function does not take."""
    signature = _signature(function)
    if signature is None:
        return
    name = getattr(function, "__name__", "the function")
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise SerializationError(f"the arguments do not fit {name}: {error}") from error
    for parameter, value in bound.arguments.items():
        wanted = _hints(function).get(parameter, Any)
        if not _is_of(value, wanted):
            raise SerializationError(
                f"the argument '{parameter}' of {name} should be {_shown(wanted)}, "
                f"not {excerpt(value)}"
            )


def _shown(wanted: Any) -> str:
    """A type as people write it (Python 3.10 makes `Optional[...]` of `... | None`)."""
    if typing.get_origin(wanted) in (Union, types.UnionType):
        return " | ".join(map(_shown, typing.get_args(wanted)))
    if wanted is type(None):
        return "None"
    return getattr(wanted, "__name__", None) or str(wanted)


@cache
def _signature(function: Callable[..., object]) -> inspect.Signature | None:
    """The signature, or None for a function that tells none."""
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


@cache
def _hints(function: Callable[..., object]) -> Mapping[str, Any]:
    """The types of the parameters of a function of ours."""
    module = getattr(function, "__module__", None) or ""
    if module.partition(".")[0] not in ("asserts", "shapes"):
        return {}
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.items()
    return {name: hints.get(name, Any) for name, one in parameters if one.kind not in kinds}


def _is_of(value: object, wanted: object) -> bool:
    """Whether an argument is of a type, as far as it is known; what nodes compute are
    numbers and arrays."""
    origin = typing.get_origin(wanted)
    if origin in (Union, types.UnionType):
        return any(_is_of(value, one) for one in typing.get_args(wanted))
    if isinstance(value, Node):
        return wanted not in (str, type(None)) and origin not in _CONTAINERS
    if origin in _CONTAINERS:
        return isinstance(value, origin) and _items_are_of(value, typing.get_args(wanted))
    if wanted is int:
        return type(value) is int
    if wanted is float:
        return isinstance(value, (int, float))
    return isinstance(value, wanted) if wanted in (str, bool, type(None)) else True


def _items_are_of(value: object, wanted: tuple[object, ...]) -> bool:
    if isinstance(value, Mapping) and len(wanted) == 2:
        pairs = value.items()
        return all(_is_of(k, wanted[0]) and _is_of(v, wanted[1]) for k, v in pairs)
    return True
