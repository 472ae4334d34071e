"""Minimising exported programs: fewer asserts, the same inputs accepted, a valid program."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import asserts
from asserts.conditions.report import Report
from asserts.errors import GraphError
from tests.torch.programs import DYNAMIC, PROGRAMS, Program, named, rows
from tests.torch.torch_help import (
    asserts_of,
    decomposed,
    disagreements,
    exported,
    metadata_asserts_of,
    outcome,
    reloaded,
    shared,
    shared_decomposed,
)

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)


@each_program
def test_what_torch_exports_behaves_the_same_with_fewer_asserts(program: Program) -> None:
    made = shared(program, ours=False)

    smaller = asserts.minimise(made).program

    assert disagreements(program, smaller) == disagreements(program, made)
    assert len(asserts_of(smaller)) <= len(asserts_of(made))


@each_program
def test_the_result_is_a_valid_program(program: Program) -> None:
    smaller = asserts.minimise(shared(program, ours=False)).program

    smaller.validate()
    expected = outcome(smaller.module(), program.example)
    torch.testing.assert_close(outcome(reloaded(smaller).module(), program.example), expected)
    torch.testing.assert_close(
        outcome(torch.export.unflatten(smaller), program.example), expected
    )


@each_program
def test_duplicates_of_another_tracing_go(program: Program) -> None:
    made = shared(program, ours=False)
    once = asserts.minimise(made).program

    again = asserts.minimise(shared_decomposed(program, ours=False)).program
    after = asserts.minimise(decomposed(once, ours=False)).program

    # Torch has put another symbol in the place of a size that is read at run time, so what is
    # asserted of that size cannot be read off the graph any more; it stays, twice.
    unreadable = 1 if program.name == "JaggedToPadded" else 0
    assert len(asserts_of(again)) <= len(asserts_of(once)) + unreadable
    assert len(asserts_of(after)) <= len(asserts_of(once)) + unreadable
    assert disagreements(program, after) == disagreements(program, made)


@each_program
def test_minimising_twice_is_minimising_once(program: Program) -> None:
    once = asserts.minimise(shared(program, ours=False)).program

    twice = asserts.minimise(once)

    assert not twice.modified
    assert [n.name for n in twice.program.graph.nodes] == [n.name for n in once.graph.nodes]


def test_the_given_program_stays_as_it_is() -> None:
    made = exported(named("ManyBounds"), ours=False)
    before = str(made.graph)

    result = asserts.minimise(made)

    assert result.modified
    assert str(made.graph) == before
    assert len(asserts_of(result.program)) == 4


def test_the_report_says_what_became_of_every_assert_and_why() -> None:
    made = exported(named("Routed"), ours=False)

    report = asserts.minimise(made).report

    assert len(report) == len(asserts_of(made))
    assert len(report.with_outcome("kept")) == 3
    assert all(row.proof is not None for row in report.with_outcome("discharged"))


def test_without_its_environment_a_loaded_program_is_minimised_too() -> None:
    program = named("ManyBounds")
    loaded = reloaded(exported(program, ours=False))

    smaller = asserts.minimise(loaded).program

    assert len(asserts_of(smaller)) == 4
    assert disagreements(program, smaller) == []


@pytest.mark.parametrize("given", [3, None, torch.nn.Linear(1, 1)])
def test_other_things_are_refused(given: object) -> None:
    with pytest.raises(GraphError, match="program"):
        asserts.minimise(given)


# --------------------------------------------------------------------------- metadata


class Converted(nn.Module):
    """Conversions of results of parameters, of indices, and of what was converted."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(9, 4)
        self.linear = nn.Linear(4, 4)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        x = self.table(words).float()
        x = self.linear(x).to(torch.float64)
        x = x.float().half().float()
        length = torch.nonzero(words).float().sum()
        weight = mask.float().double()
        return x * length + weight.float().unsqueeze(1)


CONVERTED = Program(
    Converted,
    (torch.tensor([1, 2, 3]), torch.tensor([1, 0, 1])),
    ({0: DYNAMIC}, {0: DYNAMIC}),
    ((torch.tensor([1, 2]), torch.tensor([0, 1])),),
)


def kept(report: Report) -> list[str]:
    return [row.condition for row in report.with_outcome("kept")]


def test_asserts_of_dtypes_that_are_certain_go() -> None:
    made = exported(CONVERTED, ours=False)

    result = asserts.minimise(made)

    before, after = metadata_asserts_of(made), metadata_asserts_of(result.program)
    assert len(before) == 9
    # What is asserted of the input `mask` is checked nowhere else; the number of words that
    # are not zero is an integer for sure, but on the device of an input.
    assert [str(node.args[0]) for node in after] == ["nonzero", "mask"]
    assert disagreements(CONVERTED, result.program) == []


def test_an_input_of_another_dtype_is_still_rejected() -> None:
    run = asserts.minimise(exported(CONVERTED, ours=False)).program.module()

    with pytest.raises(RuntimeError):
        run(torch.tensor([1, 2, 3]), rows(3, 1).squeeze(1))


# --------------------------------------------------------------------------- many counts


class RunningEnds(nn.Module):
    """Counts whose sum is the number of rows: the end of every part is within them."""

    def __init__(self, sum_first: bool) -> None:
        super().__init__()
        self.sum_first = sum_first

    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        ns = counts.tolist()
        start, parts = 0, []
        for n in ns:
            torch._check(n >= 0)
        if self.sum_first:
            torch._check(sum(ns) == x.shape[0])
        for n in ns:
            end = start + n
            torch._check(end <= x.shape[0])
            parts.append(x[start:end])
            start = end
        if not self.sum_first:
            torch._check(sum(ns) == x.shape[0])
        return torch.cat(parts) + x


@pytest.mark.parametrize("sum_first", [True, False])
@pytest.mark.parametrize("n", [3, 9])
def test_running_ends_follow_from_the_sum(n: int, sum_first: bool) -> None:
    program = Program(
        lambda: RunningEnds(sum_first),
        (torch.arange(2.0 * n), torch.full((n,), 2)),
        ({0: DYNAMIC}, None),
        tuple(
            (torch.arange(float(rows)), torch.tensor([first, *[1] * (n - 2), last]))
            for rows in (n, n + 1, n - 1)
            for first in (-1, 0, 1, 2)
            for last in (-1, 1, 2)
        ),
    )
    made = exported(program, ours=False)

    smaller = asserts.minimise(made).program

    assert len(asserts_of(smaller)) <= n + 1
    assert disagreements(program, smaller) == disagreements(program, made)


class TwoCounts(nn.Module):
    def forward(self, x: Tensor, counts: Tensor) -> Tensor:
        a, b = counts.tolist()
        torch._check(b >= 0, lambda: "no negative count")
        torch._check(a >= 0, lambda: "no negative count at first")
        torch._check(a + b == x.shape[0], lambda: "as many as counted")
        torch._check(a <= x.shape[0], lambda: "implied by the three above")
        return x[:a].sum() + x[a:].sum()


def test_what_was_written_last_goes_first() -> None:
    program = Program(
        TwoCounts,
        (torch.arange(5.0), torch.tensor([3, 2])),
        ({0: DYNAMIC}, None),
        (
            (torch.arange(5.0), torch.tensor([7, -2])),
            (torch.arange(5.0), torch.tensor([-1, 6])),
        ),
    )
    made = exported(program, ours=True)

    texts = [row.condition for row in asserts.minimise(made).report.with_outcome("kept")]

    assert len(texts) == 3, texts
