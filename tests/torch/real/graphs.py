"""Graph networks, metrics, quantisation, feature matching, augmentation."""

from __future__ import annotations

from typing import Any

import torch

from tests.torch.real.base import AUTO, Call, Made, batch_of, real


def _edges(nodes: int, count: int) -> torch.Tensor:
    return torch.randint(0, nodes, (2, count))


def _batch(nodes: int, graphs: int) -> torch.Tensor:
    return torch.arange(nodes) * graphs // nodes


SIZES = [(9, 20, 2), (5, 8, 1), (12, 30, 3), (20, 41, 4), (7, 14, 2)]


@real("graphs", "torch_geometric")
def pyg_global_pool() -> Made:
    from torch_geometric.nn import global_add_pool, global_max_pool, global_mean_pool

    def forward(x: Any, batch: Any) -> Any:
        return global_add_pool(x, batch), global_mean_pool(x, batch), global_max_pool(x, batch)

    def inputs(nodes: int, edges: int, graphs: int) -> tuple[Any, ...]:
        return torch.rand(nodes, 4), _batch(nodes, graphs)

    others = batch_of(lambda s: inputs(*SIZES[s - 1]), range(1, 6))
    return Made(Call(forward), inputs(10, 20, 3), (({0: AUTO}, {0: AUTO}),), others)


@real("graphs", "torch_geometric")
def pyg_topk_pool() -> Made:
    from torch_geometric.nn import GCNConv, TopKPooling, global_mean_pool

    def forward(conv: Any, pool: Any, x: Any, edges: Any, batch: Any) -> Any:
        x = conv(x, edges).relu()
        x, edges, _, batch, _, _ = pool(x, edges, None, batch)
        return global_mean_pool(x, batch)

    def inputs(nodes: int, edges: int, graphs: int) -> tuple[Any, ...]:
        return torch.rand(nodes, 4), _edges(nodes, edges), _batch(nodes, graphs)

    model = Call(forward, GCNConv(4, 8), TopKPooling(8, 0.5))
    others = batch_of(lambda s: inputs(*SIZES[s - 1]), range(1, 6))
    return Made(model, inputs(10, 20, 3), (({0: AUTO}, {1: AUTO}, {0: AUTO}),), others)


@real("graphs", "torch_geometric")
def pyg_to_dense_batch() -> Made:
    from torch_geometric.utils import to_dense_batch

    def inputs(nodes: int, edges: int, graphs: int) -> tuple[Any, ...]:
        return torch.rand(nodes, 4), _batch(nodes, graphs)

    others = batch_of(lambda s: inputs(*SIZES[s - 1]), range(1, 6))
    return Made(Call(to_dense_batch), inputs(10, 20, 3), (({0: AUTO}, {0: AUTO}),), others)


