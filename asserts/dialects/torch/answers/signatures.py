"""What an exported program has around its graph, as far as passes ask about it."""

from __future__ import annotations

from typing import Any

from torch.export import ExportedProgram
from torch.export.graph_signature import ExportGraphSignature, InputKind

__all__ = ["TorchSignatures"]


class TorchSignatures:
    """The part of the dialect that is about the inputs which a program brings along."""

    program: ExportedProgram | None = None
    added_constants: dict[str, Any]
    """Values of constants that a pass has added, by name."""
    _constants: dict[str, str]
    """Names of constants by the names of their placeholders."""
    root_graph: Any = None
    """The graph whose inputs the signature names."""

    def of_program(self, program: ExportedProgram, graph: Any) -> None:
        """Say which exported program the graph is of."""
        self.root_graph = graph
        signature: ExportGraphSignature = program.graph_signature
        self.program = program
        self.exported = True
        self.added_constants = {}
        self._constants = {
            spec.arg.name: spec.target
            for spec in signature.input_specs
            if spec.kind is InputKind.CONSTANT_TENSOR
        }

    def constant_of(self, node: Any) -> str | None:
        """The name of the constant that a placeholder stands for."""
        return None if self.program is None else self._constants.get(node.name)
