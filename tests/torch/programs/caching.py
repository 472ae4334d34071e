"""Key-value caches in pages, and those that are appended to."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.torch.programs.base import DYNAMIC, ROWS, Program, pages, rows, scalar


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


class PagedCache(nn.Module):
    """Two pages of a key-value cache, gathered by a table, cut to the length."""

    def forward(self, cache: Tensor, table: Tensor, length: Tensor) -> Tensor:
        used = length.item()
        pages = cache[table]
        flat = pages.reshape(-1, cache.shape[2])
        torch._check(used >= 1, lambda: "nothing is cached")
        torch._check(used <= table.shape[0] * cache.shape[1], lambda: "longer than its pages")
        torch._check(used <= 2 * table.shape[0] * cache.shape[1])
        return flat.narrow(0, 0, used).softmax(0)


class CacheAppended(nn.Module):
    """A step's keys written behind those in the cache."""

    def forward(self, cache: Tensor, step: Tensor, position: Tensor) -> Tensor:
        at = position.item()
        torch._check(at >= 0)
        torch._check(at + step.shape[0] <= cache.shape[0], lambda: "the cache is full")
        torch._check(at <= cache.shape[0])
        out = cache.clone()
        out.narrow(0, at, step.shape[0]).copy_(step)
        return out


PROGRAMS = (
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
        PagedCache,
        (pages(3, 4), torch.tensor([2, 0]), scalar(5)),
        ({0: DYNAMIC, 1: DYNAMIC}, ROWS, None),
        (
            (pages(3, 4), torch.tensor([1]), scalar(4)),
            (pages(6, 2), torch.tensor([1, 5, 3]), scalar(1)),
        ),
        (
            (pages(3, 4), torch.tensor([1]), scalar(5)),
            (pages(3, 4), torch.tensor([1]), scalar(0)),
        ),
    ),
    Program(
        CacheAppended,
        (rows(8), rows(3), scalar(2)),
        (ROWS, ROWS, None),
        ((rows(8), rows(2), scalar(6)), (rows(8), rows(8), scalar(0))),
        ((rows(8), rows(3), scalar(6)), (rows(8), rows(3), scalar(-1))),
    ),
)
