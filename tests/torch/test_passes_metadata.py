"""Stated values of torch's nodes behind a change: recomputed where they follow from it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._inductor.fx_utils import FakeTensorUpdater
from torch._inductor.virtualized import V
from torch.export import Dim

from asserts.dialects.hosts import adapter_of
from asserts.errors import GraphError
from asserts.passes.metadata import RefreshMetadata, refresh, snapshot
from tests.torch.pass_help import assert_runs_like, counted, export, nodes_of

ATEN = torch.ops.aten
each_dialect = pytest.mark.parametrize("aten", [False, True], ids=["training", "aten"])


class Large(nn.Module):
    """Views, layouts, run-time sizes, modules with parameters and a branch."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 4)
        self.conv = nn.Conv1d(1, 2, 3)

    def forward(self, x: Tensor, m: Tensor) -> tuple[Tensor, ...]:
        chosen = self.linear(x)[m]
        where = torch.nonzero(m).squeeze(1)
        k = where.sum().item()
        torch._check(k > 0)
        left, right = torch.split(x, [1, 2], 1)
        branch = torch.cond(m.any(), lambda x: x + 1, lambda x: x - 1, (x,))
        return (
            torch.cat([chosen, chosen]).transpose(0, 1).contiguous().view(-1),
            where, left.T @ right, torch.zeros(k), torch.unique(where),
            self.conv(x.reshape(-1, 1, 3)), branch,
        )  # fmt: skip


LARGE = (torch.randn(5, 3), torch.ones(5, dtype=torch.bool))


def large(aten: bool) -> Any:
    return export(Large(), LARGE, ({0: Dim.DYNAMIC}, {0: Dim.DYNAMIC}), aten)


