"""The function that asks is found for both sides of its branches, and to try advice, whoever
keeps it, and also where Python's garbage collector does not know it (`gc.freeze`, as servers
that fork call it)."""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

import asserts
from asserts.dialects.torch import installed

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="positions of instructions")


def branched(x: Tensor) -> Tensor:
    return x * 2 if x.sum() > 0 else x - 1


def wrapped(function: Any) -> Any:
    @functools.wraps(function)
    def call(*args: Any) -> Any:
        return function(*args)

    return call


@wrapped
def decorated(x: Tensor) -> Tensor:
    return x * 2 if x.sum() > 0 else x - 1


class OfAModule(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return branched(x)


class Method(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x)

    def branch(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x - 1


class Inherited(Method):
    @torch.no_grad()
    def branch(self, x: Tensor) -> Tensor:
        y = super().branch(x)
        return y * 3 if y.sum() > 0 else y


class Static(nn.Module):
    class Inner:
        @staticmethod
        def branch(x: Tensor) -> Tensor:
            return x * 2 if x.sum() > 0 else x - 1

    def forward(self, x: Tensor) -> Tensor:
        return self.Inner.branch(x)


class OfAClass(nn.Module):
    @classmethod
    def branch(cls, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x - 1

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x)


class Decorated(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return decorated(x)


def made(factor: float) -> type[nn.Module]:
    """(Each call makes a class, whose function has the same code.)"""

    class Made(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * factor if x.sum() > 0 else x - 1

    return Made


Two, Three = made(2.0), made(3.0)


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.two, self.three = Two(), Three()

    def forward(self, x: Tensor) -> Tensor:
        return self.two(x) + self.three(x)


class OnTheObject(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch = types.MethodType(Method.branch, self)

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x)


KINDS = [
    OfAModule, Method, Inherited, Static, OfAClass, Decorated, Two, Both, OnTheObject,
]  # fmt: skip


@pytest.fixture(params=[True, False], ids=["frozen", "not-frozen"])
def frozen(request: pytest.FixtureRequest) -> Iterator[bool]:
    if request.param:
        gc.freeze()
    yield request.param
    gc.unfreeze()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_function_is_found_wherever_it_is_kept(kind: Any, frozen: bool) -> None:
    model = kind()
    with installed(decide="branches"):
        program = torch.export.export(model, (torch.ones(3),))
    run = program.module()
    for x in (torch.ones(3), -torch.ones(3), torch.zeros(3)):
        assert torch.equal(run(x.clone()), model(x))


class InTheFunction(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        def branch(x: Tensor) -> Tensor:
            return x * 2 if x.sum() > 0 else x - 1

        return branch(x)


class OfALocalClass(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        class Local:
            def branch(self, x: Tensor) -> Tensor:
                return x * 2 if x.sum() > 0 else x - 1

        return Local().branch(x)


@pytest.mark.parametrize("kind", [InTheFunction, OfALocalClass])
def test_a_function_that_each_attempt_makes_anew_is_given_up(kind: Any) -> None:
    with installed(decide="branches"), pytest.raises(GuardOnDataDependentSymNode):
        torch.export.export(kind(), (torch.ones(3),))


class Asked(nn.Module):
    """Its function has a variable around it: the class, for `super`."""

    def forward(self, x: Tensor) -> Tensor:
        super().extra_repr()
        if (x > 0).all():
            return x * 2
        return x + 1


def test_advice_is_tried_in_functions_with_variables_around_them(frozen: bool) -> None:
    with pytest.raises(GuardOnDataDependentSymNode) as stopped:
        asserts.export(Asked(), (torch.ones(3),), decide="general")
    assert "verified by exporting again" in str(stopped.value)
