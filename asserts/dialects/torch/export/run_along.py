"""The example's values of what a program computes, found beside its trace.

When torch asks for a run-time number, the graph that is being traced is run as far as it
goes, with the example inputs: eagerly, each node once, and only then. (torch can propagate
real tensors itself, but does not copy parameters, and reads uninitialised memory in their
place.)

Guarantees: the caller's inputs, parameters and buffers stay as they are; nothing is written
into the graph. Limits: only `torch.export.export` without `strict`; within the bodies of
higher-order operations no values are known. What random numbers decide is decided here by
some of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType, FunctionType
from typing import Any, Final

import sympy
import torch
from torch import fx
from torch._dispatch.python import no_python_dispatcher
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils.weak import WeakIdKeyDictionary

from asserts.dialects.torch.export.traces import trace_in_force
from asserts.dialects.torch.symbols.constant import is_computed_from
from asserts.dialects.torch.symbols.growing import tracer_in_force
from asserts.dialects.torch.symbols.loaded import is_unbacked
from asserts.dialects.torch.symbols.record import Text

__all__ = ["example_values", "remembering_examples", "values_of_state"]

_TRACE: Final = os.path.join(os.path.dirname(torch.__file__), "export", "_trace.py")
"""Where torch starts the trace of an export."""

_REAL: WeakIdKeyDictionary = WeakIdKeyDictionary()
"""The tensor that each fake one stands for."""

_KEPT_AS: Final = "_shapeproof_run"
"""The attribute of a tracer that keeps what was run beside it, as long as it lives."""


def remembering_examples(original: Callable[..., Any]) -> Callable[..., Any]:
    """torch's `FakeTensorMode.from_tensor`, with a memory of what a fake tensor stands for."""

    def from_tensor(self: Any, tensor: Any, *args: Any, **options: Any) -> Any:
        if isinstance(tensor, (FunctionType, Text)):
            return tensor  # (dynamo keeps the text of a check as an attribute of its graph)
        fake = original(self, tensor, *args, **options)
        if fake is not tensor:
            _REAL[fake] = tensor
        return fake

    return from_tensor


def values_of_state(shape_env: TorchShapeEnv, symbols: set[Any]) -> dict[Any, Any] | None:
    """The values of symbols, if all are computed from parameters and buffers only, which
    nothing in the program writes to: not so far, and if something does later, the trace starts
    again without such answers."""
    run, trace = _run(), trace_in_force()
    if run is None or trace is None or trace.without_state:
        return None
    run.go_on()
    found = {symbol: run.value_of(symbol, shape_env) for symbol in symbols}
    if None in found.values() or not all(run.is_of_state(s, shape_env) for s in symbols):
        return None
    for symbol in symbols:
        trace.read_state.update(run.state_behind(symbol, shape_env))
    return found


def example_values(shape_env: TorchShapeEnv, symbols: set[Any]) -> dict[Any, Any]:
    """The example's value of each of torch's symbols, as far as known."""
    found: dict[Any, Any] = {}
    unbacked = [symbol for symbol in symbols if is_unbacked(symbol)]
    run = _run() if unbacked else None
    if run is not None:
        run.go_on()
    for symbol in symbols:
        value = shape_env.backed_var_to_val.get(symbol)
        if is_unbacked(symbol) and run is not None:
            value = run.value_of(symbol, shape_env)
        if value is not None:
            found[symbol] = value
    return found


def _run() -> _Run | None:
    tracer = tracer_in_force()
    if tracer is None:
        return None
    run: _Run | None = getattr(tracer, _KEPT_AS, None)
    if run is None:
        flat = _flat_arguments(sys._getframe(1))
        if flat is None:
            return None
        run = _Run(tracer, *flat)
        setattr(tracer, _KEPT_AS, run)
    return run


