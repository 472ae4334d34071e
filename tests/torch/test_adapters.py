"""Programs of torch's around the graphs that passes work on: one adapter for all of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn

import asserts
from asserts.dialects.hosts import adapter_of
from asserts.dialects.torch import remove_runtime_asserts
from asserts.dialects.torch.answers.calls import value_key
from asserts.passes.functionalize import Functionalize
from asserts.passes.insert import InsertRuntimeAsserts
from asserts.passes.minimise import MinimiseRuntimeAsserts
from asserts.passes.remove import RemoveRuntimeAsserts
from tests.torch.programs import DYNAMIC, Program, rows, scalar
from tests.torch.torch_help import asserts_of, exported

ASSERT = torch.ops.aten._assert_scalar.default


class Bounded(nn.Module):
    """Two checks of a number, of which one follows from the other."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(k >= 1)
        torch._check(k <= x.shape[0] + 1)
        torch._check(k <= x.shape[0] + 5)
        return x * k


class Inside(nn.Module):
    """Such checks in a branch."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        def some(x: Tensor) -> Tensor:
            k = (x > 0).sum().item()
            torch._check(k <= 3)
            torch._check(k <= 5)
            return x[:1] * k

        return torch.cond(n.sum() > 0, some, lambda x: x[:1] * 1, (x,))  # type: ignore[no-any-return]


def program(of: type[nn.Module] = Bounded) -> torch.export.ExportedProgram:
    form = Program(of, (rows(4, 2), scalar(2)), ({0: DYNAMIC}, None))  # type: ignore[arg-type]
    return exported(form, ours=False)


# ---------------------------------------------------------------- where values are


def mixed(first: str, rest: str) -> fx.GraphModule:
    """A graph whose values are under the one name, but for one node under the other."""
    graph = fx.GraphModule({}, fx.Graph()).graph
    for source in program().graph.nodes:
        if source.op == "output":
            continue
        node = graph.placeholder(source.name)
        node.meta[rest] = source.meta.get("val")
    odd = next(iter(graph.nodes)) if first == "front" else list(graph.nodes)[-1]
    odd.meta = {"example_value" if rest == "val" else "val": odd.meta[rest]}
    graph.output(())
    return fx.GraphModule({}, graph)


@pytest.mark.parametrize("place", ["front", "back"])
@pytest.mark.parametrize("key", ["val", "example_value"])
def test_values_are_where_most_nodes_have_them(key: str, place: str) -> None:
    module = mixed(place, key)
    assert value_key(module.graph) == key
    adapter: Any = adapter_of(module)
    assert adapter.dialect.key == key


# ---------------------------------------------------------------- one way back


VERBS = {
    "insert": (asserts.insert, InsertRuntimeAsserts()),
    "remove": (asserts.remove, RemoveRuntimeAsserts()),
    "minimise": (asserts.minimise, MinimiseRuntimeAsserts()),
}


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_and_passes_make_the_same_program(verb: str) -> None:
    function, one = VERBS[verb]
    made = program()
    by_verb, by_pass = function(made), one(made)
    assert str(by_verb.program.graph) == str(by_pass.program.graph)
    assert str(by_verb.report) == str(by_pass.report)
    assert by_verb.program._guards_code == by_pass.program._guards_code == made._guards_code


@pytest.mark.parametrize("verb", VERBS)
def test_what_changes_nothing_returns_the_program_itself(verb: str) -> None:
    function, _ = VERBS[verb]
    once = function(function(program()).program)
    assert not once.modified
    assert function(once.program).program is once.program


def test_nested_graphs_run_as_they_are_now() -> None:
    made = program(Inside)
    smaller = asserts.minimise(made).program
    assert len(asserts_of(smaller)) < len(asserts_of(made))
    for module in smaller.graph_module.modules():
        if isinstance(module, fx.GraphModule):
            made_of = [n for n in module.graph.nodes if n.target is ASSERT]
            assert module.code.count("aten._assert_scalar.default(") == len(made_of)


# ---------------------------------------------------------------- functional asserts


def test_functional_asserts_are_judged_like_others() -> None:
    plain = asserts.minimise(program())
    functional = Functionalize()(program()).program
    smaller = asserts.minimise(functional)

    gone = plain.report.with_outcome("discharged")
    assert gone
    assert [r.condition for r in smaller.report.with_outcome("discharged")] == [
        row.condition for row in gone
    ]
    assert torch.equal(
        smaller.program.module()(rows(4, 2), scalar(2))[1], rows(4, 2) * 2
    )
    with pytest.raises(RuntimeError):
        smaller.program.module()(rows(4, 2), scalar(6))


def test_removing_what_is_proved_is_minimising() -> None:
    made = program().graph_module
    smaller = asserts.minimise(made).graph_module
    removed = remove_runtime_asserts(made, only="proved", sweep=True)
    assert str(removed.graph_module.graph) == str(smaller.graph)
