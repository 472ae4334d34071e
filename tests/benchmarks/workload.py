"""What a workload is, and the list of all of them."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.engines.base import Engine

__all__ = ["EVERYWHERE", "Task", "Workload", "all_workloads"]

EVERYWHERE = ("ours", "ours-expr", "torch", "jax", "tvm")


@dataclass(frozen=True)
class Task:
    """One measurement: `run` is timed; `answer` turns its result into plain data that is
    compared with what is expected; `notes` are told and not compared."""

    run: Callable[[], Any]
    answer: Callable[[Any], Any]
    notes: Callable[[Any], Mapping[str, Any]] = lambda _: {}


@dataclass(frozen=True)
class Workload:
    """A job of several sizes for several engines.

    `prepare` does everything that is not timed. `expected` says what the answer has to be
    (plain Python, no engine); without it all engines that answer must agree with the first.
    `judge` says in words how an answer falls short, or nothing. `aims` are the ratios to be
    reached at the largest size, by peer. Times of the sizes in `quick` are for a first look.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    prepare: Callable[[Engine, int], Task]
    expected: Callable[[int], Any] | None = None
    judge: Callable[[Any, Any], str] | None = None
    engines: tuple[str, ...] = EVERYWHERE
    aims: Mapping[str, float] = field(default_factory=dict)
    growth: bool = True
    timeout: float = 60.0


def all_workloads() -> dict[str, Workload]:
    """The workloads by name, W1 first, those of our own (O1, ...) last."""
    from tests.benchmarks import workloads

    found: list[Workload] = []
    for info in pkgutil.iter_modules(workloads.__path__):
        module = importlib.import_module(f"{workloads.__name__}.{info.name}")
        found += module.WORKLOADS
    return {w.name: w for w in sorted(found, key=_order)}


def _order(workload: Workload) -> tuple[bool, int, str]:
    matched = re.fullmatch(r"([WO])(\d+)(\w*)", workload.name)
    assert matched is not None, workload.name
    return matched[1] == "O", int(matched[2]), matched[3]
