"""Functions to be traced, named on the command line, and the shapes of their inputs."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from asserts.errors import TraceError
from asserts.graph.module import GraphModule
from asserts.trace import Spec, trace

__all__ = ["inputs", "traced_from"]

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "__shapeproof_inputs__"


def inputs(**specs: Any) -> Callable[[F], F]:
    """Say which shapes a function's parameters have; the function stays as it is.

    The specs are those of `asserts.trace.trace`, and are used where a function is traced by
    name (``shapeproof insert FILE.py:FUNCTION``).
    """

    def marked(function: F) -> F:
        setattr(function, _ATTRIBUTE, dict(specs))
        return function

    return marked


def traced_from(text: str, options: Sequence[str] = ()) -> GraphModule:
    """The traced program of ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION``.

    `options` are texts ``NAME=DIM,DIM:DTYPE`` that give shapes (dimensions are names,
    numbers or expressions); a parameter without one needs the decorator `inputs`. Raises
    `TraceError` if there is no such function, or if a shape is missing or malformed.
    """
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name:
        raise TraceError(f"{text!r} is not FILE.py:FUNCTION or MODULE:FUNCTION")
    function = getattr(_module(place), name, None)
    if not callable(function):
        raise TraceError(f"there is no function {name!r} in {place}")
    specs = dict(getattr(function, _ATTRIBUTE, {}))
    specs.update(_spec(option) for option in options)
    if not specs:
        raise TraceError(
            f"the shapes of the inputs of {name!r} are not known: decorate it with "
            "asserts.inputs(...), or give --input NAME=DIM,DIM:DTYPE"
        )
    return trace(function, **specs)


def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ImportError as error:
            raise TraceError(f"the module {place!r} cannot be imported: {error}") from error
    path = Path(place)
    if not path.is_file():
        raise TraceError(f"there is no file {place!r}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise TraceError(f"{place!r} cannot be loaded as a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise TraceError(f"{place!r} cannot be loaded: {error!r}") from error
    return module


def _spec(option: str) -> tuple[str, Spec]:
    """``tokens=b,128:float64`` as a name and its spec."""
    name, equals, shape = option.partition("=")
    dims, _, dtype = shape.partition(":")
    if not equals or not name.isidentifier():
        raise TraceError(f"{option!r} is not NAME=DIM,DIM:DTYPE")
    parts = [part.strip() for part in dims.split(",") if part.strip()]
    sizes = tuple(int(part) if part.isdigit() else part for part in parts)
    return name, Spec(sizes, dtype or "float64")
