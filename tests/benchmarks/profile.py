"""Where the time of ours goes: ``python -m tests.benchmarks.profile ENGINE WORKLOAD N``.

The functions with the most own time in the timed part of a workload, under `cProfile`
(which makes calls dearer than they are).
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from pathlib import Path

from tests.benchmarks.engines import ENGINES
from tests.benchmarks.workload import all_workloads

__all__ = ["profiled"]

ROOT = Path(__file__).resolve().parents[2]


def profiled(
    engine: str, workload: str, size: int, top: int = 8
) -> list[tuple[str, int, float]]:
    """Function, number of calls, share of the whole in its own code."""
    task = all_workloads()[workload].prepare(ENGINES[engine](), size)
    profile = cProfile.Profile(time.process_time)  # a busy machine is not to blame anybody
    profile.enable()
    task.run()
    profile.disable()
    stats = pstats.Stats(profile)
    figures = stats.stats  # type: ignore[attr-defined]
    whole = sum(entry[2] for entry in figures.values()) or 1.0
    ordered = sorted(figures.items(), key=lambda item: -item[1][2])
    return [(_shown(place), e[1], e[2] / whole) for place, e in ordered[:top]]


def _shown(place: tuple[str, int, str]) -> str:
    path, _, function = place
    if path == "~":
        return function
    file = Path(path)
    name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file.name
    return f"{name}:{function}"


def main() -> None:
    engine, workload, size = sys.argv[1:]
    for name, calls, share in profiled(engine, workload, int(size), 25):
        print(f"{share:6.1%} {calls:9,}  {name}")


if __name__ == "__main__":
    sys.setrecursionlimit(20_000)
    main()
