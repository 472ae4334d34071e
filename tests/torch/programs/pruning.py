"""Fewer rows than there were: tokens, beams."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.torch.programs.base import ROWS, Program, rows, scalar


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


class TopTokens(nn.Module):
    """As many tokens as a tensor says, the best ones, in their order."""

    def forward(self, tokens: Tensor, scores: Tensor, count: Tensor) -> Tensor:
        k = count.item()
        torch._check(k >= 0)
        torch._check(k <= tokens.shape[0], lambda: "fewer tokens than that")
        torch._check(k <= scores.shape[0])
        order = scores.argsort(descending=True, stable=True)
        kept = order.narrow(0, 0, k).sort().values
        return tokens[kept]


class BeamFinished(nn.Module):
    """Beams that are done leave the batch; the others go on."""

    def forward(self, beams: Tensor, done: Tensor, width: Tensor) -> Tensor:
        w = width.item()
        torch._check(w >= 1)
        torch._check(w <= 16)
        open_ = beams[~done]
        torch._check(open_.shape[0] <= w * beams.shape[0])
        torch._check(open_.shape[0] <= beams.shape[0])
        torch._check(open_.shape[0] >= 1, lambda: "all are done")
        return open_.repeat(2, 1) / w


PROGRAMS = (
    Program(
        Narrowed,
        (rows(5), scalar(3)),
        (ROWS, None),
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
        (ROWS, ROWS),
        ((rows(3), torch.tensor([-1.0, -1, -2])), (rows(2), torch.tensor([1.0, 1.0]))),
    ),
    Program(
        TopTokens,
        (rows(5), torch.tensor([1.0, 5, 3, 2, 4]), scalar(2)),
        (ROWS, ROWS, None),
        (
            (rows(2), torch.tensor([1.0, 2]), scalar(0)),
            (rows(2), torch.tensor([1.0, 2]), scalar(2)),
        ),
        (
            (rows(2), torch.tensor([1.0, 2]), scalar(3)),
            (rows(2), torch.tensor([1.0, 2]), scalar(-1)),
        ),
    ),
    Program(
        BeamFinished,
        (rows(4), torch.tensor([True, False, False, True]), scalar(2)),
        (ROWS, ROWS, None),
        ((rows(2), torch.tensor([False, False]), scalar(1)),),
        (
            (rows(2), torch.tensor([True, True]), scalar(1)),
            (rows(2), torch.tensor([False, False]), scalar(0)),
            (rows(2), torch.tensor([False, False]), scalar(17)),
        ),
    ),
)
