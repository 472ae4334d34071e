"""Removal: nested graphs, asserts whose results are used, dead code."""

from __future__ import annotations

import asserts
from asserts.dialects.numpy import NUMPY, assert_holds
from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from tests.asserts.hand_built import module_with_reads


def test_all_asserts_and_what_they_alone_needed_go() -> None:
    module, env = module_with_reads()
    env.check("u0 % 8 == b % 3")
    checked = asserts.insert(module, policy="keep-all").graph_module

    result = asserts.remove(checked)

    assert result.modified
    assert not any(NUMPY.is_assert(n) for n in result.graph_module.graph.nodes)
    assert len(result.graph_module.graph.nodes) == len(module.graph.nodes)
    assert len(result.report.with_outcome("removed")) == 5
    assert any(NUMPY.is_assert(n) for n in checked.graph.nodes), "the argument is not changed"


def test_without_sweeping_only_the_asserts_go() -> None:
    module, env = module_with_reads()
    env.check("u0 % 8 == b % 3")
    checked = asserts.insert(module).graph_module
    count = len(checked.graph.nodes)
    removed = asserts.remove(checked, sweep=False)

    gone = len(removed.report.with_outcome("removed"))
    assert len(removed.graph_module.graph.nodes) == count - gone


def test_an_assert_whose_result_is_used_stays() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    used = graph.call_function(assert_holds, (x, "x", {}))
    graph.output(used)

    result = asserts.remove(GraphModule(None, graph))

    assert not result.modified
    assert result.report.rows[0].outcome == "kept"
    assert "used" in result.report.rows[0].why


def test_in_place_changes_the_argument() -> None:
    module, env = module_with_reads()
    env.check("u0 >= 2")

    asserts.insert(module, in_place=True)
    assert any(NUMPY.is_assert(n) for n in module.graph.nodes)
    asserts.remove(module, in_place=True)
    assert not any(NUMPY.is_assert(n) for n in module.graph.nodes)


def test_only_what_is_proved_goes_with_its_proof() -> None:
    module, env = module_with_reads()
    env.check("u0 >= 4")
    env.check("u0 >= 2")
    env.check("2*u0 >= 7")
    checked = asserts.insert(module, policy="keep-all").graph_module
    before = sum(NUMPY.is_assert(n) for n in checked.graph.nodes)

    result = asserts.RemoveRuntimeAsserts(only="proved")(checked)

    discharged = result.report.with_outcome("discharged")
    after = sum(NUMPY.is_assert(n) for n in result.graph_module.graph.nodes)
    assert len(discharged) >= 2
    assert after == before - len(discharged)
    assert all(row.proof is not None for row in discharged)
    assert len(result.report.with_outcome("kept")) == after
    again = asserts.RemoveRuntimeAsserts(only="proved")(result.graph_module)
    assert not again.modified
