"""The dialect of one of torch's programs, with what its callers are held to as facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.export import ExportedProgram

from asserts.dialects.torch.answers.calls import value_key
from asserts.dialects.torch.answers.graph import TorchDialect
from asserts.dialects.torch.answers.guards import state_checked_guards
from asserts.dialects.torch.answers.signatures import TorchSignature
from asserts.dialects.torch.symbols.shape_env import TorchEnv

__all__ = ["dialect_for", "shape_env_of"]


def dialect_for(program: Any, module: Any, check_guards: bool = True) -> TorchDialect:
    """The dialect for a graph of an `ExportedProgram` or a `GraphModule`. Guards count as
    enforced only if they are checked."""
    key = value_key(module.graph)
    symbols = TorchEnv(shape_env_of(module, key))
    dialect = TorchDialect(symbols, key)
    dialect.judges_metadata = True
    if isinstance(program, ExportedProgram):
        dialect.signature = TorchSignature(program, module.graph)
        symbols.state_entry_ranges(program.range_constraints)
        if check_guards:
            state_checked_guards(program, symbols)
    dialect.learn(module)
    return dialect


def shape_env_of(module: Any, key: str = "val") -> Any:
    """torch's environment, from the first symbolic value that has one."""
    for value in _values(module, key):
        sizes = value.shape if isinstance(value, torch.Tensor) else (value,)
        for size in sizes:
            if isinstance(size, (torch.SymInt, torch.SymFloat, torch.SymBool)):
                return size.node.shape_env
    return None


def _values(module: Any, key: str) -> Iterator[Any]:
    for inner in module.modules():
        if isinstance(inner, torch.fx.GraphModule):
            for node in inner.graph.nodes:
                yield node.meta.get(key)
