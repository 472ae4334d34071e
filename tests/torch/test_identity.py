"""Run-time truths that the program looks at as objects, that it keeps in a variable before it
raises, and asserts that it catches itself: never another result than eager mode's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from asserts.dialects.torch import installed
from tests.torch.identity_help import KEPT, LOOKED_AT

Function = Callable[[Tensor, Tensor], Tensor]


class Calls(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        return self.function(x, n)


def export(function: Function, decide: bool | str, strict: bool) -> Any:
    inputs = (torch.ones(3), torch.tensor(4))
    with installed(decide=decide):
        return torch.export.export(Calls(function), inputs, strict=strict)


def outcome(function: Callable[..., Any], number: int) -> Any:
    try:
        return function(torch.ones(3), torch.tensor(number)).tolist()
    except (RuntimeError, ValueError, AssertionError):
        return "stops"


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("function", LOOKED_AT)
def test_the_truth_itself_is_asked_for(function: Function, strict: bool) -> None:
    with pytest.raises(Exception, match="data-dependent expression"):
        export(function, decide=True, strict=strict)


@pytest.mark.parametrize("function", LOOKED_AT)
def test_the_way_of_the_example_is_asserted(function: Function) -> None:
    program = export(function, decide="example", strict=False).module()

    assert outcome(program, 7) == outcome(function, 7)
    assert outcome(program, 2) == "stops"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("function", KEPT)
def test_a_truth_that_is_kept_for_the_next_statement_is_a_check(
    function: Function, strict: bool
) -> None:
    program = export(function, decide=True, strict=strict).module()

    found = [outcome(program, number) for number in (2, 3, 4, 7)]
    assert found == [outcome(function, number) for number in (2, 3, 4, 7)]


def is_size_large(x: Tensor, n: Tensor) -> Tensor:
    return x + n if (x.shape[0] > 3) is True else x - n


def test_a_size_is_a_guard_then() -> None:
    shapes = ({0: torch.export.Dim.AUTO}, None)
    with installed():
        made = torch.export.export(
            Calls(is_size_large), (torch.ones(5), torch.tensor(1)), dynamic_shapes=shapes
        )
    program = made.module()

    assert torch.equal(program(torch.ones(7), torch.tensor(1)), torch.ones(7) + 1)
    with pytest.raises(AssertionError):
        program(torch.ones(2), torch.tensor(1))
