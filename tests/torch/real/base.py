"""What a program of the real corpus is: a public package's model, small, with random weights."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.export import Dim

__all__ = ["AUTO", "Call", "Made", "Real", "batch_of", "real"]

AUTO = Dim.AUTO


@dataclass
class Made:
    """A model with example inputs, and other inputs of other sizes and other data."""

    model: nn.Module
    args: tuple[Any, ...]
    dynamic_shapes: Any = None
    others: Sequence[tuple[Any, ...]] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Real:
    """A program: its name, the packages that it needs besides torch, and how it is made."""

    name: str
    topic: str
    packages: tuple[str, ...]
    make: Callable[[], Made]
    quick: bool = False

    @property
    def installed(self) -> bool:
        """Whether its packages are there, and work with this torch."""
        return all(map(_works, self.packages))

    def made(self) -> Made:
        """The program, the same one each time."""
        torch.manual_seed(0)
        made = self.make()
        made.model.eval()
        return made


@cache
def _works(package: str) -> bool:
    if importlib.util.find_spec(package) is None:
        return False
    try:
        importlib.import_module(package)
    except (ImportError, OSError, RuntimeError):  # (built for another torch)
        return False
    return True


class Call(nn.Module):
    """A function as a model."""

    def __init__(self, function: Callable[..., Any], *modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, *args: Any) -> Any:
        return self.function(*self.parts, *args)


REAL: list[Real] = []


def real(topic: str, *packages: str, quick: bool = False) -> Callable[[Any], Any]:
    """Makes a program of a function that builds it."""

    def registered(make: Callable[[], Made]) -> Callable[[], Made]:
        name = make.__name__
        REAL.append(Real(name, topic, packages, make, quick))
        return make

    return registered


def batch_of(make: Callable[[int], tuple[Any, ...]], seeds: Sequence[int]) -> list[tuple[Any, ...]]:
    """Inputs, made from seeds."""
    found = []
    for seed in seeds:
        torch.manual_seed(seed)
        found.append(make(seed))
    return found
