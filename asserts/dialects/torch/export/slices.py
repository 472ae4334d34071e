"""``x[a:b] = y`` with ends that are tensors of one number.

torch reads such ends as symbolic numbers where a slice is read, but not where one is written
to: there Python asks for the number itself, which only the running program knows.

Guarantees: what is written is the same, since a tensor's ``__index__`` is its item. Limits:
only `torch.export.export` without `strict`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

__all__ = ["reading_ends"]


def reading_ends(
    original: Callable[..., Any], wanted: Callable[[], bool]
) -> Callable[..., Any]:
    """torch's `_override` of functions that the user's code calls while it is traced, which
    reads the ends of a slice that is written to."""

    def _override(self: Any, func: Any, args: Any, kwargs: Any) -> Any:
        if func is torch.Tensor.__setitem__ and len(args) == 3 and wanted():
            args = (args[0], _read(args[1]), args[2])
        return original(self, func, args, kwargs)

    return _override


def _read(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(map(_read, index))
    if isinstance(index, slice):
        return slice(_number(index.start), _number(index.stop), index.step)
    return index


def _number(end: Any) -> Any:
    """The item of an integer tensor without axes; anything else as it is."""
    if not isinstance(end, torch.Tensor) or end.ndim:
        return end
    integer = not (end.dtype.is_floating_point or end.dtype.is_complex)
    return end.item() if integer and end.dtype is not torch.bool else end