class Chain(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = x.reshape(-1)
        return y * 2 + 1, x.sum(0)


def chain() -> Any:
    return export(Chain(), (torch.ones(4, 6),), ({0: Dim.DYNAMIC},), aten=True)


def node(program: Any, name: str) -> Any:
    return next(n for n in program.graph.nodes if n.name.startswith(name))


def dialect_of(program: Any) -> Any:
    host = adapter_of(program, copy=False)
    assert host is not None
    return host.dialect


@each_dialect
def test_what_exports_state_is_true_and_stays_as_it_is(aten: bool) -> None:
    program = large(aten)

    done = RefreshMetadata()(program)

    assert not done.modified
    assert done.program is program
    # A choice among convolutions depends on the example; branches are not recomputed.
    conv = "convolution" if aten else "conv1d"
    assert {row.place for row in done.report} == {conv, "cond"}


@each_dialect
def test_torchs_environment_is_as_it_was_and_programs_decompose_behind_it(aten: bool) -> None:
    program = large(aten)
    shape_env = dialect_of(program).symbols.source

    def state() -> Any:
        return (len(shape_env.guards), dict(shape_env.var_to_range),
                dict(shape_env.replacements), dict(shape_env.unbacked_renamings),
                {k: len(v) for k, v in shape_env.deferred_runtime_asserts.items()})  # fmt: skip

    before = state()
    RefreshMetadata()(program)
    assert state() == before
    torch.manual_seed(1)
    eager = Large()
    eager.load_state_dict(program.state_dict)
    again = program.run_decompositions()
    torch.testing.assert_close(again.module()(*LARGE), eager(*LARGE))


def test_only_what_changed_and_what_depends_on_it_is_recomputed() -> None:
    program = chain()
    before = snapshot(program)
    reshape = node(program, "view")
    reshape.args = (reshape.args[0], [-1, 3])

    done = RefreshMetadata(since=before)(program)

    changed = [row.place for row in done.report.with_outcome("changed")]
    assert [name.partition("_")[0] for name in changed] == ["view", "mul", "add"]
    assert node(done.program, "sum").meta["val"].shape == (6,)
    assert [str(s) for s in node(done.program, "add").meta["val"].shape] == ["2*s77", "3"]
    assert done.program.module()(torch.ones(4, 6))[0].shape == (8, 3)


def test_it_stops_where_values_do_not_change_any_more() -> None:
    program = chain()
    graph = program.graph_module
    total = nodes_of(program, ATEN.sum.dim_IntList)[0]
    dialect = dialect_of(program)

    done = refresh(graph, [total], dialect)

    assert done.visited == [total]
    assert done.changes == []


def test_a_stated_shape_that_no_longer_holds_is_reported_with_the_node() -> None:
    program = chain()
    add = nodes_of(program, ATEN.add.Tensor)[0]
    right = add.meta["val"]
    with right.fake_mode:
        add.meta["val"] = torch.empty(7, 2)

    done = RefreshMetadata()(program)

    (row,) = done.report
    assert row.condition.startswith(f"{add.name}: stated f32[7, 2], but is f32[6*s")
    assert node(done.program, add.name).meta["val"].shape == right.shape
    with pytest.raises(GraphError, match=f"node '{add.name}': stated"):
        RefreshMetadata(strict=True)(program)


def test_equal_sizes_may_be_spelled_in_two_ways() -> None:
    program = chain()
    add = nodes_of(program, ATEN.add.Tensor)[0]
    size = node(program, "x").meta["val"].shape[0]
    stated = add.meta["val"]
    with stated.fake_mode:
        add.meta["val"] = torch.empty(size * 2 + 4 * size)

    done = RefreshMetadata()(program)

    assert not done.modified


def test_an_operation_that_fails_is_reported() -> None:
    program = chain()
    mul = nodes_of(program, ATEN.mul.Tensor)[0]
    before = snapshot(program)
    with program.graph.inserting_before(mul):
        wrong = program.graph.call_function(ATEN.mm.default, (mul.args[0], mul.args[0]))
    mul.args = (wrong, 2)

    done = RefreshMetadata(since=before)(program.graph_module)

    (row, *_) = done.report.rows
    assert row.place == wrong.name
    assert "fails: RuntimeError" in row.condition
    with pytest.raises(GraphError, match=f"node '{wrong.name}'.*fails"):
        RefreshMetadata(since=before, strict=True)(program.graph_module)


def test_a_value_that_only_follows_from_the_example_is_not_stated() -> None:
    class Apart(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            return x + 1, y * 2

    def changed() -> Any:
        size = {0: Dim.DYNAMIC}
        program = export(Apart(), (torch.ones(5), torch.ones(5)), (size, size), aten=True)
        mul = nodes_of(program, ATEN.mul.Tensor)[0]
        return program, mul, nodes_of(program, ATEN.add.Tensor)[0]

    program, mul, add = changed()
    before = snapshot(program)
    mul.args = (mul.args[0], add)  # sizes s17 and s77, which are equal in the example only

    RefreshMetadata(since=before)(program.graph_module)
    done = RefreshMetadata(since=before)(program.graph_module)  # nothing is remembered

    (row,) = done.report
    assert (row.place, row.note) == (mul.name, "not computed")
    assert "it rests on `Eq(s17, s77)`, which holds for the example sizes" in row.condition
    shape_env = dialect_of(program).symbols.source
    assert not any("Eq" in str(guard.expr) for guard in shape_env.guards)
    sizes = [str(n.meta["val"].shape[0].node.expr) for n in (mul.args[0], add)]
    assert sizes == ["s17", "s77"]


@pytest.mark.parametrize("width", [3, 2])
def test_torchs_own_updater_finds_the_same_values(width: int) -> None:
    one, other = chain(), chain()
    before = snapshot(one)
    updater = FakeTensorUpdater(other.graph_module)
    for program in (one, other):
        view = node(program, "view")
        view.args = (view.args[0], [-1, width])

    made = RefreshMetadata(since=before)(one).program
    with V.set_fake_mode(node(other, "view").meta["val"].fake_mode):
        updater.incremental_update()

    for a, b in zip(made.graph.nodes, other.graph.nodes):
        if a.op == "call_function" and isinstance(a.meta["val"], Tensor):
            assert str(a.meta["val"].shape) == str(b.meta["val"].shape)


def test_loaded_programs_and_graph_modules() -> None:
    from tests.torch.torch_help import reloaded

    loaded = reloaded(counted())
    assert not RefreshMetadata()(loaded).modified
    module = counted().module()
    assert not RefreshMetadata()(module).modified


def test_changed_programs_are_valid() -> None:
    class Doubled(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x.reshape(-1, 2) * 2 + 1, x.sum(0)

    program = chain()
    before = snapshot(program)
    view = node(program, "view")
    view.args = (view.args[0], [-1, 2])
    done = RefreshMetadata(since=before)(program)
    assert_runs_like(done.program, Doubled(), (torch.ones(4, 6),), (torch.ones(7, 6),))
