"""CPU time of exporting with our passes against torch alone, on programs that both export.

    python -m tests.torch.real.times [--rounds N] [NAME ...]

Each round exports every program once each way, in one process, the first way in turn. The ratio
of a program is that of the medians.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from statistics import geometric_mean, median
from typing import Any

import torch

from asserts.dialects.torch import installed
from tests.torch.real import REAL
from tests.torch.real.base import Real
from tests.torch.real.running import quietly

ROUNDS = 5


def _seconds(real: Real, context: Callable[[], Any]) -> float:
    made = real.made()
    with quietly():
        begin = time.process_time()
        with context():
            torch.export.export(made.model, made.args, made.kwargs,
                                dynamic_shapes=made.dynamic_shapes)  # fmt: skip
        return time.process_time() - begin


def pair(real: Real, rounds: int) -> tuple[float, float] | None:
    """The medians: torch alone, and with our passes; None if torch does not export it."""
    ways = (nullcontext, lambda: installed(decide=True))
    times: tuple[list[float], list[float]] = [], []
    try:
        for way in ways:  # (what is only done once)
            _seconds(real, way)
    except Exception:  # (a model may raise anything)
        return None
    for turn in range(rounds):
        for which in (0, 1) if turn % 2 else (1, 0):
            times[which].append(_seconds(real, ways[which]))
    return median(times[0]), median(times[1])


def main(arguments: Sequence[str]) -> None:
    """Run, and print a line for each program."""
    given = list(arguments)
    rounds = ROUNDS
    if "--rounds" in given:
        at = given.index("--rounds")
        rounds = int(given[at + 1])
        del given[at : at + 2]
    ratios, alone, with_us = [], 0.0, 0.0
    for real in REAL:
        if not real.installed or (given and real.name not in given):
            continue
        found = pair(real, rounds)
        if found is None:
            continue
        ratios.append(found[1] / found[0])
        alone, with_us = alone + found[0], with_us + found[1]
        print(f"{real.name}: {found[0]:.3f} s, {found[1]:.3f} s, {ratios[-1]:.2f}", flush=True)
    if ratios:
        print(f"{len(ratios)} programs: mean ratio {geometric_mean(ratios):.2f}, largest "
              f"{max(ratios):.2f}, of all time {with_us / alone:.2f}")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
