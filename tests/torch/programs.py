"""Small modules in the style of real code, whose sizes and checks depend on data.

Each comes with the inputs that it is exported with, inputs that eager accepts, and inputs
each of which breaks one of its checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

Inputs = tuple[Any, ...]
DYNAMIC = Dim.DYNAMIC


@dataclass(frozen=True)
class Program:
    """A module, its example, its dynamic dimensions, and inputs to try."""

    make: Callable[[], nn.Module]
    example: Inputs
    shapes: tuple[Any, ...]
    valid: tuple[Inputs, ...] = ()
    invalid: tuple[Inputs, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.make.__name__


def scalar(value: Any) -> Tensor:
    return torch.tensor(value)


def rows(n: int, width: int = 3) -> Tensor:
    return torch.arange(n * width, dtype=torch.float32).reshape(n, width) - 2.0


class Narrowed(nn.Module):
    """The first rows, as many as a tensor says."""

    def forward(self, x: Tensor, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(k >= 0, lambda: "a count is not negative")
        torch._check(k <= x.shape[0], lambda: "no more rows than there are")
        return x.narrow(0, 0, k) * 2


class Pruned(nn.Module):
    """Tokens whose score is high enough."""

    def forward(self, tokens: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        kept = torch.nonzero(scores > 0).squeeze(1)
        return tokens[kept], kept.float()


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


class Repeated(nn.Module):
    """Length regulation: every row as often as its duration says."""

    def forward(self, x: Tensor, durations: Tensor) -> Tensor:
        longer = torch.repeat_interleave(x, durations, dim=0)
        torch._check(longer.shape[0] <= 4 * x.shape[0], lambda: "too long")
        return longer + 1


class Padded(nn.Module):
    """Padding to a multiple of four, with the amount given."""

    def forward(self, x: Tensor, amount: Tensor) -> Tensor:
        k = amount.item()
        torch._check(k >= 0)
        torch._check(k < 4)
        torch._check((x.shape[0] + k) % 4 == 0, lambda: "not a multiple of four")
        return torch.cat([x, x.new_zeros(k, x.shape[1])])


class Framed(nn.Module):
    """Audio frames of a width that is given, hop two."""

    def forward(self, x: Tensor, width: Tensor) -> Tensor:
        k = width.item()
        torch._check(k >= 2)
        torch._check(k <= 8)
        torch._check(k % 2 == 0, lambda: "an even width")
        window = torch.arange(k, dtype=x.dtype)
        return window[: k // 2].sum() + x


class Split(nn.Module):
    """Two parts whose lengths are given and must fill the whole."""

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        a, b = lengths.tolist()
        torch._check(a >= 0)
        torch._check(b >= 0)
        torch._check(a + b == x.shape[0], lambda: "the parts fill the whole")
        return x.narrow(0, 0, a) * 2, x.narrow(0, a, b) * 3


class Counted(nn.Module):
    """Distinct values, with an upper bound for a table."""

    def forward(self, x: Tensor) -> Tensor:
        values = torch.unique(x)
        torch._check(values.shape[0] <= 4, lambda: "the table has four places")
        return values * 2


class Paged(nn.Module):
    """A page of a key-value cache."""

    def forward(self, cache: Tensor, page: Tensor, used: Tensor) -> Tensor:
        p, u = page.item(), used.item()
        torch._check(p >= 0)
        torch._check(p < cache.shape[0], lambda: "no such page")
        torch._check(u >= 0)
        torch._check(u <= cache.shape[1], lambda: "a page is not that long")
        chosen = cache.select(0, p)
        return chosen.narrow(0, 0, u).sum(0)


class HalvedUp(nn.Module):
    """A bound on half a count, rounded up."""

    def forward(self, n: Tensor) -> Tensor:
        k = n.item()
        torch._check(math.ceil(k / 2) <= 4, lambda: "half")
        return n + 1


class Windowed(nn.Module):
    """Local attention windows: the sequence is a multiple of the window."""

    def forward(self, x: Tensor, window: Tensor) -> Tensor:
        w = window.item()
        torch._check(w >= 1)
        torch._check(w <= 16)
        torch._check(x.shape[0] % w == 0, lambda: "a multiple of the window")
        return x * w


class JaggedSum(nn.Module):
    """Sums of ragged rows by their offsets."""

    def forward(self, values: Tensor, owner: Tensor, count: Tensor) -> Tensor:
        b = count.item()
        torch._check(b >= 1)
        torch._check(b <= 64)
        torch._check(values.shape[0] == owner.shape[0])
        out = values.new_zeros(b, values.shape[1])
        return out.index_add(0, owner, values)


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
        Narrowed,
        (rows(5), scalar(3)),
        ({0: DYNAMIC}, None),
        (
            (rows(5), scalar(0)),
            (rows(5), scalar(5)),
            (rows(1), scalar(1)),
            (rows(0), scalar(0)),
        ),
        ((rows(5), scalar(6)), (rows(5), scalar(-1))),
    ),
    Program(
        Pruned,
        (rows(5), torch.tensor([1.0, -1, 2, -3, 4])),
        ({0: DYNAMIC}, {0: DYNAMIC}),
        ((rows(3), torch.tensor([-1.0, -1, -2])), (rows(2), torch.tensor([1.0, 1.0]))),
    ),
    Program(
        MaskedMlp,
        (rows(4), torch.tensor([True, False, True, True])),
        ({0: DYNAMIC}, {0: DYNAMIC}),
        ((rows(3), torch.tensor([False, True, False])),),
    ),
    Program(
        Routed,
        (rows(5), torch.tensor([0, 1, 0, 1, 1]), scalar(4)),
        ({0: DYNAMIC}, {0: DYNAMIC}, None),
        ((rows(3), torch.tensor([0, 0, 1]), scalar(2)),),
        (
            (rows(3), torch.tensor([0, 0, 1]), scalar(1)),
            (rows(3), torch.tensor([1, 1, 1]), scalar(2)),
            (rows(2), torch.tensor([2, 2]), scalar(0)),
        ),
    ),
    Program(
        Repeated,
        (rows(3), torch.tensor([1, 2, 0])),
        ({0: DYNAMIC}, {0: DYNAMIC}),
        ((rows(4), torch.tensor([4, 4, 4, 4])), (rows(2), torch.tensor([0, 0]))),
        ((rows(2), torch.tensor([8, 1])),),
    ),
    Program(
        Padded,
        (rows(5), scalar(3)),
        ({0: DYNAMIC}, None),
        ((rows(8), scalar(0)), (rows(2), scalar(2)), (rows(3), scalar(1))),
        ((rows(4), scalar(4)), (rows(5), scalar(-1)), (rows(5), scalar(2))),
    ),
    Program(
        Framed,
        (rows(4), scalar(4)),
        ({0: DYNAMIC}, None),
        ((rows(4), scalar(2)), (rows(4), scalar(8))),
        ((rows(4), scalar(1)), (rows(4), scalar(10)), (rows(4), scalar(5))),
    ),
    Program(
        Split,
        (rows(5), torch.tensor([2, 3])),
        ({0: DYNAMIC}, None),
        ((rows(5), torch.tensor([0, 5])), (rows(3), torch.tensor([3, 0]))),
        (
            (rows(5), torch.tensor([2, 2])),
            (rows(5), torch.tensor([-1, 6])),
            (rows(5), torch.tensor([6, -1])),
        ),
    ),
    Program(
        Counted,
        (torch.tensor([1, 2, 2, 3]),),
        ({0: DYNAMIC},),
        ((torch.tensor([1, 1]),), (torch.tensor([4, 3, 2, 1, 1]),)),
        ((torch.tensor([1, 2, 3, 4, 5]),),),
    ),
    Program(
        Paged,
        (torch.ones(3, 4, 2), scalar(1), scalar(2)),
        ({0: DYNAMIC, 1: DYNAMIC}, None, None),
        ((torch.ones(2, 2, 2), scalar(0), scalar(0)),),
        (
            (torch.ones(2, 2, 2), scalar(2), scalar(0)),
            (torch.ones(2, 2, 2), scalar(-1), scalar(0)),
            (torch.ones(2, 2, 2), scalar(0), scalar(3)),
            (torch.ones(2, 2, 2), scalar(0), scalar(-1)),
        ),
    ),
    Program(
        HalvedUp,
        (scalar(3),),
        (None,),
        ((scalar(8),), (scalar(-5),)),
        ((scalar(9),), (scalar(100),)),
    ),
    Program(
        Windowed,
        (rows(6), scalar(3)),
        ({0: DYNAMIC}, None),
        ((rows(16), scalar(16)), (rows(5), scalar(1))),
        ((rows(6), scalar(4)), (rows(6), scalar(0)), (rows(34), scalar(17))),
    ),
    Program(
        JaggedSum,
        (rows(4), torch.tensor([0, 0, 1, 2]), scalar(3)),
        ({0: DYNAMIC}, {0: DYNAMIC}, None),
        ((rows(2), torch.tensor([0, 1]), scalar(2)),),
        (
            (rows(2), torch.tensor([0, 0]), scalar(0)),
            (rows(2), torch.tensor([0, 0]), scalar(65)),
        ),
    ),
    Program(
        Clamped,
        (rows(4), scalar(1)),
        ({0: DYNAMIC}, None),
        ((rows(4), scalar(0)),),
        ((rows(4), scalar(2)), (rows(4), scalar(-1))),
    ),
    Program(
        SameCount,
        (rows(4), scalar(4)),
        ({0: DYNAMIC}, None),
        ((rows(1), scalar(1)), (rows(0), scalar(0)), (rows(7), scalar(7))),
        ((rows(4), scalar(3)), (rows(1), scalar(0))),
    ),
    Program(
        Unrelated,
        (rows(4), scalar(4)),
        ({0: DYNAMIC}, None),
        ((rows(2), scalar(-9)),),
        ((rows(1), scalar(1)), (rows(0), scalar(1))),
    ),
    Program(
        ManyBounds,
        (rows(5), torch.tensor([1, 2, 3])),
        ({0: DYNAMIC}, None),
        ((rows(5), torch.tensor([0, 0, 0])), (rows(5), torch.tensor([5, 5, 5]))),
        (
            (rows(5), torch.tensor([-1, 2, 3])),
            (rows(5), torch.tensor([2, 1, 3])),
            (rows(5), torch.tensor([1, 3, 2])),
            (rows(5), torch.tensor([1, 2, 6])),
        ),
    ),
)
