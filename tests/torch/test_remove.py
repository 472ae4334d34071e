"""Removal: which targets, nested graphs, nodes with users, dead comparisons."""

from __future__ import annotations

import operator

import torch
from torch import fx

from asserts.dialects.torch import remove_runtime_asserts
from asserts.dialects.torch_graph import METADATA, SCALAR_ASSERTS
from tests.torch.programs import PROGRAMS
from tests.torch.torch_help import exported

ATEN = torch.ops.aten


def hand_built(nested: bool = False) -> fx.GraphModule:
    graph = fx.Graph()
    x = graph.placeholder("x")
    size = graph.call_function(ATEN.sym_size.int, (x, 0))
    holds = graph.call_function(operator.le, (size, 4))
    graph.call_function(ATEN._assert_scalar.default, (holds, "at most four"))
    graph.call_function(ATEN.sym_constrain_range.default, (size,), {"min": 1, "max": 4})
    graph.call_function(ATEN.sym_constrain_range_for_size.default, (size,))
    graph.call_function(ATEN._assert_tensor_metadata.default, (x,), {"dtype": torch.float32})
    truth = graph.call_function(ATEN.scalar_tensor.default, (holds,))
    graph.call_function(ATEN._assert_async.msg, (truth, "at most four"))
    graph.call_function(ATEN._assert_async.default, (truth,))
    root: dict[str, object] = {}
    if nested:
        root["inner"] = hand_built()
        graph.output(graph.call_module("inner", (x,)))
    else:
        graph.output(x)
    return fx.GraphModule(root, graph)


def targets(module: fx.GraphModule) -> list[object]:
    return [node.target for node in module.graph.nodes]


def test_the_asserts_go_and_what_computed_their_conditions_stays() -> None:
    module = hand_built()

    result = remove_runtime_asserts(module)

    assert result.modified
    assert result.graph_module is module
    assert not set(targets(module)) & {*SCALAR_ASSERTS, METADATA}
    assert operator.le in targets(module)
    assert len(result.report.with_outcome("removed")) == 6


def test_swept_nothing_is_left_of_them() -> None:
    module = hand_built()

    remove_runtime_asserts(module, sweep=True)

    assert [node.op for node in module.graph.nodes] == ["placeholder", "output"]


def test_in_nested_graphs_too() -> None:
    module = hand_built(nested=True)

    remove_runtime_asserts(module, sweep=True)

    assert [node.op for node in module.inner.graph.nodes] == ["placeholder", "output"]
    assert torch.equal(module(torch.ones(9)), torch.ones(9))


def test_one_whose_result_is_used_stays() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    used = graph.call_function(ATEN._assert_scalar.default, (True, "used"))
    graph.output((x, used))
    module = fx.GraphModule({}, graph)

    result = remove_runtime_asserts(module)

    assert not result.modified
    assert [row.outcome for row in result.report] == ["kept"]


def test_nothing_to_do() -> None:
    graph = fx.Graph()
    graph.output(graph.placeholder("x"))

    result = remove_runtime_asserts(fx.GraphModule({}, graph))

    assert not result.modified
    assert len(result.report) == 0


def test_an_exported_program_without_asserts_computes_the_same() -> None:
    for program in PROGRAMS[:4]:
        module = exported(program).module()
        remove_runtime_asserts(module, sweep=True)
        module.recompile()
        torch.testing.assert_close(module(*program.example), program.make()(*program.example))
