"""Checks of one kind each, on which tracers differ."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tests.torch.programs.base import ROWS, Program, rows, scalar


class HalvedUp(nn.Module):
    """A bound on half a count, rounded up."""

    def forward(self, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(math.ceil(k / 2) <= 4, lambda: "half")
        return n + 1


class Clamped(nn.Module):
    """A small flag-like count."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check_is_size(k)
        torch._check(k <= 1, lambda: "at most one")
        return x.new_zeros(k, 3)


class SameCount(nn.Module):
    """A stated count must be the real one."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(k == x.shape[0], lambda: "the stated count")
        return x + 1


class Unrelated(nn.Module):
    """A check on an input alone, that tracers take for granted."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(k + 2 <= x.shape[0] + k, lambda: "two rows at least")
        return x + k


class ManyBounds(nn.Module):
    """Bounds that follow from each other."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        a, b, c = n.tolist()
        torch._check(a >= 0)
        torch._check(b >= a)
        torch._check(c >= b)
        torch._check(c <= x.shape[0])
        torch._check(a <= x.shape[0])
        torch._check(b <= x.shape[0])
        torch._check(b >= 0)
        torch._check(c >= 0)
        return x.narrow(0, 0, a).sum() + x.narrow(0, 0, b).sum() + x.narrow(0, 0, c).sum()


PROGRAMS = (
    Program(
        HalvedUp,
        (scalar(3),),
        (None,),
        ((scalar(8),), (scalar(-5),)),
        ((scalar(9),), (scalar(100),)),
    ),
    Program(
        Clamped,
        (rows(4), scalar(1)),
        (ROWS, None),
        ((rows(4), scalar(0)),),
        ((rows(4), scalar(2)), (rows(4), scalar(-1))),
    ),
    Program(
        SameCount,
        (rows(4), scalar(4)),
        (ROWS, None),
        ((rows(1), scalar(1)), (rows(0), scalar(0)), (rows(7), scalar(7))),
        ((rows(4), scalar(3)), (rows(1), scalar(0))),
    ),
    Program(
        Unrelated,
        (rows(4), scalar(4)),
        (ROWS, None),
        ((rows(2), scalar(-9)),),
        ((rows(1), scalar(1)), (rows(0), scalar(1))),
    ),
    Program(
        ManyBounds,
        (rows(5), torch.tensor([1, 2, 3])),
        (ROWS, None),
        ((rows(5), torch.tensor([0, 0, 0])), (rows(5), torch.tensor([5, 5, 5]))),
        (
            (rows(5), torch.tensor([-1, 2, 3])),
            (rows(5), torch.tensor([2, 1, 3])),
            (rows(5), torch.tensor([1, 3, 2])),
            (rows(5), torch.tensor([1, 2, 6])),
        ),
    ),
)
