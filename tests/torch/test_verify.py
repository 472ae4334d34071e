"""Comparing torch's programs on generated inputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

import asserts
from asserts.dialects.torch import installed
from asserts.dialects.torch.export.verify import TorchSubject
from asserts.errors import GraphError
from asserts.verify.inputs import Generator
from asserts.verify.programs import verify
from tests.torch.programs import DYNAMIC, PROGRAMS, Program, rows, scalar
from tests.torch.torch_help import asserts_of, decomposed, exported, reloaded


def named(name: str) -> Program:
    return next(p for p in PROGRAMS if p.name == name)


def exported_anyhow(program: Program) -> ExportedProgram:
    with installed(decide=True):
        return torch.export.export(
            program.make(), program.example, dynamic_shapes=program.shapes, strict=False
        )


UNBREAKABLE = {"CentreCropped", "SubGraph"}
"""Programs in which what operations do implies a check, in a way that is not known here."""

SELDOM = {"Repeated"}
"""Programs with a check that few inputs break."""


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_programs_do_what_eager_does_and_minimised_ones_what_they_did(
    program: Program,
) -> None:
    trials = 15 if program.name in SELDOM else 5
    made = exported_anyhow(program)
    eager = verify(made, program.make(), trials=trials)
    assert eager.equal, str(eager)

    loaded = reloaded(made)
    fewer = verify(loaded, asserts.minimise(loaded).program, trials=trials)
    assert fewer.equal, str(fewer)
    if program.name not in UNBREAKABLE:
        assert eager.unbroken == ()
        assert fewer.unbroken == ()


def test_decomposing_changes_nothing() -> None:
    made = exported(named("Routed"))
    report = verify(made, decomposed(made), trials=20)
    assert report.equal, str(report)


@pytest.mark.parametrize("name", ["Unrelated", "HalvedUp", "Clamped", "SameCount"])
def test_what_torch_loses_or_adds_is_found(name: str) -> None:
    """A1, A2, A3 and A8: checks that are gone, weakened or too strict."""
    program = named(name)
    theirs, ours = exported(program, ours=False), exported(program)

    assert not verify(theirs, program.make()).equal
    assert not verify(theirs, ours).equal
    assert verify(ours, program.make()).equal


NOTHING_ELSE = ("Counted", "Framed", "HalvedUp", "SameCount", "Unrelated", "Windowed")
"""Programs in which nothing but the asserts refuses what they refuse."""


@pytest.mark.parametrize("name", NOTHING_ELSE)
def test_every_lost_assert_is_noticed(name: str) -> None:
    made = reloaded(exported(named(name)))
    for index, _ in enumerate(asserts_of(made)):
        other = reloaded(made)
        node = asserts_of(other)[index]
        node.graph.erase_node(node)
        other.graph_module.recompile()
        assert not verify(made, other, trials=5).equal, node


def test_the_same_trials_for_a_seed() -> None:
    made = exported(named("MaskedMlp"))
    first = [t.key for t in Generator(TorchSubject(made), 3).trials(20)]
    assert first == [t.key for t in Generator(TorchSubject(made), 3).trials(20)]
    assert first != [t.key for t in Generator(TorchSubject(made), 4).trials(20)]


def test_sizes_and_limits() -> None:
    batch = torch.export.Dim("batch", min=2, max=6)
    made = torch.export.export(nn.Linear(3, 2), (rows(4),), dynamic_shapes=({0: batch},))
    trials = list(Generator(TorchSubject(made)).trials(0))

    sizes = {t.inputs[0].shape[0] for t in trials}
    assert {0, 1, 2, 6, 7} <= sizes
    assert any("x.shape[0]" in t.purpose or "input" in t.purpose for t in trials)
    report = verify(made, made)
    assert report.equal
    assert report.rejected >= 1


class Counting(nn.Module):
    """A buffer that changes, and randomness."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls.add_(1)
        return x + self.calls + torch.rand_like(x)


def test_state_and_randomness_start_afresh() -> None:
    made = torch.export.export(Counting(), (rows(4),), dynamic_shapes=({0: DYNAMIC},))
    report = verify(made, reloaded(made), trials=10)
    assert report.equal, str(report)
    assert report.accepted > 5


class Adding(nn.Module):
    """Adds to its input, in place or not."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        self.in_place = in_place

    def forward(self, x: Tensor) -> Tensor:
        return x.add_(1) if self.in_place else x + 1


def test_changed_inputs_count() -> None:
    one, other = (
        torch.export.export(Adding(flag), (rows(4),), dynamic_shapes=({0: DYNAMIC},))
        for flag in (False, True)
    )
    report = verify(one, other, trials=5)
    assert "changed inputs differ" in str(report)


class Scaled(nn.Module):
    """Other dtypes, a dict, a keyword, a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, batch: dict[str, Tensor], power: int, *, shift: Tensor) -> Tensor:
        return (batch["x"] * self.factor) ** power + shift


def scaled(factor: float) -> ExportedProgram:
    batch = {"x": torch.ones(3, 2, dtype=torch.bfloat16)}
    shapes: dict[str, Any] = {"batch": {"x": {0: DYNAMIC}}, "power": None, "shift": None}
    return torch.export.export(
        Scaled(factor), (batch, 2), {"shift": torch.ones(2)}, dynamic_shapes=shapes
    )


def test_nested_inputs_and_other_dtypes() -> None:
    assert verify(scaled(2.0), reloaded(scaled(2.0)), trials=10).equal
    report = verify(scaled(2.0), scaled(2.5), trials=10)
    assert "the results differ" in str(report)
    assert "batch['x'] = float32[" in str(report)


def test_without_example_inputs() -> None:
    made = exported(named("Split"))
    made.example_inputs = None
    report = verify(made, asserts.minimise(made).program)
    assert report.equal
    assert report.unbroken == ()
    assert report.accepted > 0


def test_programs_that_cannot_be_compared() -> None:
    one = exported(named("Split"))
    with pytest.raises(GraphError, match="take different inputs"):
        verify(one, exported(named("Counted")))
    with pytest.raises(GraphError, match="cannot be compared"):
        verify(one, 3)
    with pytest.raises(GraphError, match="an exported program"):
        verify(named("Split").make(), one)


def test_scalars_of_no_dimension() -> None:
    made = exported(Program(named("Narrowed").make, (rows(2), scalar(1)), ({0: DYNAMIC}, None)))
    assert verify(made, made, trials=5).unbroken == ()
