"""The registry: a numpy function and the rule that records it. Adding one is one entry.

A rule takes the tracer and the function's own parameters, as far as they are supported, and
returns what the function would: arrays, tuples, symbolic numbers. Parameters that a rule
does not have are refused by name, unless they are at their neutral value.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asserts.errors import TraceError

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = [
    "NAMES",
    "RULES",
    "apply_rule",
    "name_of",
    "numpy_functions",
    "register",
    "rule",
]

Rule = Callable[..., Any]

RULES: Final[dict[Any, Rule]] = {}
"""The rule of every supported numpy function (elementwise ufuncs need none)."""

NAMES: Final[dict[Rule, tuple[str, ...]]] = {}
"""The functions of every rule by name, whether this numpy has them or not."""

_PARAMETERS: Final[dict[Rule, inspect.Signature]] = {}
_NO_VALUE: Final = getattr(np, "_NoValue", None)
_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "out": (None,),
    "where": (True,),
    "order": (None, "C", "K", "A"),
    "subok": (True, False),
    "like": (None,),
    "copy": (None, True),
    "device": (None,),
    "casting": ("same_kind",),
    "optimize": (False,),
    "kind": (None,),
    "stable": (None,),
    "mean": (_NO_VALUE,),
    "initial": (_NO_VALUE,),
    "overwrite_input": (False,),
}


def numpy_functions(*names: str) -> list[Any]:
    """The functions of these (dotted) names that this numpy has."""
    found: list[Any] = []
    for name in names:
        value: Any = np
        for part in name.split("."):
            value = getattr(value, part, None)
        if value is not None and value not in found:
            found.append(value)
    return found


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Decorates the rule of the numpy functions with these names."""

    def enter(function: Rule) -> Rule:
        register(function, *names)
        return function

    return enter


def register(function: Rule, *names: str) -> None:
    """Enter a rule for the numpy functions with these names."""
    _PARAMETERS[function] = inspect.signature(function)
    NAMES[function] = names
    for target in numpy_functions(*names):
        RULES[target] = function


def name_of(function: Any) -> str:
    """A function's name as people write it: ``np.linalg.norm``."""
    name = getattr(function, "__name__", None) or type(function).__name__
    module = getattr(function, "__module__", None) or "numpy"
    inner = module.partition(".")[2] if module.startswith("numpy") else module
    if not module.startswith("numpy"):
        return f"{module}.{name}"
    if inner.startswith("polynomial."):
        return f"np.{inner}.{name}"
    public = inner if inner in ("linalg", "fft", "random", "ma", "char", "strings") else ""
    return f"np.{public}.{name}" if public else f"np.{name}"


def apply_rule(
    tracer: Tracer, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Record a call. Raises `TraceError` for a function or parameter without a rule."""
    found = RULES.get(function)
    name = name_of(function)
    if found is None:
        if isinstance(function, np.ufunc):
            from asserts.trace.rules.elementwise import apply_ufunc

            return apply_ufunc(tracer, function, "__call__", args, kwargs)
        raise TraceError(
            f"{name} is not supported while tracing; express it with supported functions, or "
            "compute it outside of the traced program and pass the result in"
        )
    signature = _PARAMETERS[found]
    args, kwargs = _named(function, signature, args, kwargs)
    given = _supported(name, function, signature, kwargs)
    with tracer.calling(name, function):
        try:
            signature.bind(tracer, *args, **given)
        except TypeError as error:
            raise TraceError(f"{name}: {error} (while tracing)") from None
        return found(tracer, *args, **given)


def _named(
    function: Any, own: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with those in numpy's positions that the rule does not have there (an
    `out`, say) under their names, so that none of them is taken for another."""
    names = _positional(function)
    slots = [p for p in list(own.parameters.values())[1:] if p.kind is not _KEYWORD_ONLY]
    for i, name in enumerate(names[: len(args)]):
        slot = slots[min(i, len(slots) - 1)] if slots else None
        varies = slot is not None and slot.kind is inspect.Parameter.VAR_POSITIONAL
        is_there = slot is not None and (varies or i < len(slots))
        elsewhere = name in own.parameters or name in _NEUTRAL
        if is_there and slot is not None and (slot.name == name or not elsewhere):
            continue
        return args[:i], {**dict(zip(names[i:], args[i:])), **kwargs}
    return args, kwargs


_KEYWORD_ONLY: Final = inspect.Parameter.KEYWORD_ONLY


@cache
def _parameters(function: Any) -> Mapping[str, inspect.Parameter]:
    """The parameters of a numpy function, as far as it tells."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def _positional(function: Any) -> list[str]:
    """The names of the parameters that can be given by position, up to variable ones."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = itertools.takewhile(lambda p: p.kind in kinds, _parameters(function).values())
    return [p.name for p in found]


def _supported(
    name: str, function: Any, signature: inspect.Signature, kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments that the rule takes; neutral ones of the others are dropped."""
    known = signature.parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    given = {}
    for key, value in kwargs.items():
        if value is _NO_VALUE and _NO_VALUE is not None:
            continue
        if key in known or (takes_any and key not in _NEUTRAL):
            given[key] = value
        elif not _is_neutral(function, key, value):
            raise TraceError(f"{name}: the argument '{key}' is not supported while tracing")
    return given


def _is_neutral(function: Any, key: str, value: Any) -> bool:
    """Whether an argument says nothing that would not hold without it."""
    parameter = _parameters(function).get(key)
    default = inspect.Parameter.empty if parameter is None else parameter.default
    same = isinstance(value, (bool, str, int)) and type(value) is type(default)
    return (
        value is default
        or (same and value == default)
        or any(value is n for n in _NEUTRAL.get(key, ()))
    )
