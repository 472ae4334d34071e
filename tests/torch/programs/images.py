"""Parts of images: crops, tiles, boxes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.torch.programs.base import DYNAMIC, ROWS, Inputs, Program, image, scalar


class Cropped(nn.Module):
    """Cropping by a box that is checked completely, then a convolution and pooling."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, image: Tensor, box: Tensor) -> Tensor:
        y, x, h, w = box.tolist()
        torch._check(y >= 0, lambda: "the box begins above the image")
        torch._check(x >= 0, lambda: "the box begins left of the image")
        torch._check(h >= 3, lambda: "the box is too flat")
        torch._check(w >= 3, lambda: "the box is too narrow")
        torch._check(y + h <= image.shape[2], lambda: "the box ends below the image")
        torch._check(x + w <= image.shape[3], lambda: "the box ends right of the image")
        crop = image.narrow(2, y, h).narrow(3, x, w)
        return nn.functional.adaptive_avg_pool2d(self.conv(crop), 1)


class SlicedCrop(nn.Module):
    """Cropping by slices, then strided pooling."""

    def forward(self, image: Tensor, box: Tensor) -> Tensor:
        top, bottom = box.tolist()
        torch._check(top >= 0, lambda: "the box begins above the image")
        torch._check(bottom <= image.shape[1], lambda: "the box ends below the image")
        torch._check(bottom - top >= 2, lambda: "two lines at least")
        return nn.functional.max_pool2d(image[:, top:bottom], 2)


class CentreCropped(nn.Module):
    """A square from the middle."""

    def forward(self, image: Tensor, size: Tensor) -> Tensor:
        k = size.item()
        torch._check(k >= 1)
        torch._check(k <= image.shape[1])
        torch._check(k <= image.shape[2])
        top = (image.shape[1] - k) // 2
        left = (image.shape[2] - k) // 2
        crop = image.narrow(1, top, k).narrow(2, left, k)
        return crop.mean((1, 2))


class Tiles(nn.Module):
    """An image cut to whole tiles of two by two, then averaged tile by tile."""

    def forward(self, image: Tensor, size: Tensor) -> Tensor:
        h, w = size.tolist()
        torch._check(h >= 2)
        torch._check(w >= 2)
        torch._check(h <= image.shape[1])
        torch._check(w <= image.shape[2])
        whole = image.narrow(1, 0, h // 2 * 2).narrow(2, 0, w // 2 * 2)
        if whole.shape[1] % 2 != 0 or whole.shape[2] % 2 != 0:
            raise AssertionError("tiles are whole")
        return nn.functional.avg_pool2d(whole, 2)


class Suppressed(nn.Module):
    """Non-maximum suppression of boxes on a line, best first."""

    def forward(self, boxes: Tensor, most: Tensor) -> Tensor:
        limit = most.item()
        torch._check(limit >= 1, lambda: "at least one box")
        left, right = boxes[:, 0], boxes[:, 1]
        overlap = torch.minimum(right[:, None], right[None]) - torch.maximum(
            left[:, None], left[None]
        )
        earlier = torch.tril(overlap > 0, diagonal=-1)
        kept = torch.nonzero(~earlier.any(1)).squeeze(1)
        torch._check(kept.shape[0] <= limit, lambda: "more boxes than asked for")
        torch._check(kept.shape[0] <= boxes.shape[0])
        return boxes[kept]


def boxes(*numbers: tuple[int, int, int, int]) -> tuple[Inputs, ...]:
    picture = torch.arange(324.0).reshape(1, 3, 12, 9) / 100
    return tuple((picture, torch.tensor(box)) for box in numbers)


PROGRAMS = (
    Program(
        Cropped,
        boxes((1, 2, 6, 5))[0],
        ({2: DYNAMIC, 3: DYNAMIC}, None),
        boxes((0, 0, 12, 9), (9, 6, 3, 3)),
        boxes(
            (-1, 0, 4, 4),
            (0, -1, 4, 4),
            (0, 0, 2, 4),
            (0, 0, 4, 2),
            (10, 0, 3, 3),
            (0, 7, 3, 3),
        ),
        undecided=True,
    ),
    Program(
        SlicedCrop,
        (image(10, 6), torch.tensor([1, 6])),
        ({1: DYNAMIC}, None),
        ((image(10, 6), torch.tensor([8, 10])), (image(2, 6), torch.tensor([0, 2]))),
        (
            (image(10, 6), torch.tensor([-1, 6])),
            (image(10, 6), torch.tensor([1, 11])),
            (image(10, 6), torch.tensor([4, 5])),
        ),
    ),
    Program(
        CentreCropped,
        (image(10, 6), scalar(4)),
        ({1: DYNAMIC, 2: DYNAMIC}, None),
        ((image(10, 6), scalar(6)), (image(1, 1), scalar(1))),
        ((image(10, 6), scalar(0)), (image(10, 6), scalar(7)), (image(6, 10), scalar(7))),
    ),
    Program(
        Tiles,
        (image(10, 6), torch.tensor([5, 4])),
        ({1: DYNAMIC, 2: DYNAMIC}, None),
        ((image(10, 6), torch.tensor([10, 6])), (image(2, 2), torch.tensor([2, 2]))),
        (
            (image(10, 6), torch.tensor([11, 6])),
            (image(10, 6), torch.tensor([10, 7])),
            (image(10, 6), torch.tensor([1, 6])),
            (image(10, 6), torch.tensor([2, 1])),
        ),
    ),
    Program(
        Suppressed,
        (torch.tensor([[0.0, 2], [1, 3], [4, 5], [6, 7]]), scalar(3)),
        (ROWS, None),
        ((torch.tensor([[0.0, 2], [1, 3]]), scalar(1)),),
        (
            (torch.tensor([[0.0, 2], [3, 4]]), scalar(1)),
            (torch.tensor([[0.0, 2], [3, 4]]), scalar(0)),
        ),
    ),
)
