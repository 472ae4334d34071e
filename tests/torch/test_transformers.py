"""Real models: exported, minimised, equal to eager, and as strict as before.

They make no scalar asserts (what they demand of sizes are guards at entry), but many of
dtype, device and layout, most of which dataflow makes certain.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch.export import ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed
from tests.torch.torch_help import asserts_of, decomposed, metadata_asserts_of, reloaded
from tests.torch.transformer_models import MODELS, UNEXPORTABLE, Model, Named

each_model = pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)


def export(model: Model, ours: bool, decide: bool = False) -> ExportedProgram:
    def run() -> ExportedProgram:
        with torch.no_grad():
            return torch.export.export(
                model.built(), (), model.sample, dynamic_shapes=model.shapes, strict=False
            )

    if not ours:
        return run()
    with installed(decide=decide):
        return run()


@cache
def exported(model: Model) -> ExportedProgram:
    return export(model, ours=True, decide=True)


@cache
def minimised(model: Model) -> ExportedProgram:
    found = asserts.minimise(exported(model)).program
    assert isinstance(found, ExportedProgram)
    return found


def results(function: Any, inputs: Named) -> Any:
    with torch.no_grad():
        found = function(**inputs)
    return {k: v for k, v in found.items() if isinstance(v, torch.Tensor)}


def rejects(function: Any, inputs: Named) -> bool:
    try:
        results(function, inputs)
    except (RuntimeError, ValueError, AssertionError, IndexError):
        return True
    return False


def agree(model: Model, program: ExportedProgram) -> None:
    run = program.module()
    for sizes in (model.example, *model.others):
        inputs = model.inputs(*sizes)
        torch.testing.assert_close(results(run, inputs), results(model.built(), inputs))
    for inputs in model.invalid():
        assert rejects(model.built(), inputs)
        assert rejects(run, inputs)
    for inputs in model.retyped():
        assert rejects(run, inputs)


@each_model
def test_the_exported_model_is_eagers_equal(model: Model) -> None:
    agree(model, exported(model))


@each_model
def test_so_is_the_minimised_one(model: Model) -> None:
    agree(model, minimised(model))
    minimised(model).validate()


@each_model
def test_our_passes_leave_no_more_asserts_than_torchs(model: Model) -> None:
    torchs = export(model, ours=False)

    assert len(asserts_of(exported(model))) <= len(asserts_of(torchs))
    assert len(metadata_asserts_of(exported(model))) == len(metadata_asserts_of(torchs))


def test_nine_of_ten_asserts_of_metadata_go() -> None:
    # The grouped experts call a custom operation, of which nothing is certain.
    models = [m for m in MODELS if m.name != "mixtral-grouped"]
    before = sum(len(metadata_asserts_of(exported(m))) for m in models)
    after = sum(len(metadata_asserts_of(minimised(m))) for m in models)

    assert before >= 70
    assert after <= before / 10


@pytest.mark.parametrize("name", ["bert", "mixtral"])
def test_after_another_tracing_and_after_saving_too(name: str) -> None:
    model = next(m for m in MODELS if m.name == name)

    again = asserts.minimise(decomposed(minimised(model))).program

    agree(model, again)
    agree(model, reloaded(minimised(model)))


def test_a_loop_over_the_experts_that_were_chosen_is_refused() -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        export(UNEXPORTABLE, ours=False)
    with pytest.raises(GuardOnDataDependentSymNode, match="cannot be unrolled"):
        export(UNEXPORTABLE, ours=True, decide=True)
