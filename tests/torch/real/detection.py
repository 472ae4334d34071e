"""Detection, segmentation, and their operations."""

from __future__ import annotations

from typing import Any

import torch

from tests.torch.real.base import AUTO, Call, Made, batch_of, real

BOXES = 12


def boxes_of(n: int, size: float = 64.0) -> torch.Tensor:
    """Boxes within an image."""
    corner = torch.rand(n, 2) * size * 0.7
    return torch.cat([corner, corner + torch.rand(n, 2) * size * 0.3 + 1], dim=1)


def _scored(n: int) -> tuple[Any, ...]:
    return boxes_of(n), torch.rand(n)


def _call(function: Any, args: tuple[Any, ...], others: Any, shapes: Any) -> Made:
    return Made(Call(function), args, (shapes,), others)


@real("detection", "torchvision", quick=True)
def tv_nms() -> Made:
    from torchvision.ops import nms

    def forward(boxes: Any, scores: Any) -> Any:
        keep = nms(boxes, scores, 0.5)[:100]
        return boxes[keep], scores[keep]

    others = batch_of(lambda s: _scored([1, 2, 5, 30, 200, 0][s]), range(6))
    return _call(forward, _scored(BOXES), others, ({0: AUTO}, {0: AUTO}))


@real("detection", "torchvision", quick=True)
def tv_batched_nms() -> Made:
    from torchvision.ops import batched_nms, clip_boxes_to_image, remove_small_boxes

    def forward(boxes: Any, scores: Any, labels: Any) -> Any:
        boxes = clip_boxes_to_image(boxes, (50, 50))
        kept = remove_small_boxes(boxes, 4.0)
        boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        keep = batched_nms(boxes, scores, labels, 0.4)[:10]
        return boxes[keep], scores[keep], labels[keep]

    def inputs(n: int) -> tuple[Any, ...]:
        return (*_scored(n), torch.randint(0, 3, (n,)))

    others = batch_of(lambda s: inputs([1, 2, 7, 40, 90, 0][s]), range(6))
    return _call(forward, inputs(BOXES), others, ({0: AUTO}, {0: AUTO}, {0: AUTO}))


@real("detection", "torchvision", quick=True)
def tv_masks_to_boxes() -> Made:
    from torchvision.ops import masks_to_boxes

    def inputs(n: int) -> tuple[Any, ...]:
        masks = torch.zeros(n, 16, 16)
        for i in range(n):
            masks[i, i % 8 : i % 8 + 4, 3 : 9 + i % 5] = 1
        return (masks,)

    others = batch_of(lambda s: inputs([1, 3, 4, 5, 2][s]), range(5))
    return _call(masks_to_boxes, inputs(3), others, ({0: AUTO},))


@real("detection", "torchvision")
def tv_multiscale_roi_align() -> Made:
    from torchvision.ops import MultiScaleRoIAlign

    pool = MultiScaleRoIAlign(["0", "1"], 3, 2)

    def forward(module: Any, a: Any, b: Any, boxes: Any) -> Any:
        return module({"0": a, "1": b}, [boxes], [(64, 64)])

    def inputs(n: int) -> tuple[Any, ...]:
        return torch.rand(1, 4, 16, 16), torch.rand(1, 4, 8, 8), boxes_of(n)

    others = batch_of(lambda s: inputs([2, 5, 30, 1, 9, 0][s]), range(6))
    return Made(Call(forward, pool), inputs(6), (({}, {}, {0: AUTO}),), others)


def _detector(make: Any, *more: Any) -> Made:
    model = make()
    model.eval()

    def forward(module: Any, image: Any) -> Any:
        return module([image])

    others = batch_of(lambda s: (torch.rand(3, 64, 64) * s,), range(1, 6))
    others += [(torch.zeros(3, 64, 64),), (torch.randn(3, 64, 64) * 50,)]
    return Made(Call(forward, model), (torch.rand(3, 64, 64),), None, others)


def _anchors(sizes: Any) -> Any:
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


def _backbone(channels: int = 8) -> torch.nn.Module:
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(8, channels, 3, 2, 1)
    )
    layers.out_channels = channels
    return layers


