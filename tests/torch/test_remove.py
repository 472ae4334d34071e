"""Removal: which targets, nested graphs, nodes with users, dead comparisons."""

from __future__ import annotations

import operator
from typing import Any

import pytest
import torch
from torch import fx

from asserts.dialects.torch import remove_runtime_asserts
from asserts.dialects.torch.answers.graph import METADATA, SCALAR_ASSERTS
from asserts.errors import GraphError
from tests.torch.programs import CORPUS, Program, named
from tests.torch.torch_help import asserts_of, disagreements, exported

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


@pytest.mark.parametrize(
    ("function", "constant", "stays"),
    [
        (operator.floordiv, 2, False),
        (operator.mod, 3, False),
        (operator.add, 3, False),
        (operator.floordiv, None, True),
        (operator.mod, None, True),
        (operator.lshift, None, True),
        (operator.rshift, None, True),
        (operator.floordiv, 0, True),
    ],
)
def test_a_scalar_that_may_have_no_value_is_not_swept(
    function: Any, constant: int | None, stays: bool
) -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    rows = graph.call_function(ATEN.sym_size.int, (x, 0))
    columns = graph.call_function(ATEN.sym_size.int, (x, 1))
    holds = graph.call_function(operator.le, (rows, 4))
    graph.call_function(ATEN._assert_scalar.default, (holds, "at most four"))
    graph.call_function(function, (rows, columns if constant is None else constant))
    graph.output(x)
    module = fx.GraphModule({}, graph)

    remove_runtime_asserts(module, sweep=True)

    assert (function in targets(module)) == stays
    assert operator.le not in targets(module)


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
    for program in (named("Narrowed"), named("Routed"), named("Padded")):
        module = exported(program).module()
        remove_runtime_asserts(module, sweep=True)
        module.recompile()
        torch.testing.assert_close(module(*program.example), program.make()(*program.example))


# --------------------------------------------------------------------------- relatives


def functional() -> fx.GraphModule:
    """Asserts that take and return tokens, the last of which is returned."""
    graph = fx.Graph()
    x = graph.placeholder("x")
    size = graph.call_function(ATEN.sym_size.int, (x, 0))
    holds = graph.call_function(operator.le, (size, 4))
    truth = graph.call_function(ATEN.scalar_tensor.default, (holds,))
    token = graph.call_function(ATEN._make_dep_token.default)
    for target, arguments in (
        (ATEN._functional_assert_scalar.default, (holds, "at most four")),
        (ATEN._functional_assert_async.msg, (truth, "at most four")),
        (ATEN._functional_sym_constrain_range.default, (size, 0, 4)),
        (ATEN._functional_sym_constrain_range_for_size.default, (size, None, None)),
    ):
        token = graph.call_function(target, (*arguments, token))
    graph.output((x, token))
    return fx.GraphModule({}, graph)


def test_functional_asserts_are_taken_out_of_their_chain() -> None:
    module = functional()

    result = remove_runtime_asserts(module, sweep=True)

    assert len(result.report.with_outcome("removed")) == 4
    assert [n.target for n in module.graph.nodes if n.op == "call_function"] == [
        ATEN._make_dep_token.default
    ]
    made = next(n for n in module.graph.nodes if n.op == "call_function")
    assert next(iter(reversed(module.graph.nodes))).args[0][1] is made


def test_checks_of_dynamos_graphs_go_too() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    size = graph.call_function(ATEN.sym_size.int, (x, 0))
    holds = graph.call_function(operator.le, (size, 4))
    graph.call_function(torch._check, (holds,))
    graph.call_function(torch._check_is_size, (size,))
    graph.call_function(torch._check_value, (holds,))
    graph.call_function(torch._assert, (holds, "four"))
    graph.output(x)
    module = fx.GraphModule({}, graph)

    remove_runtime_asserts(module, sweep=True)

    assert [node.op for node in module.graph.nodes] == ["placeholder", "output"]


def test_the_call_of_the_guards_goes_when_asked_for() -> None:
    program = named("Windows")
    module = exported(program).module()
    calls = [n for n in module.graph.nodes if n.op == "call_module"]
    assert [n.target for n in calls] == ["_guards_fn"]

    remove_runtime_asserts(module)
    assert [n.target for n in module.graph.nodes if n.op == "call_module"] == ["_guards_fn"]
    remove_runtime_asserts(module, guards=True)

    assert all(n.op != "call_module" for n in module.graph.nodes)
    torch.testing.assert_close(module(*program.example), program.make()(*program.example))


