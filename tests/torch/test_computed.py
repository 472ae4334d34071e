"""Numbers that go through a tensor and back are what the nodes compute from sizes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed
from tests.torch.torch_help import accepts, asserts_of, reloaded

DYNAMIC = torch.export.Dim.AUTO


class Called(nn.Module):
    """A module of a function."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def answering(number: Callable[[Tensor], Tensor], is_it: Callable[[Any, Any], Any]) -> nn.Module:
    """Takes one branch or the other by what a tensor's number is said to be."""

    def function(x: Tensor) -> Tensor:
        k = number(x).item()
        return x + 1 if is_it(k, x.shape[0]) else x - 1

    return Called(function)


def export(model: nn.Module) -> Any:
    with installed(decide=True):
        program = torch.export.export(
            model, (torch.arange(9.0),), dynamic_shapes=({0: DYNAMIC},)
        )
    return program.module()


def div(rounding: str, by: int = 4) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.div(x.shape[0], by, rounding_mode=rounding)  # type: ignore[call-overload, no-any-return]


KNOWN: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Any, Any], Any]]] = {
    "trunc": (div("trunc"), lambda k, n: k * 4 <= n),
    "floor": (div("floor"), lambda k, n: k == n // 4),
    "not": (div("trunc"), lambda k, n: k > n),
    "floor_divide": (
        lambda x: torch.floor_divide(torch.scalar_tensor(x.shape[0], dtype=torch.int64), 3),
        lambda k, n: k == n // 3,
    ),
    "twice": (lambda x: torch.div(div("trunc")(x), 2, rounding_mode="floor"),
              lambda k, n: k <= n // 8),
    "remainder": (
        lambda x: torch.remainder(torch.scalar_tensor(x.shape[0], dtype=torch.int64), 5),
        lambda k, n: k < 5,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("number", "is_it"), KNOWN.values(), ids=list(KNOWN))
def test_a_number_computed_from_sizes_is_known(
    number: Callable[[Tensor], Tensor], is_it: Callable[[Any, Any], Any]
) -> None:
    model = answering(number, is_it)

    run = export(model)

    for size in (3, 4, 9, 12, 17):
        x = torch.arange(float(size))
        torch.testing.assert_close(run(x), model(x))


def written(x: Tensor) -> Tensor:
    number = div("trunc")(x)
    number.add_(1)
    return number


def written_by_view(x: Tensor) -> Tensor:
    number = div("trunc")(x)
    number.view(1).add_(1)
    return number


def written_later(x: Tensor) -> Tensor:
    number = torch.scalar_tensor(x.shape[0], dtype=torch.int64)
    quotient = torch.floor_divide(number, 4)
    number.mul_(0)
    return quotient + number


UNKNOWN: dict[str, Callable[[Tensor], Tensor]] = {
    "written to": written,
    "written to by a view": written_by_view,
    "written to later": written_later,
    "negative divisor": div("trunc", -4),
    "data": lambda x: torch.div(x.sum().long(), 4, rounding_mode="trunc"),
    "wraps": lambda x: torch.scalar_tensor(x.shape[0], dtype=torch.int64) * (1 << 61),
    "narrow": lambda x: torch.floor_divide(torch.scalar_tensor(x.shape[0], dtype=torch.int8), 4),
}  # fmt: skip


@pytest.mark.parametrize("number", UNKNOWN.values(), ids=list(UNKNOWN))
@pytest.mark.parametrize("is_it", [lambda k, n: k == n // 4, lambda k, n: k == n * (1 << 61)])
def test_of_others_nothing_is_said(
    number: Callable[[Tensor], Tensor], is_it: Callable[[Any, Any], Any]
) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        export(answering(number, is_it))


CONSTANT: dict[str, Callable[[Tensor], Tensor]] = {
    "arange": lambda x: x.view(1, -1).sum(dim=torch.arange(1, 2).tolist()),
    "loop": lambda x: x + sum(int(i) for i in torch.arange(3)),
    "item": lambda x: x if torch.arange(3).sum().item() % 2 == 0 else x + 1,
    "truth": lambda x: x if torch.zeros(3).any() else x + 1,
    "tensor": lambda x: x * int(torch.full((2,), 3).sum()),
    "view": lambda x: x * int(torch.arange(6).view(2, 3)[1, 2]),
}


@pytest.mark.parametrize("function", CONSTANT.values(), ids=list(CONSTANT))
def test_tensors_of_constants_are_evaluated(function: Callable[[Tensor], Tensor]) -> None:
    run = export(Called(function))

    for size in (3, 8):
        x = torch.arange(float(size))
        torch.testing.assert_close(run(x), function(x))


def written_constant(x: Tensor) -> Tensor:
    number = torch.zeros(3)
    number[0] = x.sum()
    return x if number.any() else x + 1


VARIABLE: dict[str, Callable[[Tensor], Tensor]] = {
    "written": written_constant,
    "random": lambda x: x if torch.rand(2).sum() > 1 else x + 1,
    "permutation": lambda x: x if int(torch.randperm(3)[0]) > 1 else x + 1,
    "uninitialised": lambda x: x if torch.empty(2).sum() > 1 else x + 1,
    "data": lambda x: x if (torch.zeros(1) + x.sum()).any() else x + 1,
}


@pytest.mark.parametrize("function", VARIABLE.values(), ids=list(VARIABLE))
def test_what_is_not_constant_is_not_evaluated(function: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        export(Called(function))


# --------------------------------------------------------------------------- all three know it


def checking(number: Callable[[Tensor], Tensor], holds: Callable[[Any, Any], Any]) -> nn.Module:
    """Checks what is said of a tensor's number."""

    def function(x: Tensor) -> Tensor:
        k = number(x).item()
        torch._check(holds(k, x.shape[0]))
        return x + k

    return Called(function)


def checks_left(model: nn.Module, form: str) -> int:
    """How many checks a program still makes after ours have seen it."""
    dynamic = ({0: DYNAMIC},)
    with installed() if form == "inserted" else nullcontext():
        program = torch.export.export(model, (torch.arange(9.0),), dynamic_shapes=dynamic)
    if form == "loaded":
        program = reloaded(program)
    return len(asserts_of(asserts.minimise(program).program if form != "inserted" else program))


CHECKED: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Any, Any], Any]]] = {
    **{name: case for name, case in KNOWN.items() if name != "not"},
    "constant": (lambda x: torch.arange(3).sum(), lambda k, n: k == 3),
}


@pytest.mark.parametrize("form", ["inserted", "minimised", "loaded"])
@pytest.mark.parametrize(("number", "holds"), CHECKED.values(), ids=list(CHECKED))
def test_insertion_and_minimisation_know_such_numbers(
    number: Callable[[Tensor], Tensor], holds: Callable[[Any, Any], Any], form: str
) -> None:
    assert checks_left(checking(number, holds), form) == 0


@pytest.mark.parametrize("form", ["inserted", "minimised", "loaded"])
@pytest.mark.parametrize("number", UNKNOWN.values(), ids=list(UNKNOWN))
def test_a_check_of_others_stays(number: Callable[[Tensor], Tensor], form: str) -> None:
    assert checks_left(checking(number, lambda k, n: 3 * k <= n), form) == 1


@pytest.mark.parametrize("ours", [True, False])
def test_what_a_check_says_of_such_a_number_does_not_change_what_it_is(ours: bool) -> None:
    """torch puts the other value in its place; saved, the node that reads it says so."""

    def function(x: Tensor) -> Tensor:
        quarter, last = div("trunc")(x).item(), x[-1].long().item()
        torch._check(quarter == last)
        torch._check(4 * last <= x.shape[0])
        return x + 1

    model = Called(function)
    with installed() if ours else nullcontext():
        program = torch.export.export(
            model, (torch.full((9,), 2.0),), dynamic_shapes=({0: DYNAMIC},)
        )
    for given in (program, reloaded(program)):
        run = asserts.minimise(given).program.module()
        for size, last in itertools.product((3, 8, 9, 12), (0, 1, 2, 3)):
            x = torch.full((size,), float(last))
            assert accepts(run, (x,)) == accepts(model, (x,))
