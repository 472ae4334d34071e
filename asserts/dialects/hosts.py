"""What stands around a graph module, and which dialect speaks for it.

A pass works on a graph module through a dialect. A person hands it a program: one of our
graph modules, a `torch.fx.GraphModule`, or torch's `ExportedProgram`, which is a graph module
with a signature, state and constants around it. A `Host` holds the copy that is worked on,
the dialect made for this one program, and puts what stands around it back together.
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Host", "host_of"]


class Host(Protocol):
    """A program while a pass works on it."""

    dialect: Any
    """The dialect made for this program."""
    graph_module: Any
    """The graph module to work on: the program's own, or a copy of it."""

    def finished(self, functional: bool = True) -> Any:
        """A valid program around the graph module; if the pass said that it introduces
        mutation (not `functional`), of a kind that allows it. Raises `GraphError`, naming the
        node, where there is none."""


def host_of(program: object, copy: bool = True) -> Host | None:
    """The host of a program of another framework than ours; None for anything else. Without
    `copy` its graph module is the program's own."""
    if not any(base.__module__.startswith("torch.") for base in type(program).__mro__):
        return None
    from asserts.dialects.torch.export import hosts as torch_hosts

    return torch_hosts.host_of(program, copy)
