"""Guards as facts: callers who do not check them say so, and nothing rests on them then."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

import asserts
from asserts.dialects import torch as torch_dialect
from asserts.dialects.torch import installed
from tests.torch.programs import DYNAMIC, Program, rows, scalar
from tests.torch.torch_help import accepts, asserts_of, disagreements, exported, reloaded


class Halved(nn.Module):
    """A check on an input alone becomes a guard, and implies a later one."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(x.shape[0] % 4 == 0, lambda: "whole quads")
        torch._check(k >= 0)
        torch._check(2 * k == x.shape[0], lambda: "half of it")
        torch._check(k % 2 == 0, lambda: "an even half")
        return x.narrow(0, 0, k) * 2


HALVED = Program(
    Halved,
    (rows(8), scalar(4)),
    ({0: DYNAMIC}, None),
    ((rows(4), scalar(2)), (rows(12), scalar(6))),
    ((rows(6), scalar(3)), (rows(8), scalar(3)), (rows(10), scalar(5))),
)


class Ordered(nn.Module):
    """Two inputs, one not longer than the other, and a count."""

    def forward(self, x: Tensor, y: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(2 * x.shape[0] <= y.shape[0], lambda: "y is the longer one")
        torch._check(k >= 0)
        torch._check(k <= x.shape[0])
        torch._check(k <= y.shape[0])
        return x.narrow(0, 0, k) + y.narrow(0, 0, k)


ORDERED = Program(
    Ordered,
    (rows(4), rows(9), scalar(3)),
    ({0: DYNAMIC}, {0: DYNAMIC}, None),
    ((rows(3), rows(6), scalar(3)),),
    ((rows(4), rows(7), scalar(2)), (rows(4), rows(9), scalar(5)), (rows(4), rows(3), scalar(4))),
)

each = pytest.mark.parametrize("program", [HALVED, ORDERED], ids=lambda p: p.name)


def unchecked(program: Program) -> ExportedProgram:
    with installed(check_guards=False):
        return exported(program)


def wrongly_accepted(program: Program, made: ExportedProgram) -> int:
    run = made.module(check_guards=False)
    assert all(accepts(run, inputs) for inputs in (program.example, *program.valid))
    return sum(accepts(run, inputs) for inputs in program.invalid)


@each
def test_with_its_guards_the_program_is_as_strict_as_eager(program: Program) -> None:
    assert disagreements(program, exported(program)) == []
    assert disagreements(program, unchecked(program)) == []


@each
def test_without_them_too_if_one_says_so(program: Program) -> None:
    assert wrongly_accepted(program, exported(program)) > 0
    assert wrongly_accepted(program, unchecked(program)) == 0
    assert len(asserts_of(unchecked(program))) > len(asserts_of(exported(program)))


def test_minimising_rests_on_no_guard_then() -> None:
    made = exported(ORDERED, ours=False)

    trusting = asserts.minimise(made).program
    careful = torch_dialect.minimise(made, check_guards=False).program

    assert len(asserts_of(trusting)) < len(asserts_of(careful))
    strict = unchecked(ORDERED)
    again = torch_dialect.minimise(strict, check_guards=False).program
    assert wrongly_accepted(ORDERED, again) == 0


@each
def test_an_open_block_that_is_careful_makes_all_of_them_careful(program: Program) -> None:
    with installed(check_guards=False), installed():
        made = exported(program)
    assert wrongly_accepted(program, made) == 0


class Decided(nn.Module):
    """A branch that only the guard decides."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(x.shape[0] <= 9, lambda: "a short one")
        torch._check(x.shape[0] % 2 == 0)
        torch._check(2 * k == 3 * x.shape[0])
        return x + 1 if k % 3 == 0 else x - 1


def test_a_decision_rests_on_checks_that_are_made() -> None:
    program = Program(
        Decided,
        (rows(4), scalar(6)),
        ({0: DYNAMIC}, None),
        ((rows(2), scalar(3)),),
        ((rows(3), scalar(4)), (rows(10), scalar(15))),
    )
    with installed(decide=True, check_guards=False):
        made = exported(program)
    assert disagreements(program, made) == []
    assert wrongly_accepted(program, made) == 0


class OneLonger(nn.Module):
    """A size that is another one and one more: deferred, it is nobody's guard."""

    def forward(self, x: Tensor, y: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(x.shape[0] == y.shape[0] + 1, lambda: "one longer")
        torch._check(k >= 0)
        return x * k


ONE_LONGER = Program(
    OneLonger,
    (rows(4), rows(3), scalar(3)),
    ({0: DYNAMIC}, {0: DYNAMIC}, None),
    ((rows(6), rows(5), scalar(0)),),
    ((rows(5), rows(3), scalar(2)), (rows(3), rows(3), scalar(1)), (rows(4), rows(3), scalar(-1))),
)


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("deferred", [True, False])
def test_an_equality_that_no_guard_checks_is_checked_in_the_graph(
    ours: bool, deferred: bool
) -> None:
    made = exported(ONE_LONGER, ours=ours, deferred=deferred)

    assert disagreements(ONE_LONGER, made) == []
    assert disagreements(ONE_LONGER, asserts.minimise(made).program) == []
    again = reloaded(made)  # the file states the size of x as that of y and one more
    assert disagreements(ONE_LONGER, asserts.minimise(again).program) == []
