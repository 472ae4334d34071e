"""Constants in torch's programs: folded where the result is always the same, kept elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._inductor.constant_folding import constant_fold
from torch.export import Dim
from torch.export.graph_signature import InputKind

from asserts.errors import GraphError
from asserts.passes.base import Pipeline
from asserts.passes.constant_folding import FoldConstants
from asserts.passes.memory.aliasing import Aliasing
from tests.torch.pass_help import assert_runs_like, export, nodes_of, text_of

ATEN = torch.ops.aten
X = (torch.arange(12.0).reshape(4, 3),)
ONE = (torch.ones(1, 3),)
DYNAMIC = ({0: Dim.DYNAMIC},)
each_dialect = pytest.mark.parametrize("aten", [False, True], ids=["training", "aten"])


class Tables(nn.Module):
    """Constants, a parameter, a buffer that is written to, random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 3))
        self.register_buffer("seen", torch.zeros(3))
        self.table = torch.tensor([2, 0, 1])
        self.scale = torch.tensor([1.0, 2.0, 3.0])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        order = torch.argsort(self.table)
        total = (torch.tensor([1.0, 2.0, 3.0]) * 2).sum()
        self.seen.add_(1)
        noise = torch.rand_like(self.scale)
        return (
            x[:, order] * total + self.weight.t()[0],
            self.scale * 2,
            self.seen * 3,
            (noise > 2).sum(),
        )


def constants(program: Any) -> list[str]:
    return [spec.target for spec in program.graph_signature.input_specs
            if spec.kind is InputKind.CONSTANT_TENSOR]  # fmt: skip


def folded(report: Any) -> list[str]:
    return [row.condition.partition(" is ")[0] for row in report.with_outcome("removed")]


@each_dialect
def test_what_depends_on_constants_alone_is_computed_once(aten: bool) -> None:
    program = export(Tables(), X, DYNAMIC, aten)

    done = FoldConstants()(program)
    made = done.program

    assert len(folded(done.report)) == 3
    assert not nodes_of(made, ATEN.argsort.default)
    assert not nodes_of(made, ATEN.sort.default)
    assert "table" not in constants(made)
    assert "table" not in made.constants
    assert "table" in program.constants, "the given program stays"
    assert sum(name.startswith("folded_") for name in constants(made)) == 3
    assert_runs_like(made, Tables(), X, ONE)


@each_dialect
def test_parameters_random_numbers_and_what_is_written_to_are_left_alone(aten: bool) -> None:
    made = FoldConstants()(export(Tables(), X, DYNAMIC, aten)).program

    assert nodes_of(made, ATEN.rand_like.default)
    assert "p_weight" in text_of(made)
    assert nodes_of(made, ATEN.t.default) or nodes_of(made, ATEN.permute.default)
    run = made.module()
    first, second = run(*X)[2], run(*X)[2]
    torch.testing.assert_close(second - first, torch.full((3,), 3.0))


@each_dialect
def test_a_folded_result_that_is_returned_is_a_copy(aten: bool) -> None:
    program = export(Tables(), X, DYNAMIC, aten)

    made = Pipeline((FoldConstants(),), invariants=[Aliasing()])(program).program

    run = made.module()
    run(*X)[1].add_(100)
    torch.testing.assert_close(run(*X)[1], torch.tensor([2.0, 4.0, 6.0]))


@each_dialect
def test_parameters_and_buffers_count_if_asked_for(aten: bool) -> None:
    program = export(Tables(), X, DYNAMIC, aten)

    done = FoldConstants(state=True)(program)

    assert any(name.startswith("select") for name in folded(done.report))
    assert set(done.program.state_dict) == set(program.state_dict)
    assert_runs_like(done.program, Tables(), X, ONE)


def test_folding_again_changes_nothing() -> None:
    once = FoldConstants()(export(Tables(), X, DYNAMIC)).program
    again = FoldConstants()(once)
    assert not again.modified
    assert again.program is once


def test_assertions_and_values_read_at_run_time_stay() -> None:
    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.n = torch.tensor(2)
            self.flags = torch.tensor([True, False, True])

        def forward(self, x: Tensor) -> Tensor:
            k = self.n.item()
            torch._check(k <= x.shape[0])
            torch.ops.aten._assert_async.msg(self.flags.any(), "some flag")
            return x.narrow(0, 0, k) + torch.nonzero(self.flags).shape[0]

    program = export(Reads(), X, DYNAMIC)
    before = len(nodes_of(program, ATEN._assert_async.msg))

    made = FoldConstants()(program).program

    assert nodes_of(made, ATEN.nonzero.default), "its result defines a symbol"
    assert len(nodes_of(made, ATEN._assert_async.msg)) == before == 1
    assert_runs_like(made, Reads(), X)


def test_large_results_and_constructors_are_folded_if_asked_for() -> None:
    class Made(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.row = torch.ones(8)

        def forward(self, x: Tensor) -> Tensor:
            return x.sum() + self.row.expand(1000, 8).sum(1) + torch.arange(1000) * 2

    program = export(Made(), X, DYNAMIC)
    small = FoldConstants(max_bytes=64)(program)
    assert not small.modified
    assert any("bytes" in row.note for row in small.report)
    plain = FoldConstants()(program)
    assert nodes_of(plain.program, ATEN.arange.default)
    all_ = FoldConstants(constructors=True)(program)
    assert not nodes_of(all_.program, ATEN.arange.default)
    for made in (plain.program, all_.program):
        assert_runs_like(made, Made(), X)
    with pytest.raises(GraphError, match="max_bytes is a number of bytes"):
        FoldConstants(max_bytes=-1)


def test_graph_modules_with_attributes() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("scale", torch.tensor([1.0, 2.0]))

        def forward(self, x: Tensor) -> Tensor:
            return x * (self.scale * 2).sum()

    module = export(Plain(), (torch.ones(3),)).module()
    assert not FoldConstants()(module).modified, "a buffer can be loaded again"

    done = FoldConstants(state=True)(module)

    assert folded(done.report) == ["sum_1"]
    torch.testing.assert_close(done.program(torch.ones(3)), torch.full((3,), 6.0))
    assert not FoldConstants(state=True)(done.program).modified


class Counting(nn.Module):
    """Reads a buffer behind a write to it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.add_(1)
        return x + self.seen * 2


def test_torchs_own_pass_runs_writes_while_it_folds_and_ours_does_not() -> None:
    ones = torch.ones(3)
    eager = Counting()
    expected = [eager(ones), eager(ones)]

    torchs = export(Counting(), (ones,)).module()
    constant_fold(torchs)
    ours = FoldConstants(state=True)(export(Counting(), (ones,)).module()).program

    torch.testing.assert_close([torchs(ones), torchs(ones)], [expected[0]] * 2)
    torch.testing.assert_close([ours(ones), ours(ones)], expected)
    assert not torch.equal(*expected)
