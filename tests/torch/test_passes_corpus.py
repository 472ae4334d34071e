"""All passes on all small programs: the results are valid and behave as eager does."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from asserts.passes.base import Pipeline
from asserts.passes.constant_folding import FoldConstants
from asserts.passes.constraints import AddConstraintAsserts
from asserts.passes.functionalize import Defunctionalize, Functionalize, without_token
from asserts.passes.memory.aliasing import Aliasing, Guarded
from asserts.passes.memory.noops import RemoveNoOps
from asserts.passes.memory.reuse import ReuseBuffers
from asserts.passes.metadata import RefreshMetadata
from tests.torch.pass_help import text_of
from tests.torch.programs import PROGRAMS, Program
from tests.torch.torch_help import disagreements, reloaded, shared, shared_decomposed

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
each_dialect = pytest.mark.parametrize("aten", [False, True], ids=["training", "aten"])

FUNCTIONAL = Pipeline(
    (FoldConstants(), RemoveNoOps(), AddConstraintAsserts(entry="graph"), RefreshMetadata()),
    invariants=[Aliasing()],
)
LATE = Guarded(ReuseBuffers(), [Aliasing(writes="temporaries")])


def made_of(program: Program, aten: bool) -> Any:
    return (shared_decomposed if aten else shared)(program)


@each_program
@each_dialect
def test_the_passes_keep_what_is_accepted_rejected_and_computed(
    program: Program, aten: bool
) -> None:
    made = made_of(program, aten)

    done = FUNCTIONAL(made)

    assert [row for row in done.report if row.note == "changed"] == []
    assert disagreements(program, done.program) == []
    assert disagreements(program, reloaded(done.program)) == []
    late = LATE(done.program).program
    with torch.no_grad():
        assert disagreements(program, late) == []


@each_program
@each_dialect
def test_functionalizing_and_back_changes_nothing(program: Program, aten: bool) -> None:
    made = made_of(program, aten)

    there = Functionalize()(made)
    back = Defunctionalize()(there.program)

    assert text_of(back.program) == text_of(made)
    assert back.program.graph_signature == made.graph_signature
    run = there.program.module()
    expected = program.make()(*[_fresh(i) for i in program.example])
    found = without_token(there.program, run(*[_fresh(i) for i in program.example]))
    torch.testing.assert_close(found, expected)


def _fresh(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value
