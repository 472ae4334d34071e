"""Ragged batches: packed, padded, split, repeated."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.torch.programs.base import DYNAMIC, ROWS, Program, rows, scalar


class JaggedSum(nn.Module):
    """Sums of ragged rows by their offsets."""

    def forward(self, values: Tensor, owner: Tensor, count: Tensor) -> Tensor:
        b = count.item()
        torch._check(b >= 1)
        torch._check(b <= 64)
        torch._check(values.shape[0] == owner.shape[0])
        out = values.new_zeros(b, values.shape[1])
        return out.index_add(0, owner, values)


class JaggedToPadded(nn.Module):
    """Ragged rows to a padded batch and back."""

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        longest = lengths.max().item()
        torch._check(longest >= 0)
        torch._check(longest <= 16, lambda: "too long")
        position = torch.arange(longest)
        mask = position.unsqueeze(0) < lengths.unsqueeze(1)
        padded = values.new_zeros(lengths.shape[0], longest, values.shape[1])
        torch._check(padded.shape[1] >= 0)
        padded = padded.masked_scatter(mask.unsqueeze(2), values)
        back = (padded * 2)[mask]
        torch._check(back.shape[0] == values.shape[0], lambda: "the lengths fill the values")
        return back + values


class VariableLengthAttention(nn.Module):
    """Attention within each of two packed sequences."""

    def forward(self, packed: Tensor, lengths: Tensor) -> Tensor:
        first, second = lengths.tolist()
        torch._check(first >= 0)
        torch._check(second >= 0)
        torch._check(first + second == packed.shape[0], lambda: "the lengths fill the pack")
        torch._check(first <= packed.shape[0])
        torch._check(second <= packed.shape[0])
        parts = [packed.narrow(0, 0, first), packed.narrow(0, first, second)]
        attended = [(p @ p.T).softmax(-1) @ p for p in parts]
        return torch.cat(attended)


class Repeated(nn.Module):
    """Length regulation: every row as often as its duration says."""

    def forward(self, x: Tensor, durations: Tensor) -> Tensor:
        longer = torch.repeat_interleave(x, durations, dim=0)
        torch._check(longer.shape[0] <= 4 * x.shape[0], lambda: "too long")
        return longer + 1


class Split(nn.Module):
    """Two parts whose lengths are given and must fill the whole."""

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        a, b = lengths.tolist()
        torch._check(a >= 0)
        torch._check(b >= 0)
        torch._check(a + b == x.shape[0], lambda: "the parts fill the whole")
        return x.narrow(0, 0, a) * 2, x.narrow(0, a, b) * 3


class SplitByLengths(nn.Module):
    """Three parts by `torch.split`."""

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        sizes = lengths.tolist()
        for size in sizes:
            torch._check(size >= 0)
            torch._check(size <= x.shape[0])
        torch._check(sum(sizes) == x.shape[0], lambda: "the parts fill the whole")
        a, b, c = torch.split(x, sizes)
        return a * 2, b * 3, c * 4


class OrderedOffsets(nn.Module):
    """Sections between offsets that are checked in order, with a sanity check of one's own."""

    def forward(self, x: Tensor, offsets: Tensor) -> Tensor:
        a, b, c = offsets.tolist()
        torch._check(a >= 0)
        torch._check(a <= b, lambda: "offsets rise")
        torch._check(b <= c, lambda: "offsets rise")
        torch._check(c <= x.shape[0], lambda: "offsets end in the whole")
        if c - a < 0 or b > x.shape[0]:
            raise AssertionError("this cannot be")
        return x.narrow(0, a, b - a).sum(0) - x.narrow(0, b, c - b).sum(0)


class Unpadded(nn.Module):
    """A batch cut to its longest sequence; short ones take a shorter way."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        longest = lengths.max().item()
        torch._check(longest >= 1, lambda: "nothing to do")
        torch._check(longest <= x.shape[1], lambda: "longer than the batch")
        cut = x[:, :longest]
        if cut.shape[1] < 1:
            return x.new_zeros(x.shape[0])
        return cut.amax(1)


PROGRAMS = (
    Program(
        JaggedSum,
        (rows(4), torch.tensor([0, 0, 1, 2]), scalar(3)),
        (ROWS, ROWS, None),
        ((rows(2), torch.tensor([0, 1]), scalar(2)),),
        (
            (rows(2), torch.tensor([0, 0]), scalar(0)),
            (rows(2), torch.tensor([0, 0]), scalar(65)),
        ),
    ),
    Program(
        JaggedToPadded,
        (rows(6), torch.tensor([1, 2, 3])),
        (ROWS, ROWS),
        ((rows(2), torch.tensor([0, 2])), (rows(16), torch.tensor([16, 0, 0]))),
        ((rows(17), torch.tensor([17])), (rows(3), torch.tensor([1, 1]))),
    ),
    Program(
        VariableLengthAttention,
        (rows(5), torch.tensor([2, 3])),
        (ROWS, None),
        ((rows(4), torch.tensor([0, 4])), (rows(4), torch.tensor([4, 0]))),
        (
            (rows(4), torch.tensor([2, 3])),
            (rows(4), torch.tensor([-1, 5])),
            (rows(4), torch.tensor([5, -1])),
        ),
    ),
    Program(
        Repeated,
        (rows(3), torch.tensor([1, 2, 0])),
        (ROWS, ROWS),
        ((rows(4), torch.tensor([4, 4, 4, 4])), (rows(2), torch.tensor([0, 0]))),
        ((rows(2), torch.tensor([8, 1])),),
    ),
    Program(
        Split,
        (rows(5), torch.tensor([2, 3])),
        (ROWS, None),
        ((rows(5), torch.tensor([0, 5])), (rows(3), torch.tensor([3, 0]))),
        (
            (rows(5), torch.tensor([2, 2])),
            (rows(5), torch.tensor([-1, 6])),
            (rows(5), torch.tensor([6, -1])),
        ),
    ),
    Program(
        SplitByLengths,
        (rows(6), torch.tensor([1, 2, 3])),
        (ROWS, None),
        ((rows(4), torch.tensor([0, 0, 4])), (rows(4), torch.tensor([2, 2, 0]))),
        (
            (rows(4), torch.tensor([1, 2, 3])),
            (rows(4), torch.tensor([-1, 2, 3])),
            (rows(4), torch.tensor([2, -1, 3])),
            (rows(4), torch.tensor([5, -1, 0])),
        ),
    ),
    Program(
        OrderedOffsets,
        (rows(7), torch.tensor([1, 3, 6])),
        (ROWS, None),
        ((rows(7), torch.tensor([0, 0, 0])), (rows(2), torch.tensor([2, 2, 2]))),
        (
            (rows(7), torch.tensor([-1, 0, 0])),
            (rows(7), torch.tensor([2, 1, 3])),
            (rows(7), torch.tensor([1, 3, 2])),
            (rows(7), torch.tensor([1, 3, 8])),
        ),
        undecided=True,
    ),
    Program(
        Unpadded,
        (rows(2, 5), torch.tensor([2, 3])),
        ({0: DYNAMIC, 1: DYNAMIC}, ROWS),
        ((rows(3, 5), torch.tensor([2, 5, 1])), (rows(1, 1), torch.tensor([1]))),
        ((rows(2, 5), torch.tensor([0, 0])), (rows(2, 5), torch.tensor([6, 0]))),
    ),
)
