"""Distinct values, graphs, and what is counted."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.torch.programs.base import DYNAMIC, ROWS, Program, rows, scalar


class Counted(nn.Module):
    """Distinct values, with an upper bound for a table."""

    def forward(self, x: Tensor) -> Tensor:
        values = torch.unique(x)
        torch._check(values.shape[0] <= 4, lambda: "the table has four places")
        return values * 2


class Vocabulary(nn.Module):
    """Distinct tokens with their counts, looked up in a table of limited size."""

    def forward(self, tokens: Tensor, table: Tensor) -> Tensor:
        values, where, counts = torch.unique(tokens, return_inverse=True, return_counts=True)
        torch._check(values.shape[0] == counts.shape[0])
        torch._check(values.shape[0] <= table.shape[0], lambda: "the table is too small")
        torch._check(values.shape[0] <= tokens.shape[0])
        return table.narrow(0, 0, values.shape[0])[where] * counts[where].unsqueeze(1)


class GraphPooled(nn.Module):
    """Mean of the nodes of each graph of a batch."""

    def forward(self, nodes: Tensor, graph: Tensor, graphs: Tensor) -> Tensor:
        b = graphs.item()
        torch._check(b >= 1, lambda: "there is a graph")
        torch._check(b <= nodes.shape[0], lambda: "no graph is empty")
        torch._check(graph.shape[0] == nodes.shape[0])
        total = nodes.new_zeros(b, nodes.shape[1]).index_add(0, graph, nodes)
        count = nodes.new_zeros(b).index_add(0, graph, torch.ones_like(nodes[:, 0]))
        return total / count.unsqueeze(1)


class SubGraph(nn.Module):
    """Nodes that score well, and the edges between them."""

    def forward(self, nodes: Tensor, scores: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        good = scores > 0
        kept = torch.nonzero(good).squeeze(1)
        torch._check(kept.shape[0] <= nodes.shape[0])
        torch._check(kept.shape[0] >= 1, lambda: "nothing is left")
        inside = edges[:, good[edges[0]] & good[edges[1]]]
        torch._check(inside.shape[1] <= edges.shape[1])
        position = torch.cumsum(good, 0) - 1
        return nodes[kept] / kept.shape[0], position[inside]


PROGRAMS = (
    Program(
        Counted,
        (torch.tensor([1, 2, 2, 3]),),
        (ROWS,),
        ((torch.tensor([1, 1]),), (torch.tensor([4, 3, 2, 1, 1]),)),
        ((torch.tensor([1, 2, 3, 4, 5]),),),
    ),
    Program(
        Vocabulary,
        (torch.tensor([3, 1, 3, 2]), rows(4)),
        (ROWS, ROWS),
        ((torch.tensor([3, 3]), rows(2)), (torch.tensor([1, 2]), rows(2))),
        ((torch.tensor([1, 2, 3]), rows(2)),),
    ),
    Program(
        GraphPooled,
        (rows(5), torch.tensor([0, 0, 1, 2, 2]), scalar(3)),
        (ROWS, ROWS, None),
        (
            (rows(2), torch.tensor([0, 0]), scalar(1)),
            (rows(2), torch.tensor([1, 0]), scalar(2)),
        ),
        (
            (rows(2), torch.tensor([0, 0]), scalar(0)),
            (rows(2), torch.tensor([1, 0]), scalar(3)),
        ),
    ),
    Program(
        SubGraph,
        (rows(4), torch.tensor([1.0, -1, 2, 3]), torch.tensor([[0, 1, 2], [2, 3, 3]])),
        (ROWS, ROWS, {1: DYNAMIC}),
        ((rows(2), torch.tensor([1.0, -1]), torch.tensor([[0, 1], [0, 1]])),),
        ((rows(2), torch.tensor([-1.0, -1]), torch.tensor([[0, 1], [0, 1]])),),
    ),
)
