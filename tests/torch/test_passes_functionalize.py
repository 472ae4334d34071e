"""Functional asserts in torch's graphs: tokens, signatures, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._export.passes.functionalize_side_effectful_ops_pass import (
    _FunctionalizeSideEffectfulOpsPass,
)
from torch.export import Dim
from torch.export.graph_signature import OutputKind

from asserts.errors import GraphError
from asserts.passes.base import Pipeline
from asserts.passes.functionalize import (
    Defunctionalize,
    Functionalize,
    token_signature,
    without_token,
)
from tests.torch.pass_help import COUNTED, Counted, counted, export, nodes_of, text_of
from tests.torch.torch_help import reloaded

ATEN = torch.ops.aten
each_dialect = pytest.mark.parametrize("aten", [False, True], ids=["training", "aten"])


class AllKinds(nn.Module):
    """Every assert that has a functional form, and two that have none."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch.ops.aten._assert_async.msg((x > -1).all(), "nothing below -1")
        torch.ops.aten._assert_async.default((x < 99).all())
        torch._check(k <= x.shape[0])
        return x.narrow(0, 0, k) + 1


KINDS = (torch.ones(5, 3), torch.tensor(2))


def kinds() -> Any:
    """(torch's export takes ranges out, so they are written into the graph behind it.)"""
    program = export(AllKinds(), KINDS, ({0: Dim.DYNAMIC}, None))
    (item,) = nodes_of(program, ATEN.item.default)
    graph = program.graph
    with graph.inserting_after(item):
        plain = graph.call_function(ATEN.sym_constrain_range.default, (item,), {"min": 1})
        size = graph.call_function(
            ATEN.sym_constrain_range_for_size.default, (item,), {"max": 8}
        )
    plain.meta["val"] = size.meta["val"] = None
    program.graph_module.recompile()
    return program


@each_dialect
def test_asserts_are_functions_of_tokens_and_the_last_token_is_returned(aten: bool) -> None:
    program = counted(aten)

    done = Functionalize()(program)
    made = done.program

    functional = nodes_of(made, ATEN._functional_assert_scalar.default)
    assert done.modified
    assert not nodes_of(made, ATEN._assert_scalar.default)
    assert functional[1].kwargs["dep_token"] is functional[0]
    (first,) = nodes_of(made, ATEN._make_dep_token.default)
    assert functional[0].kwargs["dep_token"] is first
    token, *rest = made.graph_signature.output_specs
    assert (token.kind, token.arg.name) == (OutputKind.TOKEN, functional[1].name)
    assert rest == program.graph_signature.output_specs
    assert nodes_of(program, ATEN._assert_scalar.default), "the given program stays"


@each_dialect
def test_functional_programs_compute_and_reject_what_eager_does(aten: bool) -> None:
    made = Functionalize()(counted(aten)).program
    expected = Counted()(*COUNTED)

    for run in (made.module(), reloaded(made).module()):
        torch.testing.assert_close(without_token(made, run(*COUNTED)), expected)
        for n in (-1, 6):
            with pytest.raises(RuntimeError, match="u0"):
                run(COUNTED[0], torch.tensor(n))


@each_dialect
def test_the_inverse_restores_graph_signature_and_dialect(aten: bool) -> None:
    program = counted(aten)

    back = Pipeline((Functionalize(), Defunctionalize()))(program).program

    assert text_of(back) == text_of(program)
    assert back.graph_signature == program.graph_signature
    assert back.verifiers == program.verifiers
    assert back.call_spec == program.call_spec
    assert [n.meta.get("val") is None for n in back.graph.nodes] == [
        n.meta.get("val") is None for n in program.graph.nodes
    ]
    torch.testing.assert_close(torch.export.unflatten(back)(*COUNTED), Counted()(*COUNTED))


@each_dialect
def test_the_inverse_of_a_program_that_was_saved(aten: bool) -> None:
    loaded = reloaded(Functionalize()(counted(aten)).program)

    back = Defunctionalize()(loaded).program

    assert not nodes_of(back, ATEN._make_dep_token.default)
    assert len(nodes_of(back, ATEN._assert_scalar.default)) == 2
    torch.testing.assert_close(back.module()(*COUNTED), Counted()(*COUNTED))