@real("detection", "torchvision")
def tv_faster_rcnn() -> Made:
    from torchvision.models.detection import FasterRCNN
    from torchvision.ops import MultiScaleRoIAlign

    return _detector(lambda: FasterRCNN(
        _backbone(), num_classes=4, min_size=64, max_size=64,
        rpn_anchor_generator=_anchors(((16, 32),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 3, 2), box_score_thresh=0.2,
        rpn_pre_nms_top_n_test=50, rpn_post_nms_top_n_test=20, box_detections_per_img=10,
    ))  # fmt: skip


@real("detection", "torchvision")
def tv_mask_rcnn() -> Made:
    from torchvision.models.detection import MaskRCNN
    from torchvision.ops import MultiScaleRoIAlign

    return _detector(lambda: MaskRCNN(
        _backbone(), num_classes=4, min_size=64, max_size=64,
        rpn_anchor_generator=_anchors(((16, 32),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 3, 2),
        mask_roi_pool=MultiScaleRoIAlign(["0"], 4, 2), box_score_thresh=0.2,
        rpn_pre_nms_top_n_test=50, rpn_post_nms_top_n_test=20, box_detections_per_img=10,
    ))  # fmt: skip


@real("detection", "torchvision")
def tv_retinanet() -> Made:
    from torchvision.models.detection import RetinaNet

    return _detector(lambda: RetinaNet(
        _backbone(), num_classes=4, min_size=64, max_size=64,
        anchor_generator=_anchors(((16, 32),)), score_thresh=0.01, topk_candidates=100,
        detections_per_img=20,
    ))  # fmt: skip


@real("detection", "torchvision")
def tv_fcos() -> Made:
    from torchvision.models.detection import FCOS
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    return _detector(lambda: FCOS(
        _backbone(32), num_classes=4, min_size=64, max_size=64,
        anchor_generator=AnchorGenerator(((8,),), ((1.0,),)), score_thresh=0.01,
        topk_candidates=100, detections_per_img=20,
    ))  # fmt: skip


@real("detection", "torchvision")
def tv_keypoint_rcnn() -> Made:
    from torchvision.models.detection import KeypointRCNN
    from torchvision.ops import MultiScaleRoIAlign

    return _detector(lambda: KeypointRCNN(
        _backbone(), num_classes=2, num_keypoints=3, min_size=64, max_size=64,
        rpn_anchor_generator=_anchors(((16, 32),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 3, 2),
        keypoint_roi_pool=MultiScaleRoIAlign(["0"], 4, 2),
        rpn_pre_nms_top_n_test=50, rpn_post_nms_top_n_test=20, box_detections_per_img=10,
    ))  # fmt: skip


@real("detection", "torchvision")
def tv_ssd() -> Made:
    from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
    from torchvision.models.detection.ssd import SSD

    class Maps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = torch.nn.Conv2d(3, 8, 3, 4, 1)
            self.two = torch.nn.Conv2d(8, 8, 3, 2, 1)

        def forward(self, x: Any) -> Any:
            first = self.one(x)
            return {"0": first, "1": self.two(first)}

    from torchvision.models.detection.ssd import SSDHead

    def make() -> Any:
        anchors = DefaultBoxGenerator([[2], [2]], scales=[0.1, 0.3, 0.6])
        head = SSDHead([8, 8], anchors.num_anchors_per_location(), 4)
        return SSD(Maps(), anchors, (64, 64), 4, head=head, score_thresh=0.1,
                   topk_candidates=50, detections_per_img=20)  # fmt: skip

    return _detector(make)


# (ultralytics takes torchvision's nms where torchvision is loaded, and a loop of its own else.)
@real("detection", "ultralytics", "torchvision")
def yolo_nms() -> Made:
    from ultralytics.utils.nms import non_max_suppression

    def forward(prediction: Any) -> Any:
        return non_max_suppression(prediction, 0.4, 0.5, max_time_img=1000.0)[0]

    def inputs(n: int) -> tuple[Any, ...]:
        x = torch.rand(1, 7, n)
        x[:, :4] *= 50
        return (x,)

    others = batch_of(lambda s: inputs([50, 30, 51, 8, 100][s]), range(5))
    return Made(Call(forward), inputs(40), ((({2: AUTO}),),), others)


@real("detection", "ultralytics", "torchvision")
def yolo_nms_class_aware() -> Made:
    from ultralytics.utils.nms import non_max_suppression

    def forward(prediction: Any) -> Any:
        return non_max_suppression(
            prediction, 0.4, 0.5, multi_label=True, max_det=5, max_time_img=1000.0
        )

    def inputs(n: int) -> tuple[Any, ...]:
        x = torch.rand(2, 7, n)
        x[:, :4] *= 50
        return (x,)

    others = batch_of(lambda s: inputs(40), range(1, 6))
    return Made(Call(forward), inputs(40), None, others)