# --------------------------------------------------------------------------- selective


@pytest.mark.parametrize("program", CORPUS, ids=lambda p: p.name)
def test_only_what_is_proved_goes_and_nothing_is_accepted_that_was_not(
    program: Program,
) -> None:
    made = exported(program, ours=program.undecided)
    expected = disagreements(program, made)
    before = len(asserts_of(made))

    result = remove_runtime_asserts(made.graph_module, only="proved", sweep=True)

    gone = result.report.with_outcome("discharged")
    assert len(asserts_of(made)) <= before
    assert all(row.proof is not None or row.note for row in gone)
    assert disagreements(program, made) == expected


def test_each_proof_is_reported_and_the_rest_is_kept() -> None:
    made = exported(named("ManyBounds"), ours=False)

    result = remove_runtime_asserts(made.graph_module, only="proved")

    assert result.modified
    assert len(asserts_of(made)) == 4
    discharged = result.report.with_outcome("discharged")
    assert discharged
    assert all(row.proof is not None for row in discharged)
    assert len(result.report.with_outcome("kept")) == 4


def test_functional_asserts_are_proved_from_each_other() -> None:
    module = valued(functional())

    result = remove_runtime_asserts(module, only="proved", sweep=True)

    left = [n.target for n in module.graph.nodes if n.op == "call_function"]
    functionals = [t for t in left if "_functional" in str(t)]
    assert len(functionals) == 1
    assert len(result.report.with_outcome("discharged")) == 3
    module.graph.lint()


def valued(module: fx.GraphModule) -> Any:
    """The module, traced values put in: an input of a dynamic length."""
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import DimDynamic, StatelessSymbolicContext
    from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

    mode = FakeTensorMode(shape_env=TorchShapeEnv())
    context: Any = StatelessSymbolicContext(dynamic_sizes=[DimDynamic.DYNAMIC])
    x = mode.from_tensor(torch.ones(3), symbolic_context=context)
    for node in module.graph.nodes:
        if node.op == "placeholder":
            node.meta["val"] = x
        elif node.target is ATEN.sym_size.int:
            node.meta["val"] = x.shape[0]
        elif node.target is operator.le:
            node.meta["val"] = x.shape[0] <= 4
    return module


def bounded(*ends: int) -> fx.GraphModule:
    """A module that checks these upper ends of the length of its input."""
    graph = fx.Graph()
    x = graph.placeholder("x")
    size = graph.call_function(ATEN.sym_size.int, (x, 0))
    for end in ends:
        holds = graph.call_function(operator.le, (size, end))
        graph.call_function(ATEN._assert_scalar.default, (holds, f"at most {end}"))
    graph.output(x)
    return valued(fx.GraphModule({}, graph))


def test_in_nested_graphs_each_assert_is_judged_where_it_stands() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    used = graph.call_module("second", (x,))
    graph.output((used, graph.call_module("first", (x,)), graph.call_module("again", (x,))))
    second = bounded(3, 5)
    root = torch.nn.Module()
    root.first, root.second, root.again = bounded(4, 2, 9), second, second
    module = fx.GraphModule(root, graph)

    remove_runtime_asserts(module, only="proved", sweep=True)

    def left(name: str) -> list[object]:
        nodes = getattr(module, name).graph.nodes
        return [n.args[1] for n in nodes if n.target is ATEN._assert_scalar.default]

    assert left("first") == ["at most 2"]
    assert left("second") == ["at most 3"]
    assert module.second is module.again


def test_one_whose_result_is_used_is_not_removed_though_it_is_proved() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    first = graph.call_function(ATEN._assert_scalar.default, (True, "first"))
    graph.output((x, first))
    module = fx.GraphModule({}, graph)

    result = remove_runtime_asserts(module, only="proved")

    assert not result.modified
    assert [row.outcome for row in result.report] == ["kept"]


def test_other_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="'all' or 'proved'"):
        remove_runtime_asserts(functional(), only="some")  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="Linear"):
        remove_runtime_asserts(torch.nn.Linear(1, 1))  # type: ignore[arg-type]
