"""What a program of the corpus comes with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

Inputs = tuple[Any, ...]
DYNAMIC = Dim.DYNAMIC
ROWS = {0: DYNAMIC}


@dataclass(frozen=True, eq=False)
class Program:
    """A module, its example, its dynamic dimensions, and inputs to try: `valid` ones, and
    `invalid` ones each of which breaks one of its checks.

    `undecided` says that torch alone cannot export it, though what it checks decides every
    question.
    """

    make: Callable[[], nn.Module]
    example: Inputs
    shapes: tuple[Any, ...]
    valid: tuple[Inputs, ...] = ()
    invalid: tuple[Inputs, ...] = ()
    undecided: bool = False

    @property
    def name(self) -> str:
        return self.make.__name__


def scalar(value: Any) -> Tensor:
    return torch.tensor(value)


def rows(n: int, width: int = 3) -> Tensor:
    return torch.arange(n * width, dtype=torch.float32).reshape(n, width) - 2.0


def signal(n: int) -> Tensor:
    return rows(n, 1).squeeze(1)


def image(height: int, width: int) -> Tensor:
    return rows(2 * height, width).reshape(2, height, width)


def pages(n: int, size: int) -> Tensor:
    return rows(n * size).reshape(n, size, 3)
