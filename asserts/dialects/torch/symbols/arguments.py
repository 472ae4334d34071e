"""What the inputs of a program are called where torch only numbers them.

With ``strict=True`` torch's environment knows an input as ``flat_args[0]``. The names are
those of the model's parameters, for the time of its trace.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

from torch.utils import _pytree as pytree

__all__ = ["named_argument", "naming_arguments"]

_NAMES: ContextVar[tuple[str, ...]] = ContextVar("_NAMES", default=())

_NUMBERED: Final = re.compile(r"flat_args\[(\d+)\]")


def named_argument(source: str) -> str:
    """The source with the name of the input in it, if that is known."""
    found = _NUMBERED.match(source)
    names = _NAMES.get()
    if found is None or int(found[1]) >= len(names):
        return source
    return names[int(found[1])] + source[found.end() :]


def naming_arguments(original: Callable[..., object]) -> Callable[..., Any]:
    """torch's `_strict_export`, during which the names of its arguments are known."""

    @wraps(original)
    def _strict_export(mod: Any, args: Any, kwargs: Any, *others: Any, **options: Any) -> Any:
        token = _NAMES.set(tuple(_names(mod, args, kwargs)))
        try:
            return original(mod, args, kwargs, *others, **options)
        finally:
            _NAMES.reset(token)

    return _strict_export


def _names(model: Any, args: Any, kwargs: Any) -> Iterator[str]:
    """The leaves of the arguments as the model's code may write them, in torch's order."""
    try:
        parameters = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError, AttributeError):
        return
    leaves, _ = pytree.tree_flatten_with_path((tuple(args), dict(kwargs or {})))
    for (side, first, *rest), _ in leaves:
        if side.idx:
            yield str(first.key) + pytree.keystr(tuple(rest))
            continue
        place = first.idx
        many = next((k for k, p in enumerate(parameters) if p.kind is p.VAR_POSITIONAL), None)
        if many is not None and place >= many:
            base = f"{parameters[many].name}[{place - many}]"
        else:
            base = parameters[place].name
        yield base + pytree.keystr(tuple(rest))