@real("graphs", "torch_geometric")
def pyg_to_dense_adj() -> Made:
    from torch_geometric.utils import to_dense_adj

    def forward(edges: Any, batch: Any) -> Any:
        return to_dense_adj(edges, batch)

    def inputs(nodes: int, edges: int, graphs: int) -> tuple[Any, ...]:
        one = torch.randint(0, nodes // graphs, (2, edges))
        return one, _batch(nodes, graphs)

    others = batch_of(lambda s: inputs(*SIZES[s - 1]), range(1, 6))
    return Made(Call(forward), inputs(10, 20, 3), (({1: AUTO}, {0: AUTO}),), others)


@real("graphs", "torch_geometric")
def pyg_set2set() -> Made:
    from torch_geometric.nn.aggr import Set2Set

    def inputs(nodes: int, edges: int, graphs: int) -> tuple[Any, ...]:
        return torch.rand(nodes, 4), _batch(nodes, graphs)

    others = batch_of(lambda s: inputs(*SIZES[s - 1]), range(1, 6))
    model = Call(lambda m, x, b: m(x, b), Set2Set(4, 2))
    return Made(model, inputs(10, 20, 3), (({0: AUTO}, {0: AUTO}),), others)


@real("graphs", "torch_geometric")
def pyg_self_loops_softmax() -> Made:
    from torch_geometric.nn import GATConv

    def inputs(nodes: int, edges: int, graphs: int) -> tuple[Any, ...]:
        return torch.rand(nodes, 4), _edges(nodes, edges)

    others = batch_of(lambda s: inputs(*SIZES[s - 1]), range(1, 6))
    return Made(GATConv(4, 8, heads=2), inputs(10, 20, 3), ({0: AUTO}, {1: AUTO}), others)


@real("graphs", "torch_geometric")
def pyg_sort_aggr() -> Made:
    from torch_geometric.nn.aggr import SortAggregation

    def inputs(nodes: int, edges: int, graphs: int) -> tuple[Any, ...]:
        return torch.rand(nodes, 4), _batch(nodes, graphs)

    others = batch_of(lambda s: inputs(*SIZES[s - 1]), range(1, 6))
    model = Call(lambda m, x, b: m(x, b), SortAggregation(3))
    return Made(model, inputs(10, 20, 3), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_accuracy() -> Made:
    from torchmetrics.functional import accuracy

    def forward(p: Any, t: Any) -> Any:
        return accuracy(p, t, task="multiclass", num_classes=4)

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.rand(n, 4), torch.randint(0, 4, (n,))

    others = batch_of(lambda s: inputs([1, 5, 9, 30, 2][s - 1]), range(1, 6))
    others.append((torch.rand(6, 4), torch.tensor([0, 1, 2, 3, 4, 9])))
    return Made(Call(forward), inputs(8), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_binary_auroc() -> Made:
    from torchmetrics.functional.classification import binary_auroc

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.rand(n), torch.arange(n) % 2

    others = batch_of(lambda s: inputs([3, 5, 9, 30, 2][s - 1]), range(1, 6))
    return Made(Call(lambda p, t: binary_auroc(p, t)), inputs(8), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_average_precision() -> Made:
    from torchmetrics.functional.classification import binary_average_precision

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.rand(n), torch.arange(n) % 2

    others = batch_of(lambda s: inputs([3, 5, 9, 30, 2][s - 1]), range(1, 6))
    model = Call(lambda p, t: binary_average_precision(p, t))
    return Made(model, inputs(8), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_retrieval_map() -> Made:
    from torchmetrics.functional.retrieval import (
        retrieval_average_precision,
        retrieval_normalized_dcg,
    )

    def inputs(n: int) -> tuple[Any, ...]:
        target = torch.rand(n) > 0.5
        target[0] = True
        return torch.rand(n), target

    def forward(p: Any, t: Any) -> Any:
        return retrieval_average_precision(p, t), retrieval_normalized_dcg(p, t)

    others = batch_of(lambda s: inputs([3, 5, 9, 30, 2][s - 1]), range(1, 6))
    others.append((torch.rand(4), torch.zeros(4, dtype=torch.bool)))
    return Made(Call(forward), inputs(8), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_spearman() -> Made:
    from torchmetrics.functional import spearman_corrcoef

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.rand(n), torch.rand(n)

    others = batch_of(lambda s: inputs([3, 5, 9, 30, 2][s - 1]), range(1, 6))
    others.append((torch.tensor([1.0, 2, 2, 3]), torch.rand(4)))
    return Made(Call(spearman_corrcoef), inputs(8), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_jaccard_macro() -> Made:
    from torchmetrics.functional import jaccard_index

    def forward(p: Any, t: Any) -> Any:
        return jaccard_index(p, t, task="multiclass", num_classes=4, ignore_index=0)

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.randint(0, 4, (n,)), torch.randint(0, 4, (n,))

    others = batch_of(lambda s: inputs([1, 5, 9, 30, 2][s - 1]), range(1, 6))
    return Made(Call(forward), inputs(8), (({0: AUTO}, {0: AUTO}),), others)


@real("quantisation", "vector_quantize_pytorch")
def vq_plain() -> Made:
    from vector_quantize_pytorch import VectorQuantize

    others = batch_of(lambda s: (torch.rand(*[(2, 5, 8), (1, 7, 8), (3, 4, 8), (2, 9, 8), (4, 2, 8)][s - 1]),), range(1, 6))
    model = VectorQuantize(dim=8, codebook_size=16)
    return Made(model, (torch.rand(2, 6, 8),), ({0: AUTO, 1: AUTO},), others)


@real("quantisation", "vector_quantize_pytorch")
def vq_residual() -> Made:
    from vector_quantize_pytorch import ResidualVQ

    others = batch_of(lambda s: (torch.rand(2, 6, 8),), range(1, 6))
    model = ResidualVQ(dim=8, codebook_size=16, num_quantizers=2)
    return Made(model, (torch.rand(2, 6, 8),), None, others)


@real("matching", "kornia")
def kornia_match_mnn() -> Made:
    from kornia.feature import match_mnn

    def inputs(n: int, m: int) -> tuple[Any, ...]:
        return torch.rand(n, 4), torch.rand(m, 4)

    sizes = [(5, 7), (9, 3), (1, 4), (12, 12), (3, 1)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    return Made(Call(lambda a, b: match_mnn(a, b)), inputs(8, 6), (({0: AUTO}, {0: AUTO}),), others)


@real("matching", "kornia")
def kornia_match_smnn() -> Made:
    from kornia.feature import match_smnn

    def inputs(n: int, m: int) -> tuple[Any, ...]:
        return torch.rand(n, 4), torch.rand(m, 4)

    sizes = [(5, 7), (9, 3), (2, 4), (12, 12), (3, 2)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    model = Call(lambda a, b: match_smnn(a, b, 0.95))
    return Made(model, inputs(8, 6), (({0: AUTO}, {0: AUTO}),), others)


@real("augmentation", "kornia")
def kornia_random_crop() -> Made:
    from kornia.augmentation import CenterCrop

    model = CenterCrop((8, 8))
    others = batch_of(lambda s: (torch.rand([1, 2, 3, 4, 5][s - 1], 3, 12, 12),), range(1, 6))
    return Made(model, (torch.rand(2, 3, 12, 12),), (({0: AUTO}),), others)


@real("augmentation", "kornia")
def kornia_nms2d() -> Made:
    from kornia.geometry.subpix import nms2d

    def forward(x: Any) -> Any:
        return nms2d(x, (3, 3), mask_only=True).nonzero()

    sizes = [(8, 8), (9, 12), (16, 7), (5, 5), (20, 20)]
    others = batch_of(lambda s: (torch.rand(1, 1, *sizes[s - 1]),), range(1, 6))
    return Made(Call(forward), (torch.rand(1, 1, 10, 11),), (({2: AUTO, 3: AUTO},),), others)


def _graph(seed: int) -> tuple[Any, ...]:
    nodes, edges, graphs = SIZES[seed - 1]
    return torch.rand(nodes, 4), _edges(nodes, edges), _batch(nodes, graphs)


def _of_graph(forward: Any, *modules: Any) -> Made:
    shapes = (({0: AUTO}, {1: AUTO}, {0: AUTO}),)
    example = (torch.rand(10, 4), _edges(10, 20), _batch(10, 3))
    return Made(Call(forward, *modules), example, shapes, batch_of(_graph, range(1, 6)))


@real("graphs", "torch_geometric")
def pyg_graph_norm() -> Made:
    from torch_geometric.nn import GraphNorm

    return _of_graph(lambda m, x, e, b: m(x, b), GraphNorm(4))


@real("graphs", "torch_geometric")
def pyg_layer_norm_graph() -> Made:
    from torch_geometric.nn import LayerNorm

    return _of_graph(lambda m, x, e, b: m(x, b), LayerNorm(4))


@real("graphs", "torch_geometric")
def pyg_sag_pool() -> Made:
    from torch_geometric.nn import SAGPooling

    return _of_graph(lambda m, x, e, b: m(x, e, None, b)[0], SAGPooling(4, 0.5))


@real("graphs", "torch_geometric")
def pyg_attention_pool() -> Made:
    from torch_geometric.nn.aggr import AttentionalAggregation

    pool = AttentionalAggregation(torch.nn.Linear(4, 1))
    return _of_graph(lambda m, x, e, b: m(x, b), pool)


@real("graphs", "torch_geometric")
def pyg_unbatch() -> Made:
    from torch_geometric.utils import unbatch

    return _of_graph(lambda x, e, b: [part.sum(0) for part in unbatch(x, b)])


@real("graphs", "torch_geometric")
def pyg_coalesce() -> Made:
    from torch_geometric.utils import coalesce, to_undirected

    return _of_graph(lambda x, e, b: (coalesce(e), to_undirected(e)))


@real("graphs", "torch_geometric")
def pyg_isolated_nodes() -> Made:
    from torch_geometric.utils import remove_isolated_nodes

    return _of_graph(lambda x, e, b: remove_isolated_nodes(e, num_nodes=x.shape[0])[0])


@real("graphs", "torch_geometric")
def pyg_mlp_readout() -> Made:
    from torch_geometric.nn import GINConv, global_max_pool

    conv = GINConv(torch.nn.Linear(4, 8))
    return _of_graph(lambda m, x, e, b: global_max_pool(m(x, e), b), conv)


@real("metrics", "torchmetrics")
def tm_confusion_binary() -> Made:
    from torchmetrics.functional.classification import binary_confusion_matrix

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.randint(0, 2, (n,)), torch.randint(0, 2, (n,))

    others = batch_of(lambda s: inputs([1, 5, 9, 30, 2][s - 1]), range(1, 6))
    others.append((torch.tensor([0, 1, 2]), torch.tensor([0, 1, 1])))
    model = Call(lambda p, t: binary_confusion_matrix(p, t, ignore_index=-1))
    return Made(model, inputs(8), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_multilabel_ranking() -> Made:
    from torchmetrics.functional.classification import multilabel_ranking_loss

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.rand(n, 3), torch.randint(0, 2, (n, 3))

    others = batch_of(lambda s: inputs([4, 5, 9, 30, 3][s - 1]), range(1, 6))
    model = Call(lambda p, t: multilabel_ranking_loss(p, t, num_labels=3))
    return Made(model, inputs(8), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_perplexity() -> Made:
    from torchmetrics.functional.text import perplexity

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.rand(2, n, 5), torch.randint(0, 5, (2, n))

    others = batch_of(lambda s: inputs([4, 5, 9, 30, 3][s - 1]), range(1, 6))
    model = Call(lambda p, t: perplexity(p, t, ignore_index=0))
    return Made(model, inputs(8), (({1: AUTO}, {1: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_mutual_info() -> Made:
    from torchmetrics.functional.clustering import mutual_info_score

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.randint(0, 3, (n,)), torch.randint(0, 3, (n,))

    others = batch_of(lambda s: inputs([10, 15, 9, 30, 3][s - 1]), range(1, 6))
    return Made(Call(mutual_info_score), inputs(12), (({0: AUTO}, {0: AUTO}),), others)


@real("metrics", "torchmetrics")
def tm_calibration() -> Made:
    from torchmetrics.functional.classification import multiclass_calibration_error

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.rand(n, 4).softmax(1), torch.randint(0, 4, (n,))

    others = batch_of(lambda s: inputs([10, 15, 9, 30, 3][s - 1]), range(1, 6))
    model = Call(lambda p, t: multiclass_calibration_error(p, t, num_classes=4))
    return Made(model, inputs(12), (({0: AUTO}, {0: AUTO}),), others)


@real("quantisation", "vector_quantize_pytorch")
def vq_finite_scalar() -> Made:
    from vector_quantize_pytorch import FSQ

    others = batch_of(lambda s: (torch.rand(s, 4 + s, 3),), range(1, 6))
    return Made(FSQ([5, 5, 3]), (torch.rand(2, 6, 3),), ({0: AUTO, 1: AUTO},), others)


@real("quantisation", "vector_quantize_pytorch")
def vq_masked() -> Made:
    from vector_quantize_pytorch import VectorQuantize

    def inputs(seed: int) -> tuple[Any, ...]:
        return torch.rand(2, 6, 8), torch.rand(2, 6) > 0.3

    model = Call(lambda m, x, mask: m(x, mask=mask)[:2], VectorQuantize(dim=8, codebook_size=16))
    return Made(model, inputs(0), None, batch_of(inputs, range(1, 6)))


@real("matching", "kornia")
def kornia_match_snn() -> Made:
    from kornia.feature import match_snn

    def inputs(n: int, m: int) -> tuple[Any, ...]:
        return torch.rand(n, 4), torch.rand(m, 4)

    sizes = [(5, 7), (9, 3), (2, 4), (12, 12), (3, 2)]
    others = batch_of(lambda s: inputs(*sizes[s - 1]), range(1, 6))
    model = Call(lambda a, b: match_snn(a, b, 0.9))
    return Made(model, inputs(8, 6), (({0: AUTO}, {0: AUTO}),), others)


@real("matching", "kornia")
def kornia_homography() -> Made:
    from kornia.geometry import find_homography_dlt

    def inputs(n: int) -> tuple[Any, ...]:
        points = torch.rand(1, n, 2)
        return points, points * 2 + torch.rand(1, n, 2) * 0.01

    others = batch_of(lambda s: inputs([5, 6, 9, 12, 20][s - 1]), range(1, 6))
    return Made(Call(find_homography_dlt), inputs(8), (({1: AUTO}, {1: AUTO}),), others)


@real("augmentation", "kornia")
def kornia_equalize() -> Made:
    from kornia.enhance import equalize

    others = batch_of(lambda s: (torch.rand(1, 1, 6, 6) * s / 5,), range(1, 6))
    others.append((torch.zeros(1, 1, 6, 6),))
    return Made(Call(equalize), (torch.rand(1, 1, 6, 6),), None, others)


@real("matching", "kornia")
def kornia_connected_components() -> Made:
    from kornia.contrib import connected_components

    def inputs(seed: int) -> tuple[Any, ...]:
        return ((torch.rand(1, 1, 6 + seed, 7) > 0.5).float(),)

    model = Call(lambda x: connected_components(x, 5))
    shapes = (({2: AUTO},),)
    return Made(model, inputs(2), shapes, batch_of(inputs, range(1, 6)))
