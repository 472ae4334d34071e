"""What a program has written before it raises is written by the exported one that stops there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed
from tests.torch.torch_help import reloaded

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")

Function = Callable[[Any, Tensor, Tensor], Tensor]


class Model(nn.Module):
    def __init__(self, function: Function) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(3))
        self.function = function

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        return self.function(self, x, n)


def counted(self: Any, x: Tensor, n: Tensor) -> Tensor:
    k = n.item()
    self.count.add_(1)
    if k > 5:
        raise ValueError("too large")
    self.count.add_(10)
    return x * k


def counted_in_between(self: Any, x: Tensor, n: Tensor) -> Tensor:
    k = n.item()
    if k < 0:
        raise ValueError("negative")
    self.count[0] += 1
    if k > 5:
        raise ValueError("too large")
    self.count[1] += 1
    assert k != 3, "three"
    self.count[2] += 1
    return x * k


def through_a_view(self: Any, x: Tensor, n: Tensor) -> Tensor:
    k = int(n)
    first = self.count[:1]
    first.mul_(2).add_(1)
    if not k <= 5:
        raise ValueError("too large")
    return x + first


def written_input(self: Any, x: Tensor, n: Tensor) -> Tensor:
    k = n.item()
    x.add_(1)
    if k > 5:
        raise ValueError("too large")
    return x * k


def of_a_tensor(self: Any, x: Tensor, n: Tensor) -> Tensor:
    total = x.sum() * n
    self.count += total
    if total > 20:
        raise ValueError("too large")
    return x + self.count.sum()


def of_a_choice(self: Any, x: Tensor, n: Tensor) -> Tensor:
    k = n.item()
    self.count.copy_(x)
    if k > 5 or x[0] > 50:
        raise ValueError("too large")
    return x * k


FUNCTIONS = (
    counted, counted_in_between, through_a_view, written_input, of_a_tensor, of_a_choice,
)  # fmt: skip


def outcome(run: Any, state: Tensor, inputs: tuple[Tensor, Tensor]) -> Any:
    """The result, or None if it stops; the buffer and the input afterwards."""
    with torch.no_grad():
        state.zero_()
    given = [one.clone() for one in inputs]
    try:
        result = run(*given)
    except Exception:
        result = None
    return result, state.clone(), given


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: one.__name__)
def test_a_check_stands_behind_what_was_written(function: Function) -> None:
    model = Model(function)
    with installed(decide=True):
        program = torch.export.export(model, (torch.ones(3), torch.tensor(2)))

    for made in (program, asserts.minimise(program).program, reloaded(program)):
        run = made.module()
        for k in range(-2, 12):
            for x in (torch.ones(3), torch.full((3,), 99.0)):
                given = (x, torch.tensor(k))
                expected = outcome(model, model.count, given)
                got = outcome(run, run.count, given)
                torch.testing.assert_close(got, expected, msg=f"{given}")


def replaced(self: Any, x: Tensor, n: Tensor) -> Tensor:
    k = n.item()
    self.count = self.count + 1
    if k > 5:
        raise ValueError("too large")
    return x * k


def test_a_buffer_that_is_replaced_is_written_at_the_end() -> None:
    """So no check can stand behind that."""
    given = (torch.ones(3), torch.tensor(2))
    with installed(decide=True), pytest.raises(GuardOnDataDependentSymNode):
        torch.export.export(Model(replaced), given)

    made = asserts.export(Model(replaced), given)
    assert made.way == "example"
    assert made.assumptions
