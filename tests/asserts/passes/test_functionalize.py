"""Functional asserts: the token chain, nested graphs, the inverse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from asserts.dialects.numpy import NUMPY, assert_holds
from asserts.dialects.numpy.codec import load, save
from asserts.errors import GraphError, RuntimeAssertionError
from asserts.graph.equality import explain_difference, graphs_equal
from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from asserts.graph.runtime import Token, functional_assert, make_token, size
from asserts.passes.functionalize import (
    Defunctionalize,
    Functionalize,
    token_signature,
    without_token,
)
from asserts.passes.insert import InsertRuntimeAsserts
from tests.asserts.behaviour import REJECTED, every_program, outcome, same_behaviour, traced
from tests.asserts.hand_built import module_with_reads
from tests.asserts.programs import Program


def _checked_sum(limit: int, result: Any = None) -> Graph:
    """``x + 1`` for an x of at most `limit` rows; `result` makes what is returned of it."""
    graph = Graph()
    x = graph.placeholder("x")
    rows = graph.call_function(size, (x, 0))
    small = graph.call_function(np.less_equal, (rows, limit))
    graph.call_function(assert_holds, (small, f"x.shape[0] <= {limit}", {"n": rows}))
    y = graph.call_function(np.add, (x, 1))
    graph.output(y if result is None else result(y))
    return graph


def _nested(calls: int = 2) -> GraphModule:
    """A graph with a check that calls another one with a check, several times."""
    inner = GraphModule(None, _checked_sum(5))
    graph = Graph()
    outer = GraphModule({"body": inner}, graph)
    x = graph.placeholder("x")
    rows = graph.call_function(size, (x, 0))
    some = graph.call_function(np.less, (0, rows))
    graph.call_function(assert_holds, (some, "x.shape[0] >= 1", {"n": rows}))
    value = x
    for _ in range(calls):
        value = graph.call_module("body", (value,))
        value.meta["bindings"] = {}
    graph.output((value, x))
    return outer


def test_asserts_are_chained_and_the_last_token_is_returned() -> None:
    program = GraphModule(None, _checked_sum(5, lambda y: (y, y)))
    found = Functionalize()(program).graph_module

    checks = found.graph.find_nodes(op="call_function", target=functional_assert)
    assert [node.name for node in checks] == ["assert_holds"]
    start = checks[0].kwargs["token"]
    assert start.target is make_token
    assert found.graph.output_node().args[0][-1] is checks[0]
    assert token_signature(found).output == "appended"

    result = found(np.zeros(3))
    assert result[-1] == Token()
    assert len(without_token(found, result)) == 2
    with pytest.raises(RuntimeAssertionError, match=r"x.shape\[0\] <= 5"):
        found(np.zeros(6))


@pytest.mark.parametrize(
    "form", [None, lambda y: [y], lambda y: {"y": y}, lambda y: (), lambda y: ((y,), [y])]
)
def test_every_form_of_result_comes_back(form: Any) -> None:
    program = GraphModule(None, _checked_sum(5, form))
    result = Functionalize()(program)
    found = result.graph_module
    x = np.arange(3.0)

    assert repr(without_token(found, found(x))) == repr(program(x))
    back = Defunctionalize()(found)
    assert explain_difference(back.graph_module, program, names=True) is None
    assert back.modified


def test_the_chain_keeps_the_order_of_the_asserts() -> None:
    module, env = module_with_reads()
    env.check("u0 <= 128")
    env.check("b * u0 <= 1000")
    inserted = InsertRuntimeAsserts()(module).graph_module
    order = [n.name for n in inserted.graph.nodes if NUMPY.is_assert(n)]
    assert len(order) > 3

    found = Functionalize()(inserted).graph_module

    chain = []
    token: Any = found.graph.output_node().args[0][-1]
    while token.target is functional_assert:
        chain.append(token.name)
        token = token.kwargs["token"]
    assert chain[::-1] == order
    assert token.target is make_token


def test_dead_code_elimination_keeps_the_chain_and_nothing_is_impure() -> None:
    found = Functionalize()(GraphModule(None, _checked_sum(5))).graph_module
    assert not any(
        node.is_impure() for node in found.graph.nodes if node.op == "call_function"
    )
    assert not found.graph.eliminate_dead_code()


@every_program
def test_results_and_acceptance_stay(program: Program) -> None:
    before = traced(program)
    result = Functionalize()(before)
    after = result.graph_module
    assert result.modified
    assert not any(NUMPY.is_assert(node) for node in after.graph.nodes)

    same_behaviour(program, before, lambda *inputs: without_token(after, after(*inputs)))


@every_program
def test_the_inverse_restores_the_graph_exactly(program: Program) -> None:
    before = traced(program)
    back = Defunctionalize()(Functionalize()(before).graph_module).graph_module
    assert explain_difference(back, before, names=True) is None
    for old, new in zip(before.graph.nodes, back.graph.nodes):
        assert old.meta == new.meta, old.name


@every_program
def test_functionalizing_twice_is_functionalizing_once(program: Program) -> None:
    once = Functionalize()(traced(program)).graph_module
    again = Functionalize()(once)
    assert not again.modified
    assert graphs_equal(again.graph_module, once)


def test_the_pass_works_on_a_copy_unless_told() -> None:
    program = GraphModule(None, _checked_sum(5))
    Functionalize()(program)
    assert token_signature(program) is None
    Functionalize()(program, in_place=True)
    assert token_signature(program) is not None


def test_nothing_to_do_is_unmodified() -> None:
    graph = Graph()
    graph.output(graph.placeholder("x"))
    program = GraphModule(None, graph)
    for one in (Functionalize(), Defunctionalize()):
        result = one(program)
        assert not result.modified
        assert graphs_equal(result.graph_module, program, names=True)
        assert result.graph_module.meta == {}
    assert without_token(program, 3) == 3


def test_asserts_that_came_later_join_the_one_chain() -> None:
    program = Functionalize()(GraphModule(None, _checked_sum(5))).graph_module
    y = program.graph.find_nodes(op="call_function", target=np.add)[0]
    with program.graph.inserting_before(y.next):
        rows = program.graph.call_function(size, (y, 0))
        some = program.graph.call_function(np.less, (0, rows))
        program.graph.call_function(assert_holds, (some, "some", {}))

    found = Functionalize()(program).graph_module

    assert len(found.graph.find_nodes(op="call_function", target=make_token)) == 1
    assert len(found.graph.find_nodes(op="call_function", target=functional_assert)) == 2
    assert outcome(found, (np.zeros(0),)) is REJECTED
    assert outcome(found, (np.zeros(6),)) is REJECTED
    assert len(found(np.zeros(3))) == 2


def test_nested_graphs_take_and_return_the_token() -> None:
    program = _nested()
    found = Functionalize()(program).graph_module
    inner = found.get_graph_module("body")

    assert token_signature(inner).input == "token"
    assert [n.target for n in inner.graph.find_nodes(op="placeholder")] == ["x", "token"]
    assert not inner.graph.find_nodes(op="call_function", target=make_token)
    for n in range(7):
        expected = outcome(program, (np.zeros(n),))
        result = outcome(found, (np.zeros(n),))
        assert (result is REJECTED) == (expected is REJECTED) == (n == 0 or n > 5)
        if result is not REJECTED:
            assert np.array_equal(without_token(found, result)[0], expected[0])
    assert not found.graph.eliminate_dead_code()

    again = Functionalize()(found)
    assert not again.modified
    back = Defunctionalize()(found).graph_module
    assert explain_difference(back, program, names=True) is None
    assert [n.meta for n in back.graph.nodes] == [n.meta for n in program.graph.nodes]


def test_a_call_whose_result_nobody_uses_keeps_its_checks() -> None:
    program = _nested()
    last = program.graph.find_nodes(op="call_module")[-1]
    program.graph.output_node().args = (3,)
    assert not last.users

    found = Functionalize()(program).graph_module
    found.graph.eliminate_dead_code()

    assert outcome(found, (np.zeros(6),)) is REJECTED
    assert without_token(found, found(np.zeros(2))) == 3
    back = Defunctionalize()(found).graph_module
    assert graphs_equal(back, program, names=True)


def test_a_parameter_that_is_called_token_is_no_conflict() -> None:
    graph = Graph()
    token = graph.placeholder("token")
    good = graph.call_function(np.less, (token, 3))
    graph.call_function(assert_holds, (good, "token < 3", {}))
    graph.output(token)
    outer_graph = Graph()
    outer = GraphModule({"body": GraphModule(None, graph)}, outer_graph)
    outer_graph.output(outer_graph.call_module("body", (outer_graph.placeholder("x"),)))

    found = Functionalize()(outer).graph_module

    assert token_signature(found.get_graph_module("body")).input == "token_1"
    assert found(2) == (2, Token())
    assert graphs_equal(Defunctionalize()(found).graph_module, outer, names=True)


def _apply(function: Any, x: Any) -> Any:
    return function(x)


def test_graphs_that_a_function_calls_are_left_alone_and_reported() -> None:
    program = _nested(calls=1)
    x = next(iter(program.graph.nodes))
    call = program.graph.find_nodes(op="call_module")[0]
    with program.graph.inserting_before(call):
        body = program.graph.get_attr("body")
        program.graph.call_function(_apply, (body, x))

    result = Functionalize()(program)

    inner = result.graph_module.get_graph_module("body")
    assert any(NUMPY.is_assert(n) for n in inner.graph.nodes)
    assert not any(NUMPY.is_assert(n) for n in result.graph_module.graph.nodes)
    notes = {row.condition: row.note for row in result.report}
    assert "a function calls" in notes["x.shape[0] <= 5"]
    assert notes["x.shape[0] >= 1"] == "made functional"
    assert outcome(result.graph_module, (np.zeros(6),)) is REJECTED
    back = Defunctionalize()(result.graph_module).graph_module
    assert graphs_equal(back, program, names=True)


def test_an_assert_whose_result_is_used_stays() -> None:
    graph = _checked_sum(5)
    check = next(n for n in graph.nodes if NUMPY.is_assert(n))
    graph.output_node().args = ((check,),)
    result = Functionalize()(GraphModule(None, graph))
    assert not result.modified
    assert "its result is used" in result.report.rows[0].note


def test_a_chain_that_somebody_else_uses_is_refused() -> None:
    program = Functionalize()(GraphModule(None, _checked_sum(5))).graph_module
    token = program.graph.find_nodes(op="call_function", target=functional_assert)[0]
    output = program.graph.output_node()
    with program.graph.inserting_before(output):
        program.graph.call_function(id, (token,))
    with pytest.raises(GraphError, match=r"'assert_holds' is used by 'id"):
        Defunctionalize()(program)


def test_damaged_signatures_are_refused() -> None:
    program = GraphModule(None, _checked_sum(5))
    program.meta["tokens"] = {"output": "nowhere"}
    with pytest.raises(GraphError, match="damaged"):
        Defunctionalize()(program)
    program.meta["tokens"] = {"output": "paired"}
    with pytest.raises(GraphError, match="does not return a token"):
        Defunctionalize()(program)


def test_a_functional_program_is_saved_and_loaded() -> None:
    module, _ = module_with_reads()
    found = Functionalize()(InsertRuntimeAsserts()(module).graph_module).graph_module
    loaded = load(save(found))
    assert graphs_equal(loaded, found, names=True)
    assert token_signature(loaded) == token_signature(found)
    back = Defunctionalize()(loaded).graph_module
    assert any(NUMPY.is_assert(n) for n in back.graph.nodes)
