"""Insertion: places, order, sharing, metadata, nested graphs, the inverse, idempotence."""

from __future__ import annotations

import numpy as np
import pytest

import asserts
from asserts.conditions.lift import lift
from asserts.dialects.numpy import NUMPY, assert_holds
from asserts.errors import GraphError, RuntimeAssertionError
from asserts.graph.equality import explain_difference, graphs_equal
from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from asserts.graph.runtime import item
from shapes import ShapeEnv, ShapeproofError
from tests.asserts.hand_built import module_with_reads
from tests.asserts.programs import PROGRAMS, Program

TOKENS = np.zeros((3, 128))
LENGTHS = np.array([1, 8, 3])


def test_every_assert_stands_right_behind_what_it_needs() -> None:
    module, env = module_with_reads()
    env.check("u0 <= 128", "too long")
    env.check("b * u0 <= 1000")

    found = asserts.insert(module).graph_module

    names = [node.name for node in found.graph.nodes]
    checks = [n for n in found.graph.nodes if NUMPY.is_assert(n)]
    at_entry = [n for n in checks if names.index(n.name) < names.index("max_1")]
    later = [n for n in checks if n not in at_entry]
    assert [n.args[1] for n in at_entry] == [
        "b >= 1",
        "b <= 64",
        "tokens.shape[1] == 128",
        "b == lengths.shape[0]",
    ]
    assert [n.args[1] for n in later] == ["u0 <= 128", "b * u0 <= 1000"]
    assert names.index(later[0].name) < names.index("getitem")


def test_each_shared_part_is_built_once_and_sizes_come_from_inputs() -> None:
    module, env = module_with_reads()
    env.check("(b + u0) % 4 == 0")
    env.check("(b + u0) * (b + u0) <= 10000")

    found = asserts.insert(module, policy="keep-all").graph_module

    values = [str(n.meta["val"]) for n in found.graph.nodes if n.meta.get("val") is not None]
    assert sum(value in ("b + u0", "u0 + b") for value in values) == 1
    reads = [n for n in found.graph.nodes if n.meta.get("val") is env["b"].expr]
    assert len(reads) == 1
    assert reads[0].args[0].name == "tokens"


def test_new_nodes_have_full_metadata() -> None:
    module, env = module_with_reads()
    before = {node.name for node in module.graph.nodes}
    env.check("u0 // 2 <= b + 3", "half")

    found = asserts.insert(module).graph_module

    for node in found.graph.nodes:
        if node.name not in before:
            assert "val" in node.meta
            assert "runtime_assert" in node.meta
    stated = found.graph.find_nodes(op="call_function", target=assert_holds)
    assert "test_insert.py" in stated[-1].meta["stack_trace"]
    assert stated[-1].kwargs["message"] == "half"


def test_a_failing_assert_says_condition_values_sources_and_message() -> None:
    module, env = module_with_reads()
    env.check("u0 <= 4 * b", "four for each row")
    checked = asserts.insert(module).graph_module

    with pytest.raises(RuntimeAssertionError) as caught:
        checked(TOKENS, np.array([1, 13, 2]))

    error = caught.value
    assert error.condition == "u0 <= 4 * b"
    assert error.values == {"b": 3, "u0": 13}
    assert error.sources == {"b": "tokens.shape[0]", "u0": "max(lengths)"}
    assert error.user_message == "four for each row"
    for part in ("u0 <= 4 * b", "13", "max(lengths)", "tokens.shape[0]", "four for each row"):
        assert part in str(error)


def test_the_contract_is_enforced_at_entry() -> None:
    module, _ = module_with_reads()
    checked = asserts.insert(module).graph_module

    checked(TOKENS, LENGTHS)

    for tokens, lengths in (
        (np.zeros((3, 127)), LENGTHS),
        (TOKENS, np.array([1, 2])),
        (np.zeros((0, 128)), np.zeros(0, int)),
        (np.zeros((65, 128)), np.ones(65, int)),
    ):
        with pytest.raises(RuntimeAssertionError):
            checked(tokens, lengths)


def test_guards_are_enforced_at_entry() -> None:
    module, env = module_with_reads()
    k = env.integer("k", hint=3)
    graph = module.graph
    with graph.inserting_before(next(iter(graph.nodes))):
        node = graph.placeholder("k")
    node.meta.update(bindings={k.expr: ()}, val=k.expr)
    assert k > 2

    checked = asserts.insert(module).graph_module

    checked(3, TOKENS, LENGTHS)
    with pytest.raises(RuntimeAssertionError, match="k >= 3"):
        checked(2, TOKENS, LENGTHS)


def test_a_check_on_a_value_that_no_node_defines_is_refused() -> None:
    module, env = module_with_reads()
    u = env.unbacked("elsewhere")
    env.check(u <= 3)

    with pytest.raises(GraphError, match="elsewhere"):
        asserts.insert(module)


def test_a_program_without_environment_is_refused() -> None:
    graph = Graph()
    graph.output(graph.placeholder("x"))

    with pytest.raises(GraphError, match="shape_env"):
        asserts.insert(GraphModule(None, graph))
    with pytest.raises(GraphError, match="graph module"):
        asserts.insert(["not a program"])  # type: ignore[arg-type]


