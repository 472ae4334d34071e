"""Programs of every kind, as passes see them.

A pass works on a graph module through a dialect. What a person hands it may be more than
that: torch's `ExportedProgram` is a graph module with a signature, state and constants around
it. An `Adapter` holds the graph module that is worked on and the dialect made for it, and
puts what stands around it back together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

from asserts.conditions.report import Report
from asserts.dialects.base import Dialect
from asserts.dialects.numpy import NUMPY
from asserts.graph.module import GraphModule

__all__ = ["Adapter", "ModuleAdapter", "adapter_of", "is_onnx"]


class Adapter(Protocol):
    """A program while a pass works on it."""

    graph_module: Any
    """The graph module to work on: the program's own, or a copy of it."""
    given: Any
    """The program that a pass returns if it changes nothing."""

    @property
    def dialect(self) -> Dialect:
        """The dialect, which may be made for this program."""

    def report(self, policy: Any, effort: str) -> Report | None:
        """What becomes of every assert of the graph module, which is used up. None for a
        program of which an insertion says that."""

    def state_checks(self) -> bool:
        """State the checks that the program keeps beside its graph. Whether it may have
        others, on values that its graph does not have."""

    def names(self) -> Mapping[str, str]:
        """The author's words for symbols, by their names."""

    def finished(self, functional: bool = True) -> Any:
        """A valid program around the graph module; if the pass said that it introduces
        mutation (not `functional`), of a kind that allows it. Raises `GraphError`, naming the
        node, where there is none."""


class ModuleAdapter:
    """A graph module, with nothing around it."""

    def __init__(self, dialect: Dialect, graph_module: Any) -> None:
        self.dialect = dialect
        self.graph_module = self.given = graph_module

    def report(self, policy: Any, effort: str) -> Report | None:
        return None

    def state_checks(self) -> bool:
        return False

    def names(self) -> Mapping[str, str]:
        return {}

    def finished(self, functional: bool = True) -> Any:
        for module in self.dialect.modules(self.graph_module):
            module.recompile()
        return self.graph_module


def adapter_of(program: object, copy: bool = True) -> Adapter | None:
    """The adapter of a program of any kind that there is a dialect for; None for anything
    else. Without `copy` its graph module is the program's own."""
    if isinstance(program, GraphModule):
        return ModuleAdapter(NUMPY, program.copy() if copy else program)
    if any(base.__module__.startswith("torch.") for base in type(program).__mro__):
        from asserts.dialects.torch.export import hosts as torch_hosts

        return torch_hosts.adapter_of(program, copy)
    return None


def is_onnx(program: object) -> bool:
    """Whether it is taken for an ONNX model: one of onnx, of onnx-ir or of torch's exporter,
    or where one is read from, which is a path or bytes."""
    if isinstance(program, (str, os.PathLike, bytes)):
        return True
    module = type(program).__module__
    if module.split(".")[0] in ("onnx", "onnx_ir"):
        return hasattr(program, "graph")
    return module.startswith("torch.onnx") and hasattr(program, "model")
