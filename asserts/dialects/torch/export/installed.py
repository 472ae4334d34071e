"""Our passes inside torch, for the time of a ``with`` block.

torch refers to its insertion pass by name in several modules; each of these names is
replaced, and put back when the last block that asked for it ends. Blocks nest, and run in
several threads at once: torch has one set of modules, so while any block is open all
threads use our passes.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from asserts.dialects.torch.export import decide as torch_decide
from asserts.dialects.torch.export.passes import insert_deferred_runtime_asserts
from asserts.dialects.torch.export.remove import remove_runtime_asserts
from asserts.dialects.torch.symbols import record as torch_record
from asserts.dialects.torch.symbols.buffers import remembering_buffers

__all__ = ["installed"]

_NAME = "insert_deferred_runtime_asserts"

_PLACES = (
    "torch.fx.passes.runtime_assert",
    "torch._export.utils",
    "torch.export.exported_program",
    "torch._higher_order_ops.utils",
    "torch._higher_order_ops.invoke_subgraph",
    "torch._dynamo.output_graph",
)
"""The modules of torch that name the insertion pass (`fx.experimental.proxy_tensor` imports
it from the first one when it needs it)."""

_LOCK = threading.RLock()
_DEPTH = 0
_DECIDING = 0
_UNCHECKED = 0
_UNDO: list[Callable[[], None]] = []


@contextmanager
def installed(decide: bool = False, check_guards: bool = True) -> Iterator[None]:
    """torch.export and torch.compile use our passes inside the block.

    With `decide`, our prover is asked before torch raises an error because a condition
    depends on data (see `decide`). Guards count as enforced, as they are in compiled
    code and by ``program.module()``; who will call ``program.module(check_guards=False)``
    says so here, too, and nothing rests on guards then: what they would discharge is checked
    in the graph.

    Nested blocks, blocks in several threads and exceptions are fine: torch's own passes are
    back when the last block has ended.
    """
    _enter(decide, check_guards)
    try:
        yield
    finally:
        _leave(decide, check_guards)


def _enter(decide: bool, check_guards: bool) -> None:
    global _DEPTH, _DECIDING, _UNCHECKED
    with _LOCK:
        if _DEPTH == 0:
            try:
                _swap_all()
            except BaseException:
                _restore()
                raise
        _DEPTH += 1
        _DECIDING += decide
        _UNCHECKED += not check_guards


def _leave(decide: bool, check_guards: bool) -> None:
    global _DEPTH, _DECIDING, _UNCHECKED
    with _LOCK:
        _DEPTH -= 1
        _DECIDING -= decide
        _UNCHECKED -= not check_guards
        if _DEPTH == 0:
            _restore()


def _restore() -> None:
    while _UNDO:
        _UNDO.pop()()


def _swap_all() -> None:
    from torch.fx.experimental.sym_node import SymNode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    for place in _PLACES:
        _swap(importlib.import_module(place), _NAME, _inserting)
    _swap(SymNode, "expect_true", torch_record.recording_expect_true(SymNode.expect_true))
    evaluate = torch_decide.deciding(
        ShapeEnv._evaluate_expr, lambda: _DECIDING > 0, _guards_are_checked
    )
    _swap(ShapeEnv, "_evaluate_expr", evaluate)
    from torch.export import _trace

    remembering = remembering_buffers(_trace._fakify_params_buffers)
    _swap(_trace, "_fakify_params_buffers", remembering)
    from torch._export.passes.remove_runtime_assertions import _RemoveRuntimeAssertionsPass

    _swap(_RemoveRuntimeAssertionsPass, "call", _removing)
    from torch._dynamo.output_graph import OutputGraph

    _swap(OutputGraph, "remove_unused_graphargs", _keeping_checks(OutputGraph))
    _overlook((torch_decide.__file__, torch_record.__file__))


def _swap(owner: Any, name: str, new: Any) -> None:
    old = getattr(owner, name)
    setattr(owner, name, new)
    _UNDO.append(lambda: setattr(owner, name, old))


def _overlook(files: Iterable[str]) -> None:
    """torch names the line of the user that asked for something: it is none of ours."""
    from torch.fx.experimental.symbolic_shapes import uninteresting_files

    known = uninteresting_files()
    for file in set(files) - known:
        known.add(file)
        _UNDO.append(partial(known.discard, file))


def _keeping_checks(owner: Any) -> Callable[[Any], None]:
    """dynamo's `remove_unused_graphargs`, which leaves checks of computed values where they
    are: it drops those that hold because of what torch has learned from them."""
    original = owner.remove_unused_graphargs

    def remove_unused_graphargs(self: Any) -> None:
        nodes = self.graph.nodes
        checks = [n for n in nodes if n.target is torch._check and n.all_input_nodes]
        for node in checks:
            node.target = _kept_check
        try:
            original(self)
        finally:
            for node in checks:
                node.target = torch._check

    return remove_unused_graphargs


def _kept_check(*_: Any) -> None:
    """Stands for `torch._check` while dynamo looks for what it need not keep."""


def _inserting(gm: Any, shape_env: Any, name: str, export: bool = False) -> None:
    """Our insertion where torch calls its own."""
    insert_deferred_runtime_asserts(
        gm, shape_env, name, export, check_guards=_guards_are_checked()
    )


def _guards_are_checked() -> bool:
    """Unless somebody says otherwise: blocks in all threads share our passes."""
    return _UNCHECKED == 0


def _removing(self: Any, graph_module: Any) -> Any:
    """Our removal where torch calls its own."""
    from torch.fx.passes.infra.pass_base import PassResult

    return PassResult(graph_module, remove_runtime_asserts(graph_module).modified)
