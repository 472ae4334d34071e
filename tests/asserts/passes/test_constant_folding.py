"""Constant folding: what is computed ahead, what is left alone, and what a caller sees."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asserts.dialects.numpy import NUMPY, assert_holds
from asserts.dialects.numpy.codec import load, save
from asserts.errors import GraphError
from asserts.graph.equality import graphs_equal
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.runtime import item, size
from asserts.graph.values import ArrayValue
from asserts.passes.base import Pipeline
from asserts.passes.constant_folding import FoldConstants
from asserts.passes.insert import InsertRuntimeAsserts
from asserts.passes.memory.aliasing import Aliasing, Guarded
from asserts.passes.memory.noops import RemoveNoOps
from asserts.passes.metadata import RefreshMetadata
from asserts.trace import trace
from shapes import ShapeEnv
from shapes.tensors import as_shape
from tests.asserts.behaviour import every_program, same_behaviour, same_value, traced
from tests.asserts.programs import Program

TABLE = np.array([3.0, 1.0, 2.0])


def built(make: Callable[[Graph, Node, Node], Any], **constants: Any) -> GraphModule:
    """A graph with an input x of three floats and a constant c."""
    graph = Graph()
    x = graph.placeholder("x")
    x.meta["val"] = ArrayValue(as_shape((3,)), np.dtype(float))
    c = graph.get_attr("c")
    graph.output(make(graph, x, c))
    module = GraphModule({"c": TABLE, **constants}, graph)
    RefreshMetadata()(module, in_place=True)
    return module


def _call(graph: Graph, function: Any, *args: Any, **kwargs: Any) -> Node:
    return graph.call_function(function, args, kwargs)


def _targets(module: GraphModule) -> list[Any]:
    return [n.target for n in module.graph.nodes if n.op == "call_function"]


X = np.array([0.5, -1.0, 4.0])


def test_a_constant_part_becomes_an_attribute() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Node:
        order = _call(graph, np.argsort, _call(graph, np.negative, c))
        return _call(graph, np.take, x, order)

    program = built(make)
    result = Guarded(FoldConstants())(program)
    found = result.graph_module

    assert _targets(found) == [np.take]
    assert list(found.attributes) == ["folded_argsort"]
    assert found.attributes["folded_argsort"].flags.writeable is False  # type: ignore[attr-defined]
    assert same_value(program(X), found(X))
    assert "c" in program.attributes
    (constant,) = found.graph.find_nodes(op="get_attr")
    assert str(constant.meta["val"]) == "i64[3]"
    assert not RefreshMetadata(strict=True)(found).modified
    assert result.report.rows[0].condition == "argsort is folded_argsort"
    again = FoldConstants()(found)
    assert not again.modified
    assert graphs_equal(again.graph_module, found)


def test_a_number_goes_into_the_arguments() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Node:
        n = _call(graph, size, c, 0)
        more = _call(graph, operator.add, n, 1)
        return _call(graph, np.tile, x, (more, n))

    program = built(make)
    found = FoldConstants()(program).graph_module
    (tile,) = found.graph.find_nodes(op="call_function")
    assert tile.args[1] == (4, 3)
    assert found.attributes == {}
    assert same_value(program(X), found(X))


def test_an_array_scalar_stays_one() -> None:
    program = built(lambda g, x, c: (_call(g, np.sum, c), _call(g, np.add, x, 1)))
    found = Guarded(FoldConstants())(program).graph_module
    assert _targets(found) == [np.add]
    assert same_value(program(X), found(X))


def test_a_returned_constant_is_copied_at_every_run() -> None:
    program = built(lambda g, x, c: (_call(g, np.exp, _call(g, np.sqrt, c)), x))
    found = Guarded(FoldConstants())(program).graph_module
    assert _targets(found) == [np.copy]
    first = found(X)[0]
    first[:] = 0
    assert same_value(found(X)[0], program(X)[0])
    assert not FoldConstants()(found).modified
    both = Pipeline((FoldConstants(), RemoveNoOps(), FoldConstants()))(program)
    assert graphs_equal(both.graph_module, found)


def test_shared_results_and_returned_views_stay() -> None:
    def shared(graph: Graph, x: Node, c: Node) -> Any:
        y = _call(graph, np.exp, c)
        return y, _call(graph, np.flip, y)

    result = FoldConstants()(built(shared))
    assert not result.modified
    assert {row.note for row in result.report} == {"several results share its memory"}
    view = FoldConstants()(built(lambda g, x, c: _call(g, np.flip, c)))
    assert not view.modified
    assert "view of a constant" in view.report.rows[0].note
    inside = FoldConstants()(
        built(lambda g, x, c: _call(g, np.add, x, _call(g, np.flip, c)))
    )
    assert _targets(inside.graph_module) == [np.add]


def test_what_is_written_to_stays() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        y = _call(graph, np.exp, c)
        z = _call(graph, np.add, x, y, out=y)
        return _call(graph, np.sum, z)

    program = built(make)
    result = FoldConstants()(program)
    assert not result.modified
    assert result.report.rows[0].note == "its memory is written to"


CALLS: list[int] = []


def counting(x: Any) -> Any:
    """A function with an effect that nobody declared."""
    CALLS.append(1)
    return x


def test_effects_and_what_is_not_known_are_left_alone() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        small = _call(graph, np.all, _call(graph, np.less, c, 5))
        _call(graph, assert_holds, small, "c < 5", {})
        counted = _call(graph, counting, c)
        random = _call(graph, np.random.permutation, c)
        empty = _call(graph, np.empty_like, c)
        return _call(graph, np.concatenate, [x, counted, random, empty])

    program = built(make)
    CALLS.clear()
    found = FoldConstants(constructors=True)(program).graph_module
    assert CALLS == []
    assert _targets(found) == [
        assert_holds, counting, np.random.permutation, np.empty_like, np.concatenate
    ]  # fmt: skip
    (check,) = (n for n in found.graph.nodes if NUMPY.is_assert(n))
    assert check.args[0].op == "get_attr"  # type: ignore[union-attr]


def test_what_fails_fails_when_the_program_runs() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        index = _call(graph, operator.getitem, c, [7])
        return _call(graph, np.add, x, index)

    program = built(make)
    result = FoldConstants()(program)
    assert not result.modified
    assert result.report.rows[0].note == "it raises IndexError"
    with pytest.raises(IndexError):
        result.graph_module(X)


def test_constructors_are_optional() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        return _call(graph, np.add, x, _call(graph, np.cumsum, _call(graph, np.ones, (3,))))

    program = built(make)
    assert not FoldConstants()(program).modified
    found = FoldConstants(constructors=True)(program).graph_module
    assert _targets(found) == [np.add]
    assert same_value(program(X), found(X))


def test_nothing_large_is_computed() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        huge = _call(graph, np.broadcast_to, c, (1 << 40, 3))
        big = _call(graph, np.tile, c, 1000)
        return _call(graph, np.sum, huge), _call(graph, np.sum, big), x

    program = built(make)
    result = FoldConstants()(program)
    assert _targets(result.graph_module) == [np.broadcast_to, np.sum]
    assert any("bytes" in row.note for row in result.report)
    few = FoldConstants(max_bytes=23_999)(program).graph_module
    assert np.tile in _targets(few)
    enough = FoldConstants(max_bytes=24_000)(program).graph_module
    assert np.tile not in _targets(enough)


def test_a_result_of_unknown_size_is_not_computed() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        counts = _call(graph, np.multiply, _call(graph, np.ceil, c), 1 << 50)
        whole = _call(graph, np.round, counts)
        many = _call(graph, np.repeat, c, _call(graph, np.argsort, whole))
        return _call(graph, np.sum, many)

    result = FoldConstants()(built(make))
    assert np.repeat in _targets(result.graph_module)
    assert "its result is of unknown size" in {row.note for row in result.report}


def test_selections_are_no_larger_than_what_they_select_from() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        where = _call(graph, np.flatnonzero, _call(graph, np.less, c, 2.5))
        where.meta["val"] = None
        return _call(graph, np.take, x, where)

    env = ShapeEnv()
    u = env.unbacked("u", size_like=True)
    program = built(make)
    program.shape_env = env
    node = program.graph.find_nodes(op="call_function", target=np.flatnonzero)[0]
    node.meta["val"] = ArrayValue((u.expr,), np.dtype(int))
    node.meta["bindings"] = {u.expr: (("size", 0),)}
    env.check("u <= 2")

    found = FoldConstants()(program).graph_module

    assert _targets(found) == [np.take]
    (constant,) = found.graph.find_nodes(op="get_attr")
    assert constant.meta["bindings"] == {u.expr: (("size", 0),)}
    checked = InsertRuntimeAsserts()(found).graph_module
    assert same_value(checked(X), program(X))


def test_a_folded_number_with_a_symbol_keeps_it() -> None:
    env = ShapeEnv()
    u = env.unbacked("u")
    env.check("u == 3", "three")

    def make(graph: Graph, x: Node, c: Node) -> Any:
        count = _call(graph, item, _call(graph, np.max, c))
        count.meta.update(val=u.expr, bindings={u.expr: ()})
        return _call(graph, np.multiply, x, count)

    program = built(make)
    program.shape_env = env
    found = FoldConstants()(program).graph_module
    assert _targets(found) == [np.multiply]
    checked = InsertRuntimeAsserts()(found).graph_module
    assert any(NUMPY.is_assert(n) for n in checked.graph.nodes)
    assert same_value(checked(X), program(X))


def test_sequences_are_folded_item_by_item() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        both = _call(graph, np.unique, c, return_index=True)
        first = _call(graph, operator.getitem, both, 1)
        return _call(graph, np.take, x, first), both

    program = built(make)
    result = FoldConstants()(program)
    assert np.unique in _targets(result.graph_module), "a tuple is no attribute"
    assert same_value(program(X), result.graph_module(X))

    def items(graph: Graph, x: Node, c: Node) -> Any:
        both = _call(graph, np.unique, c, return_index=True)
        return _call(graph, np.take, x, _call(graph, operator.getitem, both, 1))

    program = built(items)
    found = FoldConstants()(program).graph_module
    assert _targets(found) == [np.take]
    assert same_value(program(X), found(X))


def test_attributes_that_somebody_names_stay() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        again = graph.get_attr("c")
        deep = graph.get_attr("tables.deep")
        return _call(
            graph, np.add, _call(graph, np.exp, _call(graph, np.add, c, deep)),
            _call(graph, np.add, x, again),
        )  # fmt: skip

    program = built(make, **{"tables.deep": TABLE})
    found = FoldConstants()(program).graph_module
    assert set(found.attributes) == {"c", "tables", "folded_exp"}
    assert same_value(program(X), found(X))


def test_names_of_attributes_are_free_ones() -> None:
    program = built(
        lambda g, x, c: _call(g, np.add, x, _call(g, np.exp, c)), folded_exp=np.zeros(2)
    )
    found = FoldConstants()(program).graph_module
    assert set(found.attributes) == {"folded_exp", "folded_exp_1"}
    assert same_value(program(X), found(X))


def test_nested_graphs_are_folded_by_themselves() -> None:
    inner = built(lambda g, x, c: _call(g, np.add, x, _call(g, np.exp, c)))
    graph = Graph()
    x = graph.placeholder("x")
    graph.output(graph.call_module("body", (x,)))
    program = GraphModule({"body": inner}, graph)
    result = FoldConstants()(program)
    assert result.modified
    assert _targets(result.graph_module.get_graph_module("body")) == [np.add]
    assert same_value(program(X), result.graph_module(X))
    assert np.exp in _targets(inner)


def test_dead_constants_are_somebody_elses_business() -> None:
    def make(graph: Graph, x: Node, c: Node) -> Any:
        _call(graph, np.exp, c)
        return x

    assert not FoldConstants()(built(make)).modified


def test_nothing_to_do_is_unmodified() -> None:
    program = built(lambda g, x, c: _call(g, np.add, x, c))
    result = FoldConstants()(program)
    assert not result.modified
    assert graphs_equal(result.graph_module, program, names=True)


@pytest.mark.parametrize("limit", [-1, 2.5, True, None])
def test_bad_limits_are_refused(limit: Any) -> None:
    with pytest.raises(GraphError, match="max_bytes"):
        FoldConstants(max_bytes=limit)


def test_a_folded_program_is_saved_and_loaded() -> None:
    weights = np.array([1.0, 2.0, 4.0])

    def body(x: Any) -> Any:
        scale = np.cumsum(np.asarray(weights))
        return x * (scale / np.sum(weights)) + np.arange(3)

    program = trace(body, x=("n", 3))
    found = FoldConstants()(program).graph_module
    loaded = load(save(found))
    x = np.arange(6.0).reshape(2, 3)
    assert same_value(loaded(x), body(x))


UNARY = [np.exp, np.negative, np.argsort, np.cumsum, np.flip, np.sort, np.copy, np.sum,
         np.square, np.expand_dims, np.ravel]  # fmt: skip
BINARY = [np.add, np.multiply, np.maximum, np.less]


@st.composite
def programs(draw: st.DrawFn) -> GraphModule:
    graph = Graph()
    nodes = [graph.placeholder("x"), graph.get_attr("c"), graph.get_attr("c")]
    nodes[0].meta["val"] = ArrayValue(as_shape((3,)), np.dtype(float))
    for _ in range(draw(st.integers(1, 9))):
        if draw(st.booleans()):
            function = draw(st.sampled_from(UNARY))
            args: tuple[Any, ...] = (draw(st.sampled_from(nodes)),)
            args = (*args, 0) if function is np.expand_dims else args
        else:
            function = draw(st.sampled_from(BINARY))
            args = (draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes)))
        nodes.append(graph.call_function(function, args))
    graph.output(tuple(draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3))))
    module = GraphModule({"c": TABLE}, graph)
    RefreshMetadata()(module, in_place=True)
    return module


@given(programs(), st.integers(0, 100))
def test_results_and_aliasing_stay(program: GraphModule, limit: int) -> None:
    def run(module: GraphModule) -> Any:
        try:
            with np.errstate(all="ignore"):
                return module(X)
        except (ValueError, TypeError) as error:
            return str(error).partition("\n")[0]

    before = run(program)
    result = Guarded(FoldConstants(max_bytes=limit), (Aliasing(),))(program)
    after = run(result.graph_module)
    assert same_value(before, after)
    assert same_value(run(result.graph_module), after), "a run must not change a constant"
    assert not FoldConstants(max_bytes=limit)(result.graph_module).modified
    assert np.array_equal(TABLE, [3.0, 1.0, 2.0])


@every_program
def test_programs_compute_the_same(program: Program) -> None:
    before = traced(program)
    after = Guarded(FoldConstants(constructors=True))(before).graph_module
    assert not RefreshMetadata(strict=True)(after).modified
    same_behaviour(program, before, after, rounds=40)
