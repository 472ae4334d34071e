"""A program written as a graph by hand, for tests that look at single nodes."""

from __future__ import annotations

import operator

import numpy as np

from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from asserts.graph.runtime import item, size
from shapes import ShapeEnv

__all__ = ["module_with_reads"]


def module_with_reads() -> tuple[GraphModule, ShapeEnv]:
    """``tokens[:, :max(lengths)]`` with symbols b (batch), u0 (the widest) and a contract."""
    env = ShapeEnv()
    b = env.size("b", min=1, max=64, source="tokens.shape[0]")
    columns = env.size("tokens.shape[1]", source="tokens.shape[1]")
    env.contract(columns == 128)
    rows = env.size("lengths.shape[0]", source="lengths.shape[0]")
    env.contract(rows == b)
    graph = Graph()
    tokens = graph.placeholder("tokens")
    tokens.meta["bindings"] = {b.expr: (("size", 0),), columns.expr: (("size", 1),)}
    lengths = graph.placeholder("lengths")
    lengths.meta["bindings"] = {rows.expr: (("size", 0),)}
    longest = graph.call_function(np.max, (lengths,))
    widest = graph.call_function(item, (longest,))
    u0 = env.unbacked("u0", source="max(lengths)")
    widest.meta.update(bindings={u0.expr: ()}, val=u0.expr)
    cut = graph.call_function(operator.getitem, (tokens, (slice(None), slice(0, widest))))
    graph.output((cut, graph.call_function(size, (tokens, 0))))
    module = GraphModule(None, graph)
    module.shape_env = env
    return module, env
