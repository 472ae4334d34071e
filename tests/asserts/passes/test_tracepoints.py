"""Markers of submodules: records, structures, aliases, module stacks, erasure."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from asserts.dialects.numpy.codec import load, save
from asserts.errors import GraphError
from asserts.graph.equality import explain_difference
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.runtime import size, tracepoint
from asserts.graph.values import ArrayValue
from asserts.passes.tracepoints import (
    CollectTracepoints,
    ConstantArgument,
    ModuleCall,
    NodeArgument,
    module_calls,
)
from shapes.expr.nodes import symbol
from tests.asserts.behaviour import every_program, same_behaviour, traced
from tests.asserts.programs import Program

N = symbol("rows_of_x", "int")
FLOATS = ArrayValue((N,), np.dtype(float))  # type: ignore[arg-type]


def _array(node: Node, **meta: Any) -> Node:
    node.meta.update(val=FLOATS, **meta)
    return node


def _mark(graph: Graph, kind: str, path: str, *values: Any, stack: Any = None) -> list[Node]:
    """A marker and the reads of its results."""
    meta = {} if stack is None else {"nn_module_stack": stack}
    marker = graph.call_function(tracepoint, (kind, path, *values))
    marker.meta.update(meta)
    reads = []
    for i, value in enumerate(values):
        read = graph.call_function(operator.getitem, (marker, i))
        read.meta.update(val=value.meta.get("val") if isinstance(value, Node) else value)
        read.meta.update(meta)
        reads.append(read)
    return reads


def _called(graph: Graph, path: str, x: Any, stack: Any = None) -> Node:
    """``tanh`` as a submodule."""
    (inside,) = _mark(graph, "inputs", path, x, stack=stack)
    y = _array(graph.call_function(np.tanh, (inside,)))
    if stack is not None:
        y.meta["nn_module_stack"] = stack
    return _mark(graph, "outputs", path, y, stack=stack)[0]


def _names(spec: Any) -> Any:
    if isinstance(spec, NodeArgument):
        return f"{spec.name}:{spec.kind}"
    if isinstance(spec, ConstantArgument):
        return spec.value
    if isinstance(spec, dict):
        return {k: _names(v) for k, v in spec.items()}
    return type(spec)(map(_names, spec))


def test_calls_are_recorded_and_markers_erased() -> None:
    graph = Graph()
    x = _array(graph.placeholder("x"))
    y = _called(graph, "encoder", x)
    graph.output((y, x))
    program = GraphModule(None, graph)

    result = CollectTracepoints()(program)

    found = result.graph_module
    assert [n.op for n in found.graph.nodes] == ["placeholder", "call_function", "output"]
    assert module_calls(found) == {
        "encoder": ModuleCall(
            "encoder", (NodeArgument("x", "array"),), (NodeArgument("tanh", "array"),)
        )
    }
    assert str(result.report.rows[0].condition) == "encoder(x) -> tanh"
    given = np.array([0.5])
    assert np.array_equal(found(given)[0], program(given)[0])
    assert not CollectTracepoints()(found).modified
    assert module_calls(CollectTracepoints()(found).graph_module) == module_calls(found)


def test_symbols_constants_and_nested_structures() -> None:
    graph = Graph()
    x = _array(graph.placeholder("x"))
    n = graph.call_function(size, (x, 0))
    n.meta["val"] = N
    unknown = graph.call_function(np.shape, (x,))
    marker = graph.call_function(
        tracepoint, ("inputs", "layer", x, n, 3, None, {"a": (x, [n, 2.5])}, unknown)
    )
    nested = graph.call_function(operator.getitem, (marker, 4))
    part = graph.call_function(operator.getitem, (nested, "a"))
    first = graph.call_function(operator.getitem, (part, 0))
    three = graph.call_function(operator.getitem, (marker, 2))
    y = graph.call_function(np.add, (first, three))
    _mark(graph, "outputs", "layer", y)
    graph.output((y, three, nested, marker))
    program = GraphModule(None, graph)

    found = CollectTracepoints()(program).graph_module

    call = module_calls(found)["layer"]
    assert _names(call.inputs) == (
        "x:array", "size:symbol", 3, None, {"a": ("x:array", ["size:symbol", 2.5])},
        "shape:other",
    )  # fmt: skip
    assert _names(call.outputs) == ("add:other",)
    assert tracepoint not in {n.target for n in found.graph.nodes}
    given = np.array([1.0, 2.0])
    assert repr(found(given)) == repr(program(given))


def test_calls_within_calls_and_in_a_row() -> None:
    """Records name what remains of the graph, and every call of one module has its own."""
    graph = Graph()
    x = _array(graph.placeholder("x"))
    (inside,) = _mark(graph, "inputs", "outer", x)
    once = _called(graph, "outer.inner", inside)
    twice = _called(graph, "outer.inner", once)
    (y,) = _mark(graph, "outputs", "outer", twice)
    graph.output(_called(graph, "outer.inner", y))

    found = CollectTracepoints()(GraphModule(None, graph)).graph_module

    shown = {name: (_names(c.inputs), _names(c.outputs)) for name, c in
             module_calls(found).items()}  # fmt: skip
    assert shown == {
        "outer": (("x:array",), ("tanh_1:array",)),
        "outer.inner": (("x:array",), ("tanh:array",)),
        "outer.inner@1": (("tanh:array",), ("tanh_1:array",)),
        "outer.inner@2": (("tanh_1:array",), ("tanh_2:array",)),
    }
    assert next(iter(shown)) == "outer"
    assert len(found.graph.nodes) == 5


def test_suffixes_of_the_module_stack_name_the_calls() -> None:
    graph = Graph()
    x = _array(graph.placeholder("x"))
    first = _called(graph, "layer", x, {"root": ("", "M"), "layer": ("layer", "Layer")})
    again = {"root": ("", "M"), "layer@1": ("layer", "Layer")}
    graph.output(_called(graph, "layer", first, again))

    found = CollectTracepoints()(GraphModule(None, graph)).graph_module

    assert list(module_calls(found)) == ["layer", "layer@1"]


def test_another_name_of_the_same_module_gets_no_record() -> None:
    """A module that is known as `a` and `b` is bracketed for both names at every call."""
    stack = {"root": ("", "M"), "a": ("a", "Layer")}
    graph = Graph()
    x = _array(graph.placeholder("x"))
    (inside,) = _mark(graph, "inputs", "a", x, stack=stack)
    (deeper,) = _mark(graph, "inputs", "b", inside, stack=stack)
    y = _array(graph.call_function(np.tanh, (deeper,)))
    (out,) = _mark(graph, "outputs", "b", y, stack=stack)
    graph.output(_mark(graph, "outputs", "a", out, stack=stack)[0])

    found = CollectTracepoints()(GraphModule(None, graph)).graph_module

    assert list(module_calls(found)) == ["a"]
    assert len(found.graph.nodes) == 3


def test_module_stacks_of_the_neighbours_are_popped_but_not_in_place() -> None:
    stack = {"root": ("", "M"), "layer": ("layer", "Layer")}
    other = {"root": ("", "M"), "head": ("head", "Head")}
    graph = Graph()
    x = graph.placeholder("x")
    before = graph.call_function(np.abs, (x,))
    before.meta["nn_module_stack"] = stack
    y = _called(graph, "layer", before, stack)
    after = graph.call_function(np.exp, (y,))
    after.meta["nn_module_stack"] = stack
    head = graph.call_function(np.sin, (after,))
    head.meta["nn_module_stack"] = other
    late = graph.call_function(np.cos, (head,))
    late.meta["nn_module_stack"] = stack
    graph.output(late)

    found = CollectTracepoints()(GraphModule(None, graph)).graph_module

    stacks = {n.name: n.meta.get("nn_module_stack") for n in found.graph.nodes}
    assert stacks["absolute"] == {"root": ("", "M")}
    assert stacks["tanh"] == stack
    assert stacks["exp"] == {"root": ("", "M")}
    assert stacks["sin"] == other
    assert stacks["cos"] == stack
    assert list(stack) == ["root", "layer"], "shared stacks must not change"


def test_nested_graphs_have_their_own_records() -> None:
    inner_graph = Graph()
    inner_graph.output(_called(inner_graph, "deep", _array(inner_graph.placeholder("x"))))
    graph = Graph()
    x = _array(graph.placeholder("x"))
    graph.output(graph.call_module("body", (_called(graph, "flat", x),)))
    program = GraphModule({"body": GraphModule(None, inner_graph)}, graph)

    result = CollectTracepoints()(program)

    found = result.graph_module
    assert list(module_calls(found)) == ["flat"]
    assert list(module_calls(found.get_graph_module("body"))) == ["deep"]
    given = np.array([0.25])
    assert np.array_equal(found(given), program(given))


def test_who_is_replaced_by_what_is_told() -> None:
    graph = Graph()
    x = _array(graph.placeholder("x"))
    graph.output(_called(graph, "layer", x))
    told: dict[str, Any] = {}

    def note(node: Node, argument: Any) -> None:
        told[node.name] = argument

    CollectTracepoints(replaced=note)(GraphModule(None, graph))

    assert [getattr(a, "name", None) for n, a in told.items() if n.startswith("getitem")] == [
        "x",
        "tanh",
    ]


def test_markers_survive_dead_code_elimination() -> None:
    graph = Graph()
    x = _array(graph.placeholder("x"))
    _mark(graph, "inputs", "silent", x)
    graph.call_function(tracepoint, ("outputs", "silent"))
    graph.output(3)
    program = GraphModule(None, graph)
    program.graph.eliminate_dead_code()

    found = CollectTracepoints()(program).graph_module

    assert _names(module_calls(found)["silent"].inputs) == ("x:array",)
    assert module_calls(found)["silent"].outputs == ()


def test_nothing_to_do_is_unmodified() -> None:
    graph = Graph()
    graph.output(graph.placeholder("x"))
    result = CollectTracepoints()(GraphModule(None, graph))
    assert not result.modified
    assert result.graph_module.meta == {}
    assert module_calls(result.graph_module) == {}


def test_records_are_saved_and_loaded() -> None:
    graph = Graph()
    x = _array(graph.placeholder("x"))
    graph.output(_called(graph, "layer", x))
    found = CollectTracepoints()(GraphModule(None, graph)).graph_module
    assert module_calls(load(save(found))) == module_calls(found)


def _single(*args: Any) -> GraphModule:
    graph = Graph()
    x = graph.placeholder("x")
    graph.call_function(tracepoint, (*args, x))
    graph.output(x)
    return GraphModule(None, graph)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (_single("inputs", "a"), r"'tracepoint' has the inputs of 'a', but there are no"),
        (_single("outputs", "a"), r"'tracepoint' with the outputs of 'a' stands alone"),
        (_single("sideways", "a"), r"kind 'sideways'"),
        (_single("inputs", 7), r"path 7"),
    ],
)
def test_bad_markers_are_refused(program: GraphModule, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        CollectTracepoints()(program)


def test_crossed_calls_and_missing_items_are_refused() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    for kind, path in (("inputs", "a"), ("inputs", "b"), ("outputs", "a"), ("outputs", "b")):
        graph.call_function(tracepoint, (kind, path, x))
    graph.output(x)
    with pytest.raises(GraphError, match="inside of a call of 'b'"):
        CollectTracepoints()(GraphModule(None, graph))

    graph = Graph()
    x = graph.placeholder("x")
    marker = graph.call_function(tracepoint, ("inputs", "a", x))
    graph.call_function(tracepoint, ("outputs", "a"))
    graph.output(graph.call_function(operator.getitem, (marker, 5)))
    with pytest.raises(GraphError, match="'getitem' reads item 5"):
        CollectTracepoints()(GraphModule(None, graph))


@every_program
def test_marking_and_collecting_is_the_identity(program: Program) -> None:
    """Bracket some nodes of a traced program as if they were submodules."""
    before = traced(program)
    marked = before.copy()
    for node in list(marked.graph.nodes):
        if node.op != "call_function" or not isinstance(node.meta.get("val"), ArrayValue):
            continue
        with marked.graph.inserting_before(node):
            marked.graph.call_function(tracepoint, ("inputs", node.name))
        with marked.graph.inserting_before(node.next):
            marker = marked.graph.call_function(tracepoint, ("outputs", node.name, node))
            read = marked.graph.call_function(operator.getitem, (marker, 0))
        node.replace_all_uses_with(read, lambda user, m=marker: user is not m)

    after = CollectTracepoints()(marked).graph_module

    assert explain_difference(after, before, names=True) is None
    same_behaviour(program, before, marked, rounds=20)
