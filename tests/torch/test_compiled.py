"""torch.compile with our passes: what the checks reject is rejected, on every back end.

The inductor back end needs a C++ compiler. Without one these tests are left out, except in
CI, where it must be there.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from asserts.dialects.torch import installed
from tests.torch.programs import CORPUS, Program, named
from tests.torch.test_installed import current
from tests.torch.torch_help import outcome

NO_COMPILER = shutil.which(os.environ.get("CXX", "g++")) is None and not os.environ.get("CI")

inductor = pytest.mark.skipif(NO_COMPILER, reason="inductor needs a C++ compiler")


@contextmanager
def compiling() -> Iterator[None]:
    """Our passes, and everything that depends on data in one graph."""
    torch._dynamo.reset()
    options = {"capture_scalar_outputs": True, "capture_dynamic_output_shape_ops": True}
    with installed(decide=True), torch._dynamo.config.patch(options):
        yield
    torch._dynamo.reset()


def compiled(program: Program, backend: str) -> Callable[..., Any]:
    return torch.compile(program.make(), backend=backend, fullgraph=True, dynamic=True)


def check(program: Program, function: Callable[..., Any]) -> None:
    eager = program.make()
    for inputs in (program.example, *program.valid):
        torch.testing.assert_close(function(*inputs), eager(*inputs))
    for inputs in program.invalid:
        assert isinstance(outcome(function, inputs), str), inputs


@pytest.mark.parametrize("program", CORPUS, ids=lambda p: p.name)
def test_aot_eager_enforces_every_check(program: Program) -> None:
    with compiling():
        check(program, compiled(program, "aot_eager"))


@inductor
@pytest.mark.parametrize("name", ["Narrowed", "Windowed", "HalvedUp", "Clamped"])
def test_inductor_enforces_every_check(name: str) -> None:
    with compiling():
        check(named(name), compiled(named(name), "inductor"))


def test_what_was_compiled_in_a_block_keeps_its_checks_outside() -> None:
    program = named("Narrowed")
    before = current()
    with compiling():
        function = compiled(program, "aot_eager")
        function(*program.example)
        with pytest.raises(RuntimeError):
            function(*program.invalid[0])
        swapped = current()
    assert current() == before
    assert swapped != before
    check(program, compiled(program, "eager"))


def test_after_a_compilation_that_fails_torchs_own_passes_are_back() -> None:
    def undecided(x: torch.Tensor) -> torch.Tensor:
        found = torch.nonzero(x)
        return x if found.shape[0] > 3 else x + 1

    before = current()
    with pytest.raises(torch._dynamo.exc.UserError, match="settles it"), compiling():
        torch.compile(undecided, backend="aot_eager", fullgraph=True)(torch.ones(9))
    torch._dynamo.reset()
    assert current() == before


def test_nested_blocks_compile_with_our_passes() -> None:
    program = named("Clamped")
    before = current()
    with installed(), compiling(), installed():
        check(program, compiled(program, "aot_eager"))
    assert current() == before


def test_threads_compile_with_our_passes() -> None:
    before = current()
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with installed(decide=True):
                check(named(name), compiled(named(name), "aot_eager"))
        except BaseException as error:
            failures.append(error)

    with compiling():
        threads = [threading.Thread(target=work, args=(n,)) for n in ("Narrowed", "Padded")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert current() == before
