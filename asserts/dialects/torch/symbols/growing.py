"""An environment that is asked while a program is traced, and takes in what is new since.

Checks and guards are only ever added, so that each is read once. Ranges, which torch narrows
in place, and what follows from them by its replacements, are stated anew each time.

Guarantees: what is known is what a new environment would know. Where torch has taken back
something, or renamed a symbol, `takes` says no, and a new one is made.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import FrameType
from typing import Any

import sympy
from torch import fx
from torch._dynamo.source import TensorProperty, TensorPropertySource
from torch.fx.experimental.proxy_tensor import ProxyTorchDispatchMode, get_proxy_mode
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.dialects.torch.symbols.computed import (
    COMPUTED,
    computed_number,
    new_nodes,
    number_read,
)
from asserts.dialects.torch.symbols.record import count_of_recorded, recorded_checks
from asserts.dialects.torch.symbols.shape_env import TorchEnv, is_unbacked
from shapes.base import Bound
from shapes.expr import BoolExpr, Expr, make
from shapes.facts import Facts

__all__ = ["GrowingEnv", "tracer_in_force"]


@dataclass
class _Mark:
    """What was known before ranges of run-time values were stated."""

    facts: Facts
    checks: int
    checked: set[BoolExpr]
    own_ends: dict[Expr, tuple[Bound, Bound]]


class GrowingEnv(TorchEnv):
    """What is enforced at some point of a trace: what callers are held to, and the checks so
    far. Guards are facts if callers check them."""

    def __init__(self, shape_env: TorchShapeEnv, check_guards: bool) -> None:
        super().__init__(shape_env)
        self._check_guards = check_guards
        self._recorded = 0
        self._guards = 0
        self._deferred: dict[Any, list[Any]] = {}
        self._ranges: dict[Any, Any] = {}
        self._sized: set[Any] = set()
        self._renamed = len(shape_env.unbacked_renamings)
        self._mark: _Mark | None = None
        self._graph: fx.Graph | None = None
        self._last: fx.Node | None = None
        self.read_by: dict[Expr, fx.Node] = {}
        """The nodes of the graph in the making that read numbers, by the symbols of these."""

    # ------------------------------------------------------------------ growing

    def takes(self, shape_env: TorchShapeEnv, check_guards: bool) -> bool:
        """Whether what is new can be added to what is known."""
        return (
            check_guards is self._check_guards
            and len(shape_env.unbacked_renamings) == self._renamed
            and len(shape_env.guards) >= self._guards
            and count_of_recorded(shape_env) >= self._recorded
            and all(_continues(shape_env, key, old) for key, old in self._deferred.items())
            and all(_narrows(shape_env, key, old) for key, old in self._ranges.items())
        )

    def take(self, shape_env: TorchShapeEnv) -> None:
        """Take in what is new."""
        self._forget_bounds()
        self.declare_symbols(shape_env)
        self._take_entry(shape_env)
        for check in recorded_checks(shape_env, self._recorded):
            self.state_recorded(check)
        self._recorded = count_of_recorded(shape_env)
        for symbol, asserts in shape_env.deferred_runtime_asserts.items():
            taken = self._deferred.setdefault(symbol, [])
            for one in asserts[len(taken) :]:
                self.state_deferred(one)
                taken.append(one)
        self._take_computed()
        self._note_mark()
        self.state_bounds(shape_env)

    def _take_entry(self, shape_env: TorchShapeEnv) -> None:
        """What callers are held to."""
        new = {
            symbol: found
            for symbol, found in shape_env.var_to_range.items()
            if _is_input(symbol) and self._ranges.get(symbol) != found
        }
        self.state_entry_ranges(new)
        self._ranges.update(new)
        if self._check_guards:
            self.state_guards(self._guards)
        self._guards = len(shape_env.guards)
        self._take_sizes(shape_env)

    def _take_sizes(self, shape_env: TorchShapeEnv) -> None:
        """Sizes of inputs are not negative. (Those of results have a range that says so.)"""
        for symbol, sources in shape_env.var_to_sources.items():
            if symbol in self._sized or not _is_input(symbol) or not symbol.is_integer:
                continue
            if any(_is_size(source) for source in sources):
                self._sized.add(symbol)
                self.entry_fact(make("Ge", self.symbol(symbol), 0))

    def _take_computed(self) -> None:
        """Numbers that the graph in the making computes from sizes (see `computed`)."""
        graph = _graph_in_the_making()
        if graph is None:
            return
        if graph is not self._graph:
            self._graph, self._last = graph, None
            self.read_by.clear()
        for node in new_nodes(graph, self._last):
            self._last = node
            read = number_read(node)
            if read is not None:
                self.read_by[self.symbol(read[0])] = node
            claim = computed_number(node, self)
            if claim is not None:
                self.guarantee(claim, COMPUTED)

    # ------------------------------------------------------------------ ranges

    def _note_mark(self) -> None:
        env = self.env
        self._mark = _Mark(
            env.facts, len(env._told.checks), set(self._checked), dict(self._own_ends)
        )

    def _forget_bounds(self) -> None:
        mark = self._mark
        if mark is None:
            return
        self.env.facts = mark.facts
        del self.env._told.checks[mark.checks :]
        self._checked, self._own_ends = mark.checked, mark.own_ends


def _graph_in_the_making() -> fx.Graph | None:
    """The graph that is traced."""
    tracer = tracer_in_force()
    return None if tracer is None else tracer.graph


def tracer_in_force() -> Any:
    """What makes the graph that is traced; while torch's mode handles an operation, it is not
    in force, but among the callers. None: nothing is traced."""
    mode = get_proxy_mode()
    if mode is not None:
        return mode.tracer
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "__torch_dispatch__":
            caller = frame.f_locals.get("self")
            if isinstance(caller, ProxyTorchDispatchMode):
                return caller.tracer
        frame = frame.f_back
    return None


def _is_input(symbol: object) -> bool:
    return isinstance(symbol, sympy.Symbol) and not is_unbacked(symbol)


def _continues(shape_env: TorchShapeEnv, symbol: object, taken: list[Any]) -> bool:
    """Whether the asserts of a symbol begin with those that were taken."""
    now = shape_env.deferred_runtime_asserts.get(symbol, [])
    return not taken or (len(now) >= len(taken) and now[len(taken) - 1] is taken[-1])


def _narrows(shape_env: TorchShapeEnv, symbol: object, before: object) -> bool:
    """Whether the range of an input is what it was, or within that."""
    now = shape_env.var_to_range.get(symbol)
    return now is not None and (now == before or now.issubset(before))


def _is_size(source: object) -> bool:
    return isinstance(source, TensorPropertySource) and source.prop is TensorProperty.SIZE
