"""A stand-in for torch's pass `CollectTracepointsPass`, with its signature.

torch's fails for a symbolic number among inputs or outputs; ours records it.
"""

from __future__ import annotations

from typing import Any

from torch import fx
from torch.export.exported_program import ModuleCallSignature

from asserts.dialects.torch.answers.graph import TorchDialect
from asserts.dialects.torch.answers.tracepoints import CALLS
from asserts.passes.tracepoints import CollectTracepoints

__all__ = ["CollectTracepointsPass"]


class CollectTracepointsPass:
    """A stand-in for torch's pass: fills `specs` (signatures by name) and brings `sig` up to
    date, in place. Raises `GraphError` for markers that are not paired."""

    def __init__(self, specs: dict[str, Any], sig: Any) -> None:
        self.specs = specs
        self.sig = sig

    def __call__(self, gm: Any) -> Any:
        dialect = TorchDialect()
        collect = CollectTracepoints(dialect=dialect, replaced=self._replaced)
        result = collect(gm, in_place=True)
        for module in dialect.modules(gm):
            nodes = {node.name: node for node in module.graph.nodes}
            for name, record in (module.meta.pop(CALLS, None) or {}).items():
                if name not in self.specs:
                    self.specs[name] = _emptied(self.specs[name.partition("@")[0]])
                inputs, outputs = dialect.tracepoints.named(record, nodes)
                self.specs[name].inputs.extend(inputs)
                self.specs[name].outputs.extend(outputs)
        return result

    def _replaced(self, node: Any, argument: Any) -> None:
        if isinstance(argument, fx.Node):
            self.sig.replace_all_uses(node.name, argument.name)


def _emptied(signature: Any) -> ModuleCallSignature:
    return ModuleCallSignature([], [], signature.in_spec, signature.out_spec, None)
