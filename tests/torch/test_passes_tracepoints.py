"""Calls of submodules, recorded in real exports with the markers of torch's own hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.export._trace as tracing
from torch import Tensor, nn
from torch._export.wrappers import _wrap_submodules
from torch.export import Dim, ExportedProgram
from torch.export.graph_signature import (
    ConstantArgument,
    SymIntArgument,
    TensorArgument,
)

from asserts.dialects.torch.export.tracepoints import CollectTracepointsPass
from asserts.errors import GraphError
from asserts.passes.tracepoints import CollectTracepoints
from tests.torch.pass_help import assert_runs_like, nodes_of, text_of
from tests.torch.torch_help import reloaded

# (torch's unflatten makes nodes before the attributes that they read.)
pytestmark = pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node")

MARKER = torch.ops.higher_order._export_tracepoint
each_tracing = pytest.mark.parametrize("strict", [False, True], ids=["nonstrict", "strict"])


class Structured(nn.Module):
    def forward(self, x: Tensor, k: int = 0) -> dict[str, tuple[Tensor, Tensor]]:
        return {"pair": (torch.tanh(x), x + k)}


class CalledTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Structured()

    def forward(self, x: Tensor) -> Tensor:
        first = self.inner(x, k=3)["pair"]
        second = self.inner(first[0] * 2, k=4)["pair"]
        return second[0] + first[1]


class Scaled(nn.Module):
    def forward(self, x: Tensor, n: int) -> tuple[Tensor, int]:
        return x + n, n * 2


class WithSizes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Scaled()

    def forward(self, x: Tensor) -> Tensor:
        y, m = self.inner(x, x.shape[0])
        return y * m


class Shared(nn.Module):
    """One submodule under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(3, 3)
        self.other = self.one

    def forward(self, x: Tensor) -> Tensor:
        return self.other(torch.relu(self.one(x)))


X = (torch.ones(3),)


@contextmanager
def ours() -> Iterator[None]:
    """torch's export with our pass in the place of its own."""
    before = tracing.CollectTracepointsPass
    tracing.CollectTracepointsPass = CollectTracepointsPass
    try:
        yield
    finally:
        tracing.CollectTracepointsPass = before


def preserved(module: nn.Module, *paths: str, strict: bool, dynamic: Any = None) -> Any:
    return torch.export.export(
        module, X, dynamic_shapes=dynamic, strict=strict, preserve_module_call_signature=paths
    )


def marked(module: nn.Module, *paths: str) -> ExportedProgram:
    """A program in which the markers are still there."""
    with _wrap_submodules(module, paths, {}):
        program = torch.export.export(module, X, strict=False)
    assert nodes_of(program, MARKER)
    return program


def signatures(program: Any) -> dict[str, Any]:
    return {entry.fqn: entry.signature for entry in program.module_call_graph}


@each_tracing
@pytest.mark.parametrize(
    ("make", "paths"), [(CalledTwice, ["inner"]), (Shared, ["one"]), (Shared, ["one", "other"])]
)
def test_exports_with_our_pass_are_those_with_torchs(
    make: Any, paths: list[str], strict: bool
) -> None:
    torch.manual_seed(0)
    module = make()
    expected = preserved(module, *paths, strict=strict)
    with ours():
        made = preserved(module, *paths, strict=strict)

    assert text_of(made) == text_of(expected)
    assert made.module_call_graph == expected.module_call_graph
    assert made.graph_signature == expected.graph_signature
    for a, b in zip(made.graph.nodes, expected.graph.nodes):
        stacks = [node.meta.get("nn_module_stack") or {} for node in (a, b)]
        assert list(stacks[0].values()) == list(stacks[1].values())
    torch.testing.assert_close(torch.export.unflatten(made)(*X), module(*X))


def test_symbolic_numbers_are_recorded_where_torchs_pass_gives_up() -> None:
    dynamic = ({0: Dim.DYNAMIC},)
    with pytest.raises(AssertionError, match="Symint input is not implemented"):
        preserved(WithSizes(), "inner", strict=True, dynamic=dynamic)

    with ours():
        program = preserved(WithSizes(), "inner", strict=True, dynamic=dynamic)

    call = signatures(program)["inner"]
    kinds = [type(argument) for argument in call.inputs]
    assert kinds == [TensorArgument, SymIntArgument]
    assert [type(argument) for argument in call.outputs] == kinds
    assert_runs_like(program, WithSizes(), X, (torch.ones(5),))
    unflattened = torch.export.unflatten(reloaded(program))
    torch.testing.assert_close(unflattened(torch.ones(4)), WithSizes()(torch.ones(4)))


def test_an_exported_program_gets_the_records_in_its_module_call_graph() -> None:
    program = marked(CalledTwice(), "inner")
    wanted = preserved(CalledTwice(), "inner", strict=False)

    done = CollectTracepoints()(program)
    made = done.program

    assert not nodes_of(made, MARKER)
    assert nodes_of(program, MARKER), "the given program stays"
    calls = signatures(made)
    assert {"inner", "inner@1"} <= set(calls)
    assert calls["inner"].inputs == signatures(wanted)["inner"].inputs
    assert calls["inner@1"].inputs[1] == ConstantArgument(name="", value=4)
    assert [str(row.condition) for row in done.report] == [
        "inner(x, 3) -> tanh, add", "inner@1(mul, 4) -> tanh_1, add_1"
    ]  # fmt: skip
    assert_runs_like(made, CalledTwice(), X)


def test_what_is_returned_from_a_marker_is_what_it_was_given() -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.inner(x)
            return y

    program = marked(Wrapped(), "inner")
    assert program.graph_signature.user_outputs[0].startswith("getitem")

    made = CollectTracepoints()(program).program

    assert made.graph_signature.user_outputs == ("relu",)
    assert_runs_like(made, Wrapped(), X)
    torch.testing.assert_close(torch.export.unflatten(made)(*X), Wrapped()(*X))


def test_stacks_are_popped_but_not_those_of_other_nodes() -> None:
    program = marked(CalledTwice(), "inner")
    shared = [dict(node.meta.get("nn_module_stack") or {}) for node in program.graph.nodes]

    made = CollectTracepoints()(program).program

    depth = {n.name: len(n.meta.get("nn_module_stack") or {}) for n in made.graph.nodes}
    assert depth["mul"] == 1
    assert depth["tanh"] == depth["add"] == 2
    assert shared == [dict(n.meta.get("nn_module_stack") or {}) for n in program.graph.nodes]


def test_graph_modules_keep_the_records_and_plain_programs_stay() -> None:
    from asserts.passes.tracepoints import module_calls

    module = marked(CalledTwice(), "inner").graph_module
    done = CollectTracepoints()(module)
    calls = module_calls(done.program)
    assert [str(call) for call in calls.values()] == [
        "inner(x, 3) -> tanh, add", "inner@1(mul, 4) -> tanh_1, add_1"
    ]  # fmt: skip
    plain = preserved(CalledTwice(), strict=False)
    again = CollectTracepoints()(plain)
    assert not again.modified
    assert again.program is plain


def test_markers_that_are_not_paired_are_refused_and_named() -> None:
    program = marked(CalledTwice(), "inner")
    last = nodes_of(program, MARKER)[-1]
    last.kwargs = {**last.kwargs, "path": "another"}
    with pytest.raises(GraphError, match=f"'{last.name}' with the outputs of 'another' stands"):
        CollectTracepoints()(program)
    last.kwargs = {**last.kwargs, "kind": "module_call"}
    with pytest.raises(GraphError, match=f"'{last.name}' has the kind 'module_call'"):
        CollectTracepoints()(program)
