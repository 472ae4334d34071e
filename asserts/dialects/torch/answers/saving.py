"""Asserts that a saved program can be loaded with.

torch writes the value of every symbolic number as text, and its loader does not know all the
functions in it: to a condition with a square root, a logarithm or a bit operation it fails
as soon as a scalar assert asks what the condition means. Such a condition is therefore
asserted as a tensor, of which the loader asks nothing; the numbers are computed as before.
So is a truth that is read from a tensor: the loader would put 1 for its symbol, and then miss
that.
"""

from __future__ import annotations

from typing import Any, Final

import sympy
import torch
from torch import fx
from torch._subclasses.fake_tensor import FakeTensorMode

from asserts.dialects.torch.answers.effects import fake_mode_of
from asserts.dialects.torch.answers.lazy import is_plain

__all__ = ["assert_target", "is_loadable"]

_ATEN: Final = torch.ops.aten
_READS: Final = (_ATEN.item.default, _ATEN._local_scalar_dense.default)
_UNKNOWN: Final = ("OpaqueUnaryFn_", "BitwiseFn_")
"""How the names begin of functions that the loader of saved programs does not know."""


def is_loadable(value: object) -> bool:
    """Whether a condition's text means the same to torch's loader."""
    if not isinstance(value, torch.SymBool):
        return True
    if is_plain(value):
        return True
    functions = value.node.expr.atoms(sympy.Function)
    return not any(type(f).__name__.startswith(_UNKNOWN) for f in functions)


def assert_target(graph: fx.Graph, condition: Any, key: str) -> tuple[Any, Any]:
    """The function that asserts a condition, and what it is given; a new node stands at the
    graph's insertion point if a tensor is needed."""
    is_node = isinstance(condition, torch.fx.Node)
    value = condition.meta.get(key) if is_node else None
    is_read = is_node and condition.target in _READS and isinstance(value, torch.SymBool)
    if is_loadable(value) and not is_read:
        return _ATEN._assert_scalar.default, condition
    made = graph.call_function(_ATEN.scalar_tensor.default, (condition,))
    with fake_mode_of(graph, key) or FakeTensorMode():
        made.meta[key] = torch.empty((), dtype=torch.float32, device="cpu")
    made.meta["torch_fn"] = ("scalar_tensor_0", "OpOverload.scalar_tensor.default")
    made.meta.update({k: v for k, v in condition.meta.items() if k == "stack_trace"})
    return _ATEN._assert_async.msg, made
