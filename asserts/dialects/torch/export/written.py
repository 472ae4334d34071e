"""What a program has written by some point of its trace, and checks that stand behind that.

A check is mostly made where its values are first known. Where the program has written to an
input or a buffer before it would raise, eager mode leaves what was written there: the check is
a node of the graph then, at its own place.

Limits: a buffer that the model's code has replaced (``self.count = self.count + 1``) is
written by torch at the end of the program, which it does not reach if it stops: no check can
stand behind that. Once a program is functionalised, it has all its writes at the end.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from asserts.dialects.torch.export.bodies import is_written, storage_of, writes_after
from asserts.dialects.torch.export.questions import Question
from asserts.dialects.torch.export.traces import trace_in_force
from asserts.dialects.torch.symbols.growing import tracer_in_force
from asserts.dialects.torch.symbols.record import note_made, record_check

__all__ = ["has_written", "replaces_state", "require_here", "require_not"]


def has_written() -> bool:
    """Whether the graph in the making writes to what is not its own: inputs, parameters,
    buffers, constants."""
    tracer = tracer_in_force()
    if tracer is None:
        return False
    graph: fx.Graph = tracer.graph
    outer = [n for n in graph.nodes if n.op in ("placeholder", "get_attr")]
    storages = {storage_of(node.meta.get("val")) for node in outer}
    return writes_after(graph, None, {one for one in storages if one is not None})


def replaces_state() -> bool:
    """Whether the model has other tensors for parameters and buffers by now than it came
    with."""
    trace, tracer = trace_in_force(), tracer_in_force()
    if trace is None or tracer is None:
        return False
    state = (*trace.model.parameters(), *trace.model.buffers())
    known = [tracer.tensor_tracker.get(one) for one in state]
    return any(one is not None and not _is_input(one.proxy.node) for one in known)


def _is_input(node: fx.Node) -> bool:
    """Whether a tensor is an input of the graph, perhaps after writes to it."""
    written: Any = node
    while isinstance(written, fx.Node):
        node, written = written, next(is_written(written), None)
    return bool(node.op == "placeholder")


def require_here(question: Question, when: bool, message: str) -> bool:
    """Make it a node of the graph, at its end, that the asked condition has a truth; False if
    there is no node of the condition, or it contradicts what is known."""
    mode, asked = get_proxy_mode(), _asked(sys._getframe(1))
    if mode is None or asked is None or asked not in mode.tracer.symnode_tracker.sym_node_dict:
        return False
    truth = torch.SymBool(asked)
    holds = truth if when else torch.sym_not(truth)
    expr, shape_env = holds.node.expr, question.shape_env
    if not shape_env.guard_or_defer_runtime_assert(expr, message):
        return False
    note_made(shape_env, [expr])
    torch.ops.aten._assert_scalar.default(holds, message)
    record_check(shape_env, expr, message, question.location, made=True)
    return True


def require_not(question: Question, message: str) -> bool:
    """Make it a node of the graph that the asked comparison of floats does not hold, which is
    not that the opposite one does: of what is not a number, neither holds. (So torch is not
    told, which would take it for the opposite.)"""
    mode, asked = get_proxy_mode(), _asked(sys._getframe(1))
    if mode is None or asked is None or asked not in mode.tracer.symnode_tracker.sym_node_dict:
        return False
    held = torch.ops.aten.scalar_tensor.default(torch.SymBool(asked), dtype=torch.bool)
    torch.ops.aten._assert_async.msg(torch.logical_not(held), message)
    return True


def _asked(frame: FrameType | None) -> Any:
    """torch's node of the condition whose truth is asked for."""
    while frame is not None:
        if frame.f_code.co_name == "evaluate_sym_node":
            found = frame.f_locals["sym_node"]
            return found if found.pytype is bool else None
        frame = frame.f_back
    return None
