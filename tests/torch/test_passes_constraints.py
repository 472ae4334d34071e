"""Ranges as asserts in torch's graphs: what is missing is added, what is assumed is not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._export.passes.add_runtime_assertions_for_constraints_pass import (
    _AddRuntimeAssertionsForInlineConstraintsPass,
)
from torch.export import Dim
from torch.utils._sympy.value_ranges import ValueRanges

from asserts.dialects.torch import installed
from asserts.errors import GraphError
from asserts.passes.constraints import AddConstraintAsserts
from tests.torch.pass_help import (
    COUNTED,
    Counted,
    assert_runs_like,
    counted,
    export,
    nodes_of,
    text_of,
)
from tests.torch.torch_help import accepts, asserts_of, reloaded

ATEN = torch.ops.aten


def conditions(program: Any) -> list[str]:
    return [str(node.args[0].meta["val"]) for node in asserts_of(program)]


class Repeated(nn.Module):
    """A value that is only known to be not negative."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(k >= 0)
        return x.sum() + torch.zeros(k).sum()


REPEATED = (torch.ones(3), torch.tensor(4))


def test_only_the_missing_bound_is_added() -> None:
    program = export(Repeated(), REPEATED)
    assert conditions(program) == ["u0 >= 0"]

    done = AddConstraintAsserts(ranges={"u0": (0, 10)})(program)

    assert conditions(done.program) == ["u0 >= 0", "u0 <= 10"]
    assert [(row.condition, row.outcome) for row in done.report] == [
        ("u0 >= 0", "discharged"), ("u0 <= 10", "inserted")
    ]  # fmt: skip
    assert_runs_like(done.program, Repeated(), REPEATED, (torch.ones(3), torch.tensor(10)))
    for run in (done.program.module(), reloaded(done.program).module()):
        assert not accepts(run, (torch.ones(3), torch.tensor(11)))
        assert not accepts(run, (torch.ones(3), torch.tensor(-1)))


def test_torchs_own_pass_adds_nothing_where_some_bound_is_there() -> None:
    program = export(Repeated(), REPEATED)
    ranges = {symbol: ValueRanges(0, 10) for symbol in program.range_constraints}

    torchs = _AddRuntimeAssertionsForInlineConstraintsPass(ranges)(program.graph_module)

    assert not torchs.modified
    assert not nodes_of(torchs.graph_module, ATEN._assert_async.msg)


def test_running_again_changes_nothing() -> None:
    once = AddConstraintAsserts(ranges={"u0": (0, 10)})(counted()).program

    again = AddConstraintAsserts(ranges={"u0": (None, 10)})(once)

    assert not again.modified
    assert again.program is once


def test_stated_ranges_of_a_program_are_asserted_where_its_asserts_are_gone() -> None:
    program = export(Repeated(), REPEATED)
    for node in list(program.graph.nodes):
        if node.target is ATEN._assert_scalar.default:
            program.graph.erase_node(node)
    program.graph_module.recompile()
    assert conditions(program) == []

    done = AddConstraintAsserts()(program)

    assert conditions(done.program) == ["u0 >= 0"]
    assert [row.stated_by for row in done.report] == ["stated range"]
    assert not AddConstraintAsserts(contract=False, ranges={"u0": (None, None)})(
        program
    ).modified


def test_what_rests_on_the_tracers_assumption_is_not_asserted() -> None:
    class AtLeast(nn.Module):
        def forward(self, x: Tensor, n: Tensor) -> Tensor:
            k = n.item()
            torch._check(k >= x.shape[0])
            return x.sum() + k

    with installed():
        program = export(AtLeast(), (torch.ones(3), torch.tensor(4)), ({0: Dim.DYNAMIC}, None))
    assert [str(span.lower) for span in program.range_constraints.values()] == ["2", "2"]

    done = AddConstraintAsserts()(program)

    assert not done.modified
    assert "u0 >= 2" not in {row.condition for row in done.report}
    assert accepts(done.program.module(), (torch.ones(1), torch.tensor(1)))


def test_a_user_limit_between_two_sizes_is_no_assumption() -> None:
    class Limited(nn.Module):
        def forward(self, x: Tensor, n: Tensor) -> Tensor:
            k = n.item()
            torch._check(k >= 2)
            return x.sum() + k

    program = export(Limited(), (torch.ones(3), torch.tensor(4)), ({0: Dim.DYNAMIC}, None))

    (row,) = AddConstraintAsserts()(program).report

    assert (row.condition, row.outcome) == ("u0 >= 2", "discharged")


def test_the_callers_contract_can_be_written_into_the_graph() -> None:
    class Folded(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            return x.reshape(-1, 4) + 1, x + y

    size = {0: Dim.DYNAMIC}
    program = export(Folded(), (torch.ones(16), torch.ones(16)), (size, size))
    odd = (torch.ones(15), torch.ones(15))
    apart = (torch.ones(16), torch.ones(8))

    unchecked = program.module(check_guards=False)
    assert not AddConstraintAsserts()(program).modified
    done = AddConstraintAsserts(entry="graph")(program)

    texts = [row.condition for row in done.report.with_outcome("inserted")]
    assert len({row.condition for row in done.report}) == len(list(done.report))
    assert any("% 4 == 0" in text for text in texts)
    run = done.program.module(check_guards=False)
    assert accepts(run, (torch.ones(12), torch.ones(12)))
    with pytest.raises(RuntimeError, match=r"assertion failed for expression .* % 4"):
        run(*odd)
    with pytest.raises(RuntimeError) as late:  # by the reshape, in the middle of the program
        unchecked(*odd)
    assert "Runtime assertion failed" not in str(late.value)
    assert not accepts(run, apart)


def test_graph_modules_and_nested_graphs() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor, n: Tensor) -> Tensor:
            def repeated(x: Tensor, n: Tensor) -> Tensor:
                k = n.item()
                torch._check(k >= 0)
                return x + torch.zeros(k).sum()

            return torch.cond(x.sum() > 0, repeated, lambda x, n: x - 1, (x, n))

    inputs = (torch.ones(3), torch.tensor(4))
    program = export(Branching(), inputs)
    (inner,) = [s.name for s in program.range_constraints if s.name.startswith("u")][:1]

    done = AddConstraintAsserts(ranges={inner: (0, 10)})(program)

    assert [row.outcome for row in done.report].count("inserted") == 1
    assert_runs_like(done.program, Branching(), inputs)
    assert not accepts(done.program.module(), (torch.ones(3), torch.tensor(11)))
    module = counted().module()
    made = AddConstraintAsserts(ranges={"u0": (0, 3)})(module).program
    torch.testing.assert_close(made(*COUNTED), Counted()(*COUNTED))
    assert not accepts(made, (COUNTED[0], torch.tensor(4)))


def test_bad_ranges_are_refused() -> None:
    program = counted()
    before = text_of(program)
    with pytest.raises(GraphError, match="no node of the program defines the symbol 'u9'"):
        AddConstraintAsserts(ranges={"u9": (0, 1)})(program)
    with pytest.raises(GraphError, match="the range of 'u0' is empty"):
        AddConstraintAsserts(ranges={"u0": (3, 1)})(program)
    assert text_of(program) == before
