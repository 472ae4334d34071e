"""Whether a trace that is torch's own does what the model does for the example.

Where the user's code catches torch's error for a question without an answer, torch alone
traces the handler. That is right where the handler is a general way besides a quick one, and
wrong where it is a way that eager mode does not go. The example tells which of these it
certainly is not.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils import _pytree as pytree

from asserts.dialects.torch.export.state import unchanged

__all__ = ["SwallowedWarning", "does_the_example"]


class SwallowedWarning(UserWarning):
    """A program is torch's own, traced through a handler that has caught torch's error."""


def does_the_example(model: torch.nn.Module, made: Any, args: Any, kwargs: Any) -> bool:
    """Run what torch has made (an `ExportArtifact`) beside the model, on copies; both leave
    the model as it was. False if one of them raises, too."""
    try:
        flat = _copied(_arguments(model, made, (args, kwargs)))
        with torch.no_grad(), unchanged(model, made.aten.gm):
            wanted = model(*_copied(args), **_copied(kwargs))
            got = made.aten.gm(*flat)
        return _are_equal(pytree.tree_leaves(got), pytree.tree_leaves(wanted))
    except Exception:  # (a model may raise anything)
        return False


def _copied(value: Any) -> Any:
    return pytree.tree_map_only(torch.Tensor, lambda one: one.detach().clone(), value)


def _arguments(model: torch.nn.Module, made: Any, given: Any) -> list[Any]:
    """What the graph takes: parameters, buffers, then the leaves of the inputs."""
    state: dict[str, Any] = dict(model.named_parameters(remove_duplicate=False))
    state |= dict(model.named_buffers(remove_duplicate=False))
    names = [*made.aten.sig.parameters, *made.aten.sig.buffers]
    return [*(state[name] for name in names), *pytree.tree_leaves(given)]


def _are_equal(got: list[Any], wanted: list[Any]) -> bool:
    """(The graph has what it writes to buffers among its results, the model's own last.)"""
    if len(got) < len(wanted):
        return False
    for a, b in zip(got[len(got) - len(wanted) :], wanted):
        if isinstance(b, torch.Tensor):
            torch.testing.assert_close(a, b, equal_nan=True)
        elif a != b:
            return False
    return True
