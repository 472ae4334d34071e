"""Who shares memory in torch's programs; passes that change it are refused, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from asserts.conditions.report import Report
from asserts.dialects.hosts import adapter_of
from asserts.errors import GraphError
from asserts.passes.base import Pass, PassResult, Pipeline
from asserts.passes.functionalize import Functionalize
from asserts.passes.memory.aliasing import (
    Aliasing,
    AliasSummary,
    Guarded,
    alias_summary,
)
from asserts.passes.memory.noops import RemoveNoOps
from asserts.passes.memory.reuse import ReuseBuffers
from tests.torch.pass_help import assert_runs_like, counted, export, nodes_of, text_of

ATEN = torch.ops.aten
DYNAMIC = ({0: Dim.DYNAMIC},)
each_dialect = pytest.mark.parametrize("aten", [False, True], ids=["training", "aten"])
X = (torch.arange(12.0).reshape(4, 3),)
ONE = (torch.ones(1, 3),)


def summary(program: Any) -> AliasSummary:
    host = adapter_of(program, copy=False)
    assert host is not None
    return alias_summary(host.graph_module, host.dialect)


def shared(program: Any) -> dict[tuple[str, str], str]:
    return {pair: sharing.level for pair, sharing in summary(program).shared.items()}


class Mixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        z = (x * 1).transpose(0, 1).transpose(0, 1)[:]
        w = z.view(z.shape[0], 3)
        self.seen.add_(1)
        return x.clone(), w + 1, x[0], torch.exp(torch.sin(w)).cos() + self.weight


# ------------------------------------------------------------------ what is shared


@each_dialect
def test_views_of_inputs_are_shared_and_copies_are_not(aten: bool) -> None:
    program = export(Mixed(), X, DYNAMIC, aten)

    found = shared(program)

    # (Decomposed, the new value of the buffer comes first.)
    select = "output[3]" if aten else "output[2]"
    assert found == {(select, "input 'x'"): "always"}
    assert summary(program).mutated == ({} if aten else {"input 'b_seen'": "add_"})


def test_views_that_depend_on_the_layout_are_shared_sometimes() -> None:
    class Layouts(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            return x.t().reshape(-1), x.t().contiguous()

    assert set(shared(export(Layouts(), X, DYNAMIC)).values()) == {"sometimes"}


def test_parts_of_a_split_share_with_what_is_split() -> None:
    class Parts(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            left, right = torch.split(x, [1, 2], 1)
            return left, right + 1

    assert shared(export(Parts(), X, DYNAMIC)) == {("output[0]", "input 'x'"): "always"}


class Pieces(nn.Module):
    """Two parts of one temporary, up to a run-time value and from there on."""

    def __init__(self, axis: int, gap: int) -> None:
        super().__init__()
        self.axis, self.gap = axis, gap

    def forward(self, x: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
        k = n.item()
        torch._check(k >= 1)
        torch._check(k <= x.shape[self.axis])
        y = x + 1
        rest = y.shape[self.axis] - k + self.gap
        return y.narrow(self.axis, 0, k), y.narrow(self.axis, k - self.gap, rest)


@pytest.mark.parametrize("axis", [0, 1], ids=["rows", "columns"])
@pytest.mark.parametrize("gap", [0, 1], ids=["apart", "overlapping"])
def test_whether_slices_with_symbolic_bounds_overlap_is_decided(axis: int, gap: int) -> None:
    inputs = (X[0], torch.tensor(2))
    size = ({0: Dim.DYNAMIC, 1: Dim.DYNAMIC}, None)
    program = export(Pieces(axis, gap), inputs, size)

    pair = ("output[1]", "output[0]")

    assert shared(program) == ({pair: "always"} if gap else {})


def test_intervals_of_strided_views_are_compared() -> None:
    class Strided(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            y = (x + 1).reshape(-1)
            return y.as_strided((2, 2), (2, 1), 0), y.as_strided((4,), (2,), 4), y[1:3]

    program = export(Strided(), (torch.ones(4, 3),))

    assert set(shared(program)) == {("output[2]", "output[0]")}


def test_tied_parameters_are_one_block() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Parameter(torch.ones(3))
            self.register_buffer("b", self.a.detach())

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.a[0:2] * 1, self.b.view(3, 1)

    program = export(Tied(), X, DYNAMIC)
    host = adapter_of(program, copy=False)
    assert host is not None
    placeholders = host.graph_module.graph.find_nodes(op="placeholder")
    blocks = [host.dialect.memory.identity_of(host.graph_module, node) for node in placeholders]
    assert blocks[0] == blocks[1] != blocks[2]


def test_graphs_given_to_a_higher_order_operator_may_share_what_they_get() -> None:
    class Regions(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            with torch.no_grad():
                y = x.view(-1)
            z = torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))
            return y, z

    program = export(Regions(), X, DYNAMIC)
    assert set(shared(program)) == {("output[0]", "input 'x'")}


# ------------------------------------------------------------------ wrong passes


@dataclass(frozen=True)
class ReturnsTheInput(Pass):
    """Takes copies away, whoever sees it."""

    name: ClassVar[str] = "copies away"

    def run(self, graph_module: Any) -> PassResult:
        for node in nodes_of(graph_module, ATEN.clone.default):
            node.replace_all_uses_with(node.args[0])
            node.graph.erase_node(node)
        return PassResult(graph_module, True, Report(self.name))


@dataclass(frozen=True)
class WritesInPlace(Pass):
    """Makes additions write to their first operand."""

    name: ClassVar[str] = "in place"

    def run(self, graph_module: Any) -> PassResult:
        for node in nodes_of(graph_module, ATEN.add.Tensor):
            node.target = ATEN.add_.Tensor
        return PassResult(graph_module, True, Report(self.name))


@dataclass(frozen=True)
class Overwrites(Pass):
    """Writes a result into a temporary that is still read."""

    name: ClassVar[str] = "too early"
    functional: ClassVar[bool] = False

    def run(self, graph_module: Any) -> PassResult:
        (sin,) = nodes_of(graph_module, ATEN.sin.default)
        sin.target, sin.kwargs = ATEN.sin.out, {"out": sin.args[0]}
        return PassResult(graph_module, True, Report(self.name))


class Copying(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.clone(), (x + 1) * 2


@each_dialect
def test_a_pass_that_returns_an_input_is_refused(aten: bool) -> None:
    program = export(Copying(), X, DYNAMIC, aten)
    message = (
        r"the pass 'copies away' breaks the invariant 'aliasing': node 'x' \(output\[0\]\) "
        "may share memory with input 'x'"
    )
    with pytest.raises(GraphError, match=message):
        Guarded(ReturnsTheInput())(program)
    with pytest.raises(GraphError, match=message):
        Pipeline((RemoveNoOps(), ReturnsTheInput()), invariants=[Aliasing()])(program)
    with pytest.raises(GraphError, match=message):
        Guarded(ReturnsTheInput())(program.graph_module)
    assert ReturnsTheInput()(program).modified, "nobody looks without the guard"


@each_dialect
def test_a_pass_that_writes_to_an_input_is_refused(aten: bool) -> None:
    program = export(Copying(), X, DYNAMIC, aten)
    add = nodes_of(program, ATEN.add.Tensor)[0].name
    with pytest.raises(GraphError, match=f"the pass 'in place' breaks .*node '{add}' writes"):
        Guarded(WritesInPlace())(program)
    with pytest.raises(GraphError, match=f"the pass 'in place' .*node '{add}' writes"):
        Pipeline((RemoveNoOps(), WritesInPlace()), invariants=[Aliasing()])(program)
    if aten:  # such a program is functional in any case
        with pytest.raises(GraphError, match=f"behind the pass 'in place' .*'{add}' writes in"):
            WritesInPlace()(program)


def test_a_late_pass_may_write_to_temporaries_but_not_to_what_is_read() -> None:
    class Read(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x + 1
            return torch.sin(y) * y

    program = export(Read(), X, DYNAMIC)
    late = Aliasing(writes="temporaries")
    with pytest.raises(GraphError, match="the pass 'too early' breaks the invariant 'aliasing': "
                                         "node 'mul' reads 'add' after node 'sin' has"):  # fmt: skip
        Guarded(Overwrites(), [late])(program)
    with pytest.raises(GraphError, match="node 'sin' writes in place, which was not so before"):
        Guarded(Overwrites())(program)


def test_a_pipeline_says_what_it_requires_and_ensures() -> None:
    def has_no_asserts(program: Any) -> None:
        for node in nodes_of(program, ATEN._assert_scalar.default):
            raise GraphError(f"node '{node.name}' asserts")

    pipeline = Pipeline((Functionalize(), RemoveNoOps()), ensures=[has_no_asserts])
    assert pipeline(counted()).modified
    with pytest.raises(GraphError, match="what the pipeline 'functionalize' requires does not "
                                         "hold: node '_assert_scalar_default' asserts"):  # fmt: skip
        Pipeline((Functionalize(),), requires=[has_no_asserts])(counted())
    with pytest.raises(GraphError, match="what the pipeline 'remove no-ops' ensures does not"):
        Pipeline((RemoveNoOps(),), ensures=[has_no_asserts])(counted())


# ------------------------------------------------------------------ passes that respect it


@each_dialect
def test_no_ops_go_but_a_returned_copy_stays(aten: bool) -> None:
    program = export(Mixed(), X, DYNAMIC, aten)

    done = Guarded(RemoveNoOps())(program)

    removed = done.report.with_outcome("removed")
    assert len(removed) == 4
    (kept,) = done.report.with_outcome("kept")
    assert kept.note == "a copy, but it is returned, and its source is other memory"
    assert shared(done.program) == shared(program)
    assert_runs_like(done.program, Mixed(), X, ONE)


def test_a_copy_between_a_read_and_a_write_stays() -> None:
    class Before(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            y = x + 1
            old = y.clone()
            y.add_(1)
            return old * 2, y

    program = export(Before(), X, DYNAMIC)
    done = Guarded(RemoveNoOps())(program)
    assert not done.modified
    assert [row.note for row in done.report] == ["a copy, but the memory is written to"]


def test_what_only_seems_to_do_nothing_stays() -> None:
    class Seems(nn.Module):
        def forward(self, x: Tensor, i: Tensor) -> tuple[Tensor, ...]:
            return (
                (x + 0) + 1, (i + 0) + 1, (x.t().clone()) + 1, x.to(torch.float64) + 1,
                x.view(-1, 3) + 1, torch.nn.functional.dropout(x, 0.5, False) + 1,
                (i * 1.0) + 1, x[0:2] + 1,
            )  # fmt: skip

    inputs = (torch.ones(4, 3), torch.ones(4, dtype=torch.int64))
    program = export(Seems(), inputs, ({0: Dim.DYNAMIC}, {0: Dim.DYNAMIC}))

    done = RemoveNoOps()(program)

    gone = {row.condition.partition(" ")[0] for row in done.report.with_outcome("removed")}
    adds_nothing = nodes_of(program, ATEN.add.Tensor)[2].name  # of integers
    assert gone - {"clone"} == {adds_nothing, "dropout"}
    assert_runs_like(done.program, Seems(), inputs)


@each_dialect
def test_results_are_written_into_dead_temporaries(aten: bool) -> None:
    program = export(Mixed(), X, DYNAMIC, aten)
    guarded = Guarded(ReuseBuffers(), [Aliasing(writes="temporaries")])

    done = Pipeline((RemoveNoOps(), guarded))(program)

    made = done.program
    assert nodes_of(made, ATEN.exp.out)
    assert nodes_of(made, ATEN.exp.out)[0].kwargs["out"].name.startswith("sin")
    with torch.no_grad():
        assert_runs_like(made, Mixed(), X, ONE)


def test_a_transposed_operand_is_no_buffer_for_its_own_result() -> None:
    class Turned(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = torch.exp(x)
            return torch.sin(y.t())

    square = (torch.rand(3, 3),)
    program = export(Turned(), square)
    done = ReuseBuffers()(program)
    assert not done.modified
    assert text_of(done.program) == text_of(program)


def test_a_copy_that_a_view_needs_for_other_layouts_stays() -> None:
    class Flat(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.clone().view(-1) + 1

    program = export(Flat(), X, DYNAMIC)
    done = RemoveNoOps()(program)
    assert not done.modified
    wide = torch.arange(24.0).reshape(4, 6)[:, ::2]  # the view alone would fail here
    torch.testing.assert_close(done.program.module()(wide), wide.reshape(-1) + 1)


def test_values_that_are_written_back_keep_nodes_of_their_own() -> None:
    class Kept(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("one", torch.zeros(4, 3))
            self.register_buffer("two", torch.zeros(4, 3))

        def forward(self, x: Tensor) -> Tensor:
            self.one.copy_(x.view(4, 3))
            self.two.copy_(x.view(4, 3))
            return self.one + self.two

    program = export(Kept(), (torch.rand(4, 3),), aten=True)
    done = Guarded(RemoveNoOps())(program)
    assert_runs_like(done.program, Kept(), (torch.rand(4, 3),))


def test_an_input_may_have_any_name() -> None:
    class Named(nn.Module):
        def forward(self, input: Tensor) -> Tensor:
            return input * 1 + 1

    program = export(Named(), X, DYNAMIC)
    done = RemoveNoOps()(program)
    assert done.modified
    assert_runs_like(done.program, Named(), X)
