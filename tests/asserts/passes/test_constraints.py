"""Ranges and contracts to asserts: what is missing is added, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asserts.conditions.emit import Emitter
from asserts.dialects.base import AssertInfo
from asserts.dialects.numpy import NUMPY, assert_holds
from asserts.errors import GraphError
from asserts.graph.equality import graphs_equal
from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from asserts.graph.runtime import item
from asserts.passes.constraints import AddConstraintAsserts
from asserts.passes.insert import InsertRuntimeAsserts
from asserts.passes.remove import RemoveRuntimeAsserts
from asserts.trace import trace
from shapes import ShapeEnv, int_oo
from shapes.domains import ValueRanges
from shapes.traversal.parsing import parse
from tests.asserts.behaviour import REJECTED, every_program, outcome, same_behaviour
from tests.asserts.hand_built import module_with_reads
from tests.asserts.programs import Program


def _reading(*asserted: str, behind: str = "item") -> GraphModule:
    """``np.arange(item(x))`` with asserts on u0; behind `item` or behind `arange`."""
    graph = Graph()
    x = graph.placeholder("x")
    value = graph.call_function(item, (x,))
    env = ShapeEnv()
    u0 = env.unbacked("u0", source="item(x)")
    value.meta.update(bindings={u0.expr: ()}, val=u0.expr)
    y = graph.call_function(np.arange, (value,))
    output = graph.output(y)
    emitter = Emitter(graph, NUMPY)
    emitter.bind(u0.expr, value, ())
    with graph.inserting_before(y if behind == "item" else output):
        for text in asserted:
            condition = emitter.emit(parse(text, {"u0": u0.expr}))
            NUMPY.create_assert(graph, condition, AssertInfo(text), {})
    module = GraphModule(None, graph)
    module.shape_env = env
    return module


def _asserts(module: GraphModule) -> list[str]:
    return [str(n.args[1]) for n in module.graph.nodes if NUMPY.is_assert(n)]


def _added(module: GraphModule, ranges: Any) -> list[str]:
    before = len(_asserts(module))
    result = AddConstraintAsserts(ranges=ranges)(module)
    found = _asserts(result.graph_module)
    assert result.modified == (len(found) > before)
    assert not AddConstraintAsserts(ranges=ranges)(result.graph_module).modified
    return [text for text in found if text not in _asserts(module)]


@pytest.mark.parametrize(
    ("asserted", "wanted", "added"),
    [
        ([], (0, 10), ["u0 >= 0", "u0 <= 10"]),
        # A bound that is there does not hide one that is missing.
        (["u0 >= 0"], (0, 10), ["u0 <= 10"]),
        (["u0 <= 10"], (0, 10), ["u0 >= 0"]),
        (["u0 >= 0", "u0 <= 10"], (0, 10), []),
        # Intervals decide, not spellings; a weaker assert is no help, a stronger one is.
        (["u0 > -1", "u0 < 11"], (0, 10), []),
        (["2*u0 >= -1", "3*u0 <= 32"], (0, 10), []),
        (["u0 >= 1", "u0 <= 11"], (0, 10), ["u0 <= 10"]),
        (["u0 == 4"], (0, 10), []),
        (["u0 >= 0 and u0 <= 10"], (0, 10), []),
        (["u0 % 2 == 0", "u0 <= 11"], (None, 10), []),
        # Ends that are not there.
        ([], (None, None), []),
        ([], (3, int_oo), ["u0 >= 3"]),
        ([], ValueRanges(-int_oo, 7), ["u0 <= 7"]),
        ([], (5, 5), ["u0 >= 5", "u0 <= 5"]),
    ],
)
def test_only_ends_that_are_not_made_sure_of_are_asserted(
    asserted: list[str], wanted: Any, added: list[str]
) -> None:
    assert _added(_reading(*asserted), {"u0": wanted}) == added


def test_an_assert_behind_a_computation_makes_nothing_sure_before() -> None:
    module = _reading("u0 <= 10", behind="arange")
    assert _added(module, {"u0": (None, 10)}) == []  # no new text, but ...
    found = AddConstraintAsserts(ranges={"u0": (None, 10)})(module).graph_module
    assert _asserts(found) == ["u0 <= 10", "u0 <= 10"]
    targets = [n.target for n in found.graph.nodes]
    assert targets.index(assert_holds) < targets.index(np.arange)


def test_contract_and_declared_ranges_of_the_environment() -> None:
    module, _ = module_with_reads()
    result = AddConstraintAsserts()(module)

    assert _asserts(result.graph_module) == [
        "tokens.shape[1] == 128",
        "b >= 1",
        "b <= 64",
        "b == lengths.shape[0]",
    ]
    assert not AddConstraintAsserts()(result.graph_module).modified
    assert graphs_equal(RemoveRuntimeAsserts()(result.graph_module).graph_module, module)
    tokens, lengths = np.zeros((3, 128)), np.array([1, 8, 3])
    result.graph_module(tokens, lengths)
    for bad in ((np.zeros((3, 127)), lengths), (tokens, lengths[:2])):
        assert outcome(result.graph_module, bad) is REJECTED


def test_checks_play_no_part_and_a_size_is_known_not_to_be_negative() -> None:
    module, env = module_with_reads()
    env.check("u0 <= 128")
    result = AddConstraintAsserts(ranges={"b": (0, 64), "u0": (0, 128)})(module)
    assert _asserts(result.graph_module) == [
        "tokens.shape[1] == 128", "b >= 1", "b <= 64", "b == lengths.shape[0]",
        "u0 >= 0", "u0 <= 128",
    ]  # fmt: skip
    (known,) = [row for row in result.report if row.condition == "b >= 0"]
    assert known.outcome == "discharged"


def test_the_strongest_bound_is_asserted_alone() -> None:
    module, env = module_with_reads()
    env.assume("b >= 4")
    env.assume("2*b >= 6")
    env.assume("b <= 60")
    found = AddConstraintAsserts()(module).graph_module
    assert [text for text in _asserts(found) if text.startswith(("b >=", "b <=", "2"))] == [
        "b >= 4",
        "b <= 60",
    ]


def test_what_insertion_wrote_is_enough() -> None:
    module, _ = module_with_reads()
    inserted = InsertRuntimeAsserts()(module).graph_module
    assert not AddConstraintAsserts()(inserted).modified


def test_new_nodes_have_metadata_and_a_failing_assert_says_where_from() -> None:
    module = _reading()
    found = AddConstraintAsserts(ranges={"u0": (0, 10)})(module).graph_module
    known = {n.name for n in module.graph.nodes}
    for node in found.graph.nodes:
        if node.name not in known:
            assert "val" in node.meta
            assert "runtime_assert" in node.meta
    with pytest.raises(AssertionError, match=r"u0 <= 10\n  u0 = 11   from item\(x\)"):
        found(np.array(11))
    assert len(found(np.array(10))) == 10


def test_infinite_is_what_the_caller_says() -> None:
    limit = 2**63 - 2
    module = _reading()
    found = AddConstraintAsserts(ranges={"u0": (4, limit)}, unbounded=limit)(module)
    assert _asserts(found.graph_module) == ["u0 >= 4"]
    found = AddConstraintAsserts(ranges={"u0": (4, limit)})(module)
    assert len(_asserts(found.graph_module)) == 2


def test_a_program_without_environment_takes_given_ranges() -> None:
    module = _reading()
    module.shape_env = None
    assert _added(module, {"u0": (0, 10)}) == ["u0 >= 0", "u0 <= 10"]
    with pytest.raises(GraphError, match="no `shape_env`"):
        AddConstraintAsserts()(module)


def test_nothing_to_do_is_unmodified() -> None:
    module = _reading("u0 >= 2")
    result = AddConstraintAsserts()(module)
    assert not result.modified
    assert graphs_equal(result.graph_module, module, names=True)


def _nested(shared: bool) -> GraphModule:
    env = ShapeEnv()
    inner_env = env if shared else ShapeEnv()
    n = env.size("n", min=2, source="x.shape[0]")
    m = inner_env.size("m", max=6, source="inner.x.shape[0]")
    inner_graph = Graph()
    x = inner_graph.placeholder("x")
    x.meta["bindings"] = {m.expr: (("size", 0),)}
    inner_graph.output(inner_graph.call_function(np.sum, (x,)))
    inner = GraphModule(None, inner_graph)
    inner.shape_env = None if shared else inner_env
    graph = Graph()
    y = graph.placeholder("x")
    y.meta["bindings"] = {n.expr: (("size", 0),)}
    graph.output(graph.call_module("body", (y,)))
    outer = GraphModule({"body": inner}, graph)
    outer.shape_env = env
    return outer


@pytest.mark.parametrize("shared", [False, True])
def test_nested_graphs_get_their_own(shared: bool) -> None:
    result = AddConstraintAsserts()(_nested(shared))
    found = result.graph_module
    assert _asserts(found) == ["n >= 2"]
    assert _asserts(found.get_graph_module("body")) == ["m <= 6"]
    assert not AddConstraintAsserts()(found).modified
    if shared:
        more = AddConstraintAsserts(ranges={"m": (3, None)}, contract=False)(found)
        inner = more.graph_module.get_graph_module("body")
        assert set(_asserts(inner)) == {"m <= 6", "m >= 3"}


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"u0": (5, 3)}, r"range of 'u0' is empty \(5 > 3\)"),
        ({"nobody": (0, 3)}, "defines the symbol 'nobody'"),
        ({"u0": (0.5, 3)}, r"0\.5 is not an end"),
        ({"u0": (True, 3)}, "True is not an end"),
        ({"u0": (1, 2, 3)}, "needs two ends"),
    ],
)
def test_bad_ranges_are_refused(ranges: Any, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        AddConstraintAsserts(ranges=ranges)(_reading())


def test_a_contract_on_something_else_is_reported() -> None:
    module = _reading()
    env = module.shape_env
    assert isinstance(env, ShapeEnv)
    env.size("elsewhere", max=3)
    result = AddConstraintAsserts()(module)
    assert not result.modified
    assert "elsewhere" in result.report.rows[0].note


def test_a_range_that_contradicts_the_asserts_always_fails() -> None:
    found = AddConstraintAsserts(ranges={"u0": (20, 30)})(_reading("u0 <= 10")).graph_module
    for value in (5, 25):
        assert outcome(found, (np.array(value),)) is REJECTED


ENDS = st.one_of(st.none(), st.integers(-4, 4))


@given(
    st.lists(
        st.sampled_from(
            ["u0 >= -2", "u0 <= 2", "2*u0 <= 5", "u0 != 0", "u0 % 3 == 1", "u0 > -4",
             "3*u0 >= -5", "u0 == 2", "u0*u0 <= 4"]
        ),
        max_size=3,
    ),
    ENDS,
    ENDS,
)  # fmt: skip
def test_acceptance_is_that_of_both(asserted: list[str], lower: Any, upper: Any) -> None:
    """The program accepts what the asserts and the range accept, judged by enumeration."""
    if lower is not None and upper is not None and lower > upper:
        return
    module = _reading(*asserted)
    found = AddConstraintAsserts(ranges={"u0": (lower, upper)})(module).graph_module
    for value in range(-6, 7):
        before = outcome(module, (np.array(value),)) is not REJECTED
        inside = (lower is None or value >= lower) and (upper is None or value <= upper)
        after = outcome(found, (np.array(value),)) is not REJECTED
        assert after == (before and inside), value


@every_program
def test_programs_with_their_checks_need_nothing_more(program: Program) -> None:
    plain = trace(program.function, **program.specs)
    everything = InsertRuntimeAsserts(policy="keep-all")(plain).graph_module
    assert not AddConstraintAsserts()(everything).modified
    # The other way round: the contract first, then the rest.
    contract = AddConstraintAsserts()(plain).graph_module
    both = InsertRuntimeAsserts(policy="keep-all")(contract).graph_module
    same_behaviour(program, everything, both, rounds=30)