def test_guarded_division_is_computed_without_raising() -> None:
    module, env = module_with_reads()
    env.check("u0 == 0 or b // u0 >= 1", "u0 is nought or at most b")
    checked = asserts.insert(module).graph_module

    checked(TOKENS, np.array([0, 0, 0]))
    checked(TOKENS, np.array([0, 3, 0]))
    with pytest.raises(RuntimeAssertionError, match="nought"):
        checked(TOKENS, np.array([0, 4, 0]))


def test_an_unguarded_division_is_checked_first() -> None:
    module, env = module_with_reads()
    env.check("b // u0 >= 1")
    checked = asserts.insert(module).graph_module

    with pytest.raises(RuntimeAssertionError, match="u0 != 0"):
        checked(TOKENS, np.array([0, 0, 0]))


def _nested(shared: bool) -> tuple[GraphModule, ShapeEnv, ShapeEnv]:
    """An outer graph that calls an inner one, which reads a value of its own."""
    env = ShapeEnv()
    inner_env = env if shared else ShapeEnv()
    n = env.size("n", source="x.shape[0]")
    m = inner_env.size("m", source="inner.x.shape[0]")
    u = inner_env.unbacked("u", source="x[0]")
    inner_env.check(u <= m, "inside")
    env.check(n >= 2, "outside")
    inner_graph = Graph()
    x = inner_graph.placeholder("x")
    x.meta["bindings"] = {m.expr: (("size", 0),)}
    first = inner_graph.call_function(np.max, (x,))
    value = inner_graph.call_function(item, (first,))
    value.meta.update(bindings={u.expr: ()}, val=u.expr)
    inner_graph.output(value)
    inner = GraphModule(None, inner_graph)
    inner.shape_env = None if shared else inner_env
    outer_graph = Graph()
    outer = GraphModule(None, outer_graph)
    outer.add_submodule("body", inner)
    y = outer_graph.placeholder("x")
    y.meta["bindings"] = {n.expr: (("size", 0),)}
    outer_graph.output(outer_graph.call_module("body", (y,)))
    outer.shape_env = env
    return outer, env, inner_env


@pytest.mark.parametrize("shared", [False, True])
def test_nested_graphs_get_their_own_checks(shared: bool) -> None:
    outer, _, _ = _nested(shared)
    result = asserts.insert(outer)
    checked = result.graph_module
    inner = checked.get_graph_module("body")

    inside = [str(a.claim) for a in lift(inner.graph, NUMPY)]
    outside = [str(a.claim) for a in lift(checked.graph, NUMPY)]

    assert inside == ["u <= m"]
    assert outside == ["n >= 2"]
    assert checked(np.array([1, 2, 1])) == 2
    with pytest.raises(RuntimeAssertionError, match="inside"):
        checked(np.array([1, 9, 1]))
    with pytest.raises(RuntimeAssertionError, match="outside"):
        checked(np.array([1]))
    assert graphs_equal(asserts.remove(checked).graph_module, outer)
    assert not asserts.insert(checked).modified


def _swept(module: GraphModule) -> GraphModule:
    copy = module.copy()
    copy.graph.eliminate_dead_code()
    return copy


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.function.__name__)
def test_remove_undoes_insert_and_insert_is_idempotent(program: Program) -> None:
    from asserts.trace import trace

    traced = trace(program.function, **program.specs)
    for policy in ("strict", "preserve-user", "keep-all"):
        once = asserts.insert(traced, policy=policy)
        again = asserts.insert(once.graph_module, policy=policy)
        back = asserts.remove(once.graph_module)

        assert explain_difference(again.graph_module, once.graph_module) is None
        assert not again.modified
        assert explain_difference(back.graph_module, _swept(traced)) is None
        assert not asserts.remove(back.graph_module).modified


def _outcome(run: object, inputs: tuple[object, ...]) -> object:
    try:
        return run(*inputs)  # type: ignore[operator]
    except (ShapeproofError, ValueError, IndexError, ZeroDivisionError, AssertionError):
        return None


def _same(a: object, b: object) -> bool:
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(_same, a, b))  # type: ignore[arg-type]
    return bool(np.array_equal(a, b))  # type: ignore[arg-type]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.function.__name__)
def test_discharge_changes_neither_acceptance_nor_results(program: Program) -> None:
    """Plain numpy, the graph with all checks, and the graphs after discharge agree."""
    from asserts.trace import trace

    traced = trace(program.function, **program.specs)
    everything = asserts.insert(traced, policy="keep-all").graph_module
    fewer = [
        asserts.insert(traced, policy="strict").graph_module,
        asserts.insert(traced, policy="preserve-user").graph_module,
    ]
    random = np.random.default_rng(0)
    accepted = 0
    for _ in range(120):
        inputs = program.inputs(random)
        expected = _outcome(everything, inputs)
        accepted += expected is not None
        for graph in fewer:
            found = _outcome(graph, inputs)
            assert (found is None) == (expected is None), inputs
            assert expected is None or _same(found, expected), inputs
        if expected is not None:
            assert _same(expected, program.function(*inputs)), inputs
    assert 0 < accepted < 120, "the inputs should be mixed"
