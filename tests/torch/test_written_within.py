"""What is written to through a graph that several nodes run is written, in whatever order its
users are looked at."""

from __future__ import annotations

import itertools
import operator

import pytest
import torch
from torch import fx, nn

from asserts.dialects.torch.symbols.constant import is_written

ATEN = torch.ops.aten


def _passing() -> fx.GraphModule:
    graph = fx.Graph()
    graph.output((graph.placeholder("given"),))
    return fx.GraphModule({}, graph)


def _program(names: tuple[int, ...], written: int | None) -> fx.GraphModule:
    """A part that is run with a tensor of constants under several names (so many views each);
    the result of one run is written to."""
    root, graph = nn.Module(), fx.Graph()
    root.add_module("part", _passing())
    wrap = torch.ops.higher_order.wrap_with_set_grad_enabled
    start = graph.call_function(ATEN.zeros.default, ([3],))
    results = []
    for views in names:
        name = start
        for _ in range(views):
            name = graph.call_function(ATEN.view.default, (name, [3]))
        ran = graph.call_function(wrap, (False, graph.get_attr("part"), name))
        results.append(graph.call_function(operator.getitem, (ran, 0)))
    if written is not None:
        graph.call_function(ATEN.add_.Tensor, (results[written], 1))
    graph.output(())
    return fx.GraphModule(root, graph)


@pytest.mark.parametrize("names", list(itertools.product(range(3), repeat=3)), ids=str)
def test_a_part_that_is_run_twice(names: tuple[int, ...]) -> None:
    for written in (None, *range(len(names))):
        graph = _program(names, written).graph
        [start] = graph.find_nodes(op="call_function", target=ATEN.zeros.default)
        assert is_written(start) is (written is not None), written