def _flat_arguments(frame: FrameType | None) -> tuple[tuple[Any, ...], int] | None:
    """What the trace was started with: parameters and buffers, then inputs; and how many the
    former are. None within the bodies of higher-order operations, which are traced with other
    arguments."""
    traces = 0
    while frame is not None:
        name = frame.f_code.co_name
        traces += name == "dispatch_trace"
        if name == "_make_fx_helper" and frame.f_code.co_filename == _TRACE:
            found = frame.f_locals
            return (tuple(found["flat_args"]), found["params_len"]) if traces == 1 else None
        frame = frame.f_back
    return None


class _UnknownError(Exception):
    """A value that cannot be computed beside the trace."""


_SKIPPED: Final = frozenset((
    torch._C._set_grad_enabled, torch.amp.autocast_mode._enter_autocast,
    torch.amp.autocast_mode._exit_autocast, torch._C._functorch._vmap_increment_nesting,
    torch._C._functorch._vmap_decrement_nesting,
))  # fmt: skip
"""What changes the state of torch rather than computes something."""


class _Run:
    """The nodes of a graph in the making, run with the example inputs."""

    def __init__(self, tracer: Any, flat: tuple[Any, ...], state: int) -> None:
        self.tracer = tracer
        self._of_state = state
        self._nodes: dict[Any, fx.Node] = {}
        self._own: set[fx.Node] = set()
        self._inputs: Iterator[Any] = iter(flat)
        self._values: dict[fx.Node, Any] = {}
        self._symbols: dict[Any, Any] = {}
        self._kept: set[int] = set()
        self._last: fx.Node | None = None

    def value_of(self, symbol: Any, shape_env: TorchShapeEnv) -> Any:
        """The value of a run-time symbol; None if it is not known."""
        found = self._symbols.get(symbol)
        if found is None:
            for old, new in shape_env.unbacked_renamings.items():
                if new == symbol:
                    return self._symbols.get(old)
        return found

    def go_on(self) -> None:
        """Run what is new."""
        graph = self.tracer.graph
        node = graph._root.next if self._last is None else self._last.next
        with _eager():
            while node.op != "root":
                is_last = node.next.op == "root" and node.op == "call_function"
                if is_last and "val" not in node.meta:
                    break  # (torch is about to run it)
                self._take(node)
                self._last = node
                node = node.next

    def _take(self, node: fx.Node) -> None:
        try:
            value = self._computed(node)
        except Exception as error:  # (an operation may raise anything)
            value = _UnknownError(str(error))
        self._values[node] = value
        if node.op == "placeholder" and self._of_state > 0:
            self._of_state -= 1
            self._own.add(node)
        if not isinstance(value, _UnknownError):
            self._note(node, value)

    def _computed(self, node: fx.Node) -> Any:
        if node.op == "placeholder":
            return self._example(next(self._inputs))
        if node.op == "get_attr":
            return self._attribute(str(node.target))
        if node.op != "call_function" or node.target in _SKIPPED:
            return None
        args, kwargs = fx.map_arg((node.args, dict(node.kwargs)), self._operand)
        self._require_own(node.target, args, kwargs)
        return node.target(*args, **kwargs)

    def _operand(self, node: fx.Node) -> Any:
        value = self._values[node]
        if isinstance(value, _UnknownError):
            raise value
        return value

    def _attribute(self, target: str) -> Any:
        found: Any = self.tracer.root
        for part in target.split("."):
            found = getattr(found, part)
        if isinstance(found, torch.Tensor):
            self._kept.add(found.untyped_storage()._cdata)
        return found

    def _example(self, value: Any) -> Any:
        """The example for an argument of the trace: a copy of an input; of parameters, which
        are large, themselves."""
        if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            return value.node.hint
        if not isinstance(value, torch.Tensor):
            return value
        real = _REAL.get(value)
        if real is None:
            raise _UnknownError("no example of the tensor is known")
        real = real.detach()
        if isinstance(value, torch.nn.Parameter):
            self._kept.add(real.untyped_storage()._cdata)
            return real
        return real.clone()

    def _require_own(self, target: Any, args: Any, kwargs: Any) -> None:
        """What belongs to the program is not written to."""
        schema = getattr(target, "_schema", None)
        if schema is None or not schema.is_mutable or not self._kept:
            return
        named = {**dict(zip((one.name for one in schema.arguments), args)), **kwargs}
        for formal in schema.arguments:
            actual = named.get(formal.name)
            written = formal.alias_info is not None and formal.alias_info.is_write
            if not written or not isinstance(actual, torch.Tensor):
                continue
            if actual.untyped_storage()._cdata in self._kept:
                raise _UnknownError(f"{target} writes to what belongs to the program")

    def is_of_state(self, symbol: Any, shape_env: TorchShapeEnv) -> bool:
        """Whether the symbol's value comes of what belongs to the program alone."""
        node = self._read(symbol, shape_env)
        return node is not None and is_computed_from(node, self._own)

    def state_behind(self, symbol: Any, shape_env: TorchShapeEnv) -> set[int]:
        """The parameters and buffers that take part in a symbol's value, by their places."""
        pending = {self._read(symbol, shape_env)} - {None}
        seen = set(pending)
        while pending:
            new = {one for node in pending if node for one in node.all_input_nodes} - seen
            seen |= new
            pending = new
        graph: fx.Graph = self.tracer.graph
        return {
            at for at, one in enumerate(graph.find_nodes(op="placeholder"))
            if one in seen
        }  # fmt: skip

    def _read(self, symbol: Any, shape_env: TorchShapeEnv) -> fx.Node | None:
        """The node that reads a symbol first."""
        node = self._nodes.get(symbol)
        if node is None:
            old = {new: old for old, new in shape_env.unbacked_renamings.items()}.get(symbol)
            node = self._nodes.get(old)
        return node

    def _note(self, node: fx.Node, value: Any) -> None:
        """Remember the values of symbols for which this is the first reading."""
        before = set(self._symbols)
        self._note_leaves(node.meta.get("val"), value)
        self._nodes.update(dict.fromkeys(self._symbols.keys() - before, node))

    def _note_leaves(self, stated: Any, value: Any) -> None:
        stated_leaves = pytree.tree_leaves(stated)
        leaves = pytree.tree_leaves(value)
        if len(stated_leaves) != len(leaves):
            return
        for one, real in zip(stated_leaves, leaves):
            if isinstance(one, torch.Tensor) and isinstance(real, torch.Tensor):
                if one.dim() == real.dim():
                    for size, actual in zip(one.shape, real.shape):
                        self._note_number(size, actual)
            else:
                self._note_number(one, real)

    def _note_number(self, stated: Any, value: Any) -> None:
        if not isinstance(stated, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            return
        if not isinstance(value, (int, float)):
            return
        symbol, number = _solved(stated.node._expr, value)
        if symbol is not None and is_unbacked(symbol):
            self._symbols.setdefault(symbol, number)


def _solved(expr: Any, value: float) -> tuple[Any, Any]:
    """The symbol that is read there, with its value."""
    if isinstance(expr, sympy.Symbol):
        return expr, _number(value)
    if isinstance(expr, sympy.Eq) and isinstance(expr.lhs, sympy.Symbol) and expr.rhs == 1:
        return expr.lhs, sympy.Integer(int(value))  # (a truth is read as 1 or 0)
    return None, None


def _number(value: float) -> Any:
    return sympy.Integer(value) if isinstance(value, int) else sympy.Float(value)


@contextmanager
def _eager() -> Iterator[None]:
    """Out of everything that traces."""
    with ExitStack() as stack:
        for one in (
            _disable_current_modes(), no_python_dispatcher(), torch._C.DisableTorchFunction(),
            torch.no_grad(), torch.random.fork_rng(devices=[]),
        ):  # fmt: skip
            stack.enter_context(one)
        yield


