"""What an exported program has around its graph, as far as passes ask about it."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

__all__ = ["TorchSignature"]

_STATE = (InputKind.PARAMETER, InputKind.BUFFER)
_CONSTANT = InputKind.CONSTANT_TENSOR


class TorchSignature:
    """The inputs that a program brings along. A graph module by itself has none."""

    def __init__(self, program: ExportedProgram | None = None, graph: fx.Graph = None) -> None:
        self.program = program
        self._graph = graph
        inputs = () if program is None else program.graph_signature.input_specs
        outputs = () if program is None else program.graph_signature.output_specs
        self._own = {
            spec.arg.name: spec for spec in inputs if spec.kind in (*_STATE, _CONSTANT)
        }
        self._written = {
            spec.target for spec in outputs if spec.kind is not OutputKind.USER_OUTPUT
        }
        self.added: dict[str, Any] = {}
        """Values of constants that a pass has added, by name."""
        self.constants = {
            name: spec.target for name, spec in self._own.items() if spec.kind is _CONSTANT
        }
        """Names of constants by the names of their placeholders."""

    def names_inputs_of(self, graph: fx.Graph) -> bool:
        """Whether the graph is the one whose inputs the signature names."""
        return self.program is not None and graph is self._graph

    def user_inputs(self) -> set[Any]:
        """The names of the placeholders that the program's users give values for."""
        return set() if self.program is None else {*self.program.graph_signature.user_inputs}

    def own_inputs(self) -> set[str]:
        """The placeholders that stand for parameters, buffers and constants."""
        return set(self._own)

    def values(self) -> dict[str | None, Any]:
        """What comes with the program, by name."""
        if self.program is None:
            return {}
        return {**self.program.constants, **self.program.state_dict, **self.added}

    def brought_along(self, placeholder: str) -> Any:
        """The value that a placeholder stands for whatever the caller gives; None for that of
        a user."""
        spec = self._own.get(placeholder)
        return None if spec is None else self.values().get(spec.target)

    def constant_value(self, placeholder: str) -> Any:
        """The constant that a placeholder stands for."""
        return self.values().get(self.constants.get(placeholder))

    def state_value(self, placeholder: str) -> Any:
        """The value of a parameter, or of a buffer that the program does not write to."""
        spec = self._own.get(placeholder)
        if spec is None or spec.kind not in _STATE or spec.target in self._written:
            return None
        return self.values().get(spec.target)

    def written_back(self) -> set[Any]:
        """The storages of what the program overwrites when it returns."""
        values = self.values()
        found = [values.get(target) for target in self._written]
        return {
            ("storage", value.untyped_storage()._cdata)
            for value in found
            if isinstance(value, torch.Tensor) and value.layout is torch.strided
        }
