"""Multiples: padding, windows, frames of signals."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.torch.programs.base import DYNAMIC, ROWS, Program, rows, scalar, signal


class Padded(nn.Module):
    """Padding to a multiple of four, with the amount given."""

    def forward(self, x: Tensor, amount: Tensor) -> Tensor:
        k = amount.item()
        torch._check(k >= 0)
        torch._check(k < 4)
        torch._check((x.shape[0] + k) % 4 == 0, lambda: "not a multiple of four")
        return torch.cat([x, x.new_zeros(k, x.shape[1])])


class PaddedToMultiple(nn.Module):
    """Padding to a multiple of a number that is given, the amount computed."""

    def forward(self, x: Tensor, multiple: Tensor) -> Tensor:
        m = multiple.item()
        torch._check(m >= 1, lambda: "a multiple of something")
        torch._check(m <= 8, lambda: "a small multiple")
        amount = -x.shape[0] % m
        torch._check(amount >= 0)
        torch._check(amount < m)
        padded = torch.cat([x, x.new_zeros(amount, x.shape[1])])
        torch._check(padded.shape[0] % m == 0)
        return padded


class Windowed(nn.Module):
    """Local attention windows: the sequence is a multiple of the window."""

    def forward(self, x: Tensor, window: Tensor) -> Tensor:
        w = window.item()
        torch._check(w >= 1)
        torch._check(w <= 16)
        torch._check(x.shape[0] % w == 0, lambda: "a multiple of the window")
        return x * w


class Framed(nn.Module):
    """Audio frames of a width that is given, hop two."""

    def forward(self, x: Tensor, width: Tensor) -> Tensor:
        k = width.item()
        torch._check(k >= 2)
        torch._check(k <= 8)
        torch._check(k % 2 == 0, lambda: "an even width")
        window = torch.arange(k, dtype=x.dtype)
        return window[: k // 2].sum() + x


class Windows(nn.Module):
    """Audio frames: the signal cut to whole frames of a given width."""

    def forward(self, signal: Tensor, width: Tensor) -> Tensor:
        w = width.item()
        torch._check(w >= 1, lambda: "a frame has samples")
        torch._check(w <= signal.shape[0], lambda: "the signal is shorter than a frame")
        count = signal.shape[0] // w
        torch._check(count >= 1)
        torch._check(count * w <= signal.shape[0])
        whole = signal.narrow(0, 0, count * w)
        return whole.reshape(count, w).mean(1)


class HoppedFrames(nn.Module):
    """Overlapping frames of four samples with a hop that is given."""

    def forward(self, signal: Tensor, hop: Tensor) -> Tensor:
        h = hop.item()
        torch._check(h >= 1, lambda: "frames move")
        torch._check(h <= 4, lambda: "frames leave nothing out")
        torch._check(signal.shape[0] >= 4, lambda: "one frame at least")
        frames = (signal.shape[0] - 4) // h + 1
        torch._check(frames >= 1)
        torch._check((frames - 1) * h + 4 <= signal.shape[0])
        starts = torch.arange(frames) * h
        return signal[starts.unsqueeze(1) + torch.arange(4)].mean(1)


class Stride(nn.Module):
    """Every so many frames, with a remainder that must vanish."""

    def forward(self, x: Tensor, factor: Tensor) -> Tensor:
        f = factor.item()
        torch._check(f >= 1)
        torch._check(f <= 8)
        torch._check(x.shape[0] % (2 * f) == 0, lambda: "two halves of whole groups")
        torch._check(x.shape[0] % f == 0)
        torch._check((x.shape[0] // f) % 2 == 0)
        return x.reshape(f, x.shape[0] // f, x.shape[1]).sum(1)


class PooledSpan(nn.Module):
    """Features of a span of a signal, by a convolution with a stride."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(2, 3, 4, stride=2)

    def forward(self, signal: Tensor, span: Tensor) -> Tensor:
        start, length = span.tolist()
        torch._check(start >= 0)
        torch._check(length >= 8, lambda: "a span is long enough")
        torch._check(start + length <= signal.shape[1], lambda: "the span is in the signal")
        part = signal[:, start : start + length]
        return nn.functional.adaptive_avg_pool1d(self.conv(part), 1)


class Aligned(nn.Module):
    """As many samples as a vector unit takes, in quads, with fall-backs of one's own."""

    def forward(self, signal: Tensor, count: Tensor) -> Tensor:
        k = count.item()
        torch._check(k >= 8, lambda: "one vector at least")
        torch._check(k <= signal.shape[0], lambda: "more samples than there are")
        torch._check(k % 8 == 0, lambda: "whole vectors")
        part = signal.narrow(0, 0, k)
        if k % 4 != 0:
            part = part[: k // 4 * 4]
        if k // 8 > signal.shape[0]:
            part = signal
        return part.reshape(k // 4, 4).sum(1)


PROGRAMS = (
    Program(
        Padded,
        (rows(5), scalar(3)),
        (ROWS, None),
        ((rows(8), scalar(0)), (rows(2), scalar(2)), (rows(3), scalar(1))),
        ((rows(4), scalar(4)), (rows(5), scalar(-1)), (rows(5), scalar(2))),
    ),
    Program(
        PaddedToMultiple,
        (rows(5), scalar(4)),
        (ROWS, None),
        ((rows(6), scalar(3)), (rows(6), scalar(8))),
        ((rows(6), scalar(0)), (rows(6), scalar(9))),
    ),
    Program(
        Windowed,
        (rows(6), scalar(3)),
        (ROWS, None),
        ((rows(16), scalar(16)), (rows(5), scalar(1))),
        ((rows(6), scalar(4)), (rows(6), scalar(0)), (rows(34), scalar(17))),
    ),
    Program(
        Framed,
        (rows(4), scalar(4)),
        (ROWS, None),
        ((rows(4), scalar(2)), (rows(4), scalar(8))),
        ((rows(4), scalar(1)), (rows(4), scalar(10)), (rows(4), scalar(5))),
    ),
    Program(
        Windows,
        (signal(7), scalar(3)),
        (ROWS, None),
        ((signal(7), scalar(7)), (signal(7), scalar(1))),
        ((signal(7), scalar(8)), (signal(7), scalar(0))),
    ),
    Program(
        HoppedFrames,
        (signal(9), scalar(2)),
        (ROWS, None),
        ((signal(4), scalar(4)), (signal(7), scalar(1))),
        ((signal(9), scalar(0)), (signal(9), scalar(5)), (signal(3), scalar(1))),
    ),
    Program(
        Stride,
        (rows(12), scalar(3)),
        (ROWS, None),
        ((rows(2), scalar(1)), (rows(16), scalar(8))),
        ((rows(12), scalar(4)), (rows(12), scalar(0)), (rows(18), scalar(9))),
    ),
    Program(
        PooledSpan,
        (rows(2, 20), torch.tensor([3, 11])),
        ({1: DYNAMIC}, None),
        ((rows(2, 20), torch.tensor([0, 20])), (rows(2, 8), torch.tensor([0, 8]))),
        (
            (rows(2, 20), torch.tensor([-1, 11])),
            (rows(2, 20), torch.tensor([1, 7])),
            (rows(2, 20), torch.tensor([10, 11])),
        ),
    ),
    Program(
        Aligned,
        (signal(20), scalar(16)),
        (ROWS, None),
        ((signal(20), scalar(8)), (signal(8), scalar(8))),
        ((signal(20), scalar(0)), (signal(20), scalar(24)), (signal(20), scalar(12))),
        undecided=True,
    ),
)
