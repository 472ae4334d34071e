"""Swapping our passes into torch and back."""

from __future__ import annotations

import threading

import pytest
import torch
import torch._dynamo.output_graph
import torch._export.utils
import torch.export.exported_program
import torch.fx.passes.runtime_assert
from torch._export.passes.remove_runtime_assertions import _RemoveRuntimeAssertionsPass
from torch.fx.experimental.sym_node import SymNode

from asserts.dialects.torch import installed
from tests.torch.programs import named
from tests.torch.torch_help import asserts_of, disagreements, exported
from tests.waiting import LONGEST


def current() -> list[object]:
    return [
        torch.fx.passes.runtime_assert.insert_deferred_runtime_asserts,
        torch._export.utils.insert_deferred_runtime_asserts,
        torch.export.exported_program.insert_deferred_runtime_asserts,
        torch._dynamo.output_graph.insert_deferred_runtime_asserts,
        _RemoveRuntimeAssertionsPass.call,
        SymNode.expect_true,
    ]


def test_every_reference_is_swapped_and_put_back() -> None:
    before = current()
    with installed():
        assert all(a is not b for a, b in zip(before, current()))
    assert current() == before


def test_no_module_of_torch_names_the_pass_that_is_not_swapped() -> None:
    """torch's sources are searched, so that a new reference is noticed."""
    import pathlib

    from asserts.dialects.torch.export.installed import _PLACES

    root = pathlib.Path(torch.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        text = path.read_text(encoding="utf-8", errors="replace")
        if "import insert_deferred_runtime_asserts" in text:
            parts = path.relative_to(root.parent).with_suffix("").parts
            found.add(".".join(parts))
    found.discard("torch.fx.experimental.proxy_tensor")  # looks it up when it needs it
    assert found | {"torch.fx.passes.runtime_assert"} == set(_PLACES)


def test_after_an_exception() -> None:
    before = current()
    with pytest.raises(ZeroDivisionError), installed():
        raise ZeroDivisionError
    assert current() == before


def test_nested() -> None:
    before = current()
    with installed():
        swapped = current()
        with installed():
            assert current() == swapped
        assert current() == swapped
    assert current() == before


def test_in_threads() -> None:
    before = current()
    barrier = threading.Barrier(4)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with installed():
                barrier.wait(timeout=LONGEST)
                assert current() != before
                barrier.wait(timeout=LONGEST)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert current() == before


def test_what_was_recorded_in_a_block_is_not_needed_outside() -> None:
    program = named("Routed")
    made = exported(program)
    assert len(asserts_of(made)) == 3


class Plain(torch.nn.Module):
    """Checks without messages: strict export fails on functions as messages by itself."""

    def forward(self, x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
        k = n.item()
        torch._check(k >= 0)
        torch._check(k <= x.shape[0])
        return x.narrow(0, 0, k) * 2


def test_strict_export_too() -> None:
    program = named("Narrowed")
    with installed():
        made = torch.export.export(
            Plain(), program.example, dynamic_shapes=program.shapes, strict=True
        )
    assert len(asserts_of(made)) == 2
    assert disagreements(program, made) == []
