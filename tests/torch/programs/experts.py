"""Mixture of experts, and layers on the rows that a mask selects."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.torch.programs.base import ROWS, Program, rows, scalar


class Routed(nn.Module):
    """Mixture of experts with a capacity: nobody gets more than the capacity."""

    def forward(self, x: Tensor, expert: Tensor, capacity: Tensor) -> Tensor:
        limit = capacity.item()
        torch._check(limit >= 1, lambda: "capacity")
        first = torch.nonzero(expert == 0).squeeze(1)
        second = torch.nonzero(expert == 1).squeeze(1)
        torch._check(first.shape[0] <= limit, lambda: "expert 0 is full")
        torch._check(second.shape[0] <= limit, lambda: "expert 1 is full")
        return torch.cat([x[first] * 2, x[second] * 3])


class CapacityRouted(nn.Module):
    """Mixture of experts with a capacity that follows from the number of tokens."""

    def forward(self, x: Tensor, expert: Tensor, factor: Tensor) -> Tensor:
        per = factor.item()
        torch._check(per >= 1, lambda: "the factor is positive")
        torch._check(per <= 4, lambda: "the factor is small")
        capacity = per * x.shape[0] // 2
        first = torch.nonzero(expert == 0).squeeze(1)
        torch._check(first.shape[0] <= capacity, lambda: "expert 0 is full")
        torch._check(first.shape[0] <= per * x.shape[0])
        second = torch.nonzero(expert == 1).squeeze(1)
        torch._check(second.shape[0] <= capacity, lambda: "expert 1 is full")
        torch._check(first.shape[0] + second.shape[0] <= 2 * capacity)
        return torch.cat([x[first] * 2, x[second] * 3])


class Experts(nn.Module):
    """Mixture of experts without a capacity: every token goes to its best expert."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.gate = nn.Linear(3, 2)
        self.experts = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        weight, chosen = self.gate(x).softmax(-1).max(-1)
        out = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            mine = torch.nonzero(chosen == index).squeeze(1)
            out = out.index_add(0, mine, expert(x[mine]) * weight[mine].unsqueeze(1))
        return out


class MaskedMlp(nn.Module):
    """An MLP on the rows that a mask selects, written back in place."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        chosen = x[mask]
        torch._check(chosen.shape[0] <= x.shape[0])
        out = x.clone()
        out[mask] = self.net(chosen)
        return out


PROGRAMS = (
    Program(
        Routed,
        (rows(5), torch.tensor([0, 1, 0, 1, 1]), scalar(4)),
        (ROWS, ROWS, None),
        ((rows(3), torch.tensor([0, 0, 1]), scalar(2)),),
        (
            (rows(3), torch.tensor([0, 0, 1]), scalar(1)),
            (rows(3), torch.tensor([1, 1, 1]), scalar(2)),
            (rows(2), torch.tensor([2, 2]), scalar(0)),
        ),
    ),
    Program(
        CapacityRouted,
        (rows(6), torch.tensor([0, 1, 0, 1, 1, 0]), scalar(2)),
        (ROWS, ROWS, None),
        (
            (rows(2), torch.tensor([1, 1]), scalar(2)),
            (rows(2), torch.tensor([1, 0]), scalar(1)),
        ),
        (
            (rows(2), torch.tensor([1, 1]), scalar(1)),
            (rows(2), torch.tensor([0, 0]), scalar(1)),
            (rows(2), torch.tensor([1, 0]), scalar(0)),
            (rows(2), torch.tensor([1, 0]), scalar(5)),
        ),
    ),
    Program(Experts, (rows(6),), (ROWS,), ((rows(1),), (rows(3) * -1,))),
    Program(
        MaskedMlp,
        (rows(4), torch.tensor([True, False, True, True])),
        (ROWS, ROWS),
        ((rows(3), torch.tensor([False, True, False])),),
    ),
)
