"""Small exports, and what there is to say of the program behind a pass."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from tests.torch.torch_help import reloaded

Inputs = tuple[Any, ...]


class Counted(nn.Module):
    """Two checks, a buffer that is written to, a size among the results."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor, n: Tensor) -> tuple[Tensor, int]:
        k = n.item()
        torch._check(k >= 0)
        torch._check(k <= x.shape[0])
        self.count.add_(1)
        return x.narrow(0, 0, k) * 2, x.shape[0]


COUNTED: Inputs = (torch.arange(15.0).reshape(5, 3), torch.tensor(2))


def export(
    module: nn.Module, inputs: Inputs, dynamic: Any = None, aten: bool = False, **kw: Any
) -> ExportedProgram:
    """The module, exported by torch alone; with `aten`, decomposed too."""
    program = torch.export.export(module, inputs, dynamic_shapes=dynamic, **kw)
    return program.run_decompositions() if aten else program


def counted(aten: bool = False) -> ExportedProgram:
    return export(Counted(), COUNTED, ({0: Dim.DYNAMIC}, None), aten)


def nodes_of(program: Any, target: Any) -> list[Any]:
    """The nodes that call a function, nested graphs included."""
    module = getattr(program, "graph_module", program)
    return [
        node
        for inner in module.modules()
        if isinstance(inner, torch.fx.GraphModule)
        for node in inner.graph.nodes
        if node.target is target
    ]


def assert_runs_like(program: Any, eager: nn.Module, *calls: Inputs) -> None:
    """The program is valid, and equal to eager, also when it was saved and loaded."""
    for verifier in program.verifiers:
        verifier().check(program)
    loaded = reloaded(program)  # (a run may write to what comes with the program)
    for made in (program, loaded):
        run, fresh = made.module(), copy.deepcopy(eager)
        for inputs in calls:
            expected = fresh(*[_fresh(i) for i in inputs])
            torch.testing.assert_close(run(*[_fresh(i) for i in inputs]), expected)


def _fresh(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def text_of(program: Any) -> str:
    """The graph as text, with the names of its nodes."""
    return str(program.graph)
