"""Real exports: what eager accepts, rejects and computes, the exported program does too."""

from __future__ import annotations

import pytest
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from tests.torch.programs import CORPUS, PROGRAMS, Program, named
from tests.torch.torch_help import (
    accepts,
    asserts_of,
    decomposed,
    disagreements,
    exported,
    reloaded,
    shared,
    shared_decomposed,
)

each_program = pytest.mark.parametrize("program", CORPUS, ids=lambda p: p.name)
each_mode = pytest.mark.parametrize("deferred", [False, True], ids=["guards", "deferred"])


@each_program
def test_the_inputs_of_a_program_are_what_they_are_called(program: Program) -> None:
    eager = program.make()
    assert all(accepts(eager, inputs) for inputs in (program.example, *program.valid))
    assert not any(accepts(eager, inputs) for inputs in program.invalid)


@each_program
@each_mode
def test_exported_programs_accept_and_compute_what_eager_does(
    program: Program, deferred: bool
) -> None:
    made = shared(program, deferred=deferred)
    smaller = asserts.minimise(made).program

    assert disagreements(program, made) == []
    assert disagreements(program, smaller) == []


@each_program
@each_mode
def test_another_tracing_changes_nothing_and_adds_no_asserts(
    program: Program, deferred: bool
) -> None:
    made = shared(program, deferred=deferred)

    again = decomposed(made) if deferred else shared_decomposed(program)
    smaller = asserts.minimise(again).program

    assert disagreements(program, again) == []
    assert disagreements(program, smaller) == []
    assert len(asserts_of(smaller)) <= len(asserts_of(asserts.minimise(made).program))
    # `narrow` ensures its length; that of the slice which it becomes takes an effort to prove.
    if program.name != "CentreCropped":
        assert len(asserts_of(again)) <= len(asserts_of(made))


@pytest.mark.parametrize("program", [p for p in CORPUS if p.undecided], ids=lambda p: p.name)
def test_what_needs_a_second_opinion_does_not_export_without(program: Program) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        exported(program, ours=False)


@each_program
def test_a_saved_program_is_the_same_when_it_is_loaded(program: Program) -> None:
    made = shared(program)

    loaded = reloaded(made)

    assert disagreements(program, loaded) == []
    assert len(asserts_of(loaded)) == len(asserts_of(made))


def test_messages_name_the_text_of_the_check_and_its_line() -> None:
    program = named("Narrowed")
    run = exported(program).module()

    with pytest.raises(RuntimeError) as caught:
        run(*program.invalid[0])

    lines = str(caught.value).splitlines()
    assert lines[0] == "no more rows than there are"
    assert lines[1].startswith("Runtime assertion failed for expression u0 <= s")
    assert any("is x.shape[0]" in line for line in lines)
    assert any("pruning.py" in line and "no more rows" in line for line in lines)


def test_new_nodes_have_value_stack_trace_and_module_stack() -> None:
    program = named("Padded")

    for node in exported(program).graph.nodes:
        if node.op == "call_function":
            assert "val" in node.meta, node
            assert "framing.py" in node.meta["stack_trace"], node
            assert node.meta["nn_module_stack"], node


def test_no_program_needs_more_asserts_than_with_torch_unless_torch_loses_some() -> None:
    lossy = {"HalvedUp", "Unrelated"}
    counts = {
        p.name: (len(asserts_of(shared(p, ours=False))), len(asserts_of(shared(p))))
        for p in PROGRAMS
    }
    more = {name for name, (torchs, ours) in counts.items() if ours > torchs}
    assert more == lossy
    enforcing = [pair for name, pair in counts.items() if name not in lossy]
    assert sum(ours for _, ours in enforcing) <= 0.75 * sum(torchs for torchs, _ in enforcing)