def test_nothing_to_do_returns_the_very_same_program() -> None:
    class Plain(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    program = export(Plain(), (torch.ones(3),))
    done = Functionalize()(program)
    assert not done.modified
    assert done.program is program
    once = Functionalize()(counted()).program
    again = Functionalize()(once)
    assert not again.modified
    assert again.program is once
    assert not Defunctionalize()(program).modified


def test_all_four_kinds_and_a_report_of_those_that_have_no_functional_form() -> None:
    program = kinds()

    done = Functionalize()(program)
    made = done.program

    forms = [
        ATEN._functional_assert_async.msg,
        ATEN._functional_assert_scalar.default,
        ATEN._functional_sym_constrain_range.default,
        ATEN._functional_sym_constrain_range_for_size.default,
    ]
    assert all(nodes_of(made, form) for form in forms)
    left = [row for row in done.report if "no functional form" in row.note]
    assert len(left) == len(nodes_of(made, ATEN._assert_async.default)) == 1
    run = made.module()
    torch.testing.assert_close(without_token(made, run(*KINDS)), AllKinds()(*KINDS))
    with pytest.raises(RuntimeError, match="nothing below -1"):
        run(torch.full((5, 3), -2.0), torch.tensor(2))
    assert text_of(Defunctionalize()(made).program) == text_of(program)


def test_torchs_own_pass_leaves_scalar_asserts_and_fails_for_ranges_with_one_end() -> None:
    program = counted()
    torchs = _FunctionalizeSideEffectfulOpsPass()(program.graph_module)
    assert not torchs.modified
    assert len(nodes_of(torchs.graph_module, ATEN._assert_scalar.default)) == 2

    with pytest.raises(RuntimeError, match="missing value for argument 'max'"):
        _FunctionalizeSideEffectfulOpsPass()(kinds().graph_module)


def test_ranges_keep_their_ends() -> None:
    made = Functionalize()(kinds()).program

    (size,) = nodes_of(made, ATEN._functional_sym_constrain_range_for_size.default)
    (plain,) = nodes_of(made, ATEN._functional_sym_constrain_range.default)
    assert (size.kwargs["min"], size.kwargs["max"]) == (None, 8)
    assert (plain.kwargs["min"], plain.kwargs["max"]) == (1, None)


def test_every_new_node_has_a_value_and_metadata() -> None:
    made = Functionalize()(counted()).program

    for node in made.graph.nodes:
        if node.op == "call_function":
            assert isinstance(node.meta["val"], (Tensor, torch.SymInt, torch.SymBool)), node
            if "assert" in node.name or "token" in node.name:
                assert node.meta["nn_module_stack"]
                assert node.meta["torch_fn"]


def test_graph_modules_return_the_token_at_the_end_or_beside_the_result() -> None:
    run = counted().module()
    done = Functionalize()(run).program
    result, token = done(*COUNTED)
    assert token.shape == ()
    torch.testing.assert_close(result, Counted()(*COUNTED))
    torch.testing.assert_close(without_token(done, done(*COUNTED)), result)
    back = Defunctionalize()(done).program
    torch.testing.assert_close(back(*COUNTED), Counted()(*COUNTED))

    flat = counted(aten=True).graph_module
    made = Functionalize()(flat)
    signature = token_signature(made.program)
    assert signature is not None
    assert signature.output == "appended"
    output = next(n for n in reversed(made.program.graph.nodes) if n.op == "output")
    assert "assert" in output.args[0][-1].name


def test_asserts_in_branches_stay_and_are_reported() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor, n: Tensor) -> Tensor:
            def checked(x: Tensor, n: Tensor) -> Tensor:
                k = n.item()
                torch._check(k >= 3)
                return x + k

            return torch.cond(x.sum() > 0, checked, lambda x, n: x - n.item(), (x, n))

    program = export(Branching(), (torch.ones(3), torch.tensor(4)))
    inside = len(nodes_of(program, ATEN._assert_scalar.default))

    done = Functionalize()(program)

    assert inside
    assert not done.modified
    notes = [row.note for row in done.report]
    assert notes == ["not functional: a function calls the graph that it is in"] * inside


def test_an_exported_program_is_not_changed_in_place() -> None:
    with pytest.raises(GraphError, match="functionalize cannot change a program of type "
                                         "ExportedProgram in place"):  # fmt: skip
        Functionalize()(counted(), in_place=True)
    module = counted().module()
    assert Functionalize()(module, in_place=True).program is module
    assert nodes_of(module, ATEN._functional_assert_scalar.default)


def test_graphs_of_dynamo_and_the_modules_that_they_call() -> None:
    found: list[Any] = []

    def keep(module: Any, inputs: Any) -> Any:
        found.append(module)
        return module.forward

    class Checked(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            torch.ops.aten._assert_async.msg((x > 0).any(), "some positive")
            return x + 1

    torch._dynamo.reset()
    torch.compile(Checked(), backend=keep, fullgraph=True)(torch.ones(3))
    (module,) = found
    assert any("example_value" in node.meta for node in module.graph.nodes)

    made = Functionalize()(module).program

    (result,) = without_token(made, made(torch.ones(3)))
    torch.testing.assert_close(result, torch.full((3,), 2.0))
    with pytest.raises(RuntimeError, match="some positive"):
        made(torch.zeros(3))
    assert text_of(Defunctionalize()(made).program) == text_of(module)


def test_a_nested_graph_takes_and_returns_the_token() -> None:
    inner = kinds().graph_module
    graph = torch.fx.Graph()
    x, n = graph.placeholder("x"), graph.placeholder("n")
    call = graph.call_module("inner", (x, n))
    graph.output(graph.call_function(torch.ops.aten.neg.default, (call,)))
    outer = torch.fx.GraphModule({"inner": torch.fx.GraphModule(inner, inner.graph)}, graph)
    output = next(n for n in reversed(outer.inner.graph.nodes) if n.op == "output")
    output.args = (output.args[0][0],)
    outer.inner.recompile()

    made = Functionalize()(outer).program

    expected = -AllKinds()(*KINDS)
    torch.testing.assert_close(without_token(made, made(*KINDS)), expected)
    with pytest.raises(RuntimeError, match="nothing below -1"):
        made(torch.full((5, 3), -2.0), torch.tensor(2))
    back = Defunctionalize()(made).program
    assert str(back.graph) == str(outer.graph)
    assert str(back.inner.graph) == str(outer.inner.graph)
